//! `tiendo rule`: rules of judgement, tried on a past of the ledger or of a file, and those on record.
//!
//! - here: what a backtest asks of a file, and going through it
//! - `ledger`: the same of the running service
//! - `adopted`: rules checked, adopted and shown
//! - `routes`: who would be told
//! - `rules`: the file of rules
//! - `series`: the file of cumulative counts
//! - `shown`: the answer as tables and as JSON
//! - `chart`: the answer as a drawing
//! - `svg`: what a drawing is made of

mod adopted;
mod chart;
mod ledger;
mod routes;
mod rules;
mod score;
mod series;
mod shown;
mod svg;

use std::path::Path;

use jiff::civil::Date;
use lag::Rules;
use lag::backtest::{
    Accuracy, Coverage, Group, Past, Picked, Replay, Score, Split, accuracy, coverage, replay,
    split,
};

use crate::Failure;
use crate::cli::{Rule, RuleBacktest, SplitBy};
use crate::client::Clients;
use crate::fail::{FAILED, REFUSED, USAGE};
use crate::lang::Lang;
use crate::load::progress;
use crate::output::Output;

/// Most targets, deadlines, and days before.
const ASKED_MAX: usize = 16;
/// Most records × targets × deadlines.
const JUDGEMENTS_MAX: usize = 20_000_000;

/// Everything a backtest found.
struct Found {
    rules: Rules,
    file: String,
    series: series::Series,
    /// Exact figures that were enough, by deadline.
    reports_min: Vec<(Date, usize)>,
    replays: Vec<Replay>,
    scores: Vec<Score>,
    forecasts: Vec<Forecasts>,
    /// What bands covered, by days before.
    bands: Vec<Coverage>,
    splits: Vec<Picked>,
}

/// Errors of forecasts for a group of places.
struct Forecasts {
    group: Group,
    /// `None` for all deadlines together.
    deadline: Option<Date>,
    rows: Vec<Accuracy>,
}

/// Runs a command that asks running services about rules.
pub(super) async fn run(rule: Rule, clients: &Clients, output: Output) -> Result<(), Failure> {
    match rule {
        Rule::Backtest(wanted) => ledger::backtest(&wanted, clients, output).await,
        Rule::Check { file } => adopted::check(&file, clients, output).await,
        Rule::Adopt(adopt) => adopted::adopt(*adopt, clients, output).await,
        Rule::List { at } => adopted::list(at, clients, output).await,
        Rule::Show { version, at } => adopted::show(version, at, clients, output).await,
        Rule::Routes(wanted) => routes::run(wanted, clients, output).await,
    }
}

/// Tries rules on a file of series, which asks no service.
pub(crate) async fn try_out(wanted: RuleBacktest, output: Output) -> Result<(), Failure> {
    let Some(file) = wanted.series.clone() else {
        return Ok(());
    };
    // Minutes of reckoning have no place on a thread of the runtime.
    let ended = tokio::task::spawn_blocking(move || backtest(&wanted, &file, output)).await;
    ended.map_err(|error| Failure::new(FAILED, error.to_string()))?
}

fn backtest(wanted: &RuleBacktest, path: &Path, output: Output) -> Result<(), Failure> {
    let lang = output.lang;
    let wanted = asked_once(wanted, lang)?;
    let said = rules::read(wanted.rules.as_deref(), lang)?;
    warn_of_passed_over(&said, true, lang);
    let rules = said.rules;
    let file = path.display().to_string();
    let series = series::read(path)
        .map_err(|error| Failure::new(REFUSED, format!("{file}: {}", error.told(lang))))?;
    within(&series, &wanted.deadline, lang)?;
    within_reach(&series, &wanted, lang)?;
    if let Some(chart) = &wanted.chart {
        chart::try_out(chart).map_err(|error| not_written(chart, &error, lang))?;
    }
    let found = gone_through(&wanted, rules, file, series, lang);
    warn_of_nobody(&found, lang);
    let (value, head, table) = shown::report(&found, lang)?;
    // Whoever has read enough of the report still gets the drawing.
    let told = output.report(&value, &head, &table);
    if let Some(chart) = &wanted.chart {
        chart::write(chart, &chart::draw(&found, lang))
            .map_err(|error| not_written(chart, &error, lang))?;
    }
    told
}

