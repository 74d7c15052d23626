//! `tiendo rule backtest` over the ledger: the running service goes through it, and its report is shown.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde_json::Value;
use wire::v1;

use super::super::log::{Way, bar, last};
use super::super::{raw_constant, told};
use super::score::{self, Counts};
use super::{chart, not_written, rules, shown, warn_of_passed_over};
use crate::Failure;
use crate::cli::RuleBacktest;
use crate::client::Clients;
use crate::fail::FAILED;
use crate::lang::Lang;
use crate::output::{Cell, Output, Table, message_json_by_name, number, text};

/// Recipients shown to people; JSON has them all.
const RECIPIENTS_SHOWN: usize = 12;
/// Cases shown to people; JSON has them all.
const CASES_SHOWN: usize = 20;

/// Asks the service, shows how far it has come, and tells what it found.
pub(super) async fn backtest(
    wanted: &RuleBacktest,
    clients: &Clients,
    output: Output,
) -> Result<(), Failure> {
    let lang = output.lang;
    let rules = match wanted.rules.as_deref() {
        None => String::new(),
        file => {
            let said = rules::read(file, lang)?;
            warn_of_passed_over(&said, false, lang);
            asked(&said).map_err(|error| Failure::caused(FAILED, &error))?
        }
    };
    if let Some(chart) = &wanted.chart {
        chart::try_out(chart).map_err(|error| not_written(chart, &error, lang))?;
    }
    let request = v1::RunBacktestRequest {
        from: wanted.from.clone().unwrap_or_default(),
        to: wanted.to.clone().unwrap_or_default(),
        rules,
        indicator: wanted.indicator.clone().unwrap_or_default(),
        codes: wanted.locality.clone(),
    };
    let answers = clients.alerting().await?.run_backtest(request).await;
    let answers = answers.map_err(told(output))?.into_inner();
    let bar = bar(0, ("Chạy lại sổ", "Going through the ledger"), output);
    let way = |answer: &v1::RunBacktestResponse| Way {
        position: answer.position,
        head: answer.of,
        done: answer.report.is_some(),
    };
    let answer = last(answers, way, &bar, output).await?;
    let report = answer.report.unwrap_or_default();
    let told = output.report(
        &json(&report)?,
        &heading(&report, lang),
        &table(&report, lang),
    );
    if let Some(chart) = &wanted.chart {
        chart::write(chart, &drawn(&report, lang))
            .map_err(|error| not_written(chart, &error, lang))?;
    }
    told
}

/// The rules as the service reads them: what the file leaves out of the thresholds is as shipped and goes along; what is judged goes along if it says so.
fn asked(said: &rules::File) -> serde_json::Result<String> {
    let mut value = serde_json::to_value(&said.rules)?;
    if let Some(judged) = &said.judged {
        value["judged"] = serde_json::to_value(judged)?;
    }
    Ok(value.to_string())
}

/// The runs, those tried first.
fn runs(report: &v1::BacktestReport) -> impl Iterator<Item = &v1::BacktestRun> {
    report.tried.iter().chain(&report.in_force)
}

/// The report by the names that the form over a file has too, the rules as an object.
fn json(report: &v1::BacktestReport) -> Result<Value, Failure> {
    let mut value = message_json_by_name("BacktestReport", report)?;
    for name in ["tried", "in_force"] {
        let rules = value.get_mut(name).and_then(|run| run.get_mut("rules"));
        if let Some(rules) = rules {
            let read = rules
                .as_str()
                .and_then(|text| serde_json::from_str(text).ok());
            *rules = read.unwrap_or(Value::Null);
        }
    }
    Ok(value)
}

/// What people read before the scores.
fn heading(report: &v1::BacktestReport, lang: Lang) -> String {
    let [from, to, known] = [
        report.from_position,
        report.to_position,
        report.known_position,
    ]
    .map(|position| lang.count(position));
    let [first, last] = [&report.from_day, &report.to_day].map(|day| lang.date(day));
    let mut head = lang.pick(
        format!("Sổ từ vị trí {from} đến {to}, đánh giá cho các ngày từ {first} đến {last}; kết quả theo sổ ở vị trí {known}"),
        format!("The ledger from position {from} to {to}, judged for the days from {first} to {last}; what came is known by position {known}"),
    );
    if report.looks_left_out > 0 {
        let left = lang.count(report.looks_left_out);
        let text = lang.pick(
            format!("Quá nhiều hạn: {left} lần xem dự báo bị bỏ qua; hãy nêu --indicator hoặc đoạn ngắn hơn"),
            format!("Too many deadlines: {left} looks at forecasts are left out; give --indicator or a shorter stretch"),
        );
        head = format!("{head}\n{text}");
    }
    for run in runs(report) {
        head = format!("{head}\n\n{}", one(run, lang));
    }
    let title = lang.pick(
        "Vụ việc chậm tiến độ trước hạn, đối chiếu với kết quả khi đến hạn",
        "Cases of lagging before the deadline, against what had happened by then",
    );
    format!("{head}\n\n{title}")
}

