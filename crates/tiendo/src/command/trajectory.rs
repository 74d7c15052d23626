//! `tiendo locality trajectory`.
//!
//! A block for each quota: the quota, how the newest figure stands against its plan or why there is none, and plan and figures by moment.

use domain::text::Moment;
use wire::v1;

use super::{
    at_line, document, figure_percent, place, raw_constant, read_at, show::quota_text, told,
};
use crate::Failure;
use crate::cli::LocalityTrajectory;
use crate::client::Clients;
use crate::lang::Lang;
use crate::output::{Cell, Format, Output, Table, code, number, text};

pub(super) async fn run(
    wanted: LocalityTrajectory,
    clients: &Clients,
    output: Output,
) -> Result<(), Failure> {
    let request = v1::GetTrajectoryRequest {
        code: wanted.code,
        indicator: wanted.indicator,
        at: read_at(wanted.at),
        ..Default::default()
    };
    let answer = clients.query().await?.get_trajectory(request).await;
    let answer = answer.map_err(told(output))?.into_inner();
    match output.format {
        Format::Table => output.text(&page(&answer, output)),
        _ => output.answer("GetTrajectoryResponse", &answer, "", &raw(&answer)),
    }
}

/// Everything for people.
fn page(answer: &v1::GetTrajectoryResponse, output: Output) -> String {
    let lang = output.lang;
    let indicator = answer.indicator.clone().unwrap_or_default();
    let (code, name) = place(answer.locality.as_ref(), output);
    let mut head = vec![
        format!("{}, {name} ({code})", lang.name(indicator.name.as_ref())),
        at_line(answer.at.as_ref(), output),
    ];
    let shown = answer.figures.len() as u64;
    if shown < answer.figure_count {
        let (shown, count) = (lang.count(shown), lang.count(answer.figure_count));
        head.push(lang.pick(
            format!("Có {count} số liệu, nêu {shown} số liệu mới nhất"),
            format!("{count} figures, of which the newest {shown} are shown"),
        ));
    }
    if answer.quotas.is_empty() {
        let none = lang.pick(
            "Không có chỉ tiêu được giao nào đang có hiệu lực",
            "No quota is in force",
        );
        head.push(none.to_owned());
    }
    let blocks = answer.quotas.iter().map(|one| block(answer, one, output));
    std::iter::once(head.join("\n"))
        .chain(blocks)
        .collect::<Vec<_>>()
        .join("\n\n")
}

/// A quota with its plan and the figures.
fn block(answer: &v1::GetTrajectoryResponse, one: &v1::QuotaTrajectory, output: Output) -> String {
    let units = Units::of(answer, one, output.lang);
    let mut lines = vec![asked(one, &units, output), units.stands(answer, one)];
    let table = points(answer, one, &units, output);
    if !table.is_empty() {
        lines.push(table.render(output.lang));
    }
    lines.join("\n")
}

/// What is asked for by when, and by which document.
fn asked(one: &v1::QuotaTrajectory, units: &Units, output: Output) -> String {
    let lang = output.lang;
    let standing = one.quota.clone().unwrap_or_default();
    let quota = standing.quota.unwrap_or_default();
    let layer = lang.layer(quota.layer());
    let target = match one.unit() {
        v1::TrajectoryUnit::Count => {
            let percent = domain::text::parse_percent(&quota.target_percent);
            let percent = percent.map_or_else(|_| String::new(), |it| lang.percent(it));
            let (of, required) = (quota_text(&quota, output), lang.count(standing.required));
            let required = units.with_name(required);
            lang.pick(
                format!("{percent} của {of}, tức {required}"),
                format!("{percent} of {of}, that is {required}"),
            )
        }
        _ => quota_text(&quota, output),
    };
    let deadline = match quota.deadline.as_str() {
        "" => String::new(),
        day => lang.pick("hạn ", "due ").to_owned() + &lang.date(day),
    };
    let title = lang.pick(
        format!("Chỉ tiêu được giao ({layer}): {target}"),
        format!("Quota ({layer}): {target}"),
    );
    let mut parts = vec![title, deadline, document(&quota)];
    parts.retain(|part| !part.is_empty());
    parts.join("; ")
}

/// How the numbers of a quota are written.
struct Units {
    lang: Lang,
    is_count: bool,
    /// What is counted; empty if nobody said.
    name: String,
}

impl Units {
    fn of(answer: &v1::GetTrajectoryResponse, one: &v1::QuotaTrajectory, lang: Lang) -> Self {
        let indicator = answer.indicator.as_ref();
        Self {
            lang,
            is_count: one.unit() == v1::TrajectoryUnit::Count,
            name: lang.name(indicator.and_then(|indicator| indicator.unit.as_ref())),
        }
    }

