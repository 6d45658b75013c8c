//! Keeping a vendor's key from the attempts that use it.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};

use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::{
    AgentConfig, Attempt, AttemptId, Billing, Digest, End, LimitNotice, LimitScope, LimitWhy, Outcome, ResetTime, State,
};

use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::proxy::{
    Proxy, ProxyBudget, ProxyClient, ProxyLimits, ProxyNotice, ProxySpec, ProxyState, SecretKey, Spent, free_port,
    proxied,
};

use super::house::House;

/// The key of an attempt's account, held by a proxy as long as this lives.
#[derive(Debug)]
pub(super) struct HeldKey {
    proxy: Proxy,
    folder: Utf8PathBuf,
    /// Writes down what is spent: an engine that takes the attempt up must not begin to count anew.
    _tasks: JoinSet<()>,
}

impl House {
    /// Starts the proxy for an attempt whose account has one, or takes up that of an earlier engine, and makes the
    /// attempt use it.
    ///
    /// # Errors
    /// Why there can be none, with what helps.
    pub(super) fn hold_key(&self, attempt: &mut Attempt) -> Result<Option<HeldKey>, String> {
        let job = &attempt.job;
        let Some(account) = job.account.as_ref().and_then(|name| self.portfolio.accounts.get(name)) else {
            return Ok(None);
        };
        let Some(variable) = &account.proxy_key else { return Ok(None) };
        let key = std::env::var(variable).ok().filter(|key| !key.trim().is_empty()).ok_or_else(|| {
            format!("the variable {variable}, which holds the account's key, is not set; set it where dayfly runs")
        })?;
        let agent = job.agent.as_ref().and_then(|name| self.portfolio.agents.get(name)).ok_or("there is no agent")?;
        let client = ProxyClient::find(agent.kind.word(), None).ok_or_else(|| {
            format!("a proxy for agents of kind `{}` is not known; take `proxy-key` out", agent.kind.word())
        })?;
        let folder = self.key_folder(&attempt.id);
        let at = |err: std::io::Error| format!("cannot use {folder}: {err}");
        let (port, token) = match read(&folder) {
            Some(known) => known,
            None => {
                let fresh = (free_port().map_err(at)?, SecretKey::token().map_err(at)?);
                write(&folder, fresh.0, &fresh.1).map_err(at)?;
                fresh
            }
        };
        let upstream = account.upstream.clone().unwrap_or_else(|| client.protocol.address().to_owned());
        let spec = ProxySpec {
            socket: folder.join("s"),
            upstream,
            protocol: client.protocol,
            key: SecretKey::new(key),
            sent: client.protocol.key_sent(),
            token: token.clone(),
            allow: client.protocol.paths(),
            budget: budget(agent, attempt),
            spent: spent(&folder),
            limits: ProxyLimits::default(),
        };
        let proxy = Proxy::start(spec).map_err(|err| super::attempt::chain(&err))?;
        attempt.command.pass_env.retain(|name| name != variable);
        attempt.command = proxied(attempt.command.clone(), &client, port, &token);
        attempt.bridge = Some((port, proxy.socket().to_owned()));
        let mut tasks = JoinSet::new();
        tasks.spawn(keep_count(proxy.watch(), folder.join("spent")));
        Ok(Some(HeldKey { proxy, folder, _tasks: tasks }))
    }

    /// The folder of an attempt's socket. Its path is short: those of sockets have a limit.
    fn key_folder(&self, attempt: &AttemptId) -> Utf8PathBuf {
        let digest = Digest::of(attempt.as_str().as_bytes());
        self.portfolio.state_dir.join("proxy").join(digest.as_str().get(..12).unwrap_or_default())
    }