/// One set of rules: what opened and cleared, for whom, and how near its forecasts came.
fn one(run: &v1::BacktestRun, lang: Lang) -> String {
    let version = &run.rules_version;
    let (cases, open) = (lang.count(run.case_count), lang.count(run.open_before));
    let mut parts = vec![lang.pick(
        format!("Quy tắc {version}: {cases} vụ việc mở hoặc đóng, {open} đang mở từ trước"),
        format!("Rules {version}: {cases} cases opened or cleared, {open} open before"),
    )];
    if !run.cases.is_empty() {
        parts.push(case_table(run, lang).render(lang));
        let shown = run.cases.len().min(CASES_SHOWN) as u64;
        if run.case_count > shown {
            let more = lang.count(run.case_count - shown);
            parts.push(lang.pick(
                format!("… và {more} vụ việc khác"),
                format!("… and {more} more"),
            ));
        }
        let title = lang.pick("Thông báo theo nơi nhận:", "Notices by recipient:");
        parts.push(format!("{title}\n{}", notice_table(run, lang).render(lang)));
    }
    if run.forecasts.iter().any(|row| row.foretold > 0) {
        let title = lang.pick(
            "Dự báo theo số ngày trước hạn:",
            "Forecasts by days before the deadline:",
        );
        parts.push(format!(
            "{title}\n{}",
            forecast_table(run, lang).render(lang)
        ));
    }
    parts.join("\n")
}

fn case_table(run: &v1::BacktestRun, lang: Lang) -> Table {
    let mut table = Table::new(&[
        text("locality", "Địa phương", "Locality"),
        text("case", "Vụ việc", "Case"),
        text("concern", "Lý do", "Concern"),
        text("opened", "Mở", "Opened"),
        text("cleared", "Đóng", "Cleared"),
        text("missed", "Khi đến hạn", "At the deadline"),
    ]);
    for case in run.cases.iter().take(CASES_SHOWN) {
        let at = |day: &str, position: u64| match day {
            "" => String::new(),
            day => format!("{} ({})", lang.date(day), lang.count(position)),
        };
        table.row([
            lang.name(case.locality_name.as_ref()).into(),
            case.case_id.as_str().into(),
            lang.concern(case.concern()).into(),
            at(&case.opened, case.opened_position).into(),
            at(&case.cleared, case.cleared_position).into(),
            missed(case.missed, lang).into(),
        ]);
    }
    table
}

fn missed(missed: Option<bool>, lang: Lang) -> &'static str {
    match missed {
        None => "",
        Some(true) => lang.pick("trượt", "missed"),
        Some(false) => lang.pick("đạt", "met"),
    }
}

/// What each recipient would have got: in all, and in the busiest week.
fn notice_table(run: &v1::BacktestRun, lang: Lang) -> Table {
    let mut table = Table::new(&[
        text("recipient", "Nơi nhận", "Recipient"),
        number("opened", "Mở", "Opened"),
        number("cleared", "Đóng", "Cleared"),
        number("weeks", "Số tuần", "Weeks"),
        number("most", "Nhiều nhất một tuần", "Most in a week"),
    ]);
    let mut by_recipient: BTreeMap<&str, Vec<&v1::BacktestNotices>> = BTreeMap::new();
    for notice in &run.notices {
        let weeks = by_recipient.entry(&notice.recipient).or_default();
        weeks.push(notice);
    }
    let opened = |weeks: &[&v1::BacktestNotices]| weeks.iter().map(|week| week.opened).sum::<u64>();
    let mut rows: Vec<_> = by_recipient.into_iter().collect();
    rows.sort_by_key(|(_, weeks)| std::cmp::Reverse(opened(weeks)));
    for (recipient, weeks) in rows.into_iter().take(RECIPIENTS_SHOWN) {
        let count = |value: u64| Cell::from(lang.count(value));
        table.row([
            recipient.into(),
            count(opened(&weeks)),
            count(weeks.iter().map(|week| week.cleared).sum()),
            count(weeks.len() as u64),
            count(weeks.iter().map(|week| week.opened).max().unwrap_or(0)),
        ]);
    }
    table
}

