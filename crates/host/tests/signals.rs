//! One test, because signals belong to the whole process.
#![cfg(unix)]

use std::time::Duration;

use host::{Ended, Shutdown};
use rustix::process::{Signal, getpid, kill_process};

async fn soon<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(60), future)
        .await
        .expect("within a minute")
}

#[tokio::test]
async fn the_first_signal_drains_and_the_second_gives_up() {
    let shutdown = Shutdown::on_signals().unwrap();
    assert!(!shutdown.token().is_cancelled());

    kill_process(getpid(), Signal::TERM).unwrap();
    soon(shutdown.requested()).await;
    assert!(shutdown.token().is_cancelled());
    assert_eq!(
        soon(shutdown.supervise(async { "drained" })).await,
        Ended::Finished("drained")
    );

    kill_process(getpid(), Signal::INT).unwrap();
    assert_eq!(
        soon(shutdown.supervise(std::future::pending::<()>())).await,
        Ended::Forced
    );
}

#[tokio::test]
async fn a_stop_at_once_is_a_stop() {
    let shutdown = Shutdown::by_hand();
    shutdown.force();
    soon(shutdown.requested()).await;
    assert_eq!(
        soon(shutdown.supervise(std::future::ready(()))).await,
        Ended::Forced
    );
}
