//! Who reported figures and from which document, position by position.
//!
//! The figures of a request stand one after the other and have both in common, so that a document of a hundred figures costs as much here as one of a single figure.

use std::io::{self, Read, Write};

use crate::form::{Input, LoadError, OUT_OF_ORDER, Output, UNKNOWN};
use crate::point::{bytes_of, make_room};

/// Indexes of who reported a figure and of what it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) actor: u32,
    pub(crate) source: u32,
}

/// The origins of figures, each with the first position that has it.
///
/// Positions that hold no figure stand in some run or other.
#[derive(Debug, Clone, Default)]
pub(crate) struct Origins(Vec<(u64, Origin)>);

impl Origins {
    /// Keeps the origin of a figure of the newest position.
    pub(crate) fn push(&mut self, position: u64, origin: Origin) {
        if self.0.last().is_none_or(|(_, last)| *last != origin) {
            make_room(&mut self.0, 16);
            self.0.push((position, origin));
        }
    }

    /// The origin of the figure at a position.
    pub(crate) fn of(&self, position: u64) -> Origin {
        let next = self.0.partition_point(|(first, _)| *first <= position);
        // A figure's origin was kept with it.
        self.0[next.saturating_sub(1)].1
    }

    /// Bytes with the room kept.
    pub(crate) fn bytes(&self) -> usize {
        bytes_of(&self.0)
    }

    pub(crate) fn save(&self, out: &mut Output<impl Write>) -> io::Result<()> {
        out.list(self.0.iter().map(|(first, origin)| {
            let mut bytes = [0; 16];
            bytes[..8].copy_from_slice(&first.to_le_bytes());
            bytes[8..12].copy_from_slice(&origin.actor.to_le_bytes());
            bytes[12..].copy_from_slice(&origin.source.to_le_bytes());
            bytes
        }))
    }

    /// Reads the origins of a state whose figures were read.
    pub(crate) fn load(input: &mut Input<impl Read>) -> Result<Self, LoadError> {
        let known = input.known;
        let origins = input.table("origins").list(|bytes: [u8; 16]| {
            let (first, rest) = bytes.split_first_chunk()?;
            let (actor, source) = rest.split_first_chunk()?;
            let origin = Origin {
                actor: u32::from_le_bytes(*actor),
                source: u32::from_le_bytes(*source.first_chunk()?),
            };
            let sound = known.actor(origin.actor) && known.source(origin.source);
            sound.then_some((u64::from_le_bytes(*first), origin))
        })?;
        let ascend = origins.is_sorted_by(|a, b| a.0 < b.0);
        input.check(ascend, OUT_OF_ORDER)?;
        let begun = !origins.is_empty() || !input.known.has_figures;
        input.check(begun, UNKNOWN)?;
        Ok(Self(origins))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_has_the_origin_of_the_run_it_stands_in() {
        let origin = |source| Origin { actor: 3, source };
        let mut origins = Origins::default();
        for (position, source) in [(2, 8), (3, 8), (5, 8), (6, 9), (7, 8), (90, 8)] {
            origins.push(position, origin(source));
        }
        assert_eq!(origins.0.len(), 3);
        for (position, source) in [(2, 8), (5, 8), (6, 9), (7, 8), (90, 8)] {
            assert_eq!(origins.of(position), origin(source), "{position}");
        }
    }
}
