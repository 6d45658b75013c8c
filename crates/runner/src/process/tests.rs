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
