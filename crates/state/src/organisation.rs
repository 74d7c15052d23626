//! Which organisations are on record, by their names, whatever their case and diacritics.

use std::collections::BTreeMap;

use domain::text::fold;

use crate::reading::Reading;

impl<'a> Reading<'a> {
    /// How an organisation is written on record; case and diacritics of the name asked for do not count.
    ///
    /// On record is whoever any event known names (`domain::event::Body::organisations`), whatever moment it speaks of: who was given something, gave it up, took something over or is no more, who was reviewed, was given an order, or is a member of a campaign or a working group.
    /// Whoever only reports is not.
    ///
    /// # Errors
    ///
    /// The names that have this one in them, by name and each once, if nobody has exactly this one.
    pub fn organisation(&self, name: &str) -> Result<&'a str, Vec<&'a str>> {
        let asked = fold(name);
        let mut similar = BTreeMap::new();
        for known in self.organisations() {
            let folded = fold(known);
            if folded == asked {
                return Ok(known);
            }
            if !asked.is_empty() && folded.contains(&asked) {
                similar.entry(folded).or_insert(known);
            }
        }
        Err(similar.into_values().collect())
    }

    /// Everybody who is on record, many times over.
    fn organisations(&self) -> impl Iterator<Item = &'a str> {
        let (state, limit) = (self.state, self.sight.limit);
        let owners = state.owners.values().flat_map(move |of| of.known(limit));
        let owners = owners.flat_map(|fact| fact.body.organisations.iter().chain(&fact.body.from));
        let successions = state.successions.values();
        let successions = successions.flat_map(move |of| of.known(limit));
        let successions = successions.flat_map(|fact| {
            let of = &fact.body;
            of.successors.iter().chain([&of.organisation])
        });
        let items = state.work_items.values().flat_map(BTreeMap::values);
        let items = items.flat_map(move |item| item.defined.known(limit));
        let items = items.map(|fact| &fact.body.organisation);
        let reviews = state.reviews.values().flat_map(move |of| of.known(limit));
        let reviews = reviews.map(|fact| &fact.body.organisation);
        let orders = state.directives.values();
        let orders = orders.flat_map(move |of| of.known(limit));
        let orders = orders.flat_map(|fact| &fact.body.addressees);
        let campaigns = state.campaigns.values().flat_map(BTreeMap::values);
        let campaigns = campaigns.flat_map(move |of| of.known(limit));
        let campaigns = campaigns.flat_map(|fact| &fact.body.members);
        let groups = state.working_groups.values();
        let groups = groups.flat_map(move |of| of.known(limit));
        let groups = groups.flat_map(|fact| &fact.body.members);
        let given = owners.chain(successions).chain(items);
        let named = reviews.chain(orders).chain(campaigns).chain(groups);
        given.chain(named).map(String::as_str)
    }
}
