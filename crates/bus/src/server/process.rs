//! The server as a child process.
//!
//! It listens on loopback only and writes its real port to a file, which is the one way to learn
//! it that cannot be confused with somebody else's server on the same port.
//! A thread of its own starts it and lives as long as it does: the parent death signal is sent
//! when the *thread* that forked ends, and a runtime's threads come and go.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use tokio::process::{Child, Command};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, timeout};
use tracing::{info, warn};

use super::Error;
use crate::Access;
use crate::client::{self, ConnectSettings, chain};

/// Between two looks at whether the server is ready.
const POLL: Duration = Duration::from_millis(10);

/// How long a server of a killed parent may take to go.
const PREDECESSOR_WAIT_MAX: Duration = Duration::from_secs(3);

/// The files of a server in its folder: what it is told, what it tells, who it is.
const CONFIG: &str = "nats-server.conf";
const LOG: &str = "nats-server.log";
const PORTS: &str = "ports";
const PID: &str = "nats-server.pid";

/// How much of the log goes into an error.
const LOG_TAIL_BYTES: u64 = 1_024;

/// A configuration as an operator has it. Address (loopback), port, monitoring port (any, if none is named) and the
/// places of files are overridden by those of the [`Launch`]; the limit of the store, users, other listeners and where
/// the monitoring pages are shown are its own.
#[derive(Debug, Clone)]
pub struct Given {
    /// The file.
    pub config: PathBuf,
    /// What overrides more of it, as on a command line; not what the [`Launch`] itself does.
    pub arguments: Vec<OsString>,
    /// The variables that it refers to.
    pub environment: Vec<(OsString, OsString)>,
    /// What is waited for.
    pub ready: Ready,
}

/// When a server is ready.
#[derive(Debug, Clone)]
pub enum Ready {
    /// As soon as it listens: one of a cluster may have to wait for the others.
    Listens,
    /// When its JetStream answers whoever has this; the address is the server's own.
    Answers(Access),
}

/// How to run a server.
#[derive(Debug, Clone)]
pub struct Launch {
    /// The server, see [`super::find`] and [`super::fetch`].
    pub binary: PathBuf,
    /// What is put before the binary and its arguments; for [`super::exec_bound_to_parent`].
    pub command_prefix: Vec<OsString>,
    /// A configuration that somebody else wrote; `None`: one is written that lets everybody on this machine in.
    pub given: Option<Given>,
    /// Its folder: JetStream's files, its configuration, its log.
    pub store: PathBuf,
    /// Its port on 127.0.0.1; 0 for any.
    pub port: u16,
    /// The port of its monitoring pages on 127.0.0.1, if it is to have any.
    pub http_port: Option<u16>,
    /// How large JetStream's files may grow together.
    pub store_bytes_max: u64,
    /// How long it may take to be ready; a large store takes seconds.
    pub ready_timeout: Duration,
    /// How long it may take to stop before it is killed.
    pub stop_timeout: Duration,
}

impl Launch {
    /// With the usual limits: 64 GiB of files, 30 s to be ready, 10 s to stop.
    pub fn new(binary: PathBuf, store: PathBuf, port: u16) -> Self {
        Self {
            binary,
            command_prefix: Vec::new(),
            given: None,
            store,
            port,
            http_port: None,
            store_bytes_max: 64 * 1024 * 1024 * 1024,
            ready_timeout: Duration::from_secs(30),
            stop_timeout: Duration::from_secs(10),
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.store.join(name)
    }

    fn config(&self) -> String {
        let port = if self.port == 0 {
            "-1".to_owned()
        } else {
            self.port.to_string()
        };
        let http = self
            .http_port
            .map(|port| format!("http: \"127.0.0.1:{port}\"\n"));
        let [store, log, ports, pid] = ["", LOG, PORTS, PID].map(|name| quoted(&self.file(name)));
        format!(
            "# Written at every start.\n\
             listen: \"127.0.0.1:{port}\"\n\
             {http}server_name: \"tiendo\"\n\
             max_payload: 1048576\n\
             max_connections: 1024\n\
             log_file: {log}\n\
             logfile_size_limit: 16777216\n\
             logfile_max_num: 3\n\
             pid_file: {pid}\n\
             ports_file_dir: {ports}\n\
             jetstream {{\n  \
               store_dir: {store}\n  \
               max_memory_store: 268435456\n  \
               max_file_store: {bytes}\n\
             }}\n",
            http = http.unwrap_or_default(),
            bytes = self.store_bytes_max,
        )
    }

    /// The configuration that is used, written if it is ours.
    fn configure(&self) -> Result<PathBuf, Error> {
        if let Some(given) = &self.given {
            return Ok(given.config.clone());
        }
        let config = self.file(CONFIG);
        let written = fs::write(&config, self.config());
        written.map_err(Error::io(format!("write {}", config.display())))?;
        Ok(config)
    }

    /// What our own configuration says and one that was given must be told.
    fn overrides(&self) -> Vec<OsString> {
        let Some(given) = &self.given else {
            return Vec::new();
        };
        let port = |port: u16| {
            if port == 0 {
                "-1".into()
            } else {
                port.to_string().into()
            }
        };
        // Of two the last one counts.
        let mut words = given.arguments.clone();
        words.extend(["--addr".into(), "127.0.0.1".into()]);
        words.extend(["--port".into(), port(self.port)]);
        words.extend(["--http_port".into(), port(self.http_port.unwrap_or(0))]);
        for (flag, name) in [
            ("--store_dir", ""),
            ("--log", LOG),
            ("--ports_file_dir", PORTS),
            ("--pid", PID),
        ] {
            words.extend([flag.into(), self.file(name).into_os_string()]);
        }
        words
    }

    fn command(&self, config: &Path) -> Command {
        let mut words: Vec<OsString> = self.command_prefix.clone();
        words.extend([self.binary.clone().into(), "--config".into(), config.into()]);
        words.extend(self.overrides());
        let mut command = Command::new(&words[0]);
        command
            .args(&words[1..])
            .envs(
                self.given
                    .iter()
                    .flat_map(|given| given.environment.iter().cloned()),
            )
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true);
        // A terminal's Ctrl-C goes to the whole group; the server is stopped when we say so.
        #[cfg(unix)]
        command.process_group(0);
        command
    }
}

