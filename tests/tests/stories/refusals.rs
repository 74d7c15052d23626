//! Bad input is refused with every violation at once, and leaves no trace; a request is recorded once.

use anyhow::{Context as _, Result, ensure};
use tiendo_tests::fact::{batch, count, event, figure, of_quota, report, request, written};
use tiendo_tests::{Chapters, Options, Refused, Tiendo};
use tonic::Code;
use uuid::Uuid;
use wire::v1;
use wire::v1::event::Body;

/// A day on which Nha Trang, Trúc Bạch and the indicators were there.
const DAY: &str = "2023-07-15";

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_is_refused_and_leaves_no_trace() -> Result<()> {
    let tiendo = Tiendo::start(Options::sample()).await?;
    let mut story = Chapters::new();
    let t = &tiendo;
    story.tell("places that were not there", places(t)).await;
    story.tell("numbers that are none", numbers(t)).await;
    story.tell("moments that were not", moments(t)).await;
    story.tell("personal data and long texts", texts(t)).await;
    story.tell("everything wrong at once", all_at_once(t)).await;
    story.tell("a message over the limit", too_large(t)).await;
    story.tell("a request is recorded once", repeated(t)).await;
    story.tell("an expected revision", revisions(t)).await;
    story.tell("validate only", validate_only(t)).await;
    story.tell("a batch is all or nothing", batches(t)).await;
    story
        .tell("a correction names a figure that holds", corrections(t))
        .await;
    story.end()?;
    tiendo.finish().await
}

/// A report that a day's figures would bring.
fn reported(effective: &str, change: impl FnOnce(&mut v1::ProgressReported)) -> v1::Event {
    let mut body = figure("568", count(100_000));
    change(&mut body);
    event(effective, Body::ProgressReported(body))
}

/// Sends what must be refused; the head must not move.
async fn refused(t: &Tiendo, wanted: v1::RecordRequest) -> Result<Refused> {
    let head = t.ledger().await?.head;
    let refused = Refused::expect(t.ingest().await?.record(wanted).await)?;
    ensure!(
        t.ledger().await?.head == head,
        "something of a refused request was stored"
    );
    Ok(refused)
}

/// Checks that a report is refused for exactly these fields (below the event) and reasons.
async fn refuses(t: &Tiendo, event: v1::Event, expected: &[(&str, &str)]) -> Result<()> {
    let refused = refused(t, request(event)).await?;
    let mut expected: Vec<_> = expected
        .iter()
        .map(|(field, reason)| (format!("event.{field}"), (*reason).to_owned()))
        .collect();
    expected.sort();
    ensure!(
        refused.fields == expected,
        "expected {expected:?}, got {refused:?}"
    );
    ensure!(refused.code == Code::InvalidArgument, "{refused:?}");
    let reasons: Vec<_> = refused.fields.iter().map(|(_, reason)| reason).collect();
    ensure!(
        reasons.contains(&&refused.reason),
        "ErrorInfo is none of them: {refused:?}"
    );
    Ok(())
}

async fn places(t: &Tiendo) -> Result<()> {
    let at = |code: &str, day: &str| report(code, day, 100);
    let code = "progress_reported.locality.code";
    refuses(t, at("999", DAY), &[(code, "UNKNOWN_LOCALITY")]).await?;
    // Districts ended on 1 July 2025, and so did the commune of Trúc Bạch; its code is Ba Đình's since.
    refuses(t, at("568", "2026-01-15"), &[(code, "LOCALITY_NOT_VALID")]).await?;
    refuses(t, at("5x8", DAY), &[(code, "CODE_FORMAT")]).await?;
    refuses(t, at("", DAY), &[(code, "REQUIRED")]).await?;
    for (since, day) in [("2025-07-01", DAY), ("2023-04-10", "2025-07-02")] {
        let wrong = reported(day, |r| {
            let locality = v1::LocalityRef {
                code: "00004".to_owned(),
                since: since.to_owned(),
            };
            r.locality = Some(locality);
        });
        refuses(t, wrong, &[(code, "LOCALITY_NOT_VALID")]).await?;
    }
    // Each of the two is there in its own time.
    for (since, day) in [("2023-04-10", DAY), ("2025-07-01", "2025-07-02")] {
        let right = reported(day, |r| {
            let locality = v1::LocalityRef {
                code: "00004".to_owned(),
                since: since.to_owned(),
            };
            r.locality = Some(locality);
        });
        let wanted = v1::RecordRequest {
            validate_only: true,
            ..request(right)
        };
        t.ingest().await?.record(wanted).await?;
    }
    Ok(())
}

