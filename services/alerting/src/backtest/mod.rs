//! Rules tried on a stretch of the ledger.
//!
//! A second [`Judge`](crate::Judge) is folded from the ledger's first event to the end of the stretch, as the first one was: each day with nothing but what the ledger had taken by then.
//! Beside it goes one by the rules in force, so that both are compared over the same.
//! What they opened and cleared within the stretch is collected; nothing is recorded, nobody is told, and the judge that answers, the book and the log are not touched.
//! What really came is read from the state that answers, some quotas at a time, so that folding never waits long for it.
//!
//! It takes the memory of one more state for each set of rules, and the processor time of a start of alerting for each; one runs at a time, on a thread of its own, and ends when whoever asked leaves.
//! With a pinned day everything is judged for that day, as alerting itself does it; then no deadline lies ahead, and cases are told without a score.
//!
//! - here: what is asked, and the thread
//! - `stretch`: from where to where
//! - `rules`: the rules to try, as text
//! - `trial`: one set of rules on its way through the ledger
//! - `outcome`: what really came
//! - `report`: the one held against the other

mod outcome;
mod report;
mod rules;
mod stretch;
mod trial;

use std::collections::BTreeSet;
use std::sync::{Arc, RwLockReadGuard};

use domain::{Event, IndicatorCode, LocalityCode, Reason, Violation};
use futures::future::Either;
use host::{CancellationToken, Clock, Today};
use jiff::Timestamp;
use lag::Rules;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status};
use wire::deadline::{not_caught_up, stopping};
use wire::log_reader::{Batches, LogReader};
use wire::status::{fits, in_both, invalid, with_reason};
use wire::v1;

use self::outcome::{Asked, Outcomes, Scope, Sought};
use self::rules::Tried;
use self::stretch::{Stretch, Wanted};
use self::trial::Trial;
use crate::desk::Desk;
use crate::judge::Judge;

/// Most codes of localities that a backtest can be asked for.
const CODES_MAX: usize = 256;
/// How often, of the whole, progress is told.
const STEPS: u64 = 200;
/// Answers that wait for a caller who reads slowly.
const ANSWERS_AHEAD: usize = 4;

/// What the caller reads.
pub(crate) type Answers = ReceiverStream<Result<v1::RunBacktestResponse, Status>>;
type Told = mpsc::Sender<Result<v1::RunBacktestResponse, Status>>;

/// Where the judge that answers is read.
pub(crate) trait Newest: Send + Sync {
    /// The judge, who folds nothing meanwhile.
    fn judge(&self) -> RwLockReadGuard<'_, Judge>;
    /// Whether it has read the ledger to its head once; before, "now" is some day of the past.
    fn is_live(&self) -> bool;
}

impl Newest for Desk {
    fn judge(&self) -> RwLockReadGuard<'_, Judge> {
        Desk::judge(self)
    }

    fn is_live(&self) -> bool {
        Desk::is_live(self)
    }
}

/// Runs backtests, one at a time.
pub(crate) struct Backtests {
    log: LogReader,
    /// What the judge that answers was made with.
    shipped: Rules,
    clock: Arc<dyn Clock>,
    today: Today,
    one: Arc<Semaphore>,
    /// Largest answer.
    message_bytes_max: usize,
    shutdown: CancellationToken,
}

/// What one backtest is made of.
struct Backtest {
    log: LogReader,
    newest: Arc<dyn Newest>,
    today: Today,
    stretch: Stretch,
    scope: Scope,
    /// None if the rules in force are tried.
    tried: Option<Tried>,
    shipped: Rules,
    message_bytes_max: usize,
    answers: Told,
    shutdown: CancellationToken,
}

/// Why a backtest has no report.
enum Ended {
    /// Nobody reads any more.
    Left,
    Failed(Status),
}

impl From<Status> for Ended {
    fn from(status: Status) -> Self {
        Self::Failed(status)
    }
}

impl Backtests {
    pub(crate) fn new(
        (log, shipped): (LogReader, Rules),
        (clock, today): (Arc<dyn Clock>, Today),
        message_bytes_max: usize,
        shutdown: CancellationToken,
    ) -> Self {
        Self {
            log,
            shipped,
            clock,
            today,
            one: Arc::new(Semaphore::new(1)),
            message_bytes_max,
            shutdown,
        }
    }

