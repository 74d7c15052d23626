//! Alerting: bus → lag → cases → notifications.
//!
//! Alerting folds the ledger with the same code as everybody else, judges every series that somebody was asked for, and keeps what follows from that (cases opened and cleared, offices told) in a log of its own.
//! That log is relayed to the bus as a ledger of its own, `<ledger>-alerts`.
//!
//! - [`Config`], [`build`], [`Alerting::run`]: the service
//! - [`Judge`]: the pure core: events in, verdicts and changes of cases out
//! - [`CaseKey`], [`Change`], [`Filter`]: what it speaks of
//! - `assess`: one locality and one indicator, judged against each quota in force
//! - `family`: the series of one indicator, and which of them a report decides something for
//! - `figures`: reported figures as the numbers that `lag` judges
//! - `neighbours`: the siblings a locality is compared with
//! - `outcomes`: what past forecasts came to, for a verdict's band and probability
//! - `render`: verdicts, cases and notifications in words and messages
//! - `notice`: what offices are told at each step of the ladder
//! - `book`: what alerting's own log says: cases, each with its `life` among people, and `silence`s
//! - `rules`: the rules in force, as they were adopted
//! - `book`: what alerting's own log says was told
//! - `desk`: where judging, telling and asking meet; read its essay about restarts first
//! - `escalate`: which step is due on a day, or why it is not taken
//! - `acts`: what people ask to be recorded
//! - `reader`: the ledger, from the bus and in bulk
//! - `origin`: the own log as the relay sees it
//! - `sight`: cases as they were for a day, as known at a position
//! - `backtest`: rules tried on a stretch of the ledger
//! - `letter`: letters to the heads of units, drafted from cases
//! - [`delivery`]: what is told, handed on by webhook, mail and Alertmanager
//! - `grpc`: `AlertingService`
//! - `shown`, `page`: cases as they are answered
//! - `grpc`: `AlertingService`, with `questions`, `people` and `watch`

mod acts;
mod assess;
mod backtest;
mod book;
mod case;
pub mod delivery;
mod desk;
mod escalate;
#[cfg(test)]
mod facts;
mod family;
mod figures;
mod grpc;
#[cfg(test)]
#[expect(dead_code, reason = "the tests of cases use all of it")]
#[path = "../tests/cases/history.rs"]
mod history;
mod judge;
mod letter;
mod life;
mod neighbours;
mod notice;
mod origin;
mod outcomes;
mod page;
mod people;
mod questions;
mod reader;
mod render;
mod rules;
mod service;
mod shown;
mod sight;
mod silence;
mod watch;

pub use case::{CaseKey, Change};
pub use judge::{Filter, Judge};
pub use rules::shipped_steps;
pub use service::{Alerting, Config, Error, alerts_ledger, build};
