//! The numbers of a figure, in 15 bytes.
//!
//! What differs from figure to figure stands here: moment, position, count, and the number of the detail that says the rest.
//! A list is narrow while all its points fit, and wide from the first that does not: a position or a count beyond 40 bits, a year before 1900 or after 2923, more details than 14 bits can number.
//! A list grows by a sixteenth, so that a narrow one takes at most 16 bytes a figure with the room it keeps.

use std::io::{self, Read, Write};

use crate::form::{Input, LoadError, Output};

/// A figure's numbers as they are read, and as a wide list keeps them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Point {
    /// The moment it speaks of, packed.
    pub(crate) moment: i32,
    /// Where it stands.
    pub(crate) position: u64,
    /// How many; what it is of a figure without a count, its detail says.
    pub(crate) count: u64,
    /// The number of its detail.
    pub(crate) detail: u32,
    /// Whether it corrects another, or was corrected or retracted.
    pub(crate) marked: bool,
    /// Whether it came after a figure of a later moment.
    pub(crate) late: bool,
}

/// The packed moments of 1900 begin here: a year takes 2^14 numbers.
const FIRST: i32 = 1900 << 14;
/// Beside the number of a detail: whether the point is marked.
const MARKED: u16 = 1 << 15;
/// And whether it is late.
const LATE: u16 = 1 << 14;

/// A point in as few bytes as hold it, the lowest first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Narrow {
    /// From [`FIRST`] on.
    moment: [u8; 3],
    position: [u8; 5],
    count: [u8; 5],
    /// With [`MARKED`] and [`LATE`].
    detail: [u8; 2],
}

impl Narrow {
    /// None if a number does not fit.
    fn pack(point: Point) -> Option<Self> {
        let moment = u32::try_from(point.moment.checked_sub(FIRST)?).ok()?;
        let [a, b, c, 0] = moment.to_le_bytes() else {
            return None;
        };
        let detail = u16::try_from(point.detail).ok().filter(|of| *of < LATE)?;
        let marked = if point.marked { MARKED } else { 0 };
        let late = if point.late { LATE } else { 0 };
        Some(Self {
            moment: [a, b, c],
            position: five_bytes(point.position)?,
            count: five_bytes(point.count)?,
            detail: (detail | marked | late).to_le_bytes(),
        })
    }

    fn unpack(self) -> Point {
        let [a, b, c] = self.moment;
        let detail = u16::from_le_bytes(self.detail);
        Point {
            moment: FIRST + i32::from_le_bytes([a, b, c, 0]),
            position: of_five(self.position),
            count: of_five(self.count),
            detail: u32::from(detail & !(MARKED | LATE)),
            marked: detail & MARKED != 0,
            late: detail & LATE != 0,
        }
    }
}

/// A list of a saved state whose points are narrow.
const NARROW_LIST: u8 = 0;
/// And one whose points are wide.
const WIDE_LIST: u8 = 1;

impl Narrow {
    /// Moment, position, count, detail, as they are kept.
    fn to_bytes(self) -> [u8; 15] {
        let [a, b, c] = self.moment;
        let [d, e, f, g, h] = self.position;
        let [i, j, k, l, m] = self.count;
        let [n, o] = self.detail;
        [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o]
    }

    fn from_bytes([a, b, c, d, e, f, g, h, i, j, k, l, m, n, o]: [u8; 15]) -> Self {
        Self {
            moment: [a, b, c],
            position: [d, e, f, g, h],
            count: [i, j, k, l, m],
            detail: [n, o],
        }
    }
}

impl Point {
    /// Moment, position, count, detail, and a byte for each mark.
    fn to_bytes(self) -> [u8; 26] {
        let mut bytes = [0; 26];
        bytes[..4].copy_from_slice(&self.moment.to_le_bytes());
        bytes[4..12].copy_from_slice(&self.position.to_le_bytes());
        bytes[12..20].copy_from_slice(&self.count.to_le_bytes());
        bytes[20..24].copy_from_slice(&self.detail.to_le_bytes());
        bytes[24..].copy_from_slice(&[u8::from(self.marked), u8::from(self.late)]);
        bytes
    }

