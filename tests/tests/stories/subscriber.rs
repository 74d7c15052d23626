//! Another system, with nothing of ours but the address and `docs/bus`: async-nats and a JSON reader.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use async_nats::Subscriber;
use async_nats::jetstream::consumer::pull::OrderedConfig;
use boon::{Compiler, SchemaIndex, Schemas};
use futures::StreamExt as _;
use jiff::Timestamp;
use serde_json::{Value, json};
use tiendo_tests::fact::{batch, count, event, figure, of_quota, quota, report, request};
use tiendo_tests::{Chapters, Options, PATIENCE, Tiendo, say, until};
use wire::v1::event::Body;

#[tokio::test(flavor = "multi_thread")]
async fn another_system_hears_of_everything() -> Result<()> {
    let tiendo = Tiendo::start(Options::sample()).await?;
    let mut story = Chapters::new();
    let t = &tiendo;
    story
        .tell("a report arrives as a CloudEvent", a_report(t))
        .await;
    story.tell("who lags is told", a_lagging_district(t)).await;
    story
        .tell("a late report clears the case", a_cleared_case(t))
        .await;
    story
        .tell("the stream's sequence is the log's position", sequences(t))
        .await;
    story
        .tell("what comes is what docs/bus promises", the_contract(t))
        .await;
    story.end()?;
    tiendo.finish().await
}

/// The next message that is an event: seven tokens; a heartbeat has six.
async fn next(messages: &mut Subscriber) -> Result<(String, Value)> {
    loop {
        let message = tokio::time::timeout(PATIENCE, messages.next())
            .await
            .context("no message came")?
            .context("the subscription ended")?;
        let subject = message.subject.to_string();
        if subject.split('.').count() == 7 {
            return Ok((subject, serde_json::from_slice(&message.payload)?));
        }
    }
}

/// Checks the attributes that every event has.
fn check_envelope(event: &Value, ledger: &str) -> Result<u64> {
    assert_eq!(event["specversion"], "1.0");
    assert_eq!(event["source"], format!("/tiendo/{ledger}"));
    assert_eq!(event["datacontenttype"], "application/json");
    let sequence = event["sequence"].as_str().context("sequence")?;
    assert_eq!(sequence.len(), 20);
    let position: u64 = sequence.parse()?;
    assert_eq!(event["id"], format!("{ledger}:{position}"));
    let recorded: Timestamp = event["recordedtime"]
        .as_str()
        .context("recordedtime")?
        .parse()?;
    let _: Timestamp = event["time"].as_str().context("time")?.parse()?;
    ensure!(
        recorded > "2023-08-01T00:00:00Z".parse::<Timestamp>()?,
        "the log's time is real"
    );
    Ok(position)
}

async fn a_report(t: &Tiendo) -> Result<()> {
    let nats = t.nats().await?;
    let mut messages = nats.subscribe("tiendo.v1.khanh-hoa.568.>").await?;
    nats.flush().await?;
    let mut reported = figure("568", count(269_950));
    reported.denominator = of_quota(count(300_000));
    reported.percent = "90%".to_owned();
    let reported = event("2023-07-15", Body::ProgressReported(reported));
    let answer = t
        .ingest()
        .await?
        .record(request(reported))
        .await?
        .into_inner();
    let accepted = Instant::now();
    let (subject, event) = next(&mut messages).await?;
    say(format!(
        "  a report was on the bus {} ms after its acceptance",
        accepted.elapsed().as_millis()
    ));

    let receipt = answer.receipt.context("receipt")?;
    assert_eq!(
        subject,
        "tiendo.v1.khanh-hoa.568.progress.reported.eid-activated"
    );
    assert_eq!(check_envelope(&event, "khanh-hoa")?, receipt.first_position);
    assert_eq!(event["type"], "vn.tiendo.progress.reported.v1");
    assert_eq!(event["subject"], "568");
    assert_eq!(
        event["dataschema"],
        "urn:tiendo:schema:progress.reported:v1"
    );
    // The end of 15 July in Vietnam.
    assert_eq!(event["time"], "2023-07-15T16:59:59.999999999Z");
    let known = receipt.known.context("known")?;
    let recorded: Timestamp = event["recordedtime"].as_str().unwrap_or_default().parse()?;
    assert_eq!(recorded.as_second(), known.seconds);

    let data = &event["data"];
    assert_eq!(data["requestId"], receipt.request_id);
    assert_eq!(data["effective"], "2023-07-15");
    assert_eq!(
        data["actor"],
        json!({ "organisation": "Công an tỉnh Khánh Hòa", "office": "Tổ công tác Đề án 06" })
    );
    let text = data.to_string();
    for told in ["269950", "300000", "eid.activated", "568", "Báo cáo tuần"] {
        ensure!(text.contains(told), "{told} is not in {text}");
    }
    Ok(())
}

