//! People, programs, bad days and restarts in any order: what must hold whatever comes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use dayfly_core::{Issue, NewIssue, TrackerWrite};
use dayfly_testkit::github::{Fault, Match, Permission, Person};
use proptest::prelude::*;

use crate::losing::persist;
use crate::world::{Stage, WEB, Web, id};

/// One thing that happens.
#[derive(Debug, Clone)]
enum Deed {
    /// Somebody comments.
    Say(Who),
    /// Somebody quotes the first comment of all, with whatever marker it has.
    Quote(Who),
    /// Somebody deletes a comment of theirs.
    TakeBack(Who),
    /// Somebody puts the text of dayfly's last comment into one of their own.
    Copy(Who),
    /// Dayfly writes a comment, by this key.
    Ask(u8),
    /// Dayfly says how things stand.
    Tell(u8),
    /// Dayfly makes a child, by this part.
    Split(u8),
    /// The next request that changes something meets this.
    Lose(u8),
    /// Whoever reads sees what was before, so many times.
    Lag(u32),
    /// The next request of any kind is told to wait.
    Slow,
    /// Dayfly dies, and is started again.
    Restart,
    /// Dayfly looks.
    Look,
    Wait(u8),
}

#[derive(Debug, Clone, Copy)]
enum Who {
    Writer,
    Stranger,
    Program,
}

fn deed() -> impl Strategy<Value = Deed> {
    let who = || prop::sample::select(vec![Who::Writer, Who::Stranger, Who::Program]);
    prop_oneof![
        who().prop_map(Deed::Say),
        who().prop_map(Deed::Quote),
        who().prop_map(Deed::TakeBack),
        who().prop_map(Deed::Copy),
        (0_u8..3).prop_map(Deed::Ask),
        (0_u8..4).prop_map(Deed::Tell),
        (0_u8..3).prop_map(Deed::Split),
        (0_u8..4).prop_map(Deed::Lose),
        (1_u32..4).prop_map(Deed::Lag),
        Just(Deed::Slow),
        Just(Deed::Restart),
        Just(Deed::Look),
        (1_u8..90).prop_map(Deed::Wait),
    ]
}

struct Loom {
    stage: Stage,
    web: Web,
    people: [Person; 3],
    /// What each of them said and did not take back, by the id of the comment.
    said: BTreeMap<u64, (usize, String)>,
}

impl Loom {
    fn new() -> Self {
        let stage = Stage::new();
        let people = [
            stage.person("ann", Permission::Write),
            stage.person("mallory", Permission::Read),
            stage.world.bot("ci[bot]", Permission::Write),
        ];
        people[1].open_issue(WEB, "large", "text");
        let web = stage.open();
        Self { stage, web, people, said: BTreeMap::new() }
    }

    fn say(&mut self, who: Who, text: String) {
        let comment = self.people[who as usize].comment(WEB, 1, &text);
        self.said.insert(comment, (who as usize, text));
    }

    async fn write(&mut self, key: &str, write: TrackerWrite) {
        persist(&self.stage, &mut self.web, key, &write).await;
    }

