//! How a second state stands, and in what it differs, for people.

use std::fmt::Write as _;

use prost::Message;
use wire::v1;
use wire::v1::ProjectionRebuildPhase as Phase;

use super::super::{figure_percent, place};
use crate::Failure;
use crate::lang::Lang;
use crate::output::{Cell, Output, Table, code, number, text};

/// Prints an answer with a second state in it.
pub(super) fn show<M: Message>(
    name: &str,
    answer: &M,
    rebuild: Option<&v1::ProjectionRebuild>,
    output: Output,
) -> Result<(), Failure> {
    let rebuild = rebuild.cloned().unwrap_or_default();
    output.answer(
        name,
        answer,
        &heading(&rebuild, output),
        &table(&rebuild, output),
    )
}

fn heading(rebuild: &v1::ProjectionRebuild, output: Output) -> String {
    let lang = output.lang;
    let mut heading = stands(rebuild.phase(), lang).to_owned();
    if !rebuild.failure_reason.is_empty() {
        let _ = write!(
            heading,
            ": {} [{}]",
            rebuild.failure, rebuild.failure_reason
        );
    }
    let Some(found) = &rebuild.comparison else {
        return heading;
    };
    let position = lang.count(found.position);
    if found.same {
        let same = lang.pick(
            format!(
                "Hai trạng thái giống hệt nhau ở vị trí {position} (mã băm {})",
                found.served_digest
            ),
            format!(
                "The two are the same at position {position} (digest {})",
                found.served_digest
            ),
        );
        let _ = write!(heading, "\n{same}");
        return heading;
    }
    let (tables, series) = (
        found.differing_tables.join(", "),
        lang.count(found.differing_series),
    );
    let listed = lang.count(found.series.len() as u64);
    let differ = lang.pick(
        format!("Hai trạng thái khác nhau ở vị trí {position}, ở các bảng: {tables}; {series} chuỗi số liệu, liệt kê {listed}:"),
        format!("The two differ at position {position}, in the tables: {tables}; {series} series of figures, {listed} listed:"),
    );
    let _ = write!(heading, "\n{differ}");
    if !found.series.is_empty() {
        let _ = write!(heading, "\n{}\n", differences(found, output).render(lang));
    }
    heading
}

/// What the phase means, and what can be done.
fn stands(phase: Phase, lang: Lang) -> &'static str {
    match phase {
        Phase::Unspecified | Phase::None => {
            lang.pick("Không có trạng thái thứ hai", "There is no second state")
        }
        Phase::Folding => lang.pick(
            "Trạng thái thứ hai đang được dựng",
            "The second state is being folded",
        ),
        Phase::Ready => lang.pick(
            "Trạng thái thứ hai đã sẵn sàng và được cập nhật cùng; chuyển sang: `tiendo projection switch`",
            "The second state is ready and kept up to date; to answer from it: `tiendo projection switch`",
        ),
        Phase::Switched => lang.pick(
            "Đang phục vụ bằng trạng thái dựng lại; trạng thái trước được giữ: `tiendo projection undo`, hoặc bỏ: `tiendo projection cancel --discard`",
            "The rebuilt state answers; the one before is kept: `tiendo projection undo`, or let go of it: `tiendo projection cancel --discard`",
        ),
        Phase::Cancelled => lang.pick(
            "Việc dựng trạng thái thứ hai đã dừng; tiếp tục: `tiendo projection rebuild`",
            "Folding the second state was stopped; to go on: `tiendo projection rebuild`",
        ),
        Phase::Failed => lang.pick(
            "Không dựng tiếp được trạng thái thứ hai",
            "The second state cannot be folded on",
        ),
    }
}

fn table(rebuild: &v1::ProjectionRebuild, output: Output) -> Table {
    let lang = output.lang;
    let mut table = Table::new(&[
        code("phase", "Giai đoạn", "Phase"),
        code("source", "Nguồn", "Source"),
        number("position", "Vị trí", "Position"),
        number("head", "Vị trí đang phục vụ", "Position served"),
        number("resumed_from", "Tiếp từ", "Resumed from"),
        number("events_per_second", "Sự kiện/giây", "Events/s"),
        number("elapsed_seconds", "Giây", "Seconds"),
        text("same", "Giống nhau", "Same"),
    ]);
    let count = |count: u64| Cell::with_raw(lang.count(count), count);
    let (phase, source) = (rebuild.phase().as_str_name(), rebuild.source());
    let source = match source {
        v1::ProjectionRebuildSource::Unspecified => "",
        v1::ProjectionRebuildSource::Log => "log",
        v1::ProjectionRebuildSource::Bus => "bus",
    };
    let same = rebuild.comparison.as_ref().map(|found| found.same);
    let shown = same.map_or("", |same| match same {
        true => lang.pick("có", "yes"),
        false => lang.pick("không", "no"),
    });
    let seconds = format!("{:.1}", rebuild.elapsed_seconds);
    table.row([
        super::super::raw_constant(phase, "PROJECTION_REBUILD_PHASE_").into(),
        source.into(),
        count(rebuild.position),
        count(rebuild.head),
        count(rebuild.resumed_from),
        count(rebuild.events_per_second),
        Cell::with_raw(
            lang.pick(seconds.replace('.', ","), seconds.clone()),
            &seconds,
        ),
        Cell::with_raw(shown, same.map(|same| same.to_string()).unwrap_or_default()),
    ]);
    table
}

