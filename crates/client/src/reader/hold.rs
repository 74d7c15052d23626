//! Whether the stream, the log or the hub is the one that was read before.

use super::*;

impl Reader {
    /// Holds that an event is the one that was seen at its position.
    pub(super) fn hold(&self, source: &str, found: &Mark, at: &str) -> Result<(), Error> {
        match self.taken.mark(source) {
            Some(seen) if seen.position == found.position && seen != found => Err(Error::Forked {
                source_name: source.to_owned(),
                position: seen.position,
                at: at.to_owned(),
                seen: seen.to_string(),
                found: found.to_string(),
            }),
            _ => Ok(()),
        }
    }

    /// The same of a message that came although it was taken.
    pub(super) fn hold_double(&self, message: &Pulled) -> Result<(), Error> {
        let Some(source) = self.options.ledger_name().map(source_of) else {
            return Ok(());
        };
        let seen = self.taken.mark(&source).map(|mark| mark.position);
        if seen != Some(message.sequence) {
            return Ok(());
        }
        let found = self.stored(message.sequence, message.payload.clone())?;
        self.hold(&source, &Mark::of(&found), &self.options.stream())
    }

    /// Holds that the stream of a ledger has what was seen last; false if that cannot be told, or not yet.
    pub(super) async fn compare(
        &mut self,
        pull: &mut Pull,
        look: Option<&Look>,
    ) -> Result<bool, Error> {
        let Some(source) = self.options.ledger_name().map(source_of) else {
            return Ok(true);
        };
        let seen = self.taken.mark(&source).map(|mark| mark.position);
        let position = seen.unwrap_or(self.cursor);
        if position == 0 {
            return Ok(true);
        }
        let is_there = look.is_none_or(|look| (look.first..=look.last).contains(&position));
        let found = match is_there {
            true => self.message(pull, position).await?,
            false => None,
        };
        let Some(found) = found else {
            return Ok(seen.is_none());
        };
        let found = Mark::of(&found);
        self.hold(&source, &found, &self.options.stream())?;
        self.taken.set_mark(&source, found);
        Ok(true)
    }

    /// Everything up to a sequence is passed, since the consumer gives nothing before it.
    pub(super) async fn pass(&mut self, pull: &mut Pull, sequence: u64) -> Result<(), Error> {
        let found = self.message(pull, sequence).await?;
        self.id = found.as_ref().map(|found| found.id.clone());
        if let Some(source) = self.options.ledger_name().map(source_of)
            && let Some(found) = found
        {
            self.taken.set_mark(&source, Mark::of(&found));
        }
        self.cursor = sequence;
        Ok(())
    }

    /// The event with a sequence of the stream, if it may be asked for and is one.
    async fn message(&mut self, pull: &mut Pull, sequence: u64) -> Result<Option<Event>, Error> {
        if !self.may_get || !self.may_look {
            return Ok(None);
        }
        let found = match pull.message(sequence).await {
            Ok(found) => found,
            Err(bus::PullError::NotPermitted { .. }) => {
                self.may_get = false;
                None
            }
            Err(error) => return Err(error.into()),
        };
        let read = found.map(|found| self.stored(sequence, found.payload));
        match read {
            // Others may publish to a hub.
            Some(Err(_)) if self.options.ledger_name().is_none() => Ok(None),
            read => read.transpose(),
        }
    }

    fn stored(&self, sequence: u64, payload: Bytes) -> Result<Event, Error> {
        Event::read(String::new(), payload).map_err(|why| Error::Message {
            stream: self.options.stream(),
            sequence,
            why,
        })
    }

    /// Holds that the stream is the ledger's; false if it is a hub's that is to be read from its beginning.
    pub(super) async fn check_stream(
        &mut self,
        look: &Look,
        pull: &mut Pull,
    ) -> Result<bool, Error> {
        let Some(ledger) = self.options.ledger_name() else {
            let known = self.created.replace(look.created.clone());
            let is_another = known.is_some_and(|known| known != look.created);
            if is_another || look.last < self.cursor || self.is_reused(look, pull).await? {
                // What was taken is dropped by its source and position.
                warn!(
                    "stream {} is another one, or lost its end: it is read again from its beginning",
                    self.options.stream()
                );
                // What it dropped before, it dropped before it was read.
                let first = look.first.saturating_sub(1);
                (self.cursor, self.id) = (first.min(self.cursor), None);
                return Ok(false);
            }
            return Ok(true);
        };
        match &look.ledger {
            Some(found) if found != ledger => Err(Error::OtherLedger {
                what: format!("stream {}", self.options.stream()),
                found: found.clone(),
                wanted: ledger.to_owned(),
            }),
            _ => Ok(true),
        }
    }

    /// Whether a hub has another event at the sequence that was taken last: it lost its end, and collected anew.
    async fn is_reused(&mut self, look: &Look, pull: &mut Pull) -> Result<bool, Error> {
        let Some(id) = self.id.clone().filter(|_| self.cursor >= look.first) else {
            return Ok(false);
        };
        let found = self.message(pull, self.cursor).await?;
        Ok(found.is_some_and(|found| found.id != id))
    }

    /// Holds that the log, as its relay tells it, has what was read.
    pub(super) async fn check_head(&mut self, pull: &mut Pull) -> Result<(), Error> {
        let Some(ledger) = self.options.ledger_name() else {
            return Ok(());
        };
        match pull.head(ledger, HEARTBEAT_MAX).await? {
            Some(head) if head < self.cursor => Err(self.ahead(head)),
            _ => Ok(()),
        }
    }

    pub(super) fn ahead(&self, head: u64) -> Error {
        Error::Ahead {
            ledger: self.options.ledger_name().unwrap_or_default().to_owned(),
            position: self.cursor,
            head,
        }
    }
}
