//! The file system of the power cuts is worth its name: what it keeps, what it forgets, how it fails.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test panics")]

mod common;
mod forgetful;

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

use forgetful::disk::PAGE_BYTES;
use forgetful::{Calls, Forgetful, Kind, Mode, Trouble};

fn sync(directory: &Path) {
    File::open(directory).unwrap().sync_all().unwrap();
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn it_is_a_file_system() {
    let Some(disk) = Forgetful::mount() else {
        return;
    };
    let root = disk.root();
    fs::create_dir_all(root.join("a/b")).unwrap();
    let path = root.join("a/b/file");
    let bytes: Vec<u8> = (0..100_000_u32).map(|at| (at * 7 % 251) as u8).collect();
    fs::write(&path, &bytes).unwrap();
    assert_eq!(fs::read(&path).unwrap(), bytes);
    let file = OpenOptions::new().write(true).read(true).open(&path);
    let file = file.unwrap();
    file.write_all_at(b"over the edge", PAGE_BYTES as u64 - 5)
        .unwrap();
    let mut there = [0; 13];
    file.read_exact_at(&mut there, PAGE_BYTES as u64 - 5)
        .unwrap();
    assert_eq!(&there, b"over the edge");
    file.set_len(10).unwrap();
    file.set_len(5_000).unwrap();
    let shrunk = fs::read(&path).unwrap();
    assert_eq!((&shrunk[..10], shrunk.len()), (&bytes[..10], 5_000));
    assert!(shrunk[10..].iter().all(|byte| *byte == 0));

    let mut appending = OpenOptions::new().append(true).open(&path).unwrap();
    appending.write_all(b"one").unwrap();
    appending.write_all(b"two").unwrap();
    assert_eq!(&fs::read(&path).unwrap()[5_000..], b"onetwo");

    fs::write(root.join("other"), b"other").unwrap();
    fs::rename(root.join("other"), &path).unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"other");
    let mut old = String::new();
    let begin = OpenOptions::new()
        .read(true)
        .open(root.join("a/b/file"))
        .unwrap();
    fs::remove_file(&path).unwrap();
    (&begin).read_to_string(&mut old).unwrap();
    assert_eq!(old, "other", "an open file stays readable");
    let full = fs::remove_dir(root.join("a")).unwrap_err();
    assert_eq!(full.kind(), ErrorKind::DirectoryNotEmpty);
    for number in 0..500 {
        fs::write(root.join(format!("a/b/{number}")), b"").unwrap();
    }
    assert_eq!(names(&root.join("a/b")).len(), 500);
    fs::remove_dir_all(root.join("a")).unwrap();
    assert_eq!(names(root), [""; 0]);

    let lock = File::create(root.join("lock")).unwrap();
    lock.try_lock().unwrap();
    assert!(File::open(root.join("lock")).unwrap().try_lock().is_err());
}

#[test]
fn only_what_was_synced_survives_under_names_that_were_synced() {
    let Some(disk) = Forgetful::mount() else {
        return;
    };
    let root = disk.root();
    fs::create_dir(root.join("log")).unwrap();
    sync(root);
    let mut file = File::create(root.join("log/file")).unwrap();
    file.write_all(&[1; 3 * PAGE_BYTES]).unwrap();
    file.sync_data().unwrap();
    let found = disk.image(Mode::Synced).unwrap();
    assert_eq!(names(&found.path().join("log")), [""; 0], "it has no name");

    sync(&root.join("log"));
    file.write_all_at(&[2; PAGE_BYTES], PAGE_BYTES as u64)
        .unwrap();
    file.write_all(b"more").unwrap();
    fs::rename(root.join("log/file"), root.join("log/renamed")).unwrap();
    fs::write(root.join("log/new"), b"new").unwrap();
    let found = disk.image(Mode::Synced).unwrap();
    assert_eq!(names(&found.path().join("log")), ["file"]);
    let bytes = fs::read(found.path().join("log/file")).unwrap();
    assert_eq!(bytes, [1; 3 * PAGE_BYTES]);

    sync(&root.join("log"));
    file.sync_data().unwrap();
    let found = disk.image(Mode::Synced).unwrap();
    assert_eq!(names(&found.path().join("log")), ["new", "renamed"]);
    let bytes = fs::read(found.path().join("log/renamed")).unwrap();
    assert_eq!(&bytes[3 * PAGE_BYTES..], b"more");
    assert_eq!(bytes[PAGE_BYTES], 2);
    assert_eq!(fs::read(found.path().join("log/new")).unwrap(), b"");
}