    /// None if a mark is none.
    fn from_bytes(bytes: [u8; 26]) -> Option<Self> {
        let (moment, rest) = bytes.split_first_chunk()?;
        let (position, rest) = rest.split_first_chunk()?;
        let (count, rest) = rest.split_first_chunk()?;
        let (detail, marks) = rest.split_first_chunk()?;
        let [marked @ 0..=1, late @ 0..=1] = *marks else {
            return None;
        };
        Some(Self {
            moment: i32::from_le_bytes(*moment),
            position: u64::from_le_bytes(*position),
            count: u64::from_le_bytes(*count),
            detail: u32::from_le_bytes(*detail),
            marked: marked == 1,
            late: late == 1,
        })
    }
}

/// None for 40 bits or more.
fn five_bytes(number: u64) -> Option<[u8; 5]> {
    match number.to_le_bytes() {
        [a, b, c, d, e, 0, 0, 0] => Some([a, b, c, d, e]),
        _ => None,
    }
}

fn of_five([a, b, c, d, e]: [u8; 5]) -> u64 {
    u64::from_le_bytes([a, b, c, d, e, 0, 0, 0])
}

/// A list of points; all in one form, so that each is found by its index.
#[derive(Debug, Clone)]
pub(crate) enum Points {
    Narrow(Vec<Narrow>),
    Wide(Vec<Point>),
}

impl Default for Points {
    fn default() -> Self {
        Self::Narrow(Vec::new())
    }
}

impl Points {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Narrow(points) => points.len(),
            Self::Wide(points) => points.len(),
        }
    }

    pub(crate) fn get(&self, index: usize) -> Point {
        match self {
            Self::Narrow(points) => points[index].unpack(),
            Self::Wide(points) => points[index],
        }
    }

    pub(crate) fn last(&self) -> Option<Point> {
        Some(self.get(self.len().checked_sub(1)?))
    }

    /// How many points come before the first of which something is not true.
    pub(crate) fn partition_point(&self, is_before: impl Fn(Point) -> bool) -> usize {
        match self {
            Self::Narrow(points) => points.partition_point(|point| is_before(point.unpack())),
            Self::Wide(points) => points.partition_point(|point| is_before(*point)),
        }
    }

    pub(crate) fn insert(&mut self, index: usize, point: Point) {
        match self {
            Self::Narrow(points) => {
                if let Some(narrow) = Narrow::pack(point) {
                    make_room(points, 4);
                    points.insert(index, narrow);
                } else {
                    let mut wide = Vec::with_capacity(points.len() + 4);
                    wide.extend(points.iter().map(|point| point.unpack()));
                    wide.insert(index, point);
                    *self = Self::Wide(wide);
                }
            }
            Self::Wide(points) => {
                make_room(points, 4);
                points.insert(index, point);
            }
        }
    }

    pub(crate) fn mark(&mut self, index: usize) {
        match self {
            Self::Narrow(points) => {
                let detail = u16::from_le_bytes(points[index].detail);
                points[index].detail = (detail | MARKED).to_le_bytes();
            }
            Self::Wide(points) => points[index].marked = true,
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Point> {
        (0..self.len()).map(|index| self.get(index))
    }

    pub(crate) fn save(&self, out: &mut Output<impl Write>) -> io::Result<()> {
        match self {
            Self::Narrow(points) => {
                out.bytes(&[NARROW_LIST])?;
                out.list(points.iter().map(|point| point.to_bytes()))
            }
            Self::Wide(points) => {
                out.bytes(&[WIDE_LIST])?;
                out.list(points.iter().map(|point| point.to_bytes()))
            }
        }
    }

    pub(crate) fn load(input: &mut Input<impl Read>) -> Result<Self, LoadError> {
        match input.byte()? {
            NARROW_LIST => Ok(Self::Narrow(
                input.list(|bytes| Some(Narrow::from_bytes(bytes)))?,
            )),
            WIDE_LIST => Ok(Self::Wide(input.list(Point::from_bytes)?)),
            _ => Err(input.invalid("a list is neither narrow nor wide")),
        }
    }

    /// Bytes with the room kept.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Narrow(points) => bytes_of(points),
            Self::Wide(points) => bytes_of(points),
        }
    }
}

