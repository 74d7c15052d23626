//! The status of many models in many localities, and who holds each there.
//!
//! Which models there are is asked once for all localities; a locality's row is then read by itself.

use std::collections::BTreeSet;

use domain::event::{Role, Scope};
use domain::locality::LocalityId;

use crate::owner::OwnerEntry;
use crate::programme::{ModelEntry, ModelStatusEntry};
use crate::reading::Reading;

/// A model in a locality.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ModelCell<'a> {
    /// Whether a plan of the locality, or of one above it, has the model; without one there is nothing else.
    pub applies: bool,
    /// The status reported there; none if nobody reported one, which is not [`domain::event::ModelStatus::NotStarted`].
    pub status: Option<ModelStatusEntry<'a>>,
    /// Who holds the first role of [`Role::ALL`] that anybody was appointed to there or above; none if nobody was.
    pub holder: Option<OwnerEntry<'a>>,
}

impl<'a> Reading<'a> {
    /// The models that hold for at least one of some localities, by the number of their group and then by code.
    #[must_use]
    pub fn models_among(&self, ids: impl IntoIterator<Item = LocalityId>) -> Vec<ModelEntry<'a>> {
        let above: BTreeSet<LocalityId> = ids.into_iter().flat_map(|id| self.lineage(id)).collect();
        self.models_of(&self.plans_of(|id| above.contains(&id)))
    }

    /// Some models in a locality, in their order.
    #[must_use]
    pub fn model_cells(&self, id: LocalityId, models: &[ModelEntry<'a>]) -> Vec<ModelCell<'a>> {
        let lineage = self.lineage(id);
        let plans = self.plans_of(|id| lineage.contains(&id));
        let cells = models.iter().map(|model| {
            if !model.is_of(&plans) {
                return ModelCell::default();
            }
            let code = &model.defined.model;
            ModelCell {
                applies: true,
                status: self.model_status(code, id),
                holder: self.first_holder(&Scope::Model(code.clone()), &lineage),
            }
        });
        cells.collect()
    }

    fn first_holder(&self, scope: &Scope, lineage: &[LocalityId]) -> Option<OwnerEntry<'a>> {
        let mut roles = Role::ALL.iter();
        let appointed = roles.find_map(|role| self.nearest(scope, lineage, *role))?;
        Some(self.owner_entry(appointed, lineage))
    }
}
