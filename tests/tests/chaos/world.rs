//! The whole: it is built, disturbed step by step, healed, and judged.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use async_nats::jetstream::{self, ErrorCode, stream};
use rustix::process::Signal;
use tempfile::TempDir;
use tiendo_tests::cluster::{Cluster, NODES, client};
use tiendo_tests::{say, until};
use wire::v1;

use super::load::{Load, Places};
use super::plan::{Fault, PATIENCE, SERVICES, STREAMS, Step};
use super::services::Services;
use super::subscribers::Subscriber;
use super::verdict;

/// How much each node may keep: the short run's streams many times over, and more for each step.
const STORE_BYTES: u64 = 96 * 1024 * 1024;
const STORE_BYTES_STEP: u64 = 2 * 1024 * 1024;
/// The stream of somebody else who fills the stores.
const OTHER: &str = "OTHER";
/// One of its messages.
const PIECE_BYTES: usize = 512 * 1024;
/// It gives up filling after this: it may have met another fault.
const FILLING_MAX: Duration = Duration::from_secs(20);

/// Everything that is disturbed.
pub(crate) struct World {
    pub(crate) cluster: Cluster,
    pub(crate) services: Services,
    /// The client of whoever disturbs, and of whoever judges.
    pub(crate) context: jetstream::Context,
}

/// Those who report and those who read meanwhile.
struct Beside {
    load: Load,
    subscribers: Vec<(&'static str, usize, Subscriber)>,
}

/// Builds it, takes the steps, and judges what is left.
pub(crate) async fn tell(plan: &[Step]) -> Result<()> {
    let mut folder = tempfile::Builder::new().prefix("tiendo-chaos-").tempdir()?;
    let told = in_folder(&folder, plan).await;
    if told.is_err() {
        folder.disable_cleanup(true);
        say(format!(
            "the evidence is kept in {}",
            folder.path().display()
        ));
    }
    told
}

async fn in_folder(folder: &TempDir, plan: &[Step]) -> Result<()> {
    let begun = Instant::now();
    let bytes_max = STORE_BYTES + STORE_BYTES_STEP * plan.len() as u64;
    let cluster = Cluster::start(folder.path(), bytes_max).await?;
    let services = Services::start(folder.path(), &cluster.url()).await?;
    services.load().await?;
    let mut world = World {
        context: cluster.jetstream().await?,
        cluster,
        services,
    };
    let loaded = world.published().await?;
    say(format!(
        "  {loaded} events after {} ms",
        begun.elapsed().as_millis()
    ));
    let mut beside = world.beside().await?;
    let mut standing: Vec<Fault> = Vec::new();
    for (number, step) in plan.iter().enumerate() {
        let done = world.inflict(step.fault).await;
        done.with_context(|| format!("step {}: {}", number + 1, step.fault))?;
        standing.push(step.fault);
        let begun = Instant::now();
        while begun.elapsed() < step.lasts {
            tokio::time::sleep(step.lasts).await;
        }
        let what = format!("step {} of {}: {}", number + 1, plan.len(), step.fault);
        if step.overlaps {
            say(format!("  {what}, and still is"));
            continue;
        }
        let begun = Instant::now();
        let healed = world.heal(&mut standing).await;
        let head = healed.with_context(|| what.clone())?;
        beside.load.check()?;
        let (ms, on) = (step.lasts.as_millis(), begun.elapsed().as_millis());
        say(format!(
            "  {what} for {ms} ms; {head} events published {on} ms later"
        ));
    }
    world.heal(&mut standing).await?;
    let acknowledged = beside.load.end().await?;
    let head = world.published().await?;
    say(format!(
        "  {} requests acknowledged, {head} events, {} s",
        acknowledged.len(),
        begun.elapsed().as_secs()
    ));
    verdict::judge(&mut world, loaded, &acknowledged, beside.subscribers).await?;
    for service in (0..SERVICES.len()).rev() {
        world.services.stop(service).await?;
    }
    world.cluster.stop().await?;
    say(format!("  {} s in all", begun.elapsed().as_secs()));
    Ok(())
}

impl World {
    async fn beside(&self) -> Result<Beside> {
        let urls = self.cluster.url();
        let places = Places {
            districts: self.places(v1::Level::District).await?,
            communes: self.places(v1::Level::Commune).await?,
        };
        let load = Load::start(&self.services, &client(&urls).await?, places)?;
        let mut subscribers = Vec::new();
        for (stream, name) in STREAMS.into_iter().enumerate() {
            let reader = Subscriber::in_order(client(&urls).await?, name);
            subscribers.push(("who reads in order", stream, reader));
            let agency = Subscriber::durable(client(&urls).await?, name);
            subscribers.push(("who acknowledges", stream, agency));
        }
        Ok(Beside { load, subscribers })
    }

