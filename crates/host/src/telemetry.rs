//! Logs on stderr, metrics for Prometheus.

use std::io::IsTerminal;
use std::sync::OnceLock;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

use crate::Error;

/// Upper bounds of the histogram buckets of every metric named `…_seconds`.
const SECONDS_BUCKETS: [f64; 15] = [
    0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
];

/// The form of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people; coloured if stderr is a terminal.
    Text,
    /// One JSON object a line, for collectors.
    Json,
}

/// What to log and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// A level, or levels by target: `info`, `warn,ingest=debug`.
    pub filter: String,
    /// The form of a line.
    pub format: Format,
}

/// Starts logging to stderr and recording metrics; returns what renders the metrics.
///
/// May be called again: the first filter and format stay, the handle is the same.
///
/// # Errors
///
/// [`Error::LogFilter`] if the filter is malformed, [`Error::MetricsRecorder`] as [`metrics()`] says.
pub fn init(options: Options) -> Result<PrometheusHandle, Error> {
    let Options { filter, format } = options;
    let filter = match EnvFilter::try_new(&filter) {
        Ok(parsed) => parsed,
        Err(source) => return Err(Error::LogFilter { filter, source }),
    };
    let lines = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_env_filter(filter);
    let installed = match format {
        Format::Text => lines.try_init(),
        Format::Json => lines.json().flatten_event(true).try_init(),
    };
    if installed.is_err() {
        tracing::debug!("logging was started before; its filter and format stay");
    }
    metrics()
}

/// Starts recording metrics without logging, as a test or an embedding program may want.
///
/// # Errors
///
/// [`Error::MetricsRecorder`] if something other than this function installed a recorder.
pub fn metrics() -> Result<PrometheusHandle, Error> {
    static RECORDER: OnceLock<Result<PrometheusHandle, String>> = OnceLock::new();
    RECORDER
        .get_or_init(install)
        .clone()
        .map_err(|detail| Error::MetricsRecorder { detail })
}

fn install() -> Result<PrometheusHandle, String> {
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS_BUCKETS)
        .and_then(PrometheusBuilder::install_recorder)
        .map_err(|error| error.to_string())
}