/// A server that runs. Dropped without [`Server::stop`], it is killed.
#[derive(Debug)]
pub struct Server {
    child: Child,
    pid: u32,
    port: u16,
    stop_timeout: Duration,
    /// The thread that started it ends when this is dropped.
    _keeper: mpsc::Sender<()>,
}

impl Server {
    /// Starts a server and waits until JetStream answers.
    pub async fn start(mut launch: Launch) -> Result<Self, Error> {
        launch.store = std::path::absolute(&launch.store).map_err(Error::io("find the store"))?;
        let ports = launch.file(PORTS);
        let shown = ports.display();
        fs::create_dir_all(&ports).map_err(Error::io(format!("create {shown}")))?;
        wait_for_predecessor(&launch).await?;
        clear(&ports).map_err(Error::io(format!("clear {shown}")))?;
        for port in [launch.port, launch.http_port.unwrap_or(0)] {
            probe(port)?;
        }
        let config = launch.configure()?;
        let errors = launch.file("nats-server.err");
        let stderr =
            File::create(&errors).map_err(Error::io(format!("create {}", errors.display())))?;
        let mut command = launch.command(&config);
        command.stderr(stderr);
        let (child, keeper) = spawn(command, &launch.binary).await?;
        let pid = child.id().unwrap_or_default();
        let stop_timeout = launch.stop_timeout;
        let mut server = Self {
            child,
            pid,
            port: 0,
            stop_timeout,
            _keeper: keeper,
        };
        let seconds = launch.ready_timeout.as_secs();
        match timeout(launch.ready_timeout, server.ready(&launch)).await {
            Ok(ready) => ready?,
            Err(_) => {
                return Err(Error::NotReady {
                    seconds,
                    log: tail(&launch),
                });
            }
        }
        info!(
            pid,
            port = server.port,
            "nats-server {pid} is ready on port {}",
            server.port
        );
        Ok(server)
    }