/// Makes room for one more: for a sixteenth of what there is, but for `least`.
///
/// [`Vec`] would double, and half of the memory would stand empty.
pub(crate) fn make_room<T>(list: &mut Vec<T>, least: usize) {
    if list.len() == list.capacity() {
        list.reserve_exact((list.len() / 16).max(least));
    }
}

/// Bytes of a list with the room it keeps.
pub(crate) fn bytes_of<T>(list: &Vec<T>) -> usize {
    list.capacity() * size_of::<T>()
}

#[cfg(test)]
mod tests {
    use domain::text::Moment;
    use jiff::civil::{Date, date};
    use proptest::prelude::*;

    use super::*;

    const POINT: Point = Point {
        moment: FIRST,
        position: 1,
        count: 0,
        detail: 0,
        marked: false,
        late: false,
    };

    /// Numbers on both sides of what fits.
    fn points() -> impl Strategy<Value = Point> {
        let number = || {
            prop_oneof![
                0..=u64::MAX,
                0..1_u64 << 40,
                (1_u64 << 40) - 2..(1 << 40) + 2
            ]
        };
        let moment = prop_oneof![
            any::<i32>(),
            FIRST..FIRST + (1 << 24),
            FIRST - 2..FIRST + 2,
            FIRST + (1 << 24) - 2..FIRST + (1 << 24) + 2,
        ];
        let detail = prop_oneof![any::<u32>(), 0..1_u32 << 15];
        let flags = any::<(bool, bool)>();
        (moment, number(), number(), detail, flags).prop_map(
            |(moment, position, count, detail, (marked, late))| Point {
                moment,
                position,
                count,
                detail,
                marked,
                late,
            },
        )
    }

    proptest! {
        #[test]
        fn what_is_packed_reads_back(point in points()) {
            let fits = (FIRST..FIRST + (1 << 24)).contains(&point.moment)
                && point.position < 1 << 40
                && point.count < 1 << 40
                && point.detail < 1 << 14;
            let packed = Narrow::pack(point).map(Narrow::unpack);
            prop_assert_eq!(packed, fits.then_some(point));
        }

        #[test]
        fn a_list_holds_what_was_put_in(
            put in prop::collection::vec((points(), any::<prop::sample::Index>()), 0..20),
            marked in any::<prop::sample::Index>(),
        ) {
            let (mut points, mut expected) = (Points::default(), Vec::new());
            for (point, at) in put {
                let at = at.index(expected.len() + 1);
                points.insert(at, point);
                expected.insert(at, point);
            }
            if !expected.is_empty() {
                let marked = marked.index(expected.len());
                points.mark(marked);
                expected[marked].marked = true;
            }
            let held: Vec<_> = (0..points.len()).map(|index| points.get(index)).collect();
            prop_assert_eq!(points.last(), expected.last().copied());
            prop_assert_eq!(held, expected);
        }
    }

    #[test]
    fn the_moments_of_a_thousand_years_are_narrow() {
        let fits = |moment: Moment| {
            let moment = moment.packed();
            Narrow::pack(Point { moment, ..POINT }).is_some()
        };
        let first = Moment::at_hour(date(1900, 1, 1), 0);
        assert!(first.is_some_and(fits) && fits(Moment::end_of(date(2923, 12, 31))));
        assert!(!fits(Moment::end_of(date(1899, 12, 31))) && !fits(Moment::end_of(Date::MAX)));
    }

    #[test]
    fn a_list_keeps_little_room() {
        let mut points = Points::default();
        for position in 1..=2_000 {
            points.insert(points.len(), Point { position, ..POINT });
            let most = 16 * points.len() + 4 * 15;
            assert!(points.bytes() <= most, "{} at {position}", points.bytes());
        }
        assert!(matches!(points, Points::Narrow(_)));
    }
}
