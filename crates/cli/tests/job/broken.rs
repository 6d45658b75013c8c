//! A ledger that fails for good while attempts run: what keepers hold is left to the next engine.

use std::fs;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::{Config, Event, Filter, SourceText};
use dayfly_runner::{
    Engine, EngineError, Keeper, Notice, Progress, RunOptions, SqliteStore, StateLock, Until, attempt_dir, is_kept,
};
use dayfly_testkit::store::{FaultyStore, StoreFault};
use tokio::sync::mpsc;

/// The first issue's agent works until it may go, the second one's until the ledger is broken.
const AGENT: &str = "echo \"$DAYFLY_ATTEMPT\" >>../starts; case $DAYFLY_ISSUE in 1) f=go ;; *) f=broken ;; esac; \
                     while [ ! -e ../$f ]; do sleep 0.05; done; echo \"$DAYFLY_ATTEMPT\" >>../ends";

fn world(root: &Utf8Path) -> Utf8PathBuf {
    fs::create_dir_all(root.join("issues/work")).unwrap();
    fs::create_dir(root.join("work")).unwrap();
    for id in [1, 2] {
        let text = format!("+++\nid = {id}\ntitle = \"Issue {id}\"\n+++\n");
        fs::write(root.join(format!("issues/work/{id}.md")), text).unwrap();
    }
    let file = root.join("dayfly.toml");
    let config = format!(
        "version = 1\npipeline = [\"exec\"]\n\n[agents.script]\nkind = \"command\"\nargv = [\"sh\", \"-c\", {AGENT:?}]\n\n\
         [stages.exec]\ngates = []\n\n[projects.work]\npath = \"work\"\nrepository = false\nconcurrency = 2\n"
    );
    fs::write(&file, config).unwrap();
    file
}

#[test]
fn what_keepers_hold_outlives_a_ledger_that_broke_and_is_taken_up_once() {
    let folder = tempfile::tempdir().unwrap();
    let root = Utf8Path::from_path(folder.path()).unwrap().canonicalize_utf8().unwrap();
    let file = world(&root);
    let text = fs::read_to_string(&file).unwrap();
    let portfolio = Config::read(&SourceText::new(&file, text), &mut |_| Err("none".into())).unwrap().portfolio;
    let lock = StateLock::take(&portfolio.state_dir).unwrap();
    let store = SqliteStore::open(&portfolio.state_dir.join("ledger.sqlite")).unwrap();
    let store = FaultyStore::new(Arc::new(store));
    let (faults, broken) = (store.clone(), root.join("broken"));
    let progress = Progress::new(move |notice| {
        if let Notice::Event(_, Event::AttemptSpawned { attempt, .. }) = notice
            && attempt.as_str().starts_with("work.1.")
        {
            faults.begin(StoreFault::Broken);
            fs::write(&broken, "").unwrap();
        }
    });
    let keeper = Keeper::new(env!("CARGO_BIN_EXE_dayfly-job"));
    let engine = Engine::builder(portfolio.clone()).store(Arc::new(store)).tag(lock.tag()).keeper(keeper);
    let engine = engine.progress(progress).build();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let (_asked, mut shutdown) = mpsc::channel(1);
    let until = Until::Idle { patience: Duration::from_secs(1) };
    let run = engine.run(RunOptions { until, filter: Filter::default() }, &mut shutdown);
    let ended = runtime.block_on(async { tokio::time::timeout(Duration::from_secs(30), run).await });
    let err = ended.expect("the engine goes on without a ledger").unwrap_err();
    assert!(matches!(err, EngineError::Store(_)), "{err}");
    drop((engine, runtime, lock));

    let first = dayfly_core::AttemptId::from_text("work.1.exec.1");
    assert!(is_kept(&attempt_dir(&portfolio, &first)), "its keeper goes on");
    fs::write(root.join("go"), "").unwrap();
    let mut next = Command::new(env!("CARGO_BIN_EXE_dayfly"));
    let next = next.args(["run", "--until-idle"]).current_dir(&root).env_remove("DAYFLY_CONFIG").output().unwrap();
    let said = String::from_utf8_lossy(&next.stderr).into_owned();
    assert_eq!(next.status.code(), Some(0), "{said}");
    assert!(said.contains("work.1.exec.1  is taken up from an earlier engine"), "{said}");
    for what in ["starts", "ends"] {
        let lines = fs::read_to_string(root.join(what)).unwrap();
        let mut lines: Vec<&str> = lines.lines().collect();
        lines.sort_unstable();
        assert_eq!(lines, ["work.1.exec.1", "work.2.exec.1"], "{what}: {said}");
    }
}