    /// Removes what proxies of attempts left that are over.
    pub(super) fn forget_keys(&self, state: &State) {
        let live: Vec<Utf8PathBuf> = state.live.keys().map(|id| self.key_folder(id)).collect();
        let Ok(folders) = self.portfolio.state_dir.join("proxy").read_dir_utf8() else { return };
        for folder in folders.flatten().filter(|folder| !live.contains(&folder.path().to_owned())) {
            // What cannot be removed holds a token that nobody takes any more.
            let _ = fs::remove_dir_all(folder.path());
        }
    }
}

impl HeldKey {
    /// Adds what the vendor's answers said that the agent did not tell.
    pub(super) fn complete(&self, outcome: &mut Outcome) {
        let state = self.proxy.watch().borrow().clone();
        outcome.receipt.billing = Billing::ApiKey;
        if let Some(why) = &state.unreachable {
            outcome.receipt.tail.push_str(&format!("\nthe proxy could not reach the vendor: {why}"));
        }
        let usage = &mut outcome.receipt.usage;
        if usage.tokens() == 0 {
            let spent = state.spent;
            usage.input_tokens = spent.tokens().saturating_sub(spent.output);
            usage.cached_tokens = spent.cache_read;
            usage.output_tokens = spent.output;
        }
        let told = outcome.receipt.limits.iter().any(|notice| notice.refused && notice.resets.is_some());
        let refused = matches!(outcome.end, End::Quota { .. } | End::ProviderDown { .. });
        if let Some(notice) = state.limited.filter(|_| refused && !told) {
            let why = if matches!(outcome.end, End::Quota { .. }) { LimitWhy::Quota } else { LimitWhy::Down };
            outcome.receipt.limits.retain(|notice| !notice.refused);
            outcome.receipt.limits.push(limit(&notice, why));
        }
    }
}

impl Drop for HeldKey {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn limit(notice: &ProxyNotice, why: LimitWhy) -> LimitNotice {
    let epoch = |name: &str| {
        let (_, value) = notice.resets.iter().find(|(known, _)| known == name)?;
        ResetTime::from_epoch(value.parse().ok()?)
    };
    let resets = epoch("anthropic-ratelimit-unified-reset")
        .or_else(|| notice.retry_after.as_deref().and_then(ResetTime::from_retry_after));
    let said = format!("the vendor answered with status {}", notice.status);
    LimitNotice { scope: LimitScope::Model, why, window: None, used: None, refused: true, resets, said }
}

fn budget(agent: &AgentConfig, attempt: &Attempt) -> ProxyBudget {
    let spend = attempt.job.spend;
    // Without prices nobody knows what a token costs: then tokens are the bound.
    let micro_usd = spend.usd_micros.filter(|_| !agent.prices.is_empty());
    ProxyBudget { tokens: spend.tokens, micro_usd, prices: agent.prices.clone() }
}

/// Writes what is spent to a file whenever that changes.
async fn keep_count(mut state: watch::Receiver<ProxyState>, file: Utf8PathBuf) {
    while state.changed().await.is_ok() {
        let spent = state.borrow_and_update().spent;
        let Ok(text) = serde_json::to_vec(&spent) else { return };
        let part = file.with_extension("part");
        // What cannot be written is counted anew after a crash of the engine, and by the agent's own records all along.
        if tokio::fs::write(&part, text).await.is_ok() {
            let _ = tokio::fs::rename(&part, &file).await;
        }
    }
}

/// What an earlier engine's proxy counted.
fn spent(folder: &Utf8Path) -> Spent {
    let text = fs::read(folder.join("spent")).ok();
    text.and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
}

/// The port and the token that an earlier engine gave the attempt.
fn read(folder: &Utf8Path) -> Option<(u16, SecretKey)> {
    let text = fs::read_to_string(folder.join("token")).ok()?;
    let (port, token) = text.trim().split_once(' ')?;
    Some((port.parse().ok()?, SecretKey::new(token)))
}

fn write(folder: &Utf8Path, port: u16, token: &SecretKey) -> std::io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let file = folder.join("token");
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(file)?;
    writeln!(file, "{port} {}", token.reveal())
}
