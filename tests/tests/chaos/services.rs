//! Ingest, projection and alerting as processes of their own on the cluster.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use rustix::process::Signal;
use tiendo_tests::{Process, binary, free_port, program, until};
use tonic::transport::{Channel, Endpoint};
use wire::v1;
use wire::v1::alerting_service_client::AlertingServiceClient;
use wire::v1::ingest_service_client::IngestServiceClient;
use wire::v1::log_service_client::LogServiceClient;
use wire::v1::query_service_client::QueryServiceClient;

use super::plan::{PATIENCE, SERVICES};

/// Whoever asks waits no longer: what is asked may be frozen.
const ANSWER_MAX: Duration = Duration::from_secs(5);
/// Largest answer a client takes.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Copies of each stream, one for each node.
const COPIES: &str = "3";

struct Service {
    arguments: Vec<String>,
    port: u16,
    process: Option<Process>,
    runs: u32,
}

/// The three, numbered as in [`SERVICES`].
pub(crate) struct Services {
    services: Vec<Service>,
    folder: PathBuf,
}

impl Services {
    /// Starts all three.
    pub(crate) async fn start(folder: &Path, nats: &str) -> Result<Self> {
        let ports = [free_port()?, free_port()?, free_port()?];
        let ingest = format!("http://127.0.0.1:{}", ports[0]);
        let mut services = Vec::new();
        for (name, port) in SERVICES.into_iter().zip(ports) {
            let data = folder.join(format!("{name}-data"));
            let data = data.to_str().context("the folder is not UTF-8")?;
            let (own, http) = (port.to_string(), free_port()?.to_string());
            let mut arguments = vec![
                "serve",
                name,
                "--lang",
                "en",
                "--log",
                "info,async_nats=off",
            ];
            arguments.extend(["--data", data, "--nats", nats, "--port", &own]);
            arguments.extend(["--http-port", &http]);
            match name {
                "ingest" => arguments.extend(["--replicas", COPIES]),
                "projection" => {
                    arguments.extend(["--ingest", &ingest, "--snapshot-every", "500"]);
                }
                _ => {
                    arguments.extend(["--ingest", &ingest, "--replicas", COPIES]);
                    arguments.extend(["--today", "2023-07-31"]);
                }
            }
            services.push(Service {
                arguments: arguments.into_iter().map(ToOwned::to_owned).collect(),
                port,
                process: None,
                runs: 0,
            });
        }
        let mut services = Self {
            services,
            folder: folder.to_owned(),
        };
        for service in 0..SERVICES.len() {
            services.launch(service)?;
            services.ready(service).await?;
        }
        Ok(services)
    }

    /// Starts a service that does not run, without waiting.
    pub(crate) fn launch(&mut self, service: usize) -> Result<()> {
        let it = &mut self.services[service];
        it.runs += 1;
        let evidence = format!("{}-{}", SERVICES[service], it.runs);
        let arguments: Vec<&str> = it.arguments.iter().map(String::as_str).collect();
        it.process = Some(Process::start(&arguments, &self.folder.join(evidence))?);
        Ok(())
    }

    /// Waits until it says that it is ready.
    pub(crate) async fn ready(&mut self, service: usize) -> Result<()> {
        let name = SERVICES[service];
        let ready = format!("{name} ready at");
        let process = self.services[service].process.as_mut();
        let process = process.with_context(|| format!("{name} does not run"))?;
        process
            .says(&ready, |line| line.starts_with(&ready))
            .await?;
        Ok(())
    }

    /// Whether it runs, frozen or not.
    pub(crate) fn runs(&self, service: usize) -> bool {
        self.services[service].process.is_some()
    }

    /// Signals a service, if it runs.
    pub(crate) fn signal(&self, service: usize, signal: Signal) -> Result<()> {
        match &self.services[service].process {
            Some(process) => process.signal(signal),
            None => Ok(()),
        }
    }

    /// SIGKILL, if it runs.
    pub(crate) fn kill(&mut self, service: usize) {
        if let Some(process) = self.services[service].process.take() {
            process.kill();
        }
    }

    /// Stops it as a supervisor does, and gives what it said.
    pub(crate) async fn stop(&mut self, service: usize) -> Result<String> {
        let process = self.services[service].process.take();
        let process = process.with_context(|| format!("{} does not run", SERVICES[service]))?;
        let said = process.said()?;
        process.stop().await?;
        Ok(said)
    }

    /// What it said in this run.
    pub(crate) fn said(&self, service: usize) -> Result<String> {
        let process = self.services[service].process.as_ref();
        process.context("it does not run")?.said()
    }

    /// Where it keeps what it has.
    pub(crate) fn data(&self, service: usize) -> PathBuf {
        let name = SERVICES[service];
        self.folder.join(format!("{name}-data")).join(name)
    }

    fn address(&self, service: usize) -> String {
        format!("http://127.0.0.1:{}", self.services[service].port)
    }

    /// A channel that connects anew whenever it must.
    pub(crate) fn channel(&self, service: usize) -> Result<Channel> {
        let endpoint = Endpoint::from_shared(self.address(service))?
            .connect_timeout(Duration::from_secs(1))
            .timeout(ANSWER_MAX);
        Ok(endpoint.connect_lazy())
    }

    /// A channel for questions that take their time, once nothing is disturbed any more.
    fn patient(&self, service: usize) -> Result<Channel> {
        Ok(Endpoint::from_shared(self.address(service))?.connect_lazy())
    }

    /// A client of ingest.
    pub(crate) fn ingest(&self) -> Result<IngestServiceClient<Channel>> {
        Ok(IngestServiceClient::new(self.channel(0)?))
    }

    /// A client of the log.
    pub(crate) fn log(&self) -> Result<LogServiceClient<Channel>> {
        let client = LogServiceClient::new(self.patient(0)?);
        Ok(client.max_decoding_message_size(ANSWER_BYTES_MAX))
    }

    /// A client of projection.
    pub(crate) fn query(&self) -> Result<QueryServiceClient<Channel>> {
        let client = QueryServiceClient::new(self.patient(1)?);
        Ok(client.max_decoding_message_size(ANSWER_BYTES_MAX))
    }

    /// A client of alerting.
    pub(crate) fn alerting(&self) -> Result<AlertingServiceClient<Channel>> {
        let client = AlertingServiceClient::new(self.patient(2)?);
        Ok(client.max_decoding_message_size(ANSWER_BYTES_MAX))
    }

    /// The ledger as ingest describes it; none while it does not answer.
    pub(crate) async fn ledger(&self) -> Result<Option<v1::GetLedgerResponse>> {
        let answer = self.ingest()?.get_ledger(v1::GetLedgerRequest {}).await;
        Ok(answer.ok().map(tonic::Response::into_inner))
    }

    /// Loads what figures rest on; on a slow machine a second try goes on where the first was ended.
    pub(crate) async fn load(&self) -> Result<()> {
        until("what figures rest on", PATIENCE, async || {
            let loaded = self.tiendo(&["load", "gazetteer", "catalogue"]).await;
            Ok(loaded.ok().map(|_| ()))
        })
        .await
    }

    /// Runs a command against ingest.
    pub(crate) async fn tiendo(&self, arguments: &[&str]) -> Result<String> {
        let address = self.address(0);
        let mut all = vec!["--server", &address, "--lang", "en"];
        all.extend(arguments);
        program::run(&binary()?, &all).await?.ok()
    }
}
