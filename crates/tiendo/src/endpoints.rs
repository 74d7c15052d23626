//! Where the running services are: `<data>/endpoints.json`, also served at `/endpoints.json`.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Failure;
use crate::fail::{FAILED, UNAVAILABLE};

/// Name of the file, and path over HTTP.
const NAME: &str = "endpoints.json";
/// The same as a path.
pub(crate) const PATH: &str = "/endpoints.json";

/// Real addresses. A service run apart adds its own to those of the others in the same data directory.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Endpoints {
    /// Id of the ledger.
    pub(crate) ledger: String,
    /// The day that judgements are for: `real`, or a pinned date.
    pub(crate) today: String,
    /// Health and metrics, `http://127.0.0.1:7060`.
    pub(crate) http: String,
    /// Ingest and log, `http://127.0.0.1:7061`.
    pub(crate) ingest: String,
    /// Queries, `http://127.0.0.1:7062`.
    pub(crate) projection: String,
    /// Verdicts and cases, `http://127.0.0.1:7063`.
    pub(crate) alerting: String,
    /// NATS, `nats://127.0.0.1:4222`.
    pub(crate) nats: String,
    /// Process id of the services.
    pub(crate) pid: u32,
}

impl Endpoints {
    /// The file in a data directory.
    pub(crate) fn file(data: &Path) -> PathBuf {
        data.join(NAME)
    }

    /// As JSON.
    pub(crate) fn json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    /// Writes the file in one step: a reader sees the old or the new.
    pub(crate) fn write(&self, data: &Path) -> Result<(), Failure> {
        let file = Self::file(data);
        let new = file.with_extension("json.new");
        let mut out = std::fs::File::create(&new)?;
        out.write_all(self.json().as_bytes())?;
        out.sync_all()?;
        Ok(std::fs::rename(&new, &file)?)
    }

    /// Removes the file at the end of a run, unless another process has written it since.
    pub(crate) fn remove(data: &Path) {
        if Self::read(data).is_ok_and(|endpoints| endpoints.pid == std::process::id()) {
            // A file left behind only costs the next command a refused connection.
            let _ = std::fs::remove_file(Self::file(data));
        }
    }

    /// Reads the file of a data directory.
    pub(crate) fn read(data: &Path) -> Result<Self, Failure> {
        let file = Self::file(data);
        let text = std::fs::read_to_string(&file).map_err(|_| {
            let shown = file.display();
            Failure::new(
                UNAVAILABLE,
                format!(
                    "no Tiendo runs here: there is no {shown}; start one with `tiendo up`, \
                     or name it with --data DIR or --server ADDRESS"
                ),
            )
        })?;
        serde_json::from_str(&text).map_err(|error| {
            Failure::new(FAILED, format!("{} is damaged: {error}", file.display()))
        })
    }

    /// Asks an address: an HTTP port tells all addresses; any other is taken as the service itself.
    pub(crate) fn ask(address: &str) -> Self {
        let base = if address.contains("://") {
            address.to_owned()
        } else {
            format!("http://{address}")
        };
        let base = base.trim_end_matches('/').to_owned();
        let agent = ureq::Agent::config_builder()
            .timeout_global(Some(Duration::from_secs(3)))
            .build();
        let agent = ureq::Agent::new_with_config(agent);
        let told = agent
            .get(format!("{base}{PATH}"))
            .call()
            .ok()
            .and_then(|mut answer| answer.body_mut().read_to_string().ok())
            .and_then(|text| serde_json::from_str(&text).ok());
        told.unwrap_or_else(|| Self {
            http: base.clone(),
            ingest: base.clone(),
            projection: base.clone(),
            alerting: base,
            ..Self::default()
        })
    }
}
