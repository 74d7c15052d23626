//! The AsyncAPI 3.0 document: one channel for each kind, and the heartbeat.
//!
//! It describes Tiendo, so its operations are `send`; a subscriber receives.

use serde_json::{Map, Value, json};

use super::kind::{Kind, Ledger};
use super::{Error, example};

/// Where the heartbeat comes.
const HEARTBEAT: &str = "tiendo.v1.{ledger}.sys.log.head";
/// Its name among channels and messages.
const HEARTBEAT_NAME: &str = "heartbeat";

/// The document.
pub(super) fn document(kinds: &[Kind]) -> Result<Value, Error> {
    let mut channels = Map::new();
    let mut operations = Map::new();
    let mut messages = Map::new();
    for kind in kinds {
        let name = kind.name();
        channels.insert(name.clone(), channel(kind));
        operations.insert(operation_name(kind), operation(&name, kind.vi, &kind.en));
        messages.insert(name, message(kind)?);
    }
    let (vi, en) = (
        "Đầu sổ, khoảng mỗi giây một lần; không lưu trong luồng, không phải CloudEvent.",
        "The head of the log, about once a second; in no stream, no CloudEvent.",
    );
    channels.insert(
        HEARTBEAT_NAME.to_owned(),
        json!({
            "address": HEARTBEAT,
            "title": HEARTBEAT_NAME,
            "description": format!("{vi}\n\n{en}"),
            "parameters": { "ledger": reference("parameters", "anyLedger") },
            "messages": { HEARTBEAT_NAME: reference("messages", HEARTBEAT_NAME) },
        }),
    );
    operations.insert(
        "sendHeartbeat".to_owned(),
        operation(HEARTBEAT_NAME, vi, en),
    );
    messages.insert(
        HEARTBEAT_NAME.to_owned(),
        json!({
            "name": HEARTBEAT_NAME,
            "title": HEARTBEAT_NAME,
            "summary": en,
            "contentType": "application/json",
            "payload": { "$ref": "./schemas/heartbeat.json" },
            "examples": [{ "name": HEARTBEAT_NAME, "payload": example::heartbeat() }],
        }),
    );
    Ok(json!({
        "asyncapi": "3.0.0",
        "id": "urn:tiendo:bus:v1",
        "info": info(),
        "defaultContentType": "application/cloudevents+json",
        "servers": servers(),
        "channels": channels,
        "operations": operations,
        "components": { "messages": messages, "parameters": parameters() },
    }))
}

fn info() -> Value {
    json!({
        "title": "Tiendo: sự kiện trên bus / events on the bus",
        "version": env!("CARGO_PKG_VERSION"),
        "description": "Mọi việc được ghi vào sổ tiến độ Đề án 06, và mọi việc cảnh báo đã làm, theo đúng thứ tự, mỗi việc một CloudEvent 1.0 (JSON có cấu trúc).\n\nEverything that the ledger of the programme took and all that alerting did about it, in order, each a CloudEvent 1.0 in structured JSON.\n\nThứ tự, mã, bỏ bản trùng và chính sách tương thích / order, ids, doubles and the compatibility policy: docs/bus/README.md.",
        "license": { "name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0" },
        "contact": { "name": "Tiendo" },
        "tags": [{ "name": "cloudevents" }, { "name": "nats" }, { "name": "jetstream" }],
    })
}

fn servers() -> Value {
    json!({ "nats": {
        "host": "{host}:{port}",
        "protocol": "nats",
        "description": "nats-server 2.12 trở lên, có JetStream; luồng của một sổ là TIENDO_<SỔ VIẾT HOA>.\n\nnats-server 2.12 or newer with JetStream; the stream of a ledger is TIENDO_<LEDGER IN CAPITALS>.",
        "variables": {
            "host": { "default": "127.0.0.1", "description": "Máy chủ / the host" },
            "port": { "default": "4222", "description": "Cổng / the port" },
        },
    } })
}

