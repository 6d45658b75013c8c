//! What a vendor's servers do, and how long dayfly waits for it.

use camino::{Utf8Path, Utf8PathBuf};
use dayfly_testkit::model::{Scenario, Step};
use jiff::{SignedDuration, Timestamp};

use crate::clis::{Cli, Login};

/// What the good work writes.
pub(crate) const WORK: (&str, &str) = ("done.txt", "It is done.\n");

/// What a case must know of the run it is played in.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) resets_at: Timestamp,
    /// The working copy. Not every command line is started in it.
    pub(crate) copy: Utf8PathBuf,
}

/// One thing that servers do.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) what: &'static str,
    steps: fn(&Place) -> Scenario,
    pub(crate) login: Login,
    pub(crate) wall: &'static str,
    pub(crate) silence: &'static str,
}

const fn case(name: &'static str, what: &'static str, steps: fn(&Place) -> Scenario) -> Case {
    Case { name, what, steps, login: Login::Key, wall: "150s", silence: "150s" }
}

impl Case {
    /// With its own limits, where the command line does not end by itself in any time that matters.
    const fn within(self, wall: &'static str, silence: &'static str) -> Self {
        Self { wall, silence, ..self }
    }

    const fn by(self, login: Login) -> Self {
        Self { login, ..self }
    }

    /// What the server plays.
    pub(crate) fn scenario(&self, place: &Place) -> Scenario {
        (self.steps)(place)
    }

    /// Whether the case can be played to a command line.
    pub(crate) fn is_for(&self, cli: &Cli) -> bool {
        // Only with a login of that kind does Claude Code look at the headers of a subscription's limit.
        self.login == Login::Key || cli.name == "claude"
    }
}

/// When limits with a time come back: on a full minute, because some vendors print no more than that.
pub(crate) fn resets_at() -> Timestamp {
    let soon = Timestamp::now() + SignedDuration::from_hours(3);
    Timestamp::from_second(soon.as_second() / 60 * 60).unwrap()
}

fn always(step: Step) -> Scenario {
    Scenario::always(step)
}

/// Does the issue: by an editor and a shell, and commits.
pub(crate) fn work(copy: &Utf8Path) -> Scenario {
    Scenario::of([
        Step::edit(copy.join(WORK.0), WORK.1),
        Step::shell(format!("cd {copy} && git add {} && git commit --quiet --message 'Do it'", WORK.0)),
        Step::answer("It is done."),
    ])
}

fn limited(retry_after: Option<u64>) -> Scenario {
    always(Step::RateLimited { retry_after })
}

/// In the order of the table.
pub(crate) const CASES: [Case; 24] = [
    case("work", "a file is written, committed, and the turn ends", |place| work(&place.copy)),
    case("answer", "only words", |_| Scenario::answer("There is nothing to do.")),
    case("flaky", "503 once, and then the work", |place| work(&place.copy).after(1, &Step::status(503))),
    case("429-after-1", "429 with retry-after 1, always", |_| limited(Some(1))),
    case("429-after-7200", "429 with retry-after 7200, always", |_| limited(Some(7200))).within("40s", "40s"),
    case("429", "429 without retry-after, always", |_| limited(None)).within("5m", "5m"),
    case("usage-limit", "the limit of a subscription or a day, with its reset", |place| {
        always(Step::UsageLimit { resets_at: place.resets_at })
    }),
    case("usage-limit-login", "the same, logged in as a subscription", |place| {
        always(Step::UsageLimit { resets_at: place.resets_at })
    })
    .by(Login::Subscription),
    case("529", "overloaded, always", |_| always(Step::Overloaded)),
    case("overloaded-stream", "the stream tells of an overload, always", |_| always(Step::StreamError)),
    case("500", "500, always", |_| always(Step::status(500))),
    case("503", "503, always", |_| always(Step::status(503))),
    case("401", "the key is refused", |_| always(Step::Unauthorised)),
    case("403", "the key may not do this", |_| always(Step::Forbidden)),
    case("403-quota", "403 that means a used-up quota", |_| always(Step::ForbiddenQuota)),
    case("404", "no such model", |_| always(Step::NoSuchModel)),
    case("too-long", "the prompt is too long", |_| always(Step::PromptTooLong)),
    case("refusal", "the model's safeguards refuse", |_| always(Step::Refusal)),
    case("max-tokens", "the bound of the output ends the answer", |_| always(Step::MaxTokens)),
    case("html", "success, with a page instead of an answer", |_| always(Step::Html)).within("60s", "60s"),
    case("cut", "the stream is cut, always", |_| always(Step::CutInStream)),
    case("cut-head", "the connection is cut before the status, always", |_| always(Step::CutBeforeHead)),
    case("hang", "nothing is answered", |_| always(Step::Hang)).within("20s", "20s"),
    case("stall", "the stream begins, and stays so", |_| always(Step::Stall)).within("150s", "12s"),
];
