//! A real server, a log in memory, and waiting for conditions.

use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use bus::server::{Launch, Search, Server, obtain};
use bus::{
    Access, BoxError, Compared, FollowOptions, FollowStatus, Message, Origin, Reader, RelayError,
    RelayOptions, RelayStatus, StreamSpec, follow, relay,
};
use bytes::Bytes;
use futures::StreamExt;
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// No condition takes longer than this.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// Between two looks at a condition.
const POLL: Duration = Duration::from_millis(10);

/// The ledger of every story.
pub(crate) const LEDGER: &str = "khanh-hoa";

#[expect(clippy::disallowed_methods, reason = "a test is its own `main`")]
pub(crate) fn binary() -> PathBuf {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    let cache = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools");
    let search = || Search {
        explicit: None,
        path: std::env::var_os("PATH"),
        cache,
    };
    BINARY.get_or_init(|| obtain(&search()).unwrap()).clone()
}

/// A port below those that systems give to those who ask for any, so that it is free again for whoever was killed.
/// No other test is given it as long as this process lives: it holds the port of UDP beside it, which nobody uses.
pub(crate) fn free_port() -> u16 {
    static CLAIMED: Mutex<Vec<UdpSocket>> = Mutex::new(Vec::new());
    let claim = |port: u16| {
        let claim = UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).ok()?;
        TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok()?;
        CLAIMED.lock().unwrap().push(claim);
        Some(port)
    };
    (12_000..32_000).find_map(claim).unwrap()
}

/// Looks until there is something to see.
pub(crate) async fn until<T>(look: impl AsyncFnMut() -> Option<T>) -> T {
    until_within(PATIENCE, look).await
}

/// The same where somebody else's patience is longer than ours.
pub(crate) async fn until_within<T>(
    patience: Duration,
    mut look: impl AsyncFnMut() -> Option<T>,
) -> T {
    let looked = async {
        loop {
            if let Some(seen) = look().await {
                return seen;
            }
            tokio::time::sleep(POLL).await;
        }
    };
    timeout(patience, looked).await.unwrap()
}

/// A server with a store of its own; its folder is kept when the test fails.
pub(crate) struct Bus {
    server: Option<Server>,
    folder: TempDir,
    port: u16,
    /// How large its files may grow together; `None` for the usual.
    store_bytes_max: Option<u64>,
}

/// Has the server read `more.conf` beside its configuration too.
const WITH_MORE: &str = r#"echo 'include "more.conf"' >> "$2"; exec "$0" "$@""#;

impl Bus {
    pub(crate) async fn start() -> Self {
        Self::with_room(None).await
    }

    pub(crate) async fn with_room(store_bytes_max: Option<u64>) -> Self {
        Self::with(store_bytes_max, "").await
    }

    /// A server whose configuration ends with `more`, which [`Bus::reload_with`] can replace.
    pub(crate) async fn with(store_bytes_max: Option<u64>, more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut bus = Self {
            server: None,
            folder,
            port: free_port(),
            store_bytes_max,
        };
        std::fs::create_dir_all(bus.store()).unwrap();
        std::fs::write(bus.store().join("more.conf"), more).unwrap();
        bus.restart().await;
        bus
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.folder.path().join("nats")
    }

    pub(crate) fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) async fn restart(&mut self) {
        let binary = tokio::task::spawn_blocking(binary).await.unwrap();
        let mut launch = Launch::new(binary, self.store(), self.port);
        if self.store().join("more.conf").exists() {
            launch.command_prefix = ["sh", "-c", WITH_MORE].map(Into::into).into();
        }
        launch.store_bytes_max = self.store_bytes_max.unwrap_or(launch.store_bytes_max);
        self.server = Some(Server::start(launch).await.unwrap());
    }

    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let pid = self.server.as_ref().unwrap().pid().cast_signed();
        rustix::process::kill_process(rustix::process::Pid::from_raw(pid).unwrap(), signal)
            .unwrap();
    }

    /// Has the server read its configuration anew, with `more` at its end.
    pub(crate) async fn reload_with(&self, more: &str) {
        let reloads = || {
            let log = std::fs::read_to_string(self.store().join("nats-server.log")).unwrap();
            log.matches("Reloaded server configuration").count()
        };
        let before = reloads();
        std::fs::write(self.store().join("more.conf"), more).unwrap();
        self.signal(rustix::process::Signal::HUP);
        until(async || (reloads() > before).then_some(())).await;
    }

    pub(crate) async fn kill(&mut self) {
        self.signal(rustix::process::Signal::KILL);
        self.server.take().unwrap().exited().await.unwrap();
    }

    /// Takes away everything the server has.
    pub(crate) fn wipe(&self) {
        assert!(self.server.is_none());
        std::fs::remove_dir_all(self.store()).unwrap();
    }

    pub(crate) async fn stop(mut self) {
        let status = self.server.take().unwrap().stop().await.unwrap();
        assert!(status.code().is_some(), "it stopped by itself: {status}");
    }

    pub(crate) async fn client(&self) -> async_nats::Client {
        until(async || async_nats::connect(self.url()).await.ok()).await
    }

    pub(crate) async fn delete_stream(&self) {
        let context = async_nats::jetstream::new(self.client().await);
        context
            .delete_stream(bus::subject::stream_name(LEDGER))
            .await
            .unwrap();
    }

    /// Everything in the stream, oldest first.
    pub(crate) async fn contents(&self) -> Vec<Message> {
        contents(&self.client().await).await
    }
}

