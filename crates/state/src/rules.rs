//! Rules of judgement that were adopted.

use std::cmp::Reverse;

use domain::code::RulesVersion;
use domain::event::RulesAdopted;

use crate::reading::Reading;
use crate::state::State;
use crate::timeline::Entry;

/// An adoption of rules on record.
pub type RulesEntry<'a> = Entry<'a, RulesAdopted>;

impl State {
    /// What a version says, whatever moment its adoptions speak of.
    #[must_use]
    pub fn rules_version(&self, version: &RulesVersion) -> Option<&RulesAdopted> {
        let adoptions = self.rules.get(version)?;
        adoptions.known(self.position).next().map(|fact| &fact.body)
    }
}

impl<'a> Reading<'a> {
    /// The adoptions of rules, those that hold now or held last first; a version adopted again is there again.
    #[must_use]
    pub fn rules(&self) -> Vec<RulesEntry<'a>> {
        let (state, sight) = (self.state, self.sight);
        let adoptions = state.rules.values();
        let facts = adoptions.flat_map(|timeline| timeline.seen(sight));
        let mut entries: Vec<_> = facts.map(|fact| state.entry(fact)).collect();
        entries.sort_by_key(|entry| Reverse((entry.recorded.effective, entry.recorded.position)));
        entries
    }

    /// The rules in force; none while the shipped ones are.
    #[must_use]
    pub fn rules_in_force(&self) -> Option<RulesEntry<'a>> {
        self.rules().into_iter().next()
    }
}
