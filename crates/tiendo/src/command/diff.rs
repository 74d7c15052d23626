//! `tiendo locality diff`.

use wire::v1;

use super::{at_line, told};
use crate::Failure;
use crate::cli::LocalityDiff;
use crate::client::Clients;
use crate::lang::Lang;
use crate::output::{Output, Table, code, number, text};

/// What a row counts.
#[derive(Clone, Copy)]
enum Measure {
    Count,
    /// In hundredths of a point.
    Share(v1::QuotaLayer),
}

/// Whose figures a row is about.
#[derive(Clone, Copy)]
enum Basis {
    Own,
    RolledUp,
}

pub(super) async fn run(
    wanted: LocalityDiff,
    clients: &Clients,
    output: Output,
) -> Result<(), Failure> {
    let at = |as_of: String, known_at: Option<String>| v1::ReadAt {
        as_of,
        known_at: known_at.unwrap_or_default(),
        min_position: 0,
    };
    let request = v1::DiffLocalityRequest {
        code: wanted.code,
        indicator: wanted.indicator.unwrap_or_default(),
        from: Some(at(wanted.from, wanted.from_known_at)),
        to: Some(at(wanted.to.unwrap_or_default(), wanted.to_known_at)),
    };
    let answer = clients.query().await?.diff_locality(request).await;
    let answer = answer.map_err(told(output))?.into_inner();
    output.answer(
        "DiffLocalityResponse",
        &answer,
        &head(&answer, output),
        &table(&answer, output),
    )
}

fn head(answer: &v1::DiffLocalityResponse, output: Output) -> String {
    let lang = output.lang;
    let place = |head: &Option<v1::LocalityHead>| {
        let head = head.clone().unwrap_or_default();
        let code = head.r#ref.unwrap_or_default().code;
        format!("{} ({code})", lang.name(head.name.as_ref()))
    };
    // After a reform the code may be that of another territory.
    let is_one = reference(&answer.from_locality) == reference(&answer.to_locality);
    let of = |head: &Option<v1::LocalityHead>| match is_one {
        true => String::new(),
        false => format!("{}: ", place(head)),
    };
    let (first, second) = (of(&answer.from_locality), of(&answer.to_locality));
    let from = at_line(answer.from.as_ref(), output);
    let to = at_line(answer.to.as_ref(), output);
    let now = place(&answer.to_locality);
    let mut lines = vec![
        lang.pick(
            format!("{now}: thay đổi giữa hai thời điểm"),
            format!("{now}: what changed"),
        ),
        lang.pick(format!("Từ: {first}{from}"), format!("From: {first}{from}")),
        lang.pick(format!("Đến: {second}{to}"), format!("To: {second}{to}")),
    ];
    for diff in &answer.indicators {
        if diff.joined_count + diff.left_count > 0 {
            let name = diff.indicator.clone().unwrap_or_default().name;
            let (name, joined, left) = (
                lang.name(name.as_ref()),
                lang.count(diff.joined_count.into()),
                lang.count(diff.left_count.into()),
            );
            lines.push(lang.pick(
                format!("{name}: hai tổng không cùng địa phương; thêm {joined}, bớt {left}"),
                format!(
                    "{name}: the sums are not of the same places; {joined} joined, {left} left"
                ),
            ));
        }
    }
    let unchanged = answer.indicators.iter().filter(|diff| !is_changed(diff));
    let unchanged = unchanged.count();
    if unchanged > 0 {
        let count = lang.count(unchanged as u64);
        lines.push(lang.pick(
            format!("{count} chỉ tiêu không thay đổi"),
            format!("{count} without change"),
        ));
    }
    lines.join("\n")
}

/// `22366@2025-07-01`.
fn reference(head: &Option<v1::LocalityHead>) -> String {
    let of = head.clone().unwrap_or_default().r#ref.unwrap_or_default();
    format!("{}@{}", of.code, of.since)
}