    async fn done(&mut self, n: usize, deed: Deed) {
        let comments = self.stage.world.repo(WEB).issue(1).comments;
        match deed {
            Deed::Say(who) => self.say(who, format!("thing {n}")),
            Deed::Quote(who) => {
                let Some(first) = comments.first() else { return };
                self.say(who, format!("> {}\n\nthing {n}", first.body.replace('\n', "\n> ")));
            }
            Deed::Copy(who) => {
                let own = comments.iter().rfind(|comment| comment.author.as_deref() == Some("dayfly-bot"));
                if let Some(own) = own {
                    self.say(who, own.body.clone());
                }
            }
            Deed::TakeBack(who) => {
                let Some(own) = self.said.iter().find(|(_, (by, _))| *by == who as usize).map(|(id, _)| *id) else {
                    return;
                };
                self.people[who as usize].delete_comment(own);
                self.said.remove(&own);
            }
            Deed::Ask(key) => {
                let write = TrackerWrite::Comment { issue: id(1), body: format!("question {key}") };
                self.write(&format!("ask/{key}"), write).await;
            }
            Deed::Tell(text) => {
                let body = format!("{text} of 4");
                self.write(&format!("tell/{n}"), TrackerWrite::Sticky { issue: id(1), topic: "children".into(), body })
                    .await;
            }
            Deed::Split(part) => {
                let part = Some(format!("part-{part}"));
                let new = NewIssue { title: "child".into(), parent: Some(id(1)), part, ..NewIssue::default() };
                self.write(&format!("split/{n}"), TrackerWrite::Create(new)).await;
            }
            Deed::Lose(how) => {
                let faults =
                    [Fault::LostAfterWrite, Fault::BadGatewayAfterWrite, Fault::Reset, Fault::Unavailable(502)];
                self.stage.server.fault(Match::writes().by("dayfly-bot"), faults[usize::from(how)].clone());
            }
            Deed::Lag(reads) => self.stage.server.fault(Match::writes().by("dayfly-bot"), Fault::Lag(reads)),
            Deed::Slow => {
                let fault = Fault::SecondaryLimit(Some(Duration::from_secs(15)));
                self.stage.server.fault(Match::any().by("dayfly-bot"), fault);
            }
            Deed::Restart => {
                self.web = self.stage.open();
                self.stage.pass(20).await;
            }
            Deed::Look => drop(self.web.try_issues().await),
            Deed::Wait(seconds) => self.stage.pass(seconds.into()).await,
        }
    }

    /// What is seen when all is quiet.
    async fn end(&mut self) -> Vec<Issue> {
        let mut seen = None;
        for _ in 0..4 {
            self.stage.pass(70).await;
            seen = self.web.try_issues().await.ok();
        }
        seen.expect("when all is quiet, the issues are shown")
    }
}

async fn weave(deeds: Vec<Deed>) {
    let mut loom = Loom::new();
    let mut told = None;
    let (mut asked, mut parts) = (BTreeSet::new(), BTreeSet::new());
    for (n, deed) in deeds.into_iter().enumerate() {
        match &deed {
            Deed::Ask(key) => drop(asked.insert(*key)),
            Deed::Tell(text) => told = Some(format!("{text} of 4")),
            Deed::Split(part) => drop(parts.insert(format!("part-{part}"))),
            _ => {}
        }
        loom.done(n, deed).await;
    }
    let seen = loom.end().await;
    let comments = &seen[0].comments;
    let questions: BTreeSet<_> = comments.iter().filter(|c| c.topic.is_none()).filter_map(|c| c.key.clone()).collect();
    let own = comments.iter().filter(|c| c.is_own() && c.topic.is_none()).count();
    assert_eq!((own, questions.len()), (asked.len(), asked.len()), "each question is asked once: {comments:#?}");
    let sticky: Vec<_> = comments.iter().filter(|c| c.topic.is_some()).map(|c| c.body.clone()).collect();
    assert_eq!(sticky, told.into_iter().collect::<Vec<_>>(), "one comment for the topic, with the last text");
    let others: Vec<_> = comments.iter().filter(|c| !c.is_own()).map(|c| c.body.clone()).collect();
    let said: Vec<_> = loom.said.values().map(|(_, text)| text.clone()).collect();
    assert_eq!(others, said, "what others said is there as they said it, and none of it is taken for dayfly's");
    let made: Vec<_> = seen[1..].iter().map(|issue| issue.facts.part.clone().expect("only parts were made")).collect();
    assert_eq!(made.iter().cloned().collect::<BTreeSet<_>>(), parts);
    assert_eq!(made.len(), parts.len(), "each part is made once");
    assert!(seen[1..].iter().all(|issue| issue.parent == Some(id(1))));
    assert_eq!(loom.stage.world.repo(WEB).issue(1).sub_issues.len(), parts.len());
}

/// Few, where nobody asks for more.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(24)
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 200, failure_persistence: None, ..ProptestConfig::with_cases(cases()) })]

    #[test]
    fn nothing_is_written_twice_and_nobodys_words_are_lost(deeds in prop::collection::vec(deed(), 1..30)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(weave(deeds));
    }
}
