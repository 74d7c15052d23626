//! Whether the log, or the stream, is the one that was folded.
//!
//! A reader that took events from a writer that another one has taken over from, or from a log that was restored from an
//! older copy, has folded what the ledger does not have.
//! Two histories differ at every position from the one on at which they part: other requests, taken at other times.
//! So one event tells: the last one folded by all it says, any before it by when it was known.
//!
//! The log says what the ledger is where there is no stream; where there is one, both must say the same before anything
//! is dropped, so that a reader between two histories waits for a person instead of folding the one and the other in turn.

use bytes::Bytes;
use domain::Event;
use jiff::Timestamp;

use crate::log_reader::{self, LogReader};
use crate::{cloud_event, event};

/// The event at a position, by what tells it from any other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// Its position.
    pub position: u64,
    known: Timestamp,
    bytes: Vec<u8>,
}

impl Mark {
    /// Of an event of the log.
    #[must_use]
    pub fn of(position: u64, known: Timestamp, event: &Event) -> Self {
        let bytes = event::to_bytes(event);
        Self {
            position,
            known,
            bytes,
        }
    }

    /// Of an event as it came from the stream, where that has it at `position`.
    ///
    /// # Errors
    /// As [`cloud_event::receive_at`].
    pub fn received(position: u64, payload: &[u8]) -> Result<Self, cloud_event::Error> {
        let (known, event) = cloud_event::receive_at(payload, position)?;
        Ok(Self::of(position, known, &event))
    }
}

/// The last event folded; what came from the stream is read only if it is compared.
#[derive(Debug)]
enum Last {
    Read(Mark),
    Came(u64, Bytes),
}

/// Why a reader cannot say that it is current.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The log has another event where one was folded.
    #[error(
        "the log has another event at position {position} than the one that was folded: what was folded is not in the ledger, or this is not the ledger's log"
    )]
    Parted {
        /// The position.
        position: u64,
    },
    /// Log and stream have different events.
    #[error(
        "the log and the stream have different events at position {position}: another writer has taken the ledger over from the one whose log is read, or that log was restored and its stream was not"
    )]
    Histories {
        /// The position.
        position: u64,
    },
    /// The stream has another event where one was folded, and the log cannot be asked.
    #[error(
        "the stream has another event at position {position} than the one that was folded, and the log cannot be asked which is the ledger's"
    )]
    Unconfirmed {
        /// The position.
        position: u64,
        /// Why it cannot.
        source: log_reader::Error,
    },
    /// The log ends before what was folded.
    #[error("the log ends at {head} and {folded} is folded: it is behind, or it has lost events")]
    Behind {
        /// Where it ends.
        head: u64,
        /// Up to where was folded.
        folded: u64,
    },
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] log_reader::Error),
    /// What the stream holds is no event of this version.
    #[error("what the stream has at position {position} cannot be read")]
    Message {
        /// The position.
        position: u64,
        /// Why.
        source: cloud_event::Error,
    },
}

impl Error {
    /// A code for the operator's runbook.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Parted { .. } | Self::Histories { .. } | Self::Unconfirmed { .. } => FORKED,
            Self::Behind { .. } => "LOG_BEHIND_STATE",
            Self::Log(error) => error.reason(),
            Self::Message { .. } => "STREAM_UNREADABLE",
        }
    }

    /// Whether it says that something is wrong with what was folded, or with the log, and not that neither can be read.
    #[must_use]
    pub fn is_about_history(&self) -> bool {
        !matches!(self, Self::Log(_) | Self::Message { .. })
    }
}

/// The code of a reader that has folded what the ledger does not have.
pub const FORKED: &str = "LEDGER_FORKED";

/// What is at odds with what was folded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Odds {
    /// The log, at this position.
    Log(u64),
    /// The stream, at this position; the log was not asked yet.
    Stream(u64),
    /// The log and the stream with each other, at this position.
    Both(u64),
    Behind,
}

/// What was folded, held against what the log and the stream have.
#[derive(Debug, Default)]
pub struct Lineage {
    last: Option<Last>,
    odds: Option<Odds>,
    /// Whether it was held against the stream, or there was none to ask.
    compared: bool,
    /// Whether the log was read to its head.
    read: bool,
    /// Whether what was folded was once seen in the stream, so that the log alone cannot make it wrong.
    streamed: bool,
}

impl Lineage {
    /// Takes note of the last event folded from the log, if its reader can tell.
    pub fn read(&mut self, mark: Option<Mark>) {
        if let Some(mark) = mark {
            self.last = Some(Last::Read(mark));
        }
    }

