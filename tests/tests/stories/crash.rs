//! SIGKILL in the middle of work: nothing acknowledged is missing, nothing is doubled, the rest is done at the next start.

use std::collections::HashMap;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use tiendo_tests::fact::{report, request};
use tiendo_tests::{FRESHNESS, Options, PATIENCE, Tiendo, say, until};
use uuid::Uuid;
use wire::v1;

/// Where a load is killed: after the first batches, before the last ones.
const KILLED_FROM: u64 = 3_000;
/// The latest head at which the kill still is in the middle.
const KILLED_TO: u64 = 20_000;
/// Writers that report side by side when the process is killed.
const WRITERS: u128 = 4;
/// Reports that must be acknowledged before the kill.
const ACKNOWLEDGED_MIN: usize = 100;

#[tokio::test(flavor = "multi_thread")]
async fn a_load_that_was_killed_is_completed() -> Result<()> {
    let mut killed = Tiendo::launch(Options::sample().with_known_ingest()?)?;
    let in_the_middle = async || {
        // Refused until ingest listens.
        let Ok(ledger) = killed.ledger().await else {
            return Ok(None);
        };
        Ok((ledger.head >= KILLED_FROM).then_some(ledger.head))
    };
    let seen = until("a load in the middle", PATIENCE, in_the_middle).await?;
    killed.kill_group().await?;
    say(format!("  killed after {seen} events were seen"));
    ensure!(
        seen <= KILLED_TO,
        "{seen} events were there when first looked at: too late"
    );
    ensure!(
        !killed.data().join("endpoints.json").exists(),
        "it was ready before it was loaded"
    );
    killed.restart().await?;

    let undisturbed = Tiendo::start(Options::sample()).await?;
    check_completed(&killed, &undisturbed).await?;
    undisturbed.finish().await?;
    killed.finish().await
}

async fn check_completed(killed: &Tiendo, undisturbed: &Tiendo) -> Result<()> {
    let ledger = killed.ledger().await?;
    let events: u64 = ledger.datasets.iter().map(|set| set.events).sum();
    assert_eq!(ledger.datasets.len(), 5, "{ledger:?}");
    assert_eq!(
        ledger.head,
        events + 5,
        "the events of each set and the mark that ends it"
    );
    assert_eq!(
        ledger,
        v1::GetLedgerResponse {
            // How far the bus is by now.
            published: ledger.published,
            behind_positions: ledger.behind_positions,
            behind_seconds: ledger.behind_seconds,
            trouble: ledger.trouble.clone(),
            ..undisturbed.ledger().await?
        }
    );
    killed.text(&["log", "verify"]).await?;
    check_no_request_twice(killed, ledger.head).await?;
    // A killed log took its events at another time, so only what does not speak of that time can be the same.
    for arguments in [
        &["locality", "show", "56"][..],
        &["locality", "show", "268"],
        &["locality", "list", "--limit", "20000"],
        &["model", "list"],
        &["indicator", "list"],
        &["indicator", "rank", "eid.activated", "--parent", "01"],
        &["case", "list"],
        &["verdict", "list"],
    ] {
        let (one, other) = (
            killed.json(arguments).await?,
            undisturbed.json(arguments).await?,
        );
        assert_eq!(timeless(one), timeless(other), "{arguments:?}");
    }
    let rebuilt = killed.json(&["locality", "rebuild", "56"]).await?;
    assert_eq!(rebuilt["digest"], rebuilt["servedDigest"]);
    Ok(())
}

/// Without the times at which a log took something, the digests that cover them, and how fresh the answer is.
fn timeless(mut value: Value) -> Value {
    match &mut value {
        Value::Object(fields) => {
            fields.retain(|name, _| {
                let name = name.as_str();
                !["known", "openedKnown", "clearedKnown", "digest"].contains(&name)
                    && !FRESHNESS.contains(&name)
            });
            for field in fields.values_mut() {
                *field = timeless(field.take());
            }
        }
        Value::Array(items) => {
            for item in items {
                *item = timeless(item.take());
            }
        }
        _ => {}
    }
    value
}

