//! What is to be done by when: the work items of a locality and all within it, or of the whole country, that somebody asks for.
//!
//! Looking for them keeps no more of a work item than what it is ordered and found again by; whoever shows a page of them asks for the entries of that page alone.
//!
//! Which localities count as within one is as in a portfolio; who is responsible for a work item is decided by successions alone.
//! So the open work of a place that ended is listed under its organisation, with the day of the end beside it, though a portfolio calls it orphaned: whoever it was given to is whom to ask what becomes of it.

use std::collections::{BTreeMap, BTreeSet};

use domain::code::{ModelCode, WorkItemCode};
use domain::locality::LocalityId;
use domain::text::fold;
use jiff::civil::Date;

use crate::reading::Reading;
use crate::work::{WorkItemEntry, WorkItemStatus};

/// Which work items are asked for: those of which everything holds that is said here.
#[derive(Debug, Clone)]
pub struct WorkWanted<'q> {
    /// Of this locality, of all that ever belonged to it, and of those that ended into it; none is the whole country.
    pub within: Option<LocalityId>,
    /// An organisation of this name is responsible at the moment asked about, whatever its case and diacritics: by successions alone, be the place there or not.
    pub organisation: Option<&'q str>,
    /// It serves this model.
    pub model: Option<&'q ModelCode>,
    /// It stands so, or so; of none it may stand anyhow.
    pub statuses: &'q [WorkItemStatus],
    /// Its last day is this one or later.
    pub due_from: Option<Date>,
    /// Its last day is this one or earlier.
    pub due_to: Option<Date>,
    /// It is neither completed nor cancelled, and past its last day.
    pub overdue_only: bool,
}

/// A work item that is asked for: what it is ordered by, and found again with [`Reading::work_item`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkListed<'a> {
    /// Its last day after any rescheduling.
    pub due: Option<Date>,
    /// Where.
    pub locality: LocalityId,
    /// Which.
    pub work_item: &'a WorkItemCode,
}

impl WorkWanted<'_> {
    /// Whether a work item is asked for, as far as it says so itself.
    fn is_of(&self, item: &WorkItemEntry<'_>, due: Option<Date>, today: Date) -> bool {
        let from = self.due_from;
        let to = self.due_to;
        let model = item.defined.model.as_ref();
        self.model.is_none_or(|asked| model == Some(asked))
            && from.is_none_or(|from| due.is_some_and(|due| from <= due))
            && to.is_none_or(|to| due.is_some_and(|due| due <= to))
            && (!self.overdue_only || item.overdue_days(today) > 0)
    }
}

/// Whose work items are asked for.
struct Whose<'a> {
    /// The name, folded.
    name: String,
    /// It, and all from which successions may lead to it, folded.
    before: BTreeSet<String>,
    /// Whether a name as it is written is one of those: few organisations have much work.
    named: BTreeMap<&'a str, bool>,
}

impl<'a> Whose<'a> {
    fn may_be(&mut self, organisation: &'a str) -> bool {
        let before = &self.before;
        let named = self.named.entry(organisation);
        *named.or_insert_with(|| before.contains(&fold(organisation)))
    }
}

impl<'a> Reading<'a> {
    /// The work items asked for: by last day, those without one behind all others; then by locality and code.
    #[must_use]
    pub fn work_list(&self, wanted: &WorkWanted<'_>) -> Vec<WorkListed<'a>> {
        let mut whose = wanted.organisation.map(|organisation| {
            let name = fold(organisation);
            Whose {
                before: self.names_before(&name),
                name,
                named: BTreeMap::new(),
            }
        });
        let mut found = Vec::new();
        let mut look_at = |place| self.listed_in(place, wanted, whose.as_mut(), &mut found);
        match wanted.within {
            Some(asked) => {
                let ended = self.ended_into(asked).into_iter();
                let inside = self.ever_within(ended.chain([asked])).into_iter();
                inside.for_each(&mut look_at);
            }
            None => {
                let places = self.state.work_items.keys();
                let places = places.map(|place| self.state.places.id(*place));
                places.for_each(&mut look_at);
            }
        }
        found.sort_unstable_by(|a, b| {
            let order = |it: &WorkListed<'a>| (it.due.is_none(), it.due, it.locality);
            let by_place = order(a).cmp(&order(b));
            by_place.then_with(|| a.work_item.cmp(b.work_item))
        });
        found
    }

    /// Adds those of a very locality.
    fn listed_in(
        &self,
        place: LocalityId,
        wanted: &WorkWanted<'_>,
        mut whose: Option<&mut Whose<'a>>,
        found: &mut Vec<WorkListed<'a>>,
    ) {
        let today = self.as_of().date();
        let mut lineage = None;
        for item in self.each_work_item(place) {
            let defined = item.defined;
            let due = item.due();
            let statuses = wanted.statuses;
            let stands_so =
                || statuses.is_empty() || statuses.contains(&self.work_item_status(&item));
            if !wanted.is_of(&item, due, today) || !stands_so() {
                continue;
            }
            if let Some(whose) = &mut whose {
                let organisation = defined.organisation.as_str();
                if !whose.may_be(organisation) {
                    continue;
                }
                let lineage = lineage.get_or_insert_with(|| self.lineage(place));
                let given = item.recorded.effective;
                let holders = self.holders_below([organisation], lineage, given);
                let mut holders = holders.organisations.iter();
                if !holders.any(|holder| fold(holder) == whose.name) {
                    continue;
                }
            }
            found.push(WorkListed {
                due,
                locality: place,
                work_item: &defined.work_item,
            });
        }
    }
}