#[test]
fn a_torn_image_keeps_some_pages_and_all_that_was_synced() {
    let Some(disk) = Forgetful::mount() else {
        return;
    };
    let root = disk.root();
    let file = File::create(root.join("file")).unwrap();
    file.write_all_at(&[1; 8 * PAGE_BYTES], 0).unwrap();
    file.sync_all().unwrap();
    sync(root);
    for value in [2, 3] {
        file.write_all_at(&[value; 6 * PAGE_BYTES], 2 * PAGE_BYTES as u64)
            .unwrap();
    }
    let frozen = disk.freeze();
    let mut seen = [0; 4];
    for seed in 0..50 {
        let image = frozen.image(Mode::Torn(seed));
        assert_eq!(image, frozen.image(Mode::Torn(seed)), "it follows");
        let found = image.to_directory().unwrap();
        let bytes = fs::read(found.path().join("file")).unwrap();
        assert_eq!(bytes.len(), 8 * PAGE_BYTES);
        assert_eq!(bytes[..2 * PAGE_BYTES], [1; 2 * PAGE_BYTES]);
        for page in bytes[2 * PAGE_BYTES..].chunks(PAGE_BYTES) {
            assert!(page.iter().all(|byte| *byte == page[0]), "no page is torn");
            seen[usize::from(page[0])] += 1;
        }
    }
    assert!(seen[0] == 0 && seen[1..].iter().all(|count| *count > 20));
}

#[test]
fn calls_fail_as_they_are_told() {
    let Some(disk) = Forgetful::mount() else {
        return;
    };
    let root = disk.root();
    let file = File::create(root.join("file")).unwrap();
    sync(root);
    disk.fail(Calls::Nth(Kind::Write, 2), Trouble::Io);
    file.write_all_at(b"1", 0).unwrap();
    assert!(file.write_all_at(b"2", 0).is_err());
    file.write_all_at(b"3", 0).unwrap();
    assert_eq!((disk.calls(Kind::Write), disk.failed()), (3, 1));

    disk.fail(Calls::Nth(Kind::Sync, 1), Trouble::Io);
    assert!(file.sync_data().is_err());
    file.sync_data().unwrap();
    let found = disk.image(Mode::Synced).unwrap();
    let bytes = fs::read(found.path().join("file")).unwrap();
    assert_eq!(bytes, [0], "the page was clean for the second sync");

    disk.leave_pages(1);
    file.write_all_at(&[4; PAGE_BYTES], 0).unwrap();
    let full = file.write_all_at(&[5; 2 * PAGE_BYTES], PAGE_BYTES as u64);
    assert_eq!(full.unwrap_err().kind(), ErrorKind::StorageFull);
    assert_eq!(file.metadata().unwrap().len(), 2 * PAGE_BYTES as u64);
    drop(file);
    fs::remove_file(root.join("file")).unwrap();
    // The kernel tells of a closed file a little later.
    while fs::write(root.join("two"), [6; 2 * PAGE_BYTES]).is_err() {
        std::thread::yield_now();
    }

    disk.lift();
    disk.fail(Calls::From(Kind::Rename, 1), Trouble::NoSpace);
    for _ in 0..2 {
        assert!(fs::rename(root.join("two"), root.join("three")).is_err());
    }
    disk.lift();
    fs::rename(root.join("two"), root.join("three")).unwrap();

    disk.lie_about_sync(true);
    sync(root);
    let found = disk.image(Mode::Synced).unwrap();
    assert_eq!(names(found.path()), ["file"]);
}

#[test]
fn a_moment_is_kept_before_the_change_that_follows_it() {
    let Some(disk) = Forgetful::mount() else {
        return;
    };
    let (send, receive) = std::sync::mpsc::channel();
    disk.at_change(3, move |frozen| send.send(frozen).unwrap());
    File::create(disk.root().join("one")).unwrap();
    sync(disk.root());
    assert!(receive.try_recv().is_err());
    File::create(disk.root().join("two")).unwrap();
    sync(disk.root());
    let kept = receive.try_recv().unwrap().image(Mode::Synced);
    let found = kept.to_directory().unwrap();
    assert_eq!(names(found.path()), ["one"]);

    let again = Forgetful::holding(&kept).unwrap();
    assert_eq!(names(again.root()), ["one"]);
}