/// Records are judged once for each target and deadline; there is an end to waiting for it.
fn within_reach(series: &series::Series, wanted: &RuleBacktest, lang: Lang) -> Result<(), Failure> {
    let (targets, deadlines) = (wanted.target.len(), wanted.deadline.len());
    let judgements = series.records.saturating_mul(targets * deadlines);
    if judgements <= JUDGEMENTS_MAX {
        return Ok(());
    }
    let [judgements, most, records] =
        [judgements, JUDGEMENTS_MAX, series.records].map(|count| lang.count(count as u64));
    let text = lang.pick(
        format!("{records} dòng × {targets} mục tiêu × {deadlines} hạn = {judgements} lần đánh giá, nhiều hơn {most}; hãy bớt mục tiêu, hạn hoặc chia nhỏ tệp"),
        format!("{records} rows × {targets} targets × {deadlines} deadlines = {judgements} judgements, more than {most}; give fewer of them, or split the file"),
    );
    Err(Failure::new(
        REFUSED,
        format!("{text} [BACKTEST_TOO_LARGE]"),
    ))
}

/// What is asked, each thing once and in order.
fn asked_once(wanted: &RuleBacktest, lang: Lang) -> Result<RuleBacktest, Failure> {
    let mut wanted = wanted.clone();
    wanted.target.sort_by(f64::total_cmp);
    wanted.target.dedup();
    wanted.deadline.sort();
    wanted.deadline.dedup();
    wanted.days_before.sort_unstable();
    wanted.days_before.dedup();
    let lengths = [
        wanted.target.len(),
        wanted.deadline.len(),
        wanted.days_before.len(),
    ];
    if wanted.split.contains(&SplitBy::Time) && wanted.deadline.len() < 2 {
        let text = lang.pick(
            "--split time chọn ngưỡng theo các hạn sớm và chấm theo các hạn muộn: cần ít nhất hai --deadline",
            "--split time picks on earlier deadlines and judges on later ones: give two --deadline or more",
        );
        return Err(Failure::new(USAGE, text));
    }
    if lengths.into_iter().all(|length| length <= ASKED_MAX) {
        return Ok(wanted);
    }
    let text = lang.pick(
        format!("--target, --deadline và --days-before: mỗi tùy chọn nhiều nhất {ASKED_MAX} lần"),
        format!(
            "--target, --deadline and --days-before can be given {ASKED_MAX} times each at most"
        ),
    );
    Err(Failure::new(USAGE, text))
}

/// A deadline that the file knows nothing about has no outcome.
fn within(series: &series::Series, deadlines: &[Date], lang: Lang) -> Result<(), Failure> {
    let (first, last) = (series.first, series.last);
    for deadline in deadlines {
        if *deadline <= first || *deadline > last {
            let [first, last, deadline] =
                [first, last, *deadline].map(|day| lang.date(&day.to_string()));
            let text = lang.pick(
                format!("số liệu có từ {first} đến {last}, không cho biết điều gì đã xảy ra tính đến {deadline}"),
                format!("the figures reach from {first} to {last} and do not tell what had happened by {deadline}"),
            );
            return Err(Failure::new(
                REFUSED,
                format!("{text} [DEADLINE_OUTSIDE_SERIES]"),
            ));
        }
    }
    Ok(())
}

fn not_written(file: &Path, error: &std::io::Error, lang: Lang) -> Failure {
    let (shown, words) = (file.display(), rules::words(error, lang));
    let text = lang.pick(
        format!("không ghi được {shown}: {words}"),
        format!("{shown} cannot be written: {words}"),
    );
    Failure::new(USAGE, text)
}

/// Replays, scores and measures.
fn gone_through(
    wanted: &RuleBacktest,
    rules: Rules,
    file: String,
    series: series::Series,
    lang: Lang,
) -> Found {
    let past = &series.past;
    let moment = |day: &Date| lag::day(*day, None);
    let deadlines: Vec<f64> = wanted.deadline.iter().map(moment).collect();
    let before = |deadline: &f64| past.days().iter().filter(|day| *day < deadline).count();
    let steps = deadlines.iter().map(before).sum::<usize>();
    let bar = progress(
        steps as u64,
        lang.pick("Chạy lại từng ngày", "Replaying day by day"),
    );
    let mut replays = Vec::new();
    for deadline in &deadlines {
        replays.extend(replay(&rules, past, &wanted.target, *deadline, || {
            bar.inc(1)
        }));
    }
    let enough = |deadline| wanted.reports_min.unwrap_or_else(|| past.enough(deadline));
    let of = |replay: &Replay| {
        Group::of(replay.drawn)
            .map(|group| Score::of(&rules, past, replay, group, enough(replay.deadline)))
    };
    let scores = replays.iter().flat_map(of).collect();
    let days = wanted.deadline.iter();
    let reports_min = days.map(|day| (*day, enough(moment(day)))).collect();
    bar.set_message(lang.pick("Đo sai số dự báo", "Measuring forecasts"));
    let forecasts = forecasts(wanted, &rules, past, &deadlines);
    let horizons: Vec<f64> = wanted
        .days_before
        .iter()
        .map(|days| f64::from(*days))
        .collect();
    bar.inc_length(past.days().len() as u64);
    let bands = coverage(&rules, past, &horizons, || bar.inc(1));
    bar.set_message(lang.pick("Chọn ngưỡng", "Picking thresholds"));
    let splits = splits(wanted, &rules, past, &deadlines, &bar);
    bar.finish_and_clear();
    Found {
        rules,
        file,
        series,
        reports_min,
        replays,
        scores,
        forecasts,
        bands,
        splits,
    }
}

