//! Sums of a locality's parts, by the boundaries of any day.
//!
//! Nothing is apportioned: a part whose territory was cut out of another has no count until it reports one itself.
//! Missing is not zero: what is not in the sum is listed beside it, and a sum that lacks anything is a lower bound.

use std::slice;

use domain::code::IndicatorCode;
use domain::event::Extent;
use domain::locality::{Level, LocalityId};
use domain::text::{Bound, Moment, Quantity};
use jiff::civil::Date;

use crate::figure::{DenominatorRef, FigureEntry};
use crate::place::HIERARCHY_DEPTH_MAX;
use crate::reading::Reading;

/// The sum of a locality's parts for one indicator.
///
/// `parts` is `reported` and `carried` together with the lengths of `broken`, `uncounted` and `missing`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RollUp<'a> {
    /// Level of the parts: the deepest below the locality at which anybody has a figure, else its own.
    pub level: Level,
    /// The sum of all counts there are; none without one.
    ///
    /// Exact only if every part is in it with an exact count.
    pub count: Option<Quantity>,
    /// The sum of what they are counted against, if every count in the sum has a denominator and all of one kind; derived if any of them is.
    pub denominator: Option<DenominatorRef<'a>>,
    /// The first and the last of the moments that the figures in the sum speak of; none without one.
    pub span: Option<(Moment, Moment)>,
    /// How many parts the locality has.
    pub parts: usize,
    /// How many are in the sum with a figure of their own.
    pub reported: usize,
    /// How many are in it with the figures of those that went into them whole.
    pub carried: usize,
    /// Parts whose territory was cut out of another's or changed since the last figure, so that no count is theirs.
    pub broken: Vec<LocalityId>,
    /// Parts with a figure that has no count, only a percentage.
    pub uncounted: Vec<LocalityId>,
    /// Parts without any figure, or for which one of those that went into them has no count.
    pub missing: Vec<LocalityId>,
}

impl RollUp<'_> {
    /// Whether every part is in the sum.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.reported + self.carried == self.parts
    }
}

/// What a part brings to a sum.
#[derive(Debug)]
pub(crate) enum Part<'a> {
    /// A count of its own.
    Reported(FigureEntry<'a>),
    /// The counts of those that went into it whole.
    Carried(Vec<FigureEntry<'a>>),
    /// Its territory is not that of any count.
    Broken,
    /// A figure without a count.
    Uncounted,
    /// Some of those that went into it have a figure, but not all have a count.
    Lacking,
    /// Nobody has a figure.
    Missing,
}

impl<'a> Part<'a> {
    /// The figures it brings; none if it is not in the sum.
    pub(crate) fn counted(&self) -> &[FigureEntry<'a>] {
        match self {
            Self::Reported(figure) => slice::from_ref(figure),
            Self::Carried(carried) => carried,
            Self::Broken | Self::Uncounted | Self::Lacking | Self::Missing => &[],
        }
    }
}

/// Which figure a locality brings to a sum.
pub(crate) type Figures<'f, 'a> = dyn FnMut(LocalityId) -> Option<FigureEntry<'a>> + 'f;

impl<'a> Reading<'a> {
    /// Adds up the figures of an indicator over the parts that a locality has by the boundaries of a day.
    ///
    /// The figures are those that hold at the moment asked about; the boundaries may be older or newer than that.
    /// A part without a figure of its own takes the counts of those that ended into it, if all of them went into it whole and all have one.
    /// None if the locality does not exist on that day, or nobody in it has a figure.
    #[must_use]
    pub fn roll_up(
        &self,
        indicator: &IndicatorCode,
        id: LocalityId,
        boundaries: Date,
    ) -> Option<RollUp<'a>> {
        let (level, parts) = self.parts(id, boundaries, &mut |id| self.figure(id, indicator))?;
        Some(sum(level, &parts))
    }

    /// What the parts of a locality bring to its sum, and their level; the places are as this reader sees them, the figures as handed in.
    pub(crate) fn parts(
        &self,
        id: LocalityId,
        boundaries: Date,
        figures: &mut Figures<'_, 'a>,
    ) -> Option<(Level, Vec<(LocalityId, Part<'a>)>)> {
        let then = self.state.at(Moment::end_of(boundaries), self.sight.limit);
        let locality = then.locality(id).filter(|there| there.end.is_none())?;
        let mut parts_of = |level: Level, leaves: &[LocalityId]| {
            let parts = leaves
                .iter()
                .map(|leaf| (*leaf, self.part(*leaf, boundaries, 0, figures)));
            let parts: Vec<_> = parts.collect();
            let anything = parts.iter().any(|(_, part)| !matches!(part, Part::Missing));
            anything.then_some((level, parts))
        };
        let below = [Level::Commune, Level::District].into_iter();
        let mut below = below.filter(|level| *level > locality.level());
        let deepest = below.find_map(|level| {
            let parts = then.descendants(id, level);
            let leaves: Vec<_> = parts.iter().map(|part| part.id).collect();
            parts_of(level, &leaves)
        });
        deepest.or_else(|| parts_of(locality.level(), &[id]))
    }

    /// What a locality brings to a sum by the boundaries of a day.
    fn part(
        &self,
        id: LocalityId,
        boundaries: Date,
        depth: usize,
        figures: &mut Figures<'_, 'a>,
    ) -> Part<'a> {
        let own = figures(id);
        // Territory that joined it after the moment its own figure speaks of is not in that figure.
        let since = own.map(|figure| figure.recorded.effective.date());
        let mut joined = self.predecessors(id);
        joined.retain(|one| one.ended <= boundaries && since.is_none_or(|day| day < one.ended));
        if joined.is_empty() || depth == HIERARCHY_DEPTH_MAX {
            return match own {
                Some(figure) if figure.figure.value.is_some() => Part::Reported(figure),
                Some(_) => Part::Uncounted,
                None => Part::Missing,
            };
        }
        let brought: Vec<_> = joined
            .iter()
            .map(|one| self.part(one.id, one.ended, depth + 1, figures))
            .collect();
        if own.is_none() && brought.iter().all(|part| matches!(part, Part::Missing)) {
            return Part::Missing;
        }
        let partial = joined.iter().any(|one| one.extent == Extent::Partial);
        let cut = partial || brought.iter().any(|part| matches!(part, Part::Broken));
        // One that was there before brings territory of its own.
        let older = self.life(id).is_some_and(|life| {
            let began = |end: Date| life.start.is_none_or(|start| start < end);
            joined.iter().any(|one| began(one.ended))
        });
        let mut figures: Vec<_> = own.into_iter().collect();
        let mut lacking = older && own.is_none();
        for part in brought {
            match part {
                Part::Reported(figure) => figures.push(figure),
                Part::Carried(carried) => figures.extend(carried),
                Part::Broken | Part::Uncounted | Part::Lacking | Part::Missing => lacking = true,
            }
        }
        let counted = figures.iter().all(|figure| figure.figure.value.is_some());
        match (cut, lacking, counted) {
            (true, _, _) => Part::Broken,
            (false, true, _) if own.is_some() => Part::Broken,
            (false, true, _) => Part::Lacking,
            (false, false, true) => Part::Carried(figures),
            (false, false, false) => Part::Uncounted,
        }
    }
}

