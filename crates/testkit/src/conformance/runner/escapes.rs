//! What an executor leaves of the processes of an attempt: nothing, as far as its containment reaches.

use dayfly_core::{Containment, End, Runner, Stop};

use super::super::drop_at;
use super::probe::{Mark, Probe};
use super::{Case, Suite, contract};

pub(super) const SENTENCES: &[&str] =
    &[contract::START_DROPPED, contract::HELD_OPEN, contract::NOTHING_LEFT, contract::DROPPED];

/// Adds a byte to the file `beat` again and again, for as long as its process lives and the probe's folder is there:
/// what an executor leaves behind must not be left behind by the suite.
const HEARTBEAT: &str = "while printf x >> beat; do sleep 0.05; done 2>/dev/null";

/// Ends well as soon as `beat` no longer grows, and badly if it always does.
const NO_HEARTBEAT: &str = r#"
size() { wc -c < beat 2>/dev/null || echo 0; }
for round in 1 2 3 4 5 6; do
    before=$(size); sleep 0.5; after=$(size)
    [ "$before" = "$after" ] && exit 0
done
exit 1
"#;

/// The places at which a start is dropped; more than any start waits at.
const PLACES: usize = 12;
/// How often a start may come to its end before all places were found: one that works beside itself does not always wait.
const STARTS: usize = 3;

/// A process that stays behind, and how it does: `HEARTBEAT` stands for what it goes on with.
type Escape = (&'static str, &'static str);

const IN_ITS_GROUP: &[Escape] = &[("a process in its own group", "/bin/sh -c 'HEARTBEAT' &")];

/// It carries the attempt's mark in its environment.
const WITH_ITS_MARK: &[Escape] = &[("a process in a session of its own", "setsid /bin/sh -c 'HEARTBEAT' &")];

const WITHOUT_A_TRACE: &[Escape] = &[
    ("a process whose parents are gone", "(setsid /bin/sh -c '(HEARTBEAT) & exit 0' &)"),
    ("a process with an empty environment", "env -i \"PATH=$PATH\" setsid /bin/sh -c 'HEARTBEAT' &"),
    (
        "one that ignores signals, has no environment and no parents",
        "(env -i \"PATH=$PATH\" setsid /bin/sh -c \
     'trap \"\" TERM HUP INT; (HEARTBEAT) & exit 0' &)",
    ),
];

pub(super) async fn check(suite: &mut Suite<'_>, containment: Containment) {
    suite.check(contract::START_DROPPED, a_dropped_start_leaves_nothing).await;
    suite.check(contract::HELD_OPEN, what_holds_the_output_open_does_not_hold_up_the_end).await;
    for (name, escape) in escapes(containment) {
        for way in [Way::Ends, Way::Stopped, Way::Killed] {
            suite.check(contract::NOTHING_LEFT, async |case| is_gone(case, name, escape, way).await).await;
        }
        suite.check(contract::DROPPED, async |case| is_gone(case, name, escape, Way::Dropped).await).await;
    }
}

/// All from which the containment promises to keep.
fn escapes(containment: Containment) -> impl Iterator<Item = Escape> {
    // Elsewhere than on Linux there is no `setsid`, and nothing is promised beyond the group.
    let left_group: &[Escape] = if cfg!(target_os = "linux") { WITH_ITS_MARK } else { &[] };
    let anything: &[Escape] = if containment >= Containment::Tree { WITHOUT_A_TRACE } else { &[] };
    IN_ITS_GROUP.iter().chain(left_group).chain(anything).copied()
}

/// How an attempt comes to its end.
#[derive(Debug, Clone, Copy)]
enum Way {
    Ends,
    Stopped,
    Killed,
    Dropped,
}

async fn is_gone(case: &Case<'_>, name: &str, escape: &str, way: Way) {
    let escape = escape.replace("HEARTBEAT", HEARTBEAT);
    // What is left behind holds nothing open; that is another sentence.
    let quiet = format!("{{ {escape} }} </dev/null >/dev/null 2>&1");
    let end = if matches!(way, Way::Ends) { "exit 0" } else { "exec sleep 600" };
    let script = format!("{quiet}\nuntil [ -s beat ]; do sleep 0.02; done; echo x > mark; echo ready; {end}");
    let probe = Probe::new("quick", &script);
    let runner = case.runner().await;
    let mut running = case.start(&*runner, &probe).await;
    match way {
        Way::Ends => drop(case.end(&mut *running).await),
        Way::Stopped | Way::Killed => {
            probe.first_line(case, &mut *running).await;
            case.stop(&mut *running, if matches!(way, Way::Killed) { Stop::Kill } else { Stop::Polite }).await;
            case.end(&mut *running).await;
        }
        Way::Dropped => {
            probe.first_line(case, &mut *running).await;
            drop(running);
        }
    }
    case.same(probe.mark(), Mark::Present, "the script ran, and its mark is");
    let gone = heartless(case, &*runner, &probe).await;
    case.holds(gone, format_args!("{name} lives on after an attempt that was like this: {way:?}"));
}

async fn a_dropped_start_leaves_nothing(case: &Case<'_>) {
    let mut started_after_all = 0;
    for place in 1..=PLACES {
        let probe = Probe::new("forever", &format!("echo ready; {HEARTBEAT}"));
        let runner = case.runner().await;
        if let Some(started) = drop_at(place, runner.start(&probe.attempt)).await {
            // It has not waited so often. What runs now is no part of this sentence.
            let mut running = started.unwrap_or_else(|error| case.broken(error));
            case.stop(&mut *running, Stop::Kill).await;
            case.end(&mut *running).await;
            started_after_all += 1;
            if started_after_all == STARTS {
                break;
            }
            continue;
        }
        let gone = heartless(case, &*runner, &probe).await;
        case.holds(gone, format_args!("a process lives on after a drop at the {place}. place where `start` waits"));
    }
}

async fn what_holds_the_output_open_does_not_hold_up_the_end(case: &Case<'_>) {
    let talker = "while printf x >> beat; do echo late; sleep 0.05; done";
    let left = if cfg!(target_os = "linux") { "setsid /bin/sh -c" } else { "/bin/sh -c" };
    let script = format!("{left} '{talker}' & until [ -s beat ]; do sleep 0.02; done; exit 0");
    let probe = Probe::new("quick", &script);
    let runner = case.runner().await;
    let mut running = case.start(&*runner, &probe).await;
    let outcome = case.end(&mut *running).await;
    let told = probe.heard.events().len();
    case.same(outcome.end, End::Succeeded, "the end is");
    let gone = heartless(case, &*runner, &probe).await;
    case.holds(gone || outcome.receipt.leaky, "it is neither gone nor told of");
    case.same(probe.heard.events().len(), told, "after the end the number of events is");
}

/// Whether the processes of `probe` have stopped writing, as another attempt sees it.
async fn heartless(case: &Case<'_>, runner: &dyn Runner, probe: &Probe) -> bool {
    let watcher = probe.watcher(NO_HEARTBEAT);
    case.end(&mut *case.start(runner, &watcher).await).await.end == End::Succeeded
}
