//! What most commands need: the configuration, the store, the tracker.

use std::collections::BTreeMap;
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::{
    Clock as _, Config, Filter, Forge, Issue, IssueId, IssueRef, ProjectName, SourceText, Tracker, TrackerError,
    TrackerKind,
};
use dayfly_github::GitHubForge;
use dayfly_runner::{
    MarkdownTracker, NoTracker, Overview, Past, Sources, SqliteStore, SystemClock, Trackers, backups, overview_of,
    refuse_lost,
};

use jiff::tz::TimeZone;
use tokio::task::JoinSet;

use crate::args::Scope;
use crate::catalogs;
use crate::error::CliError;
use crate::github::{self, Access};

/// The name of the configuration file.
pub(crate) const FILE: &str = "dayfly.toml";

/// A configuration that was read.
pub(crate) struct Context {
    pub(crate) config: Config,
    pub(crate) path: Utf8PathBuf,
}

/// Where the issues and changes of projects are.
pub(crate) struct Outside {
    pub(crate) tracker: Trackers,
    pub(crate) forge: Option<Arc<dyn Forge>>,
}

/// The working directory.
pub(crate) fn here() -> Result<Utf8PathBuf, CliError> {
    let dir = std::env::current_dir().map_err(|err| CliError::files("the working directory", err))?;
    Utf8PathBuf::from_path_buf(dir).map_err(|dir| CliError::environment(format!("{} is not UTF-8", dir.display())))
}

/// A folder, where `~/` is the home folder of whoever runs this.
pub(crate) fn at_home(dir: &Utf8Path) -> Utf8PathBuf {
    let home = std::env::home_dir().and_then(|home| Utf8PathBuf::from_path_buf(home).ok());
    match (dir.strip_prefix("~"), home) {
        (Ok(below), Some(home)) => home.join(below),
        _ => dir.to_owned(),
    }
}

/// Whether a variable is set to anything.
pub(crate) fn is_set(variable: &str) -> bool {
    std::env::var_os(variable).is_some_and(|value| !value.is_empty())
}

/// The file that is named, or else the one here or above.
fn find(named: Option<&Utf8Path>) -> Result<Option<Utf8PathBuf>, CliError> {
    let here = here()?;
    if let Some(named) = named {
        let path = here.join(named);
        return Ok(Some(if path.is_dir() { path.join(FILE) } else { path }));
    }
    Ok(here.ancestors().map(|dir| dir.join(FILE)).find(|path| path.is_file()))
}

fn found(named: Option<&Utf8Path>) -> Result<Utf8PathBuf, CliError> {
    let here = here()?;
    find(named)?.ok_or_else(|| {
        CliError::usage(format!("there is no {FILE} in {here} or above"))
            .hint("`dayfly init PATH...` writes one, `dayfly demo` shows how it works, `--config FILE` names one")
    })
}

/// The text of the configuration.
fn read(path: &Utf8Path) -> Result<String, CliError> {
    let bytes = std::fs::read(path).map_err(|err| CliError::files(path, err))?;
    String::from_utf8(bytes).map_err(|err| {
        let good = &err.as_bytes()[..err.utf8_error().valid_up_to()];
        let line = good.iter().filter(|b| **b == b'\n').count() + 1;
        CliError::usage(format!("{path} is not UTF-8 text: line {line} cannot be read"))
            .hint("write that line anew, or save the file as UTF-8")
    })
}

impl Context {
    /// Finds and reads the configuration.
    pub(crate) fn load(named: Option<&Utf8Path>) -> Result<Self, CliError> {
        Self::read(found(named)?)
    }

    /// Reads the configuration if there is one.
    pub(crate) fn load_if_there(named: Option<&Utf8Path>) -> Result<Option<Self>, CliError> {
        find(named)?.map(Self::read).transpose()
    }

    fn read(path: Utf8PathBuf) -> Result<Self, CliError> {
        let text = read(&path)?;
        Self::of(path, text)
    }

    /// The same, if its file said something else.
    pub(crate) fn changed(&self, change: impl FnOnce(String) -> Result<String, CliError>) -> Result<Self, CliError> {
        Self::of(self.path.clone(), change(read(&self.path)?)?)
    }