    /// The codes of all localities of a level.
    async fn places(&self, level: v1::Level) -> Result<Vec<String>> {
        let mut codes = Vec::new();
        let mut page_token = String::new();
        loop {
            let asked = v1::ListLocalitiesRequest {
                level: level.into(),
                page_size: 1_000,
                page_token,
                at: Some(v1::ReadAt {
                    as_of: "2023-05-01".to_owned(),
                    ..Default::default()
                }),
                ..Default::default()
            };
            let answer = self.services.query()?.list_localities(asked).await?;
            let answer = answer.into_inner();
            codes.extend(
                answer
                    .localities
                    .into_iter()
                    .map(|place| place.r#ref.unwrap_or_default().code),
            );
            page_token = answer.next_page_token;
            if page_token.is_empty() || codes.len() >= 5_000 {
                return Ok(codes);
            }
        }
    }

    async fn inflict(&mut self, fault: Fault) -> Result<()> {
        match fault {
            Fault::KillNode(node) => self.cluster.kill(node).await,
            Fault::FreezeNode(node) => self.cluster.signal(node, Signal::STOP),
            Fault::KillService(service) => {
                self.services.kill(service);
                Ok(())
            }
            Fault::FreezeService(service) => self.services.signal(service, Signal::STOP),
            Fault::StepDown(stream) => self.step_down(STREAMS[stream]).await,
            Fault::DeleteStream(stream) => self.delete(STREAMS[stream]).await,
            Fault::FillStore => self.fill().await,
        }
    }

    /// Ends what stands, and waits until the bus has what the log has now.
    async fn heal(&mut self, standing: &mut Vec<Fault>) -> Result<u64> {
        for fault in standing.drain(..) {
            match fault {
                Fault::KillNode(node) if !self.cluster.runs(node) => {
                    self.cluster.launch(node).await?;
                }
                Fault::FreezeNode(node) => self.cluster.signal(node, Signal::CONT)?,
                Fault::KillService(service) if !self.services.runs(service) => {
                    self.services.launch(service)?;
                }
                Fault::FreezeService(service) => self.services.signal(service, Signal::CONT)?,
                Fault::FillStore => self.delete(OTHER).await?,
                Fault::KillNode(_)
                | Fault::KillService(_)
                | Fault::StepDown(_)
                | Fault::DeleteStream(_) => {}
            }
        }
        for service in 0..SERVICES.len() {
            self.services.ready(service).await?;
        }
        self.published().await
    }

    /// The log's head, once it is on the bus.
    pub(crate) async fn published(&self) -> Result<u64> {
        let mut head = None;
        let mut last = None;
        let published = until("the log on the bus", PATIENCE, async || {
            let Some(ledger) = self.services.ledger().await? else {
                return Ok(None);
            };
            ensure!(
                ledger.alarm.is_empty(),
                "publishing stopped: {}",
                ledger.alarm
            );
            let wanted = *head.get_or_insert(ledger.head);
            let done = ledger.published >= wanted && ledger.trouble.is_empty();
            last = Some(ledger);
            Ok(done.then_some(wanted))
        });
        let published = published.await;
        published.with_context(|| format!("{head:?} wanted, last {last:?}"))
    }

    /// Asks for another leader; a stream that has none at the moment is as good.
    async fn step_down(&self, stream: &str) -> Result<()> {
        let subject = format!("$JS.API.STREAM.LEADER.STEPDOWN.{stream}");
        let _ = self.context.client().request(subject, "".into()).await;
        Ok(())
    }

    /// Deletes a stream, as soon as the cluster lets itself be asked.
    async fn delete(&self, stream: &str) -> Result<()> {
        until("a deleted stream", PATIENCE, async || {
            use jetstream::context::DeleteStreamErrorKind;
            Ok(match self.context.delete_stream(stream).await {
                Ok(_) => Some(()),
                Err(error) => match error.kind() {
                    DeleteStreamErrorKind::JetStream(error)
                        if error.error_code() == ErrorCode::STREAM_NOT_FOUND =>
                    {
                        Some(())
                    }
                    _ => None,
                },
            })
        })
        .await
    }

    /// Fills the stores of all nodes until there is no more room.
    async fn fill(&self) -> Result<()> {
        let begun = Instant::now();
        let config = stream::Config {
            name: OTHER.to_owned(),
            subjects: vec!["other".to_owned()],
            num_replicas: NODES,
            ..stream::Config::default()
        };
        let piece = vec![b'x'; PIECE_BYTES];
        let mut pieces = 0;
        while begun.elapsed() < FILLING_MAX {
            let created = self.context.create_stream(config.clone()).await;
            if created.is_err() {
                continue;
            }
            while begun.elapsed() < FILLING_MAX {
                let Ok(sent) = self.context.publish("other", piece.clone().into()).await else {
                    break;
                };
                match sent.await {
                    Ok(_) => pieces += 1,
                    Err(error) if format!("{error:?}").contains("insufficient resources") => {
                        let ms = begun.elapsed().as_millis();
                        say(format!("  full with {pieces} pieces after {ms} ms"));
                        return Ok(());
                    }
                    Err(_) => break,
                }
            }
        }
        say(format!("  not full with {pieces} pieces"));
        Ok(())
    }
}
