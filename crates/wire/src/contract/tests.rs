//! The contract is what the code does, and what released versions said still holds.
//!
//! `TIENDO_WRITE_CONTRACT=1 cargo test -p wire contract` writes `docs/bus` anew.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use boon::{Compiler, SchemaIndex, Schemas};
use domain::event::TOPICS;
use domain::text::{Decimal, Moment, Percent};
use domain::{LocalityCode, PersonCommitment};
use jiff::civil::date;
use serde_json::{Value, json};

use super::{Heartbeat, Kind, Ledger, files, kinds, table};
use crate::cloud_event::{self, About, Place};
use crate::{message, v1};

/// The variable that writes the files anew.
const WRITE: &str = "TIENDO_WRITE_CONTRACT";
/// What the table of kinds stands between.
const TABLE: [&str; 2] = ["<!-- kinds -->\n", "<!-- end of kinds -->\n"];

fn here(below: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(below)
}

/// The text of a file.
fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The JSON files of a folder by name, without their ending.
fn folder(path: &Path) -> BTreeMap<String, String> {
    let entries = fs::read_dir(path)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let named = entries.map(|path| {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        (name, text(&path))
    });
    named.collect()
}

/// The schemas as a subscriber has them: the envelope's, the heartbeat's, and by `dataschema` that of the data.
struct Checker {
    schemas: Schemas,
    by_id: BTreeMap<String, SchemaIndex>,
}

impl Checker {
    fn new() -> Self {
        let mut compiler = Compiler::new();
        compiler.enable_format_assertions();
        let mut schemas = Schemas::new();
        let mut by_id = BTreeMap::new();
        let files = files().unwrap();
        let of_schemas = files
            .iter()
            .filter(|(name, _)| name.starts_with("schemas/"));
        for (name, text) in of_schemas {
            let schema: Value = serde_json::from_str(text).unwrap();
            let id = schema["$id"].as_str().unwrap().to_owned();
            compiler.add_resource(&id, schema).unwrap();
            let index = compiler.compile(&id, &mut schemas);
            let index = index.unwrap_or_else(|error| panic!("{name}: {error:#}"));
            assert!(by_id.insert(id, index).is_none(), "{name} has another's id");
        }
        Self { schemas, by_id }
    }

    /// Whether a value is what the schema says.
    fn check(&self, id: &str, value: &Value) -> Result<(), String> {
        let index = self
            .by_id
            .get(id)
            .ok_or_else(|| format!("no schema {id}"))?;
        let valid = self.schemas.validate(value, *index);
        valid.map_err(|error| format!("{error:#}"))
    }

    /// Whether a message is what its two schemas say.
    fn message(&self, message: &Value) -> Result<(), String> {
        self.check("urn:tiendo:schema:envelope:v1", message)?;
        let id = message["dataschema"].as_str().unwrap_or_default();
        self.check(id, &message["data"])
    }
}

/// Reads a message with our reader and writes it again: what it comes under, and its bytes.
fn written_again(ledger: Ledger, subject: &str, bytes: &[u8]) -> Result<(String, Vec<u8>), String> {
    let envelope: Value = serde_json::from_slice(bytes).unwrap();
    let of = envelope["source"]
        .as_str()
        .unwrap()
        .strip_prefix("/tiendo/")
        .unwrap();
    let place = |position, known| Place {
        ledger: of,
        position,
        known,
    };
    let told = |error: cloud_event::Error| error.to_string();
    match ledger {
        Ledger::Programme => {
            let (position, known, event) = cloud_event::receive(bytes).map_err(told)?;
            let logged = cloud_event::receive_logged(bytes, position).map_err(told)?;
            let ends = logged
                .request_ends
                .ok_or("it does not say whether its request ends")?;
            cloud_event::publish(place(position, known), &event, ends).map_err(told)
        }
        Ledger::Alerts => {
            let (position, known, entry) = cloud_event::receive_alert(bytes).map_err(told)?;
            let code = envelope["subject"].as_str().filter(|code| *code != "vn");
            let about = About {
                locality: code.map(|code| code.parse().unwrap()),
                detail: subject.rsplit('.').next().unwrap(),
            };
            cloud_event::publish_alert(place(position, known), about, &entry).map_err(told)
        }
    }
}

