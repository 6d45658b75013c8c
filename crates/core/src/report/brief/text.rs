//! The briefing as Markdown: what needs somebody comes first.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::super::log::{done_line, seconds, section, wait_line};
use super::{Brief, BudgetLine, CapacityLine, ProjectBrief, Runway, ServiceLine, Spent};

impl Brief {
    /// The briefing as Markdown.
    pub fn to_markdown(&self) -> String {
        let mut text = format!("# Briefing, {}\n\nSince {}.\n", self.time(self.at), self.time(self.since));
        if let Some(halt) = &self.halt {
            let at = self.time(halt.at);
            let _ = writeln!(text, "\n**Everything is stopped** since {at}, by {}: {}", halt.by, halt.reason);
        }
        section(&mut text, "Needs you", &self.person, |wait| wait_line(&self.zoned(wait)));
        if self.person.is_empty() {
            text.push_str("\nNothing needs you.\n");
        }
        self.in_the_way(&mut text);
        text.push_str("\n## What happened\n\n");
        self.projects.iter().for_each(|project| text.push_str(&happened(project)));
        section(&mut text, "Drift", &self.drift.lines(|at| self.time(at)), Clone::clone);
        section(&mut text, "Runs now", &self.running, |line| {
            format!("{} {}: stage {}, since {}", line.issue, line.title, line.stage, self.time(line.since))
        });
        section(&mut text, "Runway", &self.projects, |project| match &project.runway {
            Some(runway) => format!("{}: {runway}", project.project),
            None => format!("{}: not known", project.project),
        });
        let milestones: Vec<_> = self.projects.iter().flat_map(|project| &project.milestones).collect();
        section(&mut text, "Milestones", &milestones, |m| {
            let due = m.due.map(|d| format!(", due {d}")).unwrap_or_default();
            format!("{} {}: {} closed / {} open{due}", m.project, m.title, m.closed, m.open)
        });
        let _ = write!(text, "\n## Money\n\n- used: {}\n", used(&self.spent));
        for line in &self.budgets {
            let _ = writeln!(text, "- {}", self.budget(line));
        }
        let _ = write!(text, "\nLedger: {}\n", self.ledger);
        text
    }

    fn in_the_way(&self, text: &mut String) {
        let mut lines: Vec<String> = Vec::new();
        let read = self.unread.iter();
        lines.extend(read.map(|(name, why)| format!("{name} could not be read, so this may be old: {why}")));
        let unread = |what: &str| self.unread.keys().any(|name| name.as_str() == what);
        let held = self.held.iter().filter(|wait| !unread(&wait.what));
        lines.extend(held.map(|wait| wait_line(&self.zoned(wait))));
        lines.extend(self.paused.iter().map(|pause| {
            let what = if pause.cancelled { "cancelled" } else { "paused" };
            let (order, remedy) = (&pause.order, pause.remedy());
            format!("{} is {what} by {}: {}. What helps: {remedy}.", pause.what, order.by, order.reason)
        }));
        lines.extend(self.services.iter().map(|line| self.service(line)));
        lines.extend(self.closed.iter().map(|line| self.closed(line)));
        lines.extend(self.budgets.iter().filter_map(|line| {
            let whose = line.project.as_ref().map_or("all projects".to_owned(), ToString::to_string);
            let (reached, until) = (line.reached.as_ref()?, self.time(line.until));
            Some(format!("the budget of {whose} for this {} is used up: {reached}. Until {until}.", line.span))
        }));
        section(text, "In the way", &lines, Clone::clone);
    }

    fn service(&self, line: &ServiceLine) -> String {
        let waits = match line.effects {
            0 => String::new(),
            1 => " 1 write waits for it.".to_owned(),
            n => format!(" {n} writes wait for it."),
        };
        let (since, until) = (self.time(line.since), self.time(line.until));
        format!("{} does not serve since {since}: {}. Tried again {until}.{waits}", line.service, line.reason)
    }

    fn closed(&self, line: &CapacityLine) -> String {
        let Some(limit) = &line.limit else { return line.using.to_string() };
        let until = limit.until.map(|until| format!(" Until {}.", self.time(until))).unwrap_or_default();
        format!("{} takes nothing: {}.{until}", line.using, limit.why.word())
    }

    fn budget(&self, line: &BudgetLine) -> String {
        let (spent, budget) = (&line.spent, &line.budget);
        let mut parts: Vec<String> = Vec::new();
        parts.extend(budget.usd_micros.map(|most| format!("{} of {}", usd(spent.usd_micros), usd(most))));
        parts.extend(budget.tokens.map(|most| format!("{} of {most} tokens", spent.tokens())));
        parts.extend(budget.time.map(|most| format!("{} of {}", seconds(spent.time), seconds(most))));
        parts.extend(budget.attempts.map(|most| format!("{} of {most} attempts", spent.attempts)));
        let whose = line.project.as_ref().map_or("all projects".to_owned(), ToString::to_string);
        format!("{whose}, this {}: {}; begins anew {}", line.span, parts.join(", "), self.time(line.until))
    }

    fn zoned(&self, wait: &super::WaitLine) -> super::WaitLine {
        let until = wait.until.map(|until| format!(" (until {})", self.time(until))).unwrap_or_default();
        let reason = format!("{}{until}", wait.reason.trim_end_matches('.'));
        super::WaitLine { reason, until: None, ..wait.clone() }
    }

    /// A time as the reader's clock shows it.
    fn time(&self, at: Timestamp) -> String {
        at.to_zoned(self.zone.clone()).strftime("%a %Y-%m-%d %H:%M").to_string()
    }
}

fn happened(project: &ProjectBrief) -> String {
    let ends: Vec<String> = project.ends.iter().map(|(end, n)| format!("{n} {end}")).collect();
    let done = project.landed.len() + project.finished.len();
    if ends.is_empty() && done == 0 {
        return format!("- {}: nothing\n", project.project);
    }
    let attempts = if ends.is_empty() { "no attempts".to_owned() } else { format!("attempts: {}", ends.join(", ")) };
    let mut text = format!("- {}: {done} done; {attempts}; {}\n", project.project, used(&project.spent));
    for done in project.landed.iter().chain(&project.finished) {
        let _ = writeln!(text, "  - {}", done_line(done));
    }
    text
}

fn used(spent: &Spent) -> String {
    let flat = if spent.flat_usd_micros == 0 {
        String::new()
    } else {
        format!(", and {} worth of a subscription", usd(spent.flat_usd_micros))
    };
    format!("{}{flat}, {} tokens, {} of agents", usd(spent.usd_micros), spent.tokens(), seconds(spent.time))
}

fn usd(micros: u64) -> String {
    format!("${:.2}", micros as f64 / 1e6)
}

impl std::fmt::Display for Runway {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let issues = if self.prepared == 1 { "1 issue is" } else { &format!("{} issues are", self.prepared) };
        write!(f, "{issues} prepared")?;
        match self.days {
            Some(days) if days < 2.0 => write!(f, ", about {:.0} hours of work", days * 24.0)?,
            Some(of) => write!(f, ", about {} of work", days(of))?,
            None => {
                return write!(f, "; nothing was finished in {}, so nobody knows for how long", days(self.over_days));
            }
        }
        write!(f, " ({} finished in {})", self.finished, days(self.over_days))
    }
}

fn days(days: f64) -> String {
    let days = days.round();
    format!("{days} day{}", if days == 1.0 { "" } else { "s" })
}
