//! What can become of a session while an attempt runs in it.

use super::*;

/// Starts an attempt that prints `at work` and then waits until the file `go` is there.
async fn at_work(world: &World, runner: &TmuxRunner, number: u32) -> (Try, Box<dyn Running>) {
    let mut attempt = world.attempt(number, "! rm -f go; echo at work; await go");
    let running = attempt.start(runner).await;
    attempt.says("at work").await;
    (attempt, running)
}

fn go(world: &World) {
    fs::write(world.root.join("notes/go"), "").unwrap();
}

#[tokio::test]
async fn a_killed_server_ends_the_attempt_and_the_next_one_has_a_new_session() {
    let world = World::new();
    let runner = world.runner();
    let (mut attempt, running) = at_work(&world, &runner, 1).await;
    world.signal(Signal::SIGKILL);
    let end = attempt.ends(running).await.end;
    assert_eq!(host(&end), "the tmux server of the session was killed");
    assert_eq!(world.attempt(2, "again").end(&runner).await, End::Succeeded);
}

#[tokio::test]
async fn a_session_that_a_person_closes_ends_the_attempt() {
    let world = World::new();
    let runner = world.runner();
    let (mut attempt, running) = at_work(&world, &runner, 1).await;
    world.tmux(&["kill-session", "-t", "=notes"]);
    let end = attempt.ends(running).await.end;
    assert_eq!(host(&end), "the session was closed, or its tmux server was ended");
    assert_eq!(world.attempt(2, "again").end(&runner).await, End::Succeeded);
}

#[tokio::test]
async fn a_pane_that_a_person_closes_ends_the_attempt_and_other_windows_stay() {
    let world = World::new();
    let runner = world.runner();
    let (mut attempt, running) = at_work(&world, &runner, 1).await;
    let pane = world.pane();
    world.tmux(&["new-window", "-t", "=notes:", "sleep 600"]);
    world.tmux(&["kill-pane", "-t", &pane]);
    let end = attempt.ends(running).await.end;
    assert_eq!(host(&end), "the pane of the session's program was closed");
    assert_eq!(world.attempt(2, "again").end(&runner).await, End::Succeeded);
    assert_eq!(world.tmux(&["list-panes", "-s", "-t", "=notes:"]).lines().count(), 2);
}

#[tokio::test]
async fn a_program_that_ends_ends_the_attempt_and_is_started_again_by_the_next() {
    let world = World::new();
    let runner = world.runner();
    let mut attempt = world.attempt(1, "! echo tired; exit 3");
    let end = attempt.end(&runner).await;
    assert!(host(&end).contains("ended with status 3 before it told"), "{end}");
    assert_eq!(world.session().status().await.state, SessionState::Ended);
    assert_eq!(world.attempt(2, "again").end(&runner).await, End::Succeeded);
}

#[tokio::test]
async fn a_program_that_tells_its_end_and_goes_has_told_it() {
    let world = World::new();
    let end = world.attempt(1, "! echo \"$good\"; exit 0").end(&world.runner()).await;
    assert_eq!(end, End::Succeeded);
}

#[tokio::test]
async fn a_program_that_ends_at_once_is_an_error_with_its_last_words() {
    let mut world = World::new();
    world.config.command = ["/bin/sh", "-c", "echo please log in; exit 4"].map(str::to_owned).to_vec();
    let err = world.runner().start(&world.attempt(1, "x").attempt).await.unwrap_err();
    assert!(err.to_string().ends_with("ended with status 4 before it could take a prompt: please log in"), "{err}");
    assert!(!err.is_transient());
    assert_eq!(world.session().status().await.attempt, None, "nobody holds the session");
}

#[tokio::test]
async fn what_a_person_types_meanwhile_disturbs_nothing() {
    let world = World::new();
    let runner = world.runner();
    let (mut attempt, running) = at_work(&world, &runner, 1).await;
    world.tmux(&["send-keys", "-t", "=notes:", "how is it going?", "Enter"]);
    attempt.says("how is it going?").await;
    go(&world);
    assert_eq!(attempt.ends(running).await.end, End::Succeeded);
    assert_eq!(world.attempt(2, "again").end(&runner).await, End::Succeeded);
}

#[tokio::test]
async fn a_pane_in_copy_mode_takes_the_prompt_and_tells_its_end_all_the_same() {
    let world = World::new();
    let runner = world.runner();
    assert_eq!(world.attempt(1, "the first").end(&runner).await, End::Succeeded);
    world.tmux(&["copy-mode", "-t", "=notes:"]);
    let (mut attempt, running) = at_work(&world, &runner, 2).await;
    world.tmux(&["copy-mode", "-t", "=notes:"]);
    go(&world);
    assert_eq!(attempt.ends(running).await.end, End::Succeeded);
    assert_eq!(world.tmux(&["display-message", "-p", "-t", "=notes:", "#{pane_in_mode}"]), "1", "it is left alone");
}

