//! One locality and one indicator, judged against each quota in force.
//!
//! What the lag model leaves to its caller is decided here:
//!
//! - **Layers.** Each quota in force is judged by itself. A declaration without any quota is the locality's own commitment: everything, by the day declared.
//! - **Silence and missing data** concern the series, not a layer, so they are raised once, under the strongest layer in force, and only where somebody asked: a series without quota and declaration is never silent.
//! - **No data** is raised once the series was asked for longer ago than twice the cadence, or its deadline has passed; nobody is reproached on the day a quota arrives.
//! - **No quota at all**: a cumulative series whose share is known is compared with its siblings while it is alive; 180 days after its last figure it is history. Levels, daily figures and bare counts that nobody asked for are not judged at all.
//! - **Levels and daily figures** have no pace and no silence: they are judged against target and deadline by their newest figure alone.
//! - A locality that has ended is not judged.

use std::borrow::Cow;
use std::sync::Arc;

use domain::event::{IndicatorKind, QuotaLayer};
use lag::{Basis, Concern, Reason, Rules, Status};
use state::{DeclarationEntry, Followed, Numbers, QuotaEntry, Yardstick};

use crate::figures::{Measured, denominator, point};
use crate::neighbours::Neighbours;

/// A series that nobody asked for is history so many days after its last figure.
const HISTORY_DAYS: f64 = 180.0;

/// What became of a series.
#[derive(Debug, Clone)]
pub(crate) enum Outcome {
    /// Its verdicts, strongest layer first.
    Judged(Vec<Judged>),
    /// Nobody asked for it, and there is nothing to compare or it is history; its cases stay as they are.
    Unasked,
    /// The locality has ended or is not there yet, or nothing was asked and nothing reported: no case can stay.
    Gone,
}

/// A verdict, and what is needed to tell it and to step its cases.
#[derive(Debug, Clone)]
pub(crate) struct Judged {
    pub(crate) layer: Option<QuotaLayer>,
    /// The verdict as it is told; of one made for cases alone, the one that they take.
    pub(crate) verdict: lag::Verdict,
    /// The verdict as its cases take it, where that is another one.
    for_cases: Option<lag::Verdict>,
    /// Whether its numbers were published as counts.
    pub(crate) counted: bool,
    /// The concerns it can raise.
    pub(crate) concerns: Vec<Concern>,
    /// Whether a first figure should be there by now.
    awaited: bool,
    /// Position of the newest figure it rests on.
    pub(crate) newest: Option<u64>,
    pub(crate) neighbours: Option<Neighbours>,
}

impl Judged {
    /// The verdict that opens and clears cases.
    pub(crate) fn for_cases(&self) -> &lag::Verdict {
        self.for_cases.as_ref().unwrap_or(&self.verdict)
    }

    /// Whether a case of the concern may open now; one that is open is stepped all the same.
    pub(crate) fn may_open(&self, concern: Concern) -> bool {
        self.awaited || concern != Concern::NoData
    }

    /// The gravest concern it raises.
    pub(crate) fn concern(&self) -> Option<Concern> {
        let raised = |concern: &Concern| {
            self.concerns.contains(concern)
                && self.may_open(*concern)
                && lag::holds(*concern, self.for_cases())
        };
        Concern::ALL.into_iter().find(raised)
    }
}

/// What a verdict is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To step its cases.
    Cases,
    /// To be told.
    Telling,
}

/// What a series is judged by.
#[derive(Clone, Copy)]
pub(crate) struct Measure<'a> {
    pub(crate) rules: &'a Rules,
    /// The end of the day judged for.
    pub(crate) today: f64,
    pub(crate) kind: IndicatorKind,
    /// With whom it is compared.
    pub(crate) neighbours: Option<Neighbours>,
    pub(crate) purpose: Purpose,
    /// What forecasts over so many days came to, ascending.
    pub(crate) residuals: &'a dyn Fn(f64) -> Option<Arc<[f64]>>,
}

/// What is on record of a series on the day, read once for its verdicts and for how it stands among its siblings.
pub(crate) struct OnRecord<'a> {
    followed: Followed<'a>,
    figures: Vec<Numbers<'a>>,
    quotas: Vec<QuotaEntry<'a>>,
    /// The figures by the yardstick of the strongest quota, or by what the series itself brings; none if it brings none.
    pub(crate) measured: Option<(Yardstick, Measured)>,
}

impl<'a> OnRecord<'a> {
    pub(crate) fn of(followed: Followed<'a>) -> Self {
        let (mut figures, quotas) = (Vec::new(), followed.quotas());
        followed.figures(&mut figures);
        let yardstick = match quotas.first() {
            Some(quota) => Some(Yardstick::of_quota(quota.fact)),
            None => Yardstick::of_series(&figures),
        };
        let measured = yardstick.map(|yardstick| (yardstick, Measured::by(yardstick, &figures)));
        Self {
            followed,
            figures,
            quotas,
            measured,
        }
    }

