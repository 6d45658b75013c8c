//! The one way to GitHub: in turn, to the right place, and repeated where that is safe.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher as _, Hasher as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dayfly_core::{Clock, ForgeRepo};
use jiff::{SignedDuration, Timestamp};
use reqwest::Url;
use tokio::sync::Semaphore;
use tokio::time::sleep;

use crate::budget::{Admit, Budget};
use crate::cache::{Cache, CacheKey, Kept};
use crate::classify::{Facts, Verdict, classify, header, limited, refusal};
use crate::place::Place;
use crate::wire::{Answer, Request, Wire, WireError};
use crate::{Call, GitHubError, Limit, Method, Pace, Token};

/// Who sends, and which limits that uses up.
#[derive(Debug, Clone)]
pub(crate) struct Bearer {
    pub(crate) token: Token,
    /// The tokens of one installation share its limits.
    pub(crate) lane: String,
}

/// What calls that share limits share.
#[derive(Debug)]
struct Lane {
    budget: Mutex<Budget>,
    writes: Semaphore,
    calls: Semaphore,
}

/// How many calls may be under way for one token. GitHub's own limit is 100, over all programs.
const CONCURRENT: usize = 10;
/// How often a call is repeated.
const REPETITIONS: u32 = 2;
const REDIRECTS: usize = 3;

/// The one way to GitHub.
#[derive(Debug)]
pub(crate) struct Transport {
    wire: Wire,
    pub(crate) place: Place,
    clock: Arc<dyn Clock>,
    pace: Pace,
    lanes: Mutex<HashMap<String, Arc<Lane>>>,
    cache: Mutex<Cache>,
    moved: Mutex<BTreeMap<String, ForgeRepo>>,
    enterprise: Mutex<Option<String>>,
    /// How far GitHub's clock is ahead of this machine's.
    ahead: Mutex<SignedDuration>,
}

