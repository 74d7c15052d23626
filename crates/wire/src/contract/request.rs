//! Requests over NATS: what is asked on which subject, what is answered, and how it is refused.
//!
//! Their schemas are those of the JSON form of Protocol Buffers, read from the contract's own descriptors and comments.
//! A request is closed, since a field that it does not have is refused; an answer may get fields.
//! The reader takes other spellings of the same form too (names of fields with `_`, numbers of choices, `null`).

use std::collections::{BTreeMap, BTreeSet};

use domain::{Body, Event, Reason, Violation};
use prost_reflect::{
    Cardinality, EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor, OneofDescriptor,
};
use serde_json::{Map, Value, json};

use super::{Error, example};
use crate::mask::POOL;
use crate::{event, message, status, v1};

/// What is asked.
pub(super) struct Call {
    /// The last token of its subject, and its name among channels.
    pub(super) name: &'static str,
    /// Message of the request.
    pub(super) request: &'static str,
    /// Message of the answer.
    pub(super) answer: &'static str,
    /// What it does, in Vietnamese.
    pub(super) vi: &'static str,
    /// What it does, in English.
    pub(super) en: &'static str,
}

/// What is taken over gRPC alone.
const PERSONS: [&str; 2] = [
    "tiendo.v1.RecordRequest.person",
    "tiendo.v1.RecordBatchRequest.persons",
];

/// What a refusal is called among messages and files.
pub(super) const REFUSAL: &str = "refusal";

/// All that can be asked.
pub(super) const CALLS: [Call; 2] = [
    Call {
        name: "record",
        request: "RecordRequest",
        answer: "RecordResponse",
        vi: "Ghi một việc vào sổ; trả lời khi đã ghi bền vững.",
        en: "Records one fact; answered once it is durable.",
    },
    Call {
        name: "record-batch",
        request: "RecordBatchRequest",
        answer: "RecordBatchResponse",
        vi: "Ghi nhiều việc, tất cả hoặc không gì cả.",
        en: "Records many facts, all or none.",
    },
];

impl Call {
    /// What the request is called among messages and files.
    pub(super) fn request_name(&self) -> String {
        format!("{}-request", self.name)
    }

    /// The same of the answer.
    pub(super) fn answer_name(&self) -> String {
        format!("{}-response", self.name)
    }
}

/// A message that is asked or answered: its schema and an example.
pub(super) struct Said {
    /// Its name among messages and files.
    pub(super) name: String,
    /// Its schema.
    pub(super) schema: Value,
    /// An example.
    pub(super) example: Value,
}

/// All that is asked and answered.
pub(super) fn all() -> Result<Vec<Said>, Error> {
    let [record, batch] = &CALLS;
    let (request, response) = recorded()?;
    let (requests, responses) = recorded_all()?;
    Ok(vec![
        said(record.request_name(), record.request, true, &request)?,
        said(record.answer_name(), record.answer, false, &response)?,
        said(batch.request_name(), batch.request, true, &requests)?,
        said(batch.answer_name(), batch.answer, false, &responses)?,
        said(REFUSAL.to_owned(), "Refusal", false, &refused())?,
    ])
}

fn said<M: prost::Message>(
    name: String,
    of: &str,
    is_closed: bool,
    example: &M,
) -> Result<Said, Error> {
    let id = format!("urn:tiendo:schema:{name}:v1");
    Ok(Said {
        schema: schema(of, &id, is_closed)?,
        example: message::to_json(of, example)?,
        name,
    })
}

/// A report as an office sends it.
fn reported() -> Result<Event, Error> {
    let events = example::events()?;
    let is_report = |event: &Event| matches!(event.body, Body::ProgressReported(_));
    let found = events.into_iter().find(is_report).ok_or("no report")?;
    // What is found implausible is not the reporter's to say, and what it comes from stands in a header.
    Ok(Event {
        findings: Vec::new(),
        traceparent: None,
        ..found
    })
}

fn receipt(request_id: String, first_position: u64, last_position: u64) -> v1::Receipt {
    let known = example::known(last_position);
    v1::Receipt {
        first_position,
        last_position,
        known: Some(crate::time::to_wire(known)),
        repeated: false,
        request_id,
    }
}

fn recorded() -> Result<(v1::RecordRequest, v1::RecordResponse), Error> {
    let event = event::encode(&reported()?);
    let id = event.request_id.clone();
    let request = v1::RecordRequest {
        event: Some(event),
        ..v1::RecordRequest::default()
    };
    let response = v1::RecordResponse {
        receipt: Some(receipt(id, 18, 18)),
        revision: 1,
        findings: Vec::new(),
    };
    Ok((request, response))
}

fn recorded_all() -> Result<(v1::RecordBatchRequest, v1::RecordBatchResponse), Error> {
    let mut event = event::encode(&reported()?);
    let id = std::mem::take(&mut event.request_id);
    let next_day = v1::Event {
        effective: "2023-06-30T23".to_owned(),
        ..event.clone()
    };
    let request = v1::RecordBatchRequest {
        request_id: id.clone(),
        events: vec![event, next_day],
        skip_known: true,
        ..v1::RecordBatchRequest::default()
    };
    let response = v1::RecordBatchResponse {
        receipt: Some(receipt(id, 18, 19)),
        ..v1::RecordBatchResponse::default()
    };
    Ok((request, response))
}