fn forecast_table(run: &v1::BacktestRun, lang: Lang) -> Table {
    let mut table = Table::new(&[
        number("days", "Ngày trước hạn", "Days before"),
        number("error", "Sai số (điểm)", "Error (points)"),
        number("f1", "F1", "F1"),
        number("forecasts", "Dự báo", "Forecasts"),
        number("bands", "Dải", "Bands"),
        number("coverage", "Dải phủ", "Coverage"),
    ]);
    for row in &run.forecasts {
        let part = |value: Option<f64>, digits: usize| {
            Cell::from(value.map_or_else(String::new, |v| shown::decimal(v, digits, lang)))
        };
        table.row([
            row.days_before.to_string().into(),
            part(row.error_points, 2),
            part(row.f1, 3),
            lang.count(row.forecasts).into(),
            lang.count(row.bands).into(),
            part(row.coverage, 3),
        ]);
    }
    table
}

/// Columns of a spreadsheet.
const COLUMNS: usize = 20;

/// One line for each score; people see the columns that fit a terminal.
fn table(report: &v1::BacktestReport, lang: Lang) -> Table {
    let aimed = ["rules", "indicator", "layer", "target_percent", "deadline"];
    let mut table = Table::raw::<COLUMNS>(score::between(aimed, score::COLUMNS, []));
    let aimed = [
        text("rules", "Quy tắc", "Rules"),
        text(
            "aim",
            "Chỉ tiêu, mục tiêu, hạn",
            "Indicator, target, deadline",
        ),
    ];
    let mut shown = Table::new(&[&aimed[..], &score::columns()].concat());
    for (run, score) in runs(report).flat_map(|run| run.scores.iter().map(move |it| (run, it))) {
        let counts = Counts::from(score);
        let [places, missed, opened, precision, recall, flapping, warned] = counts.cells(lang);
        shown.row([
            run.rules_version.as_str().into(),
            aim(score, lang).into(),
            places,
            missed,
            opened,
            precision,
            recall,
            flapping,
            warned,
        ]);
        table.row(raw(run, score, &counts));
    }
    table.shown_as(shown)
}

/// Which quotas were scored together.
fn aim(score: &v1::BacktestScore, lang: Lang) -> String {
    if score.deadline.is_empty() {
        return lang.pick("tất cả", "all").to_owned();
    }
    let (layer, deadline) = (lang.layer(score.layer()), lang.date(&score.deadline));
    let percent = lang.pick(
        score.target_percent.replace('.', ","),
        score.target_percent.clone(),
    );
    format!("{} ({layer}) {percent}% {deadline}", score.indicator)
}

/// A score for a spreadsheet.
fn raw(run: &v1::BacktestRun, score: &v1::BacktestScore, counts: &Counts) -> [Cell; COLUMNS] {
    let layer = match score.layer() {
        v1::QuotaLayer::Unspecified => String::new(),
        layer => raw_constant(layer.as_str_name(), "QUOTA_LAYER_"),
    };
    let aimed = [
        run.rules_version.clone(),
        score.indicator.clone(),
        layer,
        score.target_percent.clone(),
        score.deadline.clone(),
    ];
    score::between(aimed, counts.raw(), []).map(Cell::from)
}

