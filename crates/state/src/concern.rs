//! Whom an event concerns: a locality, what lies within one, a model, an organisation.
//!
//! The answer follows from the event and from what the log held when it took it, never from what came later.
//! So whoever reads the log again, from wherever, is told the same events.
//!
//! It is asked at the moment that the event speaks of: whoever is to have a role next year is not told of what happens in it this year, and whoever has it still is.
//! What gives something away is also asked as known one position before, so that whoever loses it is told.
//!
//! | target | in | out |
//! |---|---|---|
//! | a locality | what names this identity: what is recorded of it, what registers a place below it, what ends a place into it; and plans, quotas, orders, appointments, erasures and successions of a place above it, which hold there | what its predecessors or successors do; campaigns, figures and statuses of a place above it; definitions for the whole programme |
//! | a locality and all within it | as above, and what names a place within it at the moment the event speaks of, places that end into one included; a place moved out of it | |
//! | a model | its definitions and withdrawal; its statuses, roles and reviews anywhere; work items that serve it at the moment the event speaks of, one given to another model included | its group and its plan |
//! | an organisation | what names it, however it is spelled, or names another from which successions of that very moment lead to it; and the events of the next table | what it reported; definitions of its models; moves of places, and what becomes of campaigns, plans and quotas; what comes to it only through successions recorded below the place of the event |
//!
//! An organisation *has* what it was given and nobody was given since, and what came to it by successions from who was given it, at the moment the event speaks of; it *is to have* what successions known by then will bring it, at whatever later moment and be it for a while only.
//!
//! | event | told |
//! |---|---|
//! | an appointment, a hand-over of a role | who is given it or is then to have it; who had it there, also from a place above, or was to have it |
//! | a work item defined, or given to another | the same |
//! | a succession | who takes over or is then to have that; who had it by the succession that this one replaces |
//! | a place ended | who had a role given in it, or an open work item there |
//! | a model withdrawn, or defined again after that | who has a role in it in any place that exists then |
//! | a status of a model | who has a role in it there |
//! | progress, new days, cancellation and completion of a work item | who has it |
//! | a person's name erased | who was appointed with that person, or has the role by succession |
//!
//! An organisation that is no more is still told of what becomes of what it was given, until somebody else is given that.

use domain::Event;
use domain::code::{ModelCode, WorkItemCode};
use domain::event::{
    Body, ModelDefined, ModelWithdrawn, OwnerAssigned, Role, Scope, WorkItemDefined,
};
use domain::locality::LocalityId;
use domain::text::{Moment, fold};

use crate::reading::Reading;
use crate::state::State;
use crate::timeline::Entry;

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
        let within = |position| {
            let reading = self.at(event.effective, position);
            let mut named = event.body.localities();
            named.any(|place| reading.lineage(place).contains(&id))
        };
        let moves = matches!(event.body, Body::LocalityRegistered(_));
        within(position) || moves && within(position - 1)
    }

    fn concerns_organisation(&self, name: &str, position: u64, event: &Event) -> bool {
        let (body, at) = (&event.body, event.effective);
        if body.organisations().any(|named| fold(named) == name) {
            return true;
        }
        let now = self.at(at, position);
        let before = self.at(at, position - 1);
        match body {
            Body::OwnerAssigned(e) => {
                let place = e.locality;
                let lost = before.nearest(&e.scope, &before.lineage(place), e.role);
                now.is_to_have(Given::anew(&e.organisations, at), place, name)
                    || lost.is_some_and(|lost| before.is_to_have(Given::role(lost), place, name))
            }
            Body::OrganisationSucceeded(e) => {
                let place = e.locality;
                let mut places = before.lineage(place).into_iter();
                let lost = places.find_map(|place| before.succession(place, &e.organisation));
                now.is_to_have(Given::anew(&e.successors, at), place, name)
                    || lost.is_some_and(|lost| {
                        let given = Given::anew(&lost.fact.successors, lost.recorded.effective);
                        before.is_to_have(given, place, name)
                    })
            }
            Body::WorkItemDefined(e) => {
                let [_, lost] = self.items(position, event);
                now.is_to_have(Given::anew([&e.organisation], at), e.locality, name)
                    || lost.is_some_and(|lost| {
                        before.is_to_have(Given::item(lost), lost.fact.locality, name)
                    })
            }
            Body::LocalityEnded(e) => before.has_in(e.locality, name),
            Body::ModelDefined(ModelDefined { model, .. })
            | Body::ModelWithdrawn(ModelWithdrawn { model, .. }) => {
                let scope = Scope::Model(model.clone());
                now.is_withdrawn(&scope) != before.is_withdrawn(&scope)
                    && now.has_role_in(&scope, name)
            }
            Body::ModelStatusChanged(e) => {
                let scope = Scope::Model(e.model.clone());
                let lineage = now.lineage(e.locality);
                let mut roles = Role::ALL.iter();
                roles.any(|role| {
                    let appointed = now.nearest(&scope, &lineage, *role);
                    appointed.is_some_and(|it| now.has(Given::role(it), e.locality, name))
                })
            }
            Body::PersonErased(e) => now
                .appointment_at(&e.scope, e.locality, e.appointment)
                .is_some_and(|appointed| now.has(Given::role(appointed), e.locality, name)),
            _ => match self.items(position, event) {
                [Some(item), _] => now.has(Given::item(item), item.fact.locality, name),
                [None, _] => {
                    let given = Given::anew(body.organisations(), at);
                    let place = body.locality().filter(|_| !given.to.is_empty());
                    place.is_some_and(|place| now.has(given, place, name))
                }
            },
        }
    }

    /// The work item that an event is about, as it was defined at the moment of the event once that was known, and before that.
    fn items(&self, position: u64, event: &Event) -> [Option<Item<'_>>; 2] {
        let work_item = match &event.body {
            Body::WorkItemDefined(e) => &e.work_item,
            Body::WorkItemProgressed(e) => &e.work_item,
            Body::WorkItemRescheduled(e) => &e.work_item,
            Body::WorkItemCancelled(e) => &e.work_item,
            Body::WorkItemCompleted(e) => &e.work_item,
            _ => return [None; 2],
        };
        let defined = |position| {
            self.at(event.effective, position)
                .defined_item(&event.body, work_item)
        };
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

/// What was given to organisations, from which moment on.
struct Given<'n> {
    to: Vec<&'n str>,
    since: Moment,
}

