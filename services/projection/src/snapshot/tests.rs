//! What a start takes from the disk, and what it does not.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use bus::BoxError;
use domain::text::Moment;
use event_log::Blocks;
use host::ManualClock;
use jiff::Timestamp;
use jiff::civil::date;
use prost::Message as _;
use state::State;
use wire::log_reader::LogReader;

use super::Keeper;
use super::keeper::{Believe, History, believe};
use super::store::{Error, Header, Origin, Store};
use crate::answer;
use crate::shared::Shared;
use crate::tests::{KNOWN, Ledger, place};

const LEDGER: &str = "khanh-hoa";

/// The root of a log that was never forked.
fn root(position: u64) -> String {
    format!("{position:064x}")
}

/// What tells of a log which it is.
struct Log {
    /// Its last position; without a number it cannot be asked.
    head: Option<u64>,
    root: fn(u64) -> String,
    known: &'static str,
}

impl Log {
    /// The one that the tests' ledgers are folded from.
    fn of(head: u64) -> Self {
        Self {
            head: Some(head),
            root,
            known: KNOWN,
        }
    }

    fn reached<T>(&self, position: u64, found: T) -> Result<Option<T>, BoxError> {
        let head = self.head.ok_or("it is down")?;
        Ok((position <= head).then_some(found))
    }
}

impl History for Log {
    async fn root(&self, position: u64) -> Result<Option<String>, BoxError> {
        self.reached(position, (self.root)(position))
    }

    async fn known(&self, position: u64) -> Result<Option<Timestamp>, BoxError> {
        self.reached(position, self.known.parse()?)
    }
}

/// A keeper whose own log is nowhere.
fn keeper(directory: &Path, ledger: &str) -> Keeper {
    let log = LogReader::new("http://127.0.0.1:9").unwrap();
    Keeper::open(directory, ledger.to_owned(), log, 0).unwrap()
}

/// A state that is served.
fn serving(state: State) -> Arc<Shared> {
    let clock = ManualClock::new(KNOWN.parse().unwrap());
    let shared = Shared::new(Arc::new(clock), 0);
    shared.replace(state);
    Arc::new(shared)
}

/// Lets a keeper take a snapshot and waits for its end; what is in the directory then.
async fn taken(
    keeper: &mut Keeper,
    shared: &Arc<Shared>,
    log: &Log,
    directory: &Path,
) -> Vec<String> {
    keeper.take(shared, log).await;
    keeper.finished().await;
    listed(directory)
}

fn ledger_of(figures: u64) -> Ledger {
    let mut ledger = Ledger::new();
    for count in 1..=figures {
        ledger.count("2023-07-10", 100 * count, &[]);
    }
    ledger
}

/// Takes a snapshot; its position.
fn take(store: &Arc<Store>, state: &State) -> u64 {
    let origin = Origin {
        ledger: LEDGER.to_owned(),
        root: root(state.position()),
    };
    let written = store.write(state, origin).unwrap();
    written.finish().unwrap().position
}

fn open(directory: &Path) -> Arc<Store> {
    Arc::new(Store::open(directory).unwrap())
}

/// The position that a start in the directory begins with, if the log has so many events; 0 without a snapshot.
async fn starts_at(directory: &Path, ledger: &str, head: u64) -> u64 {
    let state = keeper(directory, ledger)
        .newest_of(0, &Log::of(head), believe)
        .await;
    let state = state.unwrap();
    state.map_or(0, |state| state.position())
}

fn listed(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| name != "lock").collect();
    names.sort();
    names
}

/// All that is answered of Nha Trang and its province at every position, byte for byte.
fn answers(state: &State) -> Vec<Vec<u8>> {
    let positions = 1..=state.position();
    let of = |position| {
        let reading = state.at(Moment::end_of(date(2023, 7, 31)), position);
        ["56", "568"].map(|code| {
            let answer = answer::locality(state, &reading, place(code));
            answer.unwrap_or_default().encode_to_vec()
        })
    };
    positions.flat_map(of).collect()
}

