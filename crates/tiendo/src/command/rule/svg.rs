//! What a drawing is made of: a page of lines, bars and words, every word escaped.

use std::fmt::Write as _;

/// A drawing in the making.
pub(super) struct Svg {
    body: String,
    width: f64,
    height: f64,
}

/// Where a word stands by its point.
#[derive(Debug, Clone, Copy)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

impl Svg {
    /// An empty page of so many pixels.
    pub(super) fn new(width: f64, height: f64) -> Self {
        Self {
            body: String::new(),
            width,
            height,
        }
    }

    /// A filled rectangle; `label` is shown by who points at it.
    pub(super) fn bar(&mut self, [x, y, width, height]: [f64; 4], fill: &str, label: &str) {
        let label = escaped(label);
        self.add(format_args!(
            r#"<rect x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}" fill="{fill}"><title>{label}</title></rect>"#
        ));
    }

    /// A line through points.
    pub(super) fn line(&mut self, points: &[(f64, f64)], stroke: &str) {
        let points: Vec<String> = points
            .iter()
            .map(|(x, y)| format!("{x:.1},{y:.1}"))
            .collect();
        let points = points.join(" ");
        self.add(format_args!(
            r#"<polyline points="{points}" fill="none" stroke="{stroke}" stroke-width="1.5"/>"#
        ));
    }

    /// Words at a point.
    pub(super) fn text(&mut self, x: f64, y: f64, anchor: Anchor, size: u8, words: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let words = escaped(words);
        self.add(format_args!(
            r#"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}" font-size="{size}">{words}</text>"#
        ));
    }

    fn add(&mut self, element: std::fmt::Arguments<'_>) {
        // Writing to a text cannot fail.
        let _ = writeln!(self.body, "{element}");
    }

    /// The file.
    pub(super) fn page(&self, title: &str) -> String {
        let (width, height, title, body) = (self.width, self.height, escaped(title), &self.body);
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" viewBox=\"0 0 {width:.0} {height:.0}\" font-family=\"sans-serif\">\n<title>{title}</title>\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n{body}</svg>\n"
        )
    }
}

/// Words that cannot be taken for markup; what XML does not allow is left out.
fn escaped(words: &str) -> String {
    let mut text = String::with_capacity(words.len());
    for letter in words.chars() {
        match letter {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '"' => text.push_str("&quot;"),
            '\'' => text.push_str("&#39;"),
            '\u{fffe}' | '\u{ffff}' => {}
            letter if letter.is_control() => text.push(' '),
            letter => text.push(letter),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_no_markup() {
        assert_eq!(
            escaped("Hawke's <b>&\u{7}\"\u{ffff}"),
            "Hawke&#39;s &lt;b&gt;&amp; &quot;"
        );
        let mut svg = Svg::new(10.0, 10.0);
        svg.text(1.0, 2.0, Anchor::Start, 9, "</text><script>");
        svg.bar([0.0, 0.0, 1.0, 1.0], "#000", "]]>&");
        let page = svg.page("a<b");
        assert!(!page.contains("<script>") && page.contains("&lt;/text&gt;&lt;script&gt;"));
        assert!(
            page.contains("<title>a&lt;b</title>") && page.contains("<title>]]&gt;&amp;</title>")
        );
        assert!(page.starts_with("<?xml") && page.ends_with("</svg>\n"));
    }
}
