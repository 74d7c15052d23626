//! Servers of this machine: how one is found, started and stopped, and PostgreSQL as Debian packages it.
//!
//! This file needs nothing of this crate: the benchmark of `tiendo` takes it as it is.

use std::error::Error;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use tokio_postgres::{Client, Config, NoTls};

/// What keeps a server from starting or answering.
pub(crate) type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Names the directory with the programs of PostgreSQL.
const VARIABLE: &str = "TIENDO_BENCH_POSTGRES";
/// How long a server may take to answer.
const START_MAX: Duration = Duration::from_secs(20);

/// A running server in a directory of its own.
pub(crate) struct Postgres {
    directory: PathBuf,
    version: String,
    _running: Running,
}

impl Postgres {
    /// Starts one below `below` with settings such as `jit=off`, and waits until it answers; `None` if there is none on this machine.
    pub(crate) async fn start(below: &Path, settings: &[&str]) -> Result<Option<Postgres>> {
        let debian: Vec<PathBuf> = (12..20)
            .rev()
            .map(|major| format!("/usr/lib/postgresql/{major}/bin").into())
            .collect();
        let (Some(initdb), Some(postgres)) = (
            find("initdb", VARIABLE, &debian),
            find("postgres", VARIABLE, &debian),
        ) else {
            return Ok(None);
        };
        let directory = below.join("postgres");
        std::fs::create_dir(&directory)?;
        let id = said(Command::new("id").arg("-u"))?.stdout;
        let is_root = id.trim_ascii() == b"0";
        if is_root {
            said(Command::new("chown").arg("postgres").arg(&directory))?;
        }
        let data = directory.join("data");
        said(
            unprivileged(is_root, &initdb)
                .args([
                    "-U",
                    "bench",
                    "-A",
                    "trust",
                    "-E",
                    "UTF8",
                    "--locale=C",
                    "-D",
                ])
                .arg(&data),
        )?;
        let version = said(Command::new(&postgres).arg("--version"))?.stdout;
        let version = String::from_utf8_lossy(&version).trim().to_owned();
        let running = unprivileged(is_root, &postgres)
            .arg("-D")
            .arg(&data)
            .arg("-k")
            .arg(&directory)
            .args(["-c", "listen_addresses=", "-c", "max_connections=200"])
            .args(settings.iter().flat_map(|setting| ["-c", setting]))
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(below.join("postgres.log"))?)
            .spawn()?;
        let server = Postgres {
            directory,
            version,
            _running: Running {
                server: running,
                signal: "-INT",
            },
        };
        server.wait().await?;
        Ok(Some(server))
    }

    async fn wait(&self) -> Result<()> {
        let deadline = Instant::now() + START_MAX;
        loop {
            match self.connect("").await {
                Ok(_) => return Ok(()),
                Err(error) if Instant::now() > deadline => return Err(error),
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    /// What it calls itself.
    pub(crate) fn version(&self) -> &str {
        &self.version
    }

    /// Connects with options such as `-c search_path=here`.
    pub(crate) async fn connect(&self, options: &str) -> Result<Client> {
        let mut config = Config::new();
        config
            .host_path(&self.directory)
            .user("bench")
            .dbname("postgres")
            .options(options);
        let (client, connection) = config.connect(NoTls).await?;
        // Ends with its client.
        drop(tokio::runtime::Handle::current().spawn(connection));
        Ok(client)
    }
}

/// PostgreSQL refuses to run as root.
fn unprivileged(is_root: bool, program: &Path) -> Command {
    if !is_root {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid=postgres", "--regid=postgres", "--clear-groups"])
        .arg(program);
    command
}

/// The program, from a variable that names its directory, or from PATH, or from one of `elsewhere`.
pub(crate) fn find(program: &str, variable: &str, elsewhere: &[PathBuf]) -> Option<PathBuf> {
    let named = environment(variable).map(PathBuf::from);
    let path = environment("PATH").unwrap_or_default();
    named
        .into_iter()
        .chain(std::env::split_paths(&path))
        .chain(elsewhere.iter().cloned())
        .map(|directory| directory.join(program))
        .find(|program| program.is_file())
}

#[expect(clippy::disallowed_methods, reason = "a benchmark is its own main")]
fn environment(variable: &str) -> Option<OsString> {
    std::env::var_os(variable)
}

/// What a command printed; an error with its words if it failed.
pub(crate) fn said(command: &mut Command) -> Result<Output> {
    let output = command
        .output()
        .map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        return Ok(output);
    }
    let words = String::from_utf8_lossy(&output.stderr);
    Err(format!("{command:?}: {}", words.trim()).into())
}

/// A server that ends with its guard.
pub(crate) struct Running {
    pub(crate) server: Child,
    /// The signal on which it ends at once and with all that it started.
    pub(crate) signal: &'static str,
}

impl Drop for Running {
    fn drop(&mut self) {
        let told = said(
            Command::new("kill")
                .arg(self.signal)
                .arg(self.server.id().to_string()),
        );
        if told.is_err() {
            let _ = self.server.kill();
        }
        let _ = self.server.wait();
    }
}