    fn with_name(&self, number: String) -> String {
        match self.name.as_str() {
            "" => number,
            name => format!("{number} {name}"),
        }
    }

    /// A number in a column: `8.420`, or `84,20%`.
    fn number(&self, number: u64) -> String {
        match (self.is_count, u32::try_from(number)) {
            (false, Ok(hundredths)) => self.lang.share(hundredths),
            _ => self.lang.count(number),
        }
    }

    /// A difference in a sentence: `8.420 người`, or `4,20 điểm phần trăm`.
    fn difference(&self, number: u64) -> String {
        let plain = self.number(number);
        if self.is_count {
            return self.with_name(plain);
        }
        let points = self.lang.pick("điểm phần trăm", "percentage points");
        format!("{} {points}", plain.trim_end_matches('%'))
    }

    /// How the newest figure stands against the plan, or why nothing can be said.
    fn stands(&self, answer: &v1::GetTrajectoryResponse, one: &v1::QuotaTrajectory) -> String {
        let lang = self.lang;
        let (vi, en) = match (one.plan_kind(), &one.standing) {
            (v1::PlanKind::None | v1::PlanKind::Unspecified, _) => why_none(one.no_plan_reason()),
            (_, None) if is_ahead(answer, one) => (
                "chưa đến thời điểm đầu tiên của kế hoạch",
                "its first moment lies ahead",
            ),
            (_, None) => (
                "chưa có số liệu từ khi bắt đầu",
                "no figure since the plan began",
            ),
            (kind, Some(standing)) => {
                let made = match kind {
                    v1::PlanKind::Milestones => {
                        lang.pick("kế hoạch theo mốc", "by the plan's milestones")
                    }
                    _ => lang.pick("kế hoạch chia đều", "by an even plan"),
                };
                let on = lang.moment(&standing.effective);
                let stands = self.standing(standing);
                return lang.pick(
                    format!("Số liệu của {on}, {made}: {stands}"),
                    format!("Figure of {on}, {made}: {stands}"),
                );
            }
        };
        lang.pick(format!("Kế hoạch: {vi}"), format!("Plan: {en}"))
    }

    /// `chậm 12 ngày so với kế hoạch, thiếu 8.420 người`; of less than half a day nothing is said.
    fn standing(&self, standing: &v1::PlanStanding) -> String {
        let lang = self.lang;
        let by = self.difference(standing.gap.unsigned_abs());
        let days = standing.days_behind.unwrap_or(0.0).abs().round();
        let days_en = if days == 1.0 { "day" } else { "days" };
        match (standing.gap, days > 0.0) {
            (0, _) => lang.pick("đúng kế hoạch", "on plan").to_owned(),
            (..0, true) => lang.pick(
                format!("chậm {days} ngày so với kế hoạch, thiếu {by}"),
                format!("{days} {days_en} behind the plan, {by} short"),
            ),
            (..0, false) => lang.pick(
                format!("thiếu {by} so với kế hoạch"),
                format!("{by} short of the plan"),
            ),
            (_, true) => lang.pick(
                format!("vượt kế hoạch {by}, sớm {days} ngày"),
                format!("{by} ahead of the plan, {days} {days_en} early"),
            ),
            (_, false) => lang.pick(
                format!("vượt kế hoạch {by}"),
                format!("{by} ahead of the plan"),
            ),
        }
    }
}

/// Whether the plan begins after the moment asked about.
fn is_ahead(answer: &v1::GetTrajectoryResponse, one: &v1::QuotaTrajectory) -> bool {
    let asked = answer.at.as_ref().map(|at| Moment::parse(&at.as_of));
    let begins = one.plan.first().map(|point| Moment::parse(&point.moment));
    matches!((asked, begins), (Some(Ok(asked)), Some(Ok(begins))) if asked < begins)
}

/// Why there is no plan, in Vietnamese and in English.
fn why_none(reason: v1::NoPlanReason) -> (&'static str, &'static str) {
    match reason {
        v1::NoPlanReason::NotCumulative => (
            "không có, vì chỉ tiêu này không cộng dồn",
            "none, since this indicator does not add up over time",
        ),
        v1::NoPlanReason::NoDeadline => (
            "không có, vì chỉ tiêu được giao không nêu mốc và hạn",
            "none, since the quota names neither milestones nor a deadline",
        ),
        v1::NoPlanReason::NoStart => (
            "không có, vì chỉ tiêu được giao không nêu mốc và ngày bắt đầu",
            "none, since the quota names neither milestones nor a first day",
        ),
        v1::NoPlanReason::NothingByStart => (
            "không có, vì chưa có số liệu nào tính đến ngày bắt đầu",
            "none, since no figure speaks of the first day or before",
        ),
        v1::NoPlanReason::ReachedAtStart => (
            "không có, vì đã đạt ngay khi bắt đầu",
            "none, since the target was reached at the start",
        ),
        v1::NoPlanReason::Unspecified => ("không có", "none"),
    }
}

