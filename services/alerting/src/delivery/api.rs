//! What operators ask about deliveries.

use std::collections::BTreeSet;

use tonic::{Code, Request, Response, Status};
use wire::status::with_reason;
use wire::v1;

use super::dispatch::Dispatch;

/// Dead letters in one answer.
const DEAD_LETTERS_MAX: usize = 1_000;

impl Dispatch {
    /// The sinks of the contacts file and those on record.
    fn known_sinks(&self) -> BTreeSet<String> {
        let mut sinks = self.sinks();
        let account = self.account();
        sinks.extend(account.lines().map(|(receiver, _)| receiver.sink.clone()));
        sinks
    }

    fn check_sink(&self, sink: &str, known: &BTreeSet<String>) -> Result<(), Status> {
        if sink.is_empty() || known.contains(sink) {
            return Ok(());
        }
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        let known = match known.as_slice() {
            [] => "there is none (serve alerting --contacts FILE)".to_owned(),
            known => format!("there are: {}", known.join(", ")),
        };
        let message = format!("there is no sink '{sink}'; {known}");
        Err(with_reason(Code::NotFound, "UNKNOWN_SINK", message))
    }

    /// How far each sink has come, and its dead letters.
    pub(crate) fn list(
        &self,
        request: &Request<v1::ListDeliveriesRequest>,
    ) -> Result<Response<v1::ListDeliveriesResponse>, Status> {
        let wanted = &request.get_ref().sink;
        let mut sinks = self.known_sinks();
        self.check_sink(wanted, &sinks)?;
        sinks.retain(|sink| wanted.is_empty() || sink == wanted);
        let mut answer = v1::ListDeliveriesResponse {
            head: self.log().head(),
            ..v1::ListDeliveriesResponse::default()
        };
        let states = sinks.iter().map(|sink| self.state(sink));
        answer.sinks = states.collect();
        let account = self.account();
        for (receiver, line) in account.lines() {
            if !sinks.contains(&receiver.sink) {
                continue;
            }
            answer.total_dead_letters += line.dead.len() as u64;
            let dead = line.dead.iter().map(|(position, dead)| v1::DeadLetter {
                sink: receiver.sink.clone(),
                recipient: receiver.recipient.clone(),
                position: *position,
                attempts: dead.attempts,
                last_error: dead.last_error.clone(),
                given_up: Some(wire::time::to_wire(dead.given_up)),
            });
            answer.dead_letters.extend(dead);
        }
        answer.dead_letters.sort_by_key(|dead| dead.position);
        answer.dead_letters.truncate(DEAD_LETTERS_MAX);
        Ok(Response::new(answer))
    }

    fn state(&self, sink: &str) -> v1::SinkState {
        let (delivered, failed, last_error) = self.counts(sink);
        let account = self.account();
        let lines: Vec<_> = account
            .lines()
            .filter(|(receiver, _)| receiver.sink == sink)
            .map(|(_, line)| line)
            .collect();
        v1::SinkState {
            sink: sink.to_owned(),
            through: lines.iter().map(|line| line.through).min().unwrap_or(0),
            delivered,
            failed,
            dead_letters: lines.iter().map(|line| line.dead.len() as u64).sum(),
            last_error,
        }
    }

    /// Sends dead letters once more.
    pub(crate) fn retry(
        &self,
        request: &Request<v1::RetryDeliveriesRequest>,
    ) -> Result<Response<v1::RetryDeliveriesResponse>, Status> {
        let v1::RetryDeliveriesRequest { sink, positions } = request.get_ref();
        // Only a sink of the contacts file has somebody who sends.
        self.check_sink(sink, &self.sinks())?;
        let wanted: BTreeSet<u64> = positions.iter().copied().collect();
        let retried = self.send_again(sink, &wanted);
        if retried == 0 && !positions.is_empty() {
            let message = "none of these positions is a dead letter of a sink or an office in the contacts file; tiendo delivery list shows them";
            return Err(with_reason(
                Code::NotFound,
                "UNKNOWN_DEAD_LETTER",
                message.to_owned(),
            ));
        }
        Ok(Response::new(v1::RetryDeliveriesResponse { retried }))
    }
}
