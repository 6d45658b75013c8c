//! Where in a text is what: the text that is shown, code, raw HTML.

use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

/// Stands for markup between two pieces of a run.
pub(super) const MARKUP: char = '\u{1}';
/// Stands for inline code within a run.
pub(super) const CODE: char = '\u{2}';

/// A Markdown text, taken apart.
#[derive(Debug, Default)]
pub(super) struct Document {
    /// The text of each block as it is shown.
    pub(super) runs: Vec<Run>,
    /// Code, with its fences and ticks.
    pub(super) code: Vec<Range<usize>>,
    /// Raw HTML: whole blocks, and single tags within text.
    pub(super) html: Vec<Html>,
    /// What would close the code block that the text ends in, if it does.
    pub(super) open_fence: Option<String>,
    /// Definitions of links that show nothing by themselves, and can hold anything.
    pub(super) notes: Vec<Range<usize>>,
}

/// A piece of raw HTML.
#[derive(Debug, Clone)]
pub(super) struct Html {
    pub(super) range: Range<usize>,
    /// Whether it is a single tag within text.
    pub(super) inline: bool,
}

/// A block's text as it is shown, with where each piece of it comes from.
#[derive(Debug, Default)]
pub(super) struct Run {
    pub(super) text: String,
    /// Where a piece begins in `text`, its source, and whether both are the same.
    pieces: Vec<(usize, Range<usize>, bool)>,
}

impl Run {
    /// A run of plain text that is no Markdown.
    pub(super) fn plain(text: &str, at: usize) -> Self {
        Self { text: text.to_owned(), pieces: vec![(0, at..at + text.len(), true)] }
    }

    fn push(&mut self, shown: &str, source: Range<usize>, same: bool) {
        self.pieces.push((self.text.len(), source, same));
        self.text.push_str(shown);
    }

    /// Where a part of the text comes from.
    pub(super) fn source(&self, part: Range<usize>) -> Range<usize> {
        let piece = |at: usize| self.pieces.iter().rfind(|(start, ..)| *start <= at);
        let from = piece(part.start).map_or(
            0,
            |(start, source, same)| {
                if *same { source.start + (part.start - start) } else { source.start }
            },
        );
        let to = piece(part.end.saturating_sub(1))
            .map_or(from, |(start, source, same)| if *same { source.start + (part.end - start) } else { source.end });
        from..to.max(from)
    }
}

/// The ways of Markdown that GitHub has besides the plain ones.
pub(super) fn options() -> Options {
    Options::ENABLE_TABLES | Options::ENABLE_FOOTNOTES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS
}

pub(super) fn read(text: &str) -> Document {
    let parser = Parser::new_ext(text, options());
    let notes = parser.reference_definitions().iter();
    let notes = notes.filter(|(_, def)| def.title.is_some() || def.dest.is_empty() || def.dest.starts_with('#'));
    let mut document = Document { notes: notes.map(|(_, def)| def.span.clone()).collect(), ..Document::default() };
    document.notes.sort_by_key(|n| n.start);
    let mut depth = 0_usize;
    let mut in_code = false;
    for (event, range) in parser.into_offset_iter() {
        match &event {
            Event::Start(Tag::CodeBlock(kind)) => {
                in_code = true;
                document.open_fence = if depth == 0 && matches!(kind, CodeBlockKind::Fenced(_)) {
                    open_fence(&text[range.clone()])
                } else {
                    None
                };
                document.code.push(range.clone());
            }
            Event::End(TagEnd::CodeBlock) => in_code = false,
            Event::Start(tag) if !is_inline(tag) => {
                document.open_fence = None;
                document.runs.push(Run::default());
                depth += usize::from(is_container(tag));
            }
            Event::End(TagEnd::BlockQuote(_) | TagEnd::List(_) | TagEnd::FootnoteDefinition) => {
                depth = depth.saturating_sub(1)
            }
            Event::Code(_) => document.code.push(range.clone()),
            Event::Html(_) | Event::InlineHtml(_) => {
                document.push_html(range.clone(), matches!(event, Event::InlineHtml(_)))
            }
            _ => {}
        }
        if !in_code {
            document.push_shown(text, &event, range);
        }
    }
    document
}

impl Document {
    fn push_html(&mut self, range: Range<usize>, inline: bool) {
        match self.html.last_mut() {
            Some(last) if !inline && !last.inline && last.range.end == range.start => last.range.end = range.end,
            _ => self.html.push(Html { range, inline }),
        }
    }

    fn push_shown(&mut self, source: &str, event: &Event<'_>, range: Range<usize>) {
        if self.runs.is_empty() {
            self.runs.push(Run::default());
        }
        let Some(run) = self.runs.last_mut() else { return };
        match event {
            Event::Text(text) => {
                let same = source.get(range.clone()) == Some(text);
                run.push(text, range, same);
            }
            Event::SoftBreak | Event::HardBreak => run.push("\n", range, false),
            Event::Code(_) => run.push(&CODE.to_string(), range, false),
            _ => run.push(&MARKUP.to_string(), range, false),
        }
    }
}

fn is_inline(tag: &Tag<'_>) -> bool {
    matches!(tag, Tag::Emphasis | Tag::Strong | Tag::Strikethrough | Tag::Link { .. } | Tag::Image { .. })
}

fn is_container(tag: &Tag<'_>) -> bool {
    matches!(tag, Tag::BlockQuote(_) | Tag::List(_) | Tag::FootnoteDefinition(_))
}

/// The fence that is missing at the end of a code block that begins with one.
fn open_fence(block: &str) -> Option<String> {
    let first = block.trim_start().chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let length = block.trim_start().chars().take_while(|c| *c == first).count();
    let closes = |line: &str| {
        let fence = line.trim();
        let indent = &line[..line.len() - line.trim_start().len()];
        let shallow = indent.len() < 4 && !indent.contains('\t');
        shallow && fence.chars().count() >= length && fence.chars().all(|c| c == first)
    };
    let closed = block.lines().skip(1).last().is_some_and(closes);
    (!closed).then(|| first.to_string().repeat(length))
}
