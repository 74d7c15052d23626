//! `tiendo locality trajectory`.
//!
//! A block for each quota: the quota, how the newest figure stands against its plan or why there is none, and plan and figures by moment.

use domain::text::Moment;
use jiff::civil::Date;
use wire::v1;

use super::{
    at_line, document, figure_percent, finding, place, raw_constant, read_at, show::quota_text,
    told,
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
    let mut lines = vec![
        asked(one, &units, output),
        units.stands(answer, one, output),
    ];
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
    let layer = lang.layer(quota.layer());
    let title = match quota.layer() {
        // Nobody assigned it.
        v1::QuotaLayer::Commitment => lang.pick("Chỉ tiêu tự cam kết", "Commitment").to_owned(),
        _ => lang.pick(
            format!("Chỉ tiêu được giao ({layer})"),
            format!("Quota ({layer})"),
        ),
    };
    let title = format!("{title}: {target}");
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

    /// A difference in a column headed by its unit: `8.420`, or `4,20`.
    fn plain(&self, number: u64) -> String {
        self.number(number).trim_end_matches('%').to_owned()
    }

    /// How the newest figure stands against the plan, or why nothing can be said.
    fn stands(
        &self,
        answer: &v1::GetTrajectoryResponse,
        one: &v1::QuotaTrajectory,
        output: Output,
    ) -> String {
        let lang = self.lang;
        let due = is_past_due(answer, one).then(|| {
            lang.pick(
                "; đã quá hạn, chưa có số liệu tính đến hạn",
                "; past due, no figure of the deadline",
            )
        });
        let due = due.unwrap_or_default();
        let (vi, en) = match (one.plan_kind(), &one.standing) {
            (v1::PlanKind::None | v1::PlanKind::Unspecified, _) => why_none(one.no_plan_reason()),
            (_, None) if is_ahead(answer, one) => (
                "chưa đến thời điểm đầu tiên của kế hoạch",
                "its first moment lies ahead",
            ),
            (_, None) if one.points.iter().any(|point| point.planned.is_some()) => (
                "số liệu từ khi bắt đầu không quy được ra tỷ lệ",
                "the figures since it began say no share",
            ),
            (_, None) => (
                "chưa có số liệu từ khi bắt đầu",
                "no figure since the plan began",
            ),
            (kind, Some(standing)) => {
                let on = lang.moment(&standing.effective);
                let figure = figure_at(answer, standing.position);
                let made = made(kind, lang);
                let stands = self.standing(standing, is_exact(one, &figure, standing.position));
                let said = lang.pick(
                    format!("Số liệu tính đến {on}, {made}: {stands}{due}"),
                    format!("Figure of {on}, {made}: {stands}{due}"),
                );
                let mut lines = vec![said, finding::marks(&figure, output)];
                lines.retain(|line| !line.is_empty());
                return lines.join("\n");
            }
        };
        lang.pick(format!("Kế hoạch: {vi}{due}"), format!("Plan: {en}{due}"))
    }

    /// `chậm 12 ngày so với kế hoạch, thiếu 8.420 người`; of less than half a day nothing is said.
    fn standing(&self, standing: &v1::PlanStanding, is_exact: bool) -> String {
        let lang = self.lang;
        let by = self.difference(standing.gap.unsigned_abs());
        let by = match is_exact {
            true => by,
            false => lang.pick(format!("khoảng {by}"), format!("about {by}")),
        };
        let whole = standing.days_behind.unwrap_or(0.0).abs().round();
        let (days, later) = (lang.count(whole as u64), whole > 0.0);
        let days_en = if whole == 1.0 { "day" } else { "days" };
        match (standing.gap, later) {
            (0, _) if is_exact => lang.pick("đúng kế hoạch", "on plan").to_owned(),
            (0, _) => lang.pick("xấp xỉ kế hoạch", "about on plan").to_owned(),
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

/// What a plan was made from.
fn made(kind: v1::PlanKind, lang: Lang) -> &'static str {
    match kind {
        v1::PlanKind::Milestones => lang.pick("kế hoạch theo mốc", "by the plan's milestones"),
        _ => lang.pick(
            "kế hoạch theo tỷ lệ đều trên số còn lại",
            "by an equal share of those left each day",
        ),
    }
}

/// The figure of a position; an empty one if it is left out.
fn figure_at(answer: &v1::GetTrajectoryResponse, position: u64) -> v1::Figure {
    let is_it = |figure: &&v1::Figure| {
        let recorded = figure.recorded.as_ref();
        recorded.is_some_and(|recorded| recorded.position == position)
    };
    answer
        .figures
        .iter()
        .find(is_it)
        .cloned()
        .unwrap_or_default()
}

/// Whether what a figure is measured by is the very number: its percentage, or its count.
fn is_exact(one: &v1::QuotaTrajectory, figure: &v1::Figure, position: u64) -> bool {
    let mut points = one.points.iter();
    let point = points.find(|point| point.position == position);
    let bound = match &figure.value {
        Some(count) if point.is_none_or(|point| !point.from_percent) => count.bound(),
        _ => figure.percent_bound(),
    };
    matches!(bound, v1::Bound::Exact | v1::Bound::Unspecified)
}

/// Whether the deadline is over, no figure in the plan's unit speaks of it, and what there is does not reach the quota.
fn is_past_due(answer: &v1::GetTrajectoryResponse, one: &v1::QuotaTrajectory) -> bool {
    let standing = one.quota.clone().unwrap_or_default();
    let quota = standing.quota.unwrap_or_default();
    let has_plan = one.no_plan_reason() == v1::NoPlanReason::Unspecified;
    let Ok(deadline) = quota.deadline.parse::<Date>().map(Moment::end_of) else {
        return false;
    };
    // A month and hour 24 end with their last day.
    let time = |moment: Moment| (moment.date(), moment.hour());
    let is_before = |moment: &str| Moment::parse(moment).is_ok_and(|it| time(it) < time(deadline));
    let asked = answer.at.as_ref().map(|at| Moment::parse(&at.as_of));
    let is_over = matches!(asked, Some(Ok(asked)) if asked > deadline);
    let newest = one.standing.as_ref();
    let is_stale = newest.is_none_or(|newest| is_before(&newest.effective));
    has_plan && is_over && is_stale && !standing.reached
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
            "không có, vì chỉ tiêu được giao không nêu cả mốc lẫn hạn",
            "none, since the quota names neither milestones nor a deadline",
        ),
        v1::NoPlanReason::NoStart => (
            "không có, vì chỉ tiêu được giao không nêu cả mốc lẫn ngày bắt đầu",
            "none, since the quota names neither milestones nor a first day",
        ),
        v1::NoPlanReason::NothingByStart => (
            "không có, vì chưa có số liệu nào tính đến ngày bắt đầu",
            "none, since no figure speaks of the first day or before",
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
        match units.is_count {
            true => number("gap", "Chênh lệch", "Gap"),
            false => number(
                "gap",
                "Chênh lệch (điểm phần trăm)",
                "Gap (percentage points)",
            ),
        },
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
            format!("{sign}{}", units.plain(by))
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
    let figure = figure_at(answer, point.position);
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
        Some(_) if point.from_percent => figure_percent(&figure, output),
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
        let mut rows: Vec<_> = rows(one).iter().map(|row| raw_row(one, row)).collect();
        if rows.is_empty() {
            // Why there is no plan is told all the same.
            rows.push(std::array::from_fn(|_| Cell::default()));
        }
        for cells in rows {
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
        or_empty(days.map(raw_days)),
        or_empty(point.map(|point| point.position)),
    ]
}

/// Days to a hundredth; what is nearer is none, and never below none.
fn raw_days(days: f64) -> String {
    let hundredths = (days * 100.0).round();
    // Of -0.0 and 0.0 the sum has no sign.
    format!("{:.2}", hundredths / 100.0 + 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(lang: Lang, is_count: bool) -> Units {
        Units {
            lang,
            is_count,
            name: lang.pick("người", "people").to_owned(),
        }
    }

    fn said(lang: Lang, is_count: bool, gap: i64, days_behind: Option<f64>) -> String {
        let standing = v1::PlanStanding {
            gap,
            days_behind,
            ..Default::default()
        };
        units(lang, is_count).standing(&standing, true)
    }

    fn output(lang: Lang) -> Output {
        Output {
            lang,
            format: Format::Table,
            out: None,
        }
    }

    /// Everything but a dimension of a quota of 90 % in hundredths of a point or in people, due on 30 June.
    fn drawn(
        is_count: bool,
        figure: v1::Figure,
        standing: v1::PlanStanding,
    ) -> v1::GetTrajectoryResponse {
        let unit = match is_count {
            true => v1::TrajectoryUnit::Count,
            false => v1::TrajectoryUnit::HundredthsOfPoint,
        };
        let quota = v1::QuotaAssigned {
            deadline: "2023-06-30".to_owned(),
            target_percent: "99.5".to_owned(),
            layer: v1::QuotaLayer::Commitment as i32,
            denominator: Some(v1::Denominator {
                kind: "percent".to_owned(),
                ..Default::default()
            }),
            ..Default::default()
        };
        let point = v1::TrajectoryPoint {
            effective: standing.effective.clone(),
            position: standing.position,
            count: Some(standing.count),
            from_percent: figure.value.is_none(),
            planned: Some(standing.planned),
        };
        let one = v1::QuotaTrajectory {
            quota: Some(v1::QuotaStanding {
                quota: Some(quota),
                ..Default::default()
            }),
            plan_kind: v1::PlanKind::Even as i32,
            unit: unit as i32,
            standing: Some(standing),
            points: vec![point],
            ..Default::default()
        };
        v1::GetTrajectoryResponse {
            quotas: vec![one],
            figures: vec![figure],
            figure_count: 1,
            at: Some(v1::AnsweredAt {
                as_of: "2023-06-20".to_owned(),
                ..Default::default()
            }),
            ..Default::default()
        }
    }

    fn figure(value: Option<v1::Quantity>, printed: &str) -> v1::Figure {
        v1::Figure {
            effective: "2023-06-10".to_owned(),
            value,
            printed_percent: printed.to_owned(),
            recorded: Some(v1::Recorded {
                position: 7,
                ..Default::default()
            }),
            ..Default::default()
        }
    }

    fn standing(count: u64, planned: u64) -> v1::PlanStanding {
        v1::PlanStanding {
            effective: "2023-06-10".to_owned(),
            position: 7,
            count,
            planned,
            gap: count as i64 - planned as i64,
            days_behind: Some(0.0),
        }
    }

    #[test]
    fn a_stale_figure_is_not_on_plan_once_the_deadline_is_over() {
        let counted = v1::Quantity {
            number: Some(v1::quantity::Number::Count(600)),
            bound: v1::Bound::Exact as i32,
        };
        let mut answer = drawn(true, figure(Some(counted), ""), standing(600, 600));
        let vi = |answer: &_| page(answer, output(Lang::Vi));
        let told =
            "Số liệu tính đến 10/6/2023, kế hoạch theo tỷ lệ đều trên số còn lại: đúng kế hoạch";
        let line = |page: &str| {
            page.lines()
                .find(|it| it.starts_with("Số liệu tính đến 10/6"))
                .map(str::to_owned)
        };
        assert_eq!(line(&vi(&answer)).as_deref(), Some(told));
        // On the last day itself it is not over.
        for (as_of, is_over) in [("2023-06-30", false), ("2023-07-01T01", true)] {
            answer.at.as_mut().unwrap().as_of = as_of.to_owned();
            let over =
                vi(&answer).contains("đúng kế hoạch; đã quá hạn, chưa có số liệu tính đến hạn\n");
            assert_eq!(over, is_over, "{as_of}");
        }
        let en = page(&answer, output(Lang::En));
        assert!(
            en.contains("on plan; past due, no figure of the deadline\n"),
            "{en}"
        );
        answer.quotas[0].quota.as_mut().unwrap().reached = true;
        assert!(!vi(&answer).contains("quá hạn"));
        answer.quotas[0].quota.as_mut().unwrap().reached = false;
        for effective in ["2023-06-30", "2023-06", "2023-06-30T24", "2023-07-01T00"] {
            answer.quotas[0].standing.as_mut().unwrap().effective = effective.to_owned();
            assert!(
                !vi(&answer).contains("quá hạn"),
                "there is a figure of it: {effective}"
            );
        }
    }

    #[test]
    fn figures_that_say_no_share_are_no_silence() {
        let mut answer = drawn(false, figure(None, "60"), standing(6_000, 6_000));
        let one = &mut answer.quotas[0];
        (one.standing, one.points[0].count) = (None, None);
        let page = page(&answer, output(Lang::Vi));
        let said = "Kế hoạch: số liệu từ khi bắt đầu không quy được ra tỷ lệ\n";
        assert!(page.contains(said), "{page}");
    }

    #[test]
    fn shares_are_told_as_printed_and_their_gap_in_points() {
        let answer = drawn(false, figure(None, "62.5"), standing(6_250, 6_000));
        let page = page(&answer, output(Lang::Vi));
        assert!(
            page.contains("Chỉ tiêu tự cam kết: 99,5%; hạn 30/6/2023"),
            "{page}"
        );
        let row = page.lines().last().unwrap();
        assert!(row.contains("60,00%") && row.contains("62,5%"), "{page}");
        assert!(row.trim_end().ends_with("+2,50"), "{page}");
        assert!(page.contains("điểm phần trăm"), "{page}");
    }

    #[test]
    fn what_is_vague_or_doubtful_is_told_as_such() {
        let vague = v1::Quantity {
            number: Some(v1::quantity::Number::Count(500)),
            bound: v1::Bound::AtLeast as i32,
        };
        let mut said = figure(Some(vague), "");
        said.findings = vec![v1::FindingOnRecord {
            finding: Some(v1::Finding {
                check: v1::Check::CumulativeFalls as i32,
                ..Default::default()
            }),
            state: v1::FindingState::Open as i32,
            ..Default::default()
        }];
        let mark = format!("! {}", Lang::Vi.check(v1::Check::CumulativeFalls));
        let mut answer = drawn(true, said, standing(500, 600));
        let told = page(&answer, output(Lang::Vi));
        let line = format!("thiếu khoảng 100 so với kế hoạch\n{mark}\n");
        assert!(told.contains(&line), "{told}");
        answer.quotas[0].standing = Some(standing(500, 500));
        let told = page(&answer, output(Lang::En));
        assert!(told.contains("each day: about on plan\n! "), "{told}");
    }

    #[test]
    fn a_quota_without_anything_has_a_row_for_its_reason() {
        let mut answer = drawn(true, figure(None, "1"), standing(1, 1));
        let one = &mut answer.quotas[0];
        (one.standing, one.points, one.plan_kind) = (None, Vec::new(), v1::PlanKind::None as i32);
        one.no_plan_reason = v1::NoPlanReason::NoStart as i32;
        let csv = raw(&answer).render(Lang::En);
        let row = csv.lines().last().unwrap();
        assert!(
            row.contains("commitment") && row.contains("no-start"),
            "{csv}"
        );
        assert_eq!(raw_days(-0.004), "0.00");
        assert_eq!(raw_days(-0.0), "0.00");
        assert_eq!(raw_days(-0.005_1), "-0.01");
        assert_eq!(raw_days(19.666), "19.67");
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
        let years = "chậm 1.200 ngày so với kế hoạch, thiếu 3 người";
        assert_eq!(vi(-3, Some(1_200.2)), years);
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