/// Adds up the parts of a level.
pub(crate) fn sum<'a>(level: Level, parts: &[(LocalityId, Part<'a>)]) -> RollUp<'a> {
    let mut rolled = RollUp {
        level,
        count: None,
        denominator: None,
        span: None,
        parts: parts.len(),
        reported: 0,
        carried: 0,
        broken: Vec::new(),
        uncounted: Vec::new(),
        missing: Vec::new(),
    };
    let mut figures: Vec<FigureEntry<'a>> = Vec::new();
    for (id, part) in parts {
        match part {
            Part::Reported(_) => rolled.reported += 1,
            Part::Carried(_) => rolled.carried += 1,
            Part::Broken => rolled.broken.push(*id),
            Part::Uncounted => rolled.uncounted.push(*id),
            Part::Lacking | Part::Missing => rolled.missing.push(*id),
        }
        figures.extend(part.counted());
    }
    let counts = figures.iter().filter_map(|figure| figure.figure.value);
    let whole = counts.reduce(|sum, count| Quantity {
        bound: together(sum.bound, count.bound),
        value: sum.value.saturating_add(count.value),
    });
    // What is not in the sum can only add to it.
    let lacking = if rolled.is_complete() {
        Bound::Exact
    } else {
        Bound::AtLeast
    };
    rolled.count = whole.map(|sum| Quantity {
        bound: together(sum.bound, lacking),
        value: sum.value,
    });
    rolled.denominator = denominator(&figures);
    let moments = figures.iter().map(|figure| figure.recorded.effective);
    rolled.span = moments.clone().min().zip(moments.max());
    rolled
}

/// How a sum is meant whose terms are meant in two ways.
fn together(a: Bound, b: Bound) -> Bound {
    match (a, b) {
        (Bound::Exact, other) | (other, Bound::Exact) => other,
        (a, b) if a == b => a,
        _ => Bound::About,
    }
}

/// The sum of the denominators, if all figures have one and of the same kind.
pub(crate) fn denominator<'a>(figures: &[FigureEntry<'a>]) -> Option<DenominatorRef<'a>> {
    let against = |figure: &FigureEntry<'a>| figure.figure.denominator;
    let (first, others) = figures.split_first()?;
    let mut sum = against(first)?;
    for other in others {
        let other = against(other).filter(|other| other.kind == sum.kind)?;
        sum.value = sum.value.saturating_add(other.value);
        sum.derived |= other.derived;
    }
    Some(sum)
}
