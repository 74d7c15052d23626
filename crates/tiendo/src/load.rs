//! Data sets as events, through ingest like everything else.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tonic::transport::Channel;
use wire::v1;
use wire::v1::ingest_service_client::IngestServiceClient;

use crate::Failure;
use crate::dataset::Set;
use crate::fail::FAILED;
use crate::lang::Lang;

/// Loads sets that are not on record yet; an interrupted load goes on where it stopped.
pub(crate) async fn load(
    ingest: &mut IngestServiceClient<Channel>,
    sets: &[Set],
    lang: Lang,
) -> Result<(), Failure> {
    let told = |status: tonic::Status| Failure::status(&status, lang);
    let ledger = ingest
        .get_ledger(v1::GetLedgerRequest {})
        .await
        .map_err(told)?
        .into_inner();
    for set in sets {
        let dataset = set.dataset();
        let loaded = |on_record: &v1::DatasetLoaded| {
            on_record.dataset == dataset.code && on_record.version == dataset.version
        };
        if ledger.datasets.iter().any(loaded) {
            continue;
        }
        let batches = set
            .batches()
            .map_err(|error| Failure::caused(FAILED, &error))?;
        let events: u64 = batches.iter().map(|(_, events)| events.len() as u64).sum();
        let bar = progress(events, lang.pick(dataset.title_vi, dataset.title_en));
        for (request_id, events) in batches {
            let request = v1::RecordBatchRequest {
                request_id: request_id.to_string(),
                events: events.iter().map(wire::event::encode).collect(),
                validate_only: false,
                persons: Vec::new(),
                skip_known: false,
                ..Default::default()
            };
            ingest.record_batch(request).await.map_err(told)?;
            bar.inc(events.len() as u64);
        }
        bar.finish();
        if bar.is_hidden() {
            say_loaded(dataset.code, events, lang);
        }
    }
    Ok(())
}

/// What a progress bar would have shown, for a log.
#[expect(
    clippy::print_stderr,
    reason = "stands for the progress bar, which is on stderr"
)]
fn say_loaded(code: &str, events: u64, lang: Lang) {
    let count = lang.count(events);
    eprintln!(
        "{}",
        lang.pick(
            format!("{code}: đã nạp {count} sự kiện"),
            format!("{code}: {count} events loaded")
        )
    );
}

/// A progress bar on stderr; silent where nobody watches.
pub(crate) fn progress(length: u64, what: &str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::stderr());
    if let Ok(style) =
        ProgressStyle::with_template("{msg:42} {wide_bar} {pos:>6}/{len:6} {elapsed}")
    {
        bar.set_style(style);
    }
    bar.set_message(what.to_owned());
    bar
}