    /// Begins a backtest; what it tells is in the answers.
    ///
    /// # Errors
    /// What cannot be read of the request; NOT_CAUGHT_UP while the ledger is still being replayed; BACKTEST_EMPTY if the stretch has no event; BACKTEST_BUSY while another one runs.
    pub(crate) fn begin(
        &self,
        newest: Arc<dyn Newest>,
        request: &v1::RunBacktestRequest,
    ) -> Result<Answers, Status> {
        let asked = (Wanted::read(&request.from, &request.to), scope(request));
        let (wanted, scope) = match asked {
            (Ok(wanted), Ok(scope)) => (wanted, scope),
            (wanted, scope) => {
                let mut violations = wanted.err().unwrap_or_default();
                violations.extend(scope.err().unwrap_or_default());
                return Err(invalid(&violations));
            }
        };
        let tried = rules::read(&request.rules, &self.shipped)?;
        if !newest.is_live() {
            let at = newest.judge().position();
            return Err(not_caught_up(at + 1, at));
        }
        let stretch = {
            let judge = newest.judge();
            scope.is_known(&judge)?;
            wanted.stretch(&judge, self.today, self.clock.now())?
        };
        let permit = self.permit()?;
        let (answers, stream) = mpsc::channel(ANSWERS_AHEAD);
        let backtest = Backtest {
            log: self.log.clone(),
            newest,
            today: self.today,
            stretch,
            scope,
            tried,
            shipped: self.shipped.clone(),
            message_bytes_max: self.message_bytes_max,
            answers,
            shutdown: self.shutdown.clone(),
        };
        let runtime = Handle::current();
        // Folding and judging is minutes of reckoning for a large ledger.
        tokio::task::spawn_blocking(move || backtest.run(&runtime, permit));
        Ok(ReceiverStream::new(stream))
    }

    fn permit(&self) -> Result<OwnedSemaphorePermit, Status> {
        Arc::clone(&self.one).try_acquire_owned().map_err(|_| {
            let message = "rules are being tried for somebody else; try again when that has ended";
            let vi = "đang thử quy tắc cho nơi khác; hãy thử lại khi việc đó xong";
            in_both((Code::ResourceExhausted, "BACKTEST_BUSY"), message, vi)
        })
    }
}

/// Which places and which indicator; every code that is none is told.
fn scope(request: &v1::RunBacktestRequest) -> Result<Scope, Vec<Violation>> {
    let mut violations = Vec::new();
    let mut wrong = |field: String, detail: String| {
        violations.push(Violation::new(field, Reason::CodeFormat, detail));
    };
    let indicator = match request.indicator.trim() {
        "" => None,
        raw => raw
            .parse::<IndicatorCode>()
            .map_err(|error| wrong("indicator".to_owned(), error.to_string()))
            .ok(),
    };
    let mut codes = BTreeSet::new();
    if request.codes.len() > CODES_MAX {
        let count = request.codes.len();
        wrong(
            "codes".to_owned(),
            format!("{count} codes, more than {CODES_MAX}; name what they lie in"),
        );
    } else {
        for (index, raw) in request.codes.iter().enumerate() {
            match raw.trim().parse::<LocalityCode>() {
                Ok(code) => {
                    codes.insert(code);
                }
                Err(error) => wrong(format!("codes[{index}]"), error.to_string()),
            }
        }
    }
    if violations.is_empty() {
        Ok(Scope { indicator, codes })
    } else {
        Err(violations)
    }
}

fn unreadable(error: &dyn std::fmt::Display) -> Ended {
    let status = with_reason(Code::Unavailable, "LOG_UNREADABLE", error.to_string());
    Ended::Failed(status)
}

impl Backtest {
    /// Runs to the end; the permit is kept until nothing is reckoned any more.
    fn run(mut self, runtime: &Handle, permit: OwnedSemaphorePermit) {
        let ended = self.report(runtime);
        drop(permit);
        let last = match ended {
            Ok(answer) => Ok(answer),
            Err(Ended::Left) => return,
            Err(Ended::Failed(status)) => Err(status),
        };
        // Who has left wants no answer.
        let _ = self.answers.blocking_send(last);
    }