async fn a_lagging_district(t: &Tiendo) -> Result<()> {
    let nats = t.nats().await?;
    let mut messages = nats.subscribe("tiendo.v1.khanh-hoa-alerts.>").await?;
    nats.flush().await?;
    // Cam Lâm: four tenths of the people, four weeks after the deadline.
    let asked = quota("570", 100_000, "2023-05-01", "2023-06-30");
    let low = report("570", "2023-07-28", 40_000);
    t.ingest()
        .await?
        .record_batch(batch(vec![asked, low]))
        .await?;
    let accepted = Instant::now();
    let (mut opened, mut told) = (None, None);
    while opened.is_none() || told.is_none() {
        let (subject, event) = next(&mut messages).await?;
        check_envelope(&event, "khanh-hoa-alerts")?;
        match subject.as_str() {
            "tiendo.v1.khanh-hoa-alerts.570.case.opened.eid-activated" => opened = Some(event),
            "tiendo.v1.khanh-hoa-alerts.570.notification.sent.eid-activated" => told = Some(event),
            _ => {}
        }
    }
    say(format!(
        "  who lags was told {} ms after the report",
        accepted.elapsed().as_millis()
    ));
    let (opened, told) = (opened.context("opened")?, told.context("told")?);
    assert_eq!(opened["type"], "vn.tiendo.case.opened.v1");
    assert_eq!(told["type"], "vn.tiendo.notification.sent.v1");
    assert_eq!(told["subject"], "570");
    for (event, said) in [
        (&opened, "Cam Lâm"),
        (&told, "Huyện Cam Lâm"),
        (&told, "2023-07-31"),
    ] {
        let text = event["data"].to_string();
        ensure!(text.contains(said), "{said} is not in {text}");
    }
    let listed = t.json(&["case", "list", "--locality", "570"]).await?;
    let concerns = listed["cases"].as_array().context("cases")?.iter();
    let concerns: Vec<_> = concerns
        .filter_map(|c| c["opened"]["concern"].as_str())
        .collect();
    ensure!(concerns.contains(&"CONCERN_OVERDUE"), "{concerns:?}");
    Ok(())
}

async fn a_cleared_case(t: &Tiendo) -> Result<()> {
    let nats = t.nats().await?;
    let filter = "tiendo.v1.khanh-hoa-alerts.570.case.cleared.>";
    let mut messages = nats.subscribe(filter).await?;
    nats.flush().await?;
    let mut ingest = t.ingest().await?;
    // Two reports, since a case that forecasts opened is cleared by two.
    ingest
        .record(request(report("570", "2023-07-28", 100_000)))
        .await?;
    ingest
        .record(request(report("570", "2023-07-30", 100_000)))
        .await?;
    let (_, event) = next(&mut messages).await?;
    check_envelope(&event, "khanh-hoa-alerts")?;
    let all_cleared = async || {
        let open = t.json(&["case", "list", "--locality", "570"]).await?;
        Ok((open["cases"] == Value::Null).then_some(()))
    };
    until("the end of every case of 570", PATIENCE, all_cleared).await
}

async fn sequences(t: &Tiendo) -> Result<()> {
    let jetstream = async_nats::jetstream::new(t.nats().await?);
    let stream = jetstream.get_stream("TIENDO_KHANH-HOA").await?;
    let head = t.ledger().await?.head;
    let caught_up = async || {
        let info = stream.get_info().await?;
        Ok((info.state.last_sequence == head).then_some(info))
    };
    let info = until(
        "the stream's last sequence at the log's head",
        PATIENCE,
        caught_up,
    )
    .await?;
    assert_eq!(info.state.messages, head);
    assert_eq!(info.state.first_sequence, 1);
    assert!(info.config.deny_delete && info.config.deny_purge);
    for position in [1, 2, head / 2, head - 1, head] {
        let message = stream.direct_get(position).await?;
        let event: Value = serde_json::from_slice(&message.payload)?;
        assert_eq!(message.sequence, position);
        assert_eq!(check_envelope(&event, "khanh-hoa")?, position);
    }
    Ok(())
}

/// What `docs/bus` says, read as a subscriber reads it.
struct Contract {
    schemas: Schemas,
    by_id: BTreeMap<String, SchemaIndex>,
    /// The addresses of all channels but the heartbeat's, by `topic.event`.
    addresses: BTreeMap<String, String>,
}

