//! An executor of one's own is held against the contract of `Runner` by one call.

use dayfly_examples::Nice;
use dayfly_testkit::conformance;

#[tokio::test(flavor = "multi_thread")]
async fn an_executor_that_wraps_another_keeps_the_contract() {
    let report = conformance::runner(async || Nice::new(10).expect("`nice` is on PATH")).await;
    // All else it claims; what it claims and does not keep would have ended the test.
    assert_eq!(report.reasons(), ["it takes no attempt up again"], "{report}");
}
