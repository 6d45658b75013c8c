use jiff::tz::{self, TimeZone};
use jiff::{SignedDuration, Timestamp};
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use crate::{
    AgentName, ForgeRepo, GateSpec, IssueId, IssueRef, PromptTemplate, ResetTime, harmless, harmless_title, reset_in,
    said, shown, without_disguise,
};

/// The texts of strangers and of agents.
pub(super) fn text(data: &[u8]) {
    let text = &*String::from_utf8_lossy(data);
    for (name, change, most) in [
        ("harmless", harmless as fn(&str) -> String, 64_000),
        ("shown", shown, 32_000),
        ("harmless_title", harmless_title, 256),
        ("without_disguise", without_disguise, usize::MAX),
    ] {
        let made = change(text);
        assert!(made.chars().count() <= most, "{name} of {text:?} is too long");
        assert_eq!(change(&made), made, "{name} of {text:?} changes a second time");
    }
    let made = harmless(text);
    for block in page(&made) {
        assert!(!calls(&block), "{text:?} became {made:?}, which calls");
    }
    let squeezed = made.to_ascii_lowercase().replace([' ', '\t', '\n'], "");
    let marks = |at: usize| made[at + 4..].trim_start().to_ascii_lowercase().starts_with("dayfly");
    assert!(!made.match_indices("<!--").any(|(at, _)| marks(at)), "{text:?} became {made:?}, which is a marker");
    assert!(!squeezed.contains("[skipci]"), "{text:?} became {made:?}");
    assert!(!made.contains(['\u{200b}', '\u{202e}']), "{text:?} became {made:?}");
    let seen = page(&format!("{made}\n\nThe evidence."));
    assert!(seen.iter().any(|block| block.trim() == "The evidence."), "{text:?} swallows what follows: {seen:?}");
    let quoted: String = text.split(['\n', '\r']).map(|line| format!("> {line}\n")).collect();
    assert_eq!(said(&quoted), "", "a quote of {text:?} says something");
    assert!(said(text).len() <= text.len() + 1, "an answer grows: {text:?}");
}

/// The text that a page shows outside of code, by an independent look, block by block.
fn page(text: &str) -> Vec<String> {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let (mut blocks, mut code) = (vec![String::new()], false);
    for event in Parser::new_ext(text, options | Options::ENABLE_FOOTNOTES) {
        match event {
            Event::Start(Tag::CodeBlock(_)) => code = true,
            Event::End(TagEnd::CodeBlock) => code = false,
            Event::Text(text) if !code => blocks.last_mut().into_iter().for_each(|last| last.push_str(&text)),
            Event::Html(html) => blocks.last_mut().into_iter().for_each(|last| last.push_str(&html)),
            _ => blocks.push(String::new()),
        }
    }
    blocks
}

/// Whether somebody would be called: an `@` that is no part of a word, with a name behind it.
fn calls(block: &str) -> bool {
    let free = |at: usize| !block[..at].ends_with(|c: char| c.is_ascii_alphanumeric());
    let named = |at: usize| block[at + 1..].starts_with(|c: char| c.is_ascii_alphanumeric());
    block.match_indices('@').any(|(at, _)| free(at) && named(at))
}

/// When something comes back, by a vendor's sentence or header.
pub(super) fn reset(data: &[u8]) {
    let text = &*String::from_utf8_lossy(data);
    let usual = Timestamp::UNIX_EPOCH + SignedDuration::from_secs(1_795_259_006);
    for zone in
        [TimeZone::UTC, TimeZone::fixed(tz::offset(-5)), TimeZone::get("Europe/Berlin").unwrap_or(TimeZone::UTC)]
    {
        for now in [usual, Timestamp::MIN, Timestamp::MAX] {
            let near = |time: Timestamp| now.duration_until(time).abs() <= SignedDuration::from_hours(60 * 24);
            assert!(reset_in(text, now, &zone).is_none_or(near), "{text:?} at {now} is far away");
            for said in [ResetTime::from_sentence(text), ResetTime::from_retry_after(text)].into_iter().flatten() {
                assert!(said.resolve(now, &zone).is_none_or(near), "{said:?} at {now} is far away");
            }
        }
    }
    if let Ok(number) = text.trim().parse::<f64>() {
        ResetTime::from_epoch(number).and_then(|said| said.resolve(usual, &TimeZone::UTC));
    }
}

/// Names, references, gates and prompts: what was taken is said as it was written, and harms no path.
pub(super) fn words(data: &[u8]) {
    let text = &*String::from_utf8_lossy(data);
    for name in [
        AgentName::new(text).ok().map(|name| name.to_string()),
        IssueId::new(text).ok().map(|id| id.to_string()),
        IssueRef::try_from(text.to_owned()).ok().map(|issue| issue.to_string()),
        ForgeRepo::new(text).ok().map(|repo| repo.to_string()),
    ]
    .into_iter()
    .flatten()
    {
        assert_eq!(name, text);
        let safe = |c: char| c.is_ascii_alphanumeric() || "-_.#/".contains(c);
        assert!(name.chars().all(safe), "{name:?} is a bad part of a path");
        assert!(!name.split('/').any(|part| matches!(part, "." | "..")), "{name:?} leads elsewhere");
    }
    if let Ok(gate) = text.parse::<GateSpec>() {
        assert_eq!(gate.to_string().parse::<GateSpec>().as_ref(), Ok(&gate), "{text:?}");
    }
    if let Ok(prompt) = PromptTemplate::new(text) {
        assert_eq!(prompt.as_str(), text);
    }
    if let Ok(length) = text.parse::<SignedDuration>() {
        assert_eq!(length.to_string().parse::<SignedDuration>().ok(), Some(length), "{text:?}");
    }
}