    /// Where clients connect.
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Resolves when the process has ended, whatever the cause. May be dropped and called again.
    pub async fn exited(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Asks it to stop, and kills it when it does not within the stop timeout.
    pub async fn stop(mut self) -> Result<ExitStatus, Error> {
        let pid = self.pid;
        terminate(&mut self.child).map_err(Error::io(format!("stop nats-server {pid}")))?;
        let waited = timeout(self.stop_timeout, self.child.wait()).await;
        let ended = match waited {
            Ok(ended) => ended,
            Err(_) => {
                warn!(pid, "nats-server {pid} does not stop and is killed");
                self.child
                    .kill()
                    .await
                    .map_err(Error::io(format!("kill nats-server {pid}")))?;
                self.child.wait().await
            }
        };
        ended.map_err(Error::io(format!("wait for nats-server {pid}")))
    }

    async fn ready(&mut self, launch: &Launch) -> Result<(), Error> {
        loop {
            if let Some(port) = announced(&launch.file(PORTS)) {
                self.port = port;
                break;
            }
            self.check_alive(launch).await?;
            sleep(POLL).await;
        }
        let access = match launch.given.as_ref().map(|given| &given.ready) {
            None => Access::open(self.url()),
            Some(Ready::Listens) => return Ok(()),
            Some(Ready::Answers(access)) => Access {
                url: self.url(),
                ..access.clone()
            },
        };
        loop {
            let settings = ConnectSettings {
                access: access.clone(),
                name: "tiendo start".to_owned(),
                timeout: Duration::from_secs(2),
            };
            match client::connect(&settings).await {
                Ok(connection) => match connection.jetstream().query_account().await {
                    Ok(_) => return Ok(()),
                    Err(error) => tracing::debug!("JetStream is not ready: {}", chain(&error)),
                },
                Err(error @ client::Error::Connect { .. }) => {
                    tracing::debug!("nats-server is not ready: {}", chain(&error));
                }
                Err(error) => return Err(Error::Client(error)),
            }
            self.check_alive(launch).await?;
            sleep(POLL).await;
        }
    }

    async fn check_alive(&mut self, launch: &Launch) -> Result<(), Error> {
        let ended = self
            .child
            .try_wait()
            .map_err(Error::io("ask after nats-server"))?;
        let Some(status) = ended else {
            return Ok(());
        };
        let log = tail(launch);
        let ports = [launch.port, launch.http_port.unwrap_or(0)];
        match ports.into_iter().find(|port| probe(*port).is_err()) {
            Some(port) => Err(Error::PortTaken { port }),
            None => Err(Error::Ended { status, log }),
        }
    }
}

/// Starts the child from a thread that stays as long as the sender it returns.
async fn spawn(mut command: Command, binary: &Path) -> Result<(Child, mpsc::Sender<()>), Error> {
    let (keeper, kept) = mpsc::channel::<()>();
    let (started, child) = oneshot::channel();
    let runtime = Handle::current();
    thread::Builder::new()
        .name("nats-server keeper".to_owned())
        .spawn(move || {
            let spawned = {
                let _entered = runtime.enter();
                command.spawn()
            };
            if started.send(spawned).is_ok() {
                // Nothing is ever sent: this ends when the server is dropped.
                let _ = kept.recv();
            }
        })
        .map_err(Error::io("start a thread"))?;
    let failed = || io::Error::other("the thread that starts it has ended");
    let spawned = child.await.unwrap_or_else(|_| Err(failed()));
    let child = spawned.map_err(Error::io(format!("run {}", binary.display())))?;
    Ok((child, keeper))
}

#[cfg(unix)]
fn terminate(child: &mut Child) -> io::Result<()> {
    use rustix::process::{Pid, Signal, kill_process};
    let pid = child.id().and_then(|pid| Pid::from_raw(pid.cast_signed()));
    match pid {
        Some(pid) => Ok(kill_process(pid, Signal::TERM)?),
        None => Ok(()),
    }
}

#[cfg(not(unix))]
fn terminate(child: &mut Child) -> io::Result<()> {
    child.start_kill()
}

/// Whether the port can be had.
fn probe(port: u16) -> Result<(), Error> {
    if port == 0 {
        return Ok(());
    }
    match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Err(Error::PortTaken { port }),
        Err(source) => Err(Error::Io {
            action: format!("listen on port {port}"),
            source,
        }),
    }
}

/// Waits for the server of an earlier run that is still going down: two on one store would ruin it.
async fn wait_for_predecessor(launch: &Launch) -> Result<(), Error> {
    let Some(pid) = fs::read_to_string(launch.file(PID))
        .ok()
        .and_then(|text| text.trim().parse::<u32>().ok())
    else {
        return Ok(());
    };
    let begun = Instant::now();
    while has_store(pid, launch) {
        if begun.elapsed() > PREDECESSOR_WAIT_MAX {
            return Err(Error::StoreTaken {
                store: launch.store.clone(),
                pid,
            });
        }
        sleep(POLL).await;
    }
    Ok(())
}

/// Whether that process was started on this store, by our configuration or by another's; known on Linux only.
fn has_store(pid: u32, launch: &Launch) -> bool {
    let Ok(line) = fs::read(format!("/proc/{pid}/cmdline")) else {
        return false;
    };
    let ours = [CONFIG, PID].map(|name| launch.file(name));
    line.split(|byte| *byte == 0).any(|argument| {
        ours.iter()
            .any(|file| file.as_os_str().as_encoded_bytes() == argument)
    })
}

fn clear(folder: &Path) -> io::Result<()> {
    for file in fs::read_dir(folder)? {
        fs::remove_file(file?.path())?;
    }
    Ok(())
}

/// The port in the file that the server writes when it listens.
fn announced(folder: &Path) -> Option<u16> {
    let file = fs::read_dir(folder).ok()?.find_map(Result::ok)?;
    let ports = serde_json::from_slice::<serde_json::Value>(&fs::read(file.path()).ok()?).ok()?;
    ports
        .get("nats")?
        .get(0)?
        .as_str()?
        .rsplit(':')
        .next()?
        .parse()
        .ok()
}

/// The end of the server's log and of what it wrote before it had one.
fn tail(launch: &Launch) -> String {
    let mut text = String::new();
    for name in ["nats-server.err", LOG] {
        if let Ok(part) = tail_of(&launch.file(name)) {
            text.push_str(part.trim());
        }
    }
    if text.is_empty() {
        "its log is empty".to_owned()
    } else {
        text
    }
}

fn tail_of(file: &Path) -> io::Result<String> {
    let mut file = File::open(file)?;
    let skip = file.metadata()?.len().saturating_sub(LOG_TAIL_BYTES);
    file.seek(SeekFrom::Start(skip))?;
    let mut bytes = Vec::new();
    file.take(LOG_TAIL_BYTES).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// A path as a string of the server's configuration language.
fn quoted(path: &Path) -> String {
    let path = path
        .to_string_lossy()
        .replace('\\', "\\\\")
        .replace('"', "\\\"");
    format!("\"{path}\"")
}
