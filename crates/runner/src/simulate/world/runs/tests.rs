//! What becomes of attempts.

use dayfly_core::{AgentName, Config, IssueId, ProjectName, SourceText, Usage};

use crate::simulate::{Quota, Settings};

use super::*;

/// One that is stopped has used what it had used by then.
#[tokio::test(start_paused = true)]
async fn an_attempt_that_is_stopped_is_charged_for_what_it_used() {
    let text = "version = 1\n[agents.claude]\nkind = \"claude\"\n[projects.web]\npath = \"web\"\n";
    let source = SourceText::new("/nowhere/dayfly.toml", text);
    let portfolio = Config::read(&source, &mut |_| Err("there is no file".into())).unwrap().portfolio;
    let vendor = portfolio.agents.values().next().unwrap().vendor(&AgentName::new("claude").unwrap());
    let quota = Quota { five_hours: 1_000_000, week: 1_000_000, early: 0.0 };
    let world = World::new(portfolio.into(), Settings { quota, ..Settings::default() }.into(), None);
    let using = Using::new(vendor, None, None);
    let ask = |tokens: u64| {
        let asked = Asked { using: &using, tokens, flat: true, works: true };
        world.look().vendors.ask(asked, world.time.true_now())
    };
    assert!(matches!(ask(900_000), Grant::Whole));
    let (began, took) = (Instant::now(), Duration::from_secs(600));
    let mut outcome = Outcome::new(End::Succeeded);
    outcome.receipt.usage =
        Usage { input_tokens: 850_000, cached_tokens: 600_000, output_tokens: 50_000, cost_usd: Some(3.0) };
    let id = AttemptId::from_text("web.1.exec.1");
    let run = Run {
        issue: IssueRef::new(ProjectName::new("web").unwrap(), IssueId::new("1").unwrap()),
        tree: "/nowhere/tree".into(),
        began,
        charged: (world.time.true_now(), Some(using.clone())),
        busy: took,
        ends: began + took,
        silent: None,
        commit: None,
        outcome,
        over: false,
        counts: true,
        late: false,
    };
    world.begins(&id, run);
    tokio::time::sleep(took / 5).await;
    world.stop(&id, End::Cancelled, Duration::ZERO);
    let receipt = world.look().runs[&id].outcome.receipt.clone();
    let used = Usage { input_tokens: 170_000, cached_tokens: 120_000, output_tokens: 10_000, cost_usd: Some(0.6) };
    assert!((receipt.usage.cost_usd.unwrap() - 0.6).abs() < 1e-9, "{:?}", receipt.usage);
    assert_eq!((Usage { cost_usd: used.cost_usd, ..receipt.usage }, receipt.took), (used, took / 5));
    assert!(matches!(ask(820_000), Grant::Whole), "the window holds what was not used");
    assert!(!matches!(ask(1_000), Grant::Whole), "and no more");
}
