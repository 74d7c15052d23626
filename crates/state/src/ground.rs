//! Where that stands which undoes a figure or a locality, for whoever explains a number.

use domain::event::LocalityEnded;
use domain::locality::LocalityId;

use crate::figure::FigureEntry;
use crate::reading::Reading;
use crate::timeline::{Entry, Recorded, Stamp};

impl<'a> Reading<'a> {
    /// Where the retraction of a figure stands, and who took it back; none if the reader knows of none.
    #[must_use]
    pub fn retraction(&self, figure: &FigureEntry<'_>) -> Option<Recorded<'a>> {
        let Recorded {
            position,
            effective,
            ..
        } = figure.recorded;
        let retraction = self.state.retractions.0.get(&position)?;
        if retraction.position > self.sight.limit {
            return None;
        }
        Some(self.state.recorded(Stamp {
            // A retraction speaks of the moment of the figure.
            effective,
            position: retraction.position,
            actor: retraction.actor,
        }))
    }

    /// What was said last about the end of a locality, whatever moment is asked about; none if the reader knows of no end.
    #[must_use]
    pub fn ending(&self, id: LocalityId) -> Option<Entry<'a, LocalityEnded>> {
        let ended = self.place(id)?.ending(self.sight.limit)?;
        Some(self.state.entry(ended))
    }
}
