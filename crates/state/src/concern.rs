//! Whom an event concerns: a locality, what lies within one, a model, an organisation.
//!
//! The answer follows from the event and from what the log held when it took it, never from what came later.
//! So whoever reads the log again, from wherever, is told the same events.
//!
//! | target | in | out |
//! |---|---|---|
//! | a locality | what names this identity: what is recorded of it, what registers a place below it, what ends a place into it; and plans, quotas, orders, appointments, erasures and successions of a place above it, which hold there | what its predecessors or successors do; campaigns, figures and statuses of a place above it; definitions for the whole programme |
//! | a locality and all within it | as above, and what is recorded of a place within it at the moment the event speaks of; a place moved out of it | |
//! | a model | its definitions and withdrawal; its statuses, roles and reviews anywhere; work items that serve it, one given to another model included | its group and its plan |
//! | an organisation | what names it, however it is spelled; what names another whose successions lead to it; statuses of models in which it holds a role; what becomes of its work items, one given to another included | what it reported; what its own successors are given later; definitions of its models |

use domain::Event;
use domain::code::{ModelCode, WorkItemCode};
use domain::event::{Body, ModelStatusChanged, PersonErased, Scope, WorkItemDefined};
use domain::locality::LocalityId;
use domain::text::{Moment, fold};
use jiff::civil::Date;

use crate::owner::OwnerEntry;
use crate::reading::Reading;
use crate::state::State;
use crate::timeline::Entry;

/// The last of all moments: a reader who asks as of it sees everything it knows.
const END: Moment = Moment::end_of(Date::MAX);

/// What events are looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A locality.
    Locality(LocalityId),
    /// A locality and everything within it.
    Within(LocalityId),
    /// A model.
    Model(ModelCode),
    /// An organisation, by its name as [`fold`] gives it.
    Organisation(String),
}

impl Target {
    /// An organisation, however its name is spelled.
    #[must_use]
    pub fn organisation(name: &str) -> Self {
        Self::Organisation(fold(name))
    }
}

impl State {
    /// Whether the event at a position concerns a target, as known at that position.
    ///
    /// The position must be folded; the table at the head of this module says what is in and what is out.
    #[must_use]
    pub fn concerns(&self, target: &Target, position: u64, event: &Event) -> bool {
        debug_assert!((1..=self.position).contains(&position));
        match target {
            Target::Locality(id) => self.concerns_locality(*id, position, event),
            Target::Within(id) => {
                self.concerns_locality(*id, position, event) || self.is_within(*id, position, event)
            }
            Target::Model(model) => {
                let serves = |item: &Item<'_>| item.fact.model.as_ref() == Some(model);
                event.body.model() == Some(model)
                    || self.items(position, event).iter().flatten().any(serves)
            }
            Target::Organisation(name) => self.concerns_organisation(name, position, event),
        }
    }

    fn concerns_locality(&self, id: LocalityId, position: u64, event: &Event) -> bool {
        let mut named = event.body.localities();
        if named.any(|named| named == id) {
            return true;
        }
        let place = event.body.locality().filter(|_| holds_below(&event.body));
        place.is_some_and(|place| {
            self.at(event.effective, position)
                .lineage(id)
                .contains(&place)
        })
    }

    fn is_within(&self, id: LocalityId, position: u64, event: &Event) -> bool {
        let Some(place) = event.body.locality() else {
            return false;
        };
        let within = |position| {
            self.at(event.effective, position)
                .lineage(place)
                .contains(&id)
        };
        let moves = matches!(event.body, Body::LocalityRegistered(_));
        within(position) || moves && within(position - 1)
    }

    fn concerns_organisation(&self, name: &str, position: u64, event: &Event) -> bool {
        let body = &event.body;
        if body.organisations().any(|named| fold(named) == name) {
            return true;
        }
        let Some(place) = body.locality() else {
            return false;
        };
        let reading = self.at(END, position);
        let leads = reading.leads_to(body.organisations(), place, event.effective, name);
        let is_of = |owner: &OwnerEntry<'_>| owner.is_of(name);
        leads
            || match body {
                Body::ModelStatusChanged(ModelStatusChanged { model, .. }) => {
                    let scope = Scope::Model(model.clone());
                    reading.owners(&scope, place).iter().any(is_of)
                }
                Body::PersonErased(PersonErased {
                    scope, appointment, ..
                }) => {
                    let appointed = reading.appointment_at(scope, place, *appointment);
                    let owner = |appointed| reading.owner_entry(appointed, &reading.lineage(place));
                    appointed.map(owner).as_ref().is_some_and(is_of)
                }
                _ => {
                    let items = self.items(position, event);
                    let mut items = items.iter().flatten();
                    items.any(|item| reading.is_item_of(item, name))
                }
            }
    }

