//! Places across a reform: whose territory a locality took over, and whether its counts can be carried over.
//!
//! Who came before whom is derived from the ends on record and is no fact of its own, so no digest holds it.

use domain::event::Extent;
use domain::locality::LocalityId;
use jiff::civil::Date;

use crate::place::Site;
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
        let known = self.state.places.behind(id).iter();
        known.filter_map(|site| self.ended_as(*site, id)).collect()
    }

    /// How one locality ended into another, if that is known; the end that was said last may name others.
    fn ended_as(&self, site: Site, into: LocalityId) -> Option<Predecessor> {
        let place = self.state.places.row(site.index);
        let end = place.ending(self.sight.limit)?;
        let mut named = end.body.successors.iter();
        let successor = named.find(|successor| successor.locality == into)?;
        place.registration(self.sight)?;
        Some(Predecessor {
            id: site.id,
            extent: successor.extent,
            ended: end.stamp.effective.date(),
        })
    }

    /// Those whose territory joined one by the boundaries of a day, and after the day that its own figure speaks of: what joined before is in that figure.
    pub(crate) fn joined(
        self,
        id: LocalityId,
        boundaries: Date,
        figure: Option<Date>,
    ) -> impl Iterator<Item = (Site, Predecessor)> {
        let known = self.state.places.behind(id).iter();
        let ended = known.filter_map(move |site| Some((*site, self.ended_as(*site, id)?)));
        ended.filter(move |(_, one)| {
            one.ended <= boundaries && figure.is_none_or(|day| day < one.ended)
        })
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
