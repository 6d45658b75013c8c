//! What a forge keeps.

use dayfly_core::{Config, SourceText};

use crate::simulate::dice::Dice;

use super::*;

/// One with another key once counted as never done.
#[test]
fn a_pull_request_keeps_every_write_that_found_it_open() {
    let text = "version = 1\n[agents.a]\nkind = \"command\"\nargv = [\"true\"]\n\
                [projects.web]\npath = \"web\"\ngithub = \"me/web\"\n";
    let source = SourceText::new("/nowhere/dayfly.toml", text);
    let portfolio = Config::read(&source, &mut |_| Err("there is no file".into())).unwrap().portfolio;
    let name = ProjectName::new("web").unwrap();
    let settings = crate::simulate::Settings::default();
    let at = settings.day(&jiff::tz::TimeZone::UTC, 0);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let world = runtime.block_on(async {
        let place = Place::new(&portfolio.projects[&name], Dice::new(1, "test"));
        let head = place.repo.branches["main"].clone();
        let world = World::new(portfolio.into(), settings.into(), None);
        let mut inner = world.look();
        inner.places.insert(name.clone(), place);
        inner.places.get_mut(&name).unwrap().repo.point("dayfly/web-1", &head);
        let new = NewPull {
            branch: "dayfly/web-1".into(),
            head,
            base: "main".into(),
            title: "One".into(),
            body: String::new(),
            draft: false,
        };
        for key in ["first", "second"] {
            world.write_pull(&mut inner, (&name, key, false), &PullWrite::Open(new.clone()), at);
        }
        drop(inner);
        world
    });
    let inner = runtime.block_on(async { world.look() });
    let place = &inner.places[&name];
    assert_eq!(place.pulls.len(), 1);
    assert!(place.holds("first") && place.holds("second") && !place.holds("third"));
}
