//! The answers of PostgreSQL: the same figures in an indexed table, and the newest of each series in a table of its own.
//!
//! It is given every advantage that keeps its answers right:
//! - only figures, places and sources; quotas, owners, statuses and the log's own order are left out
//! - `COPY` from a file of ready lines in the transaction that made the table, so that nothing goes through its own log
//!   (`wal_level=minimal`), with indexes built afterwards and the tables vacuumed for index-only scans
//! - one covering index that leads to a series' figure of any day known at any position, one that leads to all newest
//!   figures of an indicator
//! - everything fits into `shared_buffers`; no checkpoint comes between, `synchronous_commit` and `jit` are off
//! - statements are prepared once for each connection, over a Unix socket
//!
//! Who records waits for the disk (`synchronous_commit=on`, the default), puts each figure into both tables with one statement, and reads it by the index of its series.
//!
//! A rebuild is the `COPY`, the indexes, the table of newest figures and the vacuum; its lines are made beforehand.
//! Of a locality it tells the figures with their sources; we tell quotas, models, owners and the rest as well.
//! A roll-up is one statement for the whole country, as we are asked once for it.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{BufWriter, Write as _};
use std::ops::ControlFlow;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use domain::event::{Figure, Source};
use domain::text::Moment;
use domain::{Body, Event, IndicatorCode, Level, LocalityId};
use event_log::RecordRef;
use futures::SinkExt as _;
use jiff::civil::Date;
use tokio::io::AsyncReadExt as _;
use tokio_postgres::{Client, Row, Statement};
use wire::time::of_micros;

use super::question::{About, Answers, Plan, Question, chained};
use super::recorded::Records;
use crate::Failure;
use crate::cli::BenchQuery;
use crate::command::bench::{failed, open, say};
use crate::fail::{FAILED, NOT_FOUND};
use crate::output::Output;

#[path = "../../../../../event-log/benches/databases/server.rs"]
mod server;

/// Settings for two cores and some gigabytes of figures; `synchronous_commit` is of no use to what is only read.
const SETTINGS: [&str; 12] = [
    "shared_buffers=4GB",
    "effective_cache_size=12GB",
    "work_mem=256MB",
    "maintenance_work_mem=2GB",
    "wal_level=minimal",
    "max_wal_senders=0",
    "max_wal_size=16GB",
    "checkpoint_timeout=1h",
    "synchronous_commit=off",
    "autovacuum=off",
    "random_page_cost=1.1",
    "jit=off",
];
/// Bytes that are copied at once.
const COPY_BYTES: usize = 256 * 1024;

const TABLE: &str = "DROP TABLE IF EXISTS figure, newest;
    BEGIN;
    CREATE TABLE figure (position bigint NOT NULL, known timestamptz NOT NULL, effective date NOT NULL, place int NOT NULL,
        indicator smallint NOT NULL, value bigint, of bigint, source int NOT NULL, corrects bigint);";
const COPY: &str = "COPY figure FROM STDIN (FORMAT csv)";
const INDEXES: &str = "CREATE INDEX figure_of_series ON figure (place, indicator, effective DESC, position DESC)
        INCLUDE (value, of, source);
    CREATE TABLE newest AS SELECT DISTINCT ON (place, indicator) place, indicator, effective, position, value, of, source
        FROM figure ORDER BY place, indicator, effective DESC, position DESC;
    ALTER TABLE newest ADD PRIMARY KEY (place, indicator);
    CREATE INDEX newest_of_indicator ON newest (indicator, place) INCLUDE (value, of);
    COMMIT";
const VACUUM: &str = "VACUUM ANALYZE";
const PLACES: &str = "CREATE TABLE place (id int PRIMARY KEY, code text NOT NULL, name text NOT NULL, province text NOT NULL,
        is_commune boolean NOT NULL);
    CREATE TABLE indicator (id smallint PRIMARY KEY, code text NOT NULL);
    CREATE TABLE source (id int PRIMARY KEY, title text NOT NULL, url text NOT NULL)";
const PLACES_INDEX: &str = "CREATE INDEX place_in_province ON place (province) WHERE is_commune";

