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

use crate::figure::{Counted, DenominatorRef};
use crate::place::{HIERARCHY_DEPTH_MAX, Site};
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

impl<'a> RollUp<'a> {
    /// Whether every part is in the sum.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.reported + self.carried == self.parts
    }

    /// The sum of no parts.
    fn empty(level: Level) -> Self {
        Self {
            level,
            count: None,
            denominator: None,
            span: None,
            parts: 0,
            reported: 0,
            carried: 0,
            broken: Vec::new(),
            uncounted: Vec::new(),
            missing: Vec::new(),
        }
    }

    /// Adds what another sum counts; whatever either lacks, this one lacks as well.
    fn add(&mut self, other: &RollUp<'a>) {
        self.denominator = match (self.count, other.count) {
            (_, None) => self.denominator,
            (None, Some(_)) => other.denominator,
            (Some(_), Some(_)) => denominators(self.denominator, other.denominator),
        };
        self.count = match (self.count, other.count) {
            (Some(one), Some(other)) => Some(counts(one, other)),
            (one, other) => one.or(other),
        };
        self.span = match (self.span, other.span) {
            (Some(one), Some(other)) => Some((one.0.min(other.0), one.1.max(other.1))),
            (one, other) => one.or(other),
        };
        self.parts += other.parts;
        self.reported += other.reported;
        self.carried += other.carried;
    }

    /// Says of the count that it lacks something if it does: what is not in the sum can only add to it.
    fn tell_gaps(&mut self) {
        if !self.is_complete()
            && let Some(count) = &mut self.count
        {
            count.bound = together(count.bound, Bound::AtLeast);
        }
    }
}

/// The sum of an indicator over the whole country, province by province.
///
/// Each province is added up by itself, so one whose communes report is the sum of them beside one that only reports as a whole.
/// A locality that lies in no province of the day is in no sum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountryRollUp<'a> {
    /// The level of the parts of all provinces in which anybody has a figure; none if they differ, or there are none.
    pub level: Option<Level>,
    /// Everything added up, beside which `level` says of what; who is not in it is named by `provinces` alone.
    pub whole: RollUp<'a>,
    /// The provinces that exist on the day, by code, with their sums; one in which nobody has a figure is a part of its own, and missing.
    pub provinces: Vec<(LocalityId, RollUp<'a>)>,
}