impl Contract {
    fn read() -> Result<Self> {
        let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/bus");
        let mut compiler = Compiler::new();
        compiler.enable_format_assertions();
        let (mut schemas, mut by_id) = (Schemas::new(), BTreeMap::new());
        for entry in fs::read_dir(docs.join("schemas"))? {
            let schema: Value = serde_json::from_slice(&fs::read(entry?.path())?)?;
            let id = schema["$id"].as_str().context("$id")?.to_owned();
            // Its error is not for threads.
            let told = |error: boon::CompileError| anyhow::anyhow!("{id}: {error:#}");
            compiler.add_resource(&id, schema).map_err(told)?;
            let index = compiler.compile(&id, &mut schemas).map_err(told)?;
            by_id.insert(id, index);
        }
        let document: Value = serde_json::from_slice(&fs::read(docs.join("asyncapi.json"))?)?;
        let channels = document["channels"].as_object().context("channels")?;
        let address = |channel: &Value| channel["address"].as_str().map(ToOwned::to_owned);
        let mut addresses = BTreeMap::new();
        for (name, channel) in channels.iter().filter(|(name, _)| *name != "heartbeat") {
            // An answer comes wherever whoever asks wants it.
            if channel["address"].is_null() {
                continue;
            }
            addresses.insert(name.clone(), address(channel).context("address")?);
        }
        Ok(Self {
            schemas,
            by_id,
            addresses,
        })
    }

    fn check(&self, id: &str, value: &Value) -> Result<()> {
        let index = self.by_id.get(id);
        let index = index.with_context(|| format!("no schema {id}"))?;
        let valid = self.schemas.validate(value, *index);
        valid.map_err(|error| anyhow::anyhow!("{value}: {error:#}"))
    }

    /// Checks a message, and that it came where its channel is; gives its kind.
    fn check_message(&self, subject: &str, message: &Value) -> Result<String> {
        self.check("urn:tiendo:schema:envelope:v1", message)?;
        let id = message["dataschema"].as_str().context("dataschema")?;
        self.check(id, &message["data"])?;
        let kind = message["type"].as_str().context("type")?;
        let kind = kind.strip_prefix("vn.tiendo.").context("type")?;
        let kind = kind.strip_suffix(".v1").context("type")?;
        let address = self.addresses.get(kind);
        let address = address.with_context(|| format!("{kind} has no channel"))?;
        let source = message["source"].as_str().context("source")?;
        let ledger = source.strip_prefix("/tiendo/").context("source")?;
        let ledger = ledger.strip_suffix("-alerts").unwrap_or(ledger);
        let wanted = address.replace("{ledger}", ledger);
        let (wanted, tokens) = (wanted.split('.'), subject.split('.'));
        ensure!(
            wanted.clone().count() == tokens.clone().count()
                && wanted
                    .zip(tokens)
                    .all(|(wanted, token)| wanted.starts_with('{') || wanted == token),
            "{kind} came under {subject}, not {address}"
        );
        Ok(kind.to_owned())
    }
}

/// Enough of each kind to have seen its forms.
const MESSAGES_OF_A_KIND_MAX: usize = 300;

async fn the_contract(t: &Tiendo) -> Result<()> {
    let contract = Contract::read()?;
    let nats = t.nats().await?;
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for name in ["TIENDO_KHANH-HOA", "TIENDO_KHANH-HOA-ALERTS"] {
        let stream = async_nats::jetstream::new(nats.clone())
            .get_stream(name)
            .await?;
        let last = stream.cached_info().state.last_sequence;
        ensure!(last > 0, "{name} is empty");
        let consumer = stream.create_consumer(OrderedConfig::default()).await?;
        let mut messages = consumer.messages().await?;
        loop {
            let message = tokio::time::timeout(PATIENCE, messages.next()).await?;
            let message = message.context("the stream ended")??;
            let sequence = message
                .info()
                .map_err(|error| anyhow::anyhow!(error))?
                .stream_sequence;
            let event: Value = serde_json::from_slice(&message.payload)?;
            let kind = event["type"].as_str().unwrap_or_default();
            let count = seen.entry(kind.to_owned()).or_default();
            *count += 1;
            if *count <= MESSAGES_OF_A_KIND_MAX {
                contract.check_message(&message.subject, &event)?;
            }
            if sequence >= last {
                break;
            }
        }
    }
    say(format!("  {seen:?}"));
    ensure!(seen.len() > 12, "only {} kinds came", seen.len());
    let mut beats = nats.subscribe("tiendo.v1.*.sys.log.head").await?;
    let beat = tokio::time::timeout(PATIENCE, beats.next()).await?;
    let beat = serde_json::from_slice(&beat.context("no heartbeat came")?.payload)?;
    contract.check("urn:tiendo:schema:heartbeat:v1", &beat)
}