/// All that the schema of a kind has below `data`, by a path of names, with what an example says there.
fn said<'v>(
    schema: &'v Value,
    at: &'v Value,
    value: Option<&Value>,
    path: &str,
    found: &mut BTreeSet<(String, bool)>,
) {
    if let Some(to) = at["$ref"].as_str() {
        let def = &schema["$defs"][to.strip_prefix("#/$defs/").unwrap()];
        return said(schema, def, value, path, found);
    }
    for (name, property) in at["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}.{name}");
        let value = value
            .and_then(|value| value.get(name))
            .filter(|value| !value.is_null());
        let is_said = value.is_some() && value != Some(&json!([]));
        found.insert((path.clone(), is_said));
        said(schema, property, value, &path, found);
    }
    if at["items"].is_object() {
        let items = value.and_then(Value::as_array);
        let first = items.and_then(|items| items.first());
        said(schema, &at["items"], first, path, found);
    }
    for branch in at["anyOf"].as_array().into_iter().flatten() {
        said(schema, branch, value, path, found);
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "whoever runs the test says whether to write"
)]
#[test]
fn the_files_of_the_contract_are_what_the_code_says() {
    let docs = here("../../docs/bus");
    let readme = docs.join("README.md");
    let mut expected = files().unwrap();
    let handwritten = text(&readme);
    let [begin, end] = TABLE;
    let (before, rest) = handwritten
        .split_once(begin)
        .expect("where the table begins");
    let (_, after) = rest.split_once(end).expect("where the table ends");
    let readme = format!("{before}{begin}\n{}\n{end}{after}", table().unwrap());
    expected.insert("README.md".to_owned(), readme);
    if std::env::var_os(WRITE).is_some_and(|write| write == "1") {
        for folder in ["schemas", "examples"].map(|name| docs.join(name)) {
            let _ = fs::remove_dir_all(&folder);
            fs::create_dir_all(&folder).unwrap();
        }
        for (name, text) in &expected {
            fs::write(docs.join(name), text).unwrap();
        }
    }
    let stale: Vec<&String> = expected
        .iter()
        .filter(|(name, text)| fs::read_to_string(docs.join(name)).ok().as_ref() != Some(text))
        .map(|(name, _)| name)
        .collect();
    assert!(
        stale.is_empty(),
        "docs/bus is not what the code says, run with {WRITE}=1: {stale:?}"
    );
    for of in ["schemas", "examples"] {
        for name in folder(&docs.join(of)).into_keys() {
            assert!(
                expected.contains_key(&format!("{of}/{name}.json")),
                "{of}/{name} is of no kind"
            );
        }
    }
}

#[test]
fn an_example_is_accepted_by_its_schemas_read_and_written_again_byte_by_byte() {
    let checker = Checker::new();
    let kinds = kinds().unwrap();
    let count = |ledger| kinds.iter().filter(|kind| kind.ledger == ledger).count();
    assert_eq!([Ledger::Programme, Ledger::Alerts].map(count), [35, 12]);
    for kind in &kinds {
        let message: Value = serde_json::from_slice(&kind.example).unwrap();
        assert_eq!(checker.message(&message), Ok(()), "{}", kind.name());
        assert_eq!(message["type"], kind.r#type());
        let again = written_again(kind.ledger, &kind.subject, &kind.example);
        assert_eq!(again, Ok((kind.subject.clone(), kind.example.clone())));
    }
    let files = files().unwrap();
    let text = &files["examples/heartbeat.json"];
    let beat: Value = serde_json::from_str(text).unwrap();
    assert_eq!(
        checker.check("urn:tiendo:schema:heartbeat:v1", &beat),
        Ok(())
    );
    let read: Heartbeat = serde_json::from_str(text).unwrap();
    assert_eq!(serde_json::to_string(&read).unwrap() + "\n", *text);
}

/// Whether our reader of requests takes it, and writes the same again.
fn taken(of: &str, text: &Value) -> Result<Value, String> {
    fn again<M: prost::Message + Default>(of: &str, text: &Value) -> Result<Value, message::Error> {
        let read: M = message::of_json(of, text.clone())?;
        message::to_json(of, &read)
    }
    let written = match of {
        "RecordRequest" => again::<v1::RecordRequest>(of, text),
        "RecordResponse" => again::<v1::RecordResponse>(of, text),
        "RecordBatchRequest" => again::<v1::RecordBatchRequest>(of, text),
        "RecordBatchResponse" => again::<v1::RecordBatchResponse>(of, text),
        "Refusal" => again::<v1::Refusal>(of, text),
        of => panic!("{of} is no message of requests"),
    };
    written.map_err(|error| error.to_string())
}

/// The paths of all objects in a value, as JSON pointers.
fn objects(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            found.push(at.to_owned());
            for (name, value) in fields {
                objects(value, &format!("{at}/{name}"), found);
            }
        }
        Value::Array(items) => {
            for (number, item) in items.iter().enumerate() {
                objects(item, &format!("{at}/{number}"), found);
            }
        }
        _ => {}
    }
}

