//! All targets in one program, which is built and linked once: `DAYFLY_FUZZ` names the one that is tried.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;

static BODY: LazyLock<fn(&[u8])> = LazyLock::new(|| {
    let name = std::env::var("DAYFLY_FUZZ").unwrap_or_default();
    let all = [dayfly_core::fuzz::BODIES, dayfly_github::fuzz::BODIES, dayfly_runner::fuzz::BODIES].concat();
    let known: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
    let found = all.iter().find(|(known, _)| *known == name);
    found.unwrap_or_else(|| panic!("set DAYFLY_FUZZ to one of {known:?}")).1
});

fuzz_target!(|data: &[u8]| BODY(data));
