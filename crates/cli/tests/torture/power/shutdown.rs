//! A real file system whose power is cut: ext4 on a loop device, shut down without writing its log out.

use std::fs::File;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};

use super::{Cuts, RECORDER, held};
use crate::dice::Dice;
use crate::portfolio::output;
use crate::processes::rest;

/// `EXT4_IOC_SHUTDOWN` with `EXT4_GOING_FLAGS_NOLOGFLUSH`. The last thing before it is to see how long the file of
/// acknowledgements is: what is acknowledged later may have been while the file system was on its way down, when the
/// kernel lets a sync succeed that is kept nowhere.
const SHUTDOWN: &str = r#"
open(my $d, "<", $ARGV[0]) or die "$!\n"; open(my $said, "<", $ARGV[1]) or die "$!\n"; my $how = pack("L", 2);
my $long = -s $said; ioctl($d, 0x8004587D, $how) or die "$!\n"; print $long"#;
/// How long a writer may take until it has written what is wanted.
const PATIENCE: Duration = Duration::from_secs(60);
const MEGABYTES: &str = "64M";

fn run(program: &str, args: &[&str]) -> Result<String, String> {
    let mut command = Command::new(program);
    let output = command.args(args).stdin(Stdio::null()).output().map_err(|err| format!("`{program}`: {err}"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    if output.status.success() { Ok(text) } else { Err(format!("`{program} {}`: {}", args.join(" "), text.trim())) }
}

/// Runs the cuts in a mount namespace of their own, so that nothing of them is seen outside and nothing stays mounted.
/// An error says why this machine cannot do it.
pub(super) fn shutdowns(dir: &Utf8Path, events: &Utf8Path, cuts: u64, seed: u64) -> Result<bool, String> {
    if !nix::unistd::geteuid().is_root() {
        return Err("it mounts a file system, which only root may do".into());
    }
    let own = std::env::current_exe().unwrap();
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private"]).arg(own).args(["inside", dir.as_str(), events.as_str()]);
    command.args([cuts.to_string(), seed.to_string()]);
    let status = command.status().map_err(|err| format!("`unshare`: {err}"))?;
    match status.code() {
        Some(0) => Ok(true),
        Some(1) => Ok(false),
        _ => Err("no file system could be made and mounted".into()),
    }
}

/// What is done inside that namespace: the cuts, and then some with a disk that lies, which must be seen to lose.
pub(super) fn inside(
    dir: &Utf8Path,
    events: &Utf8Path,
    whole: &[String],
    (cuts, seed): (u64, u64),
) -> Result<bool, String> {
    let image = dir.join("image");
    run("truncate", &["--size", MEGABYTES, image.as_str()])?;
    run("mkfs.ext4", &["-q", "-F", image.as_str()])?;
    let library = dir.join("forgets.so");
    std::fs::write(dir.join("recorder.c"), RECORDER).unwrap();
    let flags = ["-shared", "-fPIC", "-O2", "-o", library.as_str()];
    let (code, text) = output(Command::new("cc").args(flags).arg(dir.join("recorder.c")));
    if code != Some(0) {
        return Err(text);
    }
    let site = Site { mounted: dir.join("mounted"), image, events: events.to_owned() };
    std::fs::create_dir_all(&site.mounted).unwrap();
    let mut dice = Dice::new(seed, 0);
    let honest = site.cuts(whole, cuts, &mut dice, None)?;
    println!("power: file system shut down: {honest}");
    let lying = site.cuts(whole, cuts.min(20), &mut dice, Some(&library))?;
    println!("power: the same on a disk that forgets syncs, which must lose: {lying}");
    Ok(honest.lost + honest.broken == 0 && lying.lost + lying.broken > 0)
}

/// The last records that a writer said were there: before the power was cut, and at all.
struct Said {
    before: u64,
    at_all: u64,
}

/// The number in the last whole line.
fn last(said: &[u8]) -> u64 {
    let whole = &said[..said.iter().rposition(|byte| *byte == b'\n').unwrap_or(0)];
    let line = whole.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    std::str::from_utf8(line).unwrap().parse().unwrap_or(0)
}

/// Where it happens.
struct Site {
    mounted: Utf8PathBuf,
    image: Utf8PathBuf,
    events: Utf8PathBuf,
}

impl Site {
    fn cuts(&self, whole: &[String], times: u64, dice: &mut Dice, forgets: Option<&Utf8Path>) -> Result<Cuts, String> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut cuts = Cuts::default();
        let mut late = 0;
        for number in 0..times {
            let folder = self.mounted.join(format!("cut-{number}"));
            self.mount()?;
            let _ = std::fs::remove_dir_all(&folder);
            std::fs::create_dir_all(&folder).unwrap();
            // The folder itself was there long before.
            std::fs::File::open(&self.mounted).and_then(|root| root.sync_all()).unwrap();
            let said = self.cut(&folder, dice, forgets)?;
            self.unmount()?;
            self.mount()?;
            cuts.cuts += 1;
            match runtime.block_on(held(&folder, whole)) {
                Ok(records) if records < said.before => {
                    cuts.lost += 1;
                    cuts.worst = cuts.worst.max(said.before - records);
                }
                Ok(records) if records < said.at_all => late += 1,
                Ok(_) => {}
                Err(why) => {
                    cuts.broken += 1;
                    if forgets.is_none() {
                        println!("power: shutdown {number}: {why}");
                    }
                }
            }
            std::fs::remove_dir_all(&folder).map_err(|err| err.to_string())?;
            self.unmount()?;
        }
        if forgets.is_none() {
            println!("power: {late} more lost what was acknowledged while the file system went down");
        }
        Ok(cuts)
    }

    /// Lets a writer write until the power is cut; gives what it said was there.
    fn cut(&self, folder: &Utf8Path, dice: &mut Dice, forgets: Option<&Utf8Path>) -> Result<Said, String> {
        // It is not on the file system that goes down.
        let path = self.image.with_extension("said");
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["writer", folder.as_str(), self.events.as_str(), "1000000"]);
        command.stdin(Stdio::null()).stdout(File::create(&path).unwrap()).stderr(Stdio::null());
        if let Some(library) = forgets {
            command.env("LD_PRELOAD", library).env("TORTURE_FORGET", "1");
        }
        let mut writer = command.spawn().unwrap();
        let (wanted, pause) = (1 + dice.below(1000), dice.while_(0, 3));
        let patience = Instant::now() + PATIENCE;
        while last(&std::fs::read(&path).unwrap()) < wanted && Instant::now() < patience {
            rest(Duration::from_micros(200));
        }
        rest(pause);
        let shut = run("perl", &["-e", SHUTDOWN, self.mounted.as_str(), path.as_str()]);
        rest(Duration::from_millis(5));
        let _ = writer.kill();
        writer.wait().unwrap();
        let long = shut.map_err(|why| format!("the file system cannot be shut down: {why}"))?;
        let long: usize = long.parse().map_err(|_| format!("it said `{long}` of the acknowledgements"))?;
        let said = std::fs::read(&path).unwrap();
        if last(&said[..long]) < wanted {
            return Err(format!("the writer did not come as far as {wanted} in {PATIENCE:?}"));
        }
        Ok(Said { before: last(&said[..long]), at_all: last(&said) })
    }

    fn mount(&self) -> Result<String, String> {
        run("mount", &["-t", "ext4", "-o", "loop", self.image.as_str(), self.mounted.as_str()])
    }

    fn unmount(&self) -> Result<String, String> {
        run("umount", &[self.mounted.as_str()])
    }
}
