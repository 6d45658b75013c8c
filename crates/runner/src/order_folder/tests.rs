use std::os::unix::fs::PermissionsExt as _;

use dayfly_core::{MemoryStore, Target};

use super::*;
use crate::read_all;

struct World {
    orders: OrderFolder,
    store: MemoryStore,
    _dir: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let orders = OrderFolder::of(Utf8Path::from_path(dir.path()).unwrap());
        Self { orders, store: MemoryStore::new(), _dir: dir }
    }

    /// Takes all in, as a command does that finds no engine.
    async fn take_in(&self) -> State {
        let epoch = self.store.take_over().await.unwrap();
        let mut state = State::fold(&read_all(&self.store).await.unwrap()).unwrap();
        self.orders.take_in(&self.store, epoch, &mut state, Timestamp::UNIX_EPOCH).await.unwrap();
        state
    }

    async fn rows(&self) -> usize {
        read_all(&self.store).await.unwrap().len()
    }
}

fn order(id: &str, second: i64) -> Order {
    let at = Timestamp::from_second(second).unwrap();
    Order { id: OrderId::new(id).unwrap(), by: "ann".into(), reason: "a reason".into(), at }
}

fn pause(id: &str, second: i64) -> Request {
    Request::new(order(id, second), Ask::Pause { what: vec![Target::Everything] })
}

#[tokio::test]
async fn an_order_is_taken_in_once_whoever_is_killed_in_between() {
    let world = World::new();
    world.orders.put(&pause("p1", 2)).unwrap();
    world.orders.put(&pause("p0", 1)).unwrap();
    let ids: Vec<String> = world.orders.waiting().iter().map(|r| r.order.id.to_string()).collect();
    assert_eq!(ids, ["p0", "p1"], "the oldest first");
    let state = world.take_in().await;
    assert_eq!((state.control.paused.len(), world.rows().await, world.orders.waiting().len()), (1, 2, 0));
    // As one finds it who was killed between the row and the removal of the file.
    world.orders.put(&pause("p1", 2)).unwrap();
    world.take_in().await;
    assert_eq!((world.rows().await, world.orders.waiting().len()), (2, 0));
}

#[tokio::test]
async fn a_halt_stands_until_the_ledger_says_otherwise() {
    let world = World::new();
    assert!(!world.orders.is_halted());
    assert_eq!(world.orders.stop(order("h1", 1)).unwrap(), order("h1", 1));
    assert_eq!(world.orders.stop(order("h2", 2)).unwrap(), order("h1", 1), "the first one stands");
    let mode = fs::metadata(world.orders.stop_file()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let state = world.take_in().await;
    assert_eq!(state.control.halt, Some(order("h1", 1)));
    assert!(world.orders.is_halted(), "what is in force stays");
    // Who lifts it is killed after the row, and the file stays.
    world.orders.put(&Request::new(order("l1", 3), Ask::Lift)).unwrap();
    let state = world.take_in().await;
    assert_eq!((state.control.halt, world.orders.halt()), (None, None), "its file is cleared away");
    assert_eq!(world.rows().await, 2);
}

#[test]
fn of_several_who_stop_everything_at_once_one_is_the_first_and_nobody_fails() {
    for _ in 0..40 {
        let world = World::new();
        let start = std::sync::Barrier::new(4);
        let stop = &|n: i64| {
            start.wait();
            world.orders.stop(order(&format!("h{n}"), n)).map_err(|err| err.to_string())
        };
        let orders: Vec<_> = std::thread::scope(|scope| {
            let stops: Vec<_> = (0..4).map(|n| scope.spawn(move || stop(n))).collect();
            stops.into_iter().map(|stop| stop.join().unwrap()).collect()
        });
        let standing = world.orders.halt().ok_or_else(String::new);
        assert!(orders.iter().all(|order| *order == standing), "{orders:?}, and {standing:?} stands");
        assert_eq!(world.orders.dir.read_dir_utf8().unwrap().count(), 1, "nothing else is left");
    }
}

#[tokio::test]
async fn a_file_made_by_hand_stops_everything() {
    let world = World::new();
    fs::write(world.orders.stop_file(), "").unwrap();
    let state = world.take_in().await;
    let halt = state.control.halt.unwrap();
    assert_eq!(Some(&halt), world.orders.halt().as_ref());
    assert!(halt.reason.contains("STOP"), "{halt:?}");
}

#[test]
fn what_is_not_understood_is_left_where_it_is() {
    let world = World::new();
    world.orders.put(&pause("p1", 1)).unwrap();
    let newer = Request { version: REQUEST_VERSION + 1, ..pause("p2", 2) };
    world.orders.put(&newer).unwrap();
    let folder = world.orders.dir.join(REQUESTS);
    fs::write(folder.join("p3.json"), "{").unwrap();
    fs::copy(folder.join("p1.json"), folder.join("p4.json")).unwrap();
    let ids: Vec<String> = world.orders.waiting().iter().map(|r| r.order.id.to_string()).collect();
    assert_eq!(ids, ["p1"]);
    assert!(world.orders.has(&newer.order.id));
}
