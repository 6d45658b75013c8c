//! The executor with keepers.

use dayfly_runner::{Keeper, SubprocessRunner};

fn runner() -> SubprocessRunner {
    SubprocessRunner::kept(Keeper::new(env!("CARGO_BIN_EXE_dayfly-job"), ["keep"]))
}

#[tokio::test(flavor = "multi_thread")]
async fn it_conforms() {
    let report = dayfly_testkit::conformance::runner(async || runner()).await;
    assert_eq!(report.skipped, [], "{report}");
}