/// Everything in the stream, oldest first; a cluster that is still gathering is asked again.
pub(crate) async fn contents(client: &async_nats::Client) -> Vec<Message> {
    until_within(2 * PATIENCE, async || {
        timeout(PATIENCE, read_whole(client)).await.ok()?
    })
    .await
}

/// None if the server did not answer, or if less can be read than it says to have.
async fn read_whole(client: &async_nats::Client) -> Option<Vec<Message>> {
    let context = async_nats::jetstream::new(client.clone());
    let name = bus::subject::stream_name(LEDGER);
    let mut stream = context.get_stream(name).await.ok()?;
    let count = usize::try_from(stream.info().await.ok()?.state.messages).ok()?;
    if count == 0 {
        return Some(Vec::new());
    }
    let config = async_nats::jetstream::consumer::push::OrderedConfig {
        deliver_subject: client.new_inbox(),
        ..Default::default()
    };
    let messages = stream.create_consumer(config).await.ok()?;
    let read = messages.messages().await.ok()?.take(count).map(|message| {
        let message = message.ok()?;
        let position = message.info().ok()?.stream_sequence;
        let (subject, payload) = (message.subject.to_string(), message.payload.clone());
        Some(Message {
            position,
            subject,
            payload,
        })
    });
    let read: Vec<_> = read.collect().await;
    read.into_iter().collect()
}

impl Drop for Bus {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.folder.disable_cleanup(true);
            eprintln!(
                "the server's files are kept in {}",
                self.folder.path().display()
            );
        }
    }
}

/// A log in memory: message `i` is made of `i` and a salt.
pub(crate) struct Log {
    ledger: &'static str,
    head: watch::Sender<u64>,
    salt: u64,
    /// Up to which position it is like one of another salt.
    begins: std::sync::Mutex<(u64, u64)>,
}

impl Log {
    pub(crate) fn new(head: u64) -> Arc<Self> {
        Self::salted(head, 0)
    }

    /// A log with another history.
    pub(crate) fn salted(head: u64, salt: u64) -> Arc<Self> {
        Self::of(LEDGER, head, salt)
    }

    pub(crate) fn of(ledger: &'static str, head: u64, salt: u64) -> Arc<Self> {
        Arc::new(Self {
            ledger,
            head: watch::Sender::new(head),
            salt,
            begins: std::sync::Mutex::default(),
        })
    }

    /// Is like another log up to a position.
    pub(crate) fn begin_as(&self, other: &Log, to: u64) {
        *self.begins.lock().unwrap() = (to, other.salt);
    }

    pub(crate) fn grow(&self, to: u64) {
        self.head.send_replace(to);
    }

    pub(crate) fn head_now(&self) -> u64 {
        *self.head.borrow()
    }

    pub(crate) fn message(&self, position: u64) -> Message {
        let ledger = self.ledger;
        let subject = format!("tiendo.v1.{ledger}.568.progress.reported.eid-activated");
        let (to, begins) = *self.begins.lock().unwrap();
        let salt = if position <= to { begins } else { self.salt };
        let text = format!("{{\"id\":\"{ledger}:{position}\",\"salt\":{salt}}} ");
        let payload = Bytes::from(text.repeat(700 / text.len() + 1));
        Message {
            position,
            subject,
            payload,
        }
    }

    pub(crate) fn all(&self) -> Vec<Message> {
        (1..=self.head_now())
            .map(|position| self.message(position))
            .collect()
    }
}

impl Origin for Log {
    fn head(&self) -> watch::Receiver<u64> {
        self.head.subscribe()
    }

    fn messages(&self, from: u64, max: usize) -> Result<Vec<Message>, BoxError> {
        let last = self.head_now().min(from - 1 + max as u64);
        Ok((from..=last)
            .map(|position| self.message(position))
            .collect())
    }

    /// From every other position, so that stories go both ways.
    fn messages_at_hand(&self, from: u64, max: usize) -> Option<Result<Vec<Message>, BoxError>> {
        from.is_multiple_of(2).then(|| self.messages(from, max))
    }
}

/// A relay that runs beside the test.
pub(crate) struct Relay {
    tasks: JoinSet<Result<(), RelayError>>,
    pub(crate) status: watch::Receiver<RelayStatus>,
    shutdown: CancellationToken,
}

pub(crate) fn relay_options(access: impl Into<Access>) -> RelayOptions {
    RelayOptions {
        take_overs: Some(format!("tiendo.v1.{LEDGER}.vn.ledger.taken-over.*")),
        ..RelayOptions::new(access, LEDGER.to_owned(), StreamSpec::for_ledger(LEDGER))
    }
}

impl Relay {
    pub(crate) fn start(url: String, log: &Arc<Log>) -> Self {
        Self::with(relay_options(url), log)
    }