fn is_changed(diff: &v1::IndicatorDiff) -> bool {
    let changed = |(_, _, split): &(Basis, Measure, v1::Split)| is_another(split);
    rows(diff).iter().any(changed)
}

/// Whether any term changes the number, though they may make up for each other.
fn is_another(split: &v1::Split) -> bool {
    split.from != split.to || terms(split).iter().any(|(_, added)| *added != 0)
}

/// The rows of an indicator: what is counted, by whose figures, and the number in both views.
fn rows(diff: &v1::IndicatorDiff) -> Vec<(Basis, Measure, v1::Split)> {
    let mut rows = Vec::new();
    for (basis, figures) in [(Basis::Own, &diff.own), (Basis::RolledUp, &diff.rolled_up)] {
        let figures = figures.clone().unwrap_or_default();
        rows.extend(figures.count.map(|split| (basis, Measure::Count, split)));
        let printed = Measure::Share(v1::QuotaLayer::Unspecified);
        rows.extend(figures.share.map(|split| (basis, printed, split)));
        for quota in &diff.quotas {
            let split = match basis {
                Basis::Own => quota.own,
                Basis::RolledUp => quota.rolled_up,
            };
            rows.extend(split.map(|split| (basis, Measure::Share(quota.layer()), split)));
        }
    }
    rows
}

fn table(answer: &v1::DiffLocalityResponse, output: Output) -> Table {
    let lang = output.lang;
    let mut table = Table::new(&[
        code("indicator", "Mã chỉ tiêu", "Indicator"),
        text("basis", "Theo", "By"),
        text("measure", "Đo", "Measure"),
        number("from", "Từ", "From"),
        number("corrections", "Đính chính", "Corrections"),
        number("boundary_changes", "Đổi địa giới", "Boundaries"),
        number("new_work", "Việc mới làm", "New work"),
        number("quota_changes", "Đổi mẫu số, chỉ tiêu giao", "Quotas"),
        number("to", "Đến", "To"),
        code("from_locality", "Địa phương đầu", "From locality"),
        code("to_locality", "Địa phương cuối", "To locality"),
        code("brought_by", "Có từ", "Brought by"),
        code("taken_by", "Mất vì", "Taken by"),
    ]);
    let mut shown = Table::new(&[
        text("indicator", "Chỉ tiêu, số đo", "Indicator, measure"),
        number("from", "Từ", "From"),
        text("changes", "Thay đổi", "Change"),
        number("to", "Đến", "To"),
    ]);
    for diff in &answer.indicators {
        let indicator = diff.indicator.clone().unwrap_or_default();
        let mut name = lang.name(indicator.name.as_ref());
        for (basis, measure, split) in rows(diff) {
            let terms = terms(&split);
            table.row([
                indicator.indicator.as_str().into(),
                basis_key(basis).into(),
                measure_key(measure).into(),
                raw(split.from).into(),
                terms[0].1.to_string().into(),
                terms[1].1.to_string().into(),
                terms[2].1.to_string().into(),
                terms[3].1.to_string().into(),
                raw(split.to).into(),
                reference(&answer.from_locality).into(),
                reference(&answer.to_locality).into(),
                term_key(split.brought_by()).into(),
                term_key(split.taken_by()).into(),
            ]);
            if !is_another(&split) {
                continue;
            }
            if !name.is_empty() {
                let heading = std::mem::take(&mut name);
                shown.row([heading.into(), "".into(), "".into(), "".into()]);
            }
            let changes = terms
                .into_iter()
                .filter_map(|(term, added)| change(&split, term, added, measure, lang));
            shown.row([
                format!("· {}", measure_name(basis, measure, lang)).into(),
                end(split.from, measure, lang, ("chưa có", "none")).into(),
                changes.collect::<Vec<_>>().join("\n").into(),
                end(split.to, measure, lang, ("không còn", "none")).into(),
            ]);
        }
    }
    table.shown_as(shown)
}

