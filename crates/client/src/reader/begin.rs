//! Where a subscription begins.

use super::*;

/// Clocks of a hub and of its provinces differ by less than this.
const CLOCKS_APART: Duration = Duration::from_secs(600);

impl Reader {
    /// Finds where to begin; nothing is read yet.
    pub(crate) async fn begin(options: Options) -> Result<Self, Error> {
        filter::check(&options.filters, options.ledger_name())?;
        if let Some(domain) = &options.domain
            && (domain.is_empty() || domain.contains(['.', '*', '>', ' ']))
        {
            let why = format!("`{domain}` is no JetStream domain, which is one token");
            return Err(Error::Start { why });
        }
        let log = match (&options.log, options.ledger_name()) {
            (None, _) => None,
            (Some(address), Some(_)) => Some(LogReader::new(address).map_err(|source| {
                let (address, position) = (address.clone(), 1);
                Error::Log {
                    address,
                    position,
                    source,
                }
            })?),
            (Some(_), None) => {
                let why = "a hub has many logs; subscribe to each ledger to read its log";
                return Err(Error::Start {
                    why: why.to_owned(),
                });
            }
        };
        let mut reader = Self {
            log,
            options,
            is_log_due: false,
            may_look: true,
            may_get: true,
            consumer_filters: None,
            since: None,
            cursor: 0,
            created: None,
            id: None,
            taken: Checkpoint::default(),
            missed: None,
            stage: Stage::Closed { read_after: None },
            ready: VecDeque::new(),
            late: BTreeMap::new(),
            has_moved: false,
            status: Status::default(),
        };
        reader.cursor = reader.start().await?;
        Ok(reader)
    }

    /// See [`crate::Subscription::pass_over`].
    pub(crate) async fn pass_over(&mut self) -> Result<(), Error> {
        let mut pull = Pull::connect(pull_options(&self.options)).await?;
        let first = match self.options.consumer {
            Some(_) => pull.begin(self.cursor).await?.floor + 1,
            None => 0,
        };
        let looked = look(&mut pull, &self.options, &mut self.may_look).await?;
        let first = first.max(looked.map_or(0, |look| look.first));
        if first > self.cursor + 1 {
            (self.cursor, self.id) = (first - 1, None);
        }
        self.close();
        Ok(())
    }

    /// Everything up to this sequence is left out.
    async fn start(&mut self) -> Result<u64, Error> {
        match self.options.start.clone() {
            Start::Position(position) => Ok(position.saturating_sub(1)),
            Start::Checkpoint(checkpoint) => self.resume(checkpoint),
            Start::New => self.newest().await,
            Start::Time(time) => self.at(time).await,
            Start::Acknowledged if self.options.consumer.is_some() => self.acknowledged().await,
            Start::Acknowledged => Err(Error::Start {
                why: "only a durable consumer knows what was acknowledged; name one, or keep a checkpoint"
                    .to_owned(),
            }),
        }
    }

    /// The floor of the durable consumer, if it can be trusted: a message that the stream drops before it was acknowledged
    /// counts as acknowledged for the server.
    async fn acknowledged(&mut self) -> Result<u64, Error> {
        let mut pull = Pull::connect(pull_options(&self.options)).await?;
        let standing = pull.begin(0).await?;
        let look = look(&mut pull, &self.options, &mut self.may_look).await?;
        let (first, floor) = (look.map_or(0, |look| look.first), standing.floor);
        if first > 1 && floor < first && standing.was_given {
            let stream = self.options.stream();
            let why = format!(
                "stream {stream} begins at {first}, so it may have dropped what the consumer did not acknowledge \
                 before {floor}, and the server counts that as acknowledged; begin with a checkpoint or a position"
            );
            return Err(Error::Start { why });
        }
        Ok(floor)
    }

    fn resume(&mut self, mut checkpoint: Checkpoint) -> Result<u64, Error> {
        checkpoint.check_marks();
        let Some(ledger) = self.options.ledger_name() else {
            let place = checkpoint.hub().cloned();
            self.created = place.as_ref().map(|place| place.created.clone());
            self.id = place.as_ref().and_then(|place| place.id.clone());
            self.taken = checkpoint;
            return Ok(place.map_or(0, |place| place.sequence));
        };
        let source = source_of(ledger);
        let mut others = checkpoint.positions().keys();
        match others.find(|other| **other != source) {
            Some(other) => Err(Error::OtherLedger {
                what: "the checkpoint".to_owned(),
                found: other.trim_start_matches("/tiendo/").to_owned(),
                wanted: ledger.to_owned(),
            }),
            None => {
                let position = checkpoint.position(&source);
                self.taken = checkpoint;
                Ok(position)
            }
        }
    }

    async fn newest(&mut self) -> Result<u64, Error> {
        match &self.log {
            Some(log) => {
                let found = answered(log.ledger()).await;
                let found = found.map_err(|error| self.no_log(1, error))?;
                match found.fence {
                    // The ledger goes on elsewhere, and may end before this log does.
                    Some((position, writer)) => Err(Error::Fenced {
                        address: self.options.log.clone().unwrap_or_default(),
                        position,
                        writer,
                    }),
                    None => Ok(found.head),
                }
            }
            None => Ok(self.looked().await?.1.last),
        }
    }

    async fn looked(&mut self) -> Result<(Pull, Look), Error> {
        let mut pull = Pull::connect(pull_options(&self.options)).await?;
        let look = pull.look().await?;
        Ok((pull, look))
    }

    /// The last sequence before a time.
    async fn at(&mut self, time: Timestamp) -> Result<u64, Error> {
        if let Some(log) = &self.log {
            let found = answered(log.position_at(time)).await;
            return Ok(found.map_err(|error| self.no_log(1, error))? - 1);
        }
        let stream = self.options.stream();
        let (mut pull, look) = self.looked().await?;
        let is_ledger = self.options.ledger_name().is_some();
        let unfit = |sequence, why| Error::Message {
            stream: stream.clone(),
            sequence,
            why,
        };
        // The log's own time is in the event. A hub has events of many logs, in the order of its own time.
        let wanted = match is_ledger {
            true => time,
            false => time.saturating_sub(CLOCKS_APART).unwrap_or(time),
        };
        let mut is_before = async |sequence: u64| match pull.stored(sequence).await? {
            None => Ok(None),
            Some(found) if is_ledger => {
                let event = Event::read(String::new(), found.payload);
                let event = event.map_err(|why| unfit(found.sequence, why))?;
                Ok::<_, Error>((event.recorded < wanted).then_some(found.sequence))
            }
            Some(found) => {
                let before = found.taken_micros < wanted.as_microsecond();
                Ok(before.then_some(found.sequence))
            }
        };
        // Before `low` everything is too early, from `high` on nothing.
        let (mut low, mut high) = (look.first.max(1), look.last + 1);
        let begins_before = is_before(low).await?.is_some();
        while low < high {
            let middle = low + (high - low) / 2;
            match is_before(middle).await? {
                Some(sequence) => low = sequence + 1,
                None => high = middle,
            }
        }
        if is_ledger && !begins_before && look.first > 1 {
            return Err(Error::BeyondRetention {
                stream,
                first: look.first,
                wanted: 1,
            });
        }
        self.since = (!is_ledger).then_some(time);
        Ok(low.saturating_sub(1))
    }
}