/// A panel for each set of rules: cases opened and cleared by week.
fn drawn(report: &v1::BacktestReport, lang: Lang) -> String {
    let panel = |run: &v1::BacktestRun| {
        let version = &run.rules_version;
        let mut title = lang.pick(
            format!("Vụ việc mở (trên), đóng (dưới) theo tuần: quy tắc {version}"),
            format!("Cases opened (above), cleared (below) by week: rules {version}"),
        );
        let told = run.notices.len() as u64;
        if told < run.notices_count {
            let (told, all) = (lang.count(told), lang.count(run.notices_count));
            let part = lang.pick(
                format!(" ({told} trong {all} dòng)"),
                format!(" ({told} of {all} rows)"),
            );
            title.push_str(&part);
        }
        let weeks = run.notices.iter().filter_map(|notice| {
            let week: Date = notice.week.parse().ok()?;
            let [opened, cleared] = [notice.opened, notice.cleared].map(usize::try_from);
            Some((week, opened.ok()?, cleared.ok()?))
        });
        (title, weeks.collect())
    };
    let panels: Vec<_> = runs(report).map(panel).collect();
    let [first, last] = [&report.from_day, &report.to_day].map(|day| lang.date(day));
    let title = lang.pick(
        format!("Thử quy tắc trên sổ, {first} – {last}"),
        format!("Rules tried on the ledger, {first} to {last}"),
    );
    chart::draw_panels(&title, &panels, lang)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> v1::BacktestReport {
        let run = |version: &str, precision| v1::BacktestRun {
            rules_version: version.to_owned(),
            rules: format!(r#"{{"version":"{version}"}}"#),
            scores: vec![v1::BacktestScore {
                indicator: "eid.activated".to_owned(),
                layer: v1::QuotaLayer::Central as i32,
                target_percent: "95.00".to_owned(),
                deadline: "2023-06-30".to_owned(),
                places: 1_200,
                precision,
                ..v1::BacktestScore::default()
            }],
            notices: vec![v1::BacktestNotices {
                recipient: "Chủ tịch <UBND>".to_owned(),
                week: "2023-06-05".to_owned(),
                opened: 3,
                cleared: 1,
            }],
            notices_count: 5,
            cases: vec![v1::BacktestCase {
                case_id: "268@2023-04-10/eid.activated/central/lagging".to_owned(),
                opened: "2023-06-07".to_owned(),
                opened_position: 1_234,
                ..v1::BacktestCase::default()
            }],
            case_count: 2,
            forecasts: vec![v1::BacktestForecasts {
                days_before: 28,
                foretold: 2,
                coverage: Some(0.75),
                ..v1::BacktestForecasts::default()
            }],
            ..v1::BacktestRun::default()
        };
        v1::BacktestReport {
            from_position: 1,
            to_position: 99,
            from_day: "2023-06-01".to_owned(),
            to_day: "2023-07-31".to_owned(),
            tried: Some(run("patient-1", Some(0.9))),
            in_force: Some(run("standard-1", None)),
            looks_left_out: 4,
            ..v1::BacktestReport::default()
        }
    }

    #[test]
    fn what_is_judged_goes_along_if_the_file_says_so() {
        let mut said = rules::File {
            rules: lag::Rules::standard(),
            judged: None,
            steps: None,
        };
        let sent =
            |said: &rules::File| -> Value { serde_json::from_str(&asked(said).unwrap()).unwrap() };
        assert_eq!(sent(&said), serde_json::to_value(&said.rules).unwrap());
        said.judged = Some(domain::event::Judged::default());
        assert_eq!(sent(&said)["judged"], serde_json::json!({}));
        said.judged = Some(domain::event::Judged {
            levels: vec![domain::Level::Commune],
            ..Default::default()
        });
        let expected = serde_json::json!({"levels": ["commune"]});
        assert_eq!(sent(&said)["judged"], expected);
    }

    #[test]
    fn json_has_the_names_of_the_form_over_a_file_and_the_rules_as_an_object() {
        let value = json(&report()).unwrap();
        let score = &value["tried"]["scores"][0];
        assert_eq!(score["flapping_places"], 0);
        assert_eq!(
            (&score["places"], &score["precision"]),
            (&1_200.into(), &0.9.into())
        );
        assert_eq!(value["in_force"]["rules"]["version"], "standard-1");
        assert_eq!(value["tried"]["cases"][0]["opened_position"], 1_234);
        assert!(value["in_force"]["scores"][0].get("precision").is_none());
        let alone = v1::BacktestReport {
            in_force: None,
            ..report()
        };
        assert!(json(&alone).unwrap().get("in_force").is_none());
    }

    #[test]
    fn people_read_both_sets_of_rules_in_their_own_numbers() {
        let head = heading(&report(), Lang::Vi);
        for expected in [
            "các ngày từ 1/6/2023 đến 31/7/2023",
            "Quy tắc patient-1: 2 vụ việc",
            "Quy tắc standard-1",
            "7/6/2023 (1.234)",
            "… và 1 vụ việc khác",
            "0,750",
            "4 lần xem dự báo bị bỏ qua",
        ] {
            assert!(head.contains(expected), "no {expected} in {head}");
        }
        let shown = table(&report(), Lang::Vi).render(Lang::Vi);
        assert!(
            shown.contains("95,00% 30/6/2023") && shown.contains("0,900"),
            "{shown}"
        );
        assert!(
            table(&report(), Lang::En)
                .render(Lang::En)
                .contains("1,200")
        );
    }

    #[test]
    fn each_set_of_rules_has_its_panel() {
        let svg = drawn(&report(), Lang::En);
        assert!(svg.contains("rules patient-1 (1 of 5 rows)") && svg.contains("rules standard-1"));
        assert_eq!(svg.matches("2023-06-05: +3 −1").count(), 4, "{svg}");
    }
}