async fn numbers(t: &Tiendo) -> Result<()> {
    let value = "progress_reported.value";
    for text in ["269.95", "269,950", "2.69950", "1e6", "hai trăm", ""] {
        let wrong = reported(DAY, |r| r.value = written(text));
        refuses(t, wrong, &[(value, "NUMBER_FORMAT")])
            .await
            .with_context(|| format!("'{text}'"))?;
    }
    let wrong = reported(DAY, |r| r.value = written("269.95"));
    let said = refused(t, request(wrong)).await?.details.join(" ");
    ensure!(
        said.contains("269.950"),
        "what to write is not said: {said}"
    );
    for below in [count(-1), written("-1"), written("-269.950")] {
        let wrong = reported(DAY, |r| r.value = below);
        refuses(t, wrong, &[(value, "COUNT_BELOW_ZERO")]).await?;
    }
    let wrong = reported(DAY, |r| r.denominator = of_quota(count(0)));
    refuses(
        t,
        wrong,
        &[("progress_reported.denominator.value", "NUMBER_FORMAT")],
    )
    .await?;
    // What was printed stands, and beside it what is wrong with it.
    let printed = reported(DAY, |r| {
        r.denominator = of_quota(count(200_000));
        r.percent = "65%".to_owned();
    });
    let wanted = v1::RecordRequest {
        validate_only: true,
        ..request(printed)
    };
    let answer = t.ingest().await?.record(wanted).await?.into_inner();
    let found: Vec<v1::Check> = answer.findings.iter().map(v1::Finding::check).collect();
    assert_eq!(found, [v1::Check::PercentContradicts]);
    let wrong = reported(DAY, |r| r.percent = "nhiều".to_owned());
    refuses(t, wrong, &[("progress_reported.percent", "PERCENT_FORMAT")]).await
}

async fn moments(t: &Tiendo) -> Result<()> {
    for day in ["2093-01-01", "31/12/2093", "2093-01"] {
        let said = refused(t, request(report("56", day, 1))).await?;
        let fields: Vec<_> = said
            .fields
            .iter()
            .map(|(_, reason)| reason.as_str())
            .collect();
        ensure!(fields.contains(&"DATE_IN_FUTURE"), "{day}: {said:?}");
    }
    // No other day takes the place of one that is not there.
    for day in ["2023-02-30", "31/6/2023", "hôm qua"] {
        refuses(t, report("56", day, 1), &[("effective", "DATE_FORMAT")]).await?;
    }
    refuses(t, report("56", "", 1), &[("effective", "REQUIRED")]).await
}

async fn texts(t: &Tiendo) -> Result<()> {
    let note = "progress_reported.note";
    for personal in [
        "CCCD 056099012345",
        "gọi 0905 123 456",
        "nguyen.van.a@example.vn",
    ] {
        let wrong = reported(DAY, |r| r.note = personal.to_owned());
        let said = refused(t, request(wrong.clone())).await?;
        ensure!(
            said.details.iter().all(|d| !d.contains(personal)),
            "it is repeated: {said:?}"
        );
        refuses(t, wrong, &[(note, "PERSONAL_DATA")]).await?;
    }
    let wrong = reported(DAY, |r| r.note = "ă".repeat(2_001));
    refuses(t, wrong, &[(note, "TEXT_FORMAT")]).await?;
    let mut wrong = report("568", DAY, 1);
    wrong.actor = None;
    refuses(t, wrong, &[("actor", "REQUIRED")]).await
}

