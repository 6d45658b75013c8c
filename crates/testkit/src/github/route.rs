//! Which function answers which path.

use super::call::{Call, decode};
use super::reply::Answer;
use super::state::State;
use super::users::Permission;

/// Answers a request from the state, and changes it.
pub(crate) type Handler = fn(&mut State, &Call) -> Answer;

/// One operation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Route {
    pub(crate) method: &'static str,
    /// The path's form, as in GitHub's description.
    pub(crate) template: &'static str,
    pub(crate) needs: Needs,
    pub(crate) handler: Handler,
}

/// What whoever asks must be allowed to do.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Needs {
    /// To be known.
    Anybody,
    /// To be an app that speaks for itself.
    App,
    /// Something in a repository: the level, and the kind of thing, such as `issues`.
    Repo(Permission, &'static str),
}

impl Route {
    pub(crate) const fn new(method: &'static str, template: &'static str, needs: Needs, handler: Handler) -> Self {
        Self { method, template, needs, handler }
    }

    /// What stands for the names of the template in a path.
    fn matches(&self, path: &str) -> Option<Vec<(String, String)>> {
        let wanted: Vec<&str> = self.template.split('/').collect();
        let given: Vec<&str> = path.split('/').collect();
        let mut params = Vec::new();
        let mut at = 0;
        for (index, part) in wanted.iter().enumerate() {
            let name = part.strip_prefix('{').and_then(|part| part.strip_suffix('}'));
            let behind = wanted.len() - index - 1;
            // The names of refs and files hold slashes.
            let greedy = matches!(name, Some("ref" | "path" | "basehead" | "branch"));
            let end = if greedy { given.len().checked_sub(behind)? } else { at + 1 };
            let text = given.get(at..end).filter(|text| !text.is_empty())?.join("/");
            match name {
                None if *part != text => return None,
                None => {}
                Some(_) if text.is_empty() => return None,
                Some(name) => params.push((name.to_owned(), decode(&text))),
            }
            at = end;
        }
        let numeric = |name: &str| name.ends_with("_number") || name.ends_with("_id");
        let fits = params.iter().all(|(name, value)| !numeric(name) || value.parse::<u64>().is_ok());
        (at == given.len() && fits).then_some(params)
    }

    /// How exactly the template says what the path must be.
    fn literals(&self) -> usize {
        self.template.split('/').filter(|part| !part.starts_with('{')).count()
    }
}

/// The route of a path, and what stands for the names of its template.
pub(crate) fn find(routes: &[Route], method: &str, path: &str) -> Option<(Route, Vec<(String, String)>)> {
    let fitting = routes.iter().filter(|route| route.method == method);
    let found = fitting.filter_map(|route| route.matches(path).map(|params| (*route, params)));
    found.max_by_key(|(route, _)| route.literals())
}
