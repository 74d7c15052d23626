//! A real `tiendo up` with a folder of its own.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use rustix::process::Pid;
use serde_json::Value;
use tempfile::TempDir;
use tonic::transport::{Channel, Endpoint};
use wire::v1;
use wire::v1::alerting_service_client::AlertingServiceClient;
use wire::v1::ingest_service_client::IngestServiceClient;
use wire::v1::log_service_client::LogServiceClient;
use wire::v1::query_service_client::QueryServiceClient;

use crate::chapters::say;
use crate::port::free_port;
use crate::process::{Process, binary, gone, tail};
use crate::program::{self, Output};
use crate::wait::PATIENCE;

/// Largest answer a client takes.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Where a fetched nats-server is kept, for these tests and those of `bus`.
const TOOLS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/tools");

/// What an answer of projection says of how fresh it is.
pub const FRESHNESS: [&str; 3] = ["behindPositions", "behindSeconds", "headHeardSeconds"];

/// How an instance is started.
#[derive(Debug, Clone)]
pub struct Options {
    arguments: Vec<String>,
    ingest_port: u16,
}

impl Options {
    /// With everything that a first start loads.
    #[must_use]
    pub fn sample() -> Self {
        Self {
            arguments: Vec::new(),
            ingest_port: 0,
        }
    }

    /// With nothing on record.
    #[must_use]
    pub fn empty() -> Self {
        Self::sample().with(&["--empty"])
    }

    /// With more arguments of `up`.
    #[must_use]
    pub fn with(mut self, arguments: &[&str]) -> Self {
        self.arguments
            .extend(arguments.iter().map(ToString::to_string));
        self
    }

    /// With a port of ingest that is known beforehand, since `endpoints.json` is written once everything answers.
    ///
    /// # Errors
    /// No port is free.
    pub fn with_known_ingest(mut self) -> Result<Self> {
        self.ingest_port = free_port()?;
        Ok(self)
    }
}

/// The addresses in `endpoints.json`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    /// Health and metrics.
    pub http: String,
    /// Ingest and log.
    pub ingest: String,
    /// Queries.
    pub projection: String,
    /// Verdicts and cases.
    pub alerting: String,
    /// NATS.
    pub nats: String,
    /// The day judgements are for.
    pub today: String,
}

/// An instance. Dropped before [`Tiendo::finish`], it is killed and its folder kept as evidence.
#[derive(Debug)]
pub struct Tiendo {
    folder: Option<TempDir>,
    path: PathBuf,
    options: Options,
    running: Option<Process>,
    runs: u32,
}

impl Tiendo {
    /// Starts an instance in a new folder and waits until everything answers.
    ///
    /// # Errors
    /// It ends, or is not ready in time; what it said is in the error.
    pub async fn start(options: Options) -> Result<Self> {
        let mut instance = Self::launch(options)?;
        instance.ready().await?;
        Ok(instance)
    }

