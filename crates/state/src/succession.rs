//! Who holds a role by whose succession, which campaigns go on, how indicators are related.

use std::collections::BTreeSet;

use domain::code::{CampaignCode, IndicatorCode};
use domain::event::{
    CampaignClosed, IndicatorRelated, OrganisationSucceeded, Relation, Role, Scope,
};
use domain::locality::LocalityId;
use domain::text::{Moment, fold};

use crate::owner::AppointmentEntry;
use crate::programme::CampaignEntry;
use crate::reading::Reading;
use crate::timeline::Entry;

/// A succession on record.
pub type SuccessionEntry<'a> = Entry<'a, OrganisationSucceeded>;
/// A campaign's end on record.
pub type ClosingEntry<'a> = Entry<'a, CampaignClosed>;
/// A relation of indicators on record.
pub type RelationEntry<'a> = Entry<'a, IndicatorRelated>;

impl<'a> Reading<'a> {
    /// Who was last assigned a role for a scope in this very locality, whoever succeeded them since.
    #[must_use]
    pub fn assigned(
        &self,
        scope: &Scope,
        id: LocalityId,
        role: Role,
    ) -> Option<AppointmentEntry<'a>> {
        let place = self.state.places.index(id)?;
        self.newest_in(&self.state.owners, &(place, scope.clone(), role))
    }

    /// What last became of an organisation in this very locality.
    #[must_use]
    pub fn succession(&self, id: LocalityId, organisation: &str) -> Option<SuccessionEntry<'a>> {
        self.succession_of(id, &fold(organisation))
    }

    /// The same of a folded name.
    pub(crate) fn succession_of(&self, id: LocalityId, name: &str) -> Option<SuccessionEntry<'a>> {
        let place = self.state.places.index(id)?;
        self.newest_in(&self.state.successions, &(place, name.to_owned()))
    }

    /// Whether anything ever became of any organisation of some localities.
    pub(crate) fn has_successions(&self, lineage: &[LocalityId]) -> bool {
        let mut places = lineage.iter().filter_map(|id| self.state.places.index(*id));
        places.any(|place| {
            let mut from_there = self.state.successions.range((place, String::new())..);
            from_there.next().is_some_and(|((of, _), _)| *of == place)
        })
    }

    /// The moments after the one asked about from which successions known in some places take effect.
    pub(crate) fn successions_to_come(&self, places: &[LocalityId]) -> BTreeSet<Moment> {
        let mut found = BTreeSet::new();
        for place in places {
            let Some(place) = self.state.places.index(*place) else {
                continue;
            };
            let from_here = self.state.successions.range((place, String::new())..);
            let here = from_here.take_while(|(key, _)| key.0 == place);
            let known = here.flat_map(|(_, timeline)| timeline.known(self.sight.limit));
            let moments = known.map(|fact| fact.stamp.effective);
            found.extend(moments.filter(|moment| !self.sees(*moment)));
        }
        found
    }

    /// The successions known that are read together with those of a locality: its own, those above it and those within it.
    #[must_use]
    pub fn successions_around(&self, id: LocalityId) -> Vec<SuccessionEntry<'a>> {
        let above: BTreeSet<LocalityId> = self.lineage(id).into_iter().collect();
        let all = self.state.successions.values();
        all.filter_map(|timeline| timeline.newest(self.sight))
            .filter(|fact| {
                let place = fact.body.locality;
                above.contains(&place) || self.lineage(place).contains(&id)
            })
            .map(|fact| self.state.entry(fact))
            .collect()
    }

    /// A campaign launched in this very locality.
    #[must_use]
    pub fn campaign(&self, id: LocalityId, campaign: &CampaignCode) -> Option<CampaignEntry<'a>> {
        let place = self.state.places.index(id)?;
        self.newest_in(self.state.campaigns.get(&place)?, campaign)
    }

    /// How a campaign was last closed for this very locality.
    #[must_use]
    pub fn closing(&self, id: LocalityId, campaign: &CampaignCode) -> Option<ClosingEntry<'a>> {
        let place = self.state.places.index(id)?;
        self.newest_in(&self.state.closings, &(place, campaign.clone()))
    }

    /// How an indicator is related in one way.
    #[must_use]
    pub fn relation(
        &self,
        indicator: &IndicatorCode,
        relation: Relation,
    ) -> Option<RelationEntry<'a>> {
        self.newest_in(&self.state.relations, &(indicator.clone(), relation))
    }
}
