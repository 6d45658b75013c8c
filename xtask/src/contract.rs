//! Installs the pinned command lines of the vendors, and has the contract checked with them.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use crate::tree;

const PINS: &str = "crates/cli/tests/contract/pins.toml";
const CACHE: &str = "target/contract";
const PAGE: &str = "docs/contract.md";

/// One command line in one version.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Pin {
    name: String,
    package: String,
    version: String,
    program: String,
}

/// `contract [CLI..] [CLI/CASE..] [--table]`.
pub(crate) fn contract(args: &[&str]) -> ExitCode {
    let root = tree::root();
    // It is built before all else and run without cargo, which would have others wait for it, or wait for others.
    match built().and_then(|test| prepared(&root, args).map(|()| test)) {
        Ok(test) => check(&root, &test, args),
        Err(problem) => {
            eprintln!("contract: {problem}");
            ExitCode::from(3)
        }
    }
}

/// Installs what is asked for; all, if nothing is.
fn prepared(root: &Path, args: &[&str]) -> Result<(), String> {
    let text = std::fs::read_to_string(root.join(PINS)).map_err(|err| format!("cannot read {PINS}: {err}"))?;
    let pins = pins(&text)?;
    let words: Vec<&str> = args.iter().filter(|arg| !arg.starts_with('-')).copied().collect();
    let named = |pin: &&Pin| words.iter().any(|word| word.split('/').next() == Some(&pin.name));
    let mut wanted: Vec<&Pin> = pins.iter().filter(named).collect();
    if wanted.is_empty() {
        wanted = pins.iter().collect();
    }
    for pin in wanted {
        install(&root.join(CACHE), pin)?;
    }
    Ok(())
}

/// The test as a program, built as all of the workspace is, so that nothing is built a second time for it.
fn built() -> Result<PathBuf, String> {
    let output = tree::cargo()
        .args(["test", "--workspace", "--test", "contract", "--no-run", "--message-format", "json-render-diagnostics"])
        .stderr(Stdio::inherit())
        .output()
        .map_err(|err| format!("cannot run cargo: {err}"))?;
    let told = String::from_utf8_lossy(&output.stdout);
    let program = output.status.success().then(|| executable(&told)).flatten();
    program.ok_or_else(|| format!("cannot build the test: {}", output.status))
}

/// The program that cargo says it made for the test.
fn executable(told: &str) -> Option<PathBuf> {
    let line = told.lines().find(|line| line.contains(r#""name":"contract""#) && line.contains(r#""executable":""#))?;
    let (_, rest) = line.split_once(r#""executable":""#)?;
    rest.split_once('"').map(|(path, _)| PathBuf::from(path))
}

fn check(root: &Path, test: &Path, args: &[&str]) -> ExitCode {
    let mut command = Command::new(test);
    command.current_dir(root.join("crates/cli"));
    command.args(args.iter().filter(|arg| !arg.starts_with('-')));
    command.env("DAYFLY_CONTRACT", root.join(CACHE));
    if args.contains(&"--table") {
        command.env("DAYFLY_CONTRACT_TABLE", root.join(PAGE));
    }
    match command.status() {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(err) => {
            eprintln!("contract: cannot run {}: {err}", test.display());
            ExitCode::from(3)
        }
    }
}

/// Installs a command line, unless it is there, and asks it for its version.
fn install(cache: &Path, pin: &Pin) -> Result<(), String> {
    let folder = cache.join(format!("{}-{}", pin.name, pin.version));
    if !folder.join(&pin.program).exists() {
        // It gets its name when it is whole, so that what was interrupted is not taken for it.
        let unfinished = cache.join(format!("{}-{}.unfinished", pin.name, pin.version));
        fresh(&unfinished).map_err(|err| format!("cannot make {}: {err}", unfinished.display()))?;
        println!("contract: npm installs {} {}", pin.package, pin.version);
        npm(&unfinished, pin)?;
        std::fs::rename(&unfinished, &folder).map_err(|err| format!("cannot name {}: {err}", folder.display()))?;
    }
    let told = version(cache, &folder.join(&pin.program))?;
    if !told.split(|c: char| !(c.is_ascii_alphanumeric() || c == '.')).any(|word| word.trim_matches('.') == pin.version)
    {
        return Err(format!("{} says that it is {told:?}, not {}; remove {}", pin.name, pin.version, folder.display()));
    }
    println!("contract: {} {} is there", pin.name, pin.version);
    Ok(())
}

fn fresh(folder: &Path) -> io::Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(err) if err.kind() != io::ErrorKind::NotFound => return Err(err),
        _ => {}
    }
    std::fs::create_dir_all(folder)?;
    // Without a package of its own npm would look for one further up.
    std::fs::write(folder.join("package.json"), "{\"private\": true}\n")
}

fn npm(folder: &Path, pin: &Pin) -> Result<(), String> {
    let status = Command::new("npm")
        .args(["install", "--save-exact", "--no-audit", "--no-fund", "--loglevel", "error", "--prefix"])
        .arg(folder)
        .arg(format!("{}@{}", pin.package, pin.version))
        .stdin(Stdio::null())
        .status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("npm could not install {} {}: {status}", pin.package, pin.version)),
        Err(err) => Err(format!("npm cannot be run, install Node: {err}")),
    }
}