fn terms(split: &v1::Split) -> [(v1::DiffTerm, i64); 4] {
    [
        (v1::DiffTerm::Corrections, split.corrections),
        (v1::DiffTerm::BoundaryChanges, split.boundary_changes),
        (v1::DiffTerm::NewWork, split.new_work),
        (v1::DiffTerm::QuotaChanges, split.quota_changes),
    ]
}

/// `+1.234 việc mới làm`; a number that is there for the first time, or no more, says so; none for no change.
fn change(
    split: &v1::Split,
    term: v1::DiffTerm,
    added: i64,
    measure: Measure,
    lang: Lang,
) -> Option<String> {
    let (comes, goes) = (split.brought_by() == term, split.taken_by() == term);
    if added == 0 && !comes && !goes {
        return None;
    }
    let sign = if added < 0 { "−" } else { "+" };
    let told = format!(
        "{sign}{} {}",
        amount(added.unsigned_abs(), measure, lang),
        term_name(term, lang)
    );
    Some(match (comes, goes) {
        (true, _) => lang.pick(format!("{told} (lần đầu)"), format!("{told} (first)")),
        (_, true) => lang.pick(format!("{told} (không còn)"), format!("{told} (gone)")),
        _ => told,
    })
}

fn term_name(term: v1::DiffTerm, lang: Lang) -> &'static str {
    match term {
        v1::DiffTerm::Unspecified => "",
        v1::DiffTerm::Corrections => lang.pick("đính chính", "corrections"),
        v1::DiffTerm::BoundaryChanges => lang.pick("đổi địa giới", "boundaries"),
        v1::DiffTerm::NewWork => lang.pick("việc mới làm", "new work"),
        v1::DiffTerm::QuotaChanges => lang.pick("đổi mẫu số, chỉ tiêu giao", "quota, denominator"),
    }
}

fn end(number: Option<u64>, measure: Measure, lang: Lang, none: (&str, &str)) -> String {
    match number {
        Some(number) => amount(number, measure, lang),
        None => lang.pick(none.0, none.1).to_owned(),
    }
}

fn amount(number: u64, measure: Measure, lang: Lang) -> String {
    match measure {
        Measure::Count => lang.count(number),
        Measure::Share(_) => lang.share(u32::try_from(number).unwrap_or(u32::MAX)),
    }
}

fn raw(number: Option<u64>) -> String {
    number.map_or_else(String::new, |number| number.to_string())
}

fn basis_key(basis: Basis) -> &'static str {
    match basis {
        Basis::Own => "own",
        Basis::RolledUp => "rolled_up",
    }
}

fn measure_key(measure: Measure) -> String {
    match measure {
        Measure::Count => "count".to_owned(),
        Measure::Share(v1::QuotaLayer::Unspecified) => "share_hundredths".to_owned(),
        Measure::Share(layer) => {
            let layer = layer.as_str_name().trim_start_matches("QUOTA_LAYER_");
            format!("share_of_{}_quota_hundredths", layer.to_lowercase())
        }
    }
}

fn measure_name(basis: Basis, measure: Measure, lang: Lang) -> String {
    let what = match measure {
        Measure::Count => lang.pick("số lượng", "count").to_owned(),
        Measure::Share(v1::QuotaLayer::Unspecified) => lang.pick("tỷ lệ", "share").to_owned(),
        Measure::Share(layer) => {
            let layer = lang.layer(layer);
            lang.pick(
                format!("% chỉ tiêu {layer}"),
                format!("% of the {layer} quota"),
            )
        }
    };
    match basis {
        Basis::Own => what,
        Basis::RolledUp => lang.pick(format!("{what}, cộng dồn"), format!("{what}, added up")),
    }
}

fn term_key(term: v1::DiffTerm) -> String {
    match term {
        v1::DiffTerm::Unspecified => String::new(),
        term => {
            let name = term.as_str_name().trim_start_matches("DIFF_TERM_");
            name.to_lowercase()
        }
    }
}
