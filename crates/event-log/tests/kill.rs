//! Killed at any moment: everything acknowledged is there, once, and every start succeeds.
//!
//! The test runs its own program again as a child that appends until it is killed.

#![expect(clippy::unwrap_used, reason = "a test panics")]

mod common;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use common::{ALL, event, id, open, request};

const CYCLES: u64 = 8;
const DIRECTORY: &str = "EVENT_LOG_KILL_DIRECTORY";
const CYCLE: &str = "EVENT_LOG_KILL_CYCLE";

fn numbered(number: u64) -> event_log::Append {
    let events = (0..1 + number % 3).map(|part| event("s", &format!("{number} {part}")));
    request(number, events.collect())
}

/// Does nothing unless the other test starts it as a child.
#[tokio::test]
#[expect(
    clippy::disallowed_methods,
    reason = "how the parent tells the child its directory"
)]
async fn child() {
    let (Ok(directory), Ok(cycle)) = (std::env::var(DIRECTORY), std::env::var(CYCLE)) else {
        return;
    };
    let log = open(Path::new(&directory));
    let cycle: u64 = cycle.parse().unwrap();
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..8_u64 {
        let log = log.clone();
        writers.spawn(async move {
            for step in 0..100_000 {
                let number = (cycle * 8 + writer) * 100_000 + step;
                let receipt = log.append(numbered(number)).await.unwrap();
                println!("\nack {number} {} .", receipt.first);
            }
        });
    }
    writers.join_all().await;
}

/// Runs the child until it has acknowledged `count` requests, kills it, and adds all it acknowledged.
fn run_and_kill(directory: &Path, cycle: u64, count: usize, acknowledged: &mut BTreeMap<u64, u64>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture"])
        .env(DIRECTORY, directory)
        .env(CYCLE, cycle.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut seen = 0;
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for line in lines.map_while(Result::ok) {
        let mut words = line.split(' ');
        // The full stop shows that the line was not cut by the kill.
        let (Some("ack"), Some(number), Some(first), Some(".")) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            continue;
        };
        let Ok(number) = number.parse() else { continue };
        acknowledged.insert(number, first.parse().unwrap());
        seen += 1;
        if seen == count {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    assert!(
        seen >= count,
        "the child ended by itself after {seen} acknowledgements"
    );
}

#[tokio::test]
async fn everything_acknowledged_survives_being_killed_again_and_again() {
    let directory = tempfile::tempdir().unwrap();
    let mut acknowledged = BTreeMap::new();
    for cycle in 0..CYCLES {
        run_and_kill(
            directory.path(),
            cycle,
            1 + cycle as usize * 37,
            &mut acknowledged,
        );
        let log = open(directory.path());
        let records = log.read(1, ALL).unwrap();
        assert!(
            records
                .iter()
                .map(|record| record.position)
                .eq(1..=log.head())
        );
        let verification = log.verify(|_| {}).unwrap();
        assert_eq!(
            (verification.events, verification.damages),
            (log.head(), vec![])
        );
        let mut firsts: BTreeMap<_, Vec<u64>> = BTreeMap::new();
        for record in &records {
            firsts
                .entry(record.request_id)
                .or_default()
                .push(record.position);
        }
        for (number, first) in &acknowledged {
            let length = 1 + number % 3;
            let found = &firsts[&id(*number)];
            assert!(
                found.iter().copied().eq(*first..*first + length),
                "request {number}: {found:?}"
            );
            let receipt = log.append(numbered(*number)).await.unwrap();
            assert_eq!((receipt.first, receipt.repeated), (*first, true));
        }
        log.close();
    }
}