impl Transport {
    pub(crate) fn new(place: Place, clock: Arc<dyn Clock>, pace: Pace) -> Result<Self, GitHubError> {
        Ok(Self {
            wire: Wire::new()?,
            place,
            clock,
            pace,
            lanes: Mutex::default(),
            cache: Mutex::new(Cache::new(2000, 16 << 20)),
            moved: Mutex::default(),
            enterprise: Mutex::default(),
            ahead: Mutex::default(),
        })
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The time by GitHub's clock, as far as its answers told it.
    pub(crate) fn its_now(&self) -> Timestamp {
        let now = self.now();
        now.checked_add(*locked(&self.ahead)).unwrap_or(now)
    }

    /// The repositories that calls were led away from, as they were named.
    pub(crate) fn moved(&self) -> Vec<ForgeRepo> {
        locked(&self.moved).values().cloned().collect()
    }

    /// The version of GitHub Enterprise Server that its answers told.
    pub(crate) fn enterprise(&self) -> Option<String> {
        locked(&self.enterprise).clone()
    }

    /// What is left of a resource's hourly budget, and when it is whole again.
    pub(crate) fn left(&self, lane: &str, resource: &str) -> Option<(u64, Timestamp)> {
        let lane = locked(&self.lanes).get(lane).cloned()?;
        locked(&lane.budget).left(resource)
    }

    /// Sends a call, and gives its answer if it was done.
    pub(crate) async fn send(&self, call: &Call, bearer: &Bearer) -> Result<Answer, GitHubError> {
        let mut repetition = 0;
        loop {
            let error = match self.once(call, bearer).await {
                Ok(answer) => return Ok(answer),
                Err(error) if repetition < REPETITIONS => error,
                Err(error) => return Err(error),
            };
            repetition += 1;
            sleep(self.pause(&error, repetition).ok_or(error)?).await;
        }
    }

    /// How long to wait before the call is sent again, if it is to be.
    fn pause(&self, error: &GitHubError, repetition: u32) -> Option<Duration> {
        match error {
            GitHubError::Unavailable { .. } => Some(jittered(self.pace.retry * repetition)),
            // What a limit refused was not done. A short wait is cheaper than coming back.
            GitHubError::Limited { until, what: Limit::Primary | Limit::Secondary, .. } => {
                let wait = Duration::try_from(until.duration_since(self.now())).unwrap_or_default();
                (wait <= self.pace.longest_wait).then_some(wait)
            }
            _ => None,
        }
    }

    async fn once(&self, call: &Call, bearer: &Bearer) -> Result<Answer, GitHubError> {
        let lane = self.lane(&bearer.lane);
        self.turn(call, &lane).await?;
        let closed = |_| GitHubError::Setup { what: "the client is closed".into(), source: None };
        let _call = lane.calls.acquire().await.map_err(closed)?;
        let _write = match call.is_write() {
            true => Some(lane.writes.acquire().await.map_err(closed)?),
            false => None,
        };
        let mut url = self.place.url(call)?;
        for _ in 0..=REDIRECTS {
            // A limit may have been reached while this call waited.
            locked(&lane.budget).stopped(self.now()).map_err(|admit| refused(admit, call))?;
            match self.hop(call, bearer, &lane, &url).await? {
                Hop::Arrived(answer) => return Ok(answer),
                Hop::Led(to) => url = to,
            }
        }
        Err(GitHubError::Malformed { at: call.site(), problem: "redirects without an end".into() })
    }

    async fn turn(&self, call: &Call, lane: &Lane) -> Result<(), GitHubError> {
        let admit = locked(&lane.budget).admit(self.now(), call, &self.pace);
        match admit {
            Admit::Now => {}
            Admit::Wait(wait) => sleep(wait).await,
            limited => return Err(refused(limited, call)),
        }
        Ok(())
    }

    /// One exchange, and what follows from it.
    async fn hop(&self, call: &Call, bearer: &Bearer, lane: &Lane, url: &Url) -> Result<Hop, GitHubError> {
        let own = self.place.is_own(url);
        let key = CacheKey { token: bearer.token.fingerprint(), accept: call.accept, url: url.to_string() };
        let cacheable = own && call.method == Method::Get && call.tail.is_none();
        let kept = if cacheable { locked(&self.cache).get(&key).cloned() } else { None };
        let token = own.then_some(&bearer.token);
        let request = Request { call, url, token, etag: kept.as_ref().map(|k| k.etag.as_str()) };
        let answer = self.wire.exchange(request).await.map_err(|e| without_answer(e, call))?;
        let now = self.now();
        let facts =
            Facts { status: answer.status, headers: &answer.headers, body: &answer.body, graphql: call.graphql };
        let verdict = classify(facts, now);
        if own {
            self.learn(lane, call, &answer, &verdict);
        }
        let mut at = call.site();
        at.request_id = header(&answer.headers, "x-github-request-id").map(|id| id.chars().take(80).collect());
        match verdict {
            Verdict::Good => {
                if cacheable {
                    self.keep(key, &answer);
                }
                Ok(Hop::Arrived(answer))
            }
            Verdict::NotModified => {
                let problem = || "nothing has changed, but nothing is known".to_owned();
                let kept = kept.ok_or_else(|| GitHubError::Malformed { at, problem: problem() })?;
                Ok(Hop::Arrived(again(answer, &kept)))
            }
            Verdict::Redirect { permanent } => self.led(call, url, &answer, permanent).map(Hop::Led),
            Verdict::Primary { until } => Err(limited(at, Limit::Primary, until)),
            Verdict::Secondary { until } => Err(limited(at, Limit::Secondary, locked(&lane.budget).strike(now, until))),
            Verdict::Refused => Err(refusal(facts, at)),
            Verdict::Unavailable if call.repeatable => {
                Err(GitHubError::Unavailable { at, status: Some(answer.status), source: None })
            }
            Verdict::Unavailable => Err(GitHubError::Indeterminate { at, source: None }),
        }
    }

    fn learn(&self, lane: &Lane, call: &Call, answer: &Answer, verdict: &Verdict) {
        let (now, mut budget) = (self.now(), locked(&lane.budget));
        budget.learn(now, call, &answer.headers);
        match verdict {
            Verdict::Primary { until } => {
                let resource = header(&answer.headers, "x-ratelimit-resource").unwrap_or(call.resource());
                budget.used_up(resource, *until);
            }
            Verdict::Good => budget.went_through(now),
            Verdict::NotModified => {
                budget.give_back(call);
                budget.went_through(now);
            }
            _ => {}
        }
        drop(budget);
        let told = header(&answer.headers, "date").and_then(|date| jiff::fmt::rfc2822::parse(date).ok());
        if let Some(told) = told {
            *locked(&self.ahead) = told.timestamp().duration_since(now);
        }
        if let Some(version) = header(&answer.headers, "x-github-enterprise-version") {
            *locked(&self.enterprise) = Some(version.chars().take(60).collect());
        }
    }

    /// Where a redirect leads, if it may be followed.
    fn led(&self, call: &Call, from: &Url, answer: &Answer, permanent: bool) -> Result<Url, GitHubError> {
        let wrong = |problem: &str| GitHubError::Malformed { at: call.site(), problem: problem.into() };
        let location = header(&answer.headers, "location").ok_or_else(|| wrong("a redirect to nowhere"))?;
        let to = from.join(location).map_err(|_| wrong("a redirect to no address"))?;
        if !self.place.is_own(&to) {
            // The hosts that hold logs have no use for the token, and nothing else is asked of other hosts.
            let fine = call.method == Method::Get && call.tail.is_some() && self.place.is_as_safe(&to);
            return if fine { Ok(to) } else { Err(wrong("a redirect to another host, which is not followed")) };
        }
        let same = self.place.same_below(from, &to);
        if let Some(scope) = call.scope.as_ref().filter(|_| same && (permanent || call.is_write())) {
            locked(&self.moved).insert(scope.to_string().to_ascii_lowercase(), scope.clone());
        }
        // An issue that was transferred has another number elsewhere: it is read there, but written by nobody who did
        // not mean that place.
        if call.is_write() && !same {
            let message = "it has moved to another repository or number; read it again".to_owned();
            return Err(GitHubError::Rejected { at: call.site(), status: answer.status, message });
        }
        Ok(to)
    }

    fn keep(&self, key: CacheKey, answer: &Answer) {
        let Some(etag) = header(&answer.headers, "etag").filter(|_| answer.status == 200) else {
            return;
        };
        let link = header(&answer.headers, "link").map(str::to_owned);
        let kept = Kept { etag: etag.to_owned(), link, body: answer.body.as_slice().into() };
        locked(&self.cache).put(key, kept);
    }

    fn lane(&self, name: &str) -> Arc<Lane> {
        let new = || Lane { budget: Mutex::default(), writes: Semaphore::new(1), calls: Semaphore::new(CONCURRENT) };
        locked(&self.lanes).entry(name.to_owned()).or_insert_with(|| Arc::new(new())).clone()
    }
}

/// What came of one exchange.
enum Hop {
    Arrived(Answer),
    Led(Url),
}

/// The kept answer, in the place of one that says that nothing has changed.
fn again(answer: Answer, kept: &Kept) -> Answer {
    let mut headers = answer.headers;
    if let Some(link) = kept.link.as_deref().and_then(|l| l.parse().ok()) {
        headers.insert("link", link);
    }
    Answer { status: 200, headers, body: kept.body.to_vec() }
}

fn refused(admit: Admit, call: &Call) -> GitHubError {
    match admit {
        Admit::Limited { what, until } => limited(call.site(), what, until),
        Admit::Now | Admit::Wait(_) => limited(call.site(), Limit::Pace, Timestamp::MIN),
    }
}

fn without_answer(error: WireError, call: &Call) -> GitHubError {
    let at = call.site();
    match error {
        WireError::NotSent(source) => GitHubError::Unavailable { at, status: None, source: Some(source) },
        WireError::Lost(source) if call.repeatable => {
            GitHubError::Unavailable { at, status: None, source: Some(source) }
        }
        WireError::Lost(source) => GitHubError::Indeterminate { at, source: Some(source) },
        WireError::TooLarge(limit) if call.repeatable => GitHubError::TooLarge { at, limit },
        WireError::TooLarge(_) => GitHubError::Indeterminate { at, source: None },
    }
}

/// Between half of the time and the whole, so that many do not come back at once.
fn jittered(time: Duration) -> Duration {
    let chance = std::collections::hash_map::RandomState::new().build_hasher().finish();
    let share = f64::from(u32::try_from(chance >> 40).unwrap_or_default()) / f64::from(1_u32 << 24);
    time.mul_f64(0.5 + share / 2.0)
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