#[test]
fn a_start_from_a_snapshot_answers_as_one_without() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let mut ledger = ledger_of(40);
    let position = take(&store, &ledger.state);
    let root = root(position);
    let (header, state) = believe(&store, position, LEDGER, Some(&root)).unwrap();
    assert_eq!(header.known, ledger.state.known());
    let mut started = Ledger { state };
    for ledger in [&mut ledger, &mut started] {
        ledger.count("2023-07-09", 7, &[]);
    }
    assert_eq!(started.state.digest(), ledger.state.digest());
    let answers = [answers(&started.state), answers(&ledger.state)];
    assert!(answers[0] == answers[1] && answers[0].iter().any(|answer| answer.len() > 100));
}

#[tokio::test]
async fn two_snapshots_are_kept_and_the_newest_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let positions = [1, 2, 3].map(|figures| take(&store, &ledger_of(figures).state));
    assert_eq!(store.positions().unwrap(), [positions[2], positions[1]]);
    drop(store);
    assert_eq!(starts_at(folder.path(), LEDGER, 1_000).await, positions[2]);
}

#[tokio::test]
async fn what_a_kill_left_half_written_is_never_taken() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let older = take(&store, &ledger_of(1).state);
    let newer = ledger_of(2).state;
    let origin = Origin {
        ledger: LEDGER.to_owned(),
        root: root(newer.position()),
    };
    // Killed before it has its name.
    drop(store.write(&newer, origin).unwrap());
    assert!(listed(folder.path()).contains(&"snapshot.new".to_owned()));
    drop(store);
    assert_eq!(starts_at(folder.path(), LEDGER, 1_000).await, older);
    assert_eq!(listed(folder.path()), [format!("snapshot-{older:020}")]);
    // And one with a name but without a header, as no kill leaves it.
    let headless = folder.path().join(format!("snapshot-{:020}", older + 9));
    let blocks = Blocks::create(&headless).unwrap();
    blocks.insert(&[(1, vec![1; 1_000])]).unwrap();
    blocks.finish().unwrap();
    assert_eq!(starts_at(folder.path(), LEDGER, 1_000).await, older);
    let aside = format!("aside-{:020}", older + 9);
    assert_eq!(
        listed(folder.path()),
        [aside, format!("snapshot-{older:020}")]
    );
    // The next snapshot takes away what was put aside.
    let next = take(&open(folder.path()), &ledger_of(3).state);
    let kept = [older, next].map(|position| format!("snapshot-{position:020}"));
    assert_eq!(listed(folder.path()), kept);
}

/// Changes a block of a snapshot behind the back of whoever wrote it.
fn change(directory: &Path, position: u64, block: u64, change: impl FnOnce(&mut Vec<u8>)) {
    let blocks = Blocks::open(&directory.join(format!("snapshot-{position:020}"))).unwrap();
    let mut bytes = blocks.get(block).unwrap().unwrap();
    change(&mut bytes);
    blocks.insert(&[(block, bytes)]).unwrap();
    blocks.finish().unwrap();
}

fn change_header(directory: &Path, position: u64, alter: impl FnOnce(&mut Header)) {
    change(directory, position, 0, |bytes| {
        let mut header: Header = serde_json::from_slice(bytes).unwrap();
        alter(&mut header);
        *bytes = serde_json::to_vec(&header).unwrap();
    });
}

/// Why a snapshot is not believed.
fn refusal(store: &Store, position: u64, ledger: &str, root: Option<&str>) -> &'static str {
    let error: Error = believe(store, position, ledger, root).unwrap_err();
    error.reason()
}

