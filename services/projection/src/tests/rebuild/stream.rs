//! A second state from a real stream, which a relay fills as far as the test lets it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bus::server::{Launch, Search, Server, obtain};
use bus::{BoxError, Message, Origin, RelayError, RelayOptions, RelayStatus, StreamSpec, relay};
use host::CancellationToken;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use wire::cloud_event::{Place, publish};

use super::*;
use crate::rebuild::{Bus, Rebuilder};

const LEDGER: &str = "khanh-hoa";

#[expect(clippy::disallowed_methods, reason = "a test is its own `main`")]
fn binary() -> PathBuf {
    let search = Search {
        explicit: None,
        path: std::env::var_os("PATH"),
        cache: Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools"),
    };
    obtain(&search).unwrap()
}

/// The log as the relay is shown it.
struct Shown {
    log: Log,
    head: watch::Sender<u64>,
}

impl Origin for Shown {
    fn head(&self) -> watch::Receiver<u64> {
        self.head.subscribe()
    }

    fn messages(&self, from: u64, max: usize) -> Result<Vec<Message>, BoxError> {
        let last = (*self.head.borrow()).min(from - 1 + max as u64);
        let events = self.log.between(from, last).into_iter();
        let messages = events.map(|recorded| {
            let (known, event) = recorded.read()?;
            let position = recorded.position;
            let place = Place {
                ledger: LEDGER,
                position,
                known,
            };
            let (subject, payload) = publish(place, &event, true)?;
            Ok(Message {
                position,
                subject,
                payload: payload.into(),
            })
        });
        messages.collect()
    }
}

/// A server and a relay.
struct Stream {
    server: Server,
    _folder: tempfile::TempDir,
    shown: Arc<Shown>,
    status: watch::Receiver<RelayStatus>,
    shutdown: CancellationToken,
    relaying: JoinHandle<Result<(), RelayError>>,
}

impl Stream {
    /// With the first events of the log.
    async fn start(log: &Log, head: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let binary = tokio::task::spawn_blocking(binary).await.unwrap();
        let launch = Launch::new(binary, folder.path().join("nats"), 0);
        let server = Server::start(launch).await.unwrap();
        let shown = Arc::new(Shown {
            log: log.clone(),
            head: watch::Sender::new(head),
        });
        let (sender, status) = watch::channel(RelayStatus::default());
        let shutdown = CancellationToken::new();
        let spec = StreamSpec::for_ledger(LEDGER);
        let options = RelayOptions::new(url(&server), LEDGER.to_owned(), spec);
        let relay = relay(options, shown.clone(), sender, shutdown.clone());
        let mut stream = Self {
            server,
            _folder: folder,
            shown,
            status,
            shutdown,
            relaying: host::task::spawn("relay", relay),
        };
        stream.published(head).await;
        stream
    }

    async fn published(&mut self, position: u64) {
        let published = self.status.wait_for(|status| status.published == position);
        let published = tokio::time::timeout(LIMIT, published).await;
        published.unwrap().unwrap();
    }

    /// Shows the relay the log up to a position, and waits until that is published.
    async fn open_to(&mut self, head: u64) {
        self.shown.head.send_replace(head);
        self.published(head).await;
    }

    async fn stop(self) {
        self.shutdown.cancel();
        self.relaying.await.unwrap().unwrap();
        self.server.stop().await.unwrap();
    }
}

fn url(server: &Server) -> String {
    format!("nats://127.0.0.1:{}", server.port())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_ends_before_the_serving_state_is_named_and_gone_on_with_once_it_has_the_rest()
 {
    let mut world = World::new().await;
    let mut stream = Stream::start(&world.log, 12).await;
    let api = &mut world.service.api;
    let bus = Bus {
        access: url(&stream.server).into(),
        ledger: LEDGER.to_owned(),
    };
    api.rebuilder = Rebuilder::new(&api.shared, &api.log, bus, &api.shutdown);
    api.verifications = Arc::clone(&api.rebuilder.verifications);

    let behind = world.rebuild_from_bus().await.unwrap_err();
    assert_eq!(
        (behind.code(), reason(&behind)),
        (Code::Unavailable, "STREAM_BEHIND".to_owned())
    );
    let said = "the stream ends at position 12, and the serving state is at 30: wait until the relay has caught up, or rebuild from the log, anew";
    assert_eq!(behind.message(), said);
    let now = world.now().await;
    assert_eq!((now.phase(), now.position), (Phase::Failed, 12));
    assert_eq!(
        (&*now.failure_reason, &*now.failure),
        ("STREAM_BEHIND", said)
    );
    assert_eq!(world.answer().await, (HEAD as i64 - 1, HEAD));

    stream.open_to(HEAD).await;
    let ready = world.rebuild_from_bus().await.unwrap();
    assert_eq!((ready.phase(), ready.resumed_from), (Phase::Ready, 12));
    assert!(ready.comparison.unwrap().same);
    stream.stop().await;
}