    pub(crate) fn with(options: RelayOptions, log: &Arc<Log>) -> Self {
        Self::of(options, Arc::clone(log) as Arc<dyn Origin>)
    }

    pub(crate) fn of(options: RelayOptions, origin: Arc<dyn Origin>) -> Self {
        let (sender, status) = watch::channel(RelayStatus::default());
        let shutdown = CancellationToken::new();
        let mut tasks = JoinSet::new();
        tasks.spawn(relay(options, origin, sender, shutdown.clone()));
        Self {
            tasks,
            status,
            shutdown,
        }
    }

    pub(crate) async fn published(&mut self, position: u64) {
        let reached = |status: &RelayStatus| status.published == position;
        when(&mut self.status, &format!("{position} published"), reached).await;
    }

    /// How it ended by itself.
    pub(crate) async fn ended(mut self) -> Result<(), RelayError> {
        timeout(PATIENCE, self.tasks.join_next())
            .await
            .unwrap()
            .unwrap()
            .unwrap()
    }

    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        self.ended().await.unwrap();
    }
}

/// A reader that remembers what it was given, and begins anew where the stream has something else.
pub(crate) struct Pupil {
    log: watch::Receiver<Arc<Log>>,
    pub(crate) applied: Vec<Message>,
}

impl Pupil {
    fn log(&self) -> Arc<Log> {
        Arc::clone(&self.log.borrow())
    }
}

impl Reader for Pupil {
    fn position(&self) -> u64 {
        self.applied.len() as u64
    }

    async fn catch_up(&mut self) -> Result<u64, BoxError> {
        let log = self.log();
        // As our readers do, it reads on only behind what the log has too.
        if let Some(last) = self.applied.last()
            && last.position <= log.head_now()
            && *last != log.message(last.position)
        {
            return Err("the log goes on otherwise".into());
        }
        for position in self.position() + 1..=log.head_now() {
            self.applied.push(log.message(position));
        }
        Ok(self.position())
    }

    async fn apply(&mut self, delivery: bus::Delivery) -> Result<(), BoxError> {
        assert_eq!(delivery.position, self.position() + 1);
        let bus::Delivery {
            position,
            subject,
            payload,
        } = delivery;
        self.applied.push(Message {
            position,
            subject,
            payload,
        });
        Ok(())
    }

    async fn compare(&mut self, held: Option<bus::Delivery>) -> Result<Compared, BoxError> {
        let Some(held) = held else {
            return Ok(Compared::Same);
        };
        let index = usize::try_from(held.position)? - 1;
        if self.applied[index].payload == held.payload {
            return Ok(Compared::Same);
        }
        if self.log().message(held.position).payload != held.payload {
            return Err("the log is no better".into());
        }
        self.applied.clear();
        Ok(Compared::Dropped)
    }
}

/// A follower that runs beside the test.
pub(crate) struct Following {
    tasks: JoinSet<Pupil>,
    log: watch::Sender<Arc<Log>>,
    pub(crate) status: watch::Receiver<FollowStatus>,
    shutdown: CancellationToken,
}

impl Following {
    pub(crate) fn start(url: String, log: &Arc<Log>) -> Self {
        Self::with(
            FollowOptions::new(url, LEDGER, "tiendo pupil".to_owned()),
            log,
        )
    }

    pub(crate) fn with(options: FollowOptions, log: &Arc<Log>) -> Self {
        let (sender, status) = watch::channel(FollowStatus::default());
        let shutdown = CancellationToken::new();
        let (mut tasks, stop) = (JoinSet::new(), shutdown.clone());
        let log = watch::Sender::new(Arc::clone(log));
        let mut pupil = Pupil {
            log: log.subscribe(),
            applied: Vec::new(),
        };
        tasks.spawn(async move {
            follow(options, &mut pupil, sender, stop).await.unwrap();
            pupil
        });
        Self {
            tasks,
            log,
            status,
            shutdown,
        }
    }

    /// Reads another log from now on.
    pub(crate) fn read_of(&self, log: &Arc<Log>) {
        self.log.send_replace(Arc::clone(log));
    }

    pub(crate) async fn reached(&mut self, position: u64) {
        let reached = |status: &FollowStatus| status.position == position;
        when(&mut self.status, &format!("{position} reached"), reached).await;
    }

    pub(crate) async fn connected(&mut self) {
        when(&mut self.status, "a consumer", |status| status.connected).await;
    }

    pub(crate) async fn stop(mut self) -> Vec<Message> {
        self.shutdown.cancel();
        timeout(PATIENCE, self.tasks.join_next())
            .await
            .unwrap()
            .unwrap()
            .unwrap()
            .applied
    }
}

/// Waits for a status.
pub(crate) async fn when<T: std::fmt::Debug>(
    status: &mut watch::Receiver<T>,
    what: &str,
    is: impl FnMut(&T) -> bool,
) {
    let waited = timeout(PATIENCE, status.wait_for(is))
        .await
        .map(|found| drop(found.unwrap()));
    assert!(waited.is_ok(), "no {what}: {:?}", status.borrow());
}
