//! Bad days, planned: which request meets which fault.

use std::time::Duration;

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It is done, and then the connection ends before any answer.
    LostAfterWrite,
    /// It is done, and then a gateway answers 502 with a page.
    BadGatewayAfterWrite,
    /// It is not done: this status is answered, with a page.
    Unavailable(u16),
    /// It is not done: the connection ends before any answer.
    Reset,
    /// The answer takes so long, on the machine's clock.
    Delay(Duration),
    /// It is done, but so many reads after it still see what was before.
    Lag(u32),
    /// The primary limit is used up, and is reset after this time on this GitHub's clock.
    PrimaryLimit(Duration),
    /// A secondary limit, with `retry-after` or without. Whoever asks again before its time is found out.
    SecondaryLimit(Option<Duration>),
    /// The credentials are refused.
    Unauthorised,
    /// There is no such thing, or no access to it.
    NoAccess,
    /// The credentials do not reach so far.
    Forbidden,
    /// GraphQL answers 200 and that something went wrong.
    GraphQlTrouble,
    /// GraphQL answers 200 and that a secondary limit was met. It is as long as without `retry-after`.
    GraphQlSecondaryLimit,
    /// GraphQL answers 200 with a part of the data, and an error.
    GraphQlPartial,
}

/// Which requests a fault is for: the first that fits, unless it says otherwise.
#[derive(Debug, Clone)]
pub struct Match {
    method: Option<&'static str>,
    write: Option<bool>,
    path: Option<String>,
    operation: Option<String>,
    login: Option<String>,
    nth: usize,
    times: usize,
}

impl Match {
    /// Any request.
    pub fn any() -> Self {
        Self { method: None, write: None, path: None, operation: None, login: None, nth: 1, times: 1 }
    }

    /// A `GET` of a path that ends so. `*` stands for one part of it: `/issues/*/comments`.
    pub fn get(path: &str) -> Self {
        Self { method: Some("GET"), path: Some(path.to_owned()), ..Self::any() }
    }

    /// A `POST` to a path that ends so.
    pub fn post(path: &str) -> Self {
        Self { method: Some("POST"), path: Some(path.to_owned()), ..Self::any() }
    }

    /// A `PATCH` of a path that ends so.
    pub fn patch(path: &str) -> Self {
        Self { method: Some("PATCH"), path: Some(path.to_owned()), ..Self::any() }
    }

    /// A `PUT` to a path that ends so.
    pub fn put(path: &str) -> Self {
        Self { method: Some("PUT"), path: Some(path.to_owned()), ..Self::any() }
    }

    /// A `DELETE` of a path that ends so.
    pub fn delete(path: &str) -> Self {
        Self { method: Some("DELETE"), path: Some(path.to_owned()), ..Self::any() }
    }

    /// Any request that changes something.
    pub fn writes() -> Self {
        Self { write: Some(true), ..Self::any() }
    }

    /// Any request that changes nothing.
    pub fn reads() -> Self {
        Self { write: Some(false), ..Self::any() }
    }

    /// A GraphQL operation of that name.
    pub fn graphql(operation: &str) -> Self {
        Self { operation: Some(operation.to_owned()), ..Self::any() }
    }

    /// Only what comes from an account of that login.
    #[must_use]
    pub fn by(self, login: &str) -> Self {
        Self { login: Some(login.to_owned()), ..self }
    }

    /// Not the first that fits but the `n`th, counted from 1.
    #[must_use]
    pub fn nth(self, n: usize) -> Self {
        Self { nth: n.max(1), ..self }
    }

    /// Not one but so many in a row.
    #[must_use]
    pub fn times(self, n: usize) -> Self {
        Self { times: n, ..self }
    }

    fn fits(&self, asked: &Asked<'_>) -> bool {
        let login = || self.login.as_ref().is_none_or(|login| asked.login == Some(login.as_str()));
        self.method.is_none_or(|method| method == asked.method)
            && self.write.is_none_or(|write| write == asked.write)
            && self.path.as_ref().is_none_or(|path| ends(asked.path, path))
            && self.operation.as_ref().is_none_or(|name| asked.operation == Some(name.as_str()))
            && login()
    }
}

/// Whether a path ends as a pattern says.
fn ends(path: &str, pattern: &str) -> bool {
    let mut parts = path.rsplit('/');
    let mut wanted = pattern.trim_start_matches('/').rsplit('/');
    wanted.all(|wanted| parts.next().is_some_and(|part| wanted == "*" || wanted == part))
}

/// What a fault is chosen by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) operation: Option<&'a str>,
    pub(crate) login: Option<&'a str>,
    pub(crate) write: bool,
}

/// All faults that are planned.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    faults: Vec<Planned>,
}

#[derive(Debug)]
struct Planned {
    matching: Match,
    fault: Fault,
    seen: usize,
}

impl Plan {
    pub(crate) fn add(&mut self, matching: Match, fault: Fault) {
        self.faults.push(Planned { matching, fault, seen: 0 });
    }

    /// The fault that a request meets. Each that fits counts it.
    pub(crate) fn meet(&mut self, asked: &Asked<'_>) -> Option<Fault> {
        let mut met = None;
        for planned in self.faults.iter_mut().filter(|planned| planned.matching.fits(asked)) {
            planned.seen += 1;
            let (first, times) = (planned.matching.nth, planned.matching.times);
            if planned.seen >= first && planned.seen < first + times && met.is_none() {
                met = Some(planned.fault.clone());
            }
        }
        met
    }

    /// Faults that no request has met yet.
    pub(crate) fn unmet(&self) -> Vec<Fault> {
        let unmet = self.faults.iter().filter(|planned| planned.seen < planned.matching.nth);
        unmet.map(|planned| planned.fault.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Asked, Fault, Match, Plan};

    #[test]
    fn a_fault_meets_the_request_that_it_is_planned_for() {
        let mut plan = Plan::default();
        plan.add(Match::post("/issues/*/comments").nth(2), Fault::LostAfterWrite);
        let asked = |method, path| Asked { method, path, operation: None, login: None, write: method != "GET" };
        let comment = asked("POST", "/repos/ann/web/issues/7/comments");
        assert_eq!(plan.meet(&comment), None);
        assert_eq!(plan.meet(&asked("GET", "/repos/ann/web/issues/7/comments")), None);
        assert_eq!(plan.meet(&asked("POST", "/repos/ann/web/issues")), None);
        assert_eq!(plan.unmet(), [Fault::LostAfterWrite]);
        assert_eq!(plan.meet(&comment), Some(Fault::LostAfterWrite));
        assert_eq!(plan.meet(&comment), None);
        assert_eq!(plan.unmet(), []);
    }
}
