//! From a request to its answer: faults, limits, credentials, routes, checks.

use axum::body::{Body as HttpBody, to_bytes};
use axum::extract::Request;
use axum::response::Response;
use serde_json::Value;

use super::call::{self, Call};
use super::description::Description;
use super::exchange::{Exchange, Said};
use super::fault::{Asked, Fault};
use super::graphql::{self, Answered, Ask, Document};
use super::limits::Resource;
use super::reply::{Answer, Body, Reply};
use super::state::State;
use super::users::Viewer;
use super::world::World;
use super::{access, auth, git, job_logs, route, routes, schema};
use crate::connection::Cut;

/// The longest body that is read.
const BODY_BYTES: usize = 8 << 20;

/// What the server is, and the world behind it.
#[derive(Debug, Clone)]
pub(crate) struct Host {
    pub(crate) origin: String,
    /// The version of the Enterprise Server that it is.
    pub(crate) enterprise: Option<String>,
    pub(crate) world: World,
}

impl Host {
    /// The API's base address.
    pub(crate) fn api(&self) -> String {
        let below = if self.enterprise.is_some() { "/api/v3" } else { "" };
        format!("{}{below}", self.origin)
    }

    /// The path below the API's base; that of GraphQL is the same for all.
    fn below<'a>(&self, path: &'a str) -> &'a str {
        match &self.enterprise {
            None => path,
            Some(_) if path == "/api/graphql" => "/graphql",
            Some(_) => path.strip_prefix("/api/v3").filter(|path| *path != "/graphql").unwrap_or_default(),
        }
    }
}

/// Answers a request of HTTP.
pub(crate) async fn answer(host: &Host, request: Request, cut: &Cut) -> Response {
    let (head, body) = request.into_parts();
    if let Some(asked) = git::asked(&head) {
        return git::answer(host, asked, head, body, cut).await;
    }
    if let Some(response) = job_logs::answer(host, &head) {
        return response;
    }
    let bytes = to_bytes(HttpBody::new(body), BODY_BYTES).await.unwrap_or_default();
    let exchange = Exchange::of(&head, host.below(head.uri.path()), &bytes);
    let mut said = Said::default();
    let fault = meet(host, &exchange, &mut said);
    if let Some(Fault::Delay(span)) = fault {
        tokio::time::sleep(span).await;
    }
    let reply = with_fault(host, &exchange, fault.as_ref(), &mut said);
    let reply = exchange.dress(host, reply, &mut said);
    host.world.enter(&exchange, &said, &reply);
    if matches!(fault, Some(Fault::LostAfterWrite | Fault::Reset)) {
        cut.now();
    }
    exchange.respond(reply)
}

/// The fault that a request meets.
fn meet(host: &Host, exchange: &Exchange, said: &mut Said) -> Option<Fault> {
    let state = host.world.lock();
    let viewer = auth::viewer(&state, &exchange.headers).ok();
    said.login = viewer.as_ref().and_then(|viewer| Some(state.users.get(&viewer.user)?.login.clone()));
    said.user = viewer.map(|viewer| viewer.user);
    drop(state);
    let asked = Asked {
        method: &exchange.method,
        path: &exchange.path,
        operation: exchange.operation.as_deref(),
        login: said.login.as_deref(),
        write: exchange.is_write(),
    };
    host.world.book().plan.meet(&asked)
}

/// The answer, as a fault lets it be.
fn with_fault(host: &Host, exchange: &Exchange, fault: Option<&Fault>, said: &mut Said) -> Reply {
    if let Some(reply) = fault.and_then(|fault| instead(host, exchange, fault, said)) {
        return reply;
    }
    let before = matches!(fault, Some(Fault::Lag(_))).then(|| host.world.lock().clone());
    let mut reply = handle(host, exchange, said);
    match (fault, before) {
        (Some(Fault::Lag(reads)), Some(before)) => host.world.book().lag = Some((Box::new(before), *reads)),
        (Some(Fault::BadGatewayAfterWrite), _) => reply = page(502),
        (Some(Fault::GraphQlPartial), _) => partial(&mut reply),
        _ => {}
    }
    reply
}

/// What is answered instead, where a fault lets nothing be done.
fn instead(host: &Host, exchange: &Exchange, fault: &Fault, said: &Said) -> Option<Reply> {
    let mut state = host.world.lock();
    let (now, user) = (state.now(), said.user.unwrap_or(0));
    let resource = Resource::of(&exchange.path);
    Some(match fault {
        Fault::Unavailable(status) => page(*status),
        Fault::Reset => page(502),
        Fault::Unauthorised => Reply::refusal(401, "Bad credentials"),
        Fault::NoAccess => Reply::not_found(),
        Fault::Forbidden => Reply::refusal(403, "Resource not accessible by integration"),
        Fault::SecondaryLimit(retry_after) => state.meter.hush(user, now, *retry_after),
        Fault::PrimaryLimit(resets_in) => {
            state.meter.exhaust(user, resource, now, *resets_in);
            state.meter.admit(user, resource, now).err()?
        }
        Fault::GraphQlSecondaryLimit => {
            let told = state.meter.hush(user, now, None);
            let message = if let Body::Json(body) = &told.body { body["message"].clone() } else { Value::Null };
            Reply::ok(serde_json::json!({ "errors": [{ "type": "RATE_LIMITED", "message": message }] }))
        }
        Fault::GraphQlTrouble => {
            let message = "Something went wrong while executing your query. This may be the result of a timeout, or it \
                           could be a GitHub bug. Please include `FAKE` when reporting this issue.";
            Reply::ok(serde_json::json!({ "errors": [{ "message": message }] }))
        }
        _ => return None,
    })
}

