//! Three nats-servers on loopback, each with a store of its own, from one configuration file.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use async_nats::ServerAddr;
use async_nats::jetstream::{self, Context};
use bus::server::{Given, Launch, Ready, Server};
use rustix::process::{Pid, Signal, kill_process};

use crate::operated::nats_server;
use crate::port::free_port;
use crate::process::binary;
use crate::wait::{PATIENCE, until};

/// Servers of a cluster.
pub const NODES: usize = 3;

#[derive(Debug)]
struct Node {
    server: Option<Server>,
    port: u16,
    of_cluster: u16,
}

/// The three.
#[derive(Debug)]
pub struct Cluster {
    nodes: Vec<Node>,
    binary: PathBuf,
    folder: PathBuf,
}

impl Cluster {
    /// Starts all three, each of which may keep so many bytes.
    ///
    /// # Errors
    /// One does not start, or they do not find each other.
    pub async fn start(folder: &Path, bytes_max: u64) -> Result<Self> {
        let config = format!(
            "max_payload: 1048576\n\
             jetstream {{ max_memory_store: 67108864, max_file_store: {bytes_max} }}\n\
             cluster {{ name: \"tiendo\" }}\n"
        );
        std::fs::write(folder.join("cluster.conf"), config)?;
        let mut cluster = Self {
            nodes: Vec::new(),
            binary: tokio::task::spawn_blocking(nats_server).await??,
            folder: folder.to_owned(),
        };
        for _ in 0..NODES {
            let (port, of_cluster) = (free_port()?, free_port()?);
            cluster.nodes.push(Node {
                server: None,
                port,
                of_cluster,
            });
        }
        for node in 0..NODES {
            cluster.launch(node).await?;
        }
        let context = cluster.jetstream().await?;
        until("a cluster with a leader", PATIENCE, async || {
            Ok(context.query_account().await.ok().map(|_| ()))
        })
        .await?;
        Ok(cluster)
    }

    /// Starts a node that does not run.
    ///
    /// # Errors
    /// It does not start.
    pub async fn launch(&mut self, node: usize) -> Result<()> {
        let name = format!("node-{node}");
        let store = self.folder.join(&name);
        let mut launch = Launch::new(self.binary.clone(), store, self.nodes[node].port);
        if cfg!(target_os = "linux") {
            // It goes with this process, however that ends.
            let parent = std::process::id().to_string();
            launch.command_prefix = vec![binary()?.into(), "__nats-server".into(), parent.into()];
        }
        let routes = self.nodes.iter();
        let routes: Vec<_> = routes
            .map(|node| format!("nats://127.0.0.1:{}", node.of_cluster))
            .collect();
        let arguments = ["--server_name", &name, "--cluster", &routes[node]];
        let mut arguments: Vec<_> = arguments.map(Into::into).into();
        arguments.extend(["--routes".into(), routes.join(",").into()]);
        launch.given = Some(Given {
            config: self.folder.join("cluster.conf"),
            arguments,
            environment: Vec::new(),
            ready: Ready::Listens,
        });
        self.nodes[node].server = Some(Server::start(launch).await?);
        Ok(())
    }

    /// The port of a node.
    #[must_use]
    pub fn port(&self, node: usize) -> u16 {
        self.nodes[node].port
    }

    /// The addresses of all three.
    #[must_use]
    pub fn url(&self) -> String {
        let urls = self.nodes.iter();
        let urls: Vec<_> = urls
            .map(|node| format!("nats://127.0.0.1:{}", node.port))
            .collect();
        urls.join(",")
    }

    /// JetStream for a client of its own.
    ///
    /// # Errors
    /// None of them lets it in.
    pub async fn jetstream(&self) -> Result<Context> {
        Ok(jetstream::new(client(&self.url()).await?))
    }

    /// Signals a node, if it runs.
    ///
    /// # Errors
    /// It has ended.
    pub fn signal(&self, node: usize, signal: Signal) -> Result<()> {
        if let Some(server) = &self.nodes[node].server {
            let pid = Pid::from_raw(server.pid().cast_signed()).context("a process id")?;
            kill_process(pid, signal)?;
        }
        Ok(())
    }

    /// SIGKILL, if it runs.
    ///
    /// # Errors
    /// It has ended.
    pub async fn kill(&mut self, node: usize) -> Result<()> {
        self.signal(node, Signal::KILL)?;
        if let Some(mut server) = self.nodes[node].server.take() {
            server.exited().await?;
        }
        Ok(())
    }

    /// Whether it runs, frozen or not.
    #[must_use]
    pub fn runs(&self, node: usize) -> bool {
        self.nodes[node].server.is_some()
    }

    /// Stops all three.
    ///
    /// # Errors
    /// One does not stop.
    pub async fn stop(mut self) -> Result<()> {
        for node in &mut self.nodes {
            if let Some(server) = node.server.take() {
                server.stop().await?;
            }
        }
        Ok(())
    }
}

/// Another system's client: it knows all addresses and comes back by itself.
///
/// # Errors
/// No server lets it in.
pub async fn client(urls: &str) -> Result<async_nats::Client> {
    let urls: Vec<ServerAddr> = urls.split(',').map(str::parse).collect::<Result<_, _>>()?;
    until("a connection", PATIENCE, async || {
        let options = async_nats::ConnectOptions::new()
            .connection_timeout(Duration::from_secs(1))
            .request_timeout(Some(Duration::from_secs(3)))
            .ping_interval(Duration::from_secs(2));
        Ok(options.connect(&urls[..]).await.ok())
    })
    .await
}