/// A moment with what was planned and what was reported of it.
struct Row<'a> {
    moment: &'a str,
    planned: Option<u64>,
    point: Option<&'a v1::TrajectoryPoint>,
}

/// Plan and figures by moment; a moment that has a figure has one row.
fn rows(one: &v1::QuotaTrajectory) -> Vec<Row<'_>> {
    let figures = one.points.iter().map(|point| Row {
        moment: &point.effective,
        planned: point.planned,
        point: Some(point),
    });
    let plan = one.plan.iter().map(|point| Row {
        moment: &point.moment,
        planned: Some(point.count),
        point: None,
    });
    let mut rows: Vec<Row<'_>> = figures.chain(plan).collect();
    rows.sort_by_cached_key(|row| Moment::parse(row.moment).ok());
    rows.dedup_by(|later, kept| later.moment == kept.moment);
    rows
}

fn points(
    answer: &v1::GetTrajectoryResponse,
    one: &v1::QuotaTrajectory,
    units: &Units,
    output: Output,
) -> Table {
    let lang = output.lang;
    let mut table = Table::new(&[
        code("moment", "Tính đến", "As of"),
        number("planned", "Kế hoạch", "Planned"),
        number("count", "Thực hiện", "Reported"),
        number("gap", "Chênh lệch", "Gap"),
    ]);
    for row in rows(one) {
        let planned = row.planned.map(|planned| units.number(planned));
        let reported = row
            .point
            .map(|point| reported(answer, point, units, output));
        let gap = row.point.and_then(|point| gap(row.planned, point));
        let gap = gap.map(|gap| {
            let sign = match gap {
                0 => "",
                1.. => "+",
                _ => "−",
            };
            let by = u64::try_from(gap.unsigned_abs()).unwrap_or(u64::MAX);
            format!("{sign}{}", units.number(by))
        });
        table.row([
            lang.moment(row.moment).into(),
            planned.unwrap_or_default().into(),
            reported.unwrap_or_default().into(),
            gap.unwrap_or_default().into(),
        ]);
    }
    table
}

/// What a figure said, and the percentage where the number follows from it.
fn reported(
    answer: &v1::GetTrajectoryResponse,
    point: &v1::TrajectoryPoint,
    units: &Units,
    output: Output,
) -> String {
    let position = |figure: &v1::Figure| figure.recorded.as_ref().map(|it| it.position);
    let of_point = |figure: &&v1::Figure| position(figure) == Some(point.position);
    let figure = answer.figures.iter().find(of_point).cloned();
    let figure = figure.unwrap_or_default();
    match point.count {
        Some(_) if units.is_count && !point.from_percent => {
            output.lang.quantity(figure.value.as_ref())
        }
        Some(count) if units.is_count => {
            let (count, percent) = (units.number(count), figure_percent(&figure, output));
            output.lang.pick(
                format!("{count} (từ {percent})"),
                format!("{count} (from {percent})"),
            )
        }
        Some(count) => units.number(count),
        None => output.lang.quantity(figure.value.as_ref()),
    }
}

fn gap(planned: Option<u64>, point: &v1::TrajectoryPoint) -> Option<i128> {
    Some(i128::from(point.count?) - i128::from(planned?))
}

/// A row for each point of a plan and for each figure, for spreadsheets.
fn raw(answer: &v1::GetTrajectoryResponse) -> Table {
    let mut table = Table::new(&[
        text("layer", "Cấp giao", "Quota by"),
        code("deadline", "Hạn", "Deadline"),
        text("plan", "Kế hoạch", "Plan"),
        text("unit", "Đơn vị tính", "Unit"),
        code("moment", "Tính đến", "As of"),
        number("planned", "Theo kế hoạch", "Planned"),
        number("count", "Thực hiện", "Reported"),
        text("from_percent", "Từ tỷ lệ", "From percent"),
        number("gap", "Chênh lệch", "Gap"),
        number("days_behind", "Chậm (ngày)", "Days behind"),
        number("position", "Vị trí trong sổ", "Position"),
    ]);
    for one in &answer.quotas {
        let standing = one.quota.clone().unwrap_or_default();
        let quota = standing.quota.unwrap_or_default();
        let layer = raw_constant(quota.layer().as_str_name(), "QUOTA_LAYER_");
        let plan = match one.no_plan_reason() {
            v1::NoPlanReason::Unspecified => {
                raw_constant(one.plan_kind().as_str_name(), "PLAN_KIND_")
            }
            reason => raw_constant(reason.as_str_name(), "NO_PLAN_REASON_"),
        };
        let unit = raw_constant(one.unit().as_str_name(), "TRAJECTORY_UNIT_");
        for row in rows(one) {
            let cells = raw_row(one, &row);
            let [moment, planned, count, from_percent, gap, days, position] = cells;
            table.row([
                layer.as_str().into(),
                quota.deadline.as_str().into(),
                plan.as_str().into(),
                unit.as_str().into(),
                moment,
                planned,
                count,
                from_percent,
                gap,
                days,
                position,
            ]);
        }
    }
    table
}