async fn all_at_once(t: &Tiendo) -> Result<()> {
    let mut wrong = reported("2093-07-15", |r| {
        r.locality = tiendo_tests::fact::place("999");
        r.indicator = "eid.nothing".to_owned();
        r.value = written("269.95");
        r.denominator = of_quota(count(-5));
        r.percent = "x".to_owned();
        r.source = None;
        r.note = "CCCD 056099012345".to_owned();
    });
    wrong.actor = Some(v1::Actor {
        organisation: "Công an".to_owned(),
        office: String::new(),
    });
    let expected = [
        ("actor.office", "REQUIRED"),
        ("effective", "DATE_IN_FUTURE"),
        ("progress_reported.denominator.value", "COUNT_BELOW_ZERO"),
        ("progress_reported.indicator", "UNKNOWN_INDICATOR"),
        ("progress_reported.locality.code", "UNKNOWN_LOCALITY"),
        ("progress_reported.note", "PERSONAL_DATA"),
        ("progress_reported.percent", "PERCENT_FORMAT"),
        ("progress_reported.source", "REQUIRED"),
        ("progress_reported.value", "NUMBER_FORMAT"),
    ];
    refuses(t, wrong, &expected).await
}

async fn too_large(t: &Tiendo) -> Result<()> {
    let mut event = report("568", DAY, 1);
    event.actor = Some(v1::Actor {
        organisation: "x".repeat(5 << 20),
        office: "y".to_owned(),
    });
    let said = refused(t, request(event)).await?;
    assert_eq!(said.reason, "MESSAGE_TOO_LARGE", "{said:?}");
    Ok(())
}

async fn repeated(t: &Tiendo) -> Result<()> {
    let mut ingest = t.ingest().await?;
    let id = Uuid::from_u128(0x0000_5678_0000_4000_8000_0000_0000_0001).to_string();
    let mut event = report("569", DAY, 40_000);
    event.request_id.clone_from(&id);
    let first = ingest.record(request(event.clone())).await?.into_inner();
    let head = t.ledger().await?.head;
    let again = ingest.record(request(event.clone())).await?.into_inner();
    let (first, again) = (
        first.receipt.context("receipt")?,
        again.receipt.context("receipt")?,
    );
    assert!(!first.repeated && again.repeated);
    assert_eq!(
        v1::Receipt {
            repeated: false,
            ..again
        },
        first
    );
    assert_eq!(first.request_id, id);
    assert_eq!(t.ledger().await?.head, head);

    // The same moment written the Vietnamese way is the same request.
    event.effective = "15/7/2023".to_owned();
    let again = ingest.record(request(event.clone())).await?.into_inner();
    assert!(again.receipt.context("receipt")?.repeated);

    let mut other = report("569", DAY, 40_001);
    other.request_id.clone_from(&id);
    let said = refused(t, request(other)).await?;
    assert_eq!(
        (said.code, said.reason.as_str()),
        (Code::AlreadyExists, "REQUEST_ID_REUSED")
    );
    let mut nameless = report("569", DAY, 40_002);
    nameless.request_id = "not-a-uuid".to_owned();
    let said = refused(t, request(nameless)).await?;
    assert_eq!(said.reason, "REQUEST_ID_FORMAT");
    Ok(())
}