    /// The work item that an event is about, as it was defined once the event was known, and before that.
    fn items(&self, position: u64, event: &Event) -> [Option<Item<'_>>; 2] {
        let work_item = match &event.body {
            Body::WorkItemDefined(e) => &e.work_item,
            Body::WorkItemProgressed(e) => &e.work_item,
            Body::WorkItemRescheduled(e) => &e.work_item,
            Body::WorkItemCancelled(e) => &e.work_item,
            Body::WorkItemCompleted(e) => &e.work_item,
            _ => return [None; 2],
        };
        let defined = |position| self.at(END, position).defined_item(&event.body, work_item);
        [defined(position), defined(position - 1)]
    }
}

/// A work item as it was defined.
type Item<'a> = Entry<'a, WorkItemDefined>;

/// Whether what is recorded of a place holds in those below it too.
fn holds_below(body: &Body) -> bool {
    matches!(
        body,
        Body::PlanAdopted(_)
            | Body::QuotaAssigned(_)
            | Body::QuotaSuspended(_)
            | Body::DirectiveIssued(_)
            | Body::OwnerAssigned(_)
            | Body::PersonErased(_)
            | Body::OrganisationSucceeded(_)
    )
}

impl OwnerEntry<'_> {
    /// Whether an organisation, by its folded name, was appointed or holds the role now.
    fn is_of(&self, name: &str) -> bool {
        let appointed = self.appointed.fact.organisations.iter().map(String::as_str);
        let mut all = appointed.chain(self.organisations.iter().copied());
        all.any(|organisation| fold(organisation) == name)
    }
}

impl<'a> Reading<'a> {
    /// Whether any event known names an organisation, however it is spelled.
    #[must_use]
    pub fn knows_organisation(&self, name: &str) -> bool {
        let (state, limit, name) = (self.state, self.sight.limit, fold(name));
        let is = |named: &String| fold(named) == name;
        let owners = state.owners.values().flat_map(|facts| facts.known(limit));
        let mut owners =
            owners.flat_map(|fact| fact.body.organisations.iter().chain(&fact.body.from));
        let succeeded = state.successions.values();
        let mut succeeded = succeeded.flat_map(|facts| facts.known(limit));
        let items = state.work_items.values().flat_map(|items| items.values());
        let mut items = items.flat_map(|item| item.defined.known(limit));
        let orders = state
            .directives
            .values()
            .flat_map(|facts| facts.known(limit));
        let mut orders = orders.flat_map(|fact| &fact.body.addressees);
        let mut reviews = state.reviews.values().flat_map(|facts| facts.known(limit));
        let campaigns = state.campaigns.values().flat_map(|of| of.values());
        let campaigns = campaigns.flat_map(|facts| facts.known(limit));
        let mut campaigns = campaigns.flat_map(|fact| &fact.body.members);
        let groups = state.working_groups.values();
        let groups = groups.flat_map(|facts| facts.known(limit));
        let mut groups = groups.flat_map(|fact| &fact.body.members);
        owners.any(is)
            || succeeded
                .any(|fact| is(&fact.body.organisation) || fact.body.successors.iter().any(is))
            || items.any(|fact| is(&fact.body.organisation))
            || orders.any(is)
            || reviews.any(|fact| is(&fact.body.organisation))
            || campaigns.any(is)
            || groups.any(is)
    }

    /// Whether what organisations of a place were given leads, by successions since, to one with a folded name.
    fn leads_to<'n>(
        &self,
        organisations: impl Iterator<Item = &'n str>,
        place: LocalityId,
        given: Moment,
        name: &str,
    ) -> bool
    where
        'a: 'n,
    {
        let reading: Reading<'n> = *self;
        let holders = reading.holders(organisations, place, given);
        holders
            .organisations
            .iter()
            .any(|holder| fold(holder) == name)
    }

    fn is_item_of(&self, item: &Item<'_>, name: &str) -> bool {
        let named = item.fact.organisation.as_str();
        let (place, given) = (item.fact.locality, item.recorded.effective);
        fold(named) == name || self.leads_to(std::iter::once(named), place, given, name)
    }

    fn defined_item(&self, body: &Body, work_item: &WorkItemCode) -> Option<Item<'a>> {
        let place = self.state.places.index(body.locality()?)?;
        let item = self.state.work_items.get(&place)?.get(work_item)?;
        self.newest(&item.defined)
    }
}
