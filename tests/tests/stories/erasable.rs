//! A person's name is kept beside the log, seen by nobody who is not told, and erased for good.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use futures::StreamExt as _;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tiendo_tests::fact::{actor, batch, event, place, report, request};
use tiendo_tests::{Chapters, Options, Refused, Tiendo};
use tonic::Code;
use uuid::Uuid;
use wire::v1;
use wire::v1::event::Body;
use wire::v1::owner_assigned::Scope;

/// Nobody of this name is in any data set.
const NAME: &str = "Nguyễn Thị Thử Nghiệm";
const OTHER: &str = "Trần Văn Kiểm Chứng";
const MODEL: &str = "KH-1.01";

#[tokio::test(flavor = "multi_thread")]
async fn an_appointed_persons_name_can_be_erased() -> Result<()> {
    let mut t = Tiendo::start(Options::sample()).await?;
    let mut story = Chapters::new();
    let named = appointed(&t).await?;
    story
        .tell(
            "the name lies beside the log and nowhere else",
            nowhere_else(&t, &named),
        )
        .await;
    story
        .tell("whoever asks the log for it reads it", read(&t, &named))
        .await;
    story
        .tell("a repeated appointment is the same", repeated(&t, &named))
        .await;
    story.tell("names that are refused", refused(&t)).await;
    story
        .tell(
            "an erasure is checked before it is done",
            checked(&t, &named),
        )
        .await;

    let before = answers(&t, &named).await?;
    let kept = fs::read(erasable(&t))?;
    story.tell("it is erased", erased(&t, &named)).await;
    story.tell("it is gone", gone(&t, &named, &before)).await;
    story
        .tell("nothing brings it back", not_again(&t, &named))
        .await;
    t.stop().await?;
    t.restart().await?;
    story
        .tell("it is gone after a restart", gone(&t, &named, &before))
        .await;
    // As after a power cut during the erasure, or from a backup made before it.
    t.stop().await?;
    fs::write(erasable(&t), kept)?;
    t.restart().await?;
    story
        .tell(
            "and with an older copy of the file",
            gone(&t, &named, &before),
        )
        .await;
    story.end()?;
    t.finish().await
}

/// What was recorded with a name.
struct Named {
    request: v1::RecordRequest,
    position: u64,
}

fn assignment(role: v1::Role) -> v1::Event {
    let body = v1::OwnerAssigned {
        scope: Some(Scope::Model(MODEL.to_owned())),
        locality: place("56"),
        role: role as i32,
        organisations: vec!["Công an tỉnh Khánh Hòa".to_owned()],
        accountable_office: "Giám đốc Công an tỉnh".to_owned(),
        source: Some(v1::Source {
            title: "Quyết định phân công".to_owned(),
            url: String::new(),
        }),
        person_commitment: Vec::new(),
        ..Default::default()
    };
    event("2023-08-01", Body::OwnerAssigned(body))
}

/// Appoints the lead by name, and in a batch of three a second person for the second event.
async fn appointed(t: &Tiendo) -> Result<Named> {
    let mut ingest = t.ingest().await?;
    let mut lead = assignment(v1::Role::Lead);
    lead.request_id = Uuid::from_u128(0x0000_5678_0000_4000_8000_0000_0000_0e01).to_string();
    let request = v1::RecordRequest {
        person: NAME.to_owned(),
        ..request(lead)
    };
    let answer = ingest.record(request.clone()).await?.into_inner();
    let position = answer.receipt.context("receipt")?.first_position;
    let others = vec![
        report("568", "2023-07-15", 100_000),
        assignment(v1::Role::Focal),
        assignment(v1::Role::Coordinating),
    ];
    let others = v1::RecordBatchRequest {
        persons: vec![v1::AppointedPerson {
            event_index: 1,
            name: OTHER.to_owned(),
        }],
        ..batch(others)
    };
    ingest.record_batch(others).await?;
    Ok(Named { request, position })
}

fn erasable(t: &Tiendo) -> PathBuf {
    t.data().join("ingest/erasable")
}

/// The files below a folder that hold a text.
fn files_with(folder: &Path, text: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files_with(&path, text)?);
        } else if path.is_file() {
            let stored = fs::read(&path)?;
            let holds = |part: &[u8]| part == text.as_bytes();
            if stored.windows(text.len()).any(holds) {
                found.push(path);
            }
        }
    }
    Ok(found)
}