#[test]
fn each_reason_not_to_believe_a_snapshot_has_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let position = take(&store, &ledger_of(3).state);
    let (right, forked) = (root(position), root(7_777));
    let of_log = |root| refusal(&store, position, LEDGER, root);
    // The log was restored from a backup that is older, or goes on otherwise than it did.
    assert_eq!(of_log(None), "SNAPSHOT_AHEAD");
    assert_eq!(of_log(Some(&forked)), "SNAPSHOT_FORKED");
    let other = refusal(&store, position, "dak-lak", Some(&right));
    assert_eq!(other, "SNAPSHOT_OTHER_LEDGER");

    let changed = |alter: &dyn Fn(&mut Header)| {
        let position = take(&store, &ledger_of(3).state);
        change_header(folder.path(), position, alter);
        refusal(&store, position, LEDGER, Some(&right))
    };
    let fold = changed(&|header| header.fold = "tiendo-fold-0".to_owned());
    assert_eq!(fold, "SNAPSHOT_FOLD_VERSION");
    assert_eq!(changed(&|header| header.position += 1), "SNAPSHOT_DAMAGED");
    assert_eq!(changed(&|header| header.known = None), "SNAPSHOT_DAMAGED");
    assert_eq!(changed(&|header| header.bytes += 1), "SNAPSHOT_DAMAGED");
    assert_eq!(changed(&|header| header.bytes -= 1), "SNAPSHOT_DAMAGED");

    let position = take(&store, &ledger_of(3).state);
    change(folder.path(), position, 1, |bytes| {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
    });
    assert_eq!(of_log(Some(&right)), "SNAPSHOT_DAMAGED");
}

#[tokio::test]
async fn a_flipped_bit_on_the_disk_is_put_aside_and_the_older_snapshot_taken() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let older = take(&store, &ledger_of(30).state);
    let newer = take(&store, &ledger_of(60).state);
    drop(store);
    let file = folder.path().join(format!("snapshot-{newer:020}/db"));
    let mut bytes = fs::read(&file).unwrap();
    let text = "Thành phố Nha Trang".as_bytes();
    let found: Vec<_> = (0..bytes.len())
        .filter(|at| bytes[*at..].starts_with(text))
        .collect();
    assert!(!found.is_empty());
    for at in found {
        bytes[at] ^= 1;
    }
    fs::write(&file, bytes).unwrap();
    assert_eq!(starts_at(folder.path(), LEDGER, 1_000).await, older);
    let names = [
        format!("aside-{newer:020}"),
        format!("snapshot-{older:020}"),
    ];
    assert_eq!(listed(folder.path()), names);
}

#[tokio::test]
async fn a_snapshot_of_another_log_is_put_aside_and_position_1_comes_next() {
    let folder = tempfile::tempdir().unwrap();
    let position = take(&open(folder.path()), &ledger_of(3).state);
    assert_eq!(starts_at(folder.path(), LEDGER, position - 1).await, 0);
    assert_eq!(listed(folder.path()), [format!("aside-{position:020}")]);
}

#[tokio::test]
async fn a_snapshot_of_a_log_that_went_on_otherwise_is_put_aside() {
    let folder = tempfile::tempdir().unwrap();
    let position = take(&open(folder.path()), &ledger_of(3).state);
    // Restored from an older backup, and since then longer than it was.
    let forked = Log {
        root: |position| root(position + 7_777),
        ..Log::of(1_000)
    };
    let mut keeper = keeper(folder.path(), LEDGER);
    let state = keeper.newest_of(0, &forked, believe).await.unwrap();
    assert!(state.is_none());
    assert_eq!(listed(folder.path()), [format!("aside-{position:020}")]);
}

#[tokio::test]
async fn a_state_is_not_kept_as_that_of_a_log_with_another_event_at_its_position() {
    let folder = tempfile::tempdir().unwrap();
    let shared = serving(ledger_of(3).state);
    let position = shared.position();
    let mut keeper = keeper(folder.path(), LEDGER);
    // The log was restored under a running projection and filled anew: each event has another time.
    let filled_anew = Log {
        known: "2023-07-02T00:00:00Z",
        ..Log::of(1_000)
    };
    let none: [&str; 0] = [];
    let kept = taken(&mut keeper, &shared, &filled_anew, folder.path()).await;
    assert_eq!(kept, none);
    let shorter = Log::of(position - 1);
    let kept = taken(&mut keeper, &shared, &shorter, folder.path()).await;
    assert_eq!(kept, none);
    let kept = taken(&mut keeper, &shared, &Log::of(1_000), folder.path()).await;
    assert_eq!(kept, [format!("snapshot-{position:020}")]);
}

