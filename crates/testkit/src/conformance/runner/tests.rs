use std::fs;
use std::path::Path;

use super::contract;

/// The sentences of the lists under `# Contract` and `# Cancellation` before that trait.
fn documented(source: &str, name: &str) -> Vec<String> {
    let end = source.find(&format!("\npub trait {name}:")).expect("the trait is there");
    let start = source[..end].rfind("\n}\n").expect("something stands before it");
    let mut listed = false;
    let mut sentences: Vec<String> = Vec::new();
    for line in source[start..end].lines().filter_map(|line| line.strip_prefix("///")) {
        match line.trim_end() {
            heading if heading.starts_with(" # ") => listed = [" # Contract", " # Cancellation"].contains(&heading),
            item if listed && item.starts_with(" - ") => sentences.push(item[3..].to_owned()),
            more if listed && more.starts_with("   ") => {
                let last = sentences.last_mut().expect("an item begins before it goes on");
                last.push_str(&format!(" {}", more.trim()));
            }
            other => assert!(!listed || other.is_empty(), "{other:?} is no item of a list"),
        }
    }
    sentences
}

#[test]
fn each_sentence_of_the_contracts_is_one_of_the_suite() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../core/src/runner.rs");
    let source = fs::read_to_string(file).unwrap();
    let mut documented = [documented(&source, "Runner"), documented(&source, "Running")].concat();
    let mut checked: Vec<String> = contract::ALL.iter().map(|sentence| (*sentence).to_owned()).collect();
    documented.sort();
    checked.sort();
    assert_eq!(documented, checked);
}
