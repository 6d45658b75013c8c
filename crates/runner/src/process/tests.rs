use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use dayfly_core::AttemptId;

use super::*;

#[cfg(target_os = "linux")]
#[test]
fn a_name_with_brackets_and_spaces_does_not_confuse_the_reader() {
    let line = "7 (a) b (c) S 1 7 7 0 -1 0 0 0 0 0 3 4 5 6 20 0 1 0 4711 0 0";
    let stat = system::parse_stat(7, line).unwrap();
    assert_eq!((stat.parent, stat.group, stat.start_ticks, stat.cpu_ticks), (1, 7, 4711, 18));
    assert!(system::parse_stat(7, "nonsense").is_none());
}

#[test]
fn another_start_time_or_boot_is_another_process() {
    let mut child = Command::new("sleep").arg("600").process_group(0).spawn().unwrap();
    let me = identity(child.id()).unwrap();
    assert!(is_alive(&me));
    if cfg!(target_os = "linux") {
        assert!(!is_alive(&ProcessIdentity { start_ticks: me.start_ticks + 1, ..me.clone() }));
        assert!(!is_alive(&ProcessIdentity { boot_id: "another".into(), ..me.clone() }));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!is_alive(&me));
}

#[cfg(target_os = "linux")]
#[test]
fn recovery_kills_the_group_and_what_left_it_and_spares_the_rest() {
    let tag = format!("test-{}", std::process::id());
    let attempt = AttemptId::from_text("web/1/exec/1");
    let start = |tag: &str, attempt: &str| {
        Command::new("sleep")
            .arg("600")
            .env(TAG_VARIABLE, tag)
            .env(ATTEMPT_VARIABLE, attempt)
            .process_group(0)
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    };
    let mut leader = Command::new("sleep").arg("600").env_clear().process_group(0).spawn().unwrap();
    let mut left = start(&tag, "web/1/exec/1");
    let mut other_attempt = start(&tag, "web/1/exec/11");
    let mut other_tag = start("test", "web/1/exec/1");
    let known = identity(leader.id()).unwrap();
    let recycled = ProcessIdentity { start_ticks: known.start_ticks + 1, ..known.clone() };

    assert_eq!(kill_attempt("nobody", &attempt, Some(&recycled)), 0);
    assert!(is_alive(&known));
    assert_eq!(kill_attempt(&tag, &attempt, Some(&known)), 2);
    leader.wait().unwrap();
    left.wait().unwrap();
    assert!(other_attempt.try_wait().unwrap().is_none());
    assert!(other_tag.try_wait().unwrap().is_none());
    assert_eq!(kill_attempt(&tag, &attempt, Some(&known)), 0);
    other_attempt.kill().unwrap();
    other_tag.kill().unwrap();
    other_attempt.wait().unwrap();
    other_tag.wait().unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn a_process_in_the_middle_of_changing_its_program_is_found_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("again");
    std::fs::write(&script, "exec /bin/sh \"$0\"\n").unwrap();
    let tag = format!("test-exec-{}", std::process::id());
    for number in 0..40 {
        let attempt = AttemptId::from_text(format!("web/1/exec/{number}"));
        // It changes its program all the time, and has no environment to look at for a part of it.
        let mut child = Command::new("/bin/sh")
            .arg(&script)
            .env(TAG_VARIABLE, &tag)
            .env(ATTEMPT_VARIABLE, attempt.as_str())
            .process_group(0)
            .spawn()
            .unwrap();
        let known = identity(child.id()).unwrap();
        let clean = end_attempt(&tag, &attempt, None);
        // One that was killed takes a moment to be buried. One that was missed lives on.
        let until = std::time::Instant::now() + std::time::Duration::from_secs(10);
        while is_alive(&known) && std::time::Instant::now() < until {
            std::thread::yield_now();
        }
        let lives = is_alive(&known);
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(clean && !lives, "attempt {number}: clean {clean}, alive {lives}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn an_environment_is_not_in_place_as_long_as_its_place_is_zero_or_ends_where_it_begins() {
    let stat = |state: &str, flags: &str, place: &str| {
        let between = vec!["0"; 40].join(" ");
        format!("7 (a) {state} 1 7 7 0 -1 {flags} {between} {place} 0")
    };
    assert_eq!(system::environment_place(&stat("R", "4194304", "0 0")), Some((0, 0)));
    assert_eq!(system::environment_place(&stat("S", "4194304", "16 99")), Some((16, 99)));
    assert_eq!(system::environment_place(&stat("R", "4194304", "16 16")), Some((16, 16)));
    // One that sleeps was given none.
    assert_eq!(system::environment_place(&stat("S", "4194304", "16 16")), None);
    // One of the kernel's own, and one that has ended, will never have one.
    assert_eq!(system::environment_place(&stat("I", "2129984", "0 0")), None);
    assert_eq!(system::environment_place(&stat("Z", "4194304", "0 0")), None);
}
