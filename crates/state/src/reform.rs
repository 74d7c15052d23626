//! Places across a reform: whose territory a locality took over, and whether its counts can be carried over.
//!
//! Who came before whom is derived from the ends on record and is no fact of its own, so no digest holds it.

use domain::event::Extent;
use domain::locality::LocalityId;
use jiff::civil::Date;

use crate::reading::Reading;

/// A locality whose territory, or a part of it, went into another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Predecessor {
    /// The locality that ended.
    pub id: LocalityId,
    /// How much of it went over.
    pub extent: Extent,
    /// First day on which it no longer existed.
    pub ended: Date,
}

/// Whether the series of a locality go on from before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Continuity {
    /// Nothing on record went into it: its own series are all there is.
    Same,
    /// It took over whole localities only, so their counts add up to its own; by identity.
    ///
    /// Of those on record: territory that no data maps may be in it as well.
    Whole(Vec<LocalityId>),
    /// A part of some locality went into it, and no source says how much: its series begin with a break.
    Broken {
        /// Those that went into it whole, by identity.
        whole: Vec<LocalityId>,
        /// Those of which a part did, by identity.
        partial: Vec<LocalityId>,
    },
}

impl Reading<'_> {
    /// The localities known to have ended into one, by identity, whatever moment is asked about.
    #[must_use]
    pub fn predecessors(&self, id: LocalityId) -> Vec<Predecessor> {
        let ended = self.state.places.ever_ended_into(id);
        ended
            .filter_map(|predecessor| {
                // The end that was said last may name others.
                let life = self.life(predecessor)?;
                let mut into = life.successors.iter().filter(|to| to.locality == id);
                Some(Predecessor {
                    id: predecessor,
                    extent: into.next()?.extent,
                    ended: life.end?,
                })
            })
            .collect()
    }

    /// Whether the series of a locality go on from those of its predecessors.
    #[must_use]
    pub fn continuity(&self, id: LocalityId) -> Continuity {
        let of_extent = |predecessors: &[Predecessor], extent| -> Vec<LocalityId> {
            let those = predecessors.iter().filter(|one| one.extent == extent);
            those.map(|one| one.id).collect()
        };
        let predecessors = self.predecessors(id);
        let whole = of_extent(&predecessors, Extent::Full);
        let partial = of_extent(&predecessors, Extent::Partial);
        match (whole.is_empty(), partial.is_empty()) {
            (true, true) => Continuity::Same,
            (false, true) => Continuity::Whole(whole),
            (_, false) => Continuity::Broken { whole, partial },
        }
    }
}