/// That the disk is full shows in `crates/event-log/tests/faults.rs`, which has a disk that can be filled; here the last step fails.
#[tokio::test]
async fn what_was_begun_of_a_snapshot_that_failed_is_discarded_and_the_next_one_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let shared = serving(ledger_of(3).state);
    let names = [format!("snapshot-{:020}", shared.position())];
    let in_the_way = folder.path().join(&names[0]);
    fs::write(&in_the_way, "no directory").unwrap();
    let mut keeper = keeper(folder.path(), LEDGER);
    let left = taken(&mut keeper, &shared, &Log::of(1_000), folder.path()).await;
    assert_eq!(left, names, "nothing that was begun is left");
    fs::remove_file(&in_the_way).unwrap();
    let kept = taken(&mut keeper, &shared, &Log::of(1_000), folder.path()).await;
    assert_eq!(kept, names);
    drop(keeper);
    assert_eq!(
        starts_at(folder.path(), LEDGER, 1_000).await,
        shared.position()
    );
}

#[tokio::test]
async fn a_snapshot_whose_reader_gives_up_is_put_aside_and_the_older_one_taken() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let older = take(&store, &ledger_of(1).state);
    let newer = take(&store, &ledger_of(2).state);
    drop(store);
    // The database has no error for some damage; this stands for it.
    let gives_up: Believe = |store, position, ledger, root| {
        assert!(store.positions()?.len() < 2, "the newer one gives up");
        believe(store, position, ledger, root)
    };
    let mut keeper = keeper(folder.path(), LEDGER);
    let state = keeper.newest_of(0, &Log::of(1_000), gives_up).await;
    assert_eq!(state.unwrap().map(|state| state.position()), Some(older));
    let names = [
        format!("aside-{newer:020}"),
        format!("snapshot-{older:020}"),
    ];
    assert_eq!(listed(folder.path()), names);
}

#[tokio::test]
async fn as_long_as_the_log_cannot_be_asked_no_snapshot_is_judged() {
    let folder = tempfile::tempdir().unwrap();
    let position = take(&open(folder.path()), &ledger_of(3).state);
    let mut keeper = keeper(folder.path(), LEDGER);
    let down = Log {
        head: None,
        ..Log::of(0)
    };
    assert!(keeper.newest_of(0, &down, believe).await.is_err());
    assert_eq!(listed(folder.path()), [format!("snapshot-{position:020}")]);
    // What was folded meanwhile is not gone back on.
    let log = Log::of(position);
    assert!(
        keeper
            .newest_of(position, &log, believe)
            .await
            .unwrap()
            .is_none()
    );
    assert!(
        keeper
            .newest_of(position - 1, &log, believe)
            .await
            .unwrap()
            .is_some()
    );
}

#[tokio::test]
async fn once_another_state_serves_no_start_takes_what_was_kept_or_begun_before() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let kept = take(&store, &ledger_of(1).state);
    let begun = ledger_of(2).state;
    let origin = || Origin {
        ledger: LEDGER.to_owned(),
        root: root(begun.position()),
    };
    let written = store.write(&begun, origin()).unwrap();
    store.supersede().unwrap();
    assert_eq!(
        written.finish().unwrap_err().reason(),
        "SNAPSHOT_SUPERSEDED"
    );
    assert!(store.positions().unwrap().is_empty());
    assert!(listed(folder.path()).contains(&format!("aside-{kept:020}")));
    // What is begun after that is kept as ever.
    let written = store.write(&begun, origin()).unwrap();
    let position = written.finish().unwrap().position;
    drop(store);
    assert_eq!(starts_at(folder.path(), LEDGER, 1_000).await, position);
}

#[test]
fn a_directory_has_one_keeper() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let second = Store::open(folder.path()).err().unwrap();
    assert_eq!(second.reason(), "SNAPSHOTS_LOCKED");
    drop(store);
    assert!(Store::open(folder.path()).is_ok());
}
