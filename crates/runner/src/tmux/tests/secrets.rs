//! What the session's program shows of its secrets, and what is held back for their sake.

use super::*;
use dayfly_core::SessionDone;

const TOKEN: &str = "tok-5up3r-s3cret-value-0451";

impl World {
    /// One whose session holds a secret.
    fn with_secret() -> Self {
        let mut world = Self::new();
        world.config.env.insert("MY_TOKEN".into(), TOKEN.into());
        world
    }

    /// Whatever is kept of an attempt, but for the prompt.
    fn kept(&self, attempt: &Try, outcome: &Outcome) -> String {
        let read = |name: &str| fs::read_to_string(attempt.attempt.dir.join(name)).unwrap();
        format!("{}\n{}\n{outcome:?}\n{:?}", read("output.log"), read("outcome.json"), attempt.seen)
    }
}

#[tokio::test]
async fn a_secret_on_the_screen_is_in_no_receipt_no_reason_and_no_outcome_that_is_kept() {
    let world = World::with_secret();
    let mut attempt = world.attempt(1, "! echo \"no entry with $MY_TOKEN at all\"; echo \"$bad\"; : >silent");
    let running = attempt.start(&world.runner()).await;
    let outcome = attempt.ends(running).await;
    let masked = format!("no entry with {} at all", "*".repeat(TOKEN.len()));
    assert_eq!(outcome.end, End::TaskFailed { reason: masked.clone() });
    assert!(outcome.receipt.tail.contains(&masked), "it was on the screen: {}", outcome.receipt.tail);
    let kept = world.kept(&attempt, &outcome);
    assert!(!kept.contains(TOKEN), "{kept}");
}

#[tokio::test]
async fn a_secret_in_the_reason_that_a_file_gives_is_masked_through_colours() {
    let mut world = World::with_secret();
    world.config.done = SessionDone::File;
    let (start, end) = TOKEN.split_at(8);
    let told = format!("! printf 'failed: {start}\\033[31m{end} is no good' >\"$file\"");
    let mut attempt = world.attempt(1, &told);
    let running = attempt.start(&world.runner()).await;
    let outcome = attempt.ends(running).await;
    assert_eq!(outcome.end, End::TaskFailed { reason: format!("{} is no good", "*".repeat(TOKEN.len())) });
}

#[tokio::test]
async fn a_secret_in_the_last_words_of_a_program_is_masked() {
    let mut world = World::with_secret();
    world.config.command = ["/bin/sh", "-c", "echo refused: $MY_TOKEN; exit 4"].map(str::to_owned).to_vec();
    let err = world.runner().start(&world.attempt(1, "x").attempt).await.unwrap_err().to_string();
    assert!(err.ends_with(&format!("refused: {}", "*".repeat(TOKEN.len()))), "{err}");
}

#[tokio::test]
async fn the_last_words_before_a_pause_are_shown_and_kept_at_once() {
    let world = World::with_secret();
    let mut attempt = world.attempt(1, "! rm -f go; echo; echo ok; printf 'y/n?'; await go");
    let running = attempt.start(&world.runner()).await;
    // Fewer bytes than could be the beginning of a secret.
    attempt.says("ok").await;
    let log = attempt.attempt.dir.join("output.log");
    let asked = async {
        while !fs::read_to_string(&log).unwrap_or_default().ends_with("y/n?") {
            tokio::task::yield_now().await;
        }
    };
    let text = || fs::read_to_string(&log);
    timeout(PATIENCE, asked).await.unwrap_or_else(|_| panic!("{:?}", text()));
    fs::write(world.root.join("notes/go"), "").unwrap();
    assert_eq!(attempt.ends(running).await.end, End::Succeeded);
}
