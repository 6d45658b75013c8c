//! Labels of repositories and issues. Their names are the same in any case of letters.

use super::{At, By};
use crate::github::reply::Reply;
use crate::github::state::{Happened, Label, Repo, State};

/// The longest name.
const NAME_CHARACTERS: usize = 50;

/// A label to be made.
#[derive(Debug, Clone, Default)]
pub(crate) struct NewLabel {
    pub(crate) name: String,
    pub(crate) color: Option<String>,
    pub(crate) description: Option<String>,
}

impl Repo {
    pub(crate) fn label_named(&self, name: &str) -> Option<&Label> {
        let lower = name.to_lowercase();
        self.labels.values().find(|label| label.name.to_lowercase() == lower)
    }
}

impl State {
    /// Makes a label, and gives its id.
    pub(crate) fn make_label(&mut self, repo: u64, new: NewLabel) -> Result<u64, Reply> {
        check_label(&new.name, new.color.as_deref())?;
        if self.repos[&repo].label_named(&new.name).is_some() {
            return Err(Reply::invalid("Label", "name", "already_exists"));
        }
        let id = self.next_id();
        let color = new.color.unwrap_or_else(|| "ededed".to_owned());
        let label = Label { id, name: new.name, color, description: new.description };
        if let Some(repo) = self.repos.get_mut(&repo) {
            repo.labels.insert(id, label);
        }
        Ok(id)
    }

    /// Puts a label on an issue; one that the repository lacks is made first.
    pub(crate) fn label(&mut self, at: At, by: By, name: &str) -> Result<(), Reply> {
        self.at(at)?;
        let known = self.repos[&at.repo].label_named(name).map(|label| label.id);
        let id = match known {
            Some(id) => id,
            None => self.make_label(at.repo, NewLabel { name: name.to_owned(), ..NewLabel::default() })?,
        };
        let issue = self.at_mut(at)?;
        if !issue.labels.contains(&id) {
            issue.labels.push(id);
            let Label { name, color, .. } = self.repos[&at.repo].labels[&id].clone();
            self.happened(at, by, Happened::Labeled { name, color });
        }
        Ok(())
    }

    /// Takes a label off an issue.
    pub(crate) fn unlabel(&mut self, at: At, by: By, name: &str) -> Result<(), Reply> {
        self.at(at)?;
        let none = || Reply::refusal(404, "Label does not exist");
        let label = self.repos[&at.repo].label_named(name).cloned().ok_or_else(none)?;
        let issue = self.at_mut(at)?;
        if !issue.labels.contains(&label.id) {
            return Err(none());
        }
        issue.labels.retain(|known| *known != label.id);
        self.happened(at, by, Happened::Unlabeled { name: label.name, color: label.color });
        Ok(())
    }

    /// Makes the labels of an issue just these.
    pub(crate) fn set_labels(&mut self, at: At, by: By, names: &[String]) -> Result<(), Reply> {
        let wanted: Vec<String> = names.iter().map(|name| name.to_lowercase()).collect();
        let repo = &self.repos[&at.repo];
        let present = self.at(at)?.labels.iter().map(|id| repo.labels[id].name.clone());
        let surplus: Vec<String> = present.filter(|name| !wanted.contains(&name.to_lowercase())).collect();
        for name in surplus {
            self.unlabel(at, by, &name)?;
        }
        names.iter().try_for_each(|name| self.label(at, by, name))
    }
}

/// Whether a label can be called so, and have this colour.
pub(crate) fn check_label(name: &str, color: Option<&str>) -> Result<(), Reply> {
    if name.trim().is_empty() {
        return Err(Reply::invalid("Label", "name", "missing_field"));
    }
    if name.chars().count() > NAME_CHARACTERS {
        return Err(Reply::custom("Label", "name", "name is too long (maximum is 50 characters)"));
    }
    let is_color = |text: &str| text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if color.is_some_and(|color| !is_color(color)) {
        return Err(Reply::invalid("Label", "color", "invalid"));
    }
    Ok(())
}
