//! The answer as tables for people and spreadsheets, and as JSON.

use std::collections::BTreeMap;

use jiff::civil::Date;
use lag::backtest::{
    Accuracy, Drawn, Group, Judged, Method, Picked, Replay, Score, Split, cases, notices,
};
use serde::Serialize;
use serde_json::{Value, json};

use super::score::{self, Counts, raw_part};
use super::{Forecasts, Found};
use crate::Failure;
use crate::fail::FAILED;
use crate::lang::Lang;
use crate::output::{Cell, Table, number, share, text};

/// Recipients shown to people of one target and deadline; JSON has them all.
const RECIPIENTS_SHOWN: usize = 12;

/// JSON, what people read before the table, and the table.
pub(super) fn report(found: &Found, lang: Lang) -> Result<(Value, String, Table), Failure> {
    let json = json(found).map_err(|error| Failure::caused(FAILED, &error))?;
    let cases_title = lang.pick(
        "Vụ việc chậm tiến độ mà quy tắc sẽ mở trước hạn, đối chiếu với kết quả khi đến hạn",
        "Cases of lagging the rules would have opened before the deadline, against what had happened by then",
    );
    let mut head = heading(found, lang);
    for forecasts in found.forecasts.iter().filter(|f| f.group == Group::Scored) {
        let table = forecast_table(forecasts, lang).render(lang);
        head = format!("{head}\n\n{}\n{table}", forecast_title(forecasts, lang));
    }
    let bands_title = lang.pick(
        "Dải dự báo phủ được bao nhiêu, theo số ngày trước: ở mức yêu cầu và ở mức tự chỉnh",
        "What forecast bands covered, by days ahead: at the level asked for, and at an adapted level",
    );
    let bands = band_table(found, lang).render(lang);
    head = format!("{head}\n\n{bands_title}\n{bands}");
    if !found.splits.is_empty() {
        let title = lang.pick(
            "Ngưỡng chọn trên một phần, chấm trên phần kia, cạnh quy tắc đang thử",
            "Thresholds picked on one part and judged on the other, beside the rules tried",
        );
        let splits = split_table(&found.splits, lang).render(lang);
        head = format!("{head}\n\n{title}\n{splits}");
    }
    let as_services = |replay: &&Replay| replay.drawn == Drawn::All;
    for replay in found.replays.iter().filter(as_services) {
        let (target, deadline) = aim(replay.target_share, replay.deadline, lang);
        let title = lang.pick(
            format!("Thông báo theo nơi nhận, như dịch vụ đang chạy: {target}, hạn {deadline}"),
            format!("Notices by recipient, as the services judge: {target} by {deadline}"),
        );
        let table = notice_table(found, replay, lang);
        if !table.is_empty() {
            head = format!("{head}\n\n{title}\n{}", table.render(lang));
        }
    }
    head = format!("{head}\n\n{cases_title}");
    Ok((json, head, score_table(&found.scores, lang)))
}

/// Which rules were tried on what.
fn heading(found: &Found, lang: Lang) -> String {
    let series = &found.series;
    let count = |count: usize| lang.count(count as u64);
    let of = |number: usize, vi: &str, en: &str| {
        let s = if number == 1 { "" } else { "s" };
        let number = count(number);
        lang.pick(format!("{number} {vi}"), format!("{number} {en}{s}"))
    };
    let places = of(series.past.places().len(), "nơi", "place");
    let (parents, days) = (
        of(series.past.parents(), "đơn vị", "parent"),
        of(series.past.days().len(), "ngày", "day"),
    );
    let [first, last] = [series.first, series.last].map(|day| lang.date(&day.to_string()));
    let (version, least) = (&found.rules.version, least(found, lang));
    let first = lang.pick(
        format!("Quy tắc {version}, thử trên {places} thuộc {parents}, {days} có báo cáo từ {first} đến {last}"),
        format!("Rules {version} tried on {places} below {parents}, {days} with reports from {first} to {last}"),
    );
    let scored = lang.pick(
        format!("Được chấm: nơi có ít nhất {least} số liệu chính xác tính đến hạn"),
        format!("Scored: places with at least {least} exact figures up to the deadline"),
    );
    let (no_d, no_n) = (
        count(series.without_denominator),
        count(series.without_count),
    );
    let (bounds, falls, above) = (
        count(series.bounds),
        count(series.falls),
        count(series.above),
    );
    let left = lang.pick(
        format!("Bỏ qua: {no_d} dòng không có mẫu số, {no_n} dòng không có số; {bounds} số chỉ biết cận dưới, {falls} lần giảm, {above} lần vượt mẫu số"),
        format!("Left out: {no_d} rows without a denominator, {no_n} without a count; {bounds} counts known as a bound, {falls} falls, {above} above the denominator"),
    );
    format!("{first}\n{scored}\n{left}")
}