/// A page for people, as gateways answer.
fn page(status: u16) -> Reply {
    let text = "<html><head><title>Unicorn!</title></head><body>This page is taking too long to load.</body></html>";
    Reply { status, headers: vec![("content-type", "text/html".to_owned())], body: Body::Text(text.to_owned()) }
}

/// Leaves out the last field of what GraphQL answered, and says so.
fn partial(reply: &mut Reply) {
    let Body::Json(body) = &mut reply.body else { return };
    let Some(last) = body["data"].as_object().and_then(|data| data.keys().next_back().cloned()) else { return };
    body["data"][&last] = Value::Null;
    let message = "Resource limits for this query exceeded.";
    body["errors"] = serde_json::json!([{ "type": "RESOURCE_LIMITS_EXCEEDED", "path": [last], "message": message }]);
}

/// Answers from the state, within the limits.
fn handle(host: &Host, exchange: &Exchange, said: &mut Said) -> Reply {
    let mut state = host.world.lock();
    let reply = known(host, &mut state, exchange, said);
    reply.unwrap_or_else(|refusal| refusal)
}

fn known(host: &Host, state: &mut State, exchange: &Exchange, said: &mut Said) -> Answer {
    exchange.check_headers()?;
    let viewer = auth::viewer(state, &exchange.headers)?;
    let (now, resource) = (state.now(), Resource::of(&exchange.path));
    if state.meter.is_quiet(viewer.user, now) {
        said.violations.push("it was told to be quiet, and asked again before its time".to_owned());
    }
    state.meter.admit(viewer.user, resource, now)?;
    if exchange.path != "/rate_limit" {
        said.cost = 1;
        state.meter.charge(viewer.user, resource, now, 1);
    }
    if exchange.makes() {
        state.meter.make(viewer.user, now)?;
    }
    let mut old = if exchange.is_write() { None } else { host.world.lagging() };
    let state = old.as_deref_mut().unwrap_or(state);
    if exchange.path == "/graphql" {
        return Ok(graphql(host, state, viewer, exchange, said));
    }
    rest(host, state, viewer, exchange, said)
}

fn graphql(host: &Host, state: &mut State, viewer: Viewer, exchange: &Exchange, said: &mut Said) -> Reply {
    said.template = Some("/graphql");
    let body = exchange.body.clone().unwrap_or_default();
    let answered = match Document::read(&body) {
        Ok(document) => {
            said.cost = document.cost();
            // One point was taken already.
            let (now, user) = (state.now(), viewer.user);
            state.meter.charge(user, Resource::Graphql, now, said.cost - 1);
            let mut ask = Ask { state, viewer, api: host.api(), cost: said.cost, errors: Vec::new() };
            graphql::answer(&mut ask, &document)
        }
        Err(message) => Answered::refused(message),
    };
    let problems = schema_problems(&body, &answered.body);
    // What the schema says is clearer than that something was not found here.
    said.violations.extend(answered.violation.filter(|_| problems.is_empty()));
    said.violations.extend(problems);
    Reply::ok(answered.body)
}

/// What GitHub's schema says against a document, or else against its answer.
fn schema_problems(asked: &Value, answer: &Value) -> Vec<String> {
    let asked_wrongly = schema::graphql_problems(asked["query"].as_str().unwrap_or_default());
    if !asked_wrongly.is_empty() || answer["data"].is_null() {
        return asked_wrongly;
    }
    let wrong = schema::answer_problems(asked, &answer["data"]).into_iter();
    wrong.map(|text| format!("the answer is not valid: {text}")).collect()
}

fn rest(host: &Host, state: &mut State, viewer: Viewer, exchange: &Exchange, said: &mut Said) -> Answer {
    let named = access::by_name(state, &exchange.path);
    let found = route::find(routes::all(), &exchange.method, &named);
    let found = found.filter(|(route, _)| {
        host.enterprise.as_ref().is_none_or(|version| !access::is_lacking(version, route.template))
    });
    let (route, params) = found.ok_or_else(|| {
        if host.enterprise.is_none() {
            said.violations.push("there is no such operation here".to_owned());
        }
        Reply::not_found()
    })?;
    said.template = Some(route.template);
    said.accepted = access::accepted(&route);
    let mut call = Call {
        method: exchange.method.clone(),
        path: named,
        template: route.template,
        params,
        query: call::query(&exchange.query),
        raw_query: exchange.query.clone(),
        body: Value::Null,
        viewer,
        repo: None,
        api: host.api(),
        enterprise: host.enterprise.clone(),
    };
    call.repo = access::repository(state, &call)?;
    access::allowed(state, &call, &route)?;
    call.body = exchange.body.clone().map_err(|_| Reply::refusal(400, "Problems parsing JSON"))?;
    check_request(&call, said)?;
    (route.handler)(state, &call)
}

/// Holds a request against the description. What GitHub would refuse is refused, and counts as a violation.
fn check_request(call: &Call, said: &mut Said) -> Result<(), Reply> {
    let Some(operation) = Description::get().operation(&call.method, call.template) else {
        said.violations.push("GitHub's description, as it is kept here, has no such operation".to_owned());
        return Ok(());
    };
    let query = operation.check_query(&call.query);
    let body = operation.check_body(&call.body);
    let told = query.iter().chain(&body);
    said.violations.extend(told.map(|fault| format!("the request is not valid: `{}`: {}", fault.field, fault.text)));
    match body.first() {
        Some(fault) => Err(Reply::invalid(&operation.resource, &fault.field, fault.code)),
        None => Ok(()),
    }
}
