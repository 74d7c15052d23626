//! Localities: their beginning and their end.

use domain::event as d;

use super::{level, locality_ref, name, number, source};
use crate::v1 as w;

pub(super) fn locality_registered(e: &d::LocalityRegistered) -> w::LocalityRegistered {
    w::LocalityRegistered {
        locality: Some(locality_ref(e.locality)),
        level: level(e.locality.code.level()),
        name: Some(name(&e.name)),
        parent: e.parent.map(locality_ref),
        start_known: e.start_known,
        source: Some(source(&e.source)),
    }
}

pub(super) fn locality_ended(e: &d::LocalityEnded) -> w::LocalityEnded {
    w::LocalityEnded {
        locality: Some(locality_ref(e.locality)),
        successors: e.successors.iter().map(successor).collect(),
        source: Some(source(&e.source)),
    }
}

/// A successor as a message.
#[must_use]
pub fn successor(successor: &d::Successor) -> w::Successor {
    w::Successor {
        locality: Some(locality_ref(successor.locality)),
        extent: number(successor.extent as usize),
    }
}