/// The events from a position on, as the log gives them.
async fn logged(t: &Tiendo, from_position: u64) -> Result<Vec<v1::Event>> {
    let wanted = v1::ReadEventsRequest {
        from_position,
        ..Default::default()
    };
    let mut answers = t.log().await?.read_events(wanted).await?.into_inner();
    let mut events = Vec::new();
    while let Some(answer) = answers.message().await? {
        for recorded in answer.events {
            events.push(recorded.message()?);
        }
    }
    Ok(events)
}

/// The message at a position of the stream, and its subject.
async fn on_the_bus(t: &Tiendo, position: u64) -> Result<(String, Value)> {
    let jetstream = async_nats::jetstream::new(t.nats().await?);
    let stream = jetstream.get_stream("TIENDO_KHANH-HOA").await?;
    let found = tiendo_tests::until("the message", tiendo_tests::PATIENCE, async || {
        Ok(stream.get_raw_message(position).await.ok())
    });
    let message = found.await?;
    let json = serde_json::from_slice(&message.payload)?;
    Ok((message.subject.to_string(), json))
}

async fn nowhere_else(t: &Tiendo, named: &Named) -> Result<()> {
    assert_eq!(files_with(&t.data(), NAME)?, [erasable(t)]);
    assert_eq!(files_with(&t.data(), OTHER)?, [erasable(t)]);
    for said in [t.said()?, t.shown()?] {
        ensure!(!said.contains("Thử Nghiệm"), "a log line tells the name");
    }

    let logged = logged(t, named.position).await?;
    ensure!(
        !format!("{logged:?}").contains("Thử Nghiệm"),
        "the log tells the name"
    );
    let commitments: Vec<usize> = logged
        .iter()
        .filter_map(|event| match &event.body {
            Some(Body::OwnerAssigned(assigned)) => Some(assigned.person_commitment.len()),
            _ => None,
        })
        .collect();
    assert_eq!(
        commitments,
        [32, 32, 0],
        "only who was named has a commitment"
    );

    let (subject, message) = on_the_bus(t, named.position).await?;
    assert_eq!(subject, "tiendo.v1.khanh-hoa.56.owner.assigned.kh-1-01");
    ensure!(
        !message.to_string().contains("Thử Nghiệm"),
        "the bus tells the name"
    );
    let commitment = &message["data"]["ownerAssigned"]["personCommitment"];
    assert_eq!(commitment.as_str().context("a commitment")?.len(), 64);

    let models = answers(t, named).await?;
    ensure!(
        !models.contains("Thử Nghiệm"),
        "the projection tells the name"
    );
    ensure!(
        models.contains(&format!("\"appointment\": {}", named.position)),
        "{models}"
    );
    Ok(())
}

async fn attribute(t: &Tiendo, position: u64) -> Result<v1::GetAttributeResponse> {
    let request = v1::GetAttributeRequest { position };
    Ok(t.log().await?.get_attribute(request).await?.into_inner())
}

async fn read(t: &Tiendo, named: &Named) -> Result<()> {
    let kept = attribute(t, named.position).await?;
    assert_eq!((kept.name.as_str(), kept.erased), (NAME, false));
    let (_, message) = on_the_bus(t, named.position).await?;
    let published = &message["data"]["ownerAssigned"]["personCommitment"];
    // As the contract says it; whoever has salt and name can check it.
    let mut hash = Sha256::new();
    hash.update(b"tiendo/person/v1\0");
    hash.update(&kept.salt);
    hash.update(&kept.name);
    let commitment = hash.finalize();
    assert_eq!(kept.commitment, commitment.as_slice());
    let commitment: String = commitment
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(published, commitment.as_str());

    let position = named.position.to_string();
    let shown = t.text(&["log", "attribute", &position]).await?;
    ensure!(shown.contains(NAME), "{shown}");
    assert_eq!(attribute(t, named.position + 2).await?.name, OTHER);
    // A report appoints nobody, and nothing stands beyond the head.
    for position in [named.position + 1, named.position + 3, 1_000_000, 0] {
        let request = v1::GetAttributeRequest { position };
        let refused = Refused::expect(t.log().await?.get_attribute(request).await)?;
        assert_eq!(
            (refused.code, refused.reason.as_str()),
            (Code::NotFound, "UNKNOWN_APPOINTMENT")
        );
    }
    Ok(())
}