/// The statements, in the order of [`Question::ALL`].
const STATEMENTS: [&str; 8] = [
    "SELECT value FROM newest WHERE place = $1 AND indicator = $2",
    "SELECT value FROM figure
        WHERE place = $1 AND indicator = $2 AND effective <= $3::text::date AND position <= $4
        ORDER BY effective DESC, position DESC LIMIT 1",
    "SELECT value, of, effective::text, position, indicator, title, url
        FROM newest JOIN source ON source.id = source WHERE place = $1",
    "SELECT value, of, effective::text, position, indicator.id, title, url
        FROM indicator CROSS JOIN LATERAL (SELECT * FROM figure
            WHERE place = $1 AND figure.indicator = indicator.id AND effective <= $2::text::date AND position <= $3
            ORDER BY effective DESC, position DESC LIMIT 1) AS held
        JOIN source ON source.id = held.source",
    "SELECT rank() OVER (ORDER BY share DESC), code, share, name, value, of, position
        FROM (SELECT code, name, value, of, position, (value * 20000 + of) / (2 * of) AS share
            FROM newest JOIN place ON place.id = place WHERE indicator = $1 AND is_commune) AS shares
        ORDER BY share DESC, code LIMIT 100",
    "SELECT rank() OVER (ORDER BY share DESC), code, share, name, value, of, position
        FROM (SELECT code, name, value, of, position, (value * 20000 + of) / (2 * of) AS share
            FROM newest JOIN place ON place.id = place WHERE indicator = $1 AND is_commune) AS shares
        ORDER BY share DESC, code",
    "SELECT province, sum(value)::bigint FROM newest JOIN place ON place.id = place
        WHERE indicator = $1 AND is_commune GROUP BY province",
    "SELECT sum(before.value)::bigint, sum(newest.value)::bigint, sum(put_right.value)::bigint
        FROM place
        LEFT JOIN LATERAL (SELECT value FROM figure
            WHERE place = place.id AND indicator = $2 AND effective <= $3::text::date AND position <= $4
            ORDER BY effective DESC, position DESC LIMIT 1) AS before ON true
        LEFT JOIN LATERAL (SELECT value FROM figure
            WHERE place = place.id AND indicator = $2 AND effective <= $3::text::date
            ORDER BY effective DESC, position DESC LIMIT 1) AS put_right ON true
        LEFT JOIN newest ON newest.place = place.id AND newest.indicator = $2
        WHERE province = $1 AND is_commune",
];

/// A new figure, in both tables.
const INSERT: &str = "WITH told AS (
        INSERT INTO figure VALUES ($1, now(), $2::text::date, $3, $4, $5, NULL, 0, NULL) RETURNING *)
    INSERT INTO newest SELECT place, indicator, effective, position, value, of, source FROM told
        ON CONFLICT (place, indicator) DO UPDATE SET effective = excluded.effective, position = excluded.position,
            value = excluded.value, of = excluded.of, source = excluded.source
        WHERE (newest.effective, newest.position) < (excluded.effective, excluded.position)";
/// Positions of new figures begin beyond those of any log.
const NEW_FIRST: i64 = 1 << 48;

/// A server with the figures of a log.
pub(super) struct Peer {
    // Ended before its directory is removed.
    server: server::Postgres,
    _below: tempfile::TempDir,
    name: String,
    ids: Arc<Ids>,
}

/// What the tables call places and indicators.
#[derive(Default)]
struct Ids {
    /// Places that report, by code.
    places: HashMap<String, i32>,
    indicators: HashMap<IndicatorCode, i16>,
}

impl Ids {
    /// A place and an indicator that report; nobody's where they do not.
    fn series(&self, place: &str, indicator: &str) -> (i32, i16) {
        let indicator: Option<IndicatorCode> = indicator.parse().ok();
        let indicator = indicator.and_then(|code| self.indicators.get(&code));
        let place = self.places.get(place);
        (
            place.copied().unwrap_or(-1),
            indicator.copied().unwrap_or(-1),
        )
    }
}

