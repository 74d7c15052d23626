//! JSON Schemas of what the code writes: derived from the same types, by the same serde attributes.
//!
//! A schema says what is always there, not that there is nothing else: fields may come, so `additionalProperties` is
//! never closed.
//! Whole numbers may be above 2^53 in theory; positions and counts are not.

use std::collections::{BTreeMap, BTreeSet};

use domain::{Body, Event};
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::{Error, Heartbeat};
use crate::cloud_event::CloudEvent;
use crate::v1;

/// What the schemas are written in.
pub(super) const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";
/// Where a schema keeps the types it refers to.
const DEFS: &str = "#/$defs/";

/// The schemas of a ledger's kinds: what all have, and what each has beside it.
pub(super) struct Schemas {
    common: Map<String, Value>,
    bodies: BTreeMap<String, Value>,
    defs: Map<String, Value>,
}

impl Schemas {
    /// Of the events of the programme.
    pub(super) fn of_events() -> Result<Self, Error> {
        Self::of::<Event, Body>()
    }

    /// Of the entries of alerting's log.
    pub(super) fn of_alerts() -> Result<Self, Error> {
        Self::of::<v1::AlertEvent, v1::alert_event::Body>()
    }

    fn of<Whole: JsonSchema, OneOf: JsonSchema>() -> Result<Self, Error> {
        let mut generator = generator();
        let whole = Whole::json_schema(&mut generator);
        let one_of = OneOf::json_schema(&mut generator);
        let mut defs = Value::Object(generator.take_definitions(true));
        let mut whole = whole.to_value();
        left_out(&mut defs);
        left_out(&mut whole);
        let mut bodies = BTreeMap::new();
        let branches = one_of.get("oneOf").and_then(Value::as_array);
        for branch in branches.ok_or("a body is one of many")? {
            let [name] = &strings(&branch["required"])[..] else {
                return Err(format!("a body has more than a name: {branch}").into());
            };
            bodies.insert(name.clone(), branch.clone());
        }
        let common = ["properties", "required"].map(|key| (key.to_owned(), whole[key].clone()));
        Ok(Self {
            common: common.into_iter().collect(),
            bodies,
            defs: defs.as_object().cloned().unwrap_or_default(),
        })
    }

    /// The names that bodies have in `data`.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.bodies.keys().map(String::as_str)
    }

    /// The schema of the data of one kind, and what the kind is in English.
    pub(super) fn data(&self, body: &str, id: &str, title: &str) -> Result<(Value, String), Error> {
        let branch = self.bodies.get(body);
        let branch = branch.ok_or_else(|| format!("{body} is no body"))?;
        let text = branch["description"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let mut properties = self.common["properties"].clone();
        properties[body] = branch["properties"][body].clone();
        let mut required = strings(&self.common["required"]);
        required.push(body.to_owned());
        let mut data = json!({
            "$schema": DIALECT,
            "$id": id,
            "title": title,
            "description": text,
            "type": "object",
            "properties": properties,
            "required": required,
        });
        data["$defs"] = self.reached(&data);
        Ok((data, text))
    }

    /// The types that a schema refers to, and what those refer to.
    fn reached(&self, schema: &Value) -> Value {
        let mut reached = BTreeSet::new();
        let mut open = Vec::new();
        refs(schema, &mut open);
        while let Some(name) = open.pop() {
            if let Some(def) = self.defs.get(&name).filter(|_| !reached.contains(&name)) {
                refs(def, &mut open);
                reached.insert(name);
            }
        }
        let defs = reached.into_iter();
        let defs: Map<_, _> = defs
            .map(|name| (name.clone(), self.defs[&name].clone()))
            .collect();
        Value::Object(defs)
    }
}

/// The envelope of every event.
pub(super) fn envelope() -> Value {
    root::<CloudEvent<Value>>("urn:tiendo:schema:envelope:v1", "CloudEvent")
}

/// The heartbeat.
pub(super) fn heartbeat() -> Value {
    root::<Heartbeat>("urn:tiendo:schema:heartbeat:v1", "Heartbeat")
}

fn root<T: JsonSchema>(id: &str, title: &str) -> Value {
    let mut schema = generator().into_root_schema_for::<T>();
    schema.insert("$id".to_owned(), id.into());
    schema.insert("title".to_owned(), title.into());
    let mut schema = schema.to_value();
    left_out(&mut schema);
    schema
}

/// Formats of numbers that the specification does not have.
const WIDTHS: [&str; 10] = [
    "uint8", "uint16", "uint32", "uint64", "uint", "int8", "int16", "int32", "int64", "double",
];

/// What is written, not what would be read.
fn generator() -> SchemaGenerator {
    SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator()
}

/// What need not be there is left out where there is none, and never `null`; a width such as `uint64` is no format of the specification, and strict readers refuse it.
fn left_out(schema: &mut Value) {
    let required = strings(&schema["required"]);
    match schema {
        Value::Object(fields) => {
            let format = fields.get("format").and_then(Value::as_str);
            if format.is_some_and(|format| WIDTHS.contains(&format)) {
                fields.remove("format");
            }
            if let Some(Value::Object(properties)) = fields.get_mut("properties") {
                let optional = properties
                    .iter_mut()
                    .filter(|(name, _)| !required.contains(name));
                optional.for_each(|(_, property)| without_null(property));
            }
            fields.values_mut().for_each(left_out);
        }
        Value::Array(items) => items.iter_mut().for_each(left_out),
        _ => {}
    }
}

/// A schema of one or none, as one.
fn without_null(schema: &mut Value) {
    let Value::Object(fields) = schema else {
        return;
    };
    let is_null = |branch: &Value| branch["type"] == "null";
    if let Some(Value::Array(types)) = fields.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = &types[..] {
            let only = only.clone();
            fields.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(branches)) = fields.remove("anyOf") {
        let mut branches = branches.into_iter().filter(|branch| !is_null(branch));
        match (branches.next(), branches.next()) {
            (Some(Value::Object(only)), None) => fields.extend(only),
            (first, second) => {
                let all = first.into_iter().chain(second).chain(branches).collect();
                fields.insert("anyOf".to_owned(), Value::Array(all));
            }
        }
    }
}

fn strings(value: &Value) -> Vec<String> {
    let texts = value
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str);
    texts.map(ToOwned::to_owned).collect()
}

/// The names of the types that a schema refers to, itself.
fn refs(schema: &Value, found: &mut Vec<String>) {
    match schema {
        Value::Object(fields) => {
            for (key, value) in fields {
                let name = value.as_str().and_then(|to| to.strip_prefix(DEFS));
                match name.filter(|_| key == "$ref") {
                    Some(name) => found.push(name.to_owned()),
                    None => refs(value, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| refs(item, found)),
        _ => {}
    }
}

/// The names of an enum of the contract, with what its comments say of them.
pub(crate) fn names_of(name: &str) -> Schema {
    let found = crate::mask::POOL.get_enum_by_name(&format!("tiendo.v1.{name}"));
    let values = found
        .iter()
        .flat_map(|found| found.values().collect::<Vec<_>>());
    let names: Vec<Value> = values
        .map(|value| {
            let file = value.parent_enum().parent_file();
            let comment = super::request::comment(value.path(), &file);
            json!({ "type": "string", "const": value.name(), "description": comment })
        })
        .collect();
    schemars::json_schema!({ "oneOf": names })
}
