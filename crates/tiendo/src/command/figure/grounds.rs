//! The events behind a number as a table, by position.

use wire::v1;
use wire::v1::GroundKind as Kind;
use wire::v1::ground::Said;

use super::named;
use crate::command::locality::{correction, raw_instant};
use crate::command::show::quota_text;
use crate::command::{
    denominator, document, figure_percent, finding, raw_bound, raw_count, raw_percent,
};
use crate::output::{Cell, Output, Table, code, number, share, text};

/// Registrations of a sum's parts that people are shown one by one.
const PARTS_SHOWN: usize = 8;

/// A row for each event; for people the places that make up a large sum are a line above it.
pub(super) fn table(answer: &v1::ExplainFigureResponse, output: Output) -> Table {
    let mut table = Table::new(&[
        number("position", "Vị trí trong sổ", "Position"),
        code("kind", "Là gì", "What it is"),
        code("effective", "Tính đến", "Effective"),
        code("locality", "Mã địa phương", "Locality"),
        text("name", "Tên", "Name"),
        number("value", "Số lượng", "Value"),
        text("bound", "Dấu", "Bound"),
        number("denominator", "Mẫu số", "Denominator"),
        share("percent", "Tỷ lệ", "Percent"),
        text("source", "Nguồn", "Source"),
        text("reason", "Lý do", "Reason"),
        number("about", "Sửa vị trí", "About position"),
        number("undone_by", "Bị sửa ở vị trí", "Undone by"),
        text("reporter", "Đơn vị báo cáo", "Reporter"),
        text("office", "Bộ phận", "Office"),
        code("known", "Ghi sổ lúc", "Known"),
    ]);
    let mut shown = Table::new(&[
        number("position", "Vị trí", "Position"),
        text("kind", "Là gì", "What it is"),
        text("said", "Nội dung", "What it said"),
        text("reporter", "Ai báo, ghi sổ lúc", "Who, known"),
    ]);
    let of_sum = answer.sum.is_some();
    let collapsed = collapsed(answer).is_some();
    for ground in &answer.grounds {
        table.row(raw(ground, output));
        if !(collapsed && is_part(ground)) {
            shown.row(in_words(ground, of_sum, output));
        }
    }
    table.shown_as(shown)
}

/// The line that stands for the registrations left out of the table for people.
pub(super) fn left_out(answer: &v1::ExplainFigureResponse, output: Output) -> Option<String> {
    let (count, first, last) = collapsed(answer)?;
    let lang = output.lang;
    let [count, first, last] = [count, first, last].map(|number| lang.count(number));
    Some(lang.pick(
        format!("Địa giới: {count} đăng ký địa phương ở vị trí {first} … {last}, kê đủ với -o csv"),
        format!("Boundaries: {count} registrations at positions {first} … {last}, all of them with -o csv"),
    ))
}

/// How many registrations are left out for people, and the first and the last of their positions.
fn collapsed(answer: &v1::ExplainFigureResponse) -> Option<(u64, u64, u64)> {
    let parts = answer.grounds.iter().filter(|ground| is_part(ground));
    let positions: Vec<u64> = parts.map(position).collect();
    let (first, last) = (*positions.first()?, *positions.last()?);
    (positions.len() > PARTS_SHOWN).then_some((positions.len() as u64, first, last))
}

/// Whether it says that a part of a sum exists.
fn is_part(ground: &v1::Ground) -> bool {
    ground.kind() == Kind::Boundary && matches!(ground.said, Some(Said::Registration(_)))
}

pub(super) fn position(ground: &v1::Ground) -> u64 {
    ground.recorded.as_ref().map_or(0, |told| told.position)
}

fn in_words(ground: &v1::Ground, of_sum: bool, output: Output) -> [Cell; 4] {
    let lang = output.lang;
    let recorded = ground.recorded.clone().unwrap_or_default();
    let actor = recorded.actor.unwrap_or_default();
    let known = lang.instant(recorded.known.as_ref());
    let mut lines = said(ground, output);
    let names_itself = matches!(ground.said, Some(Said::Registration(_) | Said::Ending(_)));
    if let Some(head) = ground.locality.as_ref().filter(|_| of_sum && !names_itself) {
        lines.insert(0, named(Some(head), output));
    }
    lines.retain(|line| !line.is_empty());
    [
        lang.count(recorded.position).into(),
        format!(
            "{}\n{}",
            kind(ground.kind(), output),
            lang.moment(&ground.effective)
        )
        .into(),
        lines.join("\n").into(),
        format!("{}\n{known}", actor.organisation).into(),
    ]
}

/// What an event is to the number.
fn kind(kind: Kind, output: Output) -> &'static str {
    let (vi, en) = match kind {
        Kind::Unspecified => ("", ""),
        Kind::Holds => ("chính số này", "the number"),
        Kind::Corrected => ("đã đính chính", "corrected"),
        Kind::Correction => ("đính chính", "correction"),
        Kind::Retracted => ("đã rút", "retracted"),
        Kind::Retraction => ("rút số liệu", "retraction"),
        Kind::Rival => ("báo trước, cùng lúc", "earlier rival"),
        Kind::Later => ("về sau mới có", "later figure"),
        Kind::Part => ("được cộng", "added up"),
        Kind::Quota => ("chỉ tiêu giao", "quota"),
        Kind::Definition => ("định nghĩa", "definition"),
        Kind::Registration => ("địa phương", "locality"),
        Kind::Boundary => ("địa giới", "boundary"),
    };
    output.lang.pick(vi, en)
}

