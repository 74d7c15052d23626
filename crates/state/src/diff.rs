//! What changed between two views of a locality: new work, corrections, revised quotas or denominators, boundary changes.
//!
//! A [`View`] is a locality, a moment and the position known up to.
//! Between two of them stand three more looks, each of which changes one thing, so that the differences add up to the whole (A is the earlier view, B the later):
//!
//! | look | places and boundaries | figures | counted against |
//! |---|---|---|---|
//! | 0 | A's | A's | A's |
//! | 1 | A's | of A's moment, known to A, *as corrected and retracted for B* | A's |
//! | 2 | *B's* | as 1 | A's |
//! | 3 | B's | *B's* | A's |
//! | 4 | B's | B's | *B's* |
//!
//! ```text
//! corrections      = look 1 − look 0
//! boundary_changes = look 2 − look 1
//! new_work         = look 3 − look 2
//! quota_changes    = look 4 − look 3        0 for a count
//! to − from        = their sum
//! ```
//!
//! **Corrections.** Look 1 takes the reports that A knows, and in place of each what corrects it for B, however many corrections stand in between.
//! A figure retracted leaves the place to the one before it, or to none.
//! A report that arrived late, for a moment that A looks at, corrects nothing: it is work reported since.
//!
//! **Boundaries come before new work**, since figures can be carried to later boundaries but not to earlier ones.
//! When one commune went into another, what that one reports from then on holds both; by the old boundaries the first would be counted twice.
//! Look 2 carries what went over whole ([`Reading::roll_up`]); so a merger changes nothing, and territory without a count of its own goes out of the sum until somebody reports it.
//! A locality's own figure knows no boundaries; only if the views name two localities this term turns from the one to the other.
//!
//! **Which view is the earlier** is decided by moment, then position, then locality.
//! Asked the other way round the answer is the same with every sign turned.
//! The later view may know less than the earlier one; then what only A knows counts as taken back.
//!
//! **Shares** are in hundredths of a percentage point, each rounded half up on its own, so that terms and ends are whole numbers.
//! The share of the printed denominator is, for an own figure, count by denominator or else the percentage as printed, and for a sum the sum of counts by the sum of denominators.
//! Look 3 counts B's figures against the denominators that the same parts have in look 2; a part that has none there brings its own, since a part that joins a sum revises no denominator.
//! If those are not all there and of one kind, or there is no count, work and denominator cannot be told apart: look 3 is look 4, and `new_work` holds both.
//! The share of a quota is that of [`Reading::standing`]: of the quota of one layer as A has it in looks 0 to 3, and as B has it in look 4.
//!
//! **Missing is not zero.** Where a look has nothing to count, it has none, and the term that brings the number or takes it away says so ([`Split::brings`], [`Split::takes`]).
//! A sum of other parts is another sum: [`Diff::joined`] and [`Diff::left`] list the parts that came into it and those that fell out of it; one that was taken back and reported again did both.

use domain::code::IndicatorCode;
use domain::event::{QuotaLayer, QuotaSuspended};
use domain::locality::LocalityId;
use domain::text::Moment;

use crate::figure::{Counted, FigureEntry};
use crate::look::{Look, coming};
use crate::place::Site;
use crate::quota::QuotaEntry;
use crate::reading::Reading;
use crate::rollup::RollUp;
use crate::split::{Events, Split, Term};
use crate::state::State;
use crate::timeline::Entry;

/// From where a locality is looked at.
///
/// The order is that of moments, then of positions: of two views the lesser is the earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct View {
    /// The moment asked about; boundaries are those of its day.
    pub as_of: Moment,
    /// The newest position known; one not folded yet reads as the newest there is.
    pub position: u64,
    /// The locality, which after a reform may be another identity than before.
    pub locality: LocalityId,
}