#[test]
fn requests_and_answers_are_what_their_schemas_say_and_our_reader_takes() {
    let checker = Checker::new();
    for said in super::request::all().unwrap() {
        let (name, of) = (&said.name, said.schema["title"].as_str().unwrap());
        let id = said.schema["$id"].as_str().unwrap();
        assert_eq!(checker.check(id, &said.example), Ok(()), "{name}");
        assert_eq!(taken(of, &said.example), Ok(said.example.clone()));
        let mut places = Vec::new();
        objects(&said.example, "", &mut places);
        assert!(!places.is_empty());
        for place in places {
            // A field that is not known: refused in a request as the reader does, passed over in an answer.
            let mut more = said.example.clone();
            more.pointer_mut(&place).unwrap()["ofALaterVersion"] = json!(7);
            let is_refused = checker.check(id, &more).is_err();
            assert_eq!(is_refused, name.ends_with("-request"), "{name}: {place}");
            assert!(taken(of, &more).is_err(), "{name}: {place}");
            for (field, _) in said.example.pointer(&place).unwrap().as_object().unwrap() {
                let mut wrong = said.example.clone();
                wrong.pointer_mut(&place).unwrap()[field] = json!([[7.5]]);
                assert!(
                    checker.check(id, &wrong).is_err(),
                    "{name}: {place}/{field}"
                );
            }
        }
    }
}

#[test]
fn what_the_schema_of_a_request_refuses_the_reader_refuses_too() {
    let checker = Checker::new();
    let all = super::request::all().unwrap();
    let request = &all[0].example;
    let with = |place: &str, name: &str, value: Value| {
        let mut wrong = request.clone();
        wrong.pointer_mut(place).unwrap()[name] = value;
        wrong
    };
    let body = json!({ "locality": { "code": "56" } });
    for wrong in [
        with("/event", "modelDefined", body),
        with("/event/progressReported/value", "text", json!("84%")),
        with("", "expectedRevision", json!(-5)),
        with("", "expectedRevision", json!("-5")),
    ] {
        let id = "urn:tiendo:schema:record-request:v1";
        assert!(checker.check(id, &wrong).is_err(), "{wrong}");
        assert!(taken("RecordRequest", &wrong).is_err(), "{wrong}");
    }
    // Others listen on the bus: nobody is invited to name a person there.
    for said in &all {
        let schema = said.schema.to_string().to_lowercase();
        assert!(!schema.contains("appointedperson"), "{}", said.name);
        assert!(said.schema["properties"]["person"].is_null());
    }
}

/// Leaves nothing in a value but what its schema asks for.
fn bare(schema: &Value, at: &Value, value: &mut Value) {
    if let Some(to) = at["$ref"].as_str() {
        let def = &schema["$defs"][to.strip_prefix("#/$defs/").unwrap()];
        return bare(schema, def, value);
    }
    let branches = ["anyOf", "oneOf"].map(|of| at[of].as_array().into_iter().flatten());
    for branch in branches.into_iter().flatten() {
        // A choice of one is named by the field that is there.
        let fits = branch["required"].as_array().is_none_or(|required| {
            required
                .iter()
                .all(|name| value.get(name.as_str().unwrap()).is_some())
        });
        if fits {
            bare(schema, branch, value);
        }
    }
    let Some(properties) = at["properties"].as_object() else {
        let items = value.as_array_mut().into_iter().flatten();
        return items.for_each(|item| bare(schema, &at["items"], item));
    };
    let required = at["required"].as_array().cloned().unwrap_or_default();
    if let Some(fields) = value.as_object_mut() {
        fields.retain(|name, _| required.contains(&json!(name)));
        for (name, value) in fields {
            bare(schema, &properties[name], value);
        }
    }
}

