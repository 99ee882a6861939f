//! HTML, with everything that is not markup escaped.

use crate::wire::{from_proto, structure};

/// A page that is being written.
#[derive(Default)]
pub(super) struct Html(String);

impl Html {
    /// Markup of our own.
    pub(super) fn raw(&mut self, markup: &str) {
        self.0.push_str(markup);
    }

    pub(super) fn text(&mut self, text: &str) {
        self.0.push_str(&escape(text));
    }

    pub(super) fn element(&mut self, tag: &str, text: &str) {
        self.0
            .push_str(&format!("<{tag}>{}</{tag}>\n", escape(text)));
    }

    pub(super) fn section(&mut self, id: &str, title: &str) {
        self.0.push_str(&format!(
            "<section aria-labelledby=\"{id}\">\n<h2 id=\"{id}\">{}</h2>\n",
            escape(title)
        ));
    }

    pub(super) fn section_end(&mut self) {
        self.raw("</section>\n");
    }

    /// Terms and what they are, without those that are empty.
    pub(super) fn terms(&mut self, terms: &[(&str, String)]) {
        self.raw("<dl class=\"terms\">\n");
        for (term, value) in terms.iter().filter(|(_, value)| !value.is_empty()) {
            self.element("dt", term);
            self.element("dd", value);
        }
        self.raw("</dl>\n");
    }

    pub(super) fn table_head(&mut self, columns: &[&str]) {
        self.raw("<div class=\"scroll\"><table>\n<thead><tr>");
        for column in columns {
            self.0
                .push_str(&format!("<th scope=\"col\">{}</th>", escape(column)));
        }
        self.raw("</tr></thead>\n<tbody>\n");
    }

    pub(super) fn row(&mut self, cells: &[String]) {
        self.raw("<tr>");
        for cell in cells {
            self.0.push_str(&format!("<td>{}</td>", escape(cell)));
        }
        self.raw("</tr>\n");
    }

    pub(super) fn table_foot(&mut self) {
        self.raw("</tbody>\n</table></div>\n");
    }

    /// Text as it stands, lines kept.
    pub(super) fn verbatim(&mut self, text: &str) {
        self.0
            .push_str(&format!("<pre>{}</pre>\n", escape(text.trim_end())));
    }

    /// A structure as indented JSON.
    pub(super) fn structure(&mut self, data: &prost_types::Struct) {
        let json = structure::to_json(data.clone());
        let text = json.map_or_else(
            |_| "cannot be shown: see case.json".to_owned(),
            |json| format!("{:#}", serde_json::Value::Object(json)),
        );
        self.verbatim(&text);
    }

    /// A link where there is an address, else the text alone. Only addresses of
    /// the web become links.
    pub(super) fn link(&mut self, address: &str, text: &str) {
        if address.starts_with("https://") || address.starts_with("http://") {
            self.0.push_str(&format!(
                "<a href=\"{}\">{}</a>",
                escape(address),
                escape(text)
            ));
        } else {
            self.text(text);
        }
    }

    pub(super) fn finish(self) -> String {
        self.0
    }
}

/// The name of a value of an enumeration, for people.
pub(super) fn name(value: &str, prefix: &str) -> String {
    let name = value.strip_prefix(prefix).unwrap_or(value);
    if name == "UNSPECIFIED" {
        return String::new();
    }
    name.to_lowercase().replace('_', " ")
}

/// A moment, to the second.
pub(super) fn instant(at: &prost_types::Timestamp) -> String {
    let at = from_proto::timestamp(*at);
    at.map_or_else(String::new, |at| {
        at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
    })
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
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_outside_becomes_markup() {
        let mut page = Html::default();
        page.element("p", "<script>alert('x') & \"y\"</script>");
        page.link("javascript:alert(1)", "law");
        page.link("https://example.org/?a=\"b\"", "law");
        assert_eq!(
            page.finish(),
            "<p>&lt;script&gt;alert(&#39;x&#39;) &amp; &quot;y&quot;&lt;/script&gt;</p>\nlaw\
             <a href=\"https://example.org/?a=&quot;b&quot;\">law</a>"
        );
    }
}