#[tokio::test]
async fn a_person_who_sends_all_clients_away_is_watched_again() {
    let world = World::new();
    let runner = world.runner();
    let (mut attempt, running) = at_work(&world, &runner, 1).await;
    world.tmux(&["detach-client", "-s", "=notes"]);
    go(&world);
    assert_eq!(attempt.ends(running).await.end, End::Succeeded);
}

#[tokio::test]
async fn a_stopped_server_holds_up_no_start() {
    let world = World::new();
    assert_eq!(world.attempt(1, "the first").end(&world.runner()).await, End::Succeeded);
    world.signal(Signal::SIGSTOP);
    let runner = world.runner().call_limit(Duration::from_millis(500));
    let asked = Instant::now();
    let err = runner.start(&world.attempt(2, "x").attempt).await.unwrap_err();
    assert!(asked.elapsed() < Duration::from_secs(10), "{:?}", asked.elapsed());
    let why = std::error::Error::source(&err).map(ToString::to_string).unwrap_or_default();
    assert!(why.contains("did not answer `list-panes` within 500ms") && err.is_transient(), "{err}: {why}");
    let status = Session { limit: Duration::from_millis(500), ..world.session() }.status().await;
    assert_eq!(status.state, SessionState::Stuck);
    world.signal(Signal::SIGCONT);
    assert_eq!(world.attempt(3, "again").end(&world.runner()).await, End::Succeeded);
}

#[tokio::test]
async fn a_server_that_stops_meanwhile_holds_up_no_stop_and_no_limit() {
    let world = World::new();
    let runner = world.runner().call_limit(Duration::from_millis(500));
    let (mut attempt, mut running) = at_work(&world, &runner, 1).await;
    world.signal(Signal::SIGSTOP);
    let asked = Instant::now();
    running.stop(Stop::Polite).await.unwrap();
    assert_eq!(attempt.ends(running).await.end, End::Cancelled);
    assert!(asked.elapsed() < Duration::from_secs(10), "{:?}", asked.elapsed());
    world.signal(Signal::SIGCONT);

    let mut second = world.attempt(2, "! echo at work; await never");
    second.attempt.job.wall = Duration::from_secs(6);
    let running = second.start(&world.runner()).await;
    second.says("at work").await;
    world.signal(Signal::SIGSTOP);
    let limit = second.attempt.job.wall;
    assert_eq!(second.ends(running).await.end, End::TimedOutWall { limit });
}

#[tokio::test]
async fn a_stopped_server_can_be_ended() {
    let world = World::new();
    assert_eq!(world.attempt(1, "the first").end(&world.runner()).await, End::Succeeded);
    world.signal(Signal::SIGSTOP);
    let server = world.session().noted().unwrap();
    let session = Session { limit: Duration::from_millis(500), ..world.session() };
    assert!(session.end().await.unwrap());
    let buried = async {
        while is_alive(&server) {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, buried).await.expect("the server lives");
}

#[tokio::test]
async fn limits_interrupt_the_program_and_the_session_stays() {
    let world = World::new();
    let runner = world.runner();
    let mut first = world.attempt(1, "! echo at work; while [ -z \"$interrupted\" ]; do echo x; sleep 0.1; done");
    first.attempt.job.wall = Duration::from_secs(5);
    let limit = first.attempt.job.wall;
    assert_eq!(first.end(&runner).await, End::TimedOutWall { limit });
    let pid = world.session().status().await.pid;
    let mut second = world.attempt(2, "! sleep 600");
    second.attempt.job.silence_report = Duration::from_millis(500);
    second.attempt.job.silence = Duration::from_secs(1);
    let limit = second.attempt.job.silence;
    assert_eq!(second.end(&runner).await, End::TimedOutSilence { limit });
    second.says("Stopping(Polite)").await;
    assert!(second.seen.iter().any(|told| told.starts_with("Silent(")), "{:?}", second.seen);
    assert_eq!(world.attempt(3, "again").end(&runner).await, End::Succeeded);
    assert_eq!(world.session().status().await.pid, pid, "it is the same program");
}

#[tokio::test]
async fn a_server_that_ends_while_the_session_is_made_ready_is_started_again_once() {
    let world = World::new();
    assert!(matches!(world.attempt(1, "! echo tired; exit 3").end(&world.runner()).await, End::Host { .. }));
    let program = world.root.join("tmux");
    // It ends its own server in place of starting the program anew, the first time.
    let script = "#!/bin/sh\ncase \"$*\" in *respawn-pane*)\n  if mkdir \"${0%/*}/ended\" 2>/dev/null; then tmux -S \"$5\" kill-server; fi;;\n\
                  esac\nexec tmux \"$@\"\n";
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let runner = TmuxRunner::new(Session { program: Some(program.into()), ..world.session() });
    assert_eq!(world.attempt(2, "again").end(&runner).await, End::Succeeded);
    assert!(world.root.join("ended").exists(), "the server was never ended");
}