#[test]
fn a_message_of_nothing_but_what_its_schema_asks_for_is_read_and_written_again() {
    let checker = Checker::new();
    let mut bared = 0;
    for kind in kinds().unwrap() {
        let mut message: Value = serde_json::from_slice(&kind.example).unwrap();
        bare(&kind.schema, &kind.schema, &mut message["data"]);
        assert_eq!(checker.message(&message), Ok(()), "{}", kind.name());
        let bytes = serde_json::to_vec(&message).unwrap();
        let (subject, again) = written_again(kind.ledger, &kind.subject, &bytes).unwrap();
        assert_eq!(subject, kind.subject);
        assert_eq!(
            written_again(kind.ledger, &subject, &again).unwrap().1,
            again
        );
        bared += usize::from(again != kind.example);
    }
    assert!(bared > 30, "{bared}");
}

/// A schema that takes anything would be no promise.
#[test]
fn what_is_always_there_is_asked_for_and_of_its_type() {
    let checker = Checker::new();
    for kind in kinds().unwrap() {
        let message: Value = serde_json::from_slice(&kind.example).unwrap();
        let attributes = message.as_object().unwrap().keys();
        let may_lack = ["requestends", "traceparent"];
        for name in attributes.filter(|name| !may_lack.contains(&name.as_str())) {
            let mut without = message.clone();
            without.as_object_mut().unwrap().remove(name);
            assert!(
                checker.message(&without).is_err(),
                "{} without {name}",
                kind.name()
            );
        }
        let body = |name: &&String| {
            !["requestId", "actor", "effective", "position"].contains(&name.as_str())
        };
        let data = message["data"].as_object().unwrap();
        let body = data
            .keys()
            .filter(body)
            .find(|name| data[*name].is_object())
            .unwrap();
        for name in data[body].as_object().unwrap().keys() {
            let mut wrong = message.clone();
            // Neither a text, a number, a mark, a list nor an object of ours.
            wrong["data"][body][name] = json!([[7.5]]);
            assert!(
                checker.message(&wrong).is_err(),
                "{}: {body}.{name}",
                kind.name()
            );
        }
    }
}

#[test]
fn every_field_is_said_by_an_example() {
    let mut all = BTreeSet::new();
    for kind in kinds().unwrap() {
        let message: Value = serde_json::from_slice(&kind.example).unwrap();
        let mut found = BTreeSet::new();
        said(
            &kind.schema,
            &kind.schema,
            Some(&message["data"]),
            "",
            &mut found,
        );
        // What any event may have is said once for all.
        let common = |path: &str| {
            path.starts_with(".confirmed") || path.starts_with(".findings") || path == ".position"
        };
        let of = |path: String| {
            if common(&path) {
                path
            } else {
                kind.name() + &path
            }
        };
        all.extend(found.into_iter().map(|(path, said)| (of(path), said)));
    }
    assert!(all.len() > 400, "only {} fields were found", all.len());
    let silent: Vec<&String> = all
        .iter()
        .filter(|(path, said)| !said && !all.contains(&(path.clone(), true)))
        .map(|(path, _)| path)
        .collect();
    assert_eq!(silent, Vec::<&String>::new());
}

/// What is new is passed over: a subscriber may rest on the schemas for what it knows.
#[test]
fn what_a_later_version_adds_is_passed_over() {
    /// A field in every object but the choices of one, which have one name and nothing beside it.
    fn add(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                let others = fields.iter_mut().filter(|(name, _)| *name != "scope");
                others.for_each(|(_, value)| add(value));
                fields.insert("ofALaterVersion".to_owned(), json!({ "is": [7] }));
            }
            Value::Array(items) => items.iter_mut().for_each(add),
            _ => {}
        }
    }
    let checker = Checker::new();
    for kind in kinds().unwrap() {
        let mut later: Value = serde_json::from_slice(&kind.example).unwrap();
        add(&mut later);
        assert_eq!(checker.message(&later), Ok(()), "{}", kind.name());
        let later = serde_json::to_vec(&later).unwrap();
        let again = written_again(kind.ledger, &kind.subject, &later);
        assert_eq!(again, Ok((kind.subject, kind.example)));
    }
}