/// How many exact figures were enough, by deadline where that differs.
fn least(found: &Found, lang: Lang) -> String {
    let all = &found.reports_min;
    let count = |count: usize| lang.count(count as u64);
    match all.first() {
        Some((_, first)) if all.iter().all(|(_, least)| least == first) => count(*first),
        _ => {
            let each = all.iter();
            let each = each
                .map(|(day, least)| format!("{} ({})", count(*least), lang.date(&day.to_string())));
            each.collect::<Vec<_>>().join(", ")
        }
    }
}

/// A target and a deadline for people.
pub(super) fn aim(target_share: f64, deadline: f64, lang: Lang) -> (String, String) {
    // Hundredths of a point, as it was given.
    let hundredths = (target_share * 10_000.0).round() as u32;
    (lang.share(hundredths), lang.date(&iso(deadline)))
}

/// A day as ISO has it; empty outside the calendar.
fn iso(moment: f64) -> String {
    lag::date(moment).map_or_else(String::new, |date| date.to_string())
}

/// A number with so many decimals.
pub(super) fn decimal(value: f64, digits: usize, lang: Lang) -> String {
    let text = format!("{value:.digits$}");
    lang.pick(text.replace('.', ","), text)
}

/// Name of a way to foresee.
pub(super) fn method(method: Method, lang: Lang) -> &'static str {
    match method {
        Method::Average => lang.pick("bình quân từ đầu", "average so far"),
        Method::Linear => lang.pick("tuyến tính", "linear"),
        Method::TheilSen => lang.pick("Theil–Sen 28 ngày", "Theil–Sen 28 d"),
        Method::Holt => lang.pick("Holt giảm dần", "Holt damped"),
        Method::Hazard => lang.pick("theo số còn lại", "hazard, unshrunk"),
        Method::Shrunk => lang.pick("theo số còn lại (sản phẩm)", "hazard (product)"),
    }
}

fn group(group: Group, lang: Lang) -> &'static str {
    match group {
        Group::Scored => lang.pick("được chấm", "scored"),
        Group::All => lang.pick("tất cả", "all"),
        Group::PlacesA => lang.pick("nửa A theo nơi", "places, half A"),
        Group::PlacesB => lang.pick("nửa B theo nơi", "places, half B"),
        Group::ParentsA => lang.pick("nửa A theo đơn vị", "parents, half A"),
        Group::ParentsB => lang.pick("nửa B theo đơn vị", "parents, half B"),
    }
}

fn drawn(drawn: Drawn, lang: Lang) -> &'static str {
    match drawn {
        Drawn::None => lang.pick("không dùng", "none"),
        Drawn::All => lang.pick("của tất cả (như dịch vụ)", "of all (as services)"),
        Drawn::OtherPlaces | Drawn::OtherParents => lang.pick("của nửa kia", "of the other half"),
        Drawn::OwnPlaces | Drawn::OwnParents => lang.pick("của chính nửa đó", "of the same half"),
    }
}

/// Columns of a spreadsheet.
const COLUMNS: usize = 23;