    fn of(path: Utf8PathBuf, text: String) -> Result<Self, CliError> {
        let source = SourceText::new(path.clone(), text);
        let mut files = Vec::new();
        let mut read = |file: &Utf8Path| {
            let text = std::fs::read_to_string(file).map_err(|err| err.to_string())?;
            files.push((file.to_owned(), text.clone()));
            Ok(text)
        };
        let config = Config::read(&source, &mut read)?;
        catalogs::check(&config.portfolio, &source, &files)?;
        Ok(Self { config, path })
    }

    /// The file of the ledger.
    pub(crate) fn ledger(&self) -> Utf8PathBuf {
        self.config.portfolio.state_dir.join("ledger.sqlite")
    }

    /// The zone in which days begin.
    pub(crate) fn zone(&self) -> TimeZone {
        self.config.portfolio.zone().unwrap_or_else(TimeZone::system)
    }

    /// The same, for what makes no sense before the first run.
    pub(crate) fn made_ledger(&self) -> Result<Utf8PathBuf, CliError> {
        let path = self.ledger();
        refuse_lost(&path)?;
        match path.exists() {
            true => Ok(path),
            false => Err(CliError::usage("there was no run yet").hint("`dayfly run` makes one")),
        }
    }

    /// Where backups lie that were given no name.
    pub(crate) fn backup_dir(&self) -> Utf8PathBuf {
        self.config.portfolio.state_dir.join("backups")
    }

    /// The copies in there, the latest first.
    pub(crate) fn backups(&self) -> Vec<Utf8PathBuf> {
        backups(&self.backup_dir(), SystemClock.now())
    }

    /// The command that puts the newest copy in the place of a ledger that cannot be used.
    pub(crate) fn put_back(&self) -> String {
        match self.backups().first() {
            Some(copy) => format!("`dayfly store restore {copy}` puts the newest copy in its place"),
            None => {
                let folder = &self.config.portfolio.state_dir;
                format!(
                    "there is no copy in `backups`; `dayfly store restore FILE` puts one from elsewhere in its place. Without \
                     any, move the folder {folder} away: the issues then start over"
                )
            }
        }
    }

    /// The ledger, for reading; `None` before the first run.
    pub(crate) fn read_store(&self) -> Result<Option<SqliteStore>, CliError> {
        let path = self.ledger();
        refuse_lost(&path)?;
        if path.exists() { Ok(Some(SqliteStore::open_read_only(&path)?)) } else { Ok(None) }
    }

    /// The issues in files.
    pub(crate) fn files(&self) -> MarkdownTracker {
        MarkdownTracker::new(self.config.portfolio.issues_dir.clone(), Arc::new(SystemClock))
    }

    /// Where the issues and changes of all projects are. What cannot be reached says so when it is asked, and keeps nothing
    /// else from being read.
    pub(crate) async fn outside(&self, access: Access) -> Outside {
        let portfolio = &self.config.portfolio;
        let mut tracker = Trackers::new(Arc::new(self.files()));
        let there = github::repositories(portfolio);
        if there.is_empty() {
            return Outside { tracker, forge: None };
        }
        let (forge, shown): (Arc<dyn Forge>, Arc<dyn Tracker>) = match github::connect(portfolio, access).await {
            Ok(client) => {
                let forge = GitHubForge::new(client.clone(), there.clone());
                (Arc::new(forge), Arc::new(github::tracker(portfolio, client)))
            }
            Err(why) => {
                let none = Arc::new(NoTracker::new(why.to_string()));
                (none.clone(), none)
            }
        };
        for name in there.into_keys() {
            if portfolio.projects.get(&name).is_some_and(|project| project.tracker == TrackerKind::GitHub) {
                tracker = tracker.with(name, shown.clone());
            }
        }
        Outside { tracker, forge: Some(forge) }
    }

    /// How things stand.
    pub(crate) async fn overview(&self, filter: Filter) -> Result<Overview, CliError> {
        self.overview_of(filter, &Past::Nothing).await
    }

