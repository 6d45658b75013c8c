//! `dayfly capacity`: what agents can take now, and what keeps work away from them.

use dayfly_core::{
    AccountName, Batch, CapacityKey, CapacityLine, CapacityReport, Clock as _, Event, Filter, LimitWhy, OpenedBy,
    Store as _, Strength, VendorName, capacity,
};
use dayfly_runner::{SqliteStore, StateLock, SystemClock};
use jiff::Timestamp;

use crate::args::CapacityCommand;
use crate::context::Context;
use crate::error::{CliError, Exit};
use crate::output::Output;
use crate::tables::{columns, count, one_line, time};

use super::usage::budget_rows;

pub(crate) async fn run(
    output: &Output,
    context: &Context,
    command: Option<CapacityCommand>,
) -> Result<Exit, CliError> {
    if let Some(CapacityCommand::Open { what }) = command {
        return open(output, context, &what).await;
    }
    let overview = context.overview(Filter::default()).await?;
    let report = capacity(&overview.input());
    output.data(&report, || text(&report))?;
    Ok(Exit::Good)
}

fn text(report: &CapacityReport) -> String {
    let now = report.at;
    let mut text = String::new();
    for line in &report.lines {
        let agents: Vec<&str> = line.agents.iter().map(|agent| agent.as_str()).collect();
        let live = if line.live == 0 { String::new() } else { format!("; {} running", count(line.live, "attempt")) };
        text.push_str(&format!("{}  {}{live}  (agent {})\n", line.using, stands(line, now), agents.join(", ")));
        if let Some(limit) = &line.limit {
            text.push_str(&format!("    since {}: {}\n", time(limit.since, now), one_line(&limit.said)));
            if limit.probes > 0 {
                let probed = limit.probed.map(|at| format!(", last at {}", time(at, now))).unwrap_or_default();
                text.push_str(&format!("    tried {}{probed}\n", count(limit.probes as usize, "time")));
            }
        }
        for (name, window) in &line.windows {
            let resets = window.resets.map(|at| format!(", begins anew {}", time(at, now))).unwrap_or_default();
            let at = time(window.at, now);
            text.push_str(&format!(
                "    {name}  {} {:.0} %{resets} (heard {at})\n",
                bar(window.used),
                window.used * 100.0
            ));
        }
    }
    if text.is_empty() {
        text.push_str("No stage names an agent.\n");
    }
    let budgets = columns(&budget_rows(&report.budgets, now));
    if !budgets.is_empty() {
        text.push_str(&format!("\nBudgets\n{budgets}"));
    }
    text
}

fn stands(line: &CapacityLine, now: Timestamp) -> String {
    let Some(limit) = &line.limit else { return "takes work".into() };
    let why = match limit.why {
        LimitWhy::Quota => "quota used up",
        LimitWhy::Down => "provider down",
        LimitWhy::Auth => "credentials refused",
        LimitWhy::Correlated => "left alone, because issues failed alike",
        _ => limit.why.word(),
    };
    if line.standing == "trial" {
        return format!("{why}, and its time is over: one attempt tries");
    }
    let until = match (limit.until, limit.strength) {
        (None, _) => format!(", until you have acted: `dayfly capacity open {}`", limit.key.argument()),
        (Some(at), Strength::Guessed) => format!(", looked at again {}", time(at, now)),
        (Some(at), _) => format!(" until {}", time(at, now)),
    };
    let probe = line.probe.map(|at| format!(", next tried {}", time(at.max(now), now))).unwrap_or_default();
    format!("{why}{until}{probe}")
}

/// Ten characters that show a part of 1.
fn bar(used: f64) -> String {
    let full = (used.clamp(0.0, 1.0) * 10.0).round() as usize;
    format!("{}{}", "█".repeat(full), "░".repeat(10 - full))
}

/// Takes what a person says for true: that something takes work again.
async fn open(output: &Output, context: &Context, what: &str) -> Result<Exit, CliError> {
    let key = key(context, what)?;
    let lock = StateLock::take(&context.config.portfolio.state_dir).map_err(|err| {
        let err = CliError::from(err);
        err.hint("a run tries by itself; otherwise stop it, say this, and start it again")
    })?;
    let store = SqliteStore::open(&context.ledger())?;
    let state = store.load().await?;
    let known: Vec<String> = state
        .capacity
        .limits
        .iter()
        .filter(|l| l.key.overlaps(&key))
        .map(|l| format!("{}: {}", l.key, l.said))
        .collect();
    if known.is_empty() {
        if output.json {
            output.data(&known, String::new)?;
        }
        output.say(&format!("nothing is known that keeps work away from {key}"));
        return Ok(Exit::Good);
    }
    let epoch = store.take_over().await?;
    let event = Event::CapacityOpened { key: key.clone(), by: OpenedBy::Person, began: None, works: true };
    store.append(&Batch { epoch, at: SystemClock.now(), events: vec![event], conditions: Vec::new() }).await?;
    drop(lock);
    output.data(&known, || format!("{key} takes work again, as you say. Forgotten:\n  {}", known.join("\n  ")))?;
    Ok(Exit::Good)
}

/// `VENDOR`, `VENDOR/ACCOUNT` or either with `:MODEL`; an agent's name means its vendor.
fn key(context: &Context, what: &str) -> Result<CapacityKey, CliError> {
    // As it is shown, with the model in brackets, or as it is usually written.
    let shown = what.strip_suffix(')').and_then(|what| what.split_once(" ("));
    let (place, model) = match shown.or_else(|| what.split_once(':')) {
        Some((place, model)) => (place, Some(model.to_owned())),
        None => (what, None),
    };
    let (vendor, account) = match place.split_once('/') {
        Some((vendor, account)) => (vendor, Some(account)),
        None => (place, None),
    };
    let agents = &context.config.portfolio.agents;
    let of_agent = agents.iter().find(|(name, _)| name.as_str() == vendor).map(|(name, agent)| agent.vendor(name));
    let vendor = match of_agent {
        Some(vendor) => vendor,
        None => VendorName::new(vendor).map_err(|err| CliError::usage(err.to_string()))?,
    };
    if !agents.iter().any(|(name, agent)| agent.vendor(name) == vendor) {
        let there: Vec<String> = agents.iter().map(|(name, agent)| agent.vendor(name).to_string()).collect();
        return Err(CliError::usage(format!("no agent works with `{vendor}`"))
            .hint(format!("write VENDOR, VENDOR/ACCOUNT or VENDOR/ACCOUNT:MODEL; there are {}", there.join(", "))));
    }
    let account = account.map(AccountName::new).transpose().map_err(|err| CliError::usage(err.to_string()))?;
    let accounts = &context.config.portfolio.accounts;
    let of_vendor = accounts.iter().filter(|(_, config)| config.vendor == vendor).map(|(name, _)| name.as_str());
    let there: Vec<&str> = of_vendor.chain(["default"]).collect();
    if let Some(unknown) = account.as_ref().filter(|account| !there.contains(&account.as_str())) {
        return Err(CliError::usage(format!("there is no account `{unknown}` at {vendor}"))
            .hint(format!("there are {}", there.join(", "))));
    }
    Ok(CapacityKey { vendor, account, model })
}
