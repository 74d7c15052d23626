//! The cumulative count between reports.

use crate::{Question, Report};

/// The valid reports not after today, with the start of the work as an anchor before them.
#[derive(Clone, Copy)]
pub(crate) struct Series<'a> {
    reports: &'a [Report],
    today: f64,
    start: Option<(f64, f64)>,
}

/// N at some moment and the positions of the reports it was read from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Reading {
    pub(crate) count: f64,
    pub(crate) positions: [Option<u64>; 2],
}

impl<'a> Series<'a> {
    pub(crate) fn new(reports: &'a [Report], start: Option<(f64, f64)>, today: f64) -> Series<'a> {
        let start = start.filter(|(at, count)| at.is_finite() && count.is_finite());
        Series {
            reports,
            today,
            start,
        }
    }

    pub(crate) fn of(question: &Question<'a>) -> Series<'a> {
        let start = question.quota.and_then(|quota| quota.start);
        Series::new(question.reports, start, question.today)
    }

    /// The usable reports, oldest first.
    fn valid(self) -> impl DoubleEndedIterator<Item = &'a Report> {
        self.reports
            .iter()
            .filter(move |r| r.at.is_finite() && r.count.is_finite() && r.at <= self.today)
    }

    pub(crate) fn newest(self) -> Option<&'a Report> {
        self.valid().next_back()
    }

    pub(crate) fn oldest(self) -> Option<&'a Report> {
        self.valid().next()
    }

    pub(crate) fn len(self) -> usize {
        self.valid().count()
    }

    /// The moment before which nothing is known: the start of the work or the first report.
    pub(crate) fn begins(self) -> Option<f64> {
        let oldest = self.oldest()?.at;
        Some(self.start.map_or(oldest, |(at, _)| at.min(oldest)))
    }

    /// N(t): a report's own count at its moment, in between the straight line, after the newest
    /// its count; `None` before anything is known.
    pub(crate) fn at(self, moment: f64) -> Option<Reading> {
        let mut after: Option<&Report> = None;
        for report in self.valid().rev() {
            if report.at <= moment {
                return Some(between(
                    (report.at, report.count),
                    Some(report),
                    after,
                    moment,
                ));
            }
            after = Some(report);
        }
        let start = self.start.filter(|(at, _)| *at <= moment)?;
        after.map(|_| between(start, None, after, moment))
    }

    /// The first report of the unbroken run of reports up to the newest that satisfy `is_met`.
    pub(crate) fn first_of_run(self, is_met: impl Fn(f64) -> bool) -> Option<&'a Report> {
        self.valid()
            .rev()
            .take_while(|report| is_met(report.count))
            .last()
    }
}

fn between(
    (at, count): (f64, f64),
    before: Option<&Report>,
    after: Option<&Report>,
    moment: f64,
) -> Reading {
    let position = before.map(|report| report.position);
    match after {
        Some(next) if moment > at => {
            let part = (moment - at) / (next.at - at);
            let count = count + part * (next.count - count);
            Reading {
                count,
                positions: [position, Some(next.position)],
            }
        }
        _ => Reading {
            count,
            positions: [position, None],
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reports() -> Vec<Report> {
        [(10.0, 100.0), (14.0, 200.0), (20.0, 260.0)]
            .into_iter()
            .zip(1..)
            .map(|((at, count), position)| Report {
                at,
                count,
                position,
            })
            .collect()
    }

    #[test]
    fn reads_between_at_and_after_reports() {
        let reports = reports();
        let series = Series::new(&reports, None, 30.0);
        assert_eq!(series.at(9.0), None);
        assert_eq!(
            series.at(10.0),
            Some(Reading {
                count: 100.0,
                positions: [Some(1), None]
            })
        );
        // A quarter of the way from 100 to 200.
        assert_eq!(
            series.at(11.0),
            Some(Reading {
                count: 125.0,
                positions: [Some(1), Some(2)]
            })
        );
        assert_eq!(
            series.at(25.0),
            Some(Reading {
                count: 260.0,
                positions: [Some(3), None]
            })
        );
    }

    #[test]
    fn the_start_anchors_what_precedes_the_first_report() {
        let reports = reports();
        let series = Series::new(&reports, Some((0.0, 0.0)), 30.0);
        assert_eq!(
            series.at(5.0),
            Some(Reading {
                count: 50.0,
                positions: [None, Some(1)]
            })
        );
        assert_eq!(series.begins(), Some(0.0));
    }

    #[test]
    fn reports_after_today_are_not_known() {
        let reports = reports();
        let series = Series::new(&reports, None, 15.0);
        assert_eq!(series.newest().unwrap().position, 2);
        assert_eq!(series.len(), 2);
    }

    #[test]
    fn a_run_starts_after_the_last_fall() {
        let mut reports = reports();
        reports[1].count = 90.0;
        let series = Series::new(&reports, None, 30.0);
        let first = series.first_of_run(|count| count >= 95.0).unwrap();
        assert_eq!(first.position, 3);
    }
}
