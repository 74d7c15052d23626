//! The parts of a figure as they are read: borrowed, from a message or straight from the bytes of the log.
//!
//! A log holds little else than figures, and a message would copy each of their texts once more than needed: reading
//! them so takes less than half the time.
//! What is written otherwise than [`to_bytes`](super::to_bytes) writes it (fields out of order, twice, unknown) is not
//! read here; whoever asks then reads the message.

use crate::v1 as w;

/// What stands behind a tag.
#[derive(Clone, Copy)]
pub(super) enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

impl<'a> Value<'a> {
    fn number(self) -> Option<u64> {
        match self {
            Self::Number(number) => Some(number),
            Self::Bytes(_) => None,
        }
    }

    fn bytes(self) -> Option<&'a [u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            Self::Number(_) => None,
        }
    }
}

/// A message, borrowed.
pub(super) trait View<'a>: Default {
    /// Takes a field; none if there is no such field.
    fn take(&mut self, tag: u64, value: Value<'a>) -> Option<()>;

    /// Reads a message; none unless its fields are known and stand in order, each once.
    fn read(mut bytes: &'a [u8]) -> Option<Self> {
        let (mut view, mut last) = (Self::default(), 0);
        while !bytes.is_empty() {
            let key = varint(&mut bytes)?;
            let value = match key & 7 {
                0 => Value::Number(varint(&mut bytes)?),
                2 => {
                    let length = usize::try_from(varint(&mut bytes)?).ok()?;
                    let (value, rest) = bytes.split_at_checked(length)?;
                    bytes = rest;
                    Value::Bytes(value)
                }
                _ => return None,
            };
            let tag = key >> 3;
            if tag <= last {
                return None;
            }
            view.take(tag, value)?;
            last = tag;
        }
        Some(view)
    }
}

/// The number in front, in groups of seven bits, the lowest first; none beyond 63 bits, which no encoder of ours writes.
fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for (at, byte) in bytes.iter().take(9).enumerate() {
        number |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            *bytes = &bytes[at + 1..];
            return Some(number);
        }
    }
    None
}

/// What a field holds.
trait Field<'a>: Sized {
    fn of(value: Value<'a>) -> Option<Self>;
}

impl<'a> Field<'a> for &'a str {
    fn of(value: Value<'a>) -> Option<Self> {
        std::str::from_utf8(value.bytes()?).ok()
    }
}

impl<'a> Field<'a> for &'a [u8] {
    fn of(value: Value<'a>) -> Option<Self> {
        value.bytes()
    }
}

impl<'a> Field<'a> for u64 {
    fn of(value: Value<'a>) -> Option<Self> {
        value.number()
    }
}

impl<'a> Field<'a> for i32 {
    fn of(value: Value<'a>) -> Option<Self> {
        i32::try_from(value.number()?).ok()
    }
}

impl<'a> Field<'a> for bool {
    fn of(value: Value<'a>) -> Option<Self> {
        Some(value.number()? != 0)
    }
}

impl<'a, T: View<'a>> Field<'a> for Option<T> {
    fn of(value: Value<'a>) -> Option<Self> {
        T::read(value.bytes()?).map(Some)
    }
}

/// What the field of a message lends to a view of it.
trait Lend<'a, T> {
    fn lend(&'a self) -> T;
}

impl<'a> Lend<'a, &'a str> for String {
    fn lend(&'a self) -> &'a str {
        self
    }
}

impl<'a, M: 'a, T: From<&'a M>> Lend<'a, Option<T>> for Option<M> {
    fn lend(&'a self) -> Option<T> {
        self.as_ref().map(Into::into)
    }
}

macro_rules! number {
    ($($type:ty),*) => {$(
        impl<'a> Lend<'a, $type> for $type {
            fn lend(&'a self) -> $type {
                *self
            }
        }
    )*};
}

number!(bool, i32, u64);

