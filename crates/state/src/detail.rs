//! What figures of one series have in common, kept once for all of them.
//!
//! A printed percentage differs from figure to figure, but nearly always follows from the count: then only how it follows is kept.
//! A figure that is a percentage alone has no count, and its percentage stands in that place.
//! What remains is kept as it is: a denominator or a note that differs with each figure, or a percentage that does not follow, costs a detail of 40 bytes a figure.

use domain::event::Figure;
use domain::text::{Bound, Percent, Quantity};
use serde::Serialize;

/// All of a figure but its numbers, its source and its actor; texts as indexes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Detail {
    /// How the count is meant; none without a count.
    bound: Option<Bound>,
    percent: Printed,
    percent_bound: Bound,
    against: Option<Against>,
    remark: u32,
}

/// A denominator as it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Against {
    pub(crate) kind: u32,
    pub(crate) value: u64,
    pub(crate) derived: bool,
}

/// A printed percentage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Printed {
    None,
    /// Hundredths of a point in the place of the count, printed to so many decimals.
    Alone(u8),
    /// What follows from count and denominator, rounded half up to so many decimals, and so many units of the last one off: reports also round down or up.
    Computed {
        decimals: u8,
        off: i8,
    },
    /// None of these.
    Given(Percent),
}

impl Printed {
    fn percent(self, count: u64, against: Option<Against>) -> Option<Percent> {
        match self {
            Self::None => None,
            Self::Alone(decimals) => Percent::from_hundredths(u32::try_from(count).ok()?, decimals),
            Self::Computed { decimals, off } => {
                let computed = Percent::of_rounded(count, against?.value, decimals)?;
                let unit = 10_i32.pow(2 - u32::from(decimals.min(2)));
                let off = i32::from(off) * unit;
                let hundredths = computed.hundredths().checked_add_signed(off)?;
                Percent::from_hundredths(hundredths, decimals)
            }
            Self::Given(percent) => Some(percent),
        }
    }
}

impl Detail {
    /// The detail of a figure, and what stands in the place of its count.
    pub(crate) fn of(figure: &Figure, against: Option<Against>, remark: u32) -> (Self, u64) {
        let (count, percent) = match (figure.value, figure.percent) {
            (None, None) => (0, Printed::None),
            (Some(value), None) => (value.value, Printed::None),
            (None, Some(percent)) => (
                u64::from(percent.hundredths()),
                Printed::Alone(percent.decimals()),
            ),
            (Some(value), Some(percent)) => {
                let decimals = percent.decimals();
                let computed = [0, -1, 1].map(|off| Printed::Computed { decimals, off });
                let same = |one: &Printed| one.percent(value.value, against) == Some(percent);
                let computed = computed.into_iter().find(same);
                (value.value, computed.unwrap_or(Printed::Given(percent)))
            }
        };
        let detail = Self {
            bound: figure.value.map(|value| value.bound),
            percent,
            percent_bound: figure.percent_bound,
            against,
            remark,
        };
        (detail, count)
    }

    /// Bound, percentage, its bound, denominator, remark; 0 for what is none.
    pub(crate) fn to_bytes(self) -> [u8; 26] {
        let (form, decimals, off, hundredths) = match self.percent {
            Printed::None => (0, 0, 0, 0),
            Printed::Alone(decimals) => (1, decimals, 0, 0),
            Printed::Computed { decimals, off } => (2, decimals, off, 0),
            Printed::Given(percent) => (3, percent.decimals(), 0, percent.hundredths()),
        };
        let [off] = off.to_le_bytes();
        let derived = self
            .against
            .map_or(0, |against| 1 + u8::from(against.derived));
        let (kind, value) = self
            .against
            .map_or((0, 0), |against| (against.kind, against.value));
        let bound = self.bound.map_or(0, |bound| 1 + byte_of(bound));
        let mut bytes = [0; 26];
        let heads = [
            bound,
            form,
            decimals,
            off,
            byte_of(self.percent_bound),
            derived,
        ];
        bytes[..6].copy_from_slice(&heads);
        bytes[6..10].copy_from_slice(&u32::to_le_bytes(hundredths));
        bytes[10..14].copy_from_slice(&u32::to_le_bytes(kind));
        bytes[14..22].copy_from_slice(&u64::to_le_bytes(value));
        bytes[22..].copy_from_slice(&self.remark.to_le_bytes());
        bytes
    }

    /// None for bytes that [`Detail::to_bytes`] never gives.
    pub(crate) fn from_bytes(bytes: [u8; 26]) -> Option<Self> {
        let (heads, rest) = bytes.split_first_chunk()?;
        let [bound, form, decimals, off, percent_bound, derived] = *heads;
        let (hundredths, rest) = rest.split_first_chunk()?;
        let (kind, rest) = rest.split_first_chunk()?;
        let (value, remark) = rest.split_first_chunk()?;
        let given = Percent::from_hundredths(u32::from_le_bytes(*hundredths), decimals)?;
        let against = Against {
            kind: u32::from_le_bytes(*kind),
            value: u64::from_le_bytes(*value),
            derived: derived == 2,
        };
        let read = Self {
            bound: match bound.checked_sub(1) {
                None => None,
                Some(byte) => Some(bound_of(byte)?),
            },
            percent: match form {
                0 => Printed::None,
                1 => Printed::Alone(decimals),
                2 => Printed::Computed {
                    decimals,
                    off: i8::from_le_bytes([off]),
                },
                3 => Printed::Given(given),
                _ => return None,
            },
            percent_bound: bound_of(percent_bound)?,
            against: (derived > 0).then_some(against),
            remark: u32::from_le_bytes(*remark.first_chunk()?),
        };
        (read.to_bytes() == bytes).then_some(read)
    }