/// What an event said, for people.
fn said(ground: &v1::Ground, output: Output) -> Vec<String> {
    let lang = output.lang;
    match &ground.said {
        None => Vec::new(),
        Some(Said::Figure(figure)) => {
            let value = lang.quantity(figure.value.as_ref());
            let of = denominator(figure.denominator.as_ref(), output);
            let percent = figure_percent(figure, output);
            let count = match of.as_str() {
                "" => value,
                of => format!("{value} ÷ {of}"),
            };
            let mut number = vec![count, percent];
            number.retain(|part| !part.is_empty());
            let source = figure.source.clone().unwrap_or_default().title;
            vec![
                number.join(", "),
                source,
                correction(figure, output),
                finding::marks(figure, output),
            ]
        }
        Some(Said::Retraction(said)) => {
            let wrong = lang.count(said.retracts);
            let line = lang.pick(
                format!("rút vị trí {wrong}: {}", said.reason),
                format!("takes back {wrong}: {}", said.reason),
            );
            vec![line]
        }
        Some(Said::Quota(quota)) => {
            let mut line = vec![
                quota_text(quota, output),
                lang.layer(quota.layer()).to_owned(),
                lang.date(&quota.deadline),
            ];
            line.retain(|part| !part.is_empty());
            vec![line.join(", "), document(quota)]
        }
        Some(Said::Definition(defined)) => {
            vec![
                lang.name(defined.name.as_ref()),
                lang.name(defined.unit.as_ref()),
            ]
        }
        Some(Said::Registration(said)) => {
            let source = said.source.clone().unwrap_or_default().title;
            vec![named(ground.locality.as_ref(), output), source]
        }
        Some(Said::Ending(said)) => vec![ending(ground, said, output)],
    }
}

/// `Phường Vạn Thạnh (22348) chấm dứt, vào 22366`.
fn ending(ground: &v1::Ground, said: &v1::LocalityEnded, output: Output) -> String {
    let lang = output.lang;
    let into = said.successors.iter().map(|successor| {
        let code = successor.locality.clone().unwrap_or_default().code;
        match successor.extent() {
            v1::Extent::Partial => {
                lang.pick(format!("một phần vào {code}"), format!("in part to {code}"))
            }
            _ => lang.pick(format!("vào {code}"), format!("to {code}")),
        }
    });
    let into = into.collect::<Vec<_>>().join(", ");
    let name = named(ground.locality.as_ref(), output);
    lang.pick(
        format!("{name} chấm dứt, {into}"),
        format!("{name} ended, {into}"),
    )
}

/// The same for a spreadsheet.
fn raw(ground: &v1::Ground, output: Output) -> [Cell; 16] {
    let recorded = ground.recorded.clone().unwrap_or_default();
    let actor = recorded.actor.unwrap_or_default();
    let head = ground.locality.clone().unwrap_or_default();
    let name = match &ground.said {
        Some(Said::Definition(defined)) => defined.name.clone(),
        _ => head.name,
    };
    let figure = match &ground.said {
        Some(Said::Figure(figure)) => figure.clone(),
        _ => v1::Figure::default(),
    };
    let (of, percent, source) = raw_said(ground.said.as_ref());
    let (about, reason) = match &ground.said {
        Some(Said::Retraction(said)) => (said.retracts, said.reason.clone()),
        _ => (figure.corrects, figure.reason),
    };
    let undone_by = match figure.corrected_by {
        0 => figure.retracted_by,
        by => by,
    };
    let or_empty = |position: u64| match position {
        0 => String::new(),
        position => position.to_string(),
    };
    [
        recorded.position.to_string().into(),
        Cell::with_raw(kind(ground.kind(), output), raw_kind(ground.kind())),
        ground.effective.as_str().into(),
        head.r#ref.unwrap_or_default().code.into(),
        output.lang.name(name.as_ref()).into(),
        raw_count(figure.value.as_ref()).into(),
        raw_bound(figure.value.as_ref()).into(),
        raw_count(of.as_ref().and_then(|of| of.value.as_ref())).into(),
        percent.into(),
        source.into(),
        reason.into(),
        or_empty(about).into(),
        or_empty(undone_by).into(),
        actor.organisation.into(),
        actor.office.into(),
        raw_instant(recorded.known.as_ref()).into(),
    ]
}

/// The denominator and the percentage that an event stated, and where it says that it has them from.
fn raw_said(said: Option<&Said>) -> (Option<v1::Denominator>, String, String) {
    let title = |source: &Option<v1::Source>| source.clone().unwrap_or_default().title;
    match said {
        Some(Said::Figure(figure)) => (
            figure.denominator.clone(),
            raw_percent(figure),
            title(&figure.source),
        ),
        Some(Said::Quota(quota)) => (
            quota.denominator.clone(),
            quota.target_percent.clone(),
            document(quota),
        ),
        Some(Said::Registration(said)) => (None, String::new(), title(&said.source)),
        Some(Said::Ending(said)) => (None, String::new(), title(&said.source)),
        _ => (None, String::new(), String::new()),
    }
}

fn raw_kind(kind: Kind) -> String {
    kind.as_str_name()
        .trim_start_matches("GROUND_KIND_")
        .to_ascii_lowercase()
}
