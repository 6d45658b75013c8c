//! What reaches the session's program, and how it tells its end.

use super::*;
use dayfly_core::{SessionDone, SessionPrompt};

#[tokio::test]
async fn any_characters_reach_the_program_and_none_of_them_is_a_key() {
    let world = World::new();
    let prompt =
        "a 'b' \"c\" `d` $HOME #{pid} ; %H \\n {{ x }}\n\n  é日本 \u{1b}[201~quit\u{3}\u{4}\u{7f}\ttab\r\nend;";
    assert_eq!(world.attempt(1, prompt).end(&world.runner()).await, End::Succeeded);
    let wanted = "a 'b' \"c\" `d` $HOME #{pid} ; %H \\n {{ x }}\n\n  é日本 [201~quit    tab\nend;\n";
    assert_eq!(world.read("notes/prompt-seen.txt"), wanted);
}

#[tokio::test]
async fn a_prompt_of_a_megabyte_arrives_whole() {
    let world = World::new();
    let prompt: String = (0..10_000).map(|n| format!("{n:05} {}\n", "lorem ipsum; ".repeat(8).trim_end())).collect();
    assert!(prompt.len() > 1_000_000);
    assert_eq!(world.attempt(1, &prompt).end(&world.runner()).await, End::Succeeded);
    let seen = world.read("notes/prompt-seen.txt");
    assert!(seen == prompt, "{} bytes of {} arrived", seen.len(), prompt.len());
}

#[tokio::test]
async fn a_program_that_knows_bracketed_paste_gets_the_prompt_as_one_and_then_the_key() {
    let mut world = World::new();
    let raw = "stty raw -echo; printf '\\033[?2004htalk to me>'; exec tee got";
    world.config.command = ["/bin/sh", "-c", raw].map(str::to_owned).to_vec();
    let attempt = world.attempt(1, "one\ntwo");
    let runner = world.runner();
    let _running = attempt.start(&runner).await;
    let handed_in = async {
        while !world.read("notes/got").ends_with('\r') {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, handed_in).await.unwrap_or_else(|_| panic!("{:?}", world.read("notes/got")));
    let text = world.read("notes/got");
    assert!(text.starts_with("\u{1b}[200~one\rtwo\r[dayfly] "), "{text:?}");
    assert!(text.contains("\u{1b}[201~\r"), "the key comes after the end of the paste: {text:?}");
}

#[tokio::test]
async fn a_program_that_does_not_know_bracketed_paste_can_be_given_one_line() {
    let mut world = World::new();
    world.config.prompt = SessionPrompt::File;
    let lines = "while printf 'talk to me>' && IFS= read -r line; do echo \"$line\" >>lines; \
                 words=$(tail -n 1 \"${line#*: }\"); words=${words##*: }; echo \"${words%% and *}${words##* and }\"; done";
    world.config.command = ["/bin/sh", "-c", lines].map(str::to_owned).to_vec();
    assert_eq!(world.attempt(1, "one\ntwo").end(&world.runner()).await, End::Succeeded);
    let line = world.read("notes/lines");
    assert_eq!(line, format!("Do what this file says, to its end: {}\n", world.root.join("attempts/1/pasted.txt")));
    assert!(world.read("attempts/1/pasted.txt").starts_with("one\ntwo\n[dayfly] This was attempt notes.1.exec.1. "));
}

#[tokio::test]
async fn the_environment_is_the_short_list_and_names_no_attempt() {
    let mut world = World::new();
    world.config.env.insert("COLOUR".into(), "blue;".into());
    let mut attempt = world.attempt(1, "! env >env.txt");
    assert_eq!(attempt.end(&world.runner()).await, End::Succeeded);
    let environment = world.read("notes/env.txt");
    let value = |name: &str| environment.lines().find_map(|line| line.strip_prefix(&format!("{name}=")));
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some(), "there is something to be kept from it");
    for name in ["CARGO_MANIFEST_DIR", "DAYFLY_ATTEMPT", "DAYFLY_TAG", "DAYFLY_PROPOSAL"] {
        assert_eq!(value(name), None, "{name}");
    }
    assert_eq!(value("COLOUR"), Some("blue;"));
    assert_eq!(value("DAYFLY_PROJECT"), Some("notes"));
    assert_eq!(value("HOME"), Some(world.state.join("sessions/notes/home").as_str()));
}

