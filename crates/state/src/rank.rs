//! Localities ordered by share, each with the interval of its share and of its rank.
//!
//! A small place comes out first or last more easily than a large one that works as well: a few people more make many points of its share.
//! So a rank says between which ranks it could as well lie, as league tables should (Goldstein & Spiegelhalter 1996, <https://doi.org/10.2307/2983325>).
//! Whole numbers alone, so that every machine gives the same interval.

use std::cmp::Reverse;
use std::hint;

use domain::code::IndicatorCode;
use domain::locality::LocalityId;
use domain::text::Percent;

use crate::figure::{Counted, DenominatorRef, share_of};
use crate::reading::Reading;
use crate::series::Series;

/// The square of 1.959964, the 97.5 % quantile of the standard normal distribution, times [`SCALE`].
const Z_SQUARED: u128 = 3_841_459;
/// In how many parts a unit is counted within [`wilson`].
const SCALE: u128 = 1_000_000;

/// Localities ordered by an indicator's share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ranking {
    /// Those with a figure: best first, equal shares by identity, those without a comparable share last.
    pub ranked: Vec<Ranked>,
    /// Those without any figure, in the order asked: missing is not zero.
    pub without_figure: Vec<LocalityId>,
}

/// A locality in a ranking, by the figure that [`Reading::figure`] gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ranked {
    /// Its rank from 1; equal shares share it and the next rank counts them all (1, 1, 3); 0 if its figure has no share.
    pub rank: u32,
    /// The locality.
    pub id: LocalityId,
    /// The share it is ranked by, in hundredths of a point.
    pub share_hundredths: Option<u32>,
    /// The interval of that share as by [`wilson`], in hundredths of a point.
    ///
    /// None if only a percentage was printed, and for more than 100 %, as against a quota that was exceeded.
    pub share_span: Option<Span>,
    /// The best and the worst rank that the intervals allow; none without an interval of the share.
    ///
    /// Better are all whose whole interval lies above, worse all whose whole interval lies below.
    /// A share without an interval is taken as it is.
    pub rank_span: Option<Span>,
}

/// From the one to the other, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The lower end.
    pub low: u32,
    /// The upper end, not below the lower.
    pub high: u32,
}

/// The 95 % Wilson score interval of a share, in hundredths of a point, rounded half up.
///
/// With x = `count`, n = `whole` and z = 1.959964: (2x + z² ± √(z⁴ + 4z²·x(n−x)/n)) / 2(n + z²).
/// It stays within 0 and 100 % and is of use for small `whole` too, where the usual p ± z·√(p(1−p)/n) is of none (E. B. Wilson 1927, *Journal of the American Statistical Association* 22, 209–212, <https://doi.org/10.1080/01621459.1927.10502953>).
///
/// None for a whole of 0, or less than the count.
#[must_use]
pub fn wilson(count: u64, whole: u64) -> Option<Span> {
    let (count, whole) = (u128::from(count), u128::from(whole));
    let product = count * whole.checked_sub(count)?;
    let factor = 4 * Z_SQUARED * SCALE;
    // Quotient and remainder apart, so that the largest numbers fit.
    let spread = factor * product.checked_div(whole)? + factor * (product % whole) / whole;
    let root = (Z_SQUARED * Z_SQUARED + spread).isqrt();
    let middle = 2 * count * SCALE + Z_SQUARED;
    let all = 2 * (whole * SCALE + Z_SQUARED);
    Some(Span {
        low: share_of(middle - root, all)?,
        high: share_of(middle + root, all)?,
    })
}

