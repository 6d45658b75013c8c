//! The report as text.

use std::fmt::Write as _;

use jiff::tz::TimeZone;

use super::{DriftReport, ProjectDrift};

impl DriftReport {
    /// The report for a person, with times as their clock shows them.
    pub fn to_text(&self, zone: &TimeZone) -> String {
        let mut text = String::new();
        for project in &self.projects {
            project.write(&mut text, zone);
        }
        text
    }
}

impl ProjectDrift {
    fn write(&self, text: &mut String, zone: &TimeZone) {
        let since = self.since.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string();
        let name = &self.project;
        if self.first {
            let _ = writeln!(text, "{name}: looked at for the first time; nothing from before {since} is reported");
        } else {
            let found = match self.findings.len() {
                0 => "no drift".to_owned(),
                1 => "1 finding".to_owned(),
                many => format!("{many} findings"),
            };
            let (jobs, people) = (self.by_dayfly, self.by_people);
            let commits = if jobs + people == 0 {
                String::new()
            } else {
                format!("; commits accounted for: {jobs} by jobs, {people} by people")
            };
            let _ = writeln!(text, "{name}: {found} since {since}, as {} accepted it{commits}", self.by);
        }
        for finding in &self.findings {
            let _ = writeln!(text, "  {:<10}  {}", finding.kind, finding.what);
            for evidence in &finding.evidence {
                let commit = evidence.commit.as_ref().map(|commit| format!("{}  ", commit.short()));
                let at = evidence.at.map(|at| at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M  ").to_string());
                let path = evidence.path.as_ref().map(|path| format!("{path}  "));
                let parts = [commit, at, path].into_iter().flatten().collect::<String>();
                let _ = writeln!(text, "              {parts}{}", evidence.says);
            }
            let _ = writeln!(text, "              to look: {}", finding.who);
            let _ = writeln!(text, "              what helps: {}", finding.remedy);
        }
        for (kind, why) in &self.unseen {
            let _ = writeln!(text, "  {kind:<10}  not looked at: {why}");
        }
    }
}