impl Peer {
    /// Starts a server, and builds the tables in every round; gives how many figures a second that took.
    pub(super) async fn build(
        directory: &Path,
        options: &BenchQuery,
        output: Output,
    ) -> Result<(Self, Vec<f64>), Failure> {
        use std::os::unix::fs::PermissionsExt as _;
        // The server runs under a name of its own, which has to get there.
        let permissions = std::fs::Permissions::from_mode(0o755);
        let below = tempfile::Builder::new()
            .prefix("tiendo-bench-")
            .permissions(permissions)
            .tempdir()?;
        let lines = below.path().join("figures.csv");
        let export = Export::read(directory, &options.load.ledger, &lines)?;
        let started = server::Postgres::start(below.path(), &SETTINGS).await;
        let server = started.map_err(refused)?.ok_or_else(|| {
            Failure::new(
                NOT_FOUND,
                "there is no `initdb` and `postgres` on this machine",
            )
        })?;
        let client = server.connect("").await.map_err(refused)?;
        export.tell_places(&client).await?;
        let mut rounds = Vec::with_capacity(options.rounds);
        for _ in 0..options.rounds {
            say(
                output,
                "PostgreSQL đang dựng lại",
                "PostgreSQL is rebuilding",
            );
            let begun = Instant::now();
            rebuild(&client, &lines).await?;
            rounds.push(export.figures as f64 / begun.elapsed().as_secs_f64());
        }
        let major = server
            .version()
            .split_whitespace()
            .nth(2)
            .unwrap_or_default();
        let major = major.split('.').next().unwrap_or_default();
        let peer = Self {
            name: format!("PostgreSQL {major}"),
            server,
            _below: below,
            ids: Arc::new(export.ids),
        };
        Ok((peer, rounds))
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// A client that records, and whose commits wait for the disk as they do by default.
    pub(super) async fn recorder(&self, plan: &Arc<Plan>) -> Result<Recorder, Failure> {
        let durable = "-c synchronous_commit=on";
        let connected = self.connect_with(durable, plan).await?;
        let insert = connected.client.prepare(INSERT).await.map_err(failed)?;
        Ok(Recorder { connected, insert })
    }

    /// A client with a connection of its own.
    pub(super) async fn connect(&self, plan: &Arc<Plan>) -> Result<Connected, Failure> {
        self.connect_with("", plan).await
    }

    async fn connect_with(&self, options: &str, plan: &Arc<Plan>) -> Result<Connected, Failure> {
        let client = self.server.connect(options).await.map_err(refused)?;
        let mut statements = Vec::with_capacity(STATEMENTS.len());
        for statement in STATEMENTS {
            statements.push(client.prepare(statement).await.map_err(failed)?);
        }
        Ok(Connected {
            client: Arc::new(client),
            statements: Arc::new(statements),
            plan: Arc::clone(plan),
            ids: Arc::clone(&self.ids),
        })
    }
}

fn refused(error: Box<dyn std::error::Error + Send + Sync>) -> Failure {
    Failure::caused(FAILED, &*error)
}

async fn rebuild(client: &Client, lines: &Path) -> Result<(), Failure> {
    client.batch_execute(TABLE).await.map_err(failed)?;
    let copy = client.copy_in::<_, Bytes>(COPY).await.map_err(failed)?;
    let mut copy = pin!(copy);
    let mut lines = tokio::fs::File::open(lines).await?;
    loop {
        let mut part = Vec::with_capacity(COPY_BYTES);
        if (&mut lines)
            .take(COPY_BYTES as u64)
            .read_to_end(&mut part)
            .await?
            == 0
        {
            break;
        }
        copy.send(part.into()).await.map_err(failed)?;
    }
    copy.finish().await.map_err(failed)?;
    client.batch_execute(INDEXES).await.map_err(failed)?;
    client.batch_execute(VACUUM).await.map_err(failed)
}

/// What is taken out of a log.
#[derive(Default)]
struct Export {
    ids: Ids,
    /// Names and parents; the index is the id.
    places: Vec<(LocalityId, String, Option<LocalityId>)>,
    by_locality: HashMap<LocalityId, i32>,
    sources: HashMap<Source, i32>,
    figures: u64,
}

impl Export {
    /// Writes the figures of a log as lines to copy.
    fn read(directory: &Path, ledger: &str, lines: &Path) -> Result<Self, Failure> {
        let log = open(directory, ledger, Arc::new(|| 0))?;
        let mut export = Self::default();
        let mut out = BufWriter::new(std::fs::File::create(lines)?);
        let mut line = String::new();
        let mut stopped = None;
        let mut each = |record: RecordRef<'_>| {
            let taken = wire::event::decode_logged(record.payload)
                .map_err(|why| Failure::new(FAILED, why))
                .and_then(|event| {
                    line.clear();
                    export.take(record.position, record.known_micros, &event, &mut line);
                    Ok(out.write_all(line.as_bytes())?)
                });
            match taken {
                Ok(()) => ControlFlow::Continue(()),
                Err(failure) => {
                    stopped = Some(failure);
                    ControlFlow::Break(())
                }
            }
        };
        log.scan(1, u64::MAX, &mut |_| true, &mut each)
            .map_err(failed)?;
        log.close();
        out.flush()?;
        stopped.map_or(Ok(export), Err)
    }