    /// Whether none of its figures is only a bound.
    pub(crate) fn is_exact(&self) -> bool {
        !self.figures.iter().any(|figure| figure.is_bound())
    }
}

/// A series as it is judged.
struct Series<'a> {
    measure: &'a Measure<'a>,
    paced: bool,
    record: &'a OnRecord<'a>,
    figures: &'a [Numbers<'a>],
    declared: Option<DeclarationEntry<'a>>,
    /// Somebody insisted on a figure that the checks refuse, and nobody has answered for it.
    blocked: bool,
    neighbours: Option<&'a Neighbours>,
}

/// One quota, ready to be judged.
struct Asked<'a> {
    layer: QuotaLayer,
    quota: lag::Quota,
    measured: Cow<'a, Measured>,
}

/// Judges a series as of the day on which it was read.
pub(crate) fn assess(measure: &Measure<'_>, record: &OnRecord<'_>) -> Outcome {
    if !record.followed.exists() {
        return Outcome::Gone;
    }
    let paced = measure.kind == IndicatorKind::Cumulative;
    let figures = record.figures.as_slice();
    let series = Series {
        measure,
        paced,
        record,
        // A level says nothing by what it was.
        figures: figures
            .get(figures.len().saturating_sub(1)..)
            .filter(|_| !paced)
            .unwrap_or(figures),
        declared: record.followed.declared(),
        blocked: record.followed.has_blocking(),
        neighbours: measure.neighbours.as_ref().filter(|_| paced),
    };
    if record.quotas.is_empty() && series.declared.is_none() {
        return series.unasked();
    }
    let asked = series.asked();
    let judged = asked
        .iter()
        .enumerate()
        .map(|(index, asked)| series.judge(asked, index == 0));
    Outcome::Judged(judged.collect())
}