#[test]
fn a_channel_is_where_its_example_comes() {
    let files = files().unwrap();
    let document: Value = serde_json::from_str(&files["asyncapi.json"]).unwrap();
    let channels = document["channels"].as_object().unwrap();
    let kinds = kinds().unwrap();
    // The heartbeat, and a channel to ask on and one to be answered on for each request.
    let calls = super::request::CALLS.len();
    assert_eq!(channels.len(), kinds.len() + 1 + 2 * calls);
    let operations = document["operations"].as_object().unwrap();
    assert_eq!(operations.len(), kinds.len() + 1 + calls);
    let fits = |kind: &Kind, address: &str| {
        let tokens: Vec<&str> = kind.subject.split('.').collect();
        let wanted: Vec<&str> = address.split('.').collect();
        tokens.len() == wanted.len()
            && tokens
                .iter()
                .zip(wanted)
                .all(|(token, wanted)| match wanted {
                    "{ledger}-alerts" => token.ends_with("-alerts"),
                    "{ledger}" | "{locality}" | "{detail}" => !token.ends_with("-alerts"),
                    wanted => *token == wanted,
                })
    };
    for kind in &kinds {
        let at = |channel: &Value| fits(kind, channel["address"].as_str().unwrap_or_default());
        let found: Vec<&String> = channels
            .iter()
            .filter(|(_, c)| at(c))
            .map(|(name, _)| name)
            .collect();
        assert_eq!(found, [&kind.name()]);
        assert_eq!(kind.subject.split('.').count(), 7);
        assert!(kind.ledger == Ledger::Alerts || TOPICS.contains(&kind.topic));
    }
    let topics: BTreeSet<&str> = kinds.iter().map(|kind| kind.topic).collect();
    assert!(TOPICS.iter().all(|topic| topics.contains(topic)));
    assert_eq!(
        channels["heartbeat"]["address"],
        "tiendo.v1.{ledger}.sys.log.head"
    );
}

#[test]
fn a_text_of_the_code_fits_the_pattern_of_its_schema() {
    fn pattern<T: schemars::JsonSchema>() -> SchemaOf {
        let schema = schemars::schema_for!(T).to_value();
        assert!(schema["pattern"].is_string(), "{schema}");
        let (mut compiler, mut schemas) = (Compiler::new(), Schemas::new());
        compiler.add_resource("urn:x", schema).unwrap();
        let index = compiler.compile("urn:x", &mut schemas).unwrap();
        SchemaOf { schemas, index }
    }
    let moment = pattern::<Moment>();
    for day in [date(1, 1, 1), date(2023, 6, 30), date(9999, 12, 31)] {
        let hours = (0..=24).map(|hour| Moment::at_hour(day, hour).unwrap());
        let others = [Moment::end_of(day), Moment::month_of(day)];
        hours
            .chain(others)
            .for_each(|value| moment.takes(&value.to_string()));
    }
    let percent = pattern::<Percent>();
    for hundredths in (0..20_000).step_by(7).chain([10_000_000]) {
        (0..3).for_each(|decimals| {
            percent.takes(
                &Percent::from_hundredths(hundredths, decimals)
                    .unwrap()
                    .to_string(),
            )
        });
    }
    let decimal = pattern::<Decimal>();
    for text in [
        "0",
        "-3.09",
        "0.000001",
        "999999999.999999",
        "-999999999",
        "1400.50",
        "-0",
    ] {
        decimal.takes(&text.parse::<Decimal>().unwrap().to_string());
    }
    let code = pattern::<LocalityCode>();
    for text in ["01", "568", "00004"] {
        code.takes(&text.parse::<LocalityCode>().unwrap().to_string());
    }
    pattern::<PersonCommitment>().takes(&PersonCommitment::new(&[7; 32], "Ơn").to_string());
    let indicator = pattern::<domain::IndicatorCode>();
    for text in ["a", "0._-Z", &"x".repeat(48)] {
        indicator.takes(text.parse::<domain::IndicatorCode>().unwrap().as_str());
    }
    for text in ["", ".x", "é", "a b", &"x".repeat(49)] {
        assert!(!indicator.is_taken(text), "{text}");
    }
}

/// A compiled schema of a text.
struct SchemaOf {
    schemas: Schemas,
    index: SchemaIndex,
}