/// Thresholds picked on one part and judged on the other, for each way to split that is asked for.
fn splits(
    wanted: &RuleBacktest,
    rules: &Rules,
    past: &Past,
    deadlines: &[f64],
    bar: &indicatif::ProgressBar,
) -> Vec<Picked> {
    let mut ways: Vec<Split> = Vec::new();
    for by in &wanted.split {
        let way = match by {
            SplitBy::Time => Split::Time,
            SplitBy::Place => Split::Place,
            SplitBy::Parent => Split::Parent,
        };
        if !ways.contains(&way) {
            ways.push(way);
        }
    }
    let mut found = Vec::new();
    for way in ways {
        let before = |deadline: &f64| past.days().iter().filter(|day| *day < deadline).count();
        let days = deadlines.iter().map(before).sum::<usize>() as u64;
        bar.inc_length(days);
        let (targets, exact_min) = (&wanted.target, wanted.reports_min);
        let inc = || bar.inc(1);
        found.extend(split(rules, past, targets, deadlines, way, exact_min, inc));
    }
    found
}

/// The forecasts by group for all deadlines together, and of the scored by deadline.
fn forecasts(
    wanted: &RuleBacktest,
    rules: &Rules,
    past: &Past,
    deadlines: &[f64],
) -> Vec<Forecasts> {
    let each = wanted.days_before.iter();
    let rows: Vec<Accuracy> = each
        .flat_map(|days| {
            let days = f64::from(*days);
            accuracy(
                rules,
                past,
                &wanted.target,
                deadlines,
                days,
                wanted.reports_min,
            )
        })
        .collect();
    let of = |group: Group, deadline: Option<f64>, day: Option<Date>| {
        let rows = rows.iter();
        let rows = rows.filter(|row| row.group == group && row.deadline == deadline);
        Forecasts {
            group,
            deadline: day,
            rows: rows.cloned().collect(),
        }
    };
    let mut found: Vec<Forecasts> = Group::ALL.map(|group| of(group, None, None)).into();
    if deadlines.len() > 1 {
        let each = deadlines.iter().zip(&wanted.deadline);
        found.extend(each.map(|(moment, day)| of(Group::Scored, Some(*moment), Some(*day))));
    }
    found
}

/// What a file of rules says and nobody tries is told, lest it be taken for tried.
#[expect(clippy::print_stderr, reason = "a warning beside the data on stdout")]
fn warn_of_passed_over(said: &rules::File, is_of_series: bool, lang: Lang) {
    if let Some(told) = rules::passed_over(said, is_of_series, lang) {
        eprintln!("{told}");
    }
}

/// Deadlines by which nobody is scored are told, since their lines say nothing.
#[expect(clippy::print_stderr, reason = "a warning beside the data on stdout")]
fn warn_of_nobody(found: &Found, lang: Lang) {
    for (day, least) in &found.reports_min {
        let moment = lag::day(*day, None);
        let of_day = |score: &&Score| score.group == Group::Scored && score.deadline == moment;
        if found
            .scores
            .iter()
            .filter(of_day)
            .any(|score| score.places > 0)
        {
            continue;
        }
        let (day, least) = (lang.date(&day.to_string()), lang.count(*least as u64));
        eprintln!(
            "{}",
            lang.pick(
                format!("Hạn {day}: không nơi nào được chấm, vì không nơi nào có {least} số liệu chính xác tính đến hạn và biết kết quả; hãy giảm --reports-min"),
                format!("{day}: nobody is scored, since no place has {least} exact figures up to the deadline and a known outcome; lower --reports-min"),
            )
        );
    }
}
