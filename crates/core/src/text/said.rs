//! What a person said in a comment.

use pulldown_cmark::{Event, Parser, Tag, TagEnd};

use super::{hidden, markdown, start_of};

/// The most characters of a comment that are looked at.
const MOST: usize = 65_536;

/// The elements of HTML within which nothing is said.
const QUOTING: [&str; 3] = ["blockquote", "pre", "code"];

/// What is left of a comment without quotes, code, HTML comments and hidden characters. It is empty if that says
/// nothing: no text is left, or no more than emoji or `+1`.
///
/// A line right behind a quote counts as said, although Markdown draws it into the quote: people answer that way. Inline
/// code is left out, but where nothing else was said it is the answer, and stays with its ticks. A code block that is
/// never closed reaches to the end, and so does an HTML comment that begins a line, as on the page.
pub fn said(comment: &str) -> String {
    let (text, _) = start_of(comment, MOST);
    let text = hidden::removed(&text);
    if let Some(number) = number(&text) {
        return number;
    }
    let text = part_quotes(&text);
    let mut said = Said::default();
    for event in Parser::new_ext(&text, markdown::options()) {
        said.take(event);
    }
    let plain = hidden::removed(said.text.trim());
    if says_something(&plain) {
        return plain;
    }
    let code = said.code.join(" ");
    if says_something(&code) { code } else { String::new() }
}

/// The number that the whole answer is: Markdown makes an empty list of it.
fn number(text: &str) -> Option<String> {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('>'));
    let line = lines.next().filter(|_| lines.next().is_none())?;
    let digits = line.strip_suffix(['.', ')'])?;
    (!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())).then(|| line.to_owned())
}

/// The text with an empty line behind each quote.
fn part_quotes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut quoted = false;
    for line in text.lines() {
        let quotes = unlisted(line).starts_with('>');
        if quoted && !quotes && !line.trim().is_empty() {
            out.push('\n');
        }
        quoted = quotes;
        out.push_str(line);
        out.push('\n');
    }
    out
}

/// The line without the marks of lists at its start.
fn unlisted(line: &str) -> &str {
    let mut rest = line.trim_start();
    loop {
        let number = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        let marked = if number.len() < rest.len() {
            number.strip_prefix(". ").or_else(|| number.strip_prefix(") "))
        } else {
            ["- ", "* ", "+ "].iter().find_map(|mark| rest.strip_prefix(mark))
        };
        match marked {
            Some(item) => rest = item.trim_start(),
            None => return rest,
        }
    }
}

#[derive(Debug, Default)]
struct Said {
    text: String,
    code: Vec<String>,
    /// How many quotes and code blocks are open.
    quotes: usize,
    /// How many elements of HTML are open that quote.
    elements: usize,
    /// Whether an HTML comment is open.
    comment: bool,
}

impl Said {
    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Start(Tag::BlockQuote(_) | Tag::CodeBlock(_)) => self.quotes += 1,
            Event::End(TagEnd::BlockQuote(_) | TagEnd::CodeBlock) => self.quotes = self.quotes.saturating_sub(1),
            Event::End(TagEnd::HtmlBlock) => self.comment = false,
            Event::Html(html) | Event::InlineHtml(html) if self.quotes == 0 => self.html(&html),
            _ if self.quotes > 0 || self.elements > 0 => {}
            Event::Text(text) => self.text.push_str(&text),
            Event::Code(code) => self.code.push(format!("`{code}`")),
            Event::SoftBreak | Event::HardBreak => self.text.push('\n'),
            Event::End(end) if !is_inline(end) && !self.text.ends_with('\n') => self.text.push('\n'),
            _ => {}
        }
    }

    /// Takes what stands between the tags.
    fn html(&mut self, html: &str) {
        let mut rest = html;
        loop {
            if self.comment {
                match rest.split_once("-->") {
                    Some((_, after)) => (self.comment, rest) = (false, after),
                    None => return,
                }
            }
            let Some((before, tag)) = rest.split_once('<') else { break };
            self.between(before);
            if let Some(comment) = tag.strip_prefix("!--") {
                // `<!-->` is a whole comment.
                self.comment = true;
                rest = if comment.starts_with('>') || comment.starts_with("->") { &tag[1..] } else { comment };
                continue;
            }
            let (inside, after) = tag.split_once('>').unwrap_or((tag, ""));
            self.element(inside);
            rest = after;
        }
        self.between(rest);
    }

    fn between(&mut self, text: &str) {
        if self.elements == 0 {
            self.text.push_str(text);
        }
    }

    fn element(&mut self, inside: &str) {
        let (closing, name) = match inside.strip_prefix('/') {
            Some(name) => (true, name),
            None => (false, inside),
        };
        let name = name.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
        if !QUOTING.iter().any(|quoting| quoting.eq_ignore_ascii_case(name)) {
            return;
        }
        self.elements = if closing { self.elements.saturating_sub(1) } else { self.elements + 1 };
    }
}

fn is_inline(end: TagEnd) -> bool {
    matches!(end, TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough | TagEnd::Link | TagEnd::Image)
}

/// Whether there is a word or a number besides names of emoji, and it is no mere vote.
fn says_something(text: &str) -> bool {
    let is_name = |word: &str| {
        let inner = word.strip_prefix(':').and_then(|w| w.strip_suffix(':'));
        inner.is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_alphanumeric() || b"_+-".contains(&b)))
    };
    let counts =
        |word: &str| word.chars().any(char::is_alphanumeric) && !is_name(word) && !["+1", "-1"].contains(&word);
    text.split_whitespace().any(counts)
}