/// What a command line says of its version. It has a home of its own, for what it writes on such an occasion.
fn version(cache: &Path, program: &Path) -> Result<String, String> {
    let home: PathBuf = cache.join("home");
    std::fs::create_dir_all(&home).map_err(|err| format!("cannot make {}: {err}", home.display()))?;
    let path = std::env::var_os("PATH").unwrap_or_default();
    let output = Command::new(program)
        .arg("--version")
        .env_clear()
        .envs([("HOME", home.as_os_str()), ("PATH", path.as_os_str())])
        .envs([("COPILOT_OFFLINE", "true"), ("COPILOT_AUTO_UPDATE", "false"), ("OPENCODE_DISABLE_AUTOUPDATE", "1")])
        .stdin(Stdio::null())
        .output()
        .map_err(|err| format!("cannot run {}: {err}", program.display()))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Reads the pins: sections with strings, and nothing else.
fn pins(text: &str) -> Result<Vec<Pin>, String> {
    let mut pins: Vec<Pin> = Vec::new();
    for (n, line) in text.lines().enumerate() {
        let line = line.trim();
        let bad = || format!("{PINS}:{}: this is neither a section nor a string", n + 1);
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            let empty = String::new;
            pins.push(Pin { name: name.to_owned(), package: empty(), version: empty(), program: empty() });
            continue;
        }
        let (key, value) = line.split_once(" = ").ok_or_else(bad)?;
        let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).ok_or_else(bad)?;
        let pin = pins.last_mut().ok_or_else(bad)?;
        let field = match key {
            "package" => &mut pin.package,
            "version" => &mut pin.version,
            "program" => &mut pin.program,
            _ => return Err(bad()),
        };
        value.clone_into(field);
    }
    match pins.iter().find(|pin| pin.package.is_empty() || pin.version.is_empty() || pin.program.is_empty()) {
        Some(pin) => Err(format!("{PINS}: [{}] needs a package, a version and a program", pin.name)),
        None => Ok(pins),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pins_are_read_and_each_names_one_version() {
        let pins = pins(&std::fs::read_to_string(tree::root().join(PINS)).unwrap()).unwrap();
        let names: Vec<&str> = pins.iter().map(|pin| pin.name.as_str()).collect();
        assert_eq!(names, ["claude", "codex", "opencode", "gemini", "copilot"]);
        for pin in pins {
            let numbers: Vec<&str> = pin.version.split('.').collect();
            assert!(numbers.len() == 3 && numbers.iter().all(|n| n.parse::<u32>().is_ok()), "{pin:?}");
        }
    }

    #[test]
    fn the_program_of_the_test_is_read_from_what_cargo_says() {
        let told = "{\"reason\":\"build-script-executed\"}\n\
                    {\"target\":{\"name\":\"dayfly\"},\"executable\":\"/t/debug/dayfly\"}\n\
                    {\"target\":{\"name\":\"contract\"},\"executable\":\"/t/debug/deps/contract-1\",\"fresh\":true}\n";
        assert_eq!(executable(told), Some(PathBuf::from("/t/debug/deps/contract-1")));
        assert_eq!(executable("{\"target\":{\"name\":\"contract\"},\"executable\":null}"), None);
    }

    #[test]
    fn what_is_no_pin_is_refused() {
        let problem = |text: &str| pins(text).unwrap_err().split_once(": ").unwrap().1.to_owned();
        assert_eq!(problem("version = \"1.0.0\"\n"), "this is neither a section nor a string");
        assert_eq!(problem("[a]\nversion = 1\n"), "this is neither a section nor a string");
        assert_eq!(problem("[a]\npackage = \"b\"\n"), "[a] needs a package, a version and a program");
    }
}
