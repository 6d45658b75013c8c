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

/// What is simulated: projects enough to be busy, with each way to land.
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
[projects.pulls]
path = \"pulls\"
github = \"me/pulls\"
[projects.lands]
path = \"lands\"
github = \"me/lands\"
landing = \"direct\"
";

/// How many seeds are simulated between two lines.
const BATCH: u64 = 100;

/// The simulator with seed after seed, until there were so many faults.
fn simulated(count: Option<&str>) -> ExitCode {
    let Some(wanted) = count.and_then(|word| word.parse::<u64>().ok()) else {
        eprintln!("torture: --simulated wants a number of faults");
        return ExitCode::from(2);
    };
    let folder = tree::root().join("target/torture");
    let file = folder.join("dayfly.toml");
    if let Err(err) = std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(&file, SIMULATED)) {
        eprintln!("torture: cannot write {}: {err}", file.display());
        return ExitCode::from(3);
    }
    // Built once: all seeds are played by the same program.
    let built = tree::cargo().args(["build", "--release", "-p", "dayfly-cli", "--bin", "dayfly"]).status();
    if !built.is_ok_and(|status| status.success()) {
        eprintln!("torture: cannot build dayfly");
        return ExitCode::from(3);
    }
    let (mut faults, mut seed) = (0, 1);
    while faults < wanted {
        let mut command = std::process::Command::new(tree::root().join("target/release/dayfly"));
        command.arg("--config").arg(&file).args([
            "simulate",
            "--faults",
            "many",
            "--days",
            "2",
            "--seed",
            &seed.to_string(),
        ]);
        let told = match command.args(["--seeds", &BATCH.to_string()]).output() {
            Ok(told) => told,
            Err(err) => {
                eprintln!("torture: cannot run dayfly: {err}");
                return ExitCode::from(3);
            }
        };
        let text = String::from_utf8_lossy(&told.stdout);
        let line = text.lines().next().unwrap_or_default();
        println!("seeds from {seed}: {line}");
        match counted(line) {
            Some(more) if told.status.success() => faults += more,
            _ => {
                print!("{text}{}", String::from_utf8_lossy(&told.stderr));
                return ExitCode::FAILURE;
            }
        }
        seed += BATCH;
    }
    println!(
        "torture: {faults} simulated faults with {} seeds; nothing was lost, and nothing was done twice",
        seed - 1
    );
    ExitCode::SUCCESS
}

/// How many faults that line tells of: `..; 1101 faults.`
fn counted(line: &str) -> Option<u64> {
    line.strip_suffix(" faults.")?.rsplit(' ').next()?.parse().ok()
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

#[cfg(test)]
mod tests {
    use super::counted;

    #[test]
    fn the_line_of_many_seeds_tells_how_many_faults_there_were() {
        assert_eq!(counted("6 seeds: 89 issues, 70 done; 3792 records; 586 engine starts; 1101 faults."), Some(1101));
        assert_eq!(counted("nothing"), None);
    }
}
