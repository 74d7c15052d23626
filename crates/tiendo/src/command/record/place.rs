//! Localities: registered, renamed, merged, split, ended.

use domain::Level;
use jiff::civil::Date;
use wire::event::locality_ref;
use wire::v1;
use wire::v1::event::Body;

use super::{Said, event, look, send};
use crate::Failure;
use crate::cli::{Heir, LocalityEnd, LocalityRecording, LocalityRegister, LocalityRename, Reform};
use crate::client::Clients;
use crate::fail::USAGE;
use crate::output::Output;

/// Runs a command that records something of localities.
pub(in crate::command) async fn locality(
    command: LocalityRecording,
    clients: &Clients,
    output: Output,
) -> Result<(), Failure> {
    match command {
        LocalityRecording::Register(register) => {
            let said = register_one(register, clients, output).await?;
            send::one(said, clients, output).await
        }
        LocalityRecording::Rename(rename) => {
            let said = rename_one(rename, clients, output).await?;
            send::one(said, clients, output).await
        }
        LocalityRecording::End(end) => {
            let said = end_one(end, clients, output).await?;
            send::one(said, clients, output).await
        }
        LocalityRecording::Merge(merge) => {
            let change = Change {
                ending: merge.localities,
                heirs: vec![merge.into],
                parent: merge.parent,
                source: merge.source.into(),
            };
            reform(change, merge.change, clients, output).await
        }
        LocalityRecording::Split(split) => {
            let change = Change {
                ending: vec![split.locality],
                heirs: split.into,
                parent: split.parent,
                source: split.source.into(),
            };
            reform(change, split.change, clients, output).await
        }
    }
}

async fn register_one(
    register: LocalityRegister,
    clients: &Clients,
    output: Output,
) -> Result<Said, Failure> {
    let on = register.day.as_of;
    needs_parent(&register.code, register.parent.as_ref(), output)?;
    let parent = match register.parent {
        Some(parent) => Some(look::identity(parent, on, clients, output).await?),
        None => None,
    };
    let body = Body::LocalityRegistered(v1::LocalityRegistered {
        start_known: !register.start_unknown,
        ..registered(
            register.code,
            register.name.into(),
            parent,
            register.source.into(),
            on,
        )
    });
    Ok(Said::at(on.to_string(), register.day.request, body))
}

/// A locality that is renamed is registered once more: the identity stays, and so does all that is not said anew.
async fn rename_one(
    rename: LocalityRename,
    clients: &Clients,
    output: Output,
) -> Result<Said, Failure> {
    let on = rename.day.as_of;
    let locality = look::identity(rename.locality, on, clients, output).await?;
    let before = look::registration(&locality, on, clients, output).await?;
    let parent = match rename.parent {
        Some(parent) => Some(look::identity(parent, on, clients, output).await?),
        None => before.parent.map(locality_ref),
    };
    let body = Body::LocalityRegistered(v1::LocalityRegistered {
        locality: Some(locality),
        name: Some(rename.name.into()),
        parent,
        start_known: before.start_known,
        source: Some(rename.source.into()),
        ..Default::default()
    });
    Ok(Said::at(on.to_string(), rename.day.request, body))
}

async fn end_one(end: LocalityEnd, clients: &Clients, output: Output) -> Result<Said, Failure> {
    let on = end.day.as_of;
    let locality = look::identity(end.locality, eve(on), clients, output).await?;
    let body = ended(locality, Vec::new(), end.source.into());
    Ok(Said::at(on.to_string(), end.day.request, body))
}

/// Localities that end, and those that take over their territory.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) ending: Vec<v1::LocalityRef>,
    pub(super) heirs: Vec<Heir>,
    pub(super) parent: Option<v1::LocalityRef>,
    pub(super) source: v1::Source,
}

