//! A letter as a page to be read and printed on A4, with the margins of the decree.

use maud::{DOCTYPE, Markup, PreEscaped, html as markup};

use super::Letter;

/// 20 mm above and below, 30 mm left, 15 mm right; Times New Roman of 14 points.
const STYLE: &str = "
@page { size: A4; margin: 20mm 15mm 20mm 30mm }
body { font: 14pt/1.4 'Times New Roman', serif; color: #000; background: #fff; max-width: 165mm; margin: 20mm auto }
@media print { body { margin: 0; max-width: none } }
header { display: flex; gap: 8mm; text-align: center; font-size: 13pt }
header div { flex: 4 } header div + div { flex: 5; white-space: nowrap; font-size: 12pt }
p { margin: 6pt 0; text-align: justify; text-indent: 10mm }
header p, .to, footer p { text-indent: 0; text-align: inherit; margin: 2pt 0 }
.to { text-align: center; margin: 18pt 0 12pt }
.strong { font-weight: bold } .lean { font-style: italic } .upper { text-transform: uppercase }
.motto { display: inline-block; border-bottom: 1px solid; font-weight: bold }
.draft { border: 1px solid; display: inline-block; padding: 1pt 6pt; font-weight: bold }
table { border-collapse: collapse; width: 100%; margin: 8pt 0 }
td { border: 1px solid; padding: 3pt 6pt } td + td { text-align: right; white-space: nowrap }
.source { font-size: 11pt; font-style: italic }
footer { display: flex; gap: 8mm; margin-top: 18pt }
footer div { flex: 1 } footer .copies { font-size: 11pt } footer .signature { text-align: center }
";

/// The letter as one page without anything outside of it.
pub(crate) fn html(letter: &Letter) -> String {
    let page = markup! {
        (DOCTYPE)
        html lang="vi" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Dự thảo công văn: " (letter.subject) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                (heading(letter))
                p.to { span.strong { "Kính gửi: " } (letter.addressee) }
                @for said in &letter.opening { p { (said) } }
                table { tbody {
                    @for (label, value) in &letter.figures { tr { td { (label) } td { (value) } } }
                } }
                @for said in &letter.request { p { (said) } }
                p.source { (letter.source) }
                (closing(letter))
            }
        }
    };
    page.into_string()
}

fn heading(letter: &Letter) -> Markup {
    markup! {
        header {
            div {
                p.strong.upper { (letter.sender) }
                p { "Số: ……/……" }
                p { "V/v " (letter.subject) }
                p { span.draft { "DỰ THẢO" } }
            }
            div {
                p.strong { "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM" }
                p { span.motto { "Độc lập - Tự do - Hạnh phúc" } }
                p.lean { (letter.dateline) }
            }
        }
    }
}

fn closing(letter: &Letter) -> Markup {
    markup! {
        footer {
            div.copies {
                p.strong.lean { "Nơi nhận:" }
                @for (at, copy) in letter.copies.iter().enumerate() {
                    p { "- " (copy) @if at + 1 == letter.copies.len() { "." } @else { ";" } }
                }
            }
            div.signature {
                p.strong { "NGƯỜI KÝ" }
                p.lean { "(Chức vụ, chữ ký, họ và tên)" }
            }
        }
    }
}
