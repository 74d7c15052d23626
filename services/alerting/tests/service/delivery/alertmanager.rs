//! Prometheus Alertmanager itself: cases are alerts there, posted again before they expire, and resolved.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::{clock_that_runs, deliverer, left_out, pace, settings, spawned, until_recorded};
use crate::common::{PATIENCE, World};
use crate::story::{founding, report};

const PROGRAM: &str = "prometheus-alertmanager";

/// Who is told by Alertmanager: nobody.
const CONFIG: &str = "route:\n  receiver: nobody\nreceivers:\n  - name: nobody\n";

/// Alertmanager on a port of this machine.
struct Alertmanager {
    process: Child,
    port: u16,
}

impl Alertmanager {
    /// Starts it; port 0 is any.
    async fn start(folder: &Path, port: u16) -> Self {
        let config = folder.join("alertmanager.yml");
        std::fs::write(&config, CONFIG).unwrap();
        let mut process = spawned(
            &PathBuf::from(PROGRAM),
            &[
                &format!("--config.file={}", config.display()),
                &format!("--storage.path={}", folder.join("alertmanager").display()),
                &format!("--web.listen-address=127.0.0.1:{port}"),
                "--cluster.listen-address=",
            ],
        );
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let listening = async {
            loop {
                let line = lines.next_line().await.unwrap().unwrap();
                let address = line.split("address=127.0.0.1:").nth(1);
                if let Some(Ok(port)) = address.map(str::parse) {
                    return port;
                }
            }
        };
        let port = timeout(PATIENCE, listening).await.unwrap();
        // Its words are heard to the end, so that it never waits for a reader.
        host::task::spawn("alertmanager", async move {
            while let Ok(Some(_)) = lines.next_line().await {}
        });
        Self { process, port }
    }

    async fn stop(mut self) {
        self.process.kill().await.unwrap();
    }

    /// What `amtool` says is firing.
    async fn firing(&self) -> Vec<Value> {
        let url = format!("--alertmanager.url=http://127.0.0.1:{}", self.port);
        let asked = Command::new("amtool")
            .args([url.as_str(), "alert", "query", "--output=json"])
            .stderr(Stdio::inherit())
            .output()
            .await
            .unwrap();
        assert!(asked.status.success());
        serde_json::from_slice(&asked.stdout).unwrap()
    }

    async fn until(&self, fits: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        let looked = async {
            loop {
                let firing = self.firing().await;
                if fits(&firing) {
                    return firing;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        match timeout(PATIENCE, looked).await {
            Ok(firing) => firing,
            Err(_) => panic!("{:#?}", self.firing().await),
        }
    }
}

/// Whether both programs are installed.
async fn is_there() -> bool {
    for program in [PROGRAM, "amtool"] {
        let asked = Command::new(program)
            .arg("--version")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .await;
        if !asked.is_ok_and(|status| status.success()) {
            left_out(&format!(
                "Debian's {program} (apt-get install prometheus-alertmanager)"
            ));
            return false;
        }
    }
    true
}

#[tokio::test(flavor = "multi_thread")]
async fn alertmanager_shows_a_case_while_it_is_open_and_no_longer() {
    if !is_there().await {
        return;
    }
    let world = World::start().await;
    let manager = Alertmanager::start(world.folder.path(), 0).await;
    let port = manager.port;
    let toml = format!("[alertmanager]\nurl = \"http://127.0.0.1:{port}\"\n");
    let settings = || settings(&world, &toml, pace());
    let alerting = world
        .run(clock_that_runs(&world, "2023-07-05", settings()))
        .await;
    world.record(founding()).await;

    let firing = manager.until(|firing| firing.len() == 1).await;
    let labels = &firing[0]["labels"];
    for (name, value) in [
        ("alertname", "TiendoOverdue"),
        ("ledger", "ha-noi"),
        ("locality", "268"),
        ("locality_since", "2023-04-10"),
        ("indicator", "eid.activated"),
        ("layer", "central"),
        ("concern", "overdue"),
        ("severity", "critical"),
        ("level", "district"),
    ] {
        assert_eq!(labels[name], value, "{labels}");
    }
    let summary = firing[0]["annotations"]["summary"].as_str().unwrap();
    assert!(summary.contains("Quận Hà Đông"), "{summary}");

    // Posted again before it expires: beyond the first end it still fires.
    let ends =
        |alert: &Value| -> jiff::Timestamp { alert["endsAt"].as_str().unwrap().parse().unwrap() };
    let first = ends(&firing[0]);
    let still = manager
        .until(|firing| {
            firing
                .first()
                .is_some_and(|alert| ends(alert).duration_since(first).as_secs() > 3)
        })
        .await;
    assert_eq!(still[0]["fingerprint"], firing[0]["fingerprint"]);

    // It is away while the case is cleared, and hears of it when it is back.
    manager.stop().await;
    world.record(vec![("2023-07-04", report(256_453))]).await;
    until_recorded(&alerting, |now| now.sinks[0].failed > 0).await;
    let manager = Alertmanager::start(world.folder.path(), port).await;
    let done = until_recorded(&alerting, |now| now.sinks[0].through > 4).await;
    assert_eq!(done.total_dead_letters, 0);
    manager.until(|firing| firing.is_empty()).await;

    // A start posts what is open, which is nothing.
    alerting.stop().await;
    let alerting = deliverer(
        &world,
        ("2023-07-05", &super::clock("2023-07-05T05:00:00Z")),
        settings(),
    )
    .await;
    assert!(manager.firing().await.is_empty());
    alerting.stop().await;
    manager.stop().await;
    world.stop().await;
}
