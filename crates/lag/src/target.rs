//! The required count N\* and the people allowed to be left R\*.

use crate::Quota;

/// Counts closer than this are equal: far below one person, far above rounding noise.
const HAIR: f64 = 1e-6;

/// The people allowed to be left when everybody is required; keeps a 100 % target finite.
const HALF: f64 = 0.5;

/// What a quota requires, in people.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Target {
    /// D.
    pub(crate) denominator: f64,
    /// τ·D before rounding up.
    exact: f64,
    /// N\* = ⌈τ·D⌉.
    pub(crate) required: f64,
    /// R\* = max(D − N\*, 0.5).
    pub(crate) allowed: f64,
    /// D, or N\* where a target above 100 % says that D is not everybody.
    pub(crate) ceiling: f64,
}

impl Target {
    /// Reads a quota; `None` when its denominator or its share cannot be reckoned with.
    pub(crate) fn of(quota: &Quota) -> Option<Target> {
        let denominator = quota.denominator;
        let exact = quota.target_share * denominator;
        if !(exact.is_finite() && denominator.is_finite() && denominator > 0.0 && exact >= 0.0) {
            return None;
        }
        let required = (exact - HAIR).ceil().max(0.0);
        let allowed = (denominator - required).max(HALF);
        Some(Target {
            denominator,
            exact,
            required,
            allowed,
            ceiling: denominator.max(required),
        })
    }

    /// N ≥ N\*.
    ///
    /// For whole counts this is N ≥ ⌈τ·D⌉; a count made from a percentage is not refused for the
    /// fraction of a person it lacks.
    pub(crate) fn is_met(&self, count: f64) -> bool {
        count + HAIR >= self.exact
    }

    /// R = max(D − N, 0).
    pub(crate) fn left(&self, count: f64) -> f64 {
        (self.ceiling - count).max(0.0)
    }
}

impl Quota {
    /// The whole units of an amount, which may have been made from a percentage.
    ///
    /// The rest is dropped, but an amount that meets the target is never less than N\*: a
    /// percentage is not refused for the fraction of a person it lacks.
    #[must_use]
    pub fn whole(&self, amount: f64) -> u64 {
        let met = Target::of(self).filter(|target| target.is_met(amount));
        whole(amount).max(met.map_or(0, |target| whole(target.required)))
    }
}

/// The whole units of an amount; what a hair is missing to counts.
pub(crate) fn whole(amount: f64) -> u64 {
    // Of what is no number or below zero there is nothing.
    (amount + HAIR).floor() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(denominator: f64, target_share: f64) -> Option<Target> {
        let quota = Quota {
            denominator,
            target_share,
            start: None,
            deadline: None,
            milestones: Vec::new(),
            position: 1,
        };
        Target::of(&quota)
    }

    #[test]
    fn rounds_up_but_not_for_rounding_noise() {
        // 0.95 · 269 950 = 256 452.5 → 256 453; left over 13 497.
        let t = target(269_950.0, 0.95).unwrap();
        assert_eq!((t.required, t.allowed), (256_453.0, 13_497.0));
        // 0.07 · 100 is 7.000000000000001 in binary, and still 7.
        assert_eq!(target(100.0, 0.07).unwrap().required, 7.0);
    }

    #[test]
    fn everybody_leaves_half_a_person() {
        let t = target(1000.0, 1.0).unwrap();
        assert_eq!((t.required, t.allowed, t.ceiling), (1000.0, 0.5, 1000.0));
        assert!(t.is_met(1000.0) && !t.is_met(999.0));
    }

    #[test]
    fn target_above_the_denominator_widens_the_ceiling() {
        // 1.09 · 1000 = 1090; 1000 done leaves 90.
        let t = target(1000.0, 1.09).unwrap();
        assert_eq!((t.required, t.allowed, t.left(1000.0)), (1090.0, 0.5, 90.0));
    }

    #[test]
    fn a_percentage_is_met_at_its_own_share() {
        // 83.8 of 100 with τ = 83.8 %.
        let t = target(100.0, 0.838).unwrap();
        assert!(t.is_met(83.8) && !t.is_met(83.7));
    }

    #[test]
    fn an_amount_is_whole_units_and_what_meets_the_target_is_enough() {
        let quota = |target_share| Quota {
            denominator: 101.0,
            target_share,
            start: None,
            deadline: None,
            milestones: Vec::new(),
            position: 1,
        };
        // 83.8 % of 101 are 84.638, and 85 people are asked for.
        assert_eq!(quota(0.838).whole(84.638), 85);
        assert_eq!(quota(0.839).whole(84.638), 84);
        assert_eq!(quota(0.9).whole(83.999_999_9), 84);
        assert_eq!(quota(0.9).whole(90.0), 90);
        assert_eq!((quota(0.9).whole(-3.0), quota(0.9).whole(f64::NAN)), (0, 0));
    }

    #[test]
    fn no_people_no_target() {
        assert_eq!(target(0.0, 0.95), None);
        assert_eq!(target(-5.0, 0.95), None);
        assert_eq!(target(f64::NAN, 0.95), None);
        assert_eq!(target(100.0, -0.1), None);
    }
}
