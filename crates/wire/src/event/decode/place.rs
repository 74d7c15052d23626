//! Localities: their beginning and their end.

use domain::Reason;
use domain::event::{self as d, Body};

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

pub(super) fn locality_ended(f: &mut Fields<'_>, m: &w::LocalityEnded, _: At<'_>) -> Option<Body> {
    let locality = f.identity("locality", m.locality.as_ref());
    if let Some(locality) = locality {
        f.refer("locality", &Reference::Identity(locality));
    }
    let successors: Vec<Option<d::Successor>> = m
        .successors
        .iter()
        .enumerate()
        .map(|(i, successor)| {
            let field = format!("successors[{i}]");
            let mut f = f.below(&field);
            let locality = f.identity("locality", successor.locality.as_ref());
            let extent = f.term("extent", successor.extent, d::Extent::ALL);
            Some(d::Successor {
                locality: locality?,
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
