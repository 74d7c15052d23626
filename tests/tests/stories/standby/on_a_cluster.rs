//! The same where three servers keep three copies: what the writer before had on its way comes to them after the take-over.

use std::io;

use anyhow::{Result, ensure};
use rustix::process::Signal;
use tiendo_tests::cluster::Cluster;
use tiendo_tests::fact::{batch, request};
use tiendo_tests::{PATIENCE, say, until};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use wire::v1;

use super::{Place, REPLICATED, definition};

/// What each server may keep.
const STORE_BYTES: u64 = 256 * 1024 * 1024;
/// So much on its way is more than a few events.
const ON_ITS_WAY_BYTES: usize = 100_000;

/// A way to a server that can be shut: what is sent there meanwhile waits, and comes later.
struct Dam {
    address: String,
    is_open: watch::Sender<bool>,
    waiting: watch::Receiver<usize>,
    _ways: JoinSet<()>,
}

impl Dam {
    async fn start(to: u16) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = format!("nats://{}", listener.local_addr()?);
        let (is_open, seen) = watch::channel(true);
        let (held, waiting) = watch::channel(0);
        let mut all = JoinSet::new();
        all.spawn(async move {
            let mut ways = JoinSet::new();
            while let Ok((near, _)) = listener.accept().await {
                let Ok(far) = TcpStream::connect(("127.0.0.1", to)).await else {
                    continue;
                };
                let (seen, held) = (seen.clone(), held.clone());
                ways.spawn(async move {
                    let (near, mut far) = (near.into_split(), far.into_split());
                    let mut back = near.1;
                    let back = tokio::io::copy(&mut far.0, &mut back);
                    // Who sent it may be gone when it comes.
                    tokio::join!(forth(near.0, far.1, seen, &held), back)
                });
            }
        });
        Ok(Self {
            address,
            is_open,
            waiting,
            _ways: all,
        })
    }

    /// Waits until so many bytes wait.
    async fn holds(&self, is_enough: impl Fn(usize) -> bool) -> Result<usize> {
        let look = async || Ok(Some(*self.waiting.borrow()).filter(|held| is_enough(*held)));
        until("what was sent", PATIENCE, look).await
    }
}

async fn forth(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut is_open: watch::Receiver<bool>,
    held: &watch::Sender<usize>,
) -> io::Result<()> {
    let (mut waiting, mut is_over) = (Vec::new(), false);
    loop {
        if *is_open.borrow_and_update() {
            let sent = to.write_all(&waiting).await;
            held.send_modify(|held| *held -= waiting.len());
            sent?;
            waiting.clear();
            if is_over {
                return Ok(());
            }
        }
        tokio::select! {
            changed = is_open.changed() => changed.map_err(io::Error::other)?,
            count = from.read_buf(&mut waiting), if !is_over => {
                let count = count?;
                is_over = count == 0;
                held.send_modify(|held| *held += count);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_frozen_writer_is_stored_behind_a_take_over_on_a_cluster() -> Result<()> {
    let folder = tempfile::Builder::new()
        .prefix("tiendo-standby-")
        .tempdir()?;
    let cluster = Cluster::start(folder.path(), STORE_BYTES).await?;
    let dam = Dam::start(cluster.port(0)).await?;
    let nats = dam.address.clone();
    let mut place = Place { folder, nats };
    let old = place.node("old", &["--replicas", "3"]).await?;
    place.nats = cluster.url();
    let standby = place.node("standby", &["--standby"]).await?;
    let replicated = |number| v1::RecordRequest {
        acknowledgement: REPLICATED,
        ..request(definition(number))
    };
    let first = old.ingest().await?.record(replicated(0)).await?;
    let first = first.into_inner().receipt.unwrap_or_default();
    let follows = async || Ok((standby.ledger().await?.head == first.last_position).then_some(()));
    until("a standby that has it", PATIENCE, follows).await?;

    dam.is_open.send_replace(false);
    let many = batch((1..=2_000).map(definition).collect());
    old.ingest().await?.record_batch(many).await?;
    let held = dam.holds(|held| held >= ON_ITS_WAY_BYTES).await?;
    old.process.signal(Signal::STOP)?;
    let taken = standby.take_over().await?;
    ensure!(taken.position == first.last_position + 1, "{taken:?}");
    say(format!(
        "  {held} bytes were on their way, taken over at {}",
        taken.position
    ));
    dam.is_open.send_replace(true);
    dam.holds(|held| held == 0).await?;
    old.process.signal(Signal::CONT)?;
    let fenced = async || {
        let fence = old.ledger().await?.fence;
        Ok(fence.map(|fence| fence.position))
    };
    let fence = until("that the old writer is fenced", PATIENCE, fenced).await?;
    assert_eq!(fence, taken.position);

    // The next event of the new writer stands just behind the take-over, and there is no other.
    standby.ingest().await?.record(replicated(3_000)).await?;
    let ledger = standby.ledger().await?;
    let stands = (ledger.alarm.as_str(), ledger.head, ledger.published);
    assert_eq!(stands, ("", taken.position + 1, taken.position + 1));
    let stream = cluster
        .jetstream()
        .await?
        .get_stream("TIENDO_TWO-NODES")
        .await?;
    assert_eq!(stream.cached_info().state.last_sequence, ledger.head);
    old.process.stop().await?;
    standby.process.stop().await?;
    cluster.stop().await
}