fn parameters() -> Value {
    json!({
        "ledger": {
            "description": "Mã sổ, một token [a-z0-9_-] / id of the ledger, one token of [a-z0-9_-]",
            "examples": ["khanh-hoa"],
        },
        "anyLedger": {
            "description": "Mã sổ, kể cả `<sổ>-alerts` / id of the ledger, `<ledger>-alerts` too",
            "examples": ["khanh-hoa", "khanh-hoa-alerts"],
        },
        "locality": {
            "description": "Mã địa phương: 2, 3 hoặc 5 chữ số; `vn` là cả chương trình / code of the locality: 2, 3 or 5 digits; `vn` is the whole programme",
            "examples": ["56", "568", "22366", "vn"],
        },
        "alertLocality": {
            "description": "Mã địa phương; `sys` nếu không nói riêng một nơi / code of the locality; `sys` if about no single place",
            "examples": ["56", "568", "sys"],
        },
    })
}

fn channel(kind: &Kind) -> Value {
    let locality = match kind.ledger {
        Ledger::Programme => "locality",
        Ledger::Alerts => "alertLocality",
    };
    let detail = kind.subject.rsplit('.').next().unwrap_or_default();
    let name = kind.name();
    json!({
        "address": kind.address(),
        "title": name,
        "description": format!("{}\n\n{}", kind.vi, kind.en),
        "parameters": {
            "ledger": reference("parameters", "ledger"),
            "locality": reference("parameters", locality),
            "detail": {
                "description": format!("{} / {}", kind.detail.vi, kind.detail.en),
                "examples": [detail],
            },
        },
        "messages": { name.as_str(): reference("messages", &name) },
    })
}

/// `sendProgressReported`.
fn operation_name(kind: &Kind) -> String {
    let name = kind.name();
    let words = name.split(['.', '-']).map(|word| {
        let (first, rest) = word.split_at(1);
        first.to_ascii_uppercase() + rest
    });
    format!("send{}", words.collect::<String>())
}

fn operation(channel: &str, vi: &str, en: &str) -> Value {
    json!({
        "action": "send",
        "channel": { "$ref": format!("#/channels/{channel}") },
        "summary": en,
        "description": vi,
        "messages": [{ "$ref": format!("#/channels/{channel}/messages/{channel}") }],
    })
}

fn message(kind: &Kind) -> Result<Value, Error> {
    let example: Value = serde_json::from_slice(&kind.example)?;
    let name = kind.name();
    Ok(json!({
        "name": kind.r#type(),
        "title": name,
        "summary": kind.en,
        "description": kind.vi,
        "contentType": "application/cloudevents+json",
        "payload": {
            "allOf": [{ "$ref": "./schemas/envelope.json" }],
            "type": "object",
            "properties": {
                "type": { "const": kind.r#type() },
                "dataschema": { "const": example["dataschema"] },
                "data": { "$ref": format!("./schemas/{name}.json") },
            },
        },
        "examples": [{ "name": name, "summary": kind.subject, "payload": example }],
    }))
}

fn reference(of: &str, name: &str) -> Value {
    json!({ "$ref": format!("#/components/{of}/{name}") })
}

/// The kinds as a table in Markdown, the subject's beginning left out.
pub(super) fn table(kinds: &[Kind]) -> String {
    let mut table =
        String::from("| kind | … is | tiếng Việt | English | |\n|---|---|---|---|---|\n");
    for kind in kinds {
        let name = kind.name();
        let alerts = match kind.ledger {
            Ledger::Programme => "",
            Ledger::Alerts => " (alerts)",
        };
        let (vi, en, detail) = (kind.vi, &kind.en, kind.detail.en);
        let files = format!("[schema](schemas/{name}.json), [example](examples/{name}.json)");
        table += &format!("| `{name}`{alerts} | {detail} | {vi} | {en} | {files} |\n");
    }
    table
}