/// What changed for one indicator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diff<'a> {
    /// What is counted.
    pub indicator: &'a IndicatorCode,
    /// By the locality's own figures.
    pub own: Change<FigureEntry<'a>>,
    /// By the sums of its parts; how many parts reported stands in them.
    pub rolled_up: Change<RollUp<'a>>,
    /// Parts that came into the sum with a figure reported or corrected, by identity.
    pub joined: Vec<LocalityId>,
    /// Parts that fell out of the sum, though the boundaries have them, by identity.
    pub left: Vec<LocalityId>,
    /// The layers with a quota in either view, central first.
    pub quotas: Vec<QuotaChange<'a>>,
}

impl Diff<'_> {
    /// Whether the same parts are in the sums, as far as the boundaries allow, so that every term is a change of counts.
    #[must_use]
    pub fn is_comparable(&self) -> bool {
        self.joined.is_empty() && self.left.is_empty()
    }
}

/// A number in both views, and how it went from one to the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change<T> {
    /// What the view asked from shows; none if it has nothing.
    pub from: Option<T>,
    /// What the view asked to shows; none if it has nothing.
    pub to: Option<T>,
    /// The count, as printed: bounds stand in `from` and `to`.
    pub count: Split,
    /// The share of the printed denominator in hundredths of a point.
    pub share: Split,
    /// The events behind each term, in the order of [`Term::ALL`].
    behind: [Events; 4],
}

impl<T> Change<T> {
    /// The events behind a term: corrections and retractions, registrations and ends, figures reported, figures with another denominator.
    ///
    /// A term may have events that change nothing in sum, and is 0 without any.
    /// The quotas' events stand in [`QuotaChange::events`].
    #[must_use]
    pub fn events(&self, term: Term) -> &Events {
        &self.behind[term as usize]
    }
}

/// The quota of one layer in both views, and the share reached of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuotaChange<'a> {
    /// Who asks for it.
    pub layer: QuotaLayer,
    /// The quota in force in the view asked from.
    pub from: Option<QuotaEntry<'a>>,
    /// The quota in force in the view asked to.
    pub to: Option<QuotaEntry<'a>>,
    /// How it was suspended, if the view asked to has none.
    pub suspended: Option<Entry<'a, QuotaSuspended>>,
    /// The share of it by the locality's own figures, in hundredths of a point.
    pub own: Split,
    /// The share of it by the sums of its parts, in hundredths of a point.
    pub rolled_up: Split,
    /// Assignments and suspensions between the two quotas.
    pub events: Events,
}

impl QuotaChange<'_> {
    /// Whether the two views have another quota, or only one of them has any.
    #[must_use]
    pub fn is_changed(&self) -> bool {
        let position = |quota: &Option<QuotaEntry<'_>>| quota.map(|quota| quota.recorded.position);
        position(&self.from) != position(&self.to)
    }
}

impl State {
    /// What changed for an indicator from one view to another; none if there is neither a figure nor a quota between them.
    #[must_use]
    pub fn diff(&self, indicator: &IndicatorCode, from: View, to: View) -> Option<Diff<'_>> {
        let index = self.indicators.index(indicator)?;
        Between::new(self, from, to).diff(self.indicators.code(index))
    }

    /// What changed from one view to another for every indicator with a figure or a quota between them, by code.
    #[must_use]
    pub fn diffs(&self, from: View, to: View) -> Vec<Diff<'_>> {
        let between = Between::new(self, from, to);
        let mut codes: Vec<_> = self
            .indicators
            .rows()
            .iter()
            .map(|(code, _)| code)
            .collect();
        codes.sort_unstable();
        codes
            .into_iter()
            .filter_map(|indicator| between.diff(indicator))
            .collect()
    }
}

/// Two views, the earlier one first.
pub(crate) struct Between<'a> {
    /// The localities of both.
    pub(crate) ids: [LocalityId; 2],
    pub(crate) a: Reading<'a>,
    pub(crate) b: Reading<'a>,
    /// Sees and knows whatever either does.
    pub(crate) both: Reading<'a>,
    /// Registrations and ends that only one of them counts with.
    redrawn: Vec<u64>,
    backwards: bool,
}

