//! What must hold once everything is healed.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use tiendo_tests::{say, until};
use wire::cloud_event::{self, Place};
use wire::v1;

use super::load::Acknowledged;
use super::plan::{PATIENCE, STREAMS};
use super::services::Services;
use super::subscribers::{Came, Subscriber, contents};
use super::world::World;

const LEDGER: &str = "khanh-hoa";
const ALERTS: &str = "khanh-hoa-alerts";
/// Alerting's number among the services.
const ALERTING: usize = 2;

/// Judges what is left, for the log that held `loaded` events before the faults.
pub(crate) async fn judge(
    world: &mut World,
    loaded: u64,
    acknowledged: &[Acknowledged],
    subscribers: Vec<(&'static str, usize, Subscriber)>,
) -> Result<()> {
    let log = log(&world.services).await?;
    nothing_is_lost(&log, loaded, acknowledged)?;
    let events = on_the_bus(&log)?;
    same(
        "the stream",
        &contents(&world.context, STREAMS[0]).await?,
        &events,
    )?;
    folded(&world.services, log.len() as u64).await?;
    let alerts = alerts(world, log.len() as u64).await?;
    ensure!(!alerts.is_empty(), "nothing was alerted");
    for (who, stream, subscriber) in subscribers {
        let wanted = [&events, &alerts][stream];
        let came = subscriber.end(wanted.len() as u64).await;
        same(who, &came.with_context(|| who.to_owned())?, wanted)?;
    }
    world.services.tiendo(&["log", "verify"]).await?;
    anew(world, &alerts).await?;
    say(format!(
        "  {} events and {} alerts, each everywhere once",
        events.len(),
        alerts.len()
    ));
    Ok(())
}

async fn log(services: &Services) -> Result<Vec<wire::v1::RecordedEvent>> {
    let asked = v1::ReadEventsRequest::default();
    let mut stream = services.log()?.read_events(asked).await?.into_inner();
    let mut log = Vec::new();
    while let Some(answer) = stream.message().await? {
        log.extend(answer.events);
    }
    for (index, event) in log.iter().enumerate() {
        ensure!(
            event.position == index as u64 + 1,
            "{} at {index}",
            event.position
        );
    }
    Ok(log)
}

/// Every acknowledged request is where its receipt says, and nowhere else; there is nothing beside them.
fn nothing_is_lost(
    log: &[v1::RecordedEvent],
    loaded: u64,
    acknowledged: &[Acknowledged],
) -> Result<()> {
    let mut found: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for event in &log[usize::try_from(loaded)?..] {
        let id = event.message()?.request_id;
        found.entry(id).or_default().push(event.position);
    }
    for told in acknowledged {
        let wanted: Vec<u64> = (told.first..=told.last).collect();
        let at = found.remove(&told.request_id);
        ensure!(at.as_ref() == Some(&wanted), "{told:?} is at {at:?}");
    }
    ensure!(found.is_empty(), "never acknowledged: {found:?}");
    Ok(())
}

/// The log as it must be on the bus.
fn on_the_bus(log: &[v1::RecordedEvent]) -> Result<Vec<Came>> {
    let ids = log.iter().map(|event| Ok(event.message()?.request_id));
    let ids: Vec<String> = ids.collect::<Result<_>>()?;
    let events = log.iter().enumerate().map(|(index, recorded)| {
        let (known, event) = recorded.read().map_err(anyhow::Error::msg)?;
        let place = Place {
            ledger: LEDGER,
            position: recorded.position,
            known,
        };
        let ends = ids.get(index + 1) != Some(&ids[index]);
        let (subject, payload) = cloud_event::publish(place, &event, ends)?;
        Ok(Came {
            position: recorded.position,
            id: format!("{LEDGER}:{}", recorded.position),
            subject,
            payload,
        })
    });
    events.collect()
}

/// The same events, in the same order, byte by byte.
fn same(who: &str, came: &[Came], wanted: &[Came]) -> Result<()> {
    for (came, wanted) in came.iter().zip(wanted) {
        let text = |event: &Came| {
            let payload = String::from_utf8_lossy(&event.payload).into_owned();
            format!("{} {} {payload}", event.id, event.subject)
        };
        ensure!(
            came == wanted,
            "{who}: {}\nnot {}",
            text(came),
            text(wanted)
        );
    }
    let (came, wanted) = (came.len(), wanted.len());
    ensure!(came == wanted, "{who}: {came} events, not {wanted}");
    Ok(())
}

/// Projection's state is that of the log folded anew.
async fn folded(services: &Services, head: u64) -> Result<()> {
    until("a projection at the head", PATIENCE, async || {
        let asked = v1::VerifyProjectionRequest {};
        let mut answers = services
            .query()?
            .verify_projection(asked)
            .await?
            .into_inner();
        let mut last = v1::VerifyProjectionResponse::default();
        while let Some(answer) = answers.message().await? {
            last = answer;
        }
        ensure!(last.done, "{last:?}");
        ensure!(last.digest == last.served_digest, "{last:?}");
        Ok((last.position == head).then_some(()))
    })
    .await
}

/// The stream of alerts, which holds what alerting's log does once the whole ledger is judged.
async fn alerts(world: &World, head: u64) -> Result<Vec<Came>> {
    let told = told(&world.services, head).await?;
    let name = STREAMS[1];
    until("all alerts on the bus", PATIENCE, async || {
        let Ok(stream) = world.context.get_stream(name).await else {
            return Ok(None);
        };
        let last = stream.cached_info().state.last_sequence;
        Ok((last == told.len() as u64).then_some(()))
    })
    .await?;
    let alerts = contents(&world.context, name).await?;
    for (came, told) in alerts.iter().zip(&told) {
        let event: serde_json::Value = serde_json::from_slice(&came.payload)?;
        ensure!(came.id == format!("{ALERTS}:{}", told.position), "{event}");
        let known = told
            .known
            .as_ref()
            .and_then(wire::time::from_wire)
            .context("a time")?;
        ensure!(
            event["recordedtime"] == known.to_string(),
            "{event}, known {known}"
        );
    }
    Ok(alerts)
}

/// Alerting's log, once it has judged the whole ledger.
async fn told(services: &Services, head: u64) -> Result<Vec<v1::RecordedAlert>> {
    let mut alerting = services.alerting()?;
    let asked = v1::ListVerdictsRequest {
        min_position: head,
        // Of one place: all of them are many after a long run.
        code: "568".to_owned(),
        ..Default::default()
    };
    until("a ledger that is judged", PATIENCE, async || {
        Ok(alerting.list_verdicts(asked.clone()).await.ok().map(|_| ()))
    })
    .await?;
    let asked = v1::ReadAlertsRequest::default();
    let mut answers = alerting.read_alerts(asked).await?.into_inner();
    let mut told = Vec::new();
    while let Some(answer) = answers.message().await? {
        told.extend(answer.alerts);
    }
    Ok(told)
}

/// Alerting without its log comes to the same alerts out of the ledger alone, and to the same stream.
async fn anew(world: &mut World, alerts: &[Came]) -> Result<()> {
    let head = world.published().await?;
    let before = told(&world.services, head).await?;
    let said = world.services.stop(ALERTING).await?;
    ensure!(!said.contains("publishing alerts stopped"), "{said}");
    std::fs::remove_dir_all(world.services.data(ALERTING))?;
    world.services.launch(ALERTING)?;
    world.services.ready(ALERTING).await?;
    let after = until("the same alerts", PATIENCE, async || {
        let after = told(&world.services, head).await?;
        Ok((after.len() >= before.len()).then_some(after))
    })
    .await?;
    let entries = |told: &[v1::RecordedAlert]| -> Vec<_> {
        told.iter().map(|told| told.alert.clone()).collect()
    };
    ensure!(
        entries(&before) == entries(&after),
        "other alerts came out of the same ledger"
    );
    same(
        "the stream of alerts",
        &contents(&world.context, STREAMS[1]).await?,
        alerts,
    )?;
    let said = world.services.said(ALERTING)?;
    ensure!(!said.contains("publishing alerts stopped"), "{said}");
    Ok(())
}
