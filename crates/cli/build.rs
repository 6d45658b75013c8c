//! How the programs are linked.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let is = |name: &str, value: &str| std::env::var(name).is_ok_and(|v| v == value);
    // There may be hundreds of keepers. Linked to a fixed address, each shares with the others the tables that would have
    // to be adjusted to where it was loaded: 40 KiB of the 180 that each would have for itself.
    if is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu") {
        println!("cargo::rustc-link-arg-bin=dayfly-job=-no-pie");
    }
}
