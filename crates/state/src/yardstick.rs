//! Figures in the units of what they are held against, exactly.
//!
//! A count is taken as it is.
//! A figure of which only the percentage was published becomes `percent · D`; a quota that is itself a percentage (nobody published its people) counts hundredths of a point, so that 83,8 % is 8,380 of 10,000.
//! An amount is a fraction, so that whoever reckons with it rounds once.

use domain::event::QuotaAssigned;
use domain::text::Percent;

use crate::figure::FigureRef;
use crate::followed::Numbers;

/// Everybody, in hundredths of a percentage point.
const SHARE_DENOMINATOR: u64 = 10_000;

/// Kind of the denominator of a quota that is itself a percentage.
pub const PERCENT: &str = "percent";

/// What figures are held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Yardstick {
    /// Counts of so many people or things.
    Count(u64),
    /// Shares only, in hundredths of a percentage point.
    Share,
}

/// So many units: `numerator / divisor`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Amount {
    /// How many parts of a unit.
    pub numerator: u128,
    /// How many parts a unit has, above 0.
    pub divisor: u64,
}

impl Amount {
    /// A count.
    pub(crate) fn whole(count: u64) -> Self {
        Self {
            numerator: count.into(),
            divisor: 1,
        }
    }

    /// So many of `whole` units as `part` is of `of`, which is above 0.
    fn share(part: u64, of: u64, whole: u64) -> Self {
        Self {
            numerator: u128::from(part) * u128::from(whole),
            divisor: of,
        }
    }

    /// Whether it is at least so many hundredths of a point of `whole` units.
    pub(crate) fn reaches(self, hundredths: u32, whole: u64) -> bool {
        let parts = u128::from(whole).saturating_mul(self.divisor.into());
        let wanted = parts.saturating_mul(hundredths.into());
        self.numerator.saturating_mul(10_000) >= wanted
    }
}

/// A figure in the units of a yardstick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measured {
    /// How many.
    pub amount: Amount,
    /// Whether it was made from the percentage as printed, since no count says as much.
    pub is_from_percent: bool,
}

impl Yardstick {
    /// The yardstick of a quota.
    #[must_use]
    pub fn of_quota(quota: &QuotaAssigned) -> Self {
        if quota.denominator.kind == PERCENT {
            Self::Share
        } else {
            Self::Count(quota.denominator.value)
        }
    }

    /// The yardstick a series brings itself; none if it says of no figure what it is a share of.
    #[must_use]
    pub fn of_series(figures: &[Numbers<'_>]) -> Option<Self> {
        let newest = *figures.last()?;
        let counted = figures.iter().all(|figure| figure.count().is_some());
        match newest.denominator() {
            Some(against) if counted => Some(Self::Count(against)),
            _ => Self::Share.measure_numbers(newest).map(|_| Self::Share),
        }
    }

    /// D: how many units everybody is.
    #[must_use]
    pub fn denominator(self) -> u64 {
        match self {
            Self::Count(denominator) => denominator,
            Self::Share => SHARE_DENOMINATOR,
        }
    }

    /// A figure in its units; none if it says too little for that.
    #[must_use]
    pub fn measure(self, figure: &FigureRef<'_>) -> Option<Measured> {
        let count = figure.value.map(|count| count.value);
        let against = figure.denominator.map(|against| against.value);
        self.measured(count, against, || figure.percent)
    }

    /// The same of a figure without its texts.
    #[inline]
    #[must_use]
    pub fn measure_numbers(self, figure: Numbers<'_>) -> Option<Measured> {
        self.measured(figure.count(), figure.denominator(), || figure.percent())
    }

    #[inline]
    fn measured(
        self,
        count: Option<u64>,
        against: Option<u64>,
        percent: impl FnOnce() -> Option<Percent>,
    ) -> Option<Measured> {
        let count = match (self, count, against) {
            (Self::Count(_), Some(count), _) => Some(Amount::whole(count)),
            (Self::Share, Some(count), Some(against)) if against > 0 => {
                Some(Amount::share(count, against, SHARE_DENOMINATOR))
            }
            _ => None,
        };
        let printed = || {
            let part = percent()?.hundredths().into();
            Some(Amount::share(part, 10_000, self.denominator()))
        };
        Some(Measured {
            amount: count.or_else(printed)?,
            is_from_percent: count.is_none(),
        })
    }

    /// So many people or things of a quota in its units.
    pub(crate) fn of_people(self, count: u64, quota: &QuotaAssigned) -> Amount {
        match self {
            Self::Count(_) => Amount::whole(count),
            Self::Share => Amount::share(count, quota.denominator.value.max(1), SHARE_DENOMINATOR),
        }
    }
}
