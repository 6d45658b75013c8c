//! `dayfly inbox`: what needs you.

use dayfly_core::{Card, CardId, Clock as _, Filter, Store as _, attempts, cards};
use dayfly_runner::SystemClock;
use jiff::Timestamp;

use crate::context::Context;
use crate::error::{CliError, Exit};
use crate::output::Output;
use crate::tables::{columns, count, cut, one_line, span, time};

pub(crate) async fn run(
    output: &Output,
    context: &Context,
    card: Option<&str>,
    project: Option<&str>,
) -> Result<Exit, CliError> {
    let project = project.map(|p| context.project(Some(p))).transpose()?;
    let mut open = open(context).await?;
    open.retain(|card| project.as_ref().is_none_or(|project| *project == card.project));
    let now = SystemClock.now();
    if let Some(name) = card {
        let card = named(context, open, name).await?;
        output.data(&card, || whole(&card, now))?;
    } else {
        output.data(&open, || list(&open, now))?;
    }
    Ok(Exit::Good)
}

/// The open cards, the most urgent first.
pub(super) async fn open(context: &Context) -> Result<Vec<Card>, CliError> {
    let overview = context.overview(Filter::default()).await?;
    let short = cards(&overview.input(), &overview.plan, &[]);
    let mut past = Vec::new();
    if let Some(store) = context.read_store()? {
        for card in &short {
            past.extend(store.about(&card.issue).await?);
        }
    }
    let lines = attempts(&past).map_err(|err| CliError::environment("the ledger cannot be read").with_source(err))?;
    Ok(cards(&overview.input(), &overview.plan, &lines))
}

/// The card that a name is of: its id, or its issue.
pub(super) async fn named(context: &Context, open: Vec<Card>, name: &str) -> Result<Card, CliError> {
    let found = match CardId::read(name) {
        Some(id) => open.into_iter().find(|card| card.id == id),
        None => {
            let issue = context.issue(name).await?;
            open.into_iter().find(|card| card.issue == issue)
        }
    };
    found.ok_or_else(|| {
        CliError::usage(format!("there is no open card {name}"))
            .hint("`dayfly inbox` lists the open ones; `dayfly why ISSUE` says where an issue stands")
    })
}

fn list(open: &[Card], now: Timestamp) -> String {
    if open.is_empty() {
        return "Nothing needs you.".into();
    }
    let mut text = String::new();
    for card in open {
        let asked = format!("since {}", time(card.asked_at, now));
        let cells = [card.id.to_string(), card.issue.to_string(), card.kind.word().to_owned(), asked, due(card, now)];
        text.push_str(&columns(&[cells.to_vec()]));
        text.push_str(&format!("    {}: {}\n", cut(&card.context.title, 40), cut(&card.question, 100)));
        text.push_str(&format!("    dayfly answer {} {}\n", card.issue, ways(card)));
        if let Some(remedy) = card.remedy.as_ref().filter(|_| !card.free) {
            text.push_str(&format!("    what helps: {}\n", one_line(remedy)));
        }
    }
    text.push_str(&format!("{}; `dayfly inbox CARD` shows one whole.", count(open.len(), "card")));
    text
}

/// What becomes of it without an answer, and when.
fn due(card: &Card, now: Timestamp) -> String {
    match (card.expires_at, &card.default) {
        (Some(at), Some(default)) if card.takes_default => {
            format!("{} is taken at {}", one_line(default), time(at, now))
        }
        (Some(at), _) if card.overdue => format!("overdue since {}", time(at, now)),
        _ => String::new(),
    }
}

/// The words that answer it.
fn ways(card: &Card) -> String {
    let words = card.options.iter().map(|option| one_line(&option.word));
    words.chain(card.free.then(|| "TEXT".to_owned())).collect::<Vec<_>>().join(" | ")
}

/// The options in a line each.
pub(super) fn options(card: &Card) -> String {
    let rows = card.options.iter().enumerate().map(|(at, option)| {
        let default = if card.default.as_ref() == Some(&option.word) { " (the default)" } else { "" };
        let word = format!("{}{default}", one_line(&option.word));
        vec![format!("  {}", at + 1), word, one_line(&option.follows)]
    });
    columns(&rows.collect::<Vec<_>>())
}

fn whole(card: &Card, now: Timestamp) -> String {
    let facts = &card.context;
    let mut text = format!("{}  {} of {}: {}\n", card.id, card.kind.word(), card.issue, one_line(&facts.title));
    let due = due(card, now);
    let due = if due.is_empty() { due } else { format!("; {due}") };
    text.push_str(&format!("asked {}{due}\n\n{}\n\n", time(card.asked_at, now), card.question.trim()));
    text.push_str(&options(card));
    if card.free {
        text.push_str("  or in words of your own\n");
    }
    if let Some(remedy) = card.remedy.as_ref().filter(|_| !card.free) {
        text.push_str(&format!("\nwhat helps: {}\n", one_line(remedy)));
    }
    let used = [
        count(facts.attempts as usize, "attempt"),
        format!("{} tokens", facts.tokens),
        format!("${:.2}", facts.usd_micros as f64 / 1e6),
        format!("{} of agents", span(facts.agent_time)),
    ];
    let mut rows = vec![vec!["stage".to_owned(), facts.stage.to_string()], vec!["so far".to_owned(), used.join(", ")]];
    let mut fact = |name: &str, value: Option<String>| {
        rows.extend(value.map(|value| vec![name.to_owned(), one_line(&value)]));
    };
    fact("came back", facts.feedback.as_ref().map(|back| format!("{}: {}", back.gate, back.reason)));
    fact("branch", facts.branch.clone());
    fact("commit", facts.commit.clone());
    fact("pull request", facts.pull.clone());
    fact("issue", facts.url.clone());
    for end in &facts.ends {
        fact("attempt", Some(format!("{}: {}; `dayfly logs {}`", end.attempt, end.detail, end.attempt)));
    }
    text.push_str(&format!("\n{}\ndayfly answer {} {}\n", columns(&rows), card.id, ways(card)));
    text
}