/// What a part brings to a sum.
#[derive(Debug)]
pub(crate) enum Part<'a> {
    /// A count of its own.
    Reported(Counted<'a>),
    /// The counts of those that went into it whole.
    Carried(Vec<Counted<'a>>),
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
    pub(crate) fn counted(&self) -> &[Counted<'a>] {
        match self {
            Self::Reported(figure) => slice::from_ref(figure),
            Self::Carried(carried) => carried,
            Self::Broken | Self::Uncounted | Self::Lacking | Self::Missing => &[],
        }
    }
}

/// Which figure a locality brings to a sum.
pub(crate) type Figures<'f, 'a> = dyn FnMut(Site) -> Option<Counted<'a>> + 'f;

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
        let indicator = self.state.indicators.index(indicator)?;
        let site = self.on(boundaries).site(id)?;
        let mut figures = |part: Site| self.counted((part.index, indicator));
        let (level, parts) = self.parts_of(site, boundaries, &mut figures)?;
        Some(sum(level, &parts))
    }

    /// Adds up the figures of an indicator over the whole country by the boundaries of a day, as [`Reading::roll_up`] does for each province.
    #[must_use]
    pub fn roll_up_country(
        &self,
        indicator: &IndicatorCode,
        boundaries: Date,
    ) -> CountryRollUp<'a> {
        let indicator = self.state.indicators.index(indicator);
        let mut figures = |part: Site| self.counted((part.index, indicator?));
        let mut whole = RollUp::empty(Level::Province);
        let (mut levels, mut provinces) = (Vec::new(), Vec::new());
        for province in self.on(boundaries).sites_of(Level::Province) {
            let sum = match self.parts_of(province, boundaries, &mut figures) {
                Some((level, parts)) => {
                    levels.push(level);
                    sum(level, &parts)
                }
                None => RollUp {
                    parts: 1,
                    missing: vec![province.id],
                    ..RollUp::empty(Level::Province)
                },
            };
            whole.add(&sum);
            provinces.push((province.id, sum));
        }
        whole.tell_gaps();
        levels.dedup();
        CountryRollUp {
            level: levels.pop().filter(|_| levels.is_empty()),
            whole,
            provinces,
        }
    }

    /// Who comes to the sum of a locality with figures of its own or of others, each before those that joined it, in the order in which they are added up: first the part itself, then each that went into it, with what went into that.
    ///
    /// As for [`Reading::roll_up`], of which `part` is a part by the boundaries of the day.
    #[must_use]
    pub fn came_into(
        &self,
        indicator: &IndicatorCode,
        part: LocalityId,
        boundaries: Date,
    ) -> Vec<LocalityId> {
        let (mut came, mut open) = (Vec::new(), vec![(part, boundaries, 0)]);
        while let Some((id, boundaries, depth)) = open.pop() {
            came.push(id);
            if depth < HIERARCHY_DEPTH_MAX {
                let key = self.key(id, indicator);
                let own = key.and_then(|key| self.newest_row(key));
                let joined = self.joined(id, boundaries, own.map(|row| row.at().date()));
                let first = open.len();
                open.extend(joined.map(|(_, one)| (one.id, one.ended, depth + 1)));
                open[first..].reverse();
            }
        }
        came
    }

    /// The same knowledge on the day of some boundaries.
    fn on(&self, boundaries: Date) -> Self {
        self.state.at(Moment::end_of(boundaries), self.sight.limit)
    }

    /// What the parts of a locality bring to its sum, and their level; the places are as this reader sees them, the figures as handed in.
    pub(crate) fn parts(
        &self,
        id: LocalityId,
        boundaries: Date,
        figures: &mut Figures<'_, 'a>,
    ) -> Option<(Level, Vec<(LocalityId, Part<'a>)>)> {
        let site = self.on(boundaries).site(id)?;
        self.parts_of(site, boundaries, figures)
    }

    /// The same of a locality that exists on the day.
    fn parts_of(
        &self,
        locality: Site,
        boundaries: Date,
        figures: &mut Figures<'_, 'a>,
    ) -> Option<(Level, Vec<(LocalityId, Part<'a>)>)> {
        let mut parts_of = |sites: &[Site]| {
            let parts = sites
                .iter()
                .map(|site| (site.id, self.part(*site, boundaries, 0, figures)));
            let parts: Vec<_> = parts.collect();
            let anything = parts.iter().any(|(_, part)| !matches!(part, Part::Missing));
            anything.then_some((sites.first()?.level(), parts))
        };
        let own = [locality];
        if locality.level() == Level::Commune {
            return parts_of(&own);
        }
        let within = self.on(boundaries).sites_within(locality.id);
        let of_level = |level: Level| {
            let first = within.partition_point(|site| site.level() < level);
            let last = within.partition_point(|site| site.level() <= level);
            &within[first..last]
        };
        let below = [Level::Commune, Level::District].into_iter();
        let mut below = below.filter(|level| *level > locality.level());
        let deepest = below.find_map(|level| parts_of(of_level(level)));
        deepest.or_else(|| parts_of(&own))
    }

    /// What a locality brings to a sum by the boundaries of a day.
    fn part(
        &self,
        site: Site,
        boundaries: Date,
        depth: usize,
        figures: &mut Figures<'_, 'a>,
    ) -> Part<'a> {
        let own = figures(site);
        let since = own.map(|figure| figure.effective.date());
        let joined: Vec<_> = self.joined(site.id, boundaries, since).collect();
        if joined.is_empty() || depth == HIERARCHY_DEPTH_MAX {
            return match own {
                Some(figure) if figure.value.is_some() => Part::Reported(figure),
                Some(_) => Part::Uncounted,
                None => Part::Missing,
            };
        }
        let brought: Vec<_> = joined
            .iter()
            .map(|(before, one)| self.part(*before, one.ended, depth + 1, figures))
            .collect();
        if own.is_none() && brought.iter().all(|part| matches!(part, Part::Missing)) {
            return Part::Missing;
        }
        let partial = joined.iter().any(|(_, one)| one.extent == Extent::Partial);
        let cut = partial || brought.iter().any(|part| matches!(part, Part::Broken));
        // One that was there before brings territory of its own.
        let older = self.life(site.id).is_some_and(|life| {
            let began = |end: Date| life.start.is_none_or(|start| start < end);
            joined.iter().any(|(_, one)| began(one.ended))
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
        let counted = figures.iter().all(|figure| figure.value.is_some());
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
        parts: parts.len(),
        ..RollUp::empty(level)
    };
    for (id, part) in parts {
        match part {
            Part::Reported(_) => rolled.reported += 1,
            Part::Carried(_) => rolled.carried += 1,
            Part::Broken => rolled.broken.push(*id),
            Part::Uncounted => rolled.uncounted.push(*id),
            Part::Lacking | Part::Missing => rolled.missing.push(*id),
        }
    }
    let figures = || parts.iter().flat_map(|(_, part)| part.counted());
    rolled.count = figures().filter_map(|figure| figure.value).reduce(counts);
    rolled.denominator = denominator(figures());
    let moments = figures().map(|figure| figure.effective);
    rolled.span = moments.clone().min().zip(moments.max());
    rolled.tell_gaps();
    rolled
}

/// Two counts in one.
fn counts(one: Quantity, other: Quantity) -> Quantity {
    Quantity {
        bound: together(one.bound, other.bound),
        value: one.value.saturating_add(other.value),
    }
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
pub(crate) fn denominator<'f, 'a: 'f>(
    figures: impl IntoIterator<Item = &'f Counted<'a>>,
) -> Option<DenominatorRef<'a>> {
    let against = figures.into_iter().map(|figure| figure.denominator);
    against.reduce(denominators)?
}

/// Two denominators in one, if there are both and of the same kind.
fn denominators<'a>(
    one: Option<DenominatorRef<'a>>,
    other: Option<DenominatorRef<'a>>,
) -> Option<DenominatorRef<'a>> {
    let (one, other) = (one?, other?);
    (one.kind == other.kind).then(|| DenominatorRef {
        kind: one.kind,
        value: one.value.saturating_add(other.value),
        derived: one.derived || other.derived,
    })
}
