//! A bus that lets nobody in who cannot sign, and nobody do what is not theirs: the files of `deploy/nats` as they are,
//! with the real services, and with those who try what they may not.

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use async_nats::connection::State;
use async_nats::jetstream::stream::{Config, External, Source};
use async_nats::jetstream::{self, consumer};
use async_nats::{Client, ConnectOptions, Event, ServerError};
use bus::server::{Ready, Server};
use bus::{
    Access, BoxError, Message, Origin, RelayOptions, RelayStatus, Replay, StreamSpec, relay,
};
use futures::{StreamExt as _, TryStreamExt as _};
use serde_json::{Value, json};
use tiendo_tests::fact::{actor, batch, quota, report, request};
use tiendo_tests::program::Output;
use tiendo_tests::{
    Chapters, Operated, PATIENCE, Process, Refused, binary, free_port, program, until,
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;
use uuid::Uuid;
use wire::message::to_json;
use wire::v1;
use wire::v1::ingest_service_client::IngestServiceClient;

const LEDGER: &str = "TIENDO_KHANH-HOA";
const ALERTS: &str = "TIENDO_KHANH-HOA-ALERTS";
/// An event of the ledger, as somebody would forge it.
const FORGED: &str = "tiendo.v1.khanh-hoa.568.progress.reported.eid-activated";
const FORGED_ALERT: &str = "tiendo.v1.khanh-hoa-alerts.568.case.opened.eid-activated";
const RECORD: &str = "tiendo.v1.khanh-hoa.sys.ingest.record";
/// An agency that has a consumer and may report.
const AGENCY: &str = "so-tttt";
/// One that has a consumer of its own.
const OTHER: &str = "bo-cong-an";
/// Nobody yet.
const NOBODY: &str = "so-noi-vu";
/// Messages of 4 KiB, together far more than the server sends before it is told that they came.
const LENT: u64 = 2_000;
/// Until nobody has answered.
const UNANSWERED: Duration = Duration::from_millis(500);

/// The three services on one server that lets in whom it knows.
struct World {
    operated: Operated,
    server: Server,
    services: Mutex<Vec<Process>>,
    ingest: String,
    projection: String,
    alerting: String,
}

impl World {
    async fn start() -> Result<Self> {
        let operated = Operated::new()?;
        let server = operated.single(operated.copied("single.conf")).await?;
        let mut world = Self {
            operated,
            server,
            services: Mutex::default(),
            ingest: String::new(),
            projection: String::new(),
            alerting: String::new(),
        };
        world.ingest = world.serve("ingest", "ingest", &[]).await?;
        let log = world.ingest.clone();
        let from = ["--ingest", &log];
        world.projection = world.serve("projection", "projection", &from).await?;
        let today = ["--ingest", &log, "--today", "2023-07-31"];
        world.alerting = world.serve("alerting", "alerting", &today).await?;
        for name in [AGENCY, OTHER] {
            world.admit(name).await?;
        }
        Ok(world)
    }

    /// Lets an agency subscribe to what is reported of one place, and report.
    async fn admit(&self, name: &str) -> Result<()> {
        let seed = self.operated.seed(name);
        let seed = seed.to_string_lossy();
        #[rustfmt::skip]
        let asked = [
            "add", name, "--localities", "570", "--kinds", "progress", "--may-report", "--seed", &seed,
        ];
        let admitted = async || {
            let added = subscriber(&self.operated, &self.server.url(), &asked).await?;
            // The writer's relay makes the stream.
            if added.stderr.contains("STREAM_MISSING") {
                return Ok(None);
            }
            added.ok().map(Some)
        };
        until("an agency let in", PATIENCE, admitted).await?;
        Ok(())
    }

    /// A service with a folder of its own.
    async fn serve(&self, name: &str, folder: &str, more: &[&str]) -> Result<String> {
        let data = self.operated.file(folder).to_string_lossy().into_owned();
        let access = self.operated.arguments(&self.server.url(), name);
        let mut arguments = vec!["serve", name, "--lang", "en", "--data", &data];
        arguments.extend(["--port", "0", "--http-port", "0"]);
        arguments.extend(access.iter().map(String::as_str));
        arguments.extend(more);
        let evidence = self.operated.file(&format!("serve-{folder}"));
        let mut process = Process::start(&arguments, &evidence)?;
        let ready = format!("{name} ready");
        let line = process
            .says(&ready, |line| line.starts_with(&ready))
            .await?;
        let services = self.services.lock();
        services
            .unwrap_or_else(PoisonError::into_inner)
            .push(process);
        let mut words = line.split_whitespace();
        let address = words.find(|word| word.starts_with("http://"));
        Ok(address
            .context(line.clone())?
            .trim_end_matches(',')
            .to_owned())
    }

    async fn ask(&self, address: &str, arguments: &[&str]) -> Result<String> {
        let mut all = vec!["--server", address, "--lang", "en"];
        all.extend(arguments);
        program::run(&binary()?, &all).await?.ok()
    }

    async fn client(&self, who: &str) -> Result<Client> {
        self.operated.client(&self.server.url(), who).await
    }

    /// The operator's look at the streams.
    async fn streams(&self) -> Result<jetstream::Context> {
        Ok(jetstream::new(self.client("operator").await?))
    }

    /// The last sequence of the two streams.
    async fn ends(&self) -> Result<[u64; 2]> {
        let streams = self.streams().await?;
        let ledger = streams.get_stream(LEDGER).await?;
        let alerts = streams.get_stream(ALERTS).await?;
        let last = |stream: &jetstream::stream::Stream| stream.cached_info().state.last_sequence;
        Ok([last(&ledger), last(&alerts)])
    }

    async fn head(&self) -> Result<u64> {
        let mut recorder = self.recorder().await?;
        let ledger = recorder.get_ledger(v1::GetLedgerRequest {}).await?;
        Ok(ledger.into_inner().head)
    }

    /// Whoever reports over gRPC.
    async fn recorder(&self) -> Result<IngestServiceClient<Channel>> {
        Ok(IngestServiceClient::connect(self.ingest.clone()).await?)
    }

    async fn finish(self) -> Result<()> {
        let services = self.services.into_inner();
        for service in services.unwrap_or_else(PoisonError::into_inner) {
            service.stop().await?;
        }
        self.server.stop().await?;
        self.operated.finish()
    }
}

/// `tiendo subscriber` by the operator, with the accounts of the server, which reads them anew.
async fn subscriber(operated: &Operated, url: &str, asked: &[&str]) -> Result<Output> {
    let access = operated.arguments(url, "operator");
    let accounts = operated.copied("subscribers.conf");
    let system = operated.seed("system");
    let (accounts, system) = (accounts.to_string_lossy(), system.to_string_lossy());
    let mut all = vec!["--lang", "en", "subscriber"];
    all.extend(asked);
    all.extend(["--accounts", &accounts, "--system-nkey", &system]);
    all.extend(access.iter().map(String::as_str));
    program::run(&binary()?, &all).await
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_signs_does_what_is_theirs_and_nobody_else_does_anything() -> Result<()> {
    let world = World::start().await?;
    let mut story = Chapters::new();
    let w = &world;
    story
        .tell(
            "a report goes in, and an alert comes out",
            the_way_through(w),
        )
        .await;
    story
        .tell("an agency reads what is its own", an_agency_reads(w))
        .await;
    story.tell("strangers", strangers(w)).await;
    story
        .tell("what is not permitted leaves nothing behind", forbidden(w))
        .await;
    story
        .tell("requests that are none, or not the first", requests(w))
        .await;
    story.tell("ten megabytes", ten_megabytes(w)).await;
    story
        .tell("a state folded anew from the bus", folded_from_the_bus(w))
        .await;
    story
        .tell("a standby takes over, and the writer knows", taken_over(w))
        .await;
    story.end()?;
    world.finish().await
}

async fn the_way_through(w: &World) -> Result<()> {
    w.ask(&w.ingest, &["load", "gazetteer", "catalogue"])
        .await?;
    let mut ingest = w.recorder().await?;
    // Cam Lâm: four tenths of the people, four weeks after the deadline.
    let asked = quota("570", 100_000, "2023-05-01", "2023-06-30");
    let low = report("570", "2023-07-28", 40_000);
    let answer = ingest.record_batch(batch(vec![asked, low])).await?;
    let receipt = answer.into_inner().receipt.context("a receipt")?;

    let streams = w.streams().await?;
    let published = async || {
        let stream = streams.get_stream(LEDGER).await?;
        let last = stream.cached_info().state.last_sequence;
        Ok((last >= receipt.last_position).then_some(stream))
    };
    let ledger = until("the report in the stream", PATIENCE, published).await?;
    let message = ledger.direct_get(receipt.last_position).await?;
    let event: Value = serde_json::from_slice(&message.payload)?;
    assert_eq!(event["type"], "vn.tiendo.progress.reported.v1");
    let shown = ["locality", "show", "570", "--as-of", "2023-07-31"];
    let folded = async || {
        let shown = w.ask(&w.projection, &shown).await?;
        Ok(shown.contains("40,000").then_some(()))
    };
    until("the report among the answers", PATIENCE, folded).await?;
    let alerted = async || {
        let Ok(stream) = streams.get_stream(ALERTS).await else {
            return Ok(None);
        };
        let found = stream.get_last_raw_message_by_subject(
            "tiendo.v1.khanh-hoa-alerts.570.case.opened.eid-activated",
        );
        Ok(found.await.ok())
    };
    let alert = until("the alert in its stream", PATIENCE, alerted).await?;
    let alert: Value = serde_json::from_slice(&alert.payload)?;
    assert_eq!(alert["type"], "vn.tiendo.case.opened.v1");

    // They followed the stream, and did not live on the log alone.
    follow(w, &["projection", "tiendo alerting"], receipt.last_position).await
}

/// Waits until these have followed the stream to a position.
async fn follow(w: &World, names: &[&str], position: u64) -> Result<()> {
    let ledger = w.streams().await?.get_stream(LEDGER).await?;
    let followed = async || {
        let followers: Vec<_> = ledger.consumers().try_collect().await?;
        let reach = |name: &&str| {
            followers.iter().any(|info| {
                info.config.description.as_deref() == Some(*name)
                    && info.delivered.stream_sequence >= position
            })
        };
        Ok(names.iter().all(reach).then_some(()))
    };
    until("followers of the stream", PATIENCE, followed).await
}

async fn an_agency_reads(w: &World) -> Result<()> {
    let agency = jetstream::with_domain(w.client(AGENCY).await?, "tiendo");
    let consumer: consumer::PullConsumer = agency.get_consumer_from_stream(AGENCY, LEDGER).await?;
    let mut messages = consumer.messages().await?;
    let message = messages.next().await.context("no message")??;
    assert_eq!(
        message.subject.as_str(),
        "tiendo.v1.khanh-hoa.570.progress.reported.eid-activated"
    );
    message.double_ack().await.map_err(anyhow::Error::msg)?;
    // What comes while it waits comes at once.
    let mut ingest = w.recorder().await?;
    let next = request(report("570", "2023-07-29", 41_000));
    let answer = ingest.record(next).await?.into_inner();
    let receipt = answer.receipt.context("a receipt")?;
    let message = tokio::time::timeout(PATIENCE, messages.next()).await?;
    let message = message.context("no message")??;
    let told = message.info().map_err(anyhow::Error::msg)?.stream_sequence;
    assert_eq!(told, receipt.first_position);
    message.double_ack().await.map_err(anyhow::Error::msg)?;
    let mut consumer = consumer;
    let info = consumer.info().await?;
    assert_eq!((info.num_pending, info.num_ack_pending), (0, 0));
    Ok(())
}

/// Somebody whose server's complaints are kept.
async fn heard(w: &World, who: &str) -> Result<(Client, Arc<Mutex<Vec<String>>>)> {
    let said = Arc::new(Mutex::new(Vec::new()));
    let seed = fs::read_to_string(w.operated.seed(who))?;
    let kept = Arc::clone(&said);
    let options = ConnectOptions::with_nkey(seed.trim().to_owned())
        .add_root_certificates(w.operated.ca())
        .custom_inbox_prefix(format!("_INBOX_{who}"))
        .event_callback(move |event| {
            if let Event::ServerError(ServerError::Other(text)) = event {
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                kept.push(text.to_lowercase());
            }
            std::future::ready(())
        });
    Ok((options.connect(w.server.url()).await?, said))
}

/// Waits until the server has said this.
async fn told(said: &Mutex<Vec<String>>, what: &str) -> Result<()> {
    let what = what.to_lowercase();
    let look = async || {
        let said = said.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(said.iter().any(|line| line.contains(&what)).then_some(()))
    };
    until(&format!("`{what}` from the server"), PATIENCE, look).await
}

async fn strangers(w: &World) -> Result<()> {
    let before = (w.head().await?, w.ends().await?);
    w.operated.make_key("stranger")?;
    let refused = async |options: ConnectOptions| -> Result<String> {
        let url = w.server.url();
        let options = options.connection_timeout(Duration::from_secs(5));
        match options.connect(url).await {
            Ok(_) => anyhow::bail!("they were let in"),
            Err(error) => Ok(format!("{:#}", anyhow::Error::from(error)).to_lowercase()),
        }
    };
    let signed = |who: &str| -> Result<ConnectOptions> {
        let seed = fs::read_to_string(w.operated.seed(who))?;
        Ok(ConnectOptions::with_nkey(seed.trim().to_owned()))
    };
    let ca = || w.operated.ca();
    for options in [
        signed("stranger")?.add_root_certificates(ca()),
        ConnectOptions::new().add_root_certificates(ca()),
        ConnectOptions::with_user_and_password("tiendo".into(), "tiendo".into())
            .add_root_certificates(ca()),
        ConnectOptions::with_token("tiendo".into()).add_root_certificates(ca()),
    ] {
        let said = refused(options).await?;
        ensure!(said.contains("authorization violation"), "{said}");
    }
    // Whoever does not know who vouches for the server does not tell it anything.
    let said = refused(signed(AGENCY)?).await?;
    ensure!(said.contains("certificate"), "{said}");
    assert_eq!((w.head().await?, w.ends().await?), before);
    Ok(())
}

async fn forbidden(w: &World) -> Result<()> {
    let before = (w.head().await?, w.ends().await?);
    let kept = [looked_at(w, AGENCY).await?, looked_at(w, OTHER).await?];
    let next = format!("$JS.API.CONSUMER.MSG.NEXT.{LEDGER}.{OTHER}");
    let next_of_ours = format!("$JS.tiendo.API.CONSUMER.MSG.NEXT.{LEDGER}.{OTHER}");
    let ack = format!("$JS.ACK.{LEDGER}.{OTHER}.1.1.1.1.1");
    let create = format!("$JS.API.CONSUMER.CREATE.{LEDGER}.{OTHER}");
    let delete = format!("$JS.API.STREAM.DELETE.{LEDGER}");
    let purge = format!("$JS.API.STREAM.PURGE.{LEDGER}");
    let read = format!("$JS.API.DIRECT.GET.{LEDGER}");
    let update = format!("$JS.API.STREAM.UPDATE.{LEDGER}");
    let of_alerts = format!("$JS.API.STREAM.UPDATE.{ALERTS}");
    let info = format!("$JS.API.STREAM.INFO.{LEDGER}");
    let get = format!("$JS.API.STREAM.MSG.GET.{LEDGER}");
    let end = format!("$JS.API.CONSUMER.DELETE.{LEDGER}.{OTHER}");
    let read_alerts = format!("$JS.API.CONSUMER.CREATE.{ALERTS}");
    let nameless = format!("$JS.API.CONSUMER.CREATE.{LEDGER}");
    let flow = format!("$JS.FC.{LEDGER}.{OTHER}.x");
    let in_place = format!("$JS.API.CONSUMER.CREATE.{LEDGER}._INBOX_projection-follow");
    let end_alerting = format!("$JS.API.CONSUMER.DELETE.{LEDGER}._INBOX_alerting-follow");
    let end_projection = format!("$JS.API.CONSUMER.DELETE.{LEDGER}._INBOX_projection-follow");
    #[rustfmt::skip]
    let tried = [
        (AGENCY, vec![
            FORGED, FORGED_ALERT, &next, &next_of_ours, &ack, &create, &delete, &purge, &read, &info, &get,
            "$JS.API.INFO", "tiendo.v1.khanh-hoa.sys.log.head", "_INBOX_projection.x", &nameless, &flow,
        ]),
        ("projection", vec![
            FORGED, FORGED_ALERT, &next, &ack, &create, &delete, &purge, &update, &read, &get, &end,
            &read_alerts, RECORD, &nameless, &flow, &end_alerting,
        ]),
        ("alerting", vec![
            FORGED, &next, &ack, &create, &delete, &purge, &update, &read, &info, &get, &end, RECORD,
            &nameless, &flow, &in_place, &end_projection, &of_alerts,
        ]),
        ("ingest", vec![
            FORGED_ALERT, &next, &ack, &create, &delete, &purge, &read, &end, &of_alerts, &read_alerts,
            &nameless, &flow, &in_place, &end_projection, &end_alerting, &update,
        ]),
        ("operator", vec![FORGED, FORGED_ALERT, RECORD]),
    ];
    for (who, subjects) in tried {
        let (client, said) = heard(w, who).await?;
        for subject in subjects {
            let forged = br#"{"specversion":"1.0"}"#.as_slice();
            client.publish(subject.to_owned(), forged.into()).await?;
            told(&said, &refused(who, subject)).await?;
        }
    }
    for (who, subjects) in [
        (
            AGENCY,
            vec![
                "tiendo.v1.>",
                ">",
                "_INBOX.>",
                "_INBOX_projection.>",
                FORGED,
            ],
        ),
        ("projection", vec![">", "_INBOX_ingest.>", RECORD]),
    ] {
        let (client, said) = heard(w, who).await?;
        for subject in subjects {
            let _deaf = client.subscribe(subject.to_owned()).await?;
            told(&said, &format!("subscription to \"{subject}\"")).await?;
        }
    }
    for (who, own) in [
        ("ingest", "_INBOX_ingest-replay"),
        ("projection", "_INBOX_projection-replay"),
        // The service has it.
        ("alerting", "_INBOX_alerting-follow"),
    ] {
        no_other_consumer(w, who, own).await?;
    }
    for who in ["ingest", "projection"] {
        no_copies(w, who).await?;
    }
    for (who, own) in [
        ("projection", "_INBOX_projection-replay"),
        ("alerting", "_INBOX_alerting-follow"),
    ] {
        no_answers(w, who, own).await?;
    }
    for (who, stream) in [("ingest", LEDGER), ("alerting", ALERTS)] {
        no_other_stream(w, who, stream).await?;
    }
    for (name, kept) in [AGENCY, OTHER].into_iter().zip(&kept) {
        let now = looked_at(w, name).await?;
        assert_eq!(now["config"], kept["config"], "somebody changed {name}");
        assert_eq!(now["created"], kept["created"], "somebody replaced {name}");
    }
    assert_eq!((w.head().await?, w.ends().await?), before);
    let streams = w.streams().await?;
    let other: consumer::PullConsumer = streams.get_consumer_from_stream(OTHER, LEDGER).await?;
    let info = other.cached_info();
    assert_eq!(
        (
            info.num_pending,
            info.delivered.stream_sequence,
            info.ack_floor.stream_sequence
        ),
        (2, 0, 0),
        "somebody read or acknowledged in another's name"
    );
    Ok(())
}

/// What the server says to whoever may not publish there; whose account is their own asks the API under another name.
fn refused(who: &str, subject: &str) -> String {
    let subject = match who {
        "projection" | "alerting" => subject.replace("$JS.API.", "$JS.tiendo.API."),
        _ => subject.to_owned(),
    };
    format!("publish to \"{subject}\"")
}

/// What the operator sees of a consumer of the ledger.
async fn looked_at(w: &World, name: &str) -> Result<Value> {
    let operator = w.client("operator").await?;
    let info = format!("$JS.API.CONSUMER.INFO.{LEDGER}.{name}");
    let answer = operator.request(info, "".into()).await?;
    let seen: Value = serde_json::from_slice(&answer.payload)?;
    ensure!(seen["config"].is_object(), "{name}: {seen}");
    Ok(seen)
}

/// Whoever may make a consumer of one name changes no other by that, and makes none in another's place or that writes into
/// the ledger, whatever name is in the request.
async fn no_other_consumer(w: &World, who: &str, own: &str) -> Result<()> {
    let (client, said) = heard(w, who).await?;
    let nameless = format!("$JS.API.CONSUMER.CREATE.{LEDGER}");
    let named = format!("{nameless}.{own}");
    for (name, to) in [(OTHER, None), (NOBODY, None), (own, Some(FORGED))] {
        for lasting in [false, true] {
            // Of an agency's consumer its filter and how long it is kept would be changed, since the rest is the same.
            let config = json!({
                "name": name, "durable_name": lasting.then_some(name), "deliver_subject": to,
                "filter_subject": FORGED, "inactive_threshold": 1_000_000_000_u64,
                "ack_policy": "explicit", "deliver_policy": "all", "replay_policy": "instant",
                "max_deliver": -1,
            });
            let asked = json!({ "stream_name": LEDGER, "config": config }).to_string();
            client
                .publish(nameless.clone(), asked.clone().into())
                .await?;
            told(&said, &refused(who, &nameless)).await?;
            let answer = client.request(named.clone(), asked.into()).await?;
            let made: Value = serde_json::from_slice(&answer.payload)?;
            let is_own = to.is_none() && made["name"] == own;
            ensure!(
                made["error"].is_object() || is_own,
                "{who}, {config}: {made}"
            );
        }
    }
    let ledger = w.streams().await?.get_stream(LEDGER).await?;
    let names: Vec<String> = ledger.consumer_names().try_collect().await?;
    ensure!(!names.iter().any(|name| name == NOBODY), "{who}: {names:?}");
    Ok(())
}

/// A consumer may be told to deliver on a subject of alerts, where whoever made it may not publish. The server makes it,
/// and delivers nothing: only who listens to that very subject wakes it, and the stream of alerts listens to all of them.
async fn no_copies(w: &World, who: &str) -> Result<()> {
    let client = w.client(who).await?;
    let own = format!("_INBOX_{who}-replay");
    let end = format!("$JS.API.CONSUMER.DELETE.{LEDGER}.{own}");
    // What was made of that name before, if it is still there.
    client.request(end.clone(), "".into()).await?;
    let config = json!({
        "deliver_subject": FORGED_ALERT, "ack_policy": "none", "deliver_policy": "all",
    });
    let asked = json!({ "stream_name": LEDGER, "config": config }).to_string();
    let create = format!("$JS.API.CONSUMER.CREATE.{LEDGER}.{own}");
    let answer = client.request(create, asked.into()).await?;
    let made: Value = serde_json::from_slice(&answer.payload)?;
    ensure!(made["name"] == own.as_str(), "{who}: {made}");
    let seen = looked_at(w, &own).await?;
    ensure!(seen["push_bound"] != true, "{who}: {seen}");
    ensure!(seen["delivered"]["consumer_seq"] == 0, "{who}: {seen}");
    let answer = client.request(end, "".into()).await?;
    let ended: Value = serde_json::from_slice(&answer.payload)?;
    ensure!(ended["success"] == true, "{who}: {ended}");
    Ok(())
}

/// JetStream answers wherever the question says, with the server's own rights: on the subjects of the streams it would be
/// stored, and the answer to a creation is a creation again if that is where it goes. Of an account it does not get out.
async fn no_answers(w: &World, who: &str, own: &str) -> Result<()> {
    let client = w.client(who).await?;
    let create = format!("$JS.API.CONSUMER.CREATE.{LEDGER}.{own}");
    let end = format!("$JS.API.CONSUMER.DELETE.{LEDGER}.{own}");
    let in_place = format!("$JS.API.CONSUMER.CREATE.{LEDGER}.{OTHER}");
    // The same as the agency's but for its filter and how long it is kept.
    let config = json!({
        "filter_subject": FORGED, "inactive_threshold": 1_000_000_000_u64,
        "ack_policy": "explicit", "deliver_policy": "all", "replay_policy": "instant",
        "max_deliver": -1,
    });
    let asked = json!({ "stream_name": LEDGER, "config": config }).to_string();
    for reply in [FORGED, FORGED_ALERT, &in_place] {
        client.request(end.clone(), "".into()).await?;
        let (subject, asked) = (create.clone(), asked.clone());
        client
            .publish_with_reply(subject, reply.to_owned(), asked.into())
            .await?;
        // What was asked before is answered before.
        client.request(end.clone(), "".into()).await?;
    }
    Ok(())
}

/// Whoever may make a stream makes none that is there otherwise: it would have the server write wherever that says.
async fn no_other_stream(w: &World, who: &str, stream: &str) -> Result<()> {
    let client = w.client(who).await?;
    let info = format!("$JS.API.STREAM.INFO.{stream}");
    let answer = client.request(info, "".into()).await?;
    let mut seen: Value = serde_json::from_slice(&answer.payload)?;
    let mut config = seen["config"].take();
    config["republish"] = json!({ "src": ">", "dest": "elsewhere.>" });
    let create = format!("$JS.API.STREAM.CREATE.{stream}");
    let answer = client.request(create, config.to_string().into()).await?;
    let made: Value = serde_json::from_slice(&answer.payload)?;
    let why = made["error"]["description"].as_str().unwrap_or_default();
    ensure!(why.contains("different configuration"), "{who}: {made}");
    Ok(())
}

async fn folded_from_the_bus(w: &World) -> Result<()> {
    let asked = ["projection", "rebuild", "--source", "bus", "-o", "json"];
    let told: Value = serde_json::from_str(&w.ask(&w.projection, &asked).await?)?;
    let rebuild = &told["rebuild"];
    assert_eq!(rebuild["phase"], "PROJECTION_REBUILD_PHASE_READY", "{told}");
    assert_eq!(rebuild["comparison"]["same"], true, "{told}");
    assert_eq!(rebuild["position"], w.head().await?, "{told}");
    Ok(())
}

async fn taken_over(w: &World) -> Result<()> {
    let address = w.serve("ingest", "standby", &["--standby"]).await?;
    let mut standby = IngestServiceClient::connect(address).await?;
    let head = w.head().await?;
    let level = async || {
        let ledger = standby.get_ledger(v1::GetLedgerRequest {}).await?;
        Ok((ledger.into_inner().head == head).then_some(()))
    };
    until("a standby that has everything", PATIENCE, level).await?;
    follow(w, &["tiendo standby khanh-hoa"], head).await?;
    let asked = v1::TakeOverLedgerRequest {
        actor: Some(actor()),
        reason: "Máy ghi hỏng".to_owned(),
    };
    let taken = standby.take_over_ledger(asked).await?.into_inner();
    assert_eq!(taken.position, head + 1);
    let next = standby.record(request(report("570", "2023-07-31", 43_000)));
    let receipt = next.await?.into_inner().receipt.context("a receipt")?;
    assert_eq!(receipt.first_position, head + 2);

    // The writer before it may look at the stream as well, and says where it was taken over, and what is lost.
    let mut old = w.recorder().await?;
    let known = async || match old
        .record(request(report("570", "2023-07-31", 44_000)))
        .await
    {
        Err(status) if Refused::of(&status).reason == "WRITER_FENCED" => Ok(Some(())),
        Err(status) => Err(status.into()),
        Ok(_) => Ok(None),
    };
    until("that the old writer is fenced", PATIENCE, known).await?;
    let ledger = old.get_ledger(v1::GetLedgerRequest {}).await?.into_inner();
    assert_eq!(ledger.role(), v1::LedgerRole::Fenced);
    let fence = ledger.fence.context("a fence")?;
    assert_eq!(fence.position, taken.position);
    Ok(())
}

async fn requests(w: &World) -> Result<()> {
    let agency = w.client(AGENCY).await?;
    let ask = async |payload: String| -> Result<Value> {
        let answer = agency.request(RECORD, payload.into()).await?;
        Ok(serde_json::from_slice(&answer.payload)?)
    };
    let before = (w.head().await?, w.ends().await?);
    for malformed in ["", "[]", "{\"event\": {}, \"evnt\": 1}"] {
        let said = ask(malformed.to_owned()).await?;
        assert_eq!(said["reason"], "REQUEST_FORMAT", "{said}");
    }
    assert_eq!((w.head().await?, w.ends().await?), before);
    let mut wanted = request(report("570", "2023-07-30", 42_000));
    if let Some(event) = &mut wanted.event {
        event.request_id = Uuid::from_u128(0x5ec).to_string();
    }
    let wanted = to_json("RecordRequest", &wanted)?.to_string();
    let first = ask(wanted.clone()).await?;
    assert_eq!(
        first["receipt"]["firstPosition"],
        json!(before.0 + 1),
        "{first}"
    );
    for _ in 0..3 {
        let again = ask(wanted.clone()).await?;
        assert_eq!(again["receipt"]["firstPosition"], json!(before.0 + 1));
        assert_eq!(again["receipt"]["repeated"], json!(true), "{again}");
    }
    assert_eq!(w.head().await?, before.0 + 1);
    Ok(())
}

async fn ten_megabytes(w: &World) -> Result<()> {
    let before = (w.head().await?, w.ends().await?);
    let agency = w.client(AGENCY).await?;
    let large = vec![b' '; 10 << 20];
    let refused = agency.request(RECORD, large.into());
    let refused = tokio::time::timeout(UNANSWERED * 20, refused).await?;
    let said = format!("{:#}", anyhow::Error::from(refused.err().context("taken")?));
    ensure!(said.contains("max payload"), "{said}");
    assert_eq!((w.head().await?, w.ends().await?), before);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_server_starts_as_it_is() -> Result<()> {
    let operated = Operated::new()?;
    let server = operated.single(Operated::shipped("single.conf")).await?;
    let operator = jetstream::new(operated.client(&server.url(), "operator").await?);
    assert_eq!(operator.query_account().await?.streams, 0);
    server.stop().await?;
    operated.finish()
}

/// Three servers of these configurations.
async fn cluster(operated: &Operated, configs: [PathBuf; 3]) -> Result<Vec<Server>> {
    let ports = [free_port()?, free_port()?, free_port()?];
    let routes = ports.map(|port| format!("\"nats-route://tiendo:word@127.0.0.1:{port}\""));
    let routes = format!("[{}]", routes.join(","));
    let mut servers = Vec::new();
    for (number, (port, config)) in ports.iter().zip(configs).enumerate() {
        let listen = format!("127.0.0.1:{port}");
        let more = [
            ("TIENDO_CLUSTER_LISTEN", listen.as_str()),
            ("TIENDO_CLUSTER_ROUTES", &routes),
            ("TIENDO_CLUSTER_PASSWORD", "word"),
        ];
        let more = more.map(|(name, value)| (name.into(), value.into()));
        let name = format!("nats-{number}");
        let server = operated.server(config, &name, Vec::new(), more.into(), Ready::Listens);
        servers.push(server.await?);
    }
    Ok(servers)
}

/// A stream on all three, once they have found each other.
async fn replicated(writer: &jetstream::Context) -> Result<jetstream::stream::Stream> {
    let made = async || {
        let config = Config {
            name: LEDGER.to_owned(),
            subjects: vec!["tiendo.v1.khanh-hoa.*.*.*.*".to_owned()],
            num_replicas: 3,
            ..Config::default()
        };
        Ok(writer.create_stream(config).await.ok())
    };
    until("a stream on all three", PATIENCE, made).await
}

/// A log of alerts that is so long.
struct Alerts(watch::Sender<u64>);

impl Origin for Alerts {
    fn head(&self) -> watch::Receiver<u64> {
        self.0.subscribe()
    }

    fn messages(&self, from: u64, max: usize) -> Result<Vec<Message>, BoxError> {
        let messages = (from..=*self.0.borrow()).map(|position| Message {
            position,
            subject: FORGED_ALERT.to_owned(),
            payload: format!("{{\"id\":{position}}}").into(),
        });
        Ok(messages.take(max).collect())
    }
}

/// Has as many alerts in their stream, which has three copies, by the relay that alerting has.
async fn relayed(access: Access, alerts: u64) -> Result<()> {
    let ledger = "khanh-hoa-alerts";
    let stream = StreamSpec {
        replicas: 3,
        ..StreamSpec::for_ledger(ledger)
    };
    let options = RelayOptions::new(access, ledger.to_owned(), stream);
    let (told, mut status) = watch::channel(RelayStatus::default());
    let origin = Arc::new(Alerts(watch::Sender::new(alerts)));
    let published = status.wait_for(|status| status.published == alerts);
    tokio::select! {
        ended = relay(options, origin, told, CancellationToken::new()) => ended?,
        published = tokio::time::timeout(PATIENCE, published) => drop(published??),
    }
    Ok(())
}

/// Who has an account of its own reads and writes over each of them, whichever has the consumer or leads the stream.
async fn lent_everywhere(
    operated: &Operated,
    servers: &[Server],
    writer: &jetstream::Context,
) -> Result<()> {
    let mut acks = Vec::new();
    for _ in 0..LENT {
        acks.push(writer.publish(FORGED, vec![b' '; 4_096].into()).await?);
    }
    for ack in acks {
        ack.await?;
    }
    // Which of them gets a consumer is left to chance.
    for (told, server) in servers.iter().cycle().take(6).enumerate() {
        let access = operated.access(&server.url(), "projection");
        let mut replay = Replay::open(&access, "khanh-hoa").await?;
        let mut read = 0;
        while read < LENT {
            let messages = replay.read(read + 1).await?;
            ensure!(!messages.is_empty(), "nothing after {read}");
            read += messages.len() as u64;
        }
        let access = operated.access(&server.url(), "alerting");
        relayed(access, (told as u64 + 1) * LENT).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn three_servers_start_as_they_are_and_one_may_be_gone() -> Result<()> {
    let operated = Operated::new()?;
    let shipped = [(); 3].map(|()| Operated::shipped("cluster.conf"));
    let mut servers = cluster(&operated, shipped).await?;
    let writer = operated.client(&servers[0].url(), "ingest").await?;
    let writer = jetstream::new(writer);
    let stream = replicated(&writer).await?;
    let among = stream.cached_info().cluster.as_ref();
    assert_eq!(among.context("no cluster")?.replicas.len(), 2);
    lent_everywhere(&operated, &servers, &writer).await?;
    servers.pop().context("a server")?.stop().await?;
    let written = async || {
        let acked = writer.publish(FORGED, "{}".into()).await?;
        Ok(acked.await.ok())
    };
    let acked = until("a message on the two that are left", PATIENCE, written).await?;
    // What was tried before a new leader was chosen may have come too.
    ensure!(acked.sequence > LENT, "{acked:?}");
    for server in servers {
        server.stop().await?;
    }
    operated.finish()
}

/// Each server of a cluster reads a file of its own; who has not got the new one is named, and what is open is closed.
#[tokio::test(flavor = "multi_thread")]
async fn an_agency_is_in_or_out_on_every_server_or_the_operator_is_told() -> Result<()> {
    let operated = Operated::new()?;
    let apart = operated.file("apart");
    fs::create_dir(&apart)?;
    for entry in fs::read_dir(operated.file("nats"))? {
        let entry = entry?;
        fs::copy(entry.path(), apart.join(entry.file_name()))?;
    }
    let copy = || {
        fs::copy(
            operated.copied("subscribers.conf"),
            apart.join("subscribers.conf"),
        )
    };
    let config = operated.copied("cluster.conf");
    let configs = [config.clone(), config, apart.join("cluster.conf")];
    let servers = cluster(&operated, configs).await?;
    let urls: Vec<_> = servers.iter().map(Server::url).collect();
    let writer = operated.client(&urls[0], "ingest").await?;
    replicated(&jetstream::new(writer)).await?;

    let seed = operated.seed(AGENCY);
    let seed = seed.to_string_lossy();
    let add = ["add", AGENCY, "--seed", &seed];
    let added = subscriber(&operated, &urls[0], &add).await?;
    ensure!(added.code == 0, "{added:?}");
    let is_told = |said: &str| {
        let names = ["nats-0 (", "nats-1 (", "nats-2 ("].map(|name| said.contains(name));
        said.contains("SUBSCRIBER_NOT_EVERYWHERE") && names == [false, false, true]
    };
    ensure!(is_told(&added.stderr), "{added:?}");
    ensure!(operated.client(&urls[2], AGENCY).await.is_err(), "let in");
    copy()?;
    let again = subscriber(&operated, &urls[0], &add).await?;
    ensure!(!again.stderr.contains("NOT_EVERYWHERE"), "{again:?}");
    let mut open = Vec::new();
    for url in &urls {
        open.push(operated.client(url, AGENCY).await?);
    }

    let remove = ["remove", AGENCY];
    let removed = subscriber(&operated, &urls[0], &remove).await?;
    ensure!(
        removed.code == 69 && is_told(&removed.stderr),
        "{removed:?}"
    );
    operated.client(&urls[2], AGENCY).await?;
    copy()?;
    let again = subscriber(&operated, &urls[0], &remove).await?;
    ensure!(
        again.code == 66 && again.stderr.contains("SUBSCRIBER_UNKNOWN"),
        "{again:?}"
    );
    for (client, url) in open.iter().zip(&urls) {
        let cut = async || Ok((client.connection_state() != State::Connected).then_some(()));
        until("the connection cut", PATIENCE, cut).await?;
        ensure!(operated.client(url, AGENCY).await.is_err(), "let in");
    }
    for server in servers {
        server.stop().await?;
    }
    operated.finish()
}

/// Waits until the hub has so many messages of a stream of the province.
async fn copied(at_hub: &Client, stream: &str, messages: u64) -> Result<()> {
    let source = Source {
        name: stream.to_owned(),
        external: Some(External {
            api_prefix: "$JS.khanh-hoa.API".to_owned(),
            delivery_prefix: Some("_SOURCE.khanh-hoa".to_owned()),
        }),
        ..Source::default()
    };
    let copy = Config {
        name: stream.to_owned(),
        sources: Some(vec![source]),
        ..Config::default()
    };
    let streams = jetstream::new(at_hub.clone());
    let copy = streams.create_stream(copy).await?;
    let copied = async || {
        let info = copy.get_info().await?;
        Ok((info.state.messages == messages).then_some(()))
    };
    until(
        &format!("{messages} of {stream} at the hub"),
        PATIENCE,
        copied,
    )
    .await
}

/// Who has an account of its own at the province reads there, and what it publishes is at the hub as well.
async fn lent_beside_a_hub(
    operated: &Operated,
    leaf: &Server,
    at_hub: &Client,
    alerts_then: u64,
) -> Result<()> {
    let access = operated.access(&leaf.url(), "projection");
    let mut replay = Replay::open(&access, "khanh-hoa").await?;
    assert_eq!(replay.read(1).await?.len() as u64, replay.last());
    let alerting = operated.client(&leaf.url(), "alerting").await?;
    let alerts = jetstream::new(alerting.clone());
    let stream = Config {
        name: ALERTS.to_owned(),
        subjects: vec!["tiendo.v1.khanh-hoa-alerts.*.*.*.*".to_owned()],
        ..Config::default()
    };
    alerts.create_stream(stream).await?;
    alerts.publish(FORGED_ALERT, "{}".into()).await?.await?;
    copied(at_hub, ALERTS, alerts_then).await?;
    let mut beats = at_hub.subscribe("tiendo.v1.*.sys.log.head").await?;
    let heard = async || {
        let beat = "tiendo.v1.khanh-hoa-alerts.sys.log.head";
        alerting.publish(beat, "{}".into()).await?;
        let heard = tokio::time::timeout(UNANSWERED, beats.next()).await;
        Ok(heard.ok().flatten().filter(|heard| *heard.subject == *beat))
    };
    until("its heartbeat at the hub", PATIENCE, heard).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_province_calls_the_hub_as_they_are_and_the_hub_only_copies() -> Result<()> {
    let operated = Operated::new()?;
    let port = free_port()?;
    let listen = format!("127.0.0.1:{port}");
    let urls = format!("[\"tls://{listen}\"]");
    let ready = || Ready::Answers(operated.access("", "operator"));
    let of_hub = vec![("TIENDO_LEAF_LISTEN".into(), listen.into())];
    let config = Operated::shipped("hub.conf");
    let hub = operated
        .server(config, "hub-1", Vec::new(), of_hub, ready())
        .await?;
    let seed = fs::read_to_string(operated.seed("leaf"))?;
    let of_leaf = [("TIENDO_HUB_URLS", urls), ("TIENDO_LEAF_SEED", seed)];
    let of_leaf = of_leaf.map(|(name, value)| (name.into(), value.into()));
    // Its accounts are written to.
    let config = operated.copied("leaf.conf");
    let leaf = operated
        .server(config, "khanh-hoa-1", Vec::new(), of_leaf.into(), ready())
        .await?;

    // The province's own writer makes its stream and publishes.
    let writer = jetstream::new(operated.client(&leaf.url(), "ingest").await?);
    let stream = Config {
        name: LEDGER.to_owned(),
        subjects: vec!["tiendo.v1.khanh-hoa.*.*.*.*".to_owned()],
        ..Config::default()
    };
    writer.create_stream(stream).await?;
    // More than is sent before it is told that they came.
    for _ in 0..1_000 {
        let event = vec![b' '; 8_192].into();
        writer.publish(FORGED, event).await?.await?;
    }
    let at_hub = operated.client(&hub.url(), "operator").await?;
    copied(&at_hub, LEDGER, 1_000).await?;
    lent_beside_a_hub(&operated, &leaf, &at_hub, 1).await?;

    // The same once the province's server has read its accounts anew.
    let seed = operated.seed(AGENCY);
    let add = ["add", AGENCY, "--seed", &seed.to_string_lossy()];
    subscriber(&operated, &leaf.url(), &add).await?.ok()?;
    writer.publish(FORGED, "{}".into()).await?.await?;
    copied(&at_hub, LEDGER, 1_001).await?;
    lent_beside_a_hub(&operated, &leaf, &at_hub, 2).await?;

    // It sends nothing to the province, and asks nothing of it but for what it copies.
    let info = format!("$JS.khanh-hoa.API.STREAM.INFO.{LEDGER}");
    let delete = format!("$JS.khanh-hoa.API.STREAM.DELETE.{LEDGER}");
    for subject in [info, delete] {
        let answered =
            tokio::time::timeout(UNANSWERED, at_hub.request(subject.clone(), "{}".into()));
        let answered = answered.await;
        ensure!(!matches!(answered, Ok(Ok(_))), "{subject} was answered");
    }
    // What it may ask for is answered to it, and not into the ledger, whatever reply it names.
    let create = format!("$JS.khanh-hoa.API.CONSUMER.CREATE.{LEDGER}");
    let config = json!({ "name": NOBODY, "ack_policy": "none", "deliver_policy": "all" });
    let asked = json!({ "stream_name": LEDGER, "config": config }).to_string();
    at_hub
        .publish_with_reply(create, FORGED, asked.into())
        .await?;
    let operator = jetstream::new(operated.client(&leaf.url(), "operator").await?);
    let mut ledger = operator.get_stream(LEDGER).await?;
    let made = async || Ok(ledger.delete_consumer(NOBODY).await.ok());
    until("a consumer for the hub", PATIENCE, made).await?;
    assert_eq!(ledger.info().await?.state.last_sequence, 1_001);
    leaf.stop().await?;
    hub.stop().await?;
    operated.finish()
}