/// One line for each score; people see the columns that fit a terminal.
fn score_table(scores: &[Score], lang: Lang) -> Table {
    let before = [
        "target_percent",
        "deadline",
        "residuals",
        "group",
        "reports_min",
    ];
    let behind = ["bands", "bands_held", "coverage"];
    let mut table = Table::raw::<COLUMNS>(score::between(before, score::COLUMNS, behind));
    let [places, missed, opened, precision, recall, flapping, warned] = score::columns();
    let mut shown = Table::new(&[
        share("target", "Mục tiêu", "Target"),
        text("deadline", "Hạn", "Deadline"),
        text("residuals", "Phần dư", "Residuals"),
        text("group", "Nhóm", "Group"),
        places,
        missed,
        opened,
        precision,
        recall,
        number(
            "open",
            "Đang mở khi đến hạn: đúng / đủ",
            "Open on the eve: precision / recall",
        ),
        flapping,
        warned,
        number("coverage", "Dải phủ", "Coverage"),
    ]);
    for score in scores {
        let (target, deadline) = aim(score.target_share, score.deadline, lang);
        let counts = Counts::from(score);
        let [places, missed, opened, precision, recall, flapping, warned] = counts.cells(lang);
        let coverage = score.coverage.map(|coverage| decimal(coverage, 3, lang));
        shown.row([
            target.into(),
            deadline.into(),
            drawn(score.residuals, lang).into(),
            group(score.group, lang).into(),
            places,
            missed,
            opened,
            precision,
            recall,
            counts.on_the_eve(lang).into(),
            flapping,
            warned,
            coverage.unwrap_or_default().into(),
        ]);
        table.row(raw(score, &counts));
    }
    table.shown_as(shown)
}

/// A score for a spreadsheet.
fn raw(score: &Score, counts: &Counts) -> [Cell; COLUMNS] {
    let before = [
        format!("{:.2}", score.target_share * 100.0),
        iso(score.deadline),
        word(score.residuals),
        word(score.group),
        score.reports_min.to_string(),
    ];
    let behind = [
        score.bands.to_string(),
        score.bands_held.to_string(),
        raw_part(score.coverage),
    ];
    score::between(before, counts.raw(), behind).map(Cell::from)
}

/// The word that stands for a constant in JSON.
fn word(constant: impl Serialize) -> String {
    match serde_json::to_value(constant) {
        Ok(Value::String(word)) => word,
        _ => String::new(),
    }
}

fn forecast_title(forecasts: &Forecasts, lang: Lang) -> String {
    let title = lang.pick(
        "Sai số dự báo (điểm phần trăm) / F1 của «sẽ trượt», theo số ngày trước hạn",
        "Error of forecasts (percentage points) / F1 of \"will miss\", by days before the deadline",
    );
    match forecasts.deadline {
        None => title.to_owned(),
        Some(day) => format!("{title}: {}", lang.date(&day.to_string())),
    }
}

/// One line for each method and number of days.
fn forecast_table(forecasts: &Forecasts, lang: Lang) -> Table {
    let mut table = Table::new(&[
        text("method", "Cách dự báo", "Method"),
        number("days", "Ngày trước hạn", "Days before"),
        number("error", "Sai số", "Error"),
        number("f1", "F1", "F1"),
        number("precision", "Đúng", "Precision"),
        number("recall", "Đủ", "Recall"),
        number("forecasts", "Dự báo", "Forecasts"),
    ]);
    let mut rows: Vec<&Accuracy> = forecasts.rows.iter().collect();
    rows.sort_by_key(|row| row.method);
    for row in rows {
        let part = |value: Option<f64>, digits: usize| {
            value.map_or_else(Cell::default, |v| decimal(v, digits, lang).into())
        };
        table.row([
            method(row.method, lang).into(),
            decimal(row.days_before, 0, lang).into(),
            part(row.error_points, 2),
            part(row.f1, 3),
            part(row.precision, 3),
            part(row.recall, 3),
            lang.count(row.forecasts as u64).into(),
        ]);
    }
    table
}