#[tokio::test]
async fn the_agent_says_that_it_cannot_and_why() {
    let world = World::new();
    let mut attempt = world.attempt(1, "! echo the disk is made of cheese; echo \"$bad\"; : >silent");
    let end = attempt.end(&world.runner()).await;
    assert_eq!(end, End::TaskFailed { reason: "the disk is made of cheese".into() });
}

#[tokio::test]
async fn the_end_is_told_by_a_file() {
    let mut world = World::new();
    world.config.done = SessionDone::File;
    let runner = world.runner();
    let mut first = world.attempt(1, "! : >silent; : >\"$file\"; echo made; await go; echo succeeded >\"$file\"");
    let running = first.start(&runner).await;
    first.says("made").await;
    fs::write(world.root.join("notes/go"), "").unwrap();
    assert_eq!(first.ends(running).await.end, End::Succeeded);
    let end = world.attempt(2, "! echo 'failed: no paper' >\"$file\"").end(&runner).await;
    assert_eq!(end, End::TaskFailed { reason: "no paper".into() });
}

#[test]
fn a_pipe_in_the_place_of_that_file_says_nothing_and_holds_up_no_exit() {
    let mut world = World::new();
    world.config.done = SessionDone::File;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let runner = world.runner();
        let mut attempt = world.attempt(1, "! mkfifo \"$file\" && echo made; await never");
        attempt.attempt.job.wall = Duration::from_secs(8);
        let limit = attempt.attempt.job.wall;
        let running = attempt.start(&runner).await;
        attempt.says("made").await;
        assert_eq!(attempt.ends(running).await.end, End::TimedOutWall { limit });
    });
    // As at the end of an engine, which waits for what blocks.
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        drop(runtime);
        let _ = tell.send(());
    });
    told.recv_timeout(PATIENCE).expect("the runtime waits for who reads the pipe");
}

#[tokio::test]
async fn the_end_is_told_by_the_agents_own_hook_and_an_old_word_of_it_counts_for_nothing() {
    let mut world = World::new();
    world.config.done = SessionDone::Hook;
    let runner = world.runner();
    let mut first = world.attempt(1, "! echo stopped >\"$DAYFLY_SESSION_DONE\"");
    assert_eq!(first.end(&runner).await, End::Succeeded);
    let mut second = world.attempt(2, "! echo at work; await go; echo x >\"$DAYFLY_SESSION_DONE\"");
    let mut running = second.start(&runner).await;
    second.says("at work").await;
    let early = timeout(Duration::from_millis(1200), running.wait()).await;
    assert!(early.is_err(), "the file of the first attempt ended the second: {early:?}");
    fs::write(world.root.join("notes/go"), "").unwrap();
    assert_eq!(second.ends(running).await.end, End::Succeeded);
}

#[tokio::test]
async fn a_path_too_long_for_a_socket_is_no_obstacle_and_it_is_said_where_the_socket_is() {
    let mut world = World::new();
    world.state = world.root.join(format!("it's #1 % {}", "deep".repeat(30)));
    let mut attempt = world.attempt(1, "x");
    assert_eq!(attempt.end(&world.runner()).await, End::Succeeded);
    let socket = world.session().place.socket;
    assert!(socket.starts_with("/tmp") && world.session().status().await.socket == socket);
    let told = format!("dayfly: the path was too long; the socket is {socket}");
    attempt.says(&told).await;
}

#[tokio::test]
async fn what_is_printed_is_kept_within_bounds_and_shown_without_escapes() {
    let world = World::new();
    let flood = "! printf '\\033[31mred\\033[0m\\n'; i=0; while [ $i -lt 20000 ]; do echo 'line after line after line after line after line after line'; i=$((i+1)); done";
    let mut attempt = world.attempt(1, flood);
    let running = attempt.start(&world.runner()).await;
    attempt.says("red").await;
    let outcome = attempt.ends(running).await;
    assert_eq!(outcome.end, End::Succeeded);
    assert!(outcome.receipt.output_bytes > 1_200_000, "{}", outcome.receipt.output_bytes);
    let log = fs::metadata(attempt.attempt.dir.join("output.log")).unwrap().len();
    assert!((1_000_000..1_000_100).contains(&log), "{log}");
    assert!(outcome.receipt.tail.lines().count() <= 100);
    assert!(outcome.receipt.tail.contains("line after line"), "{}", outcome.receipt.tail);
}
