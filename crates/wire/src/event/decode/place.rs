//! Localities: their beginning and their end.

use domain::event::{self as d, Body};
use domain::{LocalityId, Reason};
use jiff::civil::Date;

use super::{At, Reference};
use crate::event::fields::Fields;
use crate::event::level;
use crate::v1 as w;

pub(super) fn locality_registered(
    f: &mut Fields<'_>,
    m: &w::LocalityRegistered,
    _: At<'_>,
) -> Option<Body> {
    let locality = f.identity("locality", m.locality.as_ref());
    if let Some(id) = locality.filter(|_| m.start_known) {
        let start = Some(id.since);
        f.refer(
            "start_known",
            &Reference::Life {
                id,
                start,
                end: None,
            },
        );
    }
    let name = f.name("name", m.name.as_ref());
    let parent = match &m.parent {
        None => Some(None),
        parent => f.identity("parent", parent.as_ref()).map(Some),
    };
    if let Some(Some(parent)) = parent {
        f.refer("parent", &Reference::Identity(parent));
    }
    let source = f.source("source", m.source.as_ref());
    let locality = locality?;
    if m.level != 0 && m.level != level(locality.code.level()) {
        f.refuse::<()>(
            "level",
            Reason::CodeFormat,
            "does not fit the length of the code",
        );
    }
    Some(Body::LocalityRegistered(d::LocalityRegistered {
        locality,
        name: name?,
        parent: parent?,
        start_known: m.start_known,
        source: source?,
    }))
}

pub(super) fn locality_ended(f: &mut Fields<'_>, m: &w::LocalityEnded, at: At<'_>) -> Option<Body> {
    let locality = f.identity("locality", m.locality.as_ref());
    if let Some(id) = locality {
        f.refer("locality", &Reference::Identity(id));
        if let Some(at) = at {
            ends(f, id, at.date());
        }
    }
    let successors: Vec<Option<d::Successor>> = m
        .successors
        .iter()
        .enumerate()
        .map(|(i, successor)| {
            let field = format!("successors[{i}]");
            let mut f = f.below(&field);
            let heir = f.identity("locality", successor.locality.as_ref());
            if let Some(heir) = heir {
                f.refer("locality", &Reference::Identity(heir));
                if locality == Some(heir) && !f.resolver.trusted() {
                    let detail = format!("{heir} would succeed itself");
                    f.refuse::<()>("locality", Reason::SuccessionCycle, detail);
                }
            }
            let extent = f.term("extent", successor.extent, d::Extent::ALL);
            Some(d::Successor {
                locality: heir?,
                extent: extent?,
            })
        })
        .collect();
    let source = f.source("source", m.source.as_ref());
    Some(Body::LocalityEnded(d::LocalityEnded {
        locality: locality?,
        successors: successors.into_iter().collect::<Option<_>>()?,
        source: source?,
    }))
}

/// What must hold for a locality to end on a day.
fn ends(f: &mut Fields<'_>, id: LocalityId, day: Date) {
    if day < id.since && !f.resolver.trusted() {
        let detail = format!("{id} would end on {day}, before its first day");
        f.refuse::<()>("locality", Reason::DateOrder, detail);
    }
    let end = Some(day);
    f.refer(
        "locality",
        &Reference::Life {
            id,
            start: None,
            end,
        },
    );
}