    fn take(&mut self, position: u64, known_micros: i64, event: &Event, line: &mut String) {
        let day = event.effective.date();
        // What an earlier measurement recorded speaks of an hour (see `recorded`), which a table of days cannot tell.
        let is_of_load = event.effective == Moment::end_of(day);
        match &event.body {
            Body::LocalityRegistered(one) => {
                let told = (one.locality, one.name.vi.clone(), one.parent);
                if let Some(id) = self.by_locality.get(&one.locality) {
                    self.places[*id as usize] = told;
                } else {
                    self.by_locality
                        .insert(one.locality, self.places.len() as i32);
                    self.places.push(told);
                }
            }
            Body::IndicatorDefined(one) => {
                let id = self.ids.indicators.len() as i16;
                self.ids
                    .indicators
                    .entry(one.indicator.clone())
                    .or_insert(id);
            }
            Body::ProgressReported(one) if is_of_load => {
                let series = self.series(one.locality, &one.indicator);
                self.figure(
                    (position, known_micros, day),
                    series,
                    &one.figure,
                    None,
                    line,
                );
            }
            Body::ProgressCorrected(one) if is_of_load => {
                let series = self.series(one.locality, &one.indicator);
                let corrects = Some(one.corrects);
                self.figure(
                    (position, known_micros, day),
                    series,
                    &one.figure,
                    corrects,
                    line,
                );
            }
            _ => {}
        }
    }

    fn series(&mut self, locality: LocalityId, indicator: &IndicatorCode) -> (i32, i16) {
        let place = self.by_locality.get(&locality).copied().unwrap_or(-1);
        self.ids
            .places
            .entry(locality.code.to_string())
            .or_insert(place);
        (
            place,
            self.ids.indicators.get(indicator).copied().unwrap_or(-1),
        )
    }

    fn figure(
        &mut self,
        (position, known_micros, day): (u64, i64, Date),
        (place, indicator): (i32, i16),
        figure: &Figure,
        corrects: Option<u64>,
        line: &mut String,
    ) {
        self.figures += 1;
        let source = match self.sources.get(&figure.source) {
            Some(id) => *id,
            None => {
                let id = self.sources.len() as i32;
                self.sources.insert(figure.source.clone(), id);
                id
            }
        };
        let known = of_micros(known_micros);
        let told = |count: Option<u64>| count.map_or_else(String::new, |count| count.to_string());
        let value = told(figure.value.as_ref().map(|value| value.value));
        let of = told(figure.denominator.as_ref().map(|of| of.value));
        let corrects = told(corrects);
        // Writing to a text cannot fail.
        let _ = writeln!(
            line,
            "{position},{known},{day},{place},{indicator},{value},{of},{source},{corrects}"
        );
    }

    /// Everything but the figures.
    async fn tell_places(&self, client: &Client) -> Result<(), Failure> {
        client.batch_execute(PLACES).await.map_err(failed)?;
        let insert = "INSERT INTO place VALUES ($1, $2, $3, $4, $5)";
        let insert = client.prepare(insert).await.map_err(failed)?;
        client.batch_execute("BEGIN").await.map_err(failed)?;
        for (id, (locality, name, _)) in (0..).zip(&self.places) {
            let (id, code): (i32, _) = (id, locality.code.to_string());
            let is_commune = locality.code.level() == Level::Commune;
            let province = self.province(*locality);
            let row: [&(dyn tokio_postgres::types::ToSql + Sync); 5] =
                [&id, &code, name, &province, &is_commune];
            client.execute(&insert, &row).await.map_err(failed)?;
        }
        for (code, id) in &self.ids.indicators {
            let insert = "INSERT INTO indicator VALUES ($1, $2)";
            let inserted = client.execute(insert, &[id, &code.as_str()]).await;
            inserted.map_err(failed)?;
        }
        let insert = "INSERT INTO source VALUES ($1, $2, $3)";
        let insert = client.prepare(insert).await.map_err(failed)?;
        for (source, id) in &self.sources {
            let inserted = client
                .execute(&insert, &[id, &source.title, &source.url])
                .await;
            inserted.map_err(failed)?;
        }
        client.batch_execute("COMMIT").await.map_err(failed)?;
        client.batch_execute(PLACES_INDEX).await.map_err(failed)
    }

    /// The code of the province that a place lies in.
    fn province(&self, locality: LocalityId) -> String {
        let mut top = locality;
        let parent_of = |id: &LocalityId| {
            let place = self.by_locality.get(id)?;
            self.places[*place as usize].2
        };
        while let Some(parent) = parent_of(&top).filter(|parent| parent.code < top.code) {
            top = parent;
        }
        top.code.to_string()
    }
}

/// A client with its prepared statements.
#[derive(Clone)]
pub(super) struct Connected {
    client: Arc<Client>,
    statements: Arc<Vec<Statement>>,
    plan: Arc<Plan>,
    ids: Arc<Ids>,
}

