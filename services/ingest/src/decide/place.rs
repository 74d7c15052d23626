//! Places: which identity a code means, and whether one may begin or end.

use domain::event::{Extent, Successor};
use domain::text::Moment;
use domain::{LocalityCode, LocalityId, Reason};
use jiff::ToSpan as _;
use jiff::civil::Date;
use state::{Life, Lookup};

use super::{OnRecord, Verdict};

/// Most successors named in a refusal.
const SUCCESSORS_TOLD_MAX: usize = 8;

impl OnRecord<'_> {
    fn unknown(&self, code: LocalityCode) -> String {
        if self.state.position() == 0 {
            return format!(
                "{code} is unknown: the ledger holds no places yet; load them with `tiendo load gazetteer`"
            );
        }
        format!("no locality ever had the code {code}")
    }

    /// The identity that a code means at a moment.
    pub(super) fn resolve(
        &self,
        code: LocalityCode,
        since: Option<Date>,
        at: &Moment,
    ) -> Result<LocalityId, (Reason, String)> {
        let day = at.date();
        let ruled_out = |id| self.pending.rules_out(id, day);
        let on_record = match self.state.latest(*at).resolve(code) {
            Lookup::Found(id) if !ruled_out(id) => Ok(id),
            Lookup::Found(id) => {
                let detail = format!("{id} is given another life by this request, without {day}");
                Err((Reason::LocalityNotValid, detail))
            }
            Lookup::NotValid(lives) => {
                let lives: Vec<String> = lives.iter().map(|life| self.told(life)).collect();
                let lives = lives.join("; ");
                let detail = format!("{code} did not exist on {day}; it was {lives}");
                Err((Reason::LocalityNotValid, detail))
            }
            Lookup::Unknown => Err((Reason::UnknownLocality, self.unknown(code))),
        };
        let found = match (self.pending.registered_on(code, day), on_record) {
            (Some(registered), Ok(known)) => registered.max(known),
            (Some(registered), Err(_)) => registered,
            (None, on_record) => on_record?,
        };
        // A second registration wakes nothing that ended, and may know a first day that the one seen on the day does not.
        let life = self.everything().life(found);
        if let Some(life) = life.filter(|life| !life.exists_on(day)) {
            let life = self.told(&life);
            let detail = format!("{found} did not exist on {day}; it was {life}");
            return Err((Reason::LocalityNotValid, detail));
        }
        match since {
            Some(since) if since != found.since => {
                let meant = LocalityId { code, since };
                let life = self.everything().life(meant);
                let was = life.map_or_else(String::new, |life| {
                    format!("; {meant} was {}", self.told(&life))
                });
                let detail = format!("{code} is {found} on {day}{was}");
                Err((Reason::LocalityNotValid, detail))
            }
            _ => Ok(found),
        }
    }

    /// What an identity was called, from when until when, and where its territory went.
    fn told(&self, life: &Life<'_>) -> String {
        let name = &life.name.vi;
        let start = life
            .start
            .map_or_else(String::new, |start| format!(" from {start}"));
        let end = life
            .end
            .map_or_else(String::new, |end| format!(" until before {end}"));
        let mut went = self.named(life.successors.iter());
        let mut then = ", then ";
        // A district had no successor, but what it consisted of has.
        if let (Some(end), true) = (life.end, went.is_empty()) {
            let before = self
                .state
                .latest(Moment::end_of(end.saturating_sub(1.day())));
            let parts = before.children(life.id).into_iter();
            let lives = parts.filter_map(|part| self.everything().life(part.id));
            went = self.named(lives.flat_map(|life| life.successors));
            then = "; what lay within it went to ";
        }
        if went.is_empty() {
            return format!("{name}{start}{end}");
        }
        if went.len() > SUCCESSORS_TOLD_MAX {
            went.truncate(SUCCESSORS_TOLD_MAX);
            went.push("…".to_owned());
        }
        format!("{name}{start}{end}{then}{}", went.join(", "))
    }

    /// The localities that a territory went to, each once, by name and identity.
    fn named<'s>(&self, successors: impl Iterator<Item = &'s Successor>) -> Vec<String> {
        let everything = self.everything();
        let mut named = Vec::new();
        for successor in successors {
            let id = successor.locality;
            let name = everything.life(id).map_or("", |life| life.name.vi.as_str());
            let part = match successor.extent {
                Extent::Full => "",
                Extent::Partial => "in part ",
            };
            let said = format!("{part}{name} ({id})");
            if !named.contains(&said) {
                named.push(said);
            }
        }
        named
    }

    /// Whether all figures of an identity would lie within its life.
    pub(super) fn life(&self, id: LocalityId, start: Option<Date>, end: Option<Date>) -> Verdict {
        let taken_back = |position| self.pending.is_retracted(position);
        let outside = |what, found: (Moment, Option<u64>), instead| {
            let (at, position) = found;
            let position = position.map_or_else(
                || "in this request".to_owned(),
                |position| format!("position {position}"),
            );
            let detail = format!("{id} has figures {what} {at} ({position}); {instead}");
            Err((Reason::FiguresOutsideLife, detail))
        };
        if let Some(end) = end {
            let said = self.pending.figure_from(id, end).map(|at| (at, None));
            let recorded = self.state.figure_from(id, end, taken_back);
            let recorded = recorded.map(|(at, position)| (at, Some(position)));
            if let Some(last) = said.max(recorded) {
                return outside("up to", last, "retract them, or end it later");
            }
        }
        if let Some(start) = start {
            let said = self.pending.figure_before(id, start).map(|at| (at, None));
            let recorded = self.state.figure_before(id, start, taken_back);
            let recorded = recorded.map(|(at, position)| (at, Some(position)));
            if let Some(first) = recorded.or(said) {
                return outside("from", first, "retract them, or leave its first day open");
            }
        }
        Ok(())
    }
}