/// All events, read in order; positions are dense and a request's events stand together once.
async fn check_no_request_twice(t: &Tiendo, head: u64) -> Result<()> {
    let mut ended: HashMap<String, u64> = HashMap::new();
    let mut next = 1;
    for recorded in events(t, 1).await? {
        ensure!(
            recorded.position == next,
            "position {} after {}",
            recorded.position,
            next - 1
        );
        let request_id = recorded.message()?.request_id;
        let before = ended.insert(request_id.clone(), next);
        let together = before.is_none_or(|before| before == next - 1);
        ensure!(
            together,
            "request {request_id} ended at {before:?} and is back at {next}"
        );
        next += 1;
    }
    ensure!(
        next == head + 1,
        "the log ends at {}, not at {head}",
        next - 1
    );
    Ok(())
}

async fn events(t: &Tiendo, from_position: u64) -> Result<Vec<v1::RecordedEvent>> {
    let request = v1::ReadEventsRequest {
        from_position,
        ..Default::default()
    };
    let mut stream = t.log().await?.read_events(request).await?.into_inner();
    let mut events = Vec::new();
    while let Some(answer) = stream.message().await? {
        events.extend(answer.events);
    }
    Ok(events)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_before_a_kill_is_there_once() -> Result<()> {
    let mut t = Tiendo::start(Options::empty()).await?;
    t.text(&["load", "gazetteer", "catalogue"]).await?;
    let before = t.ledger().await?.head;
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..WRITERS {
        let (mut ingest, tell) = (t.ingest().await?, tell.clone());
        writers.spawn(async move {
            let mut number = 0;
            loop {
                let event = numbered(writer, number);
                let id = event.request_id.clone();
                // The first error is the kill; whether that request was recorded, nobody was told.
                let Ok(answer) = ingest.record(request(event)).await else {
                    return (writer, number);
                };
                let receipt = answer.into_inner().receipt.unwrap_or_default();
                if tell.send((id, receipt.first_position)).is_err() {
                    return (writer, number);
                }
                number += 1;
            }
        });
    }
    drop(tell);
    let mut acknowledged = Vec::new();
    while acknowledged.len() < ACKNOWLEDGED_MIN {
        let next = tokio::time::timeout(PATIENCE, told.recv())
            .await
            .context("too slow")?;
        acknowledged.push(next.context("the writers ended")?);
    }
    t.kill_group().await?;
    let unanswered = writers.join_all().await;
    while let Some(more) = told.recv().await {
        acknowledged.push(more);
    }
    say(format!(
        "  killed after {} acknowledgements",
        acknowledged.len()
    ));

    t.restart().await?;
    t.text(&["log", "verify"]).await?;
    let mut positions: HashMap<String, Vec<u64>> = HashMap::new();
    for recorded in events(&t, before + 1).await? {
        let id = recorded.message()?.request_id;
        positions.entry(id).or_default().push(recorded.position);
    }
    for (id, position) in &acknowledged {
        assert_eq!(positions.get(id), Some(&vec![*position]), "request {id}");
    }
    let extra = positions.len() - acknowledged.len();
    ensure!(extra <= unanswered.len(), "{extra} more than were sent");
    // What was not answered is sent again under its own id: recorded once, whether it was before or not.
    for (writer, number) in unanswered {
        let event = numbered(writer, number);
        let known = positions.contains_key(&event.request_id);
        let answer = t.ingest().await?.record(request(event)).await?.into_inner();
        assert_eq!(answer.receipt.context("receipt")?.repeated, known);
    }
    t.finish().await
}

/// Report `number` of a writer; each writer has a district and each report a day of its own.
fn numbered(writer: u128, number: u128) -> v1::Event {
    let districts = ["568", "569", "570", "571"];
    let day = format!("2023-{:02}-{:02}", 1 + number / 28 % 6, 1 + number % 28);
    let district = districts[usize::try_from(writer).unwrap_or(0) % districts.len()];
    let mut event = report(district, &day, i64::try_from(1_000 + number).unwrap_or(0));
    let id = (0x7465_7374_u128 << 96)
        | (0x4000_u128 << 64)
        | (0x8000_u128 << 48)
        | (writer << 32)
        | number;
    event.request_id = Uuid::from_u128(id).to_string();
    event
}
