//! The answer as a drawing: cases by week for each target and deadline, and the errors of forecasts.

use std::collections::BTreeMap;
use std::io::{Error, Write as _};
use std::path::Path;

use jiff::civil::Date;
use lag::backtest::{Drawn, Group, Method, Replay, notices};

use super::svg::{Anchor, Svg};
use super::{Forecasts, Found, shown};
use crate::lang::Lang;

const WIDTH: f64 = 760.0;
/// Height of one panel, its title and its labels included.
const PANEL: f64 = 240.0;
const LEFT: f64 = 60.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 36.0;
const BOTTOM: f64 = 40.0;
/// Most panels of cases; a drawing is for looking at.
const PANELS_MAX: usize = 12;

const OPENED: &str = "#c0392b";
const CLEARED: &str = "#2e8b57";
const GREY: &str = "#999999";
/// By the order of [`Method::ALL`].
const COLOURS: [&str; Method::ALL.len()] = [
    "#7f7f7f", "#1f77b4", "#9467bd", "#17becf", "#ff7f0e", OPENED,
];

/// Refuses, before anything is reckoned, a path that is there already or cannot be written.
pub(super) fn try_out(path: &Path) -> Result<(), Error> {
    std::fs::File::create_new(path)?;
    std::fs::remove_file(path)
}

/// Writes a new file: whole, or not at all.
pub(super) fn write(path: &Path, drawn: &str) -> Result<(), Error> {
    let directory = match path.parent() {
        Some(directory) if !directory.as_os_str().is_empty() => directory,
        _ => Path::new("."),
    };
    // Lost with its handle, unless it is given the name.
    let mut file = builder().tempfile_in(directory)?;
    file.write_all(drawn.as_bytes())?;
    match file.persist_noclobber(path) {
        Ok(_) => Ok(()),
        Err(error) => Err(Error::from(error)),
    }
}

fn builder() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".tiendo-chart-");
    // As for any other new file, less what the user's mask takes away.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder
}

/// Draws everything.
pub(super) fn draw(found: &Found, lang: Lang) -> String {
    let as_services = |replay: &&Replay| replay.drawn == Drawn::All;
    let replays: Vec<&Replay> = found
        .replays
        .iter()
        .filter(as_services)
        .take(PANELS_MAX)
        .collect();
    let together = |f: &&Forecasts| f.group == Group::Scored && f.deadline.is_none();
    let forecasts = found.forecasts.iter().find(together);
    let panels = replays.len() + usize::from(forecasts.is_some());
    let mut svg = Svg::new(WIDTH, PANEL * panels as f64);
    let mut top = 0.0;
    for replay in replays {
        cases(&mut svg, top, found, replay, lang);
        top += PANEL;
    }
    if let Some(forecasts) = forecasts {
        errors(&mut svg, top, forecasts, lang);
    }
    let version = &found.rules.version;
    svg.page(&lang.pick(
        format!("Thử quy tắc {version} trên {}", found.file),
        format!("Rules {version} tried on {}", found.file),
    ))
}

/// Opened above the line and cleared below it, week by week.
fn cases(svg: &mut Svg, top: f64, found: &Found, replay: &Replay, lang: Lang) {
    let (target, deadline) = shown::aim(replay.target_share, replay.deadline, lang);
    let title = lang.pick(
        format!("Vụ việc mở (trên), đóng (dưới) theo tuần, như dịch vụ: {target}, hạn {deadline}"),
        format!(
            "Cases opened (above), cleared (below) by week, as the services: {target} by {deadline}"
        ),
    );
    let notices = notices(&found.series.past, replay);
    let told = notices.iter().map(|n| (n.week, n.opened, n.cleared));
    bars(svg, top, &title, &by_week(told), lang);
}

/// Cases of the ledger, a panel for each set of rules: its title, and what was opened and cleared in which week.
pub(super) fn draw_panels(title: &str, panels: &[(String, Vec<Told>)], lang: Lang) -> String {
    let mut svg = Svg::new(WIDTH, PANEL * panels.len() as f64);
    let mut top = 0.0;
    for (title, told) in panels {
        bars(&mut svg, top, title, &by_week(told.iter().copied()), lang);
        top += PANEL;
    }
    svg.page(title)
}

/// The Monday of a week, and how many cases were opened and cleared in it.
pub(super) type Told = (Date, usize, usize);

