//! A tree of processes that does all it can to stay: `hostile --sentinel FIFO [--members deaf,session]`.
//!
//! Every member holds the named pipe open for writing, and writes its name into it once it is up. Whoever reads the
//! pipe knows from its end, and from nothing else, that all of them are gone.

mod tree;

use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let own = args.first().is_some_and(|word| word == tree::WORD);
    tree::run(&args[usize::from(own)..])
}