/// The series that differ, with what each of the two says newest.
fn differences(found: &v1::ProjectionComparison, output: Output) -> Table {
    let mut table = Table::new(&[
        code("code", "Mã", "Code"),
        text("locality", "Địa phương", "Locality"),
        code("indicator", "Chỉ tiêu", "Indicator"),
        text("served", "Đang phục vụ", "Served"),
        text("rebuilt", "Dựng lại", "Rebuilt"),
        number("position", "Khác ở vị trí", "Differs at"),
    ]);
    for one in &found.series {
        let (code, name) = place(one.locality.as_ref(), output);
        table.row([
            code.into(),
            name.into(),
            one.indicator.as_str().into(),
            newest(one.served.as_ref(), one.served_figures, output).into(),
            newest(one.rebuilt.as_ref(), one.rebuilt_figures, output).into(),
            output.lang.count(one.differing_position).into(),
        ]);
    }
    table
}

/// The newest figure that holds, the moment it speaks of, and of how many it is the newest.
fn newest(figure: Option<&v1::Figure>, figures: u64, output: Output) -> String {
    let lang = output.lang;
    let of = lang.count(figures);
    let of = lang.pick(format!("{of} số liệu"), format!("of {of} figures"));
    let Some(figure) = figure else {
        return lang.pick(format!("không có ({of})"), format!("none ({of})"));
    };
    let count = lang.quantity(figure.value.as_ref());
    let said = if count.is_empty() {
        figure_percent(figure, output)
    } else {
        count
    };
    format!("{said}, {} ({of})", lang.moment(&figure.effective))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::Format;

    fn rebuild() -> v1::ProjectionRebuild {
        let figure = |count| v1::Figure {
            effective: "2023-07-27".to_owned(),
            value: Some(v1::Quantity {
                number: Some(v1::quantity::Number::Count(count)),
                bound: 0,
            }),
            ..v1::Figure::default()
        };
        let series = v1::ComparedSeries {
            locality: Some(v1::LocalityHead {
                r#ref: Some(v1::LocalityRef {
                    code: "568".to_owned(),
                    since: String::new(),
                }),
                name: Some(v1::Name {
                    vi: "Thành phố Nha Trang".to_owned(),
                    en: String::new(),
                }),
                ..v1::LocalityHead::default()
            }),
            indicator: "eid.activated".to_owned(),
            served: Some(figure(10_000)),
            rebuilt: None,
            served_figures: 2,
            rebuilt_figures: 1,
            differing_position: 1_234,
        };
        v1::ProjectionRebuild {
            phase: Phase::Ready as i32,
            position: 1_234,
            comparison: Some(v1::ProjectionComparison {
                position: 1_234,
                differing_tables: vec!["figures".to_owned()],
                differing_series: 1,
                series: vec![series],
                ..v1::ProjectionComparison::default()
            }),
            ..v1::ProjectionRebuild::default()
        }
    }

    #[test]
    fn what_differs_is_told_with_place_indicator_and_both_numbers() {
        let output = |lang| Output {
            format: Format::Table,
            lang,
            out: None,
        };
        let vi = heading(&rebuild(), output(Lang::Vi));
        for said in [
            "figures",
            "Thành phố Nha Trang",
            "10.000, 27/7/2023",
            "không có",
            "1.234",
        ] {
            assert!(vi.contains(said), "{said} is not in: {vi}");
        }
        let en = heading(&rebuild(), output(Lang::En));
        assert!(
            en.contains("differ at position 1,234, in the tables: figures;"),
            "{en}"
        );
        let none = heading(&v1::ProjectionRebuild::default(), output(Lang::En));
        assert_eq!(none, "There is no second state");
    }
}
