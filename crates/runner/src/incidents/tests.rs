//! Every scenario passes as dayfly is shipped, and fails when its defence is taken out.

use std::collections::BTreeSet;

use super::*;

fn assert_defended(name: &str) {
    let incident = Incident::named(name).unwrap();
    let whole = incident.rehearse(Wiring::Whole).unwrap();
    assert!(whole.passed, "{whole:#?}");
    let bare = incident.rehearse(Wiring::WithoutDefence).unwrap();
    assert!(!bare.passed, "without its defence nothing happens: {bare:#?}");
    assert!((2..=8).contains(&whole.story.len()), "{:#?}", whole.story);
}

macro_rules! defended {
    ($($(#[$when:meta])* $test:ident $name:literal)*) => {
        $($(#[$when])* #[test] fn $test() { assert_defended($name); })*

        #[test]
        fn every_scenario_is_tried() {
            let tried = BTreeSet::from([$($name),*]);
            assert_eq!(incidents().iter().map(|it| it.name).collect::<BTreeSet<_>>(), tried);
            assert_eq!(incidents().len(), 26);
        }
    };
}

defended! {
    serial_killer "serial-killer"
    silence_cascade "silence-cascade"
    laptop_sleep "laptop-sleep"
    quoted_rate_limit "quoted-rate-limit"
    subtype_success "subtype-success"
    quota_cascade "quota-cascade"
    dead_provider "dead-provider"
    duelling_recovery "duelling-recovery"
    runaway_issue "runaway-issue"
    #[cfg(target_os = "linux")] wrapper_kill "wrapper-kill"
    #[cfg(target_os = "linux")] foreign_cleanup "foreign-cleanup"
    background_orphan "background-orphan"
    silent_exit_0 "silent-exit-0"
    denied_tools "denied-tools"
    mention_loop "mention-loop"
    bot_requeue "bot-requeue"
    early_reset "early-reset"
    revoked_token "revoked-token"
    ambient_key "ambient-key"
    cron_path "cron-path"
    renamed_repo "renamed-repo"
    short_row "short-row"
    slot_race "slot-race"
    hook_hostage "hook-hostage"
    drifted_record "drifted-record"
    empty_backlog "empty-backlog"
}

#[test]
fn every_scenario_is_documented_in_the_words_that_the_program_shows() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/incidents.md")).unwrap();
    let headings: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("### ")).collect();
    assert_eq!(headings, incidents().iter().map(|it| it.name).collect::<Vec<_>>(), "the order is that of `--list`");
}

#[test]
fn a_name_that_is_none_is_told_with_what_helps() {
    let err = Incident::named("serial-killers").unwrap_err().to_string();
    assert_eq!(err, "there is no scenario `serial-killers`; `dayfly simulate --list` shows them");
}