    /// Everything a report is made from.
    pub(crate) async fn overview_of(&self, filter: Filter, past: &Past) -> Result<Overview, CliError> {
        let store = self.read_store()?;
        let store = store.as_ref().map(|s| s as &dyn dayfly_core::Store);
        let now = SystemClock.now();
        let outside = self.outside(Access::Read).await;
        let from = Sources { store, tracker: &outside.tracker, forge: outside.forge.as_deref() };
        Ok(overview_of(self.config.portfolio.clone(), from, filter, now, past).await?)
    }

    /// The project of that name, or the only one.
    pub(crate) fn project(&self, name: Option<&str>) -> Result<ProjectName, CliError> {
        let projects = &self.config.portfolio.projects;
        let names = || projects.keys().map(ProjectName::as_str).collect::<Vec<_>>().join(", ");
        match name {
            Some(name) => {
                let found = projects.keys().find(|p| p.as_str() == name).cloned();
                found.ok_or_else(|| {
                    CliError::usage(format!("there is no project `{name}`")).hint(format!("there are {}", names()))
                })
            }
            None => match projects.keys().collect::<Vec<_>>().as_slice() {
                [only] => Ok((*only).clone()),
                _ => {
                    Err(CliError::usage("which project?").hint(format!("add `--project NAME`; there are {}", names())))
                }
            },
        }
    }

    /// The issue that a person means by `PROJECT#ID`, or by `ID` where only one project has it.
    pub(crate) async fn issue(&self, text: &str) -> Result<IssueRef, CliError> {
        if let Some((project, id)) = text.split_once('#') {
            let id = IssueId::new(id).map_err(|err| CliError::usage(err.to_string()))?;
            let project = if project.is_empty() { None } else { Some(project) };
            return Ok(IssueRef::new(self.project(project)?, id));
        }
        let id = IssueId::new(text).map_err(|err| CliError::usage(err.to_string()))?;
        let tracker = self.outside(Access::Read).await.tracker;
        let mut found = Vec::new();
        for (project, issues) in issues_of(&tracker, self.config.portfolio.projects.keys()).await {
            if issues?.iter().any(|i| i.id == id) {
                found.push(IssueRef::new(project.clone(), id.clone()));
            }
        }
        match found.as_slice() {
            [only] => Ok(only.clone()),
            [] => Err(no_issue(&id)),
            many => {
                let many: Vec<String> = many.iter().map(ToString::to_string).collect();
                Err(CliError::usage(format!("several projects have an issue {id}"))
                    .hint(format!("write one of {}", many.join(", "))))
            }
        }
    }

    /// What a command is about.
    pub(crate) async fn filter(&self, scope: &Scope) -> Result<Filter, CliError> {
        let mut filter = Filter::default();
        if let Some(project) = &scope.project {
            filter.project = Some(self.project(Some(project))?);
        }
        if let Some(issue) = &scope.issue {
            let issue = self.issue(issue).await?;
            let there = dayfly_core::Tracker::issues(&self.outside(Access::Read).await.tracker, &issue.project).await?;
            if !there.iter().any(|i| i.id == issue.issue) {
                return Err(no_issue(&issue));
            }
            filter.project = Some(issue.project.clone());
            filter.issue = Some(issue);
        }
        Ok(filter)
    }
}

/// The issues of projects, all asked for at once: a tracker with several of them can look at all of these in one go.
pub(crate) async fn issues_of<'a>(
    tracker: &Trackers,
    projects: impl IntoIterator<Item = &'a ProjectName>,
) -> BTreeMap<ProjectName, Result<Vec<Issue>, TrackerError>> {
    let mut asked = JoinSet::new();
    for project in projects {
        let (tracker, project) = (tracker.clone(), project.clone());
        asked.spawn(async move {
            let issues = tracker.issues(&project).await;
            (project, issues)
        });
    }
    asked.join_all().await.into_iter().collect()
}

pub(crate) fn no_issue(issue: &impl std::fmt::Display) -> CliError {
    CliError::usage(format!("there is no issue {issue}")).hint("`dayfly issue list` shows those there are")
}
