//! Ends that are a matter of the account, which is parked with them.

use super::*;

#[test]
fn what_is_parked_with_its_account_waits_for_nothing_itself() {
    for end in
        [End::Quota { resets_at: after(7200) }, End::ProviderDown { reason: reason() }, End::Auth { reason: reason() }]
    {
        let mut case = case("exec", end.clone()).knowing(|k| (k.transient_row, k.visit_attempts) = (40, 2));
        case.parked = true;
        assert_eq!(case.shown(), "exec; told commands: from before", "{end}");
    }
}