fn refused() -> v1::Refusal {
    let field = "event.progress_reported.indicator";
    let detail = "no indicator has the code `eid.activatd`";
    let violations = [Violation::new(field, Reason::UnknownIndicator, detail)];
    status::within_stream(&status::invalid(&violations), &violations)
}

/// The schema of a message of `tiendo.v1`, with all that it refers to.
fn schema(name: &str, id: &str, is_closed: bool) -> Result<Value, Error> {
    let found = POOL.get_message_by_name(&format!("tiendo.v1.{name}"));
    let found = found.ok_or_else(|| format!("tiendo.v1.{name} is not described"))?;
    let mut defs = BTreeMap::new();
    let mut open = BTreeSet::new();
    let mut whole = object(&found, is_closed, &mut open)?;
    while let Some(name) = open.pop_first() {
        if defs.contains_key(&name) {
            continue;
        }
        let def = match POOL.get_message_by_name(&name) {
            Some(found) => object(&found, is_closed, &mut open)?,
            None => choice(
                &POOL
                    .get_enum_by_name(&name)
                    .ok_or("neither message nor enum")?,
            ),
        };
        defs.insert(name, def);
    }
    let defs = defs
        .into_iter()
        .map(|(name, def)| (short(&name).to_owned(), def));
    whole["$schema"] = super::schema::DIALECT.into();
    whole["$id"] = id.into();
    whole["title"] = name.into();
    whole["$defs"] = Value::Object(defs.collect());
    Ok(whole)
}

fn short(full_name: &str) -> &str {
    full_name.strip_prefix("tiendo.v1.").unwrap_or(full_name)
}

/// A message as an object; what it refers to goes into `open`.
fn object(
    of: &MessageDescriptor,
    is_closed: bool,
    open: &mut BTreeSet<String>,
) -> Result<Value, Error> {
    let mut properties = Map::new();
    // Names of persons are refused over NATS, where others listen.
    let fields = of.fields();
    for field in fields.filter(|field| !PERSONS.contains(&field.full_name())) {
        if field.is_map() {
            return Err(format!("{} has no schema", field.full_name()).into());
        }
        let mut one = value(&field, is_closed, open)?;
        if field.cardinality() == Cardinality::Repeated {
            one = json!({ "type": "array", "items": one });
        }
        one["description"] = comment(field.path(), &field.parent_message().parent_file()).into();
        properties.insert(field.json_name().to_owned(), one);
    }
    let mut object = json!({
        "type": "object",
        "description": comment(of.path(), &of.parent_file()),
        "properties": properties,
    });
    if is_closed {
        object["additionalProperties"] = false.into();
        let choices = of.oneofs().filter(|choice| !choice.is_synthetic());
        let choices: Vec<Value> = choices.map(|choice| at_most_one(&choice)).collect();
        if !choices.is_empty() {
            object["allOf"] = choices.into();
        }
    }
    Ok(object)
}

/// At most one field of a choice is there.
fn at_most_one(of: &OneofDescriptor) -> Value {
    let mut branches: Vec<Value> = of
        .fields()
        .map(|field| json!({ "required": [field.json_name()] }))
        .collect();
    branches.push(json!({ "not": { "anyOf": branches } }));
    json!({ "oneOf": branches })
}

/// One value of a field.
fn value(
    field: &FieldDescriptor,
    is_closed: bool,
    open: &mut BTreeSet<String>,
) -> Result<Value, Error> {
    let mut refer = |name: &str| {
        open.insert(name.to_owned());
        json!({ "$ref": format!("#/$defs/{}", short(name)) })
    };
    Ok(match field.kind() {
        Kind::Bool => json!({ "type": "boolean" }),
        Kind::String => json!({ "type": "string" }),
        Kind::Double | Kind::Float => json!({ "type": "number" }),
        Kind::Bytes => json!({ "type": "string", "contentEncoding": "base64" }),
        Kind::Message(of) if of.full_name() == "google.protobuf.Timestamp" => {
            json!({ "type": "string", "format": "date-time" })
        }
        Kind::Message(of) if of.full_name().starts_with("google.") => {
            return Err(format!("{} has no schema", of.full_name()).into());
        }
        Kind::Message(of) => refer(of.full_name()),
        Kind::Enum(of) => refer(of.full_name()),
        // Numbers are read from texts too.
        Kind::Uint64 | Kind::Fixed64 | Kind::Uint32 | Kind::Fixed32 if is_closed => {
            json!({ "type": ["integer", "string"], "minimum": 0, "pattern": "^[0-9]+$" })
        }
        _ if is_closed => json!({ "type": ["integer", "string"], "pattern": "^-?[0-9]+$" }),
        _ => json!({ "type": "integer" }),
    })
}

fn choice(of: &EnumDescriptor) -> Value {
    super::schema::names_of(of.name()).to_value()
}

/// What the contract's comment says of the element at a path of a file.
pub(super) fn comment(path: &[i32], file: &prost_reflect::FileDescriptor) -> String {
    let source = file.file_descriptor_proto().source_code_info.as_ref();
    let here = source.and_then(|source| source.location.iter().find(|at| at.path == path));
    here.map_or("", |at| at.leading_comments().trim())
        .to_owned()
}