impl SchemaOf {
    fn is_taken(&self, text: &str) -> bool {
        self.schemas.validate(&json!(text), self.index).is_ok()
    }

    #[track_caller]
    fn takes(&self, text: &str) {
        assert!(self.is_taken(text), "{text}");
    }
}

/// The promise to those who subscribed to a released version, and to the relay, which holds the stream against the log.
///
/// A file that fails here is never rewritten: the code is wrong.
#[test]
fn what_a_released_version_published_is_read_accepted_and_written_the_same() {
    let checker = Checker::new();
    let kinds = kinds().unwrap();
    let versions = fs::read_dir(here("tests/data/bus")).unwrap();
    let versions: Vec<PathBuf> = versions.map(|entry| entry.unwrap().path()).collect();
    assert!(!versions.is_empty());
    for version in versions {
        let messages = folder(&version);
        assert!(
            messages.len() > 46 + 37,
            "{} has {}",
            version.display(),
            messages.len()
        );
        for (name, text) in messages {
            let of = format!("{} of {}", name, version.display());
            let message: Value = serde_json::from_str(&text).unwrap();
            if name == "heartbeat" {
                assert_eq!(
                    checker.check("urn:tiendo:schema:heartbeat:v1", &message),
                    Ok(()),
                    "{of}"
                );
                continue;
            }
            // Full, and with nothing but what its schema asks for.
            let name = name.strip_suffix(".bare").unwrap_or(&name);
            let kind = kinds.iter().find(|kind| kind.name() == name);
            let kind = kind.unwrap_or_else(|| panic!("{of} is of no kind any more"));
            assert_eq!(checker.message(&message), Ok(()), "{of}");
            let bytes = text.trim_end().as_bytes();
            let (subject, again) = written_again(kind.ledger, &kind.subject, bytes).expect(&of);
            assert_eq!(String::from_utf8(again).unwrap(), text.trim_end(), "{of}");
            assert_eq!(subject, kind.subject, "{of}");
        }
    }
}

/// What a released schema promises of a place, today's promises as well: fields are there, required, of their type.
///
/// Words for people may change, and a choice may have more values.
fn kept(released: &Value, today: &Value, path: &str, broken: &mut Vec<String>) {
    match (released, today) {
        (Value::Object(released), Value::Object(today)) => {
            for (key, promised) in released {
                let path = format!("{path}/{key}");
                match (key.as_str(), today.get(key)) {
                    ("description" | "title" | "examples" | "$comment", _) => {}
                    (_, None) => broken.push(path),
                    (_, Some(said)) => kept(promised, said, &path, broken),
                }
            }
        }
        (Value::Array(released), Value::Array(today)) => {
            for (index, promised) in released.iter().enumerate() {
                let is_kept = |said: &Value| {
                    let mut broken = Vec::new();
                    kept(promised, said, "", &mut broken);
                    broken.is_empty()
                };
                if !today.iter().any(is_kept) {
                    broken.push(format!("{path}/{index}"));
                }
            }
        }
        (released, today) if released == today => {}
        _ => broken.push(path.to_owned()),
    }
}

#[test]
fn what_a_released_schema_promises_is_promised_still() {
    let today = folder(&here("../../docs/bus/schemas"));
    let versions = fs::read_dir(here("tests/data/bus-schemas")).unwrap();
    let versions: Vec<PathBuf> = versions.map(|entry| entry.unwrap().path()).collect();
    assert!(!versions.is_empty());
    for version in versions {
        let released = folder(&version);
        assert!(released.len() > 46, "{}", version.display());
        for (name, text) in released {
            let promised: Value = serde_json::from_str(&text).unwrap();
            let found = today.iter().find(|(of, _)| **of == name);
            let (_, text) = found.unwrap_or_else(|| panic!("{name} is gone"));
            let said: Value = serde_json::from_str(text).unwrap();
            let mut broken = Vec::new();
            kept(&promised, &said, "", &mut broken);
            assert!(
                broken.is_empty(),
                "{name} of {}: {broken:#?}",
                version.display()
            );
            // A field that need not be there any more breaks it.
            let mut wrong = said;
            let Some(required) = wrong["required"].as_array_mut() else {
                continue;
            };
            if required.pop().is_some() {
                kept(&promised, &wrong, "", &mut broken);
                assert!(!broken.is_empty(), "{name}");
            }
        }
    }
}
