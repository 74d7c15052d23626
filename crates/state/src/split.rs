//! How far a number went from one view to another, split by reason, and the events behind each part.

/// Why a number is another in another view; in the order in which one view is turned into the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Term {
    /// What the earlier view showed was corrected or retracted.
    Corrections,
    /// The same figures by other boundaries.
    BoundaryChanges,
    /// Figures reported since, of whatever moment.
    NewWork,
    /// The same count against another quota or denominator.
    QuotaChanges,
}

impl Term {
    /// All of them, in order.
    pub const ALL: [Self; 4] = [
        Self::Corrections,
        Self::BoundaryChanges,
        Self::NewWork,
        Self::QuotaChanges,
    ];

    /// The stable text, used by JSON, CSV and the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Corrections => "corrections",
            Self::BoundaryChanges => "boundary_changes",
            Self::NewWork => "new_work",
            Self::QuotaChanges => "quota_changes",
        }
    }
}

/// The events behind a term.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Events {
    /// The newest of them by position, newest first; at most [`Events::LISTED_MAX`].
    pub newest: Vec<u64>,
    /// How many there are.
    pub count: usize,
}

impl Events {
    /// How many are listed at most.
    pub const LISTED_MAX: usize = 100;

    pub(crate) fn of(mut positions: Vec<u64>) -> Self {
        positions.sort_unstable_by(|a, b| b.cmp(a));
        positions.dedup();
        let count = positions.len();
        positions.truncate(Self::LISTED_MAX);
        Self {
            newest: positions,
            count,
        }
    }
}

/// A number in two views, and what every term adds from the one to the other.
///
/// With nothing counted as 0, [`Split::from`] and all four terms add up to [`Split::to`] exactly.
/// Nothing is not zero: a term that [brings](Split::brings) the number or [takes](Split::takes) it away says so, and then is no change of a number that both sides have.
/// Numbers stop at 9,223,372,036,854,775,807.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Split {
    /// As the earlier view shows it, then after each term.
    looks: [Option<i64>; 5],
    /// Whether the question goes from the later view to the earlier one.
    backwards: bool,
}

impl Split {
    pub(crate) fn new(looks: [Option<u64>; 5], backwards: bool) -> Self {
        let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        Self {
            looks: looks.map(|look| look.map(signed)),
            backwards,
        }
    }

    /// The number in the view asked from; none if that has none.
    #[must_use]
    pub fn from(&self) -> Option<u64> {
        self.end(self.backwards)
    }

    /// The number in the view asked to; none if that has none.
    #[must_use]
    pub fn to(&self) -> Option<u64> {
        self.end(!self.backwards)
    }

    /// What a term adds to the number; below zero if it takes from it.
    #[must_use]
    pub fn of(&self, term: Term) -> i64 {
        let (before, after) = self.around(term);
        // Both are at least 0, so the difference fits.
        after.unwrap_or(0) - before.unwrap_or(0)
    }

    /// Whether there is no number before the term and one after it: a first figure, a first quota.
    #[must_use]
    pub fn brings(&self, term: Term) -> bool {
        let (before, after) = self.around(term);
        before.is_none() && after.is_some()
    }

    /// Whether there is a number before the term and none after it: a figure retracted, a quota suspended.
    #[must_use]
    pub fn takes(&self, term: Term) -> bool {
        let (before, after) = self.around(term);
        before.is_some() && after.is_none()
    }

    /// Whether there is no number anywhere between the two views.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.looks == [None; 5]
    }

    fn around(&self, term: Term) -> (Option<i64>, Option<i64>) {
        let (earlier, later) = (self.looks[term as usize], self.looks[term as usize + 1]);
        if self.backwards {
            (later, earlier)
        } else {
            (earlier, later)
        }
    }

    fn end(&self, later: bool) -> Option<u64> {
        let [earliest, .., latest] = self.looks;
        let look = if later { latest } else { earliest };
        look.map(i64::unsigned_abs)
    }
}
