//! Landlock: rules that a process takes on for itself and all it starts.

use std::path::PathBuf;

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, LandlockStatus, NetPort, Ruleset, RulesetAttr,
    RulesetCreated, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope, path_beneath_rules,
};

/// What is needed: the first version that keeps signals and abstract sockets inside.
const NEEDED: ABI = ABI::V6;
/// What is used where it is there.
const KNOWN: ABI = ABI::V9;

/// The rules of an attempt.
#[derive(Debug, Default)]
pub(super) struct Rules {
    pub(super) read: Vec<PathBuf>,
    pub(super) write: Vec<PathBuf>,
    /// Whether TCP is refused.
    pub(super) no_tcp: bool,
    /// The one port that can be connected to even so. The kernel knows ports here, and no addresses.
    pub(super) port: Option<u16>,
}

/// Takes the rules on, for the calling thread and what it starts.
pub(super) fn restrict(rules: &Rules) -> Result<(), RulesetError> {
    let mut ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(NEEDED))?
        .scope(Scope::from_all(NEEDED))?;
    if rules.no_tcp {
        ruleset = ruleset.handle_access(AccessNet::from_all(NEEDED))?;
    }
    let ports = rules.port.filter(|_| rules.no_tcp).into_iter();
    let ruleset = ruleset.set_compatibility(CompatLevel::BestEffort).handle_access(AccessFs::from_all(KNOWN))?;
    ruleset
        .create()?
        .add_rules(path_beneath_rules(&rules.read, AccessFs::from_read(KNOWN)))?
        .add_rules(path_beneath_rules(&rules.write, AccessFs::from_all(KNOWN)))?
        .add_rules(ports.map(|port| Ok::<_, RulesetError>(NetPort::new(port, AccessNet::ConnectTcp))))?
        .restrict_self()
        .map(drop)
}

/// Keeps signals, traces and abstract sockets inside, where the kernel can. Files and TCP are held by namespaces then.
pub(super) fn scope() -> Result<(), RulesetError> {
    let scoped = || -> Result<RulesetCreated, RulesetError> {
        Ruleset::default().set_compatibility(CompatLevel::BestEffort).scope(Scope::from_all(NEEDED))?.create()
    };
    scoped()?.restrict_self().map(drop)
}

/// Tries the rules, in a thread of its own: they cannot be taken off again. The version that is there, or why it does
/// not work.
pub(super) fn probe() -> Result<String, String> {
    let tried = std::thread::spawn(|| {
        let allowed = Rules { read: vec!["/usr".into()], ..Rules::default() };
        let status = restrict(&allowed);
        (status, std::fs::File::open("/etc/passwd").is_err(), std::fs::read_dir("/usr").is_ok())
    });
    let (status, refused, allowed) = tried.join().map_err(|_| "the trial failed".to_owned())?;
    status.map_err(|err| format!("the rules were not taken on: {err}"))?;
    match (refused, allowed) {
        (true, true) => Ok(version()),
        (false, _) => Err("a file that was not allowed could be opened".to_owned()),
        (true, false) => Err("a folder that was allowed could not be read".to_owned()),
    }
}

/// The version of the kernel's Landlock. It is told only by a set of rules that is taken on, so a thread does that.
fn version() -> String {
    let status = std::thread::spawn(|| {
        let rules = Ruleset::default().set_compatibility(CompatLevel::BestEffort).scope(Scope::from_all(NEEDED));
        rules.and_then(Ruleset::create).and_then(RulesetCreated::restrict_self)
    });
    match status.join() {
        Ok(Ok(status)) if status.ruleset != RulesetStatus::NotEnforced => match status.landlock {
            LandlockStatus::Available { effective_abi, kernel_abi } => {
                format!("version {}", kernel_abi.unwrap_or(effective_abi as i32))
            }
            _ => "there".to_owned(),
        },
        _ => "there".to_owned(),
    }
}
