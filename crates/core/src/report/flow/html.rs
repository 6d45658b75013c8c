//! The report as one page that needs nothing else: no script, no font, no link that leads outside.

use std::fmt::Write as _;

use super::chart::Chart;
use super::svg::{is_empty, svg};
use super::{Flow, FlowTable};

/// How the page looks, by day, by night and on paper.
const STYLE: &str = include_str!("page.css");

impl Flow {
    /// The report as one HTML page.
    pub fn to_html(&self) -> String {
        let title = self.title();
        let mut text = format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n<title>{}</title>\n<style>\n{STYLE}</style>\n</head>\n\
             <body>\n<main>\n<h1>{}</h1>\n<p class=\"note\">{}</p>\n<dl>\n",
            escape(&title),
            escape(&title),
            escape(&self.span()),
        );
        for (what, much) in self.headline() {
            let _ = writeln!(text, "<div><dt>{}</dt><dd>{}</dd></div>", escape(what), escape(&much));
        }
        text.push_str("</dl>\n");
        for (n, table) in self.tables().iter().enumerate() {
            section(&mut text, table, &format!("t{}", n + 1));
        }
        let ledger = escape(&self.ledger);
        let _ = write!(text, "<footer><p>Ledger: <code>{ledger}</code></p></footer>\n</main>\n</body>\n</html>\n");
        text
    }

    /// What the report is.
    pub fn title(&self) -> String {
        let of = self.project.as_ref().map(|project| format!(" of {project}")).unwrap_or_default();
        format!("Report{of}, {} to {}", self.from, self.until)
    }

    /// In which zone its days are, when it was made, and since when there is anything to tell.
    pub fn span(&self) -> String {
        let zone = self.zone.as_deref().unwrap_or("this machine's zone");
        let began = self.began.map(|date| format!(" The ledger begins on {date}.")).unwrap_or_default();
        format!("Days of {zone}. Made {}.{began}", self.at.strftime("%Y-%m-%d %H:%M UTC"))
    }
}

fn section(text: &mut String, table: &FlowTable, name: &str) {
    let _ = write!(text, "<section aria-labelledby=\"{name}\">\n<h2 id=\"{name}\">{}</h2>\n", escape(table.title));
    if !table.note.is_empty() {
        let _ = writeln!(text, "<p class=\"note\">{}</p>", escape(&table.note));
    }
    if table.rows.is_empty() {
        text.push_str("<p>Nothing.</p>\n</section>\n");
        return;
    }
    if let Some(chart) = table.chart.as_ref().filter(|chart| !is_empty(chart)) {
        text.push_str("<figure>\n");
        legend(text, chart);
        text.push_str(&svg(chart, name));
        text.push_str("</figure>\n");
    }
    if table.long {
        let _ = writeln!(text, "<details><summary>{} as a table</summary>", escape(table.title));
    }
    rows(text, table);
    text.push_str(if table.long { "</details>\n</section>\n" } else { "</section>\n" });
}

fn legend(text: &mut String, chart: &Chart) {
    if chart.series.len() < 2 {
        return;
    }
    text.push_str("<ul class=\"legend\">");
    for (n, series) in chart.series.iter().enumerate() {
        let _ = write!(text, "<li><span class=\"key k{n}\"></span>{}</li>", escape(series));
    }
    text.push_str("</ul>\n");
}

fn rows(text: &mut String, table: &FlowTable) {
    // Whoever reaches a wide table by keyboard can scroll it.
    let title = escape(table.title);
    let _ = write!(
        text,
        "<div class=\"wide\" role=\"region\" aria-label=\"{title}\" tabindex=\"0\">\n<table>\n<thead><tr>"
    );
    let class = |at: usize| if at < table.words { "" } else { " class=\"n\"" };
    for (at, head) in table.head.iter().enumerate() {
        let _ = write!(text, "<th scope=\"col\"{}>{}</th>", class(at), escape(head));
    }
    text.push_str("</tr></thead>\n<tbody>\n");
    for row in &table.rows {
        text.push_str("<tr>");
        for (at, cell) in row.iter().enumerate() {
            let (class, cell) = (class(at), escape(cell));
            let _ = match at {
                0 => write!(text, "<th scope=\"row\">{cell}</th>"),
                _ => write!(text, "<td{class}>{cell}</td>"),
            };
        }
        text.push_str("</tr>\n");
    }
    text.push_str("</tbody>\n</table>\n</div>\n");
}

/// A text as it is read on a page: it becomes no markup, and nothing in it is hidden or turns the direction of writing.
pub(super) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in crate::without_disguise(text).chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c if c.is_control() => safe.push(' '),
            c => safe.push(c),
        }
    }
    safe
}
