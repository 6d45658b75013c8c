//! What projects are held against when it is looked for drift.

use globset::Glob;

use crate::{DriftPolicy, MigrationCheck};

use super::{Resolver, raw};

impl Resolver<'_> {
    pub(super) fn drift(&mut self, raw: &raw::Drift) -> DriftPolicy {
        if let Some(people) = &raw.people
            && let Some(nobody) = people.get_ref().iter().find(|person| !is_person(person))
        {
            let message = format!("`{nobody}` names nobody who commits");
            self.problem(people.span(), message, "write `name <mail>` or the mail address, as in their commits");
        }
        let pinned = raw.pinned.as_ref();
        for (pattern, span) in pinned.iter().flat_map(|p| p.get_ref().iter().map(|pattern| (pattern, p.span()))) {
            if let Err(err) = Glob::new(pattern) {
                self.problem(span, format!("the pinned path `{pattern}` is no glob: {}", err.kind()), "mend the glob");
            }
        }
        DriftPolicy {
            people: raw.people.as_ref().map(|people| people.get_ref().clone()),
            pinned: pinned.map(|pinned| pinned.get_ref().clone()).unwrap_or_default(),
        }
    }

    pub(super) fn migrations(&mut self, project: &raw::Project) -> Option<MigrationCheck> {
        let raw = project.drift.as_ref()?;
        let run = raw.migrations.as_ref()?;
        if run.get_ref().first().is_none_or(String::is_empty) {
            self.problem(run.span(), "`migrations` names no program", "write the program and its arguments, as a list");
            return None;
        }
        if project.repository == Some(false) {
            let help = "take it out: it is run on the commit of the base branch";
            self.problem(run.span(), "a plain folder has no base branch to check migrations of", help);
        }
        Some(MigrationCheck { run: run.get_ref().clone(), pass_env: raw.pass_env.clone() })
    }
}

/// Whether that is a mail address, alone or behind a name.
fn is_person(text: &str) -> bool {
    let mail = match text.rsplit_once('<') {
        Some((_, mail)) => mail.trim_end().strip_suffix('>'),
        None => Some(text),
    };
    let parts = mail.map(str::trim).and_then(|mail| mail.split_once('@'));
    parts.is_some_and(|(name, host)| !name.is_empty() && !host.is_empty() && !host.contains(char::is_whitespace))
}
