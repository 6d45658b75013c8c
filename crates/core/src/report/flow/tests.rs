mod page;
mod sample;
mod told;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::{
    AccountName, AttemptId, Billing, CapacityKey, Commit, Config, Digest, EffectId, End, Epoch, Event, Feedback,
    Filter, GateFailure, GateResult, IssueRef, JobSpec, LimitWhy, Limited, Next, OpenedBy, Outcome, Receipt,
    SourceText, StageName, State, Strength, Token, TrackerKind, Usage, VendorName, Verdict,
};

const CONFIG: &str = r#"
version = 1
[agents.a]
kind = "command"
argv = ["a"]
[projects.docs]
path = "docs"
[projects.web]
path = "web"
"#;

/// A ledger that is written as it goes, with a clock of its own.
struct Tale {
    records: Vec<Record>,
    now: Timestamp,
    claims: u32,
}

/// How an attempt goes.
struct Try {
    agent: Option<&'static str>,
    title: &'static str,
    usage: Usage,
    billing: Billing,
    model: Option<&'static str>,
    minutes: u64,
    gates: Vec<GateResult>,
    substitution: Option<&'static str>,
}

impl Default for Try {
    fn default() -> Self {
        let usage = Usage { input_tokens: 900, output_tokens: 100, cost_usd: Some(0.5), ..Usage::default() };
        Self {
            agent: Some("a"),
            title: "Be done",
            usage,
            billing: Billing::ApiKey,
            model: Some("m1"),
            minutes: 10,
            gates: Vec::new(),
            substitution: None,
        }
    }
}

impl Tale {
    fn new(start: &str) -> Self {
        Self { records: Vec::new(), now: start.parse().unwrap(), claims: 0 }
    }

    fn wait(&mut self, minutes: u64) -> &mut Self {
        self.now += SignedDuration::from_mins(i64::try_from(minutes).unwrap());
        self
    }

    fn tell(&mut self, event: &Event) -> &mut Self {
        let after = Seq(self.records.len() as u64);
        self.records.push(Record::next(after, &Digest::zero(), Epoch(1), self.now, event));
        self
    }

    fn start(&mut self, issue: &str, stage: &str, how: &Try) -> AttemptId {
        self.claims += 1;
        let (issue, stage) = (IssueRef::try_from(issue.to_owned()).unwrap(), StageName::new(stage).unwrap());
        let attempt = AttemptId::new(&issue, &stage, self.claims);
        let secs = serde_json::json!({ "secs": 1, "nanos": 0 });
        let job: JobSpec = serde_json::from_value(serde_json::json!({
            "kind": "stage", "issue": issue, "title": how.title, "milestone": null, "stage": stage, "run": "agent",
            "agent": how.agent, "vendor": how.agent, "model": null, "prompt": "", "access": "write",
            "answer": "none", "effects": [], "children": 8, "base": null, "start": null, "admission": [], "gates": [],
            "protected": [], "diff_lines": 1, "wall": secs, "silence_report": secs, "silence": secs, "grace": secs,
            "gate_timeout": secs,
        }))
        .unwrap();
        self.tell(&Event::AttemptStarted {
            attempt: attempt.clone(),
            job: Box::new(job),
            substitution: how.substitution.map(str::to_owned),
            tracker: TrackerKind::default(),
        });
        attempt
    }

    /// An attempt from its claim to its end, which takes its minutes.
    fn attempt(&mut self, issue: &str, stage: &str, how: Try, (end, next): (End, Next)) -> &mut Self {
        let attempt = self.start(issue, stage, &how);
        self.wait(how.minutes);
        let receipt = Receipt {
            took: Duration::from_secs(how.minutes * 60),
            usage: how.usage,
            billing: how.billing,
            model: how.model.map(str::to_owned),
            gates: how.gates,
            ..Receipt::default()
        };
        let outcome = Box::new(Outcome { receipt, ..Outcome::new(end) });
        self.tell(&Event::AttemptEnded { attempt, token: Token::default(), outcome, next, effects: vec![] })
    }

