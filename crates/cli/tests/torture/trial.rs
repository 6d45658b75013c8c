//! One world: its engine is killed, paused and started again, until all work is done.

use std::fs::{File, OpenOptions};
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::State;
use nix::sys::signal::Signal;

use crate::dice::Dice;
use crate::facts::{booked, difference, facts, ledger, settled};
use crate::lacking::Lack;
use crate::people::{Forge, People};
use crate::portfolio::{AfterCrash, config, copy, dayfly};
use crate::processes::{keepers, rest, signal};

/// More than a world takes, on a machine that is busy with much else.
const PATIENCE: Duration = Duration::from_secs(300);
const GLANCE: Duration = Duration::from_millis(60);

/// How a world is treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Treatment {
    pub(crate) after_crash: AfterCrash,
    /// Whether keepers are killed and paused as well.
    pub(crate) keepers: bool,
    /// Whether one of its projects is on GitHub.
    pub(crate) forge: bool,
    /// How often its engine is killed at most.
    pub(crate) kills: u64,
    /// Its engine is not the program, but one that lacks something.
    pub(crate) lack: Option<Lack>,
}

/// What was done to a world.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tally {
    /// Kills of the engine, and how many of them met work under way or writes that were due.
    pub(crate) kills: u64,
    pub(crate) busy: u64,
    pub(crate) keepers: u64,
    pub(crate) pauses: u64,
    /// Attempts whose end nobody can know any more, and all of them.
    pub(crate) lost: u64,
    pub(crate) attempts: u64,
    pub(crate) records: u64,
}

impl Tally {
    pub(crate) fn add(&mut self, other: Self) {
        self.kills += other.kills;
        self.busy += other.busy;
        self.keepers += other.keepers;
        self.pauses += other.pauses;
        self.lost += other.lost;
        self.attempts += other.attempts;
        self.records += other.records;
    }
}

pub(crate) struct World {
    dir: Utf8PathBuf,
    people: People,
    treatment: Treatment,
    began: Instant,
    tally: Tally,
    /// Kills in a row that met an engine with nothing to do.
    idle: u64,
}

impl World {
    pub(crate) fn new(template: &Utf8Path, dir: Utf8PathBuf, treatment: Treatment) -> Self {
        copy(template, &dir);
        let forge = treatment.forge.then(|| Forge::new(&dir));
        let api = forge.as_ref().map(|forge| forge.server.url());
        std::fs::write(dir.join("dayfly.toml"), config(&dir, api.as_deref(), treatment.after_crash)).unwrap();
        let people = People::new(dir.clone(), forge);
        Self { dir, people, treatment, began: Instant::now(), tally: Tally::default(), idle: 0 }
    }

    /// Lets the world come to its end without a disturbance, and gives what is there then.
    pub(crate) fn undisturbed(mut self) -> Result<Vec<String>, String> {
        let mut none = Dice::new(0, 0);
        let ended = self.come_to_its_end(&mut none).and_then(|()| self.look());
        let (state, records) = ended.map_err(|why| self.failure(&why))?;
        Ok(facts(&self.dir, &state, &records, self.people.forge.as_ref()))
    }

    /// Kills and pauses until all is done, then compares with what an undisturbed world comes to.
    pub(crate) fn torture(mut self, dice: &mut Dice, calm: &[String]) -> Result<Tally, String> {
        let ended = self.come_to_its_end(dice).and_then(|()| self.look());
        let (state, records) = ended.map_err(|why| self.failure(&why))?;
        let found = facts(&self.dir, &state, &records, self.people.forge.as_ref());
        if found != calm {
            return Err(self.failure(&difference(calm, &found)));
        }
        std::fs::remove_dir_all(&self.dir).unwrap();
        Ok(self.tally)
    }

    fn look(&mut self) -> Result<(State, Vec<dayfly_core::Record>), String> {
        let records = ledger(&self.dir)?;
        let state = settled(&self.dir, &records)?;
        let keepers_lived = !self.treatment.keepers && self.treatment.after_crash == AfterCrash::Adopt;
        self.tally.lost = booked(&self.dir, &records, keepers_lived)?;
        self.tally.attempts = std::fs::read_dir(self.dir.join("book")).unwrap().count() as u64;
        self.tally.records = records.len() as u64;
        Ok((state, records))
    }