fn bars(svg: &mut Svg, top: f64, title: &str, weeks: &[Week], lang: Lang) {
    svg.text(LEFT, top + 20.0, Anchor::Start, 12, title);
    let most = |of: fn(&Week) -> usize| weeks.iter().map(of).max().unwrap_or(0);
    let (up, down) = (most(|week| week.opened), most(|week| week.cleared));
    let height = PANEL - TOP - BOTTOM;
    let unit = height / (up + down).max(1) as f64;
    let base = top + TOP + unit * up as f64;
    let step = (WIDTH - LEFT - RIGHT) / weeks.len().max(1) as f64;
    for (index, week) in weeks.iter().enumerate() {
        let x = LEFT + step * index as f64;
        let (opened, cleared) = (week.opened as f64 * unit, week.cleared as f64 * unit);
        let monday = lang.date(&week.monday.to_string());
        let label = format!("{monday}: +{} −{}", week.opened, week.cleared);
        svg.bar(
            [x + step * 0.1, base - opened, step * 0.8, opened],
            OPENED,
            &label,
        );
        svg.bar([x + step * 0.1, base, step * 0.8, cleared], CLEARED, &label);
        let middle = x + step / 2.0;
        if week.opened > 0 {
            let words = lang.count(week.opened as u64);
            svg.text(middle, base - opened - 3.0, Anchor::Middle, 10, &words);
        }
        if week.cleared > 0 {
            let words = lang.count(week.cleared as u64);
            svg.text(middle, base + cleared + 10.0, Anchor::Middle, 10, &words);
        }
        // As many dates as have room.
        if index % (weeks.len() / 12 + 1) == 0 {
            svg.text(middle, top + PANEL - 12.0, Anchor::Middle, 10, &monday);
        }
    }
    svg.line(&[(LEFT, base), (WIDTH - RIGHT, base)], GREY);
    svg.text(LEFT - 6.0, base + 4.0, Anchor::End, 10, "0");
}

struct Week {
    monday: Date,
    opened: usize,
    cleared: usize,
}

/// All recipients together, from the first week with a case to the last.
fn by_week(told: impl Iterator<Item = Told>) -> Vec<Week> {
    let mut weeks: BTreeMap<Date, (usize, usize)> = BTreeMap::new();
    for (monday, opened, cleared) in told {
        let week = weeks.entry(monday).or_default();
        *week = (week.0 + opened, week.1 + cleared);
    }
    let ends = weeks.keys().next().zip(weeks.keys().next_back());
    let Some((first, last)) = ends.map(|(first, last)| (*first, *last)) else {
        return Vec::new();
    };
    let mondays = first
        .series(jiff::Span::new().days(7))
        .take_while(|day| *day <= last);
    let week = |monday| {
        let (opened, cleared) = weeks.get(&monday).copied().unwrap_or_default();
        Week {
            monday,
            opened,
            cleared,
        }
    };
    mondays.map(week).collect()
}

/// A line for each method: the error by days before the deadline.
fn errors(svg: &mut Svg, top: f64, forecasts: &Forecasts, lang: Lang) {
    let title = lang.pick(
        "Sai số dự báo (điểm phần trăm) theo số ngày trước hạn",
        "Error of forecasts (percentage points) by days before the deadline",
    );
    svg.text(LEFT, top + 20.0, Anchor::Start, 14, title);
    let known = || {
        forecasts
            .rows
            .iter()
            .filter_map(|row| Some((row, row.error_points?)))
    };
    let most = known().map(|(_, error)| error).fold(1e-9, f64::max);
    let days = known().map(|(row, _)| row.days_before);
    let (least_days, most_days) =
        days.fold((f64::MAX, 0.0), |(a, b), day| (day.min(a), day.max(b)));
    let plot = WIDTH - LEFT - RIGHT - 200.0;
    let span = (most_days - least_days).max(1.0);
    let x = |day: f64| LEFT + plot * (day - least_days) / span;
    let bottom = top + PANEL - BOTTOM;
    let y = |error: f64| bottom - (PANEL - TOP - BOTTOM) * error / most;
    svg.line(
        &[(LEFT, top + TOP), (LEFT, bottom), (LEFT + plot, bottom)],
        GREY,
    );
    for value in [0.0, most / 2.0, most] {
        let words = shown::decimal(value, 1, lang);
        svg.text(LEFT - 6.0, y(value) + 4.0, Anchor::End, 10, &words);
    }
    for (index, (method, colour)) in Method::ALL.iter().zip(COLOURS).enumerate() {
        let ours = || known().filter(|(row, _)| row.method == *method);
        let points: Vec<(f64, f64)> = ours().map(|(row, e)| (x(row.days_before), y(e))).collect();
        svg.line(&points, colour);
        for (row, error) in ours() {
            let label = format!(
                "{}: {}",
                shown::method(*method, lang),
                shown::decimal(error, 2, lang)
            );
            let (x, y) = (x(row.days_before), y(error));
            svg.bar([x - 3.0, y - 3.0, 6.0, 6.0], colour, &label);
            if index == 0 {
                let days = format!("{:.0}", row.days_before);
                svg.text(x, bottom + 16.0, Anchor::Middle, 10, &days);
            }
        }
        let at = top + TOP + 18.0 * index as f64;
        svg.bar([LEFT + plot + 24.0, at, 10.0, 10.0], colour, "");
        let name = shown::method(*method, lang);
        svg.text(LEFT + plot + 40.0, at + 9.0, Anchor::Start, 11, name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drawing_is_written_whole_or_not_at_all() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("chart.svg");
        try_out(&path).unwrap();
        assert!(!path.exists(), "trying leaves nothing");
        // Somebody else was quicker.
        std::fs::write(&path, "theirs").unwrap();
        let refused = [try_out(&path), write(&path, "ours")];
        for error in refused.map(Result::unwrap_err) {
            assert_eq!(error.kind(), std::io::ErrorKind::AlreadyExists);
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "theirs");
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
        std::fs::remove_file(&path).unwrap();
        write(&path, "ours").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "ours");
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    }
}