async fn reform(
    mut change: Change,
    reform: Reform,
    clients: &Clients,
    output: Output,
) -> Result<(), Failure> {
    let on = reform.as_of;
    let new = change.heirs.iter().filter(|heir| heir.name.is_some());
    for heir in new {
        needs_parent(&heir.locality.code, change.parent.as_ref(), output)?;
    }
    // Whoever ends was there on the day before; whoever goes on is there on the day itself.
    for ending in &mut change.ending {
        *ending = look::identity(ending.clone(), eve(on), clients, output).await?;
    }
    for heir in change.heirs.iter_mut().filter(|heir| heir.name.is_none()) {
        heir.locality = look::identity(heir.locality.clone(), on, clients, output).await?;
    }
    if let Some(parent) = change.parent.take() {
        change.parent = Some(look::identity(parent, on, clients, output).await?);
    }
    goes_elsewhere(&change, output)?;
    let events = bodies(change, on)
        .into_iter()
        .map(|body| event(&reform.reporter, on.to_string(), body));
    send::all(events.collect(), reform.reporter, clients, output).await
}

/// The events of a change: first what is new, so that the ends can name it.
pub(super) fn bodies(change: Change, on: Date) -> Vec<Body> {
    let mut bodies = Vec::new();
    let mut successors = Vec::new();
    for heir in change.heirs {
        let mut locality = heir.locality;
        if let Some(vi) = heir.name {
            let en = String::new();
            let new = registered(
                locality.code,
                v1::Name { vi, en },
                change.parent.clone(),
                change.source.clone(),
                on,
            );
            locality = new.locality.clone().unwrap_or_default();
            bodies.push(Body::LocalityRegistered(new));
        }
        successors.push(v1::Successor {
            locality: Some(locality),
            extent: heir.extent.into(),
        });
    }
    let ends = change
        .ending
        .into_iter()
        .map(|ending| ended(ending, successors.clone(), change.source.clone()));
    bodies.extend(ends);
    bodies
}

/// The first registration of a locality that is there from a day on.
fn registered(
    code: String,
    name: v1::Name,
    parent: Option<v1::LocalityRef>,
    source: v1::Source,
    on: Date,
) -> v1::LocalityRegistered {
    v1::LocalityRegistered {
        locality: Some(v1::LocalityRef {
            code,
            since: on.to_string(),
        }),
        name: Some(name),
        parent,
        start_known: true,
        source: Some(source),
        ..Default::default()
    }
}

fn ended(locality: v1::LocalityRef, successors: Vec<v1::Successor>, source: v1::Source) -> Body {
    Body::LocalityEnded(v1::LocalityEnded {
        locality: Some(locality),
        successors,
        source: Some(source),
    })
}

/// The day before; before the first of all days there is none.
fn eve(on: Date) -> Date {
    on.yesterday().unwrap_or(on)
}

/// Whatever is no province belongs somewhere.
fn needs_parent(
    code: &str,
    parent: Option<&v1::LocalityRef>,
    output: Output,
) -> Result<(), Failure> {
    let level = code.parse().map(|code: domain::LocalityCode| code.level());
    // What is no code at all is refused by the service, which says why.
    if parent.is_some() || !matches!(level, Ok(Level::District | Level::Commune)) {
        return Ok(());
    }
    let text = output.lang.pick(
        format!("{code} thuộc địa phương nào? Hãy nêu bằng --parent MÃ"),
        format!("to which locality does {code} belong? Say it with --parent CODE"),
    );
    Err(Failure::new(USAGE, text))
}

/// Nothing goes over into itself.
fn goes_elsewhere(change: &Change, output: Output) -> Result<(), Failure> {
    let stays = change
        .heirs
        .iter()
        .find(|heir| heir.name.is_none() && change.ending.contains(&heir.locality));
    let Some(heir) = stays else { return Ok(()) };
    let code = &heir.locality.code;
    let text = output.lang.pick(
        format!("{code} không thể nhập vào chính mình; nếu {code} còn tồn tại, chỉ nêu các địa phương chấm dứt"),
        format!("{code} cannot go over into itself; if it goes on to exist, name only those that end"),
    );
    Err(Failure::new(USAGE, text))
}
