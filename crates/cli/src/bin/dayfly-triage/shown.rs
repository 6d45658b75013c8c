//! What was found, for people, for programs and for the page of a CI job.

use std::io::Write as _;
use std::process::ExitCode;

use dayfly_core::milestone_progress;
use dayfly_runner::{Overview, Summary};
use serde::Serialize;

/// The variable that names the file with the summary of a job's step.
const STEP_SUMMARY: &str = "GITHUB_STEP_SUMMARY";

/// What was found and done.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    /// What was written; in a dry run, what would be.
    lines: Vec<Line>,
    /// Milestones, in words.
    milestones: Vec<String>,
    /// Why something could not be read or written.
    faults: Vec<String>,
    #[serde(skip)]
    unread: bool,
}

#[derive(Debug, Serialize)]
struct Line {
    issue: String,
    rule: String,
    why: String,
}

impl Report {
    /// What would be written.
    pub(crate) fn planned(seen: &Overview) -> Self {
        let found = seen.input().findings();
        let lines = found.into_iter().map(|(_, finding)| Line {
            issue: format!("#{}", finding.issue),
            rule: finding.rule.to_owned(),
            why: finding.why,
        });
        let views = || seen.views.values();
        let milestones = views()
            .flat_map(|view| view.milestones.iter().map(|milestone| milestone_progress(milestone, &view.issues)));
        let faults: Vec<String> = views().filter_map(|view| view.fault.clone()).collect();
        Self { lines: lines.collect(), milestones: milestones.collect(), unread: !faults.is_empty(), faults }
    }

    /// What was written, in place of what is left to write.
    pub(crate) fn did(&mut self, summary: &Summary) {
        let done = summary.triaged.iter().map(|line| Line {
            issue: format!("#{}", line.issue.issue),
            rule: line.rule.clone(),
            why: line.why.clone(),
        });
        self.lines = done.collect();
        self.faults.extend(summary.put_off.iter().map(|(issue, why)| format!("#{}: {why}", issue.issue)));
    }

    pub(crate) fn is_unread(&self) -> bool {
        self.unread
    }

    pub(crate) fn has_trouble(&self) -> bool {
        !self.faults.is_empty()
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.lines.is_empty()
    }

    /// Shows it, and adds it to the page of a CI job where there is one.
    pub(crate) fn show(&self, json: bool) -> std::io::Result<()> {
        let mut out = anstream::stdout();
        if json {
            writeln!(out, "{}", serde_json::to_string_pretty(self)?)?;
        } else {
            write!(out, "{}", plain(&self.text()))?;
        }
        for fault in &self.faults {
            writeln!(anstream::stderr(), "{}", plain(fault))?;
        }
        if let Some(path) = std::env::var_os(STEP_SUMMARY).filter(|path| !path.is_empty()) {
            let mut file = std::fs::OpenOptions::new().append(true).create(true).open(path)?;
            write!(file, "{}", self.markdown())?;
        }
        Ok(())
    }

    fn text(&self) -> String {
        let mut text: String =
            self.lines.iter().map(|line| format!("{}  {}: {}\n", line.issue, line.rule, line.why)).collect();
        if text.is_empty() && !self.unread {
            text.push_str("All issues are in order.\n");
        }
        text.extend(self.milestones.iter().map(|milestone| format!("{milestone}\n")));
        text
    }

    fn markdown(&self) -> String {
        let cell = |text: &str| text.replace('|', "\\|").replace(['\n', '\r'], " ").replace('<', "&lt;");
        let mut text = String::from("### Triage\n\n");
        if self.lines.is_empty() && !self.unread {
            text.push_str("All issues are in order.\n");
        } else if !self.lines.is_empty() {
            text.push_str("| issue | rule | why |\n|---|---|---|\n");
        }
        let rows = self.lines.iter().map(|line| format!("| {} | {} | {} |\n", line.issue, line.rule, cell(&line.why)));
        text.extend(rows);
        text.push('\n');
        text.extend(self.milestones.iter().map(|milestone| format!("- {}\n", cell(milestone))));
        text.extend(self.faults.iter().map(|fault| format!("- {}\n", cell(fault))));
        text
    }
}

/// A text that cannot steer a terminal.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && !matches!(c, '\n' | '\t') { '\u{fffd}' } else { c }).collect()
}

/// Says what is wrong.
pub(crate) fn error(code: u8, message: &str) -> ExitCode {
    let _ = writeln!(anstream::stderr(), "error: {}", plain(message));
    ExitCode::from(code)
}