impl<'n> Given<'n> {
    fn anew(
        organisations: impl IntoIterator<Item = &'n (impl AsRef<str> + ?Sized + 'n)>,
        since: Moment,
    ) -> Self {
        let to = organisations.into_iter().map(AsRef::as_ref).collect();
        Self { to, since }
    }

    fn role(appointed: Entry<'n, OwnerAssigned>) -> Self {
        Self::anew(&appointed.fact.organisations, appointed.recorded.effective)
    }

    fn item(item: Item<'n>) -> Self {
        Self::anew([&item.fact.organisation], item.recorded.effective)
    }
}

impl<'a> Reading<'a> {
    /// Whether an organisation of a folded name was given something in a place, or has it by successions since.
    fn has<'n>(&self, given: Given<'n>, place: LocalityId, name: &str) -> bool
    where
        'a: 'n,
    {
        self.leads(&given, &self.lineage(place), name)
    }

    /// The same, or will have it at some later moment by the successions known.
    ///
    /// Every such moment is asked: at the end of them another may have it, and one succession may replace another.
    fn is_to_have<'n>(&self, given: Given<'n>, place: LocalityId, name: &str) -> bool
    where
        'a: 'n,
    {
        let lineage = self.lineage(place);
        let later = || self.successions_to_come(&lineage).into_iter();
        self.leads(&given, &lineage, name)
            || later().any(|moment| {
                let then = self.state.at(moment, self.sight.limit);
                then.leads(&given, &lineage, name)
            })
    }

    fn leads<'n>(&self, given: &Given<'n>, lineage: &[LocalityId], name: &str) -> bool
    where
        'a: 'n,
    {
        if given.to.iter().any(|one| fold(one) == name) {
            return true;
        }
        let reading: Reading<'n> = *self;
        let way = reading.way(given.to.iter().copied(), lineage, given.since);
        way.leads_to(name)
    }

    /// Whether an organisation has a role given in this very place, or an open work item there.
    fn has_in(&self, place: LocalityId, name: &str) -> bool {
        let mut roles = self.roles_given_in(place).into_iter();
        let mut items = self.work_items(place).into_iter();
        roles
            .any(|role| !self.is_withdrawn(&role.scope) && self.has(Given::role(role), place, name))
            || items.any(|item| {
                let given = Given::anew([&item.defined.organisation], item.recorded.effective);
                item.is_open() && self.has(given, place, name)
            })
    }

    /// Whether an organisation has a role for a scope in any place that exists.
    fn has_role_in(&self, scope: &Scope, name: &str) -> bool {
        let exists = |place| self.locality(place).is_some_and(|at| at.end.is_none());
        let before = self.names_before(name);
        let of_scope = self.state.owners.of(scope);
        let roles = of_scope.filter_map(|timeline| self.newest(timeline));
        // Only from those names do successions lead here, so the others' need not be followed.
        let mut near = roles.filter(|role| {
            let mut named = role.organisations.iter();
            named.any(|one| before.contains(&fold(one)))
        });
        near.any(|role| exists(role.locality) && self.has(Given::role(role), role.locality, name))
    }

    /// A work item as it was defined last by the moment asked about; one that was only defined for a later one, as it was first.
    fn defined_item(&self, body: &Body, work_item: &WorkItemCode) -> Option<Item<'a>> {
        let place = self.state.places.index(body.locality()?)?;
        let defined = &self.state.work_items.get(&place)?.get(work_item)?.defined;
        let earliest = || {
            let fact = defined.known(self.sight.limit).next()?;
            Some(self.state.entry(fact))
        };
        self.newest(defined).or_else(earliest)
    }
}
