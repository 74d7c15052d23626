//! What surrounds the figures: quotas and their revisions, owners, the statuses of models.
//!
//! Provinces and districts lead all models, communes take part in one of eight.

use domain::event::{ModelStatus, OwnerChange, QuotaLayer, Role};
use domain::{Body, Event, Level};
use jiff::ToSpan as _;
use jiff::civil::Date;
use wire::v1;

use super::figures::{Numbers, REVISION_DAYS};
use super::places::{Country, Unit};
use super::writer::{Writer, new_event};
use super::{Indicators, end_of};
use crate::Failure;
use crate::command::bench::sample::{against, hash, salt};

/// Events of a request.
const REQUEST_EVENTS: usize = 1_000;
/// One lead in so many is handed over within [`REVISION_DAYS`].
const HANDED_OVER_ONE_IN: u64 = 100;
/// Days for which a quota is given.
const QUOTA_DAYS: i64 = 180;
/// What tells the draws of one place and model from each other.
const LEAD: u64 = 0x0f0a;
const STATUS: u64 = 0x0f0b;
/// Who leads.
const OFFICES: [&str; 4] = ["Công an", "Tư pháp", "Nội vụ", "Văn phòng Ủy ban nhân dân"];

/// The models, as the catalogue has them.
pub(super) struct Programme {
    models: Vec<Model>,
}

struct Model {
    code: String,
    token: String,
    salt: u64,
}

impl Programme {
    pub(super) fn new(catalogue: &[Event], seed: u64) -> Self {
        let models = catalogue.iter().filter_map(|event| match &event.body {
            Body::ModelDefined(defined) => Some(Model {
                code: defined.model.to_string(),
                token: defined.model.token(),
                salt: salt(defined.model.as_str(), seed),
            }),
            _ => None,
        });
        Self {
            models: models.collect(),
        }
    }

    /// Gives quotas to some units.
    pub(super) fn quotas(
        &self,
        country: &Country,
        numbers: &Numbers,
        indicators: &Indicators,
        day: Date,
        units: &[usize],
        writer: &mut Writer<'_>,
    ) -> Result<(), Failure> {
        let kinds = indicators.kinds.len();
        let mut sender = Sender::new(writer, day, "quota.assigned");
        for at in units {
            let unit = &country.units[*at];
            for series in indicators.series.iter().filter(|one| one.has_quota) {
                let count = numbers.denominators[*at * kinds + series.kind];
                let assigned = v1::QuotaAssigned {
                    locality: Some(unit.reference.clone()),
                    indicator: series.code.clone(),
                    layer: wire::event::quota_layer(QuotaLayer::Central),
                    denominator: Some(against(&indicators.kinds[series.kind], count)),
                    target_percent: "90".to_owned(),
                    start: day.to_string(),
                    deadline: day.saturating_add(QUOTA_DAYS.days()).to_string(),
                    milestones: Vec::new(),
                    document: Some(v1::Document {
                        number: String::new(),
                        date: String::new(),
                        issuer: "Bộ Công an".to_owned(),
                        title: "Chỉ tiêu giả định để đo tốc độ".to_owned(),
                    }),
                };
                let subject = format!("quota/{}/{}", unit.key, series.token);
                sender.send(subject, v1::event::Body::QuotaAssigned(assigned))?;
            }
        }
        sender.finish()
    }

    /// The owners of all models, and how far each place is with its own on a day.
    pub(super) fn begin(
        &self,
        country: &Country,
        day: Date,
        index: u32,
        writer: &mut Writer<'_>,
    ) -> Result<(), Failure> {
        let mut leads = Sender::new(writer, day, "owner.assigned");
        for (unit, model) in self.leading(country) {
            let change = OwnerChange::Assigned;
            let (subject, assigned) = model.lead(unit, &model.office(unit), &[], change, "");
            leads.send(subject, v1::event::Body::OwnerAssigned(assigned))?;
        }
        leads.finish()?;
        let mut statuses = Sender::new(writer, day, "model.status-changed");
        for (unit, model) in self.taking_part(country) {
            let (subject, changed) = model.status(unit, model.status_on(unit, index));
            statuses.send(subject, v1::event::Body::ModelStatusChanged(changed))?;
        }
        statuses.finish()
    }

    /// What changes on a day: leads that are handed over, models that go on.
    pub(super) fn change(
        &self,
        country: &Country,
        day: Date,
        index: u32,
        writer: &mut Writer<'_>,
    ) -> Result<(), Failure> {
        if day == country.on {
            // All of it is as it began this morning.
            return Ok(());
        }
        let mut leads = Sender::new(writer, day, "owner.handed-over");
        for (unit, model) in self.leading(country) {
            let draw = hash(unit.salt ^ model.salt ^ LEAD);
            let is_due = (draw >> 8).is_multiple_of(HANDED_OVER_ONE_IN)
                && (draw >> 16) % REVISION_DAYS == u64::from(index);
            if is_due {
                let from = [model.office(unit)];
                let to = format!("Ban chỉ đạo Đề án 06 {}", unit.name);
                let (subject, assigned) = model.lead(
                    unit,
                    &to,
                    &from,
                    OwnerChange::HandedOver,
                    "Phân công lại nhiệm vụ",
                );
                leads.send(subject, v1::event::Body::OwnerAssigned(assigned))?;
            }
        }
        leads.finish()?;
        let mut statuses = Sender::new(writer, day, "model.status-changed");
        for (unit, model) in self.taking_part(country) {
            let status = model.status_on(unit, index);
            if status != model.status_on(unit, index.saturating_sub(1)) {
                let (subject, changed) = model.status(unit, status);
                statuses.send(subject, v1::event::Body::ModelStatusChanged(changed))?;
            }
        }
        statuses.finish()
    }

