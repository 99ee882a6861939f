//! A report as one page of HTML: no script, nothing fetched, light and dark, readable
//! by screen readers and on paper.

use std::fmt::Write as _;

use comity_domain::turns;

use super::parts::{Aside, Block, Report, Section, Span, Term};
use crate::visible::number;

const STYLE: &str = include_str!("report.css");

/// The page.
pub(super) fn page(report: &Report) -> String {
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n",
        escape(&report.title)
    );
    header(&mut page, report);
    page.push_str("<main>\n");
    for section in &report.sections {
        self::section(&mut page, section);
    }
    page.push_str("</main>\n</body>\n</html>\n");
    page
}

fn header(page: &mut String, report: &Report) {
    page.push_str("<header>\n<p class=\"kicker\">");
    page.push_str(&escape(report.kicker));
    page.push_str("</p>\n");
    element(page, "h1", &report.title);
    page.push_str("<dl class=\"figures\">\n");
    for figure in &report.figures {
        page.push_str("<div>");
        term(page, figure);
        page.push_str("</div>\n");
    }
    page.push_str("</dl>\n");
    for remark in &report.remarks {
        element(page, "p", remark);
    }
    page.push_str("</header>\n");
}

fn section(page: &mut String, section: &Section) {
    let Section { id, title, blocks } = section;
    let title = escape(title);
    let _ = write!(
        page,
        "<section aria-labelledby=\"{id}\">\n<h2 id=\"{id}\">{title}</h2>\n"
    );
    for block in blocks {
        self::block(page, block);
    }
    page.push_str("</section>\n");
}

fn block(page: &mut String, block: &Block) {
    match block {
        Block::Heading(text) => element(page, "h3", text),
        Block::Paragraph(spans) => paragraph(page, "<p>", spans),
        Block::Cited(spans) => paragraph(page, "<p class=\"cited\">", spans),
        Block::Terms(terms) => {
            page.push_str("<dl class=\"terms\">\n");
            for term in terms {
                self::term(page, term);
            }
            page.push_str("</dl>\n");
        }
        Block::Table { columns, rows } => table(page, columns, rows),
        Block::Verbatim(text) => element(page, "pre", text.trim_end()),
        Block::Aside(aside, blocks) => {
            let class = match aside {
                Aside::Finding => "finding",
                Aside::Rule => "rule",
            };
            let _ = writeln!(page, "<article class=\"{class}\">");
            for block in blocks {
                self::block(page, block);
            }
            page.push_str("</article>\n");
        }
    }
}

fn table(page: &mut String, columns: &[&str], rows: &[Vec<String>]) {
    page.push_str("<div class=\"scroll\"><table>\n<thead><tr>");
    for column in columns {
        let _ = write!(page, "<th scope=\"col\">{}</th>", escape(column));
    }
    page.push_str("</tr></thead>\n<tbody>\n");
    for row in rows {
        page.push_str("<tr>");
        for cell in row {
            let _ = write!(page, "<td>{}</td>", escape(cell));
        }
        page.push_str("</tr>\n");
    }
    page.push_str("</tbody>\n</table></div>\n");
}

fn paragraph(page: &mut String, open: &str, spans: &[Span]) {
    page.push_str(open);
    for span in spans {
        match span {
            Span::Text(text) => page.push_str(&escape(text)),
            Span::Code(text) => {
                let _ = write!(page, "<code>{}</code>", escape(text));
            }
            Span::Link { address, text } => {
                let (address, text) = (escape(address), escape(text));
                let _ = write!(page, "<a href=\"{address}\">{text}</a>");
            }
        }
    }
    page.push_str("</p>\n");
}

fn term(page: &mut String, (term, value): &Term) {
    element(page, "dt", term);
    element(page, "dd", value);
}

fn element(page: &mut String, tag: &str, text: &str) {
    let _ = writeln!(page, "<{tag}>{}</{tag}>", escape(text));
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\n' | '\t' => escaped.push(character),
            hidden if hidden.is_control() || turns(hidden) => number(hidden, &mut escaped),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_turn_or_hide_text_is_shown() {
        assert_eq!(
            escape("Muster\u{202e}xam\u{2069}\u{0}\u{1b}[2J\r\n\tמושטר"),
            "Muster[U+202E]xam[U+2069][U+0000][U+001B][2J[U+000D]\n\tמושטר"
        );
    }

    #[test]
    fn nothing_from_outside_becomes_markup() {
        let mut page = String::new();
        block(
            &mut page,
            &Block::paragraph("<script>alert('x') & \"y\"</script>"),
        );
        let links = vec![
            Span::link("javascript:alert(1)", "law"),
            Span::link("https://example.org/?a=\"b\"", "law"),
        ];
        block(&mut page, &Block::Cited(links));
        assert_eq!(
            page,
            "<p>&lt;script&gt;alert(&#39;x&#39;) &amp; &quot;y&quot;&lt;/script&gt;</p>\n\
             <p class=\"cited\">law<a href=\"https://example.org/?a=&quot;b&quot;\">law</a></p>\n"
        );
    }
}
