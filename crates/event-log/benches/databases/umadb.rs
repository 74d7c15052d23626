//! UmaDB under its own settings, over gRPC on loopback: one connection per client, no append condition.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use umadb_client::{AsyncUmaDbClient, UmaDbClient};
use umadb_dcb::{DcbEvent, DcbEventStoreAsync as _};
use uuid::Uuid;

use super::server::{Running, find};
use crate::common::Result;
use crate::common::contender::{Contender, Load, Run, deal, race};
use crate::common::sample::Request;

/// Names the directory with the program `umadb`.
const VARIABLE: &str = "TIENDO_BENCH_UMADB";

/// A server in a directory of its own since `begin`.
pub(crate) struct UmaDb {
    runtime: Rc<Runtime>,
    program: PathBuf,
    below: PathBuf,
    stores: usize,
    server: Option<Server>,
}

struct Server {
    data: PathBuf,
    address: String,
    clients: Vec<Arc<AsyncUmaDbClient>>,
    _running: Running,
}

impl UmaDb {
    /// `None` if there is none on this machine.
    pub(crate) fn find(runtime: &Rc<Runtime>, below: &Path) -> Option<UmaDb> {
        Some(UmaDb {
            runtime: Rc::clone(runtime),
            program: find("umadb", VARIABLE, &[])?,
            below: below.to_path_buf(),
            stores: 0,
            server: None,
        })
    }

    fn server(&mut self) -> Result<&mut Server> {
        Ok(self.server.as_mut().ok_or("UmaDB is not running")?)
    }
}

async fn connect(address: &str) -> Result<AsyncUmaDbClient> {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        match UmaDbClient::new(address.to_owned()).connect_async().await {
            Ok(client) => return Ok(client),
            Err(error) if Instant::now() > deadline => return Err(error.into()),
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

fn events(request: Request) -> Vec<DcbEvent> {
    let single = request.events.len() == 1;
    let events = request.events.into_iter().map(|event| DcbEvent {
        event_type: "progress.reported".to_owned(),
        tags: vec![event.subject],
        data: event.payload,
        // One id for one event is what UmaDB repeats a request by.
        uuid: single.then(|| Uuid::from_bytes(request.id)),
        metadata: Vec::new(),
    });
    events.collect()
}

impl Contender for UmaDb {
    fn name(&self) -> String {
        "UmaDB".into()
    }

    fn begin(&mut self) -> Result<()> {
        self.server = None;
        self.stores += 1;
        let data = self.below.join(format!("umadb-{}", self.stores));
        std::fs::create_dir(&data)?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let running = Command::new(&self.program)
            .arg("--listen")
            .arg(format!("127.0.0.1:{port}"))
            .arg("--db-path")
            .arg(&data)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(self.below.join("umadb.log"))?)
            .spawn()?;
        let address = format!("http://127.0.0.1:{port}");
        self.server = Some(Server {
            data,
            address: address.clone(),
            clients: Vec::new(),
            _running: Running {
                server: running,
                signal: "-KILL",
            },
        });
        self.runtime.block_on(connect(&address))?;
        Ok(())
    }

    fn append(&mut self, load: Load, requests: Vec<Request>) -> Result<Run> {
        let runtime = Rc::clone(&self.runtime);
        let server = self.server()?;
        while server.clients.len() < load.clients {
            let client = runtime.block_on(connect(&server.address))?;
            server.clients.push(Arc::new(client));
        }
        let requests = requests.into_iter().map(events).collect();
        let lanes = deal(requests, load.lanes());
        let lanes = lanes.into_iter().enumerate().map(|(lane, requests)| {
            let client = Arc::clone(&server.clients[lane % load.clients]);
            async move {
                for request in requests {
                    client.append(request, None, None).await?;
                }
                Ok(())
            }
        });
        let (_, elapsed) = race(&runtime, lanes.collect())?;
        Ok(Run {
            elapsed,
            commits: None,
        })
    }

    fn disk_bytes(&mut self) -> Result<Option<u64>> {
        // Its file grows in steps of 256 MiB, which says nothing about so few events.
        Ok(None)
    }

    fn end(&mut self) -> Result<()> {
        if let Some(server) = self.server.take() {
            let data = server.data.clone();
            drop(server);
            std::fs::remove_dir_all(data)?;
        }
        Ok(())
    }

    fn read_all(&mut self) -> Result<(u64, Duration)> {
        let runtime = Rc::clone(&self.runtime);
        let server = self.server()?;
        runtime.block_on(async {
            let client = connect(&server.address).await?;
            let start = Instant::now();
            let mut answer = client.read(None, None, false, None).await?;
            let (mut events, mut sum) = (0, 0);
            loop {
                let batch = answer.next_batch().await?;
                if batch.is_empty() {
                    break;
                }
                sum += batch.iter().map(|e| e.event.data.len()).sum::<usize>();
                events += batch.len() as u64;
            }
            std::hint::black_box(sum);
            Ok((events, start.elapsed()))
        })
    }
}
