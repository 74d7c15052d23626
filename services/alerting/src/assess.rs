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

use std::sync::Arc;

use domain::event::{IndicatorDefined, IndicatorKind, QuotaLayer};
use domain::{IndicatorCode, LocalityId};
use lag::{Basis, Concern, Reason, Rules, Status};
use state::{DeclarationEntry, FigureEntry, PlanBasis, QuotaEntry, Reading, Yardstick};

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
    /// The verdict as it is told.
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
    pub(crate) neighbours: Option<Arc<Neighbours>>,
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

/// A series as it is read on the day, and with whom it is compared.
struct Series<'a> {
    rules: &'a Rules,
    today: f64,
    paced: bool,
    figures: Vec<FigureEntry<'a>>,
    quotas: Vec<QuotaEntry<'a>>,
    /// Beside each what its plan is made of.
    plans: Vec<PlanBasis>,
    declared: Option<DeclarationEntry<'a>>,
    /// Somebody insisted on a figure that the checks refuse, and nobody has answered for it.
    blocked: bool,
    neighbours: Option<Arc<Neighbours>>,
}

/// One quota, ready to be judged.
struct Asked {
    layer: QuotaLayer,
    quota: lag::Quota,
    measured: Measured,
}

/// Judges a series as of the reading's day.
pub(crate) fn assess(
    rules: &Rules,
    reading: &Reading<'_>,
    definition: &IndicatorDefined,
    id: LocalityId,
    neighbours: Option<&Arc<Neighbours>>,
) -> Outcome {
    let indicator: &IndicatorCode = &definition.indicator;
    if reading
        .locality(id)
        .is_none_or(|locality| locality.end.is_some())
    {
        return Outcome::Gone;
    }
    let paced = definition.kind == IndicatorKind::Cumulative;
    let quotas = reading.quotas(id, indicator);
    let plans = quotas.iter().map(|quota| reading.plan_basis(quota, id));
    let mut series = Series {
        rules,
        today: lag::day(reading.as_of().date(), None),
        paced,
        figures: reading.series(id, indicator),
        plans: plans.collect(),
        quotas,
        declared: reading.declared(id, indicator),
        blocked: reading.has_blocking(id, indicator),
        neighbours: neighbours.filter(|_| paced).cloned(),
    };
    if !paced {
        // A level says nothing by what it was.
        series
            .figures
            .drain(..series.figures.len().saturating_sub(1));
    }
    if series.quotas.is_empty() && series.declared.is_none() {
        return series.unasked();
    }
    let asked = series.asked();
    let judged = asked
        .iter()
        .enumerate()
        .map(|(index, asked)| series.judge(asked, index == 0));
    Outcome::Judged(judged.collect())
}

impl Series<'_> {
    /// Every quota in force, strongest first; without any, the declaration as a commitment.
    fn asked(&self) -> Vec<Asked> {
        if let (true, Some(declared)) = (self.quotas.is_empty(), &self.declared) {
            return vec![self.commitment(declared)];
        }
        let quotas = self.quotas.iter().zip(&self.plans);
        quotas
            .map(|(quota, plan)| self.quota(quota, plan))
            .collect()
    }

    fn commitment(&self, declared: &DeclarationEntry<'_>) -> Asked {
        let yardstick = Yardstick::of_series(&self.figures).unwrap_or(Yardstick::Share);
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
    fn quota(&self, entry: &QuotaEntry<'_>, basis: &PlanBasis) -> Asked {
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
    fn fitted(&self, layer: QuotaLayer, mut quota: lag::Quota, yardstick: Yardstick) -> Asked {
        let mut measured = Measured::by(yardstick, &self.figures);
        if measured.reports.is_empty() && !self.figures.is_empty() {
            measured = Measured::bare_counts(&self.figures);
            quota.denominator = 0.0;
        }
        Asked {
            layer,
            quota,
            measured,
        }
    }

    fn judge(&self, asked: &Asked, is_first: bool) -> Judged {
        let question = lag::Question {
            quota: Some(&asked.quota),
            declared_completion: self.declared.map(|declared| lag::day(declared.by, None)),
            ..self.question(&asked.measured)
        };
        let mut concerns = vec![Concern::Overdue];
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
            verdict: lag::judge(self.rules, &question),
            for_cases: None,
            counted: asked.measured.counted,
            concerns,
            awaited: self.is_awaited(),
            newest: asked.measured.reports.last().map(|report| report.position),
            neighbours: self.neighbours.clone(),
        }
    }

    fn question<'a>(&'a self, measured: &'a Measured) -> lag::Question<'a> {
        lag::Question {
            today: self.today,
            reports: &measured.reports,
            quota: None,
            peers: self
                .neighbours
                .as_deref()
                .map(|neighbours| &neighbours.peers),
            last_report: None,
            blocking_finding: self.blocked,
            declared_completion: None,
            residuals: &[],
        }
    }

    /// Whether a first figure should be there by now.
    fn is_awaited(&self) -> bool {
        let quotas = self.quotas.iter().map(|quota| {
            let asked = quota.start.unwrap_or(quota.recorded.effective.date());
            (asked.max(quota.recorded.effective.date()), quota.deadline)
        });
        let declared = self
            .declared
            .iter()
            .map(|entry| (entry.recorded.effective.date(), Some(entry.by)));
        quotas.chain(declared).any(|(asked, deadline)| {
            self.today - lag::day(asked, None) > self.rules.silent_after_days()
                || deadline.is_some_and(|deadline| self.today > lag::day(deadline, None))
        })
    }

    /// A series that nobody set a quota for: compared with its siblings, and with nothing else.
    fn unasked(&self) -> Outcome {
        let Some(newest) = self.figures.last() else {
            return Outcome::Gone;
        };
        let moment = newest.recorded.effective;
        let age = self.today - lag::day(moment.date(), Some(moment.hour()));
        let yardstick = Yardstick::of_series(&self.figures).filter(|_| self.paced);
        let Some(yardstick) = yardstick.filter(|_| age <= HISTORY_DAYS) else {
            return Outcome::Unasked;
        };
        let measured = Measured::by(yardstick, &self.figures);
        let plain = lag::judge(self.rules, &self.question(&measured));
        let compared = self.compared(yardstick, &measured);
        let told = match &compared {
            Some(compared) if lag::holds(Concern::BelowAverage, compared) => unquoted(compared),
            _ => plain,
        };
        Outcome::Judged(vec![Judged {
            layer: None,
            verdict: told,
            concerns: if compared.is_some() {
                vec![Concern::BelowAverage]
            } else {
                Vec::new()
            },
            for_cases: compared,
            counted: measured.counted,
            awaited: false,
            newest: measured.reports.last().map(|report| report.position),
            neighbours: self.neighbours.clone(),
        }])
    }

    /// The verdict against everything without a deadline, which is how `lag` compares with an average; none without siblings.
    fn compared(&self, yardstick: Yardstick, measured: &Measured) -> Option<lag::Verdict> {
        self.neighbours.as_ref()?;
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
        Some(lag::judge(self.rules, &question))
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