/// One line for each horizon.
fn band_table(found: &Found, lang: Lang) -> Table {
    let mut table = Table::new(&[
        number("days", "Ngày trước", "Days ahead"),
        number("bands", "Dải", "Bands"),
        number("asked", "Yêu cầu", "Asked"),
        number("coverage", "Phủ", "Coverage"),
        number("width", "Rộng (điểm)", "Width (points)"),
        number("adapted", "Phủ, tự chỉnh", "Coverage, adapted"),
        number("adapted_width", "Rộng, tự chỉnh", "Width, adapted"),
    ]);
    for row in &found.bands {
        let part = |value: Option<f64>, digits: usize| {
            value.map_or_else(Cell::default, |v| decimal(v, digits, lang).into())
        };
        table.row([
            decimal(row.horizon_days, 0, lang).into(),
            lang.count(row.bands).into(),
            decimal(row.asked, 2, lang).into(),
            part(row.coverage, 3),
            part(row.width_points, 2),
            part(row.adapted_coverage, 3),
            part(row.adapted_width_points, 2),
        ]);
    }
    table
}

/// Of each split what was picked, and three lines of how right: where it was picked, where it was not, and the rules tried there.
fn split_table(splits: &[Picked], lang: Lang) -> Table {
    let mut table = Table::new(&[
        text("split", "Chia theo", "Split by"),
        text("judged", "Chấm trên", "Judged on"),
        text("thresholds", "Ngưỡng", "Thresholds"),
        number("places", "Nơi × hạn", "Places × deadlines"),
        number("precision", "Đúng", "Precision"),
        number("recall", "Đủ", "Recall"),
        number("f1", "F1", "F1"),
        number("flapping", "Chập chờn", "Flapping"),
    ]);
    for row in splits {
        let by = match row.split {
            Split::Time => lang.pick("thời gian", "time"),
            Split::Place => lang.pick("nơi", "place"),
            Split::Parent => lang.pick("đơn vị", "parent"),
        };
        let part = match row.until {
            None => group(row.group, lang).to_owned(),
            Some(until) => {
                let day = lang.date(&iso(until));
                lang.pick(format!("hạn sau {day}"), format!("deadlines after {day}"))
            }
        };
        let picked = row.picked;
        let [open, clear] = [picked.p_open, picked.p_clear].map(|p| decimal(p, 1, lang));
        let picked = format!("{open} / {clear} × {}", picked.consecutive);
        let seen = lang.pick("(nơi đã chọn)", "(where it was picked)");
        let given = lang.pick("quy tắc đang thử", "rules tried");
        let mut line = |on: &str, thresholds: &str, judged: &Judged| {
            let part =
                |p: Option<f64>| Cell::from(p.map_or_else(String::new, |p| decimal(p, 3, lang)));
            table.row([
                by.into(),
                on.into(),
                thresholds.into(),
                lang.count(judged.places as u64).into(),
                part(judged.precision),
                part(judged.recall),
                part(judged.f1),
                lang.count(judged.flapping_places as u64).into(),
            ]);
        };
        line(seen, &picked, &row.seen);
        line(&part, &picked, &row.judged);
        line(&part, given, &row.given);
    }
    table
}