/// A view of a message: its fields with their tags in the contract.
macro_rules! view {
    ($(#[$doc:meta])* $name:ident { $($field:ident: $type:ty = $tag:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Default)]
        pub(super) struct $name<'a> {
            $(pub(super) $field: $type,)*
        }

        impl<'a> View<'a> for $name<'a> {
            fn take(&mut self, tag: u64, value: Value<'a>) -> Option<()> {
                match tag {
                    $($tag => self.$field = Field::of(value)?,)*
                    _ => return None,
                }
                Some(())
            }
        }
    };
    ($(#[$doc:meta])* $name:ident of $message:ident { $($fields:tt)* }) => {
        view!($(#[$doc])* $name { $($fields)* });
        view!(@lend $name $message $($fields)*);
    };
    (@lend $name:ident $message:ident $($field:ident: $type:ty = $tag:literal),* $(,)?) => {
        impl<'a> From<&'a w::$message> for $name<'a> {
            fn from(message: &'a w::$message) -> Self {
                Self {
                    $($field: message.$field.lend(),)*
                }
            }
        }
    };
}

view!(
    /// An event that is a report or a correction, and of which nothing was insisted on or found.
    Event {
        request_id: &'a str = 1,
        actor: Option<Actor<'a>> = 2,
        effective: &'a str = 3,
        traceparent: &'a str = 5,
        reported: Option<Reported<'a>> = 19,
        corrected: Option<Corrected<'a>> = 20,
    }
);

view!(
    /// The parts of an event that is a report and of which nothing was insisted on or found; what is not read yet is
    /// bytes, and empty without it.
    EventParts {
        request_id: &'a [u8] = 1,
        actor: &'a [u8] = 2,
        effective: &'a [u8] = 3,
        traceparent: &'a [u8] = 5,
        reported: Option<ReportedParts<'a>> = 19,
    }
);

view!(ReportedParts {
    locality: &'a [u8] = 1,
    indicator: &'a [u8] = 2,
    value: Option<Quantity<'a>> = 3,
    denominator: Option<DenominatorParts<'a>> = 4,
    percent: &'a str = 5,
    source: &'a [u8] = 6,
    note: &'a [u8] = 7,
    percent_bound: i32 = 8,
});

view!(DenominatorParts {
    kind: &'a [u8] = 1,
    value: Option<Quantity<'a>> = 2,
    derived: bool = 3,
});

view!(Actor of Actor {
    organisation: &'a str = 1,
    office: &'a str = 2,
});

view!(LocalityRef of LocalityRef {
    code: &'a str = 1,
    since: &'a str = 2,
});

view!(Denominator of Denominator {
    kind: &'a str = 1,
    value: Option<Quantity<'a>> = 2,
    derived: bool = 3,
});

view!(Source of Source {
    title: &'a str = 1,
    url: &'a str = 2,
});

view!(Reported of ProgressReported {
    locality: Option<LocalityRef<'a>> = 1,
    indicator: &'a str = 2,
    value: Option<Quantity<'a>> = 3,
    denominator: Option<Denominator<'a>> = 4,
    percent: &'a str = 5,
    source: Option<Source<'a>> = 6,
    note: &'a str = 7,
    percent_bound: i32 = 8,
});

view!(Corrected of ProgressCorrected {
    corrects: u64 = 1,
    locality: Option<LocalityRef<'a>> = 2,
    indicator: &'a str = 3,
    value: Option<Quantity<'a>> = 4,
    denominator: Option<Denominator<'a>> = 5,
    percent: &'a str = 6,
    source: Option<Source<'a>> = 7,
    reason: &'a str = 8,
    percent_bound: i32 = 9,
});

/// A count, as a number or as it was written.
#[derive(Clone, Copy, Default)]
pub(super) struct Quantity<'a> {
    pub(super) number: Option<Number<'a>>,
    pub(super) bound: i32,
}

#[derive(Clone, Copy)]
pub(super) enum Number<'a> {
    Count(i64),
    Text(&'a str),
}

impl<'a> View<'a> for Quantity<'a> {
    fn take(&mut self, tag: u64, value: Value<'a>) -> Option<()> {
        match tag {
            1 => self.number = Some(Number::Count(i64::try_from(value.number()?).ok()?)),
            // A second choice would take the place of the first.
            2 if self.number.is_none() => self.number = Some(Number::Text(Field::of(value)?)),
            3 => self.bound = Field::of(value)?,
            _ => return None,
        }
        Some(())
    }
}

impl<'a> From<&'a w::Quantity> for Quantity<'a> {
    fn from(message: &'a w::Quantity) -> Self {
        let number = message.number.as_ref().map(|number| match number {
            w::quantity::Number::Count(count) => Number::Count(*count),
            w::quantity::Number::Text(text) => Number::Text(text),
        });
        Self {
            number,
            bound: message.bound,
        }
    }
}
