//! The program `dayfly-job`: one command, kept, limited and judged.

use std::process::ExitCode;

fn main() -> ExitCode {
    match std::env::args_os().nth(1) {
        Some(mode) if mode == "keep" => dayfly_runner::keeper::main(),
        _ => ExitCode::from(2),
    }
}