/// What each recipient would have got: in all, and in the busiest week.
fn notice_table(found: &Found, replay: &Replay, lang: Lang) -> Table {
    let mut table = Table::new(&[
        text("recipient", "Nơi nhận", "Recipient"),
        number("opened", "Mở", "Opened"),
        number("cleared", "Đóng", "Cleared"),
        number("weeks", "Số tuần", "Weeks"),
        number("most", "Nhiều nhất một tuần", "Most in a week"),
        text("week", "Tuần từ", "Week of"),
    ]);
    let mut by_recipient: BTreeMap<String, Vec<(usize, usize, Date)>> = BTreeMap::new();
    for notice in notices(&found.series.past, replay) {
        let weeks = by_recipient.entry(notice.recipient).or_default();
        weeks.push((notice.opened, notice.cleared, notice.week));
    }
    let mut rows: Vec<_> = by_recipient.into_iter().collect();
    let opened = |weeks: &[(usize, usize, Date)]| weeks.iter().map(|week| week.0).sum::<usize>();
    rows.sort_by_key(|(_, weeks)| std::cmp::Reverse(opened(weeks)));
    let count = |value: usize| Cell::from(lang.count(value as u64));
    let rest = rows.split_off(rows.len().min(RECIPIENTS_SHOWN));
    for (recipient, weeks) in &rows {
        let most = weeks
            .iter()
            .max_by_key(|week| (week.0, std::cmp::Reverse(week.2)));
        let nobody = lang.pick("(không nêu)", "(not stated)");
        let named = if recipient.is_empty() {
            nobody
        } else {
            recipient
        };
        table.row([
            named.into(),
            count(opened(weeks)),
            count(weeks.iter().map(|week| week.1).sum()),
            count(weeks.len()),
            count(most.map_or(0, |week| week.0)),
            most.map_or_else(String::new, |week| lang.date(&week.2.to_string()))
                .into(),
        ]);
    }
    if !rest.is_empty() {
        let others = lang.count(rest.len() as u64);
        let weeks: Vec<_> = rest.into_iter().flat_map(|(_, weeks)| weeks).collect();
        table.row([
            lang.pick(format!("{others} nơi khác"), format!("{others} others"))
                .into(),
            count(opened(&weeks)),
            count(weeks.iter().map(|week| week.1).sum()),
            Cell::default(),
            Cell::default(),
            Cell::default(),
        ]);
    }
    table
}

fn json(found: &Found) -> Result<Value, serde_json::Error> {
    let series = &found.series;
    let mut told = json!({
        "series": {
            "file": found.file,
            "places": series.past.places().len(),
            "parents": series.past.parents(),
            "days": series.past.days().len(),
            "first": series.first,
            "last": series.last,
            "records": series.records,
            "without_denominator": series.without_denominator,
            "without_count": series.without_count,
            "bounds": series.bounds,
            "falls": series.falls,
            "above_denominator": series.above,
        },
        "rules": found.rules,
        "scores": found.scores.iter().map(dated).collect::<Result<Vec<_>, _>>()?,
    });
    let (mut forecasts, mut opened, mut sent) = (Vec::new(), Vec::new(), Vec::new());
    for measured in &found.forecasts {
        for row in &measured.rows {
            let mut row = serde_json::to_value(row)?;
            row["group"] = json!(measured.group);
            row["deadline"] = json!(measured.deadline);
            forecasts.push(row);
        }
    }
    let is_told = |replay: &&Replay| matches!(replay.drawn, Drawn::None | Drawn::All);
    for replay in found.replays.iter().filter(is_told) {
        let (target_share, deadline) = (replay.target_share, iso(replay.deadline));
        let with_aim = |mut row: Value| {
            row["target_share"] = json!(target_share);
            row["deadline"] = json!(deadline);
            row
        };
        for case in cases(&found.rules, &series.past, replay) {
            opened.push(with_aim(dated(&case)?));
        }
        for notice in notices(&series.past, replay) {
            sent.push(with_aim(serde_json::to_value(notice)?));
        }
    }
    let mut splits = Vec::new();
    for picked in &found.splits {
        let mut row = serde_json::to_value(picked)?;
        row["until"] = json!(picked.until.map(iso));
        splits.push(row);
    }
    told["bands"] = json!(found.bands);
    told["splits"] = Value::Array(splits);
    told["forecasts"] = Value::Array(forecasts);
    told["cases"] = Value::Array(opened);
    told["notices"] = Value::Array(sent);
    Ok(told)
}

/// A row with its moments as days.
fn dated(row: &impl Serialize) -> Result<Value, serde_json::Error> {
    let mut row = serde_json::to_value(row)?;
    // `opened` and `cleared` of a score are counts; those of a case, which has no group, are moments.
    let is_case = row.get("group").is_none();
    let moments: &[&str] = if is_case {
        &["opened", "cleared"]
    } else {
        &["deadline"]
    };
    for name in moments {
        if let Some(moment) = row.get(*name).and_then(Value::as_f64) {
            row[*name] = json!(iso(moment));
        }
    }
    Ok(row)
}