    /// Takes note of an event folded from the stream.
    pub fn came(&mut self, position: u64, payload: Bytes) {
        self.last = Some(Last::Came(position, payload));
        self.streamed = true;
    }

    /// Takes note that everything up to the log's head is folded.
    pub fn read_to_head(&mut self) {
        self.read = true;
    }

    /// Whether what was folded is the ledger, as far as anybody can tell.
    #[must_use]
    pub fn is_current(&self) -> bool {
        self.compared && self.read && self.odds.is_none()
    }

    /// Whether it was held against the stream, or there was none to ask.
    #[must_use]
    pub fn is_compared(&self) -> bool {
        self.compared
    }

    /// Whether an event is the one folded at its position, which was known at `known` then.
    fn is(&self, mark: &Mark, known: Option<Timestamp>) -> bool {
        let last = match &self.last {
            Some(Last::Read(last)) => Some(last.clone()),
            Some(Last::Came(position, payload)) if *position == mark.position => {
                Mark::received(*position, payload).ok()
            }
            _ => None,
        };
        match last.filter(|last| last.position == mark.position) {
            Some(last) => last == *mark,
            None => known == Some(mark.known),
        }
    }

    /// Holds the log against what was folded, up to position `folded`, before more of it is folded; `known_of` tells
    /// when the event folded at a position was known.
    ///
    /// # Errors
    /// [`Error`]: nothing of this log is to be folded behind what is there.
    pub async fn hold_log(
        &mut self,
        log: &LogReader,
        folded: u64,
        known_of: impl Fn(u64) -> Option<Timestamp>,
    ) -> Result<(), Error> {
        // The stream must say something else first.
        if let Some(Odds::Both(position) | Odds::Stream(position)) = self.odds {
            return Err(Error::Histories { position });
        }
        if folded == 0 {
            self.odds = None;
            return Ok(());
        }
        let (head, mut mark) = log.mark(folded).await?;
        if mark.is_none() && head > 0 {
            mark = log.mark(head).await?.1;
        }
        if let Some(mark) = mark {
            let position = mark.position;
            if !self.is(&mark, known_of(position)) {
                self.odds = Some(Odds::Log(position));
                return Err(Error::Parted { position });
            }
        }
        if head < folded {
            self.odds = Some(Odds::Behind);
            return Err(Error::Behind { head, folded });
        }
        self.odds = None;
        Ok(())
    }

    /// Holds what the stream has at a position that was folded, if it can be asked, against what was folded; the
    /// position behind which everything is to be dropped is given if that is not the ledger.
    ///
    /// # Errors
    /// [`Error::Histories`] if the log is no better; what cannot be read.
    pub async fn hold_stream(
        &mut self,
        log: &LogReader,
        held: Option<(u64, &[u8])>,
        known_of: impl Fn(u64) -> Option<Timestamp>,
    ) -> Result<Option<u64>, Error> {
        let Some((position, payload)) = held else {
            return match self.odds {
                Some(Odds::Log(position)) if !self.streamed => Ok(Some(position)),
                Some(Odds::Log(position)) => Err(Error::Parted { position }),
                Some(Odds::Stream(_) | Odds::Both(_)) => Ok(None),
                Some(Odds::Behind) | None => {
                    self.compared = true;
                    Ok(None)
                }
            };
        };
        let there = Mark::received(position, payload);
        let there = there.map_err(|source| Error::Message { position, source })?;
        if self.is(&there, known_of(position)) {
            match self.odds {
                // A stream that is filled again agrees up to where the histories part.
                Some(Odds::Both(at) | Odds::Stream(at)) if position < at => return Ok(None),
                Some(Odds::Both(_) | Odds::Stream(_)) => self.odds = None,
                Some(Odds::Log(_) | Odds::Behind) | None => {}
            }
            (self.compared, self.streamed) = (true, true);
            return Ok(None);
        }
        // Before the log is asked: whether it can be is no excuse.
        (self.compared, self.odds) = (false, Some(Odds::Stream(position)));
        let logged = log.mark(position).await;
        let (_, logged) = logged.map_err(|source| Error::Unconfirmed { position, source })?;
        match logged {
            Some(logged) if logged != there => {
                self.odds = Some(Odds::Both(position));
                Err(Error::Histories { position })
            }
            // A log that ends before it says nothing else, and is held against the stream again once it is folded.
            _ => Ok(Some(position)),
        }
    }
}