fn raw_row(one: &v1::QuotaTrajectory, row: &Row<'_>) -> [Cell; 7] {
    fn or_empty(number: Option<impl ToString>) -> Cell {
        number.map_or_else(Cell::default, |number| number.to_string().into())
    }
    let point = row.point;
    let is_newest = |standing: &&v1::PlanStanding| {
        point.is_some_and(|point| point.position == standing.position)
    };
    let days = one.standing.as_ref().filter(is_newest);
    let days = days.and_then(|standing| standing.days_behind);
    let from_percent = point.is_some_and(|point| point.from_percent);
    [
        row.moment.into(),
        or_empty(row.planned),
        or_empty(point.and_then(|point| point.count)),
        if from_percent { "from-percent" } else { "" }.into(),
        or_empty(point.and_then(|point| gap(row.planned, point))),
        or_empty(days.map(|days| format!("{days:.2}"))),
        or_empty(point.map(|point| point.position)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(lang: Lang, is_count: bool, gap: i64, days_behind: Option<f64>) -> String {
        let units = Units {
            lang,
            is_count,
            name: lang.pick("người", "people").to_owned(),
        };
        units.standing(&v1::PlanStanding {
            gap,
            days_behind,
            ..Default::default()
        })
    }

    #[test]
    fn a_standing_is_a_sentence_in_both_languages() {
        let vi = |gap, days| said(Lang::Vi, true, gap, days);
        let behind = "chậm 12 ngày so với kế hoạch, thiếu 8.420 người";
        assert_eq!(vi(-8_420, Some(11.6)), behind);
        assert_eq!(vi(-3, Some(0.2)), "thiếu 3 người so với kế hoạch");
        assert_eq!(vi(0, Some(0.0)), "đúng kế hoạch");
        assert_eq!(vi(950, Some(-9.4)), "vượt kế hoạch 950 người, sớm 9 ngày");
        assert_eq!(vi(950, None), "vượt kế hoạch 950 người");
        let en = |gap, days| said(Lang::En, true, gap, days);
        let behind = "1 day behind the plan, 8,420 people short";
        assert_eq!(en(-8_420, Some(1.4)), behind);
        assert_eq!(en(0, Some(0.0)), "on plan");
        let ahead = "950 people ahead of the plan, 9 days early";
        assert_eq!(en(950, Some(-9.4)), ahead);
    }

    #[test]
    fn of_a_percentage_points_are_missing() {
        let behind = "chậm 2 ngày so với kế hoạch, thiếu 4,20 điểm phần trăm";
        assert_eq!(said(Lang::Vi, false, -420, Some(2.0)), behind);
        let short = "4.20 percentage points short of the plan";
        assert_eq!(said(Lang::En, false, -420, Some(0.0)), short);
    }

    #[test]
    fn figures_and_plan_are_told_by_moment_and_a_moment_once() {
        let planned = |moment: &str, count| v1::PlannedPoint {
            moment: moment.to_owned(),
            count,
        };
        let point = |effective: &str, count, planned| v1::TrajectoryPoint {
            effective: effective.to_owned(),
            count: Some(count),
            planned,
            ..Default::default()
        };
        let one = v1::QuotaTrajectory {
            plan: vec![planned("2023-06-01T00", 5), planned("2023-06-30", 9)],
            points: vec![
                point("2023-05", 4, None),
                point("2023-06-01", 6, Some(5)),
                point("2023-06-30", 8, Some(9)),
            ],
            ..Default::default()
        };
        let told = rows(&one);
        let moments: Vec<_> = told.iter().map(|row| row.moment).collect();
        let each = ["2023-05", "2023-06-01T00", "2023-06-01", "2023-06-30"];
        assert_eq!(moments, each);
        let last = told.last().unwrap();
        assert_eq!(gap(last.planned, last.point.unwrap()), Some(-1));
    }
}
