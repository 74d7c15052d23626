//! Names of persons appointed: checked, committed to under a salt, compared, erased.
//!
//! A name comes beside the event, never in it: the event that is decided, logged and published has only room for a
//! commitment.
//! Salt and name go to the log as the event's erasable attribute.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use domain::event::Body;
use domain::{Event, PersonCommitment, Reason, Violation};
use event_log::{Attribute, Log};
use wire::v1;

/// The names given in a request, in NFC, by the index of the event they belong to.
#[derive(Default)]
pub(crate) struct Names(BTreeMap<usize, String>);

impl Names {
    /// Reads the names that come with events; `single` tells how a violation names its field.
    ///
    /// # Errors
    /// Every violation: no name, more than a name, or a name for what appoints nobody.
    pub(crate) fn read(
        persons: &[v1::AppointedPerson],
        events: &[v1::Event],
        single: bool,
    ) -> Result<Names, Vec<Violation>> {
        let mut names = BTreeMap::new();
        let mut violations = Vec::new();
        for (i, person) in persons.iter().enumerate() {
            let (index_field, name_field) = if single {
                ("person".to_owned(), "person".to_owned())
            } else {
                (
                    format!("persons[{i}].event_index"),
                    format!("persons[{i}].name"),
                )
            };
            let mut misplaced = |detail: &str| {
                let violation = Violation::new(&index_field, Reason::PersonMisplaced, detail);
                violations.push(violation);
            };
            let index = usize::try_from(person.event_index).unwrap_or(usize::MAX);
            match events.get(index).map(|event| &event.body) {
                Some(Some(v1::event::Body::OwnerAssigned(_))) => {}
                Some(_) => misplaced("belongs to an event that appoints nobody"),
                None => misplaced("names no event of the batch"),
            }
            if names.contains_key(&index) {
                misplaced("names an event for the second time");
            }
            match wire::event::parse_person(&name_field, &person.name) {
                Ok(name) => drop(names.insert(index, name)),
                Err(violation) => violations.push(violation),
            }
        }
        if violations.is_empty() {
            Ok(Names(names))
        } else {
            Err(violations)
        }
    }

    /// The name that belongs to the event at an index.
    pub(crate) fn of(&self, index: usize) -> Option<&str> {
        self.0.get(&index).map(String::as_str)
    }
}

/// Puts a commitment to the name into an appointment, and gives what is to be kept beside the log.
///
/// # Errors
/// [`event_log::Error::Io`] if the system gives no random numbers.
pub(crate) fn commit(event: &mut Event, name: &str) -> Result<Option<Attribute>, event_log::Error> {
    let Body::OwnerAssigned(assigned) = &mut event.body else {
        return Ok(None);
    };
    let mut salt = [0; 32];
    getrandom::fill(&mut salt).map_err(|error| event_log::Error::Io {
        doing: "draw a salt",
        source: Arc::new(io::Error::other(error.to_string())),
    })?;
    assigned.person_commitment = Some(PersonCommitment::new(&salt, name));
    let bytes = name.to_owned().into();
    Ok(Some(Attribute { salt, bytes }))
}

/// The commitment that an event carries.
fn commitment(event: &Event) -> Option<PersonCommitment> {
    match &event.body {
        Body::OwnerAssigned(assigned) => assigned.person_commitment,
        _ => None,
    }
}

/// The event as its request said it.
fn as_said(mut event: Event) -> Event {
    event.findings.clear();
    if let Body::OwnerAssigned(assigned) = &mut event.body {
        assigned.person_commitment = None;
    }
    event
}

/// Whether an event, as a request says it, is the one on record.
pub(crate) fn says(said: &Event, recorded: &Event) -> bool {
    let is_traced_alike = said.traceparent == recorded.traceparent;
    if recorded.findings.is_empty() && commitment(recorded).is_none() && is_traced_alike {
        return said == recorded;
    }
    // Sent again, a request may come from another piece of work.
    let mut recorded = as_said(recorded.clone());
    recorded.traceparent = said.traceparent;
    *said == recorded
}

/// Whether a name is the one with which the event at a position was recorded.
///
/// Once it is erased (or cannot be read) nobody can tell any more, and a repeated request that gives a name is taken
/// for the same.
pub(crate) fn is_same(log: &Log, position: u64, recorded: &Event, name: Option<&str>) -> bool {
    match (commitment(recorded), name) {
        (None, None) => true,
        (Some(commitment), Some(name)) => match log.attribute(position) {
            Ok(Some(kept)) => PersonCommitment::new(&kept.salt, name) == commitment,
            Ok(None) => true,
            Err(error) => {
                tracing::error!(%error, position, "cannot read the name kept for position {position}");
                true
            }
        },
        _ => false,
    }
}

/// Does what the events of the log say is done: erases the names.
///
/// It waits for the disk; doing it again changes nothing.
/// At every start all erasures are carried out anew, so that a crash in between, or a backup from before them,
/// brings no name back.
///
/// # Errors
/// What the disk says.
pub(crate) fn erase<'a>(
    log: &Log,
    events: impl IntoIterator<Item = &'a Event>,
) -> Result<(), event_log::Error> {
    for event in events {
        if let Body::PersonErased(erased) = &event.body
            && log.erase(erased.appointment)?
        {
            let position = erased.appointment;
            tracing::info!(position, "the name given at position {position} is erased");
        }
    }
    Ok(())
}
