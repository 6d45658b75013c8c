//! `dayfly answer`: what a person says to a card, as an order.

use dayfly_core::{Ask, CANCEL, Card, HAND_OVER, Request, Target, reply};
use dayfly_runner::StateLock;
use serde::Serialize;

use crate::context::Context;
use crate::error::{CliError, Exit};
use crate::orders::{give_request, order};
use crate::output::Output;
use crate::tables::one_line;

use super::inbox::{named, open, options};
use super::issue::text;

/// What was said to which card.
pub(crate) struct Given {
    pub(crate) card: String,
    pub(crate) answer: Vec<String>,
    pub(crate) because: Option<String>,
}

/// What became of it.
#[derive(Debug, Serialize)]
struct Answered {
    card: String,
    issue: dayfly_core::IssueRef,
    /// The option, where it was one.
    option: Option<String>,
    /// What was said.
    answer: String,
}

pub(crate) async fn run(output: &Output, context: &Context, given: Given) -> Result<Exit, CliError> {
    let card = named(context, open(context).await?, &given.card).await?;
    let said = text(given.answer.join(" "))?.trim().to_owned();
    let option = card.pick(&said).map(|option| option.word.clone());
    let number = said.parse::<u64>().is_ok() && !card.options.is_empty();
    // A number that is none of the options' is a slip; other words are an answer to a question.
    if said.is_empty() || (option.is_none() && (number || !card.free)) {
        return Err(wrong(&card, &said));
    }
    let said = option.clone().unwrap_or(said);
    let request = request(context, &card, &said, given.because.as_deref())?;
    if !give_request(context, &request).await?.taken {
        return Err(CliError::trouble(format!("{} is not open any more", card.id)).hint(format!(
            "`dayfly inbox {}` shows what is asked now, `dayfly why {}` where it stands",
            card.issue, card.issue
        )));
    }
    let answered = Answered { card: card.id.to_string(), issue: card.issue.clone(), option, answer: said.clone() };
    let engine = StateLock::holder(&context.config.portfolio.state_dir).is_some();
    output.data(&answered, || follows(&card, &said, engine))?;
    Ok(Exit::Good)
}

/// The order that an answer is.
fn request(context: &Context, card: &Card, said: &str, because: Option<&str>) -> Result<Request, CliError> {
    let issue = card.issue.clone();
    let why = because.map(|because| format!(": {because}")).unwrap_or_default();
    if card.free || (said != CANCEL && said != HAND_OVER) {
        let order = order(because.unwrap_or("it is answered"));
        let ask = reply(&context.config.portfolio.labels, &order, card, said, because);
        return Ok(Request::new(order, ask));
    }
    if said == HAND_OVER {
        let order = order(&format!("the work is taken over{why}"));
        return Ok(Request::new(order, Ask::Pause { what: vec![Target::Issue(issue)] }));
    }
    let because = because.ok_or_else(|| CliError::usage("say why it is cancelled").hint("--because TEXT"))?;
    Ok(Request::new(order(because), Ask::Cancel { issue, attempt: None }))
}

fn wrong(card: &Card, said: &str) -> CliError {
    let err = match said {
        "" => CliError::usage(format!("what is the answer to: {}", one_line(&card.question))),
        said => CliError::usage(format!("`{}` is none of the options of {}", one_line(said), card.id)),
    };
    let err = options(card).lines().fold(err, |err, option| err.hint(option.trim()));
    if card.free { err.hint("words of your own are an answer, too") } else { err }
}

fn follows(card: &Card, said: &str, engine: bool) -> String {
    let issue = &card.issue;
    if !card.free && (said == CANCEL || said == HAND_OVER) {
        return format!("{issue}: left alone; `dayfly resume {issue}` lets it go on");
    }
    let goes = if engine { "the engine" } else { "the next `dayfly run`" };
    let did = if card.free { format!("answered: {}", one_line(said)) } else { "let go on".to_owned() };
    format!("{issue}: {did}; {goes} takes it up")
}