    /// Who leads which model.
    fn leading<'p>(&'p self, country: &'p Country) -> impl Iterator<Item = (&'p Unit, &'p Model)> {
        let above = country
            .units
            .iter()
            .filter(|unit| unit.id.code.level() < Level::Commune);
        above.flat_map(|unit| self.models.iter().map(move |model| (unit, model)))
    }

    /// Who takes part in which model.
    fn taking_part<'p>(
        &'p self,
        country: &'p Country,
    ) -> impl Iterator<Item = (&'p Unit, &'p Model)> {
        let units = country.units.iter();
        let pairs = units.flat_map(|unit| self.models.iter().map(move |model| (unit, model)));
        pairs.filter(|(unit, model)| {
            unit.id.code.level() < Level::Commune || hash(unit.salt ^ model.salt).is_multiple_of(8)
        })
    }
}

impl Model {
    /// Who leads it in a place at first.
    fn office(&self, unit: &Unit) -> String {
        let draw = hash(unit.salt ^ self.salt ^ LEAD) % OFFICES.len() as u64;
        format!("{} {}", OFFICES[draw as usize], unit.name)
    }

    fn lead(
        &self,
        unit: &Unit,
        organisation: &str,
        from: &[String],
        change: OwnerChange,
        reason: &str,
    ) -> (String, v1::OwnerAssigned) {
        let assigned = v1::OwnerAssigned {
            scope: Some(v1::owner_assigned::Scope::Model(self.code.clone())),
            locality: Some(unit.reference.clone()),
            role: wire::event::role(Role::Lead),
            organisations: vec![organisation.to_owned()],
            accountable_office: format!("Thủ trưởng {organisation}"),
            source: Some(v1::Source {
                title: "Phân công giả định để đo tốc độ".to_owned(),
                url: String::new(),
            }),
            // As events on record have it, a first assignment goes without saying.
            change: match change {
                OwnerChange::Assigned => v1::OwnerChange::Unspecified as i32,
                change => wire::event::owner_change(change),
            },
            from: from.to_vec(),
            reason: reason.to_owned(),
            ..Default::default()
        };
        (format!("owner/{}/{}", unit.key, self.token), assigned)
    }

    /// How far a place is on a day, counted from the first of the load.
    fn status_on(&self, unit: &Unit, index: u32) -> ModelStatus {
        let draw = hash(unit.salt ^ self.salt ^ STATUS);
        let piloting = draw % 60;
        let deployed = piloting + 30 + (draw >> 8) % 60;
        match u64::from(index) {
            index if index >= deployed => ModelStatus::Deployed,
            index if index >= piloting => ModelStatus::Piloting,
            _ => ModelStatus::Planned,
        }
    }

    fn status(&self, unit: &Unit, status: ModelStatus) -> (String, v1::ModelStatusChanged) {
        let changed = v1::ModelStatusChanged {
            model: self.code.clone(),
            locality: Some(unit.reference.clone()),
            status: wire::event::model_status(status),
            note: String::new(),
        };
        (format!("model/{}/{}", unit.key, self.token), changed)
    }
}

/// Sends events of one kind and day, so many in a request.
struct Sender<'w, 's> {
    writer: &'w mut Writer<'s>,
    kind: &'static str,
    request_id: uuid::Uuid,
    event: v1::Event,
    events: Vec<event_log::NewEvent>,
}

impl<'w, 's> Sender<'w, 's> {
    fn new(writer: &'w mut Writer<'s>, day: Date, kind: &'static str) -> Self {
        let event = v1::Event {
            actor: Some(v1::Actor {
                organisation: "Bộ Công an".to_owned(),
                office: "Tổ công tác Đề án 06".to_owned(),
            }),
            effective: end_of(day),
            ..Default::default()
        };
        Self {
            request_id: uuid::Uuid::nil(),
            writer,
            kind,
            event,
            events: Vec::new(),
        }
    }

    fn send(&mut self, subject: String, body: v1::event::Body) -> Result<(), Failure> {
        if self.events.is_empty() {
            self.request_id = self.writer.request_id();
            self.event.request_id = self.request_id.to_string();
        }
        self.event.body = Some(body);
        self.events.push(new_event(subject, &self.event));
        if self.events.len() >= REQUEST_EVENTS {
            let events = std::mem::take(&mut self.events);
            self.writer.append(self.request_id, self.kind, events)?;
        }
        Ok(())
    }

    fn finish(self) -> Result<(), Failure> {
        self.writer.append(self.request_id, self.kind, self.events)
    }
}