impl<'a> Series<'a> {
    /// Every quota in force, strongest first; without any, the declaration as a commitment.
    fn asked(&self) -> Vec<Asked<'a>> {
        let quotas = self.record.quotas.iter();
        if let (0, Some(declared)) = (quotas.len(), &self.declared) {
            return vec![self.commitment(declared)];
        }
        quotas.map(|quota| self.quota(quota)).collect()
    }

    fn commitment(&self, declared: &DeclarationEntry<'_>) -> Asked<'a> {
        let yardstick = Yardstick::of_series(self.figures).unwrap_or(Yardstick::Share);
        let quota = lag::Quota {
            denominator: denominator(yardstick),
            target_share: 1.0,
            start: None,
            deadline: Some(lag::day(declared.by, None)),
            milestones: Vec::new(),
            position: declared.recorded.position,
        };
        self.fitted(QuotaLayer::Commitment, quota, yardstick)
    }

    /// A quota with its plan.
    fn quota(&self, entry: &QuotaEntry<'_>) -> Asked<'a> {
        let basis = self.record.followed.plan_basis(entry, self.measure.kind);
        let milestones = basis.milestones.iter().copied().map(point);
        let quota = lag::Quota {
            denominator: denominator(basis.yardstick),
            target_share: f64::from(entry.target.hundredths()) / 10_000.0,
            start: basis.start.map(point),
            deadline: entry.deadline.map(|deadline| lag::day(deadline, None)),
            milestones: milestones.collect(),
            position: entry.recorded.position,
        };
        self.fitted(entry.layer, quota, basis.yardstick)
    }

    /// A quota with the figures measured by it; if none of them can be, it has no usable denominator.
    fn fitted(&self, layer: QuotaLayer, mut quota: lag::Quota, yardstick: Yardstick) -> Asked<'a> {
        let mut measured = self.measured(yardstick);
        if measured.reports.is_empty() && !self.figures.is_empty() {
            measured = Cow::Owned(Measured::bare_counts(self.figures));
            quota.denominator = 0.0;
        }
        Asked {
            layer,
            quota,
            measured,
        }
    }

    /// The figures judged, by a yardstick.
    fn measured(&self, yardstick: Yardstick) -> Cow<'a, Measured> {
        match &self.record.measured {
            Some((by, measured)) if self.paced && *by == yardstick => Cow::Borrowed(measured),
            _ => Cow::Owned(Measured::by(yardstick, self.figures)),
        }
    }

    fn judge(&self, asked: &Asked<'_>, is_first: bool) -> Judged {
        let residuals = self.residuals(asked);
        let question = lag::Question {
            residuals: residuals.as_deref().unwrap_or(&[]),
            quota: Some(&asked.quota),
            declared_completion: self.declared.map(|declared| lag::day(declared.by, None)),
            ..self.question(&asked.measured)
        };
        let mut concerns = Vec::with_capacity(Concern::ALL.len());
        concerns.push(Concern::Overdue);
        if self.paced {
            concerns.extend([Concern::Lagging, Concern::BelowAverage]);
        }
        if is_first && self.paced {
            concerns.push(Concern::Silent);
        }
        if is_first {
            concerns.push(Concern::NoData);
        }
        Judged {
            layer: Some(asked.layer),
            verdict: lag::judge(self.measure.rules, &question),
            for_cases: None,
            counted: asked.measured.counted,
            concerns,
            awaited: self.is_awaited(),
            newest: asked.measured.reports.last().map(|report| report.position),
            neighbours: self.neighbours.copied(),
        }
    }

    /// What forecasts from the newest figure to the deadline came to; none where nothing is foretold.
    fn residuals(&self, asked: &Asked<'_>) -> Option<Arc<[f64]>> {
        let reports = asked.measured.reports.as_slice();
        let is_early = !self.paced || reports.len() < self.measure.rules.early_reports;
        let (newest, deadline) = reports.last().zip(asked.quota.deadline)?;
        let residuals = self.measure.residuals;
        (!is_early).then(|| residuals(deadline - newest.at))?
    }

    fn question<'q>(&'q self, measured: &'q Measured) -> lag::Question<'q> {
        lag::Question {
            today: self.measure.today,
            reports: &measured.reports,
            quota: None,
            peers: self.neighbours.map(|neighbours| &neighbours.peers),
            last_report: None,
            blocking_finding: self.blocked,
            declared_completion: None,
            residuals: &[],
        }
    }

    /// Whether a first figure should be there by now.
    fn is_awaited(&self) -> bool {
        let (rules, today) = (self.measure.rules, self.measure.today);
        let quotas = self.record.quotas.iter().map(|quota| {
            let asked = quota.start.unwrap_or(quota.recorded.effective.date());
            (asked.max(quota.recorded.effective.date()), quota.deadline)
        });
        let declared = self
            .declared
            .iter()
            .map(|entry| (entry.recorded.effective.date(), Some(entry.by)));
        quotas.chain(declared).any(|(asked, deadline)| {
            today - lag::day(asked, None) > rules.silent_after_days()
                || deadline.is_some_and(|deadline| today > lag::day(deadline, None))
        })
    }

    /// A series that nobody set a quota for: compared with its siblings, and with nothing else.
    fn unasked(&self) -> Outcome {
        let Some(newest) = self.figures.last() else {
            return Outcome::Gone;
        };
        let moment = newest.moment();
        let age = self.measure.today - lag::day(moment.date(), Some(moment.hour()));
        let measured = self.record.measured.as_ref().filter(|_| self.paced);
        let Some((yardstick, measured)) = measured.filter(|_| age <= HISTORY_DAYS) else {
            return Outcome::Unasked;
        };
        let plain = || lag::judge(self.measure.rules, &self.question(measured));
        let compared = self.compared(*yardstick, measured);
        let concerns = compared.iter().map(|_| Concern::BelowAverage).collect();
        let (verdict, for_cases) = match (compared, self.measure.purpose) {
            (None, _) => (plain(), None),
            (Some(compared), Purpose::Cases) => (compared, None),
            (Some(compared), Purpose::Telling) => {
                let is_told = lag::holds(Concern::BelowAverage, &compared);
                let told = if is_told {
                    unquoted(&compared)
                } else {
                    plain()
                };
                (told, Some(compared))
            }
        };
        Outcome::Judged(vec![Judged {
            layer: None,
            verdict,
            concerns,
            for_cases,
            counted: measured.counted,
            awaited: false,
            newest: measured.reports.last().map(|report| report.position),
            neighbours: self.neighbours.copied(),
        }])
    }

    /// The verdict against everything without a deadline, which is how `lag` compares with an average; none without siblings.
    fn compared(&self, yardstick: Yardstick, measured: &Measured) -> Option<lag::Verdict> {
        self.neighbours?;
        let quota = lag::Quota {
            denominator: denominator(yardstick),
            target_share: 1.0,
            start: None,
            deadline: None,
            milestones: Vec::new(),
            position: measured.reports.last()?.position,
        };
        let question = lag::Question {
            quota: Some(&quota),
            ..self.question(measured)
        };
        Some(lag::judge(self.measure.rules, &question))
    }
}

/// A comparison told without the quota it was made with, which nobody set.
fn unquoted(compared: &lag::Verdict) -> lag::Verdict {
    let mut verdict = compared.clone();
    verdict.status = Status::Amber;
    verdict.basis = Basis::Average;
    verdict
        .reasons
        .retain(|reason| *reason != Reason::NoDeadline);
    verdict.reasons.insert(0, Reason::NoQuota);
    let terms = &mut verdict.terms;
    (terms.target_share, terms.required, terms.missing) = (None, None, None);
    (terms.left, terms.left_allowed, terms.eta, terms.eta_linear) = (None, None, None, None);
    verdict
}
