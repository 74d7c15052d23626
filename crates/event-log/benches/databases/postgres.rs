//! PostgreSQL under its own settings, over a Unix socket: one connection per client, statements prepared once.
//!
//! A single event is one `INSERT`, a batch is one `INSERT … SELECT` from `unnest`, each a transaction of its own.
//! Positions come from an identity column, which leaves gaps when a transaction fails and shows events out of order
//! while another is under way; or from a counter row that the same statement updates, which is what a log needs.

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tokio_postgres::{Client, Statement};
use uuid::Uuid;

use super::server::Postgres as Server;
use crate::common::Result;
use crate::common::contender::{Contender, Load, Run, deal, race};
use crate::common::sample::Request;

/// Rows asked for at once while reading.
const FETCH: &str = "FETCH 10000 FROM events_in_order";

/// Where positions come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Positions {
    /// An identity column.
    Sequence,
    /// A counter row in the same transaction.
    Gapless,
}

/// A table in the server.
pub(crate) struct Postgres {
    pub(crate) runtime: Rc<Runtime>,
    pub(crate) server: Rc<Server>,
    pub(crate) positions: Positions,
    pub(crate) clients: Vec<Connected>,
}

/// A client's connection and what it prepared.
#[derive(Clone)]
pub(crate) struct Connected {
    client: Arc<Client>,
    single: Statement,
    batch: Statement,
}

impl Positions {
    fn search_path(self) -> &'static str {
        match self {
            Positions::Sequence => "-c search_path=sequence",
            Positions::Gapless => "-c search_path=gapless",
        }
    }

    fn tables(self) -> &'static str {
        match self {
            Positions::Sequence => {
                "DROP SCHEMA IF EXISTS sequence CASCADE;
                 CREATE SCHEMA sequence;
                 CREATE TABLE events (position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, request_id uuid NOT NULL,
                     subject text NOT NULL, payload bytea NOT NULL, known timestamptz NOT NULL)"
            }
            Positions::Gapless => {
                "DROP SCHEMA IF EXISTS gapless CASCADE;
                 CREATE SCHEMA gapless;
                 CREATE TABLE head (position bigint NOT NULL);
                 INSERT INTO head VALUES (0);
                 CREATE TABLE events (position bigint PRIMARY KEY, request_id uuid NOT NULL,
                     subject text NOT NULL, payload bytea NOT NULL, known timestamptz NOT NULL)"
            }
        }
    }

    fn single(self) -> &'static str {
        match self {
            Positions::Sequence => {
                "INSERT INTO events (request_id, subject, payload, known) VALUES ($1, $2, $3, now()) RETURNING position"
            }
            Positions::Gapless => {
                "WITH next AS (UPDATE head SET position = position + 1 RETURNING position)
                 INSERT INTO events SELECT position, $1::uuid, $2::text, $3::bytea, now() FROM next RETURNING position"
            }
        }
    }

    fn batch(self) -> &'static str {
        match self {
            Positions::Sequence => {
                "INSERT INTO events (request_id, subject, payload, known)
                 SELECT $1::uuid, event.*, now() FROM unnest($2::text[], $3::bytea[]) AS event"
            }
            Positions::Gapless => {
                "WITH next AS (UPDATE head SET position = position + cardinality($2::text[]) RETURNING position)
                 INSERT INTO events
                 SELECT next.position - cardinality($2::text[]) + event.ordinality, $1::uuid, event.subject, event.payload, now()
                 FROM next, unnest($2::text[], $3::bytea[]) WITH ORDINALITY AS event (subject, payload, ordinality)"
            }
        }
    }
}

impl Connected {
    async fn append(&self, request: Request) -> Result<()> {
        let id = Uuid::from_bytes(request.id);
        let (subjects, payloads): (Vec<String>, Vec<Vec<u8>>) = request
            .events
            .into_iter()
            .map(|event| (event.subject, event.payload))
            .unzip();
        if let ([subject], [payload]) = (&subjects[..], &payloads[..]) {
            self.client
                .query_one(&self.single, &[&id, subject, payload])
                .await?;
        } else {
            self.client
                .execute(&self.batch, &[&id, &subjects, &payloads])
                .await?;
        }
        Ok(())
    }
}

impl Contender for Postgres {
    fn name(&self) -> String {
        let version = self.server.version();
        let version = version
            .split_whitespace()
            .nth(2)
            .and_then(|version| version.split('.').next());
        let name = format!("PostgreSQL {}", version.unwrap_or_default());
        match self.positions {
            Positions::Sequence => name,
            Positions::Gapless => format!("{name}, gapless"),
        }
    }

    fn begin(&mut self) -> Result<()> {
        self.clients.clear();
        self.runtime.block_on(async {
            let client = self.server.connect(self.positions.search_path()).await?;
            Ok(client.batch_execute(self.positions.tables()).await?)
        })
    }

    fn append(&mut self, load: Load, requests: Vec<Request>) -> Result<Run> {
        self.runtime.block_on(async {
            while self.clients.len() < load.clients {
                let client = self.server.connect(self.positions.search_path()).await?;
                self.clients.push(Connected {
                    single: client.prepare(self.positions.single()).await?,
                    batch: client.prepare(self.positions.batch()).await?,
                    client: Arc::new(client),
                });
            }
            Result::Ok(())
        })?;
        let lanes = deal(requests, load.lanes());
        let lanes = lanes.into_iter().enumerate().map(|(lane, requests)| {
            let client = self.clients[lane % load.clients].clone();
            async move {
                for request in requests {
                    client.append(request).await?;
                }
                Ok(())
            }
        });
        let (_, elapsed) = race(&self.runtime, lanes.collect())?;
        Ok(Run {
            elapsed,
            commits: None,
        })
    }

    fn disk_bytes(&mut self) -> Result<Option<u64>> {
        self.runtime.block_on(async {
            let client = self.server.connect(self.positions.search_path()).await?;
            let row = client
                .query_one("SELECT pg_total_relation_size('events')", &[])
                .await?;
            Ok(Some(row.get::<_, i64>(0) as u64))
        })
    }

    fn end(&mut self) -> Result<()> {
        self.clients.clear();
        Ok(())
    }

    fn read_all(&mut self) -> Result<(u64, Duration)> {
        self.runtime.block_on(async {
            let client = self.server.connect(self.positions.search_path()).await?;
            let start = Instant::now();
            client
                .batch_execute(
                    "BEGIN READ ONLY; DECLARE events_in_order NO SCROLL CURSOR FOR
                     SELECT position, request_id, subject, payload, known FROM events ORDER BY position",
                )
                .await?;
            let fetch = client.prepare(FETCH).await?;
            let (mut events, mut sum) = (0, 0);
            loop {
                let rows = client.query(&fetch, &[]).await?;
                if rows.is_empty() {
                    break;
                }
                for row in &rows {
                    sum += row.get::<_, &[u8]>("payload").len();
                }
                events += rows.len() as u64;
            }
            std::hint::black_box(sum);
            Ok((events, start.elapsed()))
        })
    }
}