impl Reading<'_> {
    /// Ranks localities by the share of their newest figure.
    #[must_use]
    pub fn rank(
        &self,
        indicator: &IndicatorCode,
        ids: impl IntoIterator<Item = LocalityId>,
    ) -> Ranking {
        self.rank_if(indicator, ids, |_| true)
    }

    /// Ranks those of the localities whose size is that of `peer` within a factor of 2.
    ///
    /// The size is the denominator of the figure; those of different kinds cannot be compared.
    /// Localities without a figure are listed too, for nobody knows their size.
    /// None if the figure of `peer` has no denominator.
    #[must_use]
    pub fn rank_peers(
        &self,
        indicator: &IndicatorCode,
        ids: impl IntoIterator<Item = LocalityId>,
        peer: LocalityId,
    ) -> Option<Ranking> {
        let size = self.counted(self.key(peer, indicator)?)?.denominator?;
        let is_peer = |figure: &Counted<'_>| {
            let other = figure.denominator;
            other.is_some_and(|other| are_peers(&size, &other))
        };
        Some(self.rank_if(indicator, ids, is_peer))
    }

    fn rank_if(
        &self,
        indicator: &IndicatorCode,
        ids: impl IntoIterator<Item = LocalityId>,
        wanted: impl Fn(&Counted<'_>) -> bool,
    ) -> Ranking {
        let (mut ranked, mut without_figure) = (Vec::new(), Vec::new());
        let places = &self.state.places;
        let indicator = self.state.indicators.index(indicator);
        // First where everybody's series is, then a glance at each, then what is in it: so most waits for memory overlap.
        let series = ids.into_iter().map(|id| {
            let key = places.index(id).zip(indicator);
            (id, key.and_then(|key| self.state.figures.get(key)))
        });
        let series: Vec<_> = series.collect();
        for (_, series) in &series {
            hint::black_box(series.map(Series::glance));
        }
        for (id, series) in series {
            let row = series.and_then(|series| series.newest(self.sight, self.state));
            let Some(row) = row else {
                without_figure.push(id);
                continue;
            };
            let figure = self.state.counted_of(row);
            if wanted(&figure) {
                ranked.push(unranked(id, &figure, || row.percent()));
            }
        }
        // Mostly they come by identity; then this is one pass.
        ranked.sort_unstable_by_key(|locality| locality.id);
        // Stable, so equal shares stay by identity. None is less than any share, so reversed it comes last.
        ranked.sort_by_cached_key(|locality| Reverse(locality.share_hundredths));
        let mut last = None;
        for (place, locality) in (1..).zip(&mut ranked) {
            locality.rank = match (locality.share_hundredths, last) {
                (None, _) => 0,
                (share, Some((other, rank))) if share == other => rank,
                _ => place,
            };
            last = Some((locality.share_hundredths, locality.rank));
        }
        span_ranks(&mut ranked);
        Ranking {
            ranked,
            without_figure,
        }
    }
}

fn are_peers(one: &DenominatorRef<'_>, other: &DenominatorRef<'_>) -> bool {
    let least = one.value.min(other.value);
    one.kind == other.kind && one.value.max(other.value) <= least.saturating_mul(2)
}

fn unranked(
    id: LocalityId,
    figure: &Counted<'_>,
    printed: impl FnOnce() -> Option<Percent>,
) -> Ranked {
    let counted = figure.value.zip(figure.denominator);
    let share = counted.and_then(|(count, of)| share_of(count.value, of.value));
    Ranked {
        rank: 0,
        id,
        share_hundredths: share.or_else(|| printed().map(Percent::hundredths)),
        share_span: counted.and_then(|(count, of)| wilson(count.value, of.value)),
        rank_span: None,
    }
}

/// The largest end of an interval of a share, in hundredths of a point.
const WHOLE: u32 = 10_000;

/// Gives each the ranks that the intervals allow.
fn span_ranks(ranked: &mut [Ranked]) {
    let ends = |locality: &Ranked| {
        let share = locality.share_hundredths?;
        let span = locality.share_span;
        Some(span.map_or((share, share), |span| (span.low, span.high)))
    };
    let with_share = ranked.iter().filter_map(ends);
    let (lows, highs): (Vec<u32>, Vec<u32>) = with_share.unzip();
    let shared = lows.len();
    let (lows, highs) = (not_above(lows), not_above(highs));
    let place = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    for locality in ranked {
        locality.rank_span = locality.share_span.map(|share| {
            let below = match share.low {
                0 => 0,
                low => highs[low as usize - 1],
            };
            Span {
                low: place(shared - lows[share.high as usize] + 1),
                high: place(shared - below),
            }
        });
    }
}

/// How many ends lie at or below each end that an interval can have.
fn not_above(ends: Vec<u32>) -> Vec<usize> {
    let mut counts = vec![0; WHOLE as usize + 1];
    for end in ends.into_iter().filter(|end| *end <= WHOLE) {
        counts[end as usize] += 1;
    }
    let mut sum = 0;
    for count in &mut counts {
        sum += *count;
        *count = sum;
    }
    counts
}
