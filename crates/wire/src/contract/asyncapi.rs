//! The AsyncAPI 3.0 document: one channel for each kind, the heartbeat, and requests with their replies.
//!
//! It describes Tiendo, so what it `send`s a subscriber receives, and what it `receive`s others ask.

use serde_json::{Map, Value, json};

use super::kind::{Kind, Ledger};
use super::{Error, example, request};

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
    requests(&mut channels, &mut operations, &mut messages)?;
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

/// What is asked and answered: Tiendo receives, and replies to the inbox that the request names.
fn requests(
    channels: &mut Map<String, Value>,
    operations: &mut Map<String, Value>,
    messages: &mut Map<String, Value>,
) -> Result<(), Error> {
    let all = request::all()?;
    for said in &all {
        messages.insert(said.name.clone(), spoken(said));
    }
    for call in &request::CALLS {
        let (asked, answered) = (call.request_name(), call.answer_name());
        let replies = format!("{}-reply", call.name);
        channels.insert(
            call.name.to_owned(),
            json!({
                "address": format!("tiendo.v1.{{ledger}}.sys.ingest.{}", call.name),
                "title": call.name,
                "description": format!("{} Tên người chỉ nhận qua gRPC.\n\n{} Names of persons are taken over gRPC alone.", call.vi, call.en),
                "parameters": { "ledger": reference("parameters", "ledger") },
                "messages": { asked.as_str(): reference("messages", &asked) },
            }),
        );
        channels.insert(
            replies.clone(),
            json!({
                "address": null,
                "title": replies,
                "description": "Hộp thư trả lời do bên hỏi nêu; chủ đề bắt đầu bằng `_`.\n\nThe inbox that the asker names; its subject begins with `_`.",
                "messages": {
                    answered.as_str(): reference("messages", &answered),
                    request::REFUSAL: reference("messages", request::REFUSAL),
                },
            }),
        );
        let of = |channel: &str, message: &str| json!({ "$ref": format!("#/channels/{channel}/messages/{message}") });
        operations.insert(
            format!("receive{}", words(&asked)),
            json!({
                "action": "receive",
                "channel": { "$ref": format!("#/channels/{}", call.name) },
                "summary": call.en,
                "description": call.vi,
                "messages": [of(call.name, &asked)],
                "reply": {
                    "channel": { "$ref": format!("#/channels/{replies}") },
                    "messages": [of(&replies, &answered), of(&replies, request::REFUSAL)],
                },
            }),
        );
    }
    Ok(())
}

/// A message that is asked or answered.
fn spoken(said: &request::Said) -> Value {
    let mut message = json!({
        "name": said.name,
        "title": said.schema["title"],
        "summary": said.schema["description"],
        "contentType": "application/json",
        "payload": { "$ref": format!("./schemas/{}.json", said.name) },
        "examples": [{ "name": said.name, "payload": said.example }],
    });
    if said.name == request::REFUSAL {
        message["headers"] = json!({
            "type": "object",
            "required": ["Nats-Service-Error-Code", "Nats-Service-Error"],
            "properties": {
                "Nats-Service-Error-Code": { "type": "string", "pattern": "^[0-9]+$", "description": "Mã số lỗi của gRPC / the number of gRPC's code" },
                "Nats-Service-Error": { "type": "string", "description": "Lý do, như `reason` / the reason, as in `reason`" },
            },
        });
    }
    if said.name.ends_with("-request") {
        message["headers"] = json!({
            "type": "object",
            "properties": {
                "traceparent": { "type": "string", "description": "Vết của bên báo cáo theo W3C Trace Context, không bắt buộc; mọi sự kiện của yêu cầu không có vết riêng mang nó / the reporter's trace as W3C Trace Context has it, if there is one; every event of the request without one of its own carries it" },
            },
        });
    }
    message
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
    format!("send{}", words(&kind.name()))
}

/// `ProgressReported` of `progress.reported`.
fn words(name: &str) -> String {
    let words = name.split(['.', '-']).map(|word| {
        let (first, rest) = word.split_at(1);
        first.to_ascii_uppercase() + rest
    });
    words.collect()
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