    fn report(&mut self, runtime: &Handle) -> Result<v1::RunBacktestResponse, Ended> {
        let mut asked = Asked::default();
        let tried = self.tried.take();
        let tried = tried.map(|tried| Judge::trying(tried.rules, tried.judged, self.today));
        let in_force = Judge::new(self.shipped.clone(), self.today);
        let judges = tried.into_iter().chain(std::iter::once(in_force));
        let sought = Sought::new(&*self.newest, &self.scope);
        let trials = judges.map(|judge| Trial::new(judge, &sought));
        let mut trials: Vec<Trial<'_>> = trials.collect();
        self.fold(runtime, (&mut asked, &sought), &mut trials)?;
        for trial in &mut trials {
            trial.end(&self.stretch, &asked);
        }
        let outcomes = Outcomes::read(&asked, &sought, || self.goes_on())?;
        let mut runs = trials
            .iter()
            .map(|trial| report::run(trial, &outcomes, &self.stretch));
        let report = v1::BacktestReport {
            from_position: self.stretch.from,
            to_position: self.stretch.to,
            from_day: self.stretch.from_day.to_string(),
            to_day: self.stretch.to_day.to_string(),
            known_position: outcomes.position,
            tried: runs.next(),
            in_force: runs.next(),
            looks_left_out: asked.looks_left_out(),
            quota_count: outcomes.of.len() as u64,
            quotas: report::quotas(&outcomes),
        };
        let answer = v1::RunBacktestResponse {
            position: self.stretch.to,
            of: self.stretch.to,
            report: Some(report),
        };
        fits(&answer, self.message_bytes_max)?;
        Ok(answer)
    }

    /// Folds the ledger up to the end of the stretch.
    fn fold(
        &self,
        runtime: &Handle,
        (asked, sought): (&mut Asked, &Sought<'_>),
        trials: &mut [Trial<'_>],
    ) -> Result<(), Ended> {
        let to = self.stretch.to;
        let step = (to / STEPS).max(1);
        let (mut folded, mut tell_at) = (0, step);
        let opened = self.wait(runtime, self.log.open(1, to))?;
        let mut batches: Batches = opened.map_err(|error| unreadable(&error))?;
        loop {
            let next = self.wait(runtime, batches.next())?;
            let Some(mut batch) = next.map_err(|error| unreadable(&error))? else {
                break;
            };
            while let Some((position, known, event)) =
                batch.next().map_err(|error| unreadable(&error))?
            {
                self.goes_on()?;
                self.take(asked, trials, (position, known, event))?;
                asked.note(known, event, &self.stretch, sought);
                folded = position;
            }
            if folded >= tell_at {
                tell_at = folded + step;
                // Whoever reads slowly misses some.
                let _ = self.answers.try_send(Ok(v1::RunBacktestResponse {
                    position: folded,
                    of: to,
                    report: None,
                }));
            }
        }
        if folded == to {
            Ok(())
        } else {
            Err(unreadable(&format!(
                "the log ends at {folded}, before {to}"
            )))
        }
    }

    fn take(
        &self,
        asked: &Asked,
        trials: &mut [Trial<'_>],
        (position, known, event): (u64, Timestamp, &Event),
    ) -> Result<(), Ended> {
        for trial in trials.iter_mut() {
            trial
                .fold(&self.stretch, asked, (position, known, event))
                .map_err(|error| unreadable(&error))?;
        }
        Ok(())
    }

    /// Whether anybody waits for the report.
    fn goes_on(&self) -> Result<(), Ended> {
        if self.answers.is_closed() {
            return Err(Ended::Left);
        }
        if self.shutdown.is_cancelled() {
            return Err(Ended::Failed(stopping()));
        }
        Ok(())
    }

    /// Waits for the log, unless the caller leaves or the service stops first.
    fn wait<T>(&self, runtime: &Handle, what: impl Future<Output = T>) -> Result<T, Ended> {
        runtime.block_on(async {
            let gone = async {
                tokio::select! {
                    () = self.answers.closed() => Ended::Left,
                    () = self.shutdown.cancelled() => Ended::Failed(stopping()),
                }
            };
            match futures::future::select(Box::pin(gone), Box::pin(what)).await {
                Either::Left((ended, _)) => Err(ended),
                Either::Right((done, _)) => Ok(done),
            }
        })
    }
}

#[cfg(test)]
mod tests;