    /// An attempt that goes well, and what follows.
    fn good(&mut self, issue: &str, stage: &str, next: Next) -> &mut Self {
        self.attempt(issue, stage, Try::default(), (End::Succeeded, next))
    }

    /// The change of an issue comes onto the base branch.
    fn landed(&mut self, issue: &str) -> &mut Self {
        let issue = IssueRef::try_from(issue.to_owned()).unwrap();
        let (effect, commit) = (EffectId(format!("land {issue}")), Some(Commit("d".repeat(40))));
        self.tell(&Event::EffectDone { effect, issue, adopted: false, created: None, landed: commit })
    }

    /// All that agent `a` uses takes no work for so long.
    fn limited(&mut self, why: LimitWhy, minutes: u64) -> &mut Self {
        let (vendor, account) = (VendorName::new("a").unwrap(), AccountName::new("default").unwrap());
        let key = CapacityKey { vendor, account: Some(account), model: None };
        let (said, strength) = (String::new(), Strength::Stated);
        let limit = Limited { key: key.clone(), why, window: None, until: None, strength, said, attempt: None };
        self.tell(&Event::CapacityLimited { limit }).wait(minutes);
        self.tell(&Event::CapacityOpened { key, by: OpenedBy::Person, began: None, works: true })
    }

    fn report(&self, days: (&str, &str), zone: &str) -> Flow {
        self.report_of(days, zone, None)
    }

    fn report_of(&self, (from, until): (&str, &str), zone: &str, project: Option<&str>) -> Flow {
        let source = SourceText::new("dayfly.toml", CONFIG);
        let portfolio = Config::read(&source, &mut |_| Err("no files".into())).unwrap().portfolio;
        let (state, views, filter) = (State::default(), std::collections::BTreeMap::new(), Filter::default());
        let zone = TimeZone::get(zone).unwrap();
        let input = PlanInput {
            portfolio: &portfolio,
            state: &state,
            views: &views,
            now: self.now,
            zone: &zone,
            filter: &filter,
        };
        let project = project.map(|name| ProjectName::new(name).unwrap());
        let query =
            FlowQuery { from: from.parse().unwrap(), until: until.parse().unwrap(), zone: zone.clone(), project };
        flow(&query, &input, &self.records).unwrap()
    }
}

fn go(stage: &str) -> Next {
    Next::Go { stage: StageName::new(stage).unwrap(), feedback: None, not_before: None }
}

/// The work goes to a stage because a gate failed.
fn back(stage: &str) -> (End, Next) {
    back_by("commands", stage)
}

fn back_by(gate: &str, stage: &str) -> (End, Next) {
    let (reason, tail) = ("it does not hold".to_owned(), String::new());
    let failure = GateFailure { gate: gate.into(), reason: reason.clone(), tail: tail.clone() };
    let feedback = Some(Feedback { gate: gate.into(), reason, tail, before: None });
    let next = Next::Go { stage: StageName::new(stage).unwrap(), feedback, not_before: None };
    (End::GateFailed(failure), next)
}

fn land() -> Next {
    Next::Land { branch: "main".into(), from: Commit("a".repeat(40)), to: Commit("d".repeat(40)) }
}

fn gate(name: &str, verdict: Verdict) -> GateResult {
    GateResult { gate: name.into(), verdict }
}

/// The reasons with their minutes.
fn minutes(waits: &Waits) -> Vec<(WaitWhy, u64)> {
    waits.reasons.iter().map(|sum| (sum.why, sum.time.as_secs() / 60)).collect()
}

/// The table of that title, as lines.
fn table(flow: &Flow, title: &str) -> String {
    let table = flow.tables().into_iter().find(|table| table.title == title).unwrap();
    let mut lines = vec![table.head.join(" | ")];
    lines.extend(table.rows.iter().map(|row| row.join(" | ")));
    lines.join("\n")
}