async fn repeated(t: &Tiendo, named: &Named) -> Result<()> {
    let mut ingest = t.ingest().await?;
    let head = t.ledger().await?.head;
    let again = ingest.record(named.request.clone()).await?.into_inner();
    let again = again.receipt.context("receipt")?;
    assert_eq!(
        (again.first_position, again.repeated),
        (named.position, true)
    );
    for person in [OTHER, ""] {
        let other = v1::RecordRequest {
            person: person.to_owned(),
            ..named.request.clone()
        };
        let refused = Refused::expect(ingest.record(other).await)?;
        assert_eq!(
            (refused.code, refused.reason.as_str()),
            (Code::AlreadyExists, "REQUEST_ID_REUSED")
        );
    }
    assert_eq!(t.ledger().await?.head, head);
    Ok(())
}

async fn refused(t: &Tiendo) -> Result<()> {
    let mut ingest = t.ingest().await?;
    let head = t.ledger().await?.head;
    let kept = fs::read(erasable(t))?;
    let long = "ễ".repeat(121);
    for (person, reason) in [
        ("Nguyễn Ba, 056203001234", "PERSONAL_DATA"),
        ("0912 345 678", "PERSONAL_DATA"),
        ("ba.nguyen@example.vn", "PERSONAL_DATA"),
        (long.as_str(), "TEXT_FORMAT"),
    ] {
        let wanted = v1::RecordRequest {
            person: person.to_owned(),
            ..request(assignment(v1::Role::Lead))
        };
        let refused = Refused::expect(ingest.record(wanted).await)?;
        assert_eq!(refused.fields, [("person".to_owned(), reason.to_owned())]);
    }
    let wanted = v1::RecordRequest {
        person: NAME.to_owned(),
        ..request(report("568", "2023-07-15", 1))
    };
    let refused = Refused::expect(ingest.record(wanted).await)?;
    assert_eq!(
        refused.fields,
        [("person".to_owned(), "PERSON_MISPLACED".to_owned())]
    );

    let person = |event_index| v1::AppointedPerson {
        event_index,
        name: NAME.to_owned(),
    };
    let wanted = v1::RecordBatchRequest {
        persons: vec![person(0), person(0), person(7)],
        ..batch(vec![assignment(v1::Role::Lead)])
    };
    let refused = Refused::expect(ingest.record_batch(wanted).await)?;
    let fields: Vec<_> = refused
        .fields
        .iter()
        .map(|(field, _)| field.as_str())
        .collect();
    assert_eq!(fields, ["persons[1].event_index", "persons[2].event_index"]);
    assert_eq!(t.ledger().await?.head, head);
    assert_eq!(
        fs::read(erasable(t))?,
        kept,
        "nothing of a refused request is kept"
    );
    Ok(())
}

/// What is answered as known before the erasure, and what the log says of itself.
async fn answers(t: &Tiendo, named: &Named) -> Result<String> {
    let known = (named.position + 3).to_string();
    let at = ["--as-of", "2023-09-01", "--known-at", &known];
    let mut answers = String::new();
    for asked in [&["locality", "show", "56"][..], &["model", "list"]] {
        let arguments = [asked, &at].concat();
        let answer = t.answer(&arguments).await?;
        // How far projection has come is no part of what was known then.
        let known_then = |line: &&str| !line.contains("\"foldedPosition\"");
        answers.extend(
            answer
                .lines()
                .filter(known_then)
                .map(|line| format!("{line}\n")),
        );
    }
    Ok(answers)
}

async fn erase(
    t: &Tiendo,
    position: u64,
    reason: &str,
) -> Result<tonic::Response<v1::EraseAttributeResponse>, tonic::Status> {
    let mut log = t
        .log()
        .await
        .map_err(|error| tonic::Status::internal(error.to_string()))?;
    let request = v1::EraseAttributeRequest {
        position,
        reason: reason.to_owned(),
        actor: Some(actor()),
        request_id: Uuid::from_u128(0x0000_5678_0000_4000_8000_0000_0000_0e02).to_string(),
        validate_only: false,
    };
    log.erase_attribute(request).await
}