type Answered<T> = Result<T, tokio_postgres::Error>;

impl Connected {
    async fn rows(&self, question: Question, n: u64) -> Answered<Vec<Row>> {
        let About {
            commune,
            province,
            indicator,
            day,
            known_then,
            known,
        } = self.plan.about(n);
        let (place, indicator) = self.ids.series(commune, indicator);
        let (day, then, known) = (day.to_string(), known_then as i64, known as i64);
        let statement = &self.statements[question as usize];
        let client = &self.client;
        match question {
            Question::Figure => client.query(statement, &[&place, &indicator]).await,
            Question::FigureAsOf => {
                client
                    .query(statement, &[&place, &indicator, &day, &known])
                    .await
            }
            Question::Locality => client.query(statement, &[&place]).await,
            Question::LocalityAsOf => client.query(statement, &[&place, &day, &known]).await,
            Question::Ranking | Question::RankingWhole | Question::RollUp => {
                client.query(statement, &[&indicator]).await
            }
            Question::Diff => {
                client
                    .query(statement, &[&province, &indicator, &day, &then])
                    .await
            }
        }
    }

    fn told(&self, question: Question, rows: &[Row]) -> Answered<u64> {
        let count =
            |row: &Row, at: usize| row.try_get(at).map(|count: Option<i64>| count.unwrap_or(0));
        match question {
            Question::Figure
            | Question::FigureAsOf
            | Question::Locality
            | Question::LocalityAsOf => {
                let counts = rows.iter().map(|row| count(row, 0));
                let counts = counts.collect::<Answered<Vec<i64>>>()?;
                Ok(counts.iter().map(|count| count.cast_unsigned() + 1).sum())
            }
            Question::Ranking | Question::RankingWhole => {
                let mut ranked = Vec::with_capacity(rows.len() * 3);
                for row in rows {
                    let code: &str = row.try_get(1)?;
                    let [rank, share] = [count(row, 0)?, count(row, 2)?].map(i64::cast_unsigned);
                    ranked.extend([rank, code.parse().unwrap_or_default(), share]);
                }
                Ok(chained(ranked))
            }
            Question::RollUp => {
                let mut sums = HashMap::new();
                for row in rows {
                    let province: &str = row.try_get(0)?;
                    sums.insert(province, count(row, 1)?.cast_unsigned());
                }
                let of = |province: &String| sums.get(province.as_str()).copied().unwrap_or(0);
                Ok(chained(self.plan.provinces.iter().map(of)))
            }
            Question::Diff => {
                let Some(row) = rows.first() else {
                    return Ok(0);
                };
                let (from, to, right) = (count(row, 0)?, count(row, 1)?, count(row, 2)?);
                let terms = [from, to, right - from, to - right];
                Ok(chained(terms.map(i64::cast_unsigned)))
            }
        }
    }
}

/// A client that records.
pub(super) struct Recorder {
    connected: Connected,
    insert: Statement,
}

impl Recorder {
    async fn insert_and_select(&self, n: u64) -> Answered<([Duration; 2], Option<i64>)> {
        let Connected {
            client, plan, ids, ..
        } = &self.connected;
        let fresh = plan.fresh(n);
        let (place, indicator) = ids.series(fresh.commune, fresh.indicator);
        let (position, day) = (NEW_FIRST + n as i64, fresh.moment.date().to_string());
        let count = fresh.count.cast_signed();
        let begun = Instant::now();
        let row: [&(dyn tokio_postgres::types::ToSql + Sync); 5] =
            [&position, &day, &place, &indicator, &count];
        client.execute(&self.insert, &row).await?;
        let writing = begun.elapsed();
        let begun = Instant::now();
        let select = &self.connected.statements[Question::FigureAsOf as usize];
        let row = client
            .query_one(select, &[&place, &indicator, &day, &position])
            .await?;
        let found = row.try_get(0)?;
        Ok(([writing, begun.elapsed()], found))
    }
}

impl Records for Recorder {
    async fn record_and_read(&mut self, n: u64) -> Result<[Duration; 2], Failure> {
        let (took, found) = self.insert_and_select(n).await.map_err(failed)?;
        let count = self.connected.plan.fresh(n).count.cast_signed();
        if found == Some(count) {
            return Ok(took);
        }
        let text = format!("PostgreSQL was told {count} and reads {found:?}");
        Err(Failure::new(FAILED, text))
    }
}

impl Answers for Connected {
    async fn answer(&mut self, question: Question, n: u64) -> Result<u64, Failure> {
        let rows = self.rows(question, n).await.map_err(failed)?;
        self.told(question, &rows).map_err(failed)
    }
}
