//! What an engine does when a person orders something.

use dayfly_core::{Ask, Event, ProcessIdentity, Quit, Request, Stop};
use jiff::Timestamp;

use super::super::model::{Command, Input, Model, Report};
use super::take;

/// Takes an order in. What is to be recorded comes first.
pub(in super::super) fn order(
    model: &mut Model,
    request: &Request,
    own: Option<&ProcessIdentity>,
    now: Timestamp,
) -> Vec<Command> {
    if let Ask::End { engine, how } = &request.ask {
        // One for an engine before this one came too late.
        return if own == Some(engine) { end(model, *how, now) } else { Vec::new() };
    }
    let Some(event) = request.event(&model.state) else { return Vec::new() };
    let follows = match &event {
        Event::Halted { .. } => {
            model.halted = true;
            take(model, Input::Stop(Stop::Kill), now)
        }
        Event::Cancelled { attempt: Some(attempt), .. } => vec![Command::StopOne(attempt.clone())],
        _ => Vec::new(),
    };
    let mut commands = vec![Command::Append(vec![event], Vec::new())];
    commands.extend(follows);
    commands
}

fn end(model: &mut Model, how: Quit, now: Timestamp) -> Vec<Command> {
    match how {
        Quit::Drain if model.admitting => {
            (model.admitting, model.draining) = (false, true);
            vec![Command::Report(Report::Draining)]
        }
        Quit::Drain => Vec::new(),
        Quit::Polite => take(model, Input::Stop(Stop::Polite), now),
        Quit::Kill => take(model, Input::Stop(Stop::Kill), now),
    }
}