    /// The count of a figure with this detail.
    pub(crate) fn value(&self, count: u64) -> Option<Quantity> {
        self.bound.map(|bound| Quantity {
            bound,
            value: count,
        })
    }

    /// The percentage printed with a figure of this detail.
    pub(crate) fn percent(&self, count: u64) -> Option<Percent> {
        self.percent.percent(count, self.against)
    }

    pub(crate) fn percent_bound(&self) -> Bound {
        self.percent_bound
    }

    pub(crate) fn against(&self) -> Option<Against> {
        self.against
    }

    /// The note of a report, or the reason of a correction.
    pub(crate) fn remark(&self) -> u32 {
        self.remark
    }
}

/// The number of a bound in a saved state.
fn byte_of(bound: Bound) -> u8 {
    match bound {
        Bound::Exact => 0,
        Bound::AtLeast => 1,
        Bound::AtMost => 2,
        Bound::About => 3,
    }
}

/// The bound of a number, if it is one.
fn bound_of(byte: u8) -> Option<Bound> {
    let bounds = [Bound::Exact, Bound::AtLeast, Bound::AtMost, Bound::About];
    bounds.into_iter().find(|bound| byte_of(*bound) == byte)
}

#[cfg(test)]
mod tests {
    use domain::event::Denominator;
    use proptest::prelude::*;

    use super::*;

    fn figures_against(figure: &Figure) -> Option<Against> {
        figure.denominator.as_ref().map(|against| Against {
            kind: 7,
            value: against.value,
            derived: against.derived,
        })
    }

    fn figures() -> impl Strategy<Value = Figure> {
        let bound = prop::sample::select(vec![Bound::Exact, Bound::AtLeast, Bound::About]);
        let value = (bound.clone(), prop_oneof![0..3_000_u64, any::<u64>()]);
        let percent = (0..=10_000_000_u32, 0..=2_u8);
        let percent = percent
            .prop_map(|(hundredths, decimals)| Percent::from_hundredths(hundredths, decimals));
        let against = (1..3_000_u64, any::<bool>());
        let computed = prop::option::of((0..=2_u8, -200..=200_i32));
        let all = (prop::option::of(value), percent, prop::option::of(against));
        (all, computed, bound).prop_map(|((value, percent, against), computed, bound)| {
            let numbers = value.zip(against);
            let near = computed
                .zip(numbers)
                .and_then(|((decimals, off), numbers)| {
                    let ((_, value), (against, _)) = numbers;
                    let computed = Percent::of_rounded(value, against, decimals)?;
                    let hundredths = computed.hundredths().checked_add_signed(off)?;
                    Percent::from_hundredths(hundredths, decimals)
                });
            Figure {
                value: value.map(|(bound, value)| Quantity { bound, value }),
                denominator: against.map(|(value, derived)| Denominator {
                    kind: String::new(),
                    value,
                    derived,
                }),
                percent: near.or(percent),
                percent_bound: bound,
                ..Figure::default()
            }
        })
    }

    proptest! {
        #[test]
        fn what_is_kept_reads_back(figure in figures()) {
            let against = figures_against(&figure);
            let (detail, count) = Detail::of(&figure, against, 9);
            prop_assert_eq!(detail.value(count), figure.value);
            prop_assert_eq!(detail.percent(count), figure.percent);
            prop_assert_eq!(detail.percent_bound(), figure.percent_bound);
            prop_assert_eq!((detail.against(), detail.remark()), (against, 9));
        }
    }

    #[test]
    fn percentages_that_follow_from_their_counts_share_a_detail() {
        let detail = |count: Option<u64>, percent: &str| {
            let figure = Figure {
                value: count.map(|value| Quantity {
                    bound: Bound::Exact,
                    value,
                }),
                denominator: Some(Denominator {
                    kind: String::new(),
                    value: 3_000,
                    derived: false,
                }),
                percent: percent.parse().ok(),
                ..Figure::default()
            };
            assert!(figure.percent.is_some(), "{percent}");
            Detail::of(&figure, figures_against(&figure), 0).0
        };
        let rounded = detail(Some(1_001), "33.4");
        assert_eq!(rounded, detail(Some(2_000), "66.7"));
        // A report that cuts off the decimals behind the first.
        assert_eq!(detail(Some(2_000), "66.6"), detail(Some(1_999), "66.5"));
        assert_eq!(detail(None, "66.6"), detail(None, "12.3"));
        assert_ne!(rounded, detail(Some(2_000), "66.67"));
        assert_ne!(detail(Some(2_000), "71.0"), detail(Some(2_000), "72.0"));
    }
}
