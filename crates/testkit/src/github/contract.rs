//! What a GitHub does, as a suite that any GitHub can be held against: this one, github.com, or an Enterprise Server.
//!
//! The suite works over HTTP alone, in a repository that may be played with. It opens issues there and closes them, and
//! leaves behind a label, closed issues and comments.

mod client;
mod issues;
mod lists;
mod relations;

use std::fmt;

use serde_json::Value;

pub use client::{Client, Response};

/// What came of a suite: each sentence, and whether it holds.
#[derive(Debug, Default)]
pub struct Report {
    outcomes: Vec<(&'static str, Outcome)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Outcome {
    Holds,
    /// This GitHub cannot do what the sentence is about.
    Skipped(String),
    /// What was seen instead.
    Broken(String),
}

/// Why a sentence could not be seen to hold.
#[derive(Debug)]
enum Doubt {
    Absent(String),
    Wrong(String),
}

/// One sentence, and how it is tried.
type Sentence = (&'static str, fn(&Ground<'_>) -> Result<(), Doubt>);

/// Where the suite plays.
#[derive(Debug)]
struct Ground<'a> {
    client: &'a Client,
    /// The path of the repository.
    repo: String,
    /// Makes what is made here different from what is there already.
    mark: String,
}

/// Holds a GitHub against the suite, in a repository `owner/name` in which the client's token may push.
///
/// `mark` makes the titles of one run different from those of all others.
///
/// # Panics
/// If the repository cannot be read.
pub fn run(client: &Client, repo: &str, mark: &str) -> Report {
    let ground = Ground { client, repo: format!("/repos/{repo}"), mark: mark.to_owned() };
    let seen = client.get(&ground.repo);
    assert_eq!(seen.status, 200, "{repo} cannot be read: {}", seen.body);
    let sentences = [issues::SENTENCES, lists::SENTENCES, relations::SENTENCES].concat();
    let outcomes = sentences.into_iter().map(|(sentence, try_it)| {
        let outcome = match try_it(&ground) {
            Ok(()) => Outcome::Holds,
            Err(Doubt::Absent(why)) => Outcome::Skipped(why),
            Err(Doubt::Wrong(seen)) => Outcome::Broken(seen),
        };
        (sentence, outcome)
    });
    Report { outcomes: outcomes.collect() }
}

impl Report {
    /// The sentences that do not hold.
    pub fn broken(&self) -> Vec<&'static str> {
        let broken = self.outcomes.iter().filter(|(_, outcome)| matches!(outcome, Outcome::Broken(_)));
        broken.map(|(sentence, _)| *sentence).collect()
    }

    /// The sentences that could not be tried.
    pub fn skipped(&self) -> Vec<&'static str> {
        let skipped = self.outcomes.iter().filter(|(_, outcome)| matches!(outcome, Outcome::Skipped(_)));
        skipped.map(|(sentence, _)| *sentence).collect()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (sentence, outcome) in &self.outcomes {
            match outcome {
                Outcome::Holds => writeln!(f, "holds    {sentence}")?,
                Outcome::Skipped(why) => writeln!(f, "skipped  {sentence}: {why}")?,
                Outcome::Broken(seen) => writeln!(f, "BROKEN   {sentence}: {seen}")?,
            }
        }
        Ok(())
    }
}

impl Ground<'_> {
    fn get(&self, below: &str) -> Response {
        self.client.get(&format!("{}{below}", self.repo))
    }

    fn call(&self, method: &str, below: &str, body: &Value) -> Response {
        self.client.call(method, &format!("{}{below}", self.repo), body)
    }

    /// Opens an issue, and gives it.
    fn issue(&self, title: &str) -> Result<Value, Doubt> {
        let body = serde_json::json!({ "title": format!("{title} ({})", self.mark), "body": "Made by a test." });
        let made = self.call("POST", "/issues", &body);
        expect(made.status == 201, || format!("{} {}", made.status, made.body))?;
        Ok(made.body)
    }

    fn close(&self, issue: &Value) {
        let path = format!("/issues/{}", issue["number"]);
        self.call("PATCH", &path, &serde_json::json!({ "state": "closed", "state_reason": "not_planned" }));
    }
}

fn expect(holds: bool, seen: impl FnOnce() -> String) -> Result<(), Doubt> {
    if holds { Ok(()) } else { Err(Doubt::Wrong(seen())) }
}

/// The status of an answer is as it should be.
fn status(answer: &Response, wanted: u16) -> Result<(), Doubt> {
    expect(answer.status == wanted, || format!("{} where {wanted} should be: {}", answer.status, answer.body))
}

/// A value is as it should be.
fn same(what: &str, seen: &Value, wanted: &Value) -> Result<(), Doubt> {
    expect(seen == wanted, || format!("{what} is {seen} and not {wanted}"))
}