impl<'a> Between<'a> {
    fn new(state: &'a State, from: View, to: View) -> Self {
        let known = |view: View| View {
            position: view.position.min(state.position()),
            ..view
        };
        let (from, to) = (known(from), known(to));
        let (earlier, later) = (from.min(to), from.max(to));
        let limit = earlier.position.max(later.position);
        let mut between = Self {
            ids: [earlier.locality, later.locality],
            a: state.at(earlier.as_of, earlier.position),
            b: state.at(later.as_of, later.position),
            both: state.at(later.as_of, limit),
            redrawn: Vec::new(),
            backwards: to < from,
        };
        between.redrawn = between.redrawn();
        between
    }

    fn split(&self, looks: [Option<u64>; 5]) -> Split {
        Split::new(looks, self.backwards)
    }

    /// What stands in the earlier and in the later view, in the order asked.
    fn asked<T>(&self, earlier: T, later: T) -> (T, T) {
        if self.backwards {
            (later, earlier)
        } else {
            (earlier, later)
        }
    }

    fn diff(&self, indicator: &'a IndicatorCode) -> Option<Diff<'a>> {
        let [first, second] = self.ids;
        let corrected = |id| self.corrected(id, indicator);
        let ends = [
            self.a.figure(first, indicator),
            self.b.figure(second, indicator),
        ];
        let own = [
            Look::of_own(first, ends[0]),
            Look::of_own(first, corrected(first)),
            Look::of_own(second, corrected(second)),
            Look::of_own(second, ends[1]),
        ];
        let index = self.both.state.indicators.index(indicator);
        let mut a_told = |part: Site| self.a.counted((part.index, index?));
        let mut b_told = |part: Site| self.b.counted((part.index, index?));
        let mut put_right = |part: Site| corrected(part.id).map(Counted::from);
        let sums = [
            Look::of_sum(&self.a, first, &mut a_told),
            Look::of_sum(&self.a, first, &mut put_right),
            Look::of_sum(&self.b, second, &mut put_right),
            Look::of_sum(&self.b, second, &mut b_told),
        ];
        let quotas = self.quotas(indicator, &own, &sums);
        let is_nothing = |look: &Look<'_>| look.parts.is_empty() && look.rolled.is_none();
        if quotas.is_empty() && own.iter().chain(&sums).all(is_nothing) {
            return None;
        }
        // A figure knows no boundaries; another locality is another, though.
        let redrawn = if first == second {
            &[][..]
        } else {
            &self.redrawn
        };
        let figures = self.asked(ends[0], ends[1]);
        let rolled = self.asked(sums[0].rolled.clone(), sums[3].rolled.clone());
        // Looks 0 and 1 have the same boundaries, and so have the last two.
        let came = coming(&sums, [(0, 1), (2, 3)]);
        let went = coming(&sums, [(1, 0), (3, 2)]);
        let (left, joined) = self.asked(went, came);
        Some(Diff {
            indicator,
            own: self.change(indicator, &own, redrawn, figures),
            rolled_up: self.change(indicator, &sums, &self.redrawn, rolled),
            joined,
            left,
            quotas,
        })
    }

    fn change<T>(
        &self,
        indicator: &IndicatorCode,
        looks: &[Look<'a>; 4],
        redrawn: &[u64],
        (from, to): (Option<T>, Option<T>),
    ) -> Change<T> {
        let [before, corrected, carried, last] = looks;
        let [n0, n1, n2, n3] = looks.each_ref().map(Look::count);
        let [s0, s1, s2, s4] = looks.each_ref().map(Look::share);
        let s3 = last.share_of_before(carried).or(s4);
        let corrections = before.others(corrected).into_iter();
        let reports = carried.others(last).into_iter();
        Change {
            from,
            to,
            count: self.split([n0, n1, n2, n3, n3]),
            share: self.split([s0, s1, s2, s3, s4]),
            behind: [
                Events::of(
                    corrections
                        .flat_map(|id| self.corrections(id, indicator))
                        .collect(),
                ),
                Events::of(redrawn.to_vec()),
                Events::of(reports.flat_map(|id| self.reports(id, indicator)).collect()),
                Events::of(last.counted_anew(carried)),
            ],
        }
    }

    fn quotas(
        &self,
        indicator: &'a IndicatorCode,
        own: &[Look<'a>; 4],
        sums: &[Look<'a>; 4],
    ) -> Vec<QuotaChange<'a>> {
        let [first, second] = self.ids;
        let (before, after) = (
            self.a.quotas(first, indicator),
            self.b.quotas(second, indicator),
        );
        let change = |layer: &QuotaLayer| {
            let of_layer = |quotas: &[QuotaEntry<'a>]| {
                quotas.iter().find(|quota| quota.layer == *layer).copied()
            };
            let (earlier, later) = (of_layer(&before), of_layer(&after));
            if earlier.is_none() && later.is_none() {
                return None;
            }
            let split = |looks: &[Look<'a>; 4]| {
                let [s0, s1, s2, s3] = looks
                    .each_ref()
                    .map(|look| look.share_of_quota(earlier.as_ref()));
                self.split([s0, s1, s2, s3, looks[3].share_of_quota(later.as_ref())])
            };
            let (from, to) = self.asked(earlier, later);
            let (_, (reading, id)) = self.asked((self.a, first), (self.b, second));
            let suspended = reading.suspended(id, indicator, *layer);
            Some(QuotaChange {
                layer: *layer,
                from,
                to,
                suspended: suspended.filter(|_| to.is_none()),
                own: split(own),
                rolled_up: split(sums),
                events: Events::of(self.requotas(indicator, *layer)),
            })
        };
        QuotaLayer::ALL.iter().filter_map(change).collect()
    }

    /// The figure of look 1: of the earlier view's moment, known to it, as corrected and retracted for the later one.
    fn corrected(&self, id: LocalityId, indicator: &IndicatorCode) -> Option<FigureEntry<'a>> {
        let (early, late) = (self.a.position(), self.b.position());
        if early == late {
            return self.a.figure(id, indicator);
        }
        if early < late {
            let newest = self
                .both
                .state
                .at(self.a.as_of(), late)
                .figure(id, indicator)?;
            if self.is_known_as_corrected(id, &newest) {
                return Some(newest);
            }
        }
        // What arrived late stands in front of it.
        let known = self.both.state.at(self.a.as_of(), self.both.position());
        let mut figures = known.figures_back(id, indicator);
        figures.find(|figure| stands(figure, late) && self.is_known_as_corrected(id, figure))
    }

    /// Whether a figure is a report known to the earlier view, or what corrects one for the later view.
    pub(crate) fn is_known_as_corrected(&self, id: LocalityId, figure: &FigureEntry<'a>) -> bool {
        let report = self.report(id, figure);
        let is_known = figure.recorded.position <= self.b.position();
        report <= self.a.position() && (report == figure.recorded.position || is_known)
    }

    /// Position of the report that a figure corrects in the end; its own if it corrects none on record.
    pub(crate) fn report(&self, id: LocalityId, figure: &FigureEntry<'a>) -> u64 {
        let figures = self.corrected_in_turn(id, *figure);
        figures.last().map_or(0, |first| first.recorded.position)
    }

    /// A figure, the one it corrects if that is on record, and so on.
    pub(crate) fn corrected_in_turn(
        &self,
        id: LocalityId,
        figure: FigureEntry<'a>,
    ) -> impl Iterator<Item = FigureEntry<'a>> {
        std::iter::successors(Some(figure), move |figure| {
            let wrong = figure.corrects?;
            // What stands behind it was not there to be corrected.
            let is_before = wrong < figure.recorded.position;
            is_before.then(|| self.both.figure_at(id, figure.indicator, wrong))?
        })
    }
}

/// Whether nothing known up to a position corrected or retracted a figure.
pub(crate) fn stands(figure: &FigureEntry<'_>, limit: u64) -> bool {
    let later = |by: Option<u64>| by.is_none_or(|position| position > limit);
    later(figure.corrected_by) && later(figure.retracted_by)
}
