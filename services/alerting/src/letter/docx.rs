//! A letter as a document to be edited.

use std::io::Cursor;

use docx_rs::{
    AlignmentType, Docx, DocxError, LineSpacing, PageMargin, Paragraph, Run, RunFonts,
    SpecialIndentType, Table, TableCell, TableRow, WidthType,
};

use super::Letter;

const FONT: &str = "Times New Roman";
/// Half points: 14 points for the text, 13 for the heading, 11 for what is small.
const TEXT: usize = 28;
const HEADING: usize = 26;
const SMALL: usize = 22;

/// Twentieths of a point in a millimetre, times ten.
const fn millimetres(tenths: i32) -> i32 {
    tenths * 567 / 100
}

/// The letter as a Word document.
///
/// # Errors
/// [`DocxError`] if it cannot be put together.
pub(crate) fn docx(letter: &Letter) -> Result<Vec<u8>, DocxError> {
    let fonts = RunFonts::new()
        .ascii(FONT)
        .hi_ansi(FONT)
        .cs(FONT)
        .east_asia(FONT);
    // A4; 20 mm above and below, 30 mm left, 15 mm right.
    let margin = PageMargin::new()
        .top(millimetres(200))
        .bottom(millimetres(200))
        .left(millimetres(300))
        .right(millimetres(150));
    let mut document = Docx::new()
        .default_fonts(fonts)
        .default_size(TEXT)
        .page_size(11_906, 16_838)
        .page_margin(margin)
        .add_table(heading(letter))
        .add_paragraph(addressee(letter));
    for said in &letter.opening {
        document = document.add_paragraph(body(said));
    }
    document = document.add_table(figures(letter));
    for said in &letter.request {
        document = document.add_paragraph(body(said));
    }
    let source = Run::new().add_text(&letter.source).italic().size(SMALL);
    let source = Paragraph::new()
        .add_run(source)
        .align(AlignmentType::Both)
        .line_spacing(LineSpacing::new().after(240));
    document = document.add_paragraph(source).add_table(closing(letter));
    let mut bytes = Cursor::new(Vec::new());
    document.build().pack(&mut bytes)?;
    Ok(bytes.into_inner())
}

fn body(text: &str) -> Paragraph {
    Paragraph::new()
        .add_run(Run::new().add_text(text))
        .align(AlignmentType::Both)
        .indent(
            None,
            Some(SpecialIndentType::FirstLine(millimetres(100))),
            None,
            None,
        )
        .line_spacing(LineSpacing::new().before(60).after(120))
}

fn centred(run: Run) -> Paragraph {
    Paragraph::new().add_run(run).align(AlignmentType::Center)
}

fn addressee(letter: &Letter) -> Paragraph {
    Paragraph::new()
        .add_run(Run::new().add_text("Kính gửi: ").bold())
        .add_run(Run::new().add_text(&letter.addressee))
        .align(AlignmentType::Center)
        .line_spacing(LineSpacing::new().before(360).after(240))
}

/// Two columns without lines: who writes, and the motto of the state.
fn heading(letter: &Letter) -> Table {
    let text = |text: &str| Run::new().add_text(text).size(HEADING);
    let left = TableCell::new()
        .add_paragraph(centred(text(&letter.sender.to_uppercase()).bold()))
        .add_paragraph(centred(text("Số: ……/……")))
        .add_paragraph(centred(text(&format!("V/v {}", letter.subject))))
        .add_paragraph(centred(text("DỰ THẢO").bold()));
    let right = TableCell::new()
        .add_paragraph(centred(text("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM").bold()))
        .add_paragraph(centred(
            text("Độc lập - Tự do - Hạnh phúc")
                .bold()
                .underline("single"),
        ))
        .add_paragraph(centred(text(&letter.dateline).italic()));
    columns(left, right, [4_000, 5_350])
}

fn closing(letter: &Letter) -> Table {
    let small = |text: String| Run::new().add_text(text).size(SMALL);
    let mut left = TableCell::new()
        .add_paragraph(Paragraph::new().add_run(small("Nơi nhận:".to_owned()).bold().italic()));
    for (at, copy) in letter.copies.iter().enumerate() {
        let end = if at + 1 == letter.copies.len() {
            '.'
        } else {
            ';'
        };
        left = left.add_paragraph(Paragraph::new().add_run(small(format!("- {copy}{end}"))));
    }
    let right = TableCell::new()
        .add_paragraph(centred(Run::new().add_text("NGƯỜI KÝ").bold()))
        .add_paragraph(centred(
            Run::new().add_text("(Chức vụ, chữ ký, họ và tên)").italic(),
        ));
    columns(left, right, [4_675, 4_675])
}

fn columns(left: TableCell, right: TableCell, widths: [usize; 2]) -> Table {
    let [wide_left, wide_right] = widths;
    let cells = vec![
        left.width(wide_left, WidthType::Dxa),
        right.width(wide_right, WidthType::Dxa),
    ];
    Table::without_borders(vec![TableRow::new(cells)]).set_grid(widths.to_vec())
}

fn figures(letter: &Letter) -> Table {
    let widths = [5_350, 4_000];
    let rows = letter.figures.iter().map(|(label, value)| {
        let value = Paragraph::new()
            .add_run(Run::new().add_text(value))
            .align(AlignmentType::Right);
        let label = Paragraph::new().add_run(Run::new().add_text(*label));
        let [wide_left, wide_right] = widths;
        TableRow::new(vec![
            TableCell::new()
                .add_paragraph(label)
                .width(wide_left, WidthType::Dxa),
            TableCell::new()
                .add_paragraph(value)
                .width(wide_right, WidthType::Dxa),
        ])
    });
    Table::new(rows.collect()).set_grid(widths.to_vec())
}