async fn checked(t: &Tiendo, named: &Named) -> Result<()> {
    let head = t.ledger().await?.head;
    let refused = Refused::expect(erase(t, named.position + 1, "theo yêu cầu").await)?;
    assert_eq!(refused.reason, "UNKNOWN_APPOINTMENT", "a report");
    let refused = Refused::expect(erase(t, named.position + 3, "theo yêu cầu").await)?;
    assert_eq!(
        refused.reason, "UNKNOWN_APPOINTMENT",
        "an appointment of nobody by name"
    );
    for (reason, code) in [("", "REQUIRED"), ("gọi 0912345678", "PERSONAL_DATA")] {
        let refused = Refused::expect(erase(t, named.position, reason).await)?;
        let field = "event.person_erased.reason".to_owned();
        assert_eq!(refused.fields, [(field, code.to_owned())]);
    }
    let position = named.position.to_string();
    let arguments = [
        "log",
        "erase",
        &position,
        "--reason",
        "thử",
        "--validate-only",
    ];
    let shown = t.text(&arguments).await?;
    ensure!(shown.contains("nothing erased"), "{shown}");
    assert_eq!(attribute(t, named.position).await?.name, NAME);
    assert_eq!(t.ledger().await?.head, head);
    Ok(())
}

async fn erased(t: &Tiendo, named: &Named) -> Result<()> {
    let nats = t.nats().await?;
    let mut messages = nats
        .subscribe("tiendo.v1.khanh-hoa.56.owner.person-erased.>")
        .await?;
    nats.flush().await?;
    let receipt = erase(t, named.position, "theo yêu cầu của người được phân công").await?;
    let receipt = receipt.into_inner().receipt.context("receipt")?;
    let position = t.ledger().await?.head;
    assert_eq!(
        (receipt.first_position, receipt.repeated),
        (position, false)
    );
    let message = tokio::time::timeout(tiendo_tests::PATIENCE, messages.next()).await?;
    let message: Value = serde_json::from_slice(&message.context("no message")?.payload)?;
    let told = &message["data"]["personErased"];
    assert_eq!(told["appointment"], named.position);
    assert_eq!(told["reason"], "theo yêu cầu của người được phân công");

    // Whoever did not hear the answer asks again.
    let again = erase(t, named.position, "theo yêu cầu của người được phân công").await?;
    let again = again.into_inner().receipt.context("receipt")?;
    assert_eq!((again.first_position, again.repeated), (position, true));
    let text = named.position.to_string();
    let second = t
        .tiendo(&["log", "erase", &text, "--reason", "lần nữa"])
        .await?;
    assert_eq!(second.code, 65, "{}", second.stderr);
    ensure!(
        second.stderr.contains("ALREADY_ERASED"),
        "{}",
        second.stderr
    );
    Ok(())
}

async fn gone(t: &Tiendo, named: &Named, before: &str) -> Result<()> {
    assert_eq!(files_with(&t.data(), NAME)?, Vec::<PathBuf>::new());
    assert_eq!(files_with(&t.data(), "Thử Nghiệm")?, Vec::<PathBuf>::new());
    let left = attribute(t, named.position).await?;
    assert_eq!(
        (left.name.as_str(), left.salt.len(), left.erased),
        ("", 0, true)
    );
    assert_eq!(left.commitment.len(), 32, "the appointment stays as it was");
    let position = named.position.to_string();
    let shown = t.text(&["log", "attribute", &position]).await?;
    ensure!(shown.contains("(name erased)"), "{shown}");
    assert_eq!(
        attribute(t, named.position + 2).await?.name,
        OTHER,
        "the other person's stays"
    );

    let after = answers(t, named).await?;
    let differ = before.lines().zip(after.lines()).find(|(b, a)| b != a);
    ensure!(
        differ.is_none() && before.len() == after.len(),
        "as known before, something has changed: {differ:?}"
    );
    let models = t
        .text(&["model", "list", "--as-of", "2023-09-01", "-o", "json"])
        .await?;
    ensure!(
        models.contains("\"erased\": true"),
        "that it was erased is seen"
    );
    t.text(&["log", "verify"]).await?;
    let head = t.ledger().await?.head.to_string();
    t.text(&["locality", "rebuild", "56", "--position", &head])
        .await?;
    Ok(())
}

async fn not_again(t: &Tiendo, named: &Named) -> Result<()> {
    let mut ingest = t.ingest().await?;
    // Nobody can tell any more which name it was, so any is taken for the same; and none is kept.
    for person in [NAME, OTHER] {
        let again = v1::RecordRequest {
            person: person.to_owned(),
            ..named.request.clone()
        };
        let again = ingest
            .record(again)
            .await?
            .into_inner()
            .receipt
            .context("receipt")?;
        assert_eq!(
            (again.first_position, again.repeated),
            (named.position, true)
        );
    }
    assert_eq!(files_with(&t.data(), NAME)?, Vec::<PathBuf>::new());
    assert!(attribute(t, named.position).await?.erased);
    Ok(())
}
