//! An executor of one's own is held against the contract of `Runner` by one call.

use camino::Utf8Path;
use dayfly_core::Runner as _;
use dayfly_examples::Nice;
use dayfly_testkit::conformance;

#[tokio::test(flavor = "multi_thread")]
async fn an_executor_that_wraps_another_keeps_the_contract() {
    let skipped = conformance::runner(async || Nice::new(10).expect("`nice` is on PATH")).await;
    let claims = Nice::new(10).expect("`nice` is on PATH").capabilities();
    assert!(claims.exit_status && claims.limits, "so neither may be among what was skipped: {skipped:?}");
    assert!(skipped.iter().any(|what| what == "reattach: it takes no attempt up again"), "{skipped:?}");
    assert!(Utf8Path::new("/proc/self").exists() == (skipped.len() == 1), "only Linux checks everything: {skipped:?}");
}
