//! The naive model: every answer is a filter over the whole list of events.

use std::collections::{BTreeMap, BTreeSet};

use domain::event::{
    Body, Event, Figure, LocalityEnded, LocalityRegistered, OwnerAssigned, QuotaLayer,
    WorkItemDefined,
};
use domain::locality::{LocalityCode, LocalityId};
use domain::text::Moment;
use jiff::civil::Date;

use super::{History, PLACES, id};

/// Whether who asks about a moment sees what speaks of another.
pub(super) fn sees(as_of: Moment, at: Moment) -> bool {
    at <= as_of || (as_of.hour() == 24 && at.date() <= as_of.date())
}

/// A reader of the naive model.
#[derive(Clone, Copy)]
pub(super) struct Naive<'h> {
    pub(super) history: &'h History,
    pub(super) as_of: Moment,
    pub(super) limit: u64,
}

/// A figure, and the positions of what is known to have corrected and to have retracted it.
type Told<'h> = (&'h Figure, Option<u64>, Option<u64>);

impl<'h> Naive<'h> {
    pub(super) fn known(&self) -> impl Iterator<Item = &'h (u64, Event)> {
        let limit = self.limit;
        self.history
            .iter()
            .filter(move |(position, _)| *position <= limit)
    }

    pub(super) fn seen(&self) -> impl Iterator<Item = &'h (u64, Event)> {
        let as_of = self.as_of;
        self.known()
            .filter(move |(_, event)| sees(as_of, event.effective))
    }

    fn figure_of(event: &'h Event, id: LocalityId, indicator: &str) -> Option<(&'h Figure, u64)> {
        let (locality, code, figure, corrects) = match &event.body {
            Body::ProgressReported(e) => (e.locality, &e.indicator, &e.figure, 0),
            Body::ProgressCorrected(e) => (e.locality, &e.indicator, &e.figure, e.corrects),
            _ => return None,
        };
        (locality == id && code.as_str() == indicator).then_some((figure, corrects))
    }

    fn corrected_by(&self, position: u64, id: LocalityId, indicator: &str) -> Option<u64> {
        let mut corrections = self.known().filter(|(later, event)| {
            let corrects = Self::figure_of(event, id, indicator).map(|(_, corrects)| corrects);
            *later > position && corrects == Some(position)
        });
        corrections.next().map(|(later, _)| *later)
    }

    fn retracted_by(&self, position: u64, id: LocalityId, indicator: &str) -> Option<u64> {
        let mut retractions = self.known().filter(|(later, event)| {
            let Body::ProgressRetracted(e) = &event.body else {
                return false;
            };
            let of_series = e.locality == id && e.indicator.as_str() == indicator;
            *later > position && of_series && e.retracts == position
        });
        retractions.next().map(|(later, _)| *later)
    }

    /// Moment and position of every figure seen, and what became of it.
    pub(super) fn history(
        &self,
        id: LocalityId,
        indicator: &str,
    ) -> BTreeMap<(Moment, u64), Told<'h>> {
        self.seen()
            .filter_map(|(position, event)| {
                let (figure, _) = Self::figure_of(event, id, indicator)?;
                let corrected_by = self.corrected_by(*position, id, indicator);
                let retracted_by = self.retracted_by(*position, id, indicator);
                let told = (figure, corrected_by, retracted_by);
                Some(((event.effective, *position), told))
            })
            .collect()
    }

    pub(super) fn series(
        &self,
        id: LocalityId,
        indicator: &str,
    ) -> BTreeMap<Moment, (u64, &'h Figure)> {
        let holding = self.history(id, indicator).into_iter();
        let holding = holding.filter(|(_, (_, corrected_by, retracted_by))| {
            corrected_by.is_none() && retracted_by.is_none()
        });
        // Of one moment, the last position stays.
        holding
            .map(|((moment, position), (figure, ..))| (moment, (position, figure)))
            .collect()
    }

    pub(super) fn quotas(&self, id: LocalityId, indicator: &str) -> Vec<u64> {
        let newest = |layer: &QuotaLayer| {
            let of_layer = self.seen().filter(|(_, event)| match &event.body {
                Body::QuotaAssigned(e) => {
                    (e.locality, e.indicator.as_str(), e.layer) == (id, indicator, *layer)
                }
                _ => false,
            });
            let order = |(position, event): &(u64, Event)| (event.effective, *position);
            let newest = of_layer.map(order).max()?;
            let suspensions = self.seen().filter(|(_, event)| match &event.body {
                Body::QuotaSuspended(e) => {
                    (e.locality, e.indicator.as_str(), e.layer) == (id, indicator, *layer)
                }
                _ => false,
            });
            let suspended = suspensions.map(order).max();
            suspended.is_none_or(|s| s < newest).then_some(newest.1)
        };
        QuotaLayer::ALL.iter().filter_map(newest).collect()
    }

    /// Who leads a scope: position of the appointment, and the names of those who hold it now.
    pub(super) fn lead(&self, id: LocalityId) -> Option<(u64, BTreeSet<String>)> {
        let lineage = self.lineage(id);
        let ((since, position), owner) = self.appointed(&lineage)?;
        let (holders, _) = self.way(&owner.organisations, since, &lineage);
        Some((position, holders))
    }

    /// The last appointment in the first of some places that has any, its moment and its position.
    pub(super) fn appointed(
        &self,
        places: &[LocalityId],
    ) -> Option<((Moment, u64), &'h OwnerAssigned)> {
        let last = |place: &LocalityId| {
            let here = self
                .seen()
                .filter_map(|(position, event)| match &event.body {
                    Body::OwnerAssigned(e) if e.locality == *place => {
                        Some(((event.effective, *position), e))
                    }
                    _ => None,
                });
            here.max_by_key(|(order, _)| *order)
        };
        places.iter().find_map(last)
    }

    pub(super) fn lineage(&self, id: LocalityId) -> Vec<LocalityId> {
        let parent = |id: &LocalityId| self.registration(*id)?.parent;
        std::iter::successors(Some(id), parent).take(8).collect()
    }

    /// Whether nobody is to work on a model any more.
    pub(super) fn is_withdrawn(&self, model: &str) -> bool {
        let last = |is_it: fn(&Body) -> Option<&str>| {
            let of_model = self
                .seen()
                .filter(|(_, event)| is_it(&event.body) == Some(model));
            let order = of_model.map(|(position, event)| (event.effective, *position));
            order.max()
        };
        let withdrawn = last(|body| match body {
            Body::ModelWithdrawn(e) => Some(e.model.as_str()),
            _ => None,
        });
        let defined = last(|body| match body {
            Body::ModelDefined(e) => Some(e.model.as_str()),
            _ => None,
        });
        withdrawn > defined
    }

    /// A work item as it was last defined, or else as it will be first, and the moment of that.
    pub(super) fn work_item(
        &self,
        id: LocalityId,
        item: &str,
    ) -> Option<(Moment, &'h WorkItemDefined)> {
        let of_item = |(position, event): &'h (u64, Event)| match &event.body {
            Body::WorkItemDefined(e) if e.locality == id && e.work_item.as_str() == item => {
                Some(((event.effective, *position), e))
            }
            _ => None,
        };
        let newest = self.seen().filter_map(of_item).max_by_key(|(at, _)| *at);
        let earliest = || self.known().filter_map(of_item).min_by_key(|(at, _)| *at);
        let ((at, _), defined) = newest.or_else(earliest)?;
        Some((at, defined))
    }

    /// Whether a work item was done by the moment asked about.
    pub(super) fn is_done(&self, id: LocalityId, item: &str) -> bool {
        self.seen().any(|(_, event)| match &event.body {
            Body::WorkItemCompleted(e) => e.locality == id && e.work_item.as_str() == item,
            _ => false,
        })
    }

    /// Since when a place is asked for an indicator, by each layer that asks.
    pub(super) fn asked_since(&self, id: LocalityId, indicator: &str) -> Vec<Moment> {
        let in_force = self.quotas(id, indicator);
        let layers = QuotaLayer::ALL.iter().filter_map(|layer| {
            let mut since = None;
            let mut said: Vec<_> = self.seen().collect();
            said.sort_by_key(|(position, event)| (event.effective, *position));
            for (position, event) in said {
                match &event.body {
                    Body::QuotaAssigned(e)
                        if (e.locality, e.indicator.as_str(), e.layer)
                            == (id, indicator, *layer) =>
                    {
                        since = since.or(Some((event.effective, *position)));
                    }
                    Body::QuotaSuspended(e)
                        if (e.locality, e.indicator.as_str(), e.layer)
                            == (id, indicator, *layer) =>
                    {
                        since = None;
                    }
                    _ => {}
                }
            }
            since.map(|(at, _)| at)
        });
        let layers: Vec<_> = layers.collect();
        assert_eq!(layers.len(), in_force.len());
        layers
    }

    /// Who has what organisations were given at a moment in the first of some places, and who has or had it on the way.
    pub(super) fn way(
        &self,
        names: &[String],
        since: Moment,
        lineage: &[LocalityId],
    ) -> (BTreeSet<String>, BTreeSet<String>) {
        let names = names.iter();
        let mut reached: BTreeSet<_> = names.map(|name| (name.clone(), since)).collect();
        let mut holders = BTreeSet::new();
        let mut next: Vec<_> = reached.iter().cloned().collect();
        while let Some((name, since)) = next.pop() {
            let succession = lineage.iter().find_map(|place| {
                let newest = self.succession(*place, &name)?;
                (newest.0 >= since).then_some(newest)
            });
            let Some((at, successors)) = succession else {
                holders.insert(name);
                continue;
            };
            let successors = successors.iter().map(|name| (name.clone(), at));
            next.extend(successors.filter(|successor| reached.insert(successor.clone())));
        }
        (holders, reached.into_iter().map(|(name, _)| name).collect())
    }

    /// What last became of an organisation in a place, and when.
    pub(super) fn succession(
        &self,
        place: LocalityId,
        name: &str,
    ) -> Option<(Moment, &'h [String])> {
        let of_name = self
            .seen()
            .filter_map(|(position, event)| match &event.body {
                Body::OrganisationSucceeded(e) if e.locality == place && e.organisation == name => {
                    Some(((event.effective, *position), &*e.successors))
                }
                _ => None,
            });
        let ((at, _), successors) = of_name.max_by_key(|(order, _)| *order)?;
        Some((at, successors))
    }

    /// The status of a model in a place: since when, and the position that says so.
    pub(super) fn status(&self, id: LocalityId, model: &str) -> Option<(Moment, u64)> {
        let of_cell = self.seen().filter(|(_, event)| match &event.body {
            Body::ModelStatusChanged(e) => e.locality == id && e.model.as_str() == model,
            _ => false,
        });
        of_cell
            .map(|(position, event)| (event.effective, *position))
            .max()
    }

    /// The place that the plan was adopted for last.
    pub(super) fn planned(&self) -> Option<LocalityId> {
        let adopted = self
            .seen()
            .filter_map(|(position, event)| match &event.body {
                Body::PlanAdopted(e) => Some(((event.effective, *position), e.locality)),
                _ => None,
            });
        adopted.max().map(|(_, place)| place)
    }

    pub(super) fn registration(&self, id: LocalityId) -> Option<&'h LocalityRegistered> {
        let of_id = |(position, event): &'h (u64, Event)| match &event.body {
            Body::LocalityRegistered(e) if e.locality == id => {
                Some(((event.effective, *position), e))
            }
            _ => None,
        };
        let newest = self
            .seen()
            .filter_map(of_id)
            .max_by_key(|(order, _)| *order);
        let earliest = || {
            self.known()
                .filter_map(of_id)
                .min_by_key(|(order, _)| *order)
        };
        newest.or_else(earliest).map(|(_, registered)| registered)
    }

    pub(super) fn exists(&self, id: LocalityId) -> bool {
        let Some(registered) = self.registration(id) else {
            return false;
        };
        let day = self.as_of.date();
        let end = self.end(id).map(|(end, _)| end);
        (!registered.start_known || id.since <= day) && end.is_none_or(|end| day < end)
    }

    /// Where a place that ended went to; none while it exists.
    pub(super) fn heirs(&self, id: LocalityId) -> Option<Vec<LocalityId>> {
        let (day, end) = self.end(id)?;
        let today = self.as_of.date();
        let has_begun = !self.registration(id)?.start_known || id.since <= today;
        let heirs = end.successors.iter().map(|heir| heir.locality);
        (has_begun && day <= today).then(|| heirs.collect())
    }

    /// The end of a place as it was said last, and its day, whenever that is.
    pub(super) fn end(&self, id: LocalityId) -> Option<(Date, &'h LocalityEnded)> {
        let said = self.known().filter_map(|(_, event)| match &event.body {
            Body::LocalityEnded(e) if e.locality == id => Some((event.effective.date(), e)),
            _ => None,
        });
        said.last()
    }

    /// A place and those that ended into it, and all that anybody ever said to be within one of them.
    pub(super) fn inside(&self, id: LocalityId) -> BTreeSet<LocalityId> {
        let closed = |from: BTreeSet<LocalityId>,
                      is_next: &dyn Fn(LocalityId, LocalityId) -> bool| {
            let mut found = from;
            for _ in PLACES {
                let next = PLACES.map(super::id).into_iter();
                let next = next.filter(|one| found.iter().any(|of| is_next(*one, *of)));
                let next: Vec<_> = next.collect();
                found.extend(next);
            }
            found
        };
        let today = self.as_of.date();
        let ended_into = closed(BTreeSet::from([id]), &|one, of| {
            let end = self.end(one).filter(|(day, _)| *day <= today);
            let is_heir = |end: &LocalityEnded| end.successors.iter().any(|it| it.locality == of);
            self.registration(one).is_some() && end.is_some_and(|(_, end)| is_heir(end))
        });
        closed(ended_into, &|one, of| {
            self.known().any(|(_, event)| match &event.body {
                Body::LocalityRegistered(e) => (e.locality, e.parent) == (one, Some(of)),
                _ => false,
            })
        })
    }

    /// The last identity that exists under the code, and how many were ever known under it.
    pub(super) fn resolve(&self, code: LocalityCode) -> (Option<LocalityId>, usize) {
        let ids: BTreeSet<_> = PLACES
            .iter()
            .map(|p| id(p))
            .filter(|id| id.code == code)
            .collect();
        let registered = ids
            .iter()
            .filter(|id| self.registration(**id).is_some())
            .count();
        (
            ids.into_iter().rev().find(|id| self.exists(*id)),
            registered,
        )
    }
}
