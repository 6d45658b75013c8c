//! Runs the fuzz targets with cargo-fuzz, which it installs if it is not there.

use std::path::Path;
use std::process::{Command, ExitCode};

use crate::tree;

const SEEDS: &str = "fuzz/seeds.txt";
/// How long each target is tried, in seconds, if nobody says.
const TIME: &str = "60";

/// `fuzz [TARGET..] [--time SECONDS]`.
pub(crate) fn fuzz(args: &[&str]) -> ExitCode {
    match run(&tree::root(), args) {
        Ok(failed) if failed.is_empty() => ExitCode::SUCCESS,
        Ok(failed) => {
            eprintln!("fuzz: failed: {}; put the input, named for what it shows, into fuzz/corpus", failed.join(", "));
            ExitCode::FAILURE
        }
        Err(problem) => {
            eprintln!("fuzz: {problem}");
            ExitCode::from(3)
        }
    }
}

/// The targets that failed.
fn run(root: &Path, args: &[&str]) -> Result<Vec<String>, String> {
    let list = std::fs::read_to_string(root.join(SEEDS)).map_err(|err| format!("cannot read {SEEDS}: {err}"))?;
    let (wanted, time) = asked(args)?;
    let targets = targets(&list);
    if let Some(unknown) = wanted.iter().find(|name| !targets.iter().any(|(known, _)| known == *name)) {
        return Err(format!("`{unknown}` is no target; {SEEDS} lists them"));
    }
    if !cargo(root, &["fuzz", "--version"]).status().is_ok_and(|status| status.success()) {
        done(cargo(root, &["install", "cargo-fuzz", "--locked"]), "install cargo-fuzz")?;
    }
    // No code of ours is unsafe: what the sanitizers look for is left out, and more inputs are tried in the time.
    let build = ["fuzz", "build", "--sanitizer", "none", "--target-dir", "target/fuzz", "all"];
    done(cargo(root, &build), "build the targets")?;
    let mut failed = Vec::new();
    for (name, folders) in targets.iter().filter(|(name, _)| wanted.is_empty() || wanted.contains(name)) {
        println!("fuzz: {name} for {time} s");
        let found = root.join("target/fuzz/corpus").join(name);
        std::fs::create_dir_all(&found).map_err(|err| format!("cannot make {}: {err}", found.display()))?;
        let own = format!("fuzz/corpus/{name}");
        let mut command = cargo(root, &["fuzz", "run", "--sanitizer", "none", "--target-dir", "target/fuzz", "all"]);
        command.arg(&found).args(folders).args(root.join(&own).exists().then_some(&own));
        command.args(["--", "-timeout=20", "-print_final_stats=1", "-max_len=8192"]);
        command.arg(format!("-max_total_time={time}")).env("DAYFLY_FUZZ", name);
        let status = command.status().map_err(|err| format!("cannot run cargo: {err}"))?;
        if !status.success() {
            failed.push(name.clone());
        }
    }
    Ok(failed)
}

fn asked(args: &[&str]) -> Result<(Vec<String>, String), String> {
    let (mut wanted, mut time) = (Vec::new(), TIME.to_owned());
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        if *arg == "--time" {
            let seconds = args.next().filter(|word| word.parse::<u32>().is_ok());
            time = (*seconds.ok_or("`--time` needs a number of seconds")?).to_owned();
        } else if arg.starts_with('-') {
            return Err(format!("`{arg}` is not known; give names of targets and `--time SECONDS`"));
        } else {
            wanted.push((*arg).to_owned());
        }
    }
    Ok((wanted, time))
}

/// Each target with the folders in which its seeds are, besides its own.
fn targets(list: &str) -> Vec<(String, Vec<String>)> {
    let lines = list.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let target = |line: &str| {
        let mut words = line.split(' ').map(str::to_owned);
        (words.next().unwrap_or_default(), words.collect())
    };
    lines.map(target).collect()
}

fn cargo(root: &Path, args: &[&str]) -> Command {
    let mut command = tree::cargo();
    // The stable toolchain has all that is needed, under a name that says it may change.
    command.current_dir(root).args(args).env("RUSTC_BOOTSTRAP", "1").env("CARGO_INCREMENTAL", "0");
    command
}

fn done(mut command: Command, what: &str) -> Result<(), String> {
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("cannot {what}: {status}")),
        Err(err) => Err(format!("cannot {what}: {err}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_and_a_time_may_be_asked_for() {
        assert_eq!(asked(&["text", "--time", "5", "head"]), Ok((vec!["text".into(), "head".into()], "5".into())));
        assert_eq!(asked(&[]), Ok((Vec::new(), TIME.into())));
        assert!(asked(&["--time"]).is_err() && asked(&["--time", "x"]).is_err() && asked(&["--fast"]).is_err());
    }

    #[test]
    fn each_target_is_listed_with_the_folders_of_its_seeds() {
        let list = std::fs::read_to_string(tree::root().join(SEEDS)).unwrap();
        let targets = targets(&list);
        assert!(targets.len() >= 19, "{targets:?}");
        for (name, folders) in targets {
            let all = folders.into_iter().chain([format!("fuzz/corpus/{name}")]);
            assert!(all.into_iter().any(|folder| tree::root().join(folder).is_dir()), "{name} has no seeds");
        }
    }
}