async fn revisions(t: &Tiendo) -> Result<()> {
    let mut ingest = t.ingest().await?;
    let expecting = |value: i64, revision: u64| v1::RecordRequest {
        expected_revision: Some(revision),
        ..request(report("572", DAY, value))
    };
    let first = ingest.record(expecting(10, 0)).await?.into_inner();
    assert_eq!(first.revision, 1);
    let said = refused(t, expecting(11, 0)).await?;
    assert_eq!(
        (said.code, said.reason.as_str()),
        (Code::FailedPrecondition, "REVISION_MISMATCH")
    );
    let second = ingest.record(expecting(12, 1)).await?.into_inner();
    assert_eq!(second.revision, 2);
    Ok(())
}

async fn validate_only(t: &Tiendo) -> Result<()> {
    let head = t.ledger().await?.head;
    let mut event = report("573", DAY, 10);
    event.request_id = Uuid::from_u128(0x0000_5678_0000_4000_8000_0000_0000_0002).to_string();
    let wanted = v1::RecordRequest {
        validate_only: true,
        ..request(event.clone())
    };
    let mut ingest = t.ingest().await?;
    let answer = ingest.record(wanted).await?.into_inner();
    let receipt = answer.receipt.context("receipt")?;
    assert_eq!((receipt.first_position, receipt.repeated), (0, false));
    assert_eq!(t.ledger().await?.head, head);
    // It was not recorded, so that recording it is no repetition.
    let answer = ingest.record(request(event)).await?.into_inner();
    let receipt = answer.receipt.context("receipt")?;
    assert_eq!(
        (receipt.first_position, receipt.repeated),
        (head + 1, false)
    );
    Ok(())
}

async fn batches(t: &Tiendo) -> Result<()> {
    let head = t.ledger().await?.head;
    let mut ingest = t.ingest().await?;
    let good = |value: i64| report("574", DAY, value);
    let bad = reported(DAY, |r| r.value = written("269.95"));
    let worse = report("999", DAY, 1);
    let mixed = batch(vec![good(1), bad, good(2), worse]);
    let said = Refused::expect(ingest.record_batch(mixed).await)?;
    let expected = [
        ("events[1].progress_reported.value", "NUMBER_FORMAT"),
        (
            "events[3].progress_reported.locality.code",
            "UNKNOWN_LOCALITY",
        ),
    ];
    let expected = expected.map(|(field, reason)| (field.to_owned(), reason.to_owned()));
    assert_eq!(said.fields, expected);
    assert_eq!(
        t.ledger().await?.head,
        head,
        "a refused batch stores nothing"
    );
    let empty = Refused::expect(ingest.record_batch(batch(Vec::new())).await)?;
    assert_eq!(empty.reason, "BATCH_SIZE");

    let taken = ingest
        .record_batch(batch(vec![good(1), good(2)]))
        .await?
        .into_inner();
    let receipt = taken.receipt.context("receipt")?;
    assert_eq!(
        (receipt.first_position, receipt.last_position),
        (head + 1, head + 2)
    );
    Ok(())
}

async fn corrections(t: &Tiendo) -> Result<()> {
    let mut ingest = t.ingest().await?;
    let taken = ingest
        .record(request(report("571", DAY, 10)))
        .await?
        .into_inner();
    let wrong = taken.receipt.context("receipt")?.first_position;
    let correction = |corrects: u64, day: &str| {
        let right = figure("571", count(20));
        let body = Body::ProgressCorrected(v1::ProgressCorrected {
            corrects,
            locality: right.locality,
            indicator: right.indicator,
            value: right.value,
            denominator: None,
            percent: String::new(),
            source: right.source,
            reason: "gõ nhầm".to_owned(),
            ..Default::default()
        });
        event(day, body)
    };
    let field = "progress_corrected.corrects";
    refuses(t, correction(1, DAY), &[(field, "UNKNOWN_FIGURE")]).await?;
    refuses(
        t,
        correction(wrong, "2023-07-16"),
        &[(field, "UNKNOWN_FIGURE")],
    )
    .await?;
    ingest.record(request(correction(wrong, DAY))).await?;
    refuses(t, correction(wrong, DAY), &[(field, "ALREADY_CORRECTED")]).await
}
