//! Runs the torture: real kills, power cuts, many jobs in flight, engines that lack a defence, and simulated faults.

use std::process::ExitCode;

use crate::tree;

/// `torture [power|recovery|mutants] [--kills N] [--seed N] ..`, or `torture --simulated N`.
pub(crate) fn torture(args: &[&str]) -> ExitCode {
    if let Some(at) = args.iter().position(|arg| *arg == "--simulated") {
        return simulated(args.get(at + 1).copied());
    }
    let words: Vec<&str> = match args.first() {
        Some(&("power" | "recovery" | "mutants")) => args.to_vec(),
        _ => [&["run"], args].concat(),
    };
    // It has no sandbox to build and no cores to share: as good a binary as the tests have.
    let mut command = tree::cargo();
    command.args(["test", "-q", "-p", "dayfly-cli", "--test", "torture", "--"]).args(words);
    run(command)
}

/// What is simulated: projects enough to be busy, of which nothing but the names is looked at.
const SIMULATED: &str = "\
version = 1
concurrency = 4
[agents.script]
kind = \"command\"
argv = [\"true\"]
[projects.alpha]
path = \"alpha\"
[projects.beta]
path = \"beta\"
[projects.gamma]
path = \"gamma\"
";

/// So many seeds of the simulator, with every kind of fault.
fn simulated(count: Option<&str>) -> ExitCode {
    let Some(count) = count.and_then(|word| word.parse::<u64>().ok()) else {
        eprintln!("torture: --simulated wants a number");
        return ExitCode::from(2);
    };
    let folder = tree::root().join("target/torture");
    let file = folder.join("dayfly.toml");
    if let Err(err) = std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(&file, SIMULATED)) {
        eprintln!("torture: cannot write {}: {err}", file.display());
        return ExitCode::from(3);
    }
    let mut command = tree::cargo();
    command.args(["run", "-q", "-p", "dayfly-cli", "--", "--config"]).arg(file);
    command.args(["simulate", "--faults", "many", "--json", "--seeds", &count.to_string()]);
    run(command)
}

fn run(mut command: std::process::Command) -> ExitCode {
    match command.status() {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(err) => {
            eprintln!("torture: cannot run cargo: {err}");
            ExitCode::from(3)
        }
    }
}
