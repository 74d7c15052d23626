//! Unit tests of the journal's two halves.

use super::*;
use crate::recovery;
use crate::{Log, Options};

fn single(number: u64) -> Append {
    let mut request_id = [7; 16];
    request_id[8..].copy_from_slice(&number.to_be_bytes());
    let event = NewEvent {
        subject: "s".into(),
        expected_revision: None,
        payload: Bytes::from(number.to_string()),
        attribute: None,
    };
    Append {
        request_id,
        events: vec![event],
    }
}

fn write(journal: &mut Journal, position: u64) {
    let request = single(position);
    assert!(journal.prepare(position, 5, std::iter::once(&request)));
    journal.write().unwrap();
}

/// A quiet moment, then one half is full and the other goes on, then a kill before anything is settled.
#[test]
fn a_confirmation_in_one_half_and_the_next_commit_in_the_other_follow_on_each_other() {
    for first_half in 0..2 {
        let directory = tempfile::tempdir().unwrap();
        let (mut journal, _) = Journal::open(directory.path(), 4_096, 0).unwrap();
        if first_half == 1 {
            journal.turn();
        }
        write(&mut journal, 1);
        journal.confirm(1, 5).unwrap();
        journal.turn();
        write(&mut journal, 2);
        write(&mut journal, 3);
        drop(journal);

        let options = Options::at(directory.path());
        let recovered = recovery::recover(&options).unwrap();
        assert_eq!(recovered.damages, [], "first in half {first_half}");
        assert_eq!(recovered.head, 3);
        assert_eq!(recovered.unsettled_half, Some((first_half, 1)));
        drop(recovered);
        let log = Log::open(options, std::sync::Arc::new(|| 6)).unwrap();
        log.seal().unwrap();
        assert_eq!(log.verify(|_| {}).unwrap().damages, []);
    }
}
