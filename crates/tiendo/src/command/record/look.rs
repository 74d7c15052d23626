//! What a command need not be told, since it is on record. The service holds it against its own record all the same.

use domain::text::Moment;
use domain::{Body, Event};
use jiff::civil::Date;
use wire::v1;

use super::super::{ledger, told};
use crate::Failure;
use crate::client::Clients;
use crate::fail::{FAILED, NOT_FOUND};
use crate::output::Output;

/// What an event on record is about.
#[derive(Debug, Clone, Default)]
pub(super) struct Found {
    /// Its locality; none if it is about the whole programme.
    pub(super) locality: Option<v1::LocalityRef>,
    /// Its indicator; empty if it is no figure.
    pub(super) indicator: String,
    /// The moment it speaks of.
    pub(super) effective: String,
}

/// What the event at a position is about.
pub(super) async fn event(
    position: u64,
    clients: &Clients,
    output: Output,
) -> Result<Found, Failure> {
    let event = at(position, clients, output).await?;
    let indicator = match &event.body {
        Body::ProgressReported(reported) => reported.indicator.to_string(),
        Body::ProgressCorrected(corrected) => corrected.indicator.to_string(),
        _ => String::new(),
    };
    Ok(Found {
        locality: event.body.locality().map(wire::event::locality_ref),
        indicator,
        effective: event.effective.to_string(),
    })
}

/// What the figure at a position is about.
pub(super) async fn figure(
    position: u64,
    clients: &Clients,
    output: Output,
) -> Result<Found, Failure> {
    let found = event(position, clients, output).await?;
    if found.indicator.is_empty() {
        let text = output.lang.pick(
            format!("ở vị trí {position} không phải là số liệu"),
            format!("what stands at position {position} is no figure"),
        );
        return Err(Failure::new(NOT_FOUND, text));
    }
    Ok(found)
}

async fn at(position: u64, clients: &Clients, output: Output) -> Result<Event, Failure> {
    let request = v1::ReadEventsRequest {
        from_position: position,
        to_position: position,
        ..Default::default()
    };
    let found = match position {
        // In a request it means: the first.
        0 => None,
        _ => events(request, clients, output).await?.pop(),
    };
    found.ok_or_else(|| {
        let text = output.lang.pick(
            format!("sổ không có sự kiện nào ở vị trí {position}"),
            format!("no event stands at position {position}"),
        );
        Failure::new(NOT_FOUND, text)
    })
}

/// The events that a request asks for, in its order.
async fn events(
    request: v1::ReadEventsRequest,
    clients: &Clients,
    output: Output,
) -> Result<Vec<Event>, Failure> {
    let stream = clients.log().await?.read_events(request).await;
    let mut stream = stream.map_err(told(output))?.into_inner();
    let mut events = Vec::new();
    while let Some(answer) = stream.message().await.map_err(told(output))? {
        for recorded in answer.events {
            let (_, event) = recorded
                .read()
                .map_err(|error| Failure::new(FAILED, error))?;
            events.push(event);
        }
    }
    Ok(events)
}

/// The identity that a code has on a day; one that is named by its first day is taken as it is.
pub(super) async fn identity(
    locality: v1::LocalityRef,
    on: Date,
    clients: &Clients,
    output: Output,
) -> Result<v1::LocalityRef, Failure> {
    if !locality.since.is_empty() {
        return Ok(locality);
    }
    // One's own registration of a moment ago is to be seen.
    let min_position = ledger::ask(clients, output).await?.head;
    let request = v1::GetLocalityRequest {
        code: locality.code,
        at: Some(v1::ReadAt {
            as_of: on.to_string(),
            known_at: String::new(),
            min_position,
        }),
        ..Default::default()
    };
    let answer = clients.query().await?.get_locality(request).await;
    let answer = answer.map_err(told(output))?.into_inner();
    Ok(answer
        .locality
        .and_then(|locality| locality.r#ref)
        .unwrap_or_default())
}

/// The registration of an identity that holds on a day.
pub(super) async fn registration(
    locality: &v1::LocalityRef,
    on: Date,
    clients: &Clients,
    output: Output,
) -> Result<domain::event::LocalityRegistered, Failure> {
    let identity = format!("{}@{}", locality.code, locality.since);
    let request = v1::ReadEventsRequest {
        locality: identity.clone(),
        kind: "locality.registered".to_owned(),
        ..Default::default()
    };
    let registered = events(request, clients, output).await?;
    let until = Moment::end_of(on);
    // Of those of one moment the last one said holds.
    let newest = registered
        .into_iter()
        .filter(|event| event.effective <= until)
        .max_by_key(|event| event.effective);
    match newest.map(|event| event.body) {
        Some(Body::LocalityRegistered(registered)) => Ok(registered),
        _ => {
            let text = output.lang.pick(
                format!("{identity} chưa có trong sổ tính đến {on}"),
                format!("{identity} is not on record on {on}"),
            );
            Err(Failure::new(NOT_FOUND, text))
        }
    }
}