    /// Runs engine after engine, until one ends by itself and nobody has anything more to say.
    fn come_to_its_end(&mut self, dice: &mut Dice) -> Result<(), String> {
        loop {
            let mut acted = self.people.act();
            let mut engine = self.engine();
            let ended = self.live(&mut engine, dice, &mut acted);
            // Nothing that this test started outlives it.
            let _ = engine.kill();
            engine.wait().unwrap();
            match ended? {
                Some(status) if !matches!(status.code(), Some(0 | 1)) => {
                    return Err(format!("the engine ended by itself: {status}"));
                }
                Some(_) if !acted && !self.people.act() => return Ok(()),
                Some(_) => {}
                None => self.killed()?,
            }
        }
    }

    fn engine(&self) -> Child {
        let log =
            |name: &str| -> File { OpenOptions::new().create(true).append(true).open(self.dir.join(name)).unwrap() };
        let mut command = match self.treatment.lack {
            None => dayfly(&self.dir, self.people.token()),
            Some(_) => Command::new(std::env::current_exe().unwrap()),
        };
        match self.treatment.lack {
            None => command.args(["run", "--until-idle", "--patience", "20s"]),
            Some(lack) => command.args(["engine", self.dir.as_str(), &lack.word()]).current_dir(&self.dir),
        };
        command.stdout(log("out.log")).stderr(log("err.log")).spawn().unwrap()
    }

    /// The life of one engine: to its own end, or to the kill, which gives none.
    fn live(&mut self, engine: &mut Child, dice: &mut Dice, acted: &mut bool) -> Result<Option<ExitStatus>, String> {
        loop {
            let killing = self.tally.kills < self.treatment.kills && self.idle < 8;
            let next = Instant::now() + if killing { dice.while_(20, 1200) } else { PATIENCE };
            while Instant::now() < next {
                rest(GLANCE.min(next.saturating_duration_since(Instant::now())));
                *acted |= self.people.act();
                if let Some(status) = engine.try_wait().unwrap() {
                    return Ok(Some(status));
                }
                if self.began.elapsed() > PATIENCE {
                    return Err("it does not come to its end".into());
                }
            }
            if killing && self.disturb(engine, dice) {
                return Ok(None);
            }
        }
    }

    /// Tells whether the engine is dead now.
    fn disturb(&mut self, engine: &Child, dice: &mut Dice) -> bool {
        let (roll, pid) = (dice.below(100), engine.id());
        let keepers = if self.treatment.keepers { keepers(&self.dir) } else { Vec::new() };
        match (roll, dice.pick(&keepers)) {
            (0..20, Some(keeper)) => {
                signal(*keeper, Signal::SIGKILL);
                self.tally.keepers += 1;
                false
            }
            (20..28, Some(keeper)) => {
                self.pause(*keeper, dice);
                false
            }
            (28..48, Some(keeper)) => {
                // Both at once, in either order.
                let (first, second) = if dice.percent(50) { (pid, *keeper) } else { (*keeper, pid) };
                signal(first, Signal::SIGKILL);
                signal(second, Signal::SIGKILL);
                self.tally.keepers += 1;
                true
            }
            (48..57, _) => {
                self.pause(pid, dice);
                false
            }
            _ => {
                signal(pid, Signal::SIGKILL);
                true
            }
        }
    }

    fn pause(&mut self, pid: u32, dice: &mut Dice) {
        signal(pid, Signal::SIGSTOP);
        rest(dice.while_(10, 400));
        signal(pid, Signal::SIGCONT);
        self.tally.pauses += 1;
    }

    /// After each kill the chain is whole.
    fn killed(&mut self) -> Result<(), String> {
        self.tally.kills += 1;
        let records = ledger(&self.dir)?;
        let state = State::fold(&records).map_err(|err| format!("the ledger does not fold after a kill: {err}"))?;
        let busy = records.is_empty() || !state.live.is_empty() || !state.outbox.is_empty();
        self.tally.busy += u64::from(busy);
        self.idle = if busy { 0 } else { self.idle + 1 };
        Ok(())
    }

    fn failure(&self, why: &str) -> String {
        let tail = |name: &str| {
            let text = std::fs::read_to_string(self.dir.join(name)).unwrap_or_default();
            let lines: Vec<&str> = text.lines().collect();
            lines[lines.len().saturating_sub(25)..].join("\n")
        };
        let forge = self.people.forge.as_ref().map(|forge| forge.told()).unwrap_or_default();
        std::fs::write(self.dir.join("forge.txt"), forge).unwrap();
        format!(
            "{:?}, after {:?}:\n{why}\nlast lines of its engines:\n{}\n{}\nall of it is in {}",
            self.treatment,
            self.tally,
            tail("out.log"),
            tail("err.log"),
            self.dir
        )
    }
}
