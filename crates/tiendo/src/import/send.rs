//! Parts of the file to the service: first checked, then recorded, each in one stream; what the parts are, `sheet` says.

use futures::StreamExt as _;
use sheet::{Accepted, Checked, Part, Plan};
use tonic::transport::Channel;
use wire::v1;
use wire::v1::ingest_service_client::IngestServiceClient;
use wire::v1::record_stream_response::Outcome;

use crate::Failure;
use crate::fail::UNAVAILABLE;
use crate::lang::Lang;
use crate::load::progress;

/// Sends the rows of one file.
pub(super) struct Sender {
    ingest: IngestServiceClient<Channel>,
    plan: Plan,
    lang: Lang,
}

impl Sender {
    pub(super) fn new(ingest: IngestServiceClient<Channel>, plan: Plan, lang: Lang) -> Self {
        Self { ingest, plan, lang }
    }

    /// Lets the service judge every row.
    pub(super) async fn check(&mut self) -> Result<Checked, Failure> {
        let mut open = self.plan.take_open();
        let bar = bar(&open, self.lang.pick("Kiểm tra", "Checking"));
        while !open.is_empty() {
            let answers = self.exchange(&open, true, &bar).await?;
            for (part, answer) in open.into_iter().zip(answers) {
                let judged = self.plan.judged(part, answer);
                judged.map_err(|refusal| Failure::refusal(&refusal, self.lang))?;
            }
            open = self.plan.take_open();
        }
        bar.finish_and_clear();
        Ok(self.plan.take_checked())
    }

    /// Records what was checked.
    pub(super) async fn record(&mut self, parts: Vec<Part>) -> Result<Vec<Accepted>, Failure> {
        let bar = bar(&parts, self.lang.pick("Ghi nhận", "Recording"));
        let answers = self.exchange(&parts, false, &bar).await?;
        bar.finish_and_clear();
        let (mut recorded, mut refused) = (Vec::new(), None);
        for (part, answer) in parts.iter().zip(answers) {
            match answer {
                Outcome::Recorded(response) => recorded.extend(part.recorded(&response)),
                Outcome::Refused(refusal) => refused = refused.or(Some((part, refusal))),
            }
        }
        match refused {
            None => Ok(recorded),
            Some((part, refusal)) => Err(self.interrupted(&refusal, part, recorded.len())),
        }
    }

    /// Sends all requests and gives the answers in their order.
    async fn exchange(
        &mut self,
        parts: &[Part],
        validate_only: bool,
        bar: &indicatif::ProgressBar,
    ) -> Result<Vec<Outcome>, Failure> {
        let lang = self.lang;
        let told = |status: tonic::Status| Failure::status(&status, lang);
        let requests = parts
            .iter()
            .map(|part| self.plan.request(part, validate_only));
        let stream = futures::stream::iter(requests.collect::<Vec<_>>());
        let mut answers = self
            .ingest
            .record_stream(stream)
            .await
            .map_err(told)?
            .into_inner();
        let mut outcomes = Vec::with_capacity(parts.len());
        while let Some(answer) = answers.next().await {
            let outcome = answer.map_err(told)?.outcome;
            bar.inc(
                parts
                    .get(outcomes.len())
                    .map_or(0, |part| part.rows().len() as u64),
            );
            outcomes.extend(outcome);
        }
        if outcomes.len() == parts.len() {
            return Ok(outcomes);
        }
        let text = lang.pick(
            "dịch vụ ngừng trả lời giữa chừng; hãy chạy lại lệnh này, những gì đã ghi sẽ được nhận ra",
            "the service stopped answering; run the same command again, what is recorded will be recognised",
        );
        Err(Failure::new(UNAVAILABLE, text))
    }

    /// What to do when recording stopped.
    fn interrupted(&self, refusal: &v1::Refusal, part: &Part, recorded: usize) -> Failure {
        let failure = Failure::refusal(refusal, self.lang);
        let first = part.rows().first().map_or(0, |row| row.row);
        let count = self.lang.count(recorded as u64);
        let text = self.lang.pick(
            format!("điều này nói về phần có dòng {first}; {count} dòng khác đã được ghi; hãy chạy lại lệnh này, những gì đã ghi sẽ được nhận ra"),
            format!("that is about the part with row {first}; {count} rows of others are recorded; run the same command again, what is recorded will be recognised"),
        );
        Failure::new(UNAVAILABLE, format!("{}; {text}", failure.text()))
    }
}

/// A progress bar where there is more than one part.
fn bar(parts: &[Part], what: &str) -> indicatif::ProgressBar {
    if parts.len() > 1 {
        progress(
            parts.iter().map(|part| part.rows().len() as u64).sum(),
            what,
        )
    } else {
        indicatif::ProgressBar::hidden()
    }
}