    /// Starts an instance in a new folder, without waiting.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn launch(options: Options) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("tiendo-story-").tempdir()?;
        let path = folder.path().to_owned();
        let mut instance = Self {
            folder: Some(folder),
            path,
            options,
            running: None,
            runs: 0,
        };
        instance.spawn()?;
        Ok(instance)
    }

    /// Starts it again on what is in its folder, and waits until everything answers.
    ///
    /// # Errors
    /// It runs still, ends, or is not ready in time.
    pub async fn restart(&mut self) -> Result<()> {
        ensure!(self.running.is_none(), "it runs still");
        self.spawn()?;
        self.ready().await
    }

    /// The data directory.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.path.join("data")
    }

    fn spawn(&mut self) -> Result<()> {
        self.runs += 1;
        let port = self.options.ingest_port.to_string();
        let data = self.data().to_string_lossy().into_owned();
        let mut arguments = vec!["up", "--lang", "en", "--log", "info,async_nats=off"];
        arguments.extend(["--cache", TOOLS, "--data", &data, "--ingest-port", &port]);
        for port in [
            "--http-port",
            "--projection-port",
            "--alerting-port",
            "--nats-port",
        ] {
            arguments.extend([port, "0"]);
        }
        arguments.extend(self.options.arguments.iter().map(String::as_str));
        let evidence = self.path.join(format!("up-{}", self.runs));
        self.running = Some(Process::start(&arguments, &evidence)?);
        Ok(())
    }

    /// Waits until everything answers.
    ///
    /// # Errors
    /// It ends before, or is not ready in time; what it said is in the error.
    pub async fn ready(&mut self) -> Result<()> {
        let begun = std::time::Instant::now();
        let running = self.running.as_mut().context("it does not run")?;
        running
            .says("the line that says ready", |line| {
                line.starts_with("ready:")
            })
            .await?;
        say(format!("  ready after {} ms", begun.elapsed().as_millis()));
        Ok(())
    }

    /// Stops it as a supervisor does; it must end with 0 and leave no server behind.
    ///
    /// # Errors
    /// It ends otherwise, or not in time.
    pub async fn stop(&mut self) -> Result<()> {
        let server = self.nats_pid();
        self.running
            .take()
            .context("it does not run")?
            .stop()
            .await?;
        ensure!(
            !self.data().join("endpoints.json").exists(),
            "endpoints.json was left behind"
        );
        gone(server).await
    }

    /// Kills its whole process group with SIGKILL, and waits until it and its server are gone.
    ///
    /// # Errors
    /// It cannot be killed, or something of it lives on.
    pub async fn kill_group(&mut self) -> Result<()> {
        let server = self.nats_pid();
        self.running.take().context("it does not run")?.kill();
        gone(server).await
    }

    /// Stops it, and removes its folder: the story was told to its good end.
    ///
    /// # Errors
    /// It does not stop as it should.
    pub async fn finish(mut self) -> Result<()> {
        if self.running.is_some() {
            self.stop().await?;
        }
        if let Some(folder) = self.folder.take() {
            folder.close()?;
        }
        Ok(())
    }

    /// What it said on stderr in this run.
    ///
    /// # Errors
    /// It does not run.
    pub fn said(&self) -> Result<String> {
        self.running.as_ref().context("it does not run")?.said()
    }

    /// What it printed on stdout in its newest run.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn shown(&self) -> Result<String> {
        Ok(fs::read_to_string(
            self.path.join(format!("up-{}.stdout", self.runs)),
        )?)
    }

    /// The real addresses.
    ///
    /// # Errors
    /// There is no `endpoints.json`, or not with these.
    pub fn endpoints(&self) -> Result<Endpoints> {
        let file = self.data().join("endpoints.json");
        let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        let told: Value = serde_json::from_str(&text)?;
        let address = |name: &str| {
            let address = told[name].as_str().filter(|address| !address.is_empty());
            address
                .map(ToOwned::to_owned)
                .with_context(|| format!("endpoints.json has no {name}"))
        };
        Ok(Endpoints {
            http: address("http")?,
            ingest: address("ingest")?,
            projection: address("projection")?,
            alerting: address("alerting")?,
            nats: address("nats")?,
            today: address("today")?,
        })
    }

    /// Runs a command against it, in English.
    ///
    /// # Errors
    /// It cannot be run, or does not end in time.
    pub async fn tiendo(&self, arguments: &[&str]) -> Result<Output> {
        self.tiendo_in("en", arguments).await
    }

    /// Runs a command against it in a language, `vi` or `en`.
    ///
    /// # Errors
    /// It cannot be run, or does not end in time.
    pub async fn tiendo_in(&self, lang: &str, arguments: &[&str]) -> Result<Output> {
        let data = self.data();
        let data = data.to_str().context("the folder is not UTF-8")?;
        let mut all = vec!["--data", data, "--lang", lang];
        all.extend(arguments);
        program::run(&binary()?, &all).await
    }

    /// What a command that ends with 0 prints, in English.
    ///
    /// # Errors
    /// It ends otherwise.
    pub async fn text(&self, arguments: &[&str]) -> Result<String> {
        self.tiendo(arguments).await?.ok()
    }

    /// What a command that ends with 0 prints as JSON.
    ///
    /// # Errors
    /// It ends otherwise, or prints something else.
    pub async fn json(&self, arguments: &[&str]) -> Result<Value> {
        let mut all = arguments.to_vec();
        all.extend(["-o", "json"]);
        let text = self.text(&all).await?;
        serde_json::from_str(&text).with_context(|| format!("no JSON: {text}"))
    }

    /// Records something; the position at which it stands.
    ///
    /// # Errors
    /// As [`Self::json`], and an answer without a receipt.
    pub async fn position(&self, arguments: &[&str]) -> Result<String> {
        let answer = self.json(arguments).await?;
        let position = &answer["receipt"]["firstPosition"];
        let position = position.as_u64().with_context(|| answer.to_string())?;
        Ok(position.to_string())
    }

    /// What a query answers as JSON, but for how fresh it is: that differs from one question to the next.
    ///
    /// # Errors
    /// As [`Self::json`].
    pub async fn answer(&self, arguments: &[&str]) -> Result<String> {
        let mut answer = self.json(arguments).await?;
        if let Some(at) = answer.get_mut("at").and_then(Value::as_object_mut) {
            at.retain(|name, _| !FRESHNESS.contains(&name.as_str()));
        }
        Ok(serde_json::to_string_pretty(&answer)?)
    }

    /// The ledger as ingest describes it.
    ///
    /// # Errors
    /// Ingest does not answer.
    pub async fn ledger(&self) -> Result<v1::GetLedgerResponse> {
        Ok(self
            .ingest()
            .await?
            .get_ledger(v1::GetLedgerRequest {})
            .await?
            .into_inner())
    }

    /// A client of ingest.
    ///
    /// # Errors
    /// It cannot be reached.
    pub async fn ingest(&self) -> Result<IngestServiceClient<Channel>> {
        let address = match self.options.ingest_port {
            0 => self.endpoints()?.ingest,
            port => format!("http://127.0.0.1:{port}"),
        };
        // Large enough to send what the service must refuse.
        Ok(IngestServiceClient::new(connect(&address).await?)
            .max_encoding_message_size(ANSWER_BYTES_MAX))
    }

    /// A client of the log.
    ///
    /// # Errors
    /// It cannot be reached.
    pub async fn log(&self) -> Result<LogServiceClient<Channel>> {
        let channel = connect(&self.endpoints()?.ingest).await?;
        Ok(LogServiceClient::new(channel).max_decoding_message_size(ANSWER_BYTES_MAX))
    }

    /// A client of projection.
    ///
    /// # Errors
    /// It cannot be reached.
    pub async fn query(&self) -> Result<QueryServiceClient<Channel>> {
        let channel = connect(&self.endpoints()?.projection).await?;
        Ok(QueryServiceClient::new(channel).max_decoding_message_size(ANSWER_BYTES_MAX))
    }

    /// A client of alerting.
    ///
    /// # Errors
    /// It cannot be reached.
    pub async fn alerting(&self) -> Result<AlertingServiceClient<Channel>> {
        let channel = connect(&self.endpoints()?.alerting).await?;
        Ok(AlertingServiceClient::new(channel).max_decoding_message_size(ANSWER_BYTES_MAX))
    }

    /// A plain NATS client.
    ///
    /// # Errors
    /// The server cannot be reached.
    pub async fn nats(&self) -> Result<async_nats::Client> {
        Ok(async_nats::connect(self.endpoints()?.nats).await?)
    }

    fn nats_pid(&self) -> Option<Pid> {
        let text = fs::read_to_string(self.data().join("nats/nats-server.pid")).ok()?;
        Pid::from_raw(text.trim().parse().ok()?)
    }
}

impl Drop for Tiendo {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            let said = running.said().unwrap_or_default();
            say(format!(
                "--- the last of what `tiendo up` said\n{}\n---",
                tail(&said)
            ));
        }
        if let Some(folder) = self.folder.take() {
            say(format!(
                "the evidence is kept in {}",
                folder.keep().display()
            ));
        }
    }
}

async fn connect(address: &str) -> Result<Channel> {
    let endpoint = Endpoint::from_shared(address.to_owned())?
        .connect_timeout(PATIENCE)
        .timeout(PATIENCE);
    endpoint
        .connect()
        .await
        .with_context(|| format!("{address} cannot be reached"))
}
