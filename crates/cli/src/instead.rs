//! What a program of dayfly is started as by dayfly itself.

use std::io::Write as _;
use std::process::ExitCode;

/// What this program is to be instead of itself, if its first argument says so: the keeper of an attempt, or the step
/// that puts a program into its sandbox.
pub(crate) fn instead() -> Option<ExitCode> {
    match std::env::args_os().nth(1)?.to_str()? {
        "keep" => Some(dayfly_runner::keeper::main()),
        "launch" => Some(launch()),
        _ => None,
    }
}

fn launch() -> ExitCode {
    let err = dayfly_runner::launch(std::env::args_os().skip(2));
    let causes = std::iter::successors(std::error::Error::source(&err), |err| err.source());
    let causes: String = causes.map(|cause| format!(": {cause}")).collect();
    let _ = writeln!(std::io::stderr(), "error: {err}{causes}");
    ExitCode::from(dayfly_runner::LAUNCH_FAILED)
}
