//! Compiles the contract in `proto/` without protoc.

use std::path::PathBuf;

/// What alerting publishes as CloudEvents data; the programme's own events have their JSON form in `domain`.
const SERIALIZED: [&str; 23] = [
    "AlertEvent",
    "AlertEvent.body",
    "CaseOpened",
    "CaseCleared",
    "NotificationSent",
    "DeliveryRecorded",
    "DeliveryFailed",
    "PositionRange",
    "CaseTold",
    "Notification",
    "Verdict",
    "Term",
    "Name",
    "LocalityRef",
    "Actor",
    "CaseAcknowledged",
    "CaseEscalated",
    "SilenceSet",
    "SilencedPlace",
    "SilenceEnded",
    "NotificationWithheld",
    "NotificationRead",
    "AcknowledgementEnded",
];

/// Enums are numbers in the generated code and names in JSON.
const ENUM_FIELDS: [(&str, &str); 5] = [
    ("Verdict.status", "status"),
    ("Verdict.layer", "layer"),
    ("Verdict.concern", "concern"),
    ("SilenceSet.concern", "concern"),
    ("DeliveryRecorded.kind", "delivery_kind"),
];

#[expect(
    clippy::disallowed_methods,
    reason = "cargo tells a build script where it is and where to write"
)]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?).join("../../proto");
    let files = ["event", "ingest", "log", "query", "alerting"]
        .map(|name| root.join(format!("tiendo/v1/{name}.proto")));
    for file in &files {
        println!("cargo:rerun-if-changed={}", file.display());
    }
    let descriptors = protox::compile(&files, [&root])?;
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(
        out.join("descriptors.bin"),
        prost::Message::encode_to_vec(&descriptors),
    )?;
    let mut builder = tonic_prost_build::configure();
    for message in SERIALIZED {
        builder = builder.type_attribute(
            format!("tiendo.v1.{message}"),
            "#[derive(serde::Serialize)] #[serde(rename_all = \"camelCase\")] \
             #[cfg_attr(any(test, feature = \"schema\"), derive(schemars::JsonSchema))]",
        );
    }
    for (field, name) in ENUM_FIELDS {
        builder = builder.field_attribute(
            format!("tiendo.v1.{field}"),
            format!(
                "#[serde(serialize_with = \"crate::json::{name}\")] \
                 #[cfg_attr(any(test, feature = \"schema\"), schemars(schema_with = \"crate::json::{name}_schema\"))]"
            ),
        );
    }
    // Passed on as the log keeps it: neither side reads an event that nobody looks at.
    builder = builder.extern_path(".tiendo.v1.RecordedEvent", "crate::recorded::RecordedEvent");
    builder = builder.field_attribute("tiendo.v1.AlertEvent.body", "#[serde(flatten)]");
    // What an entry of an earlier release does not have is not told of it, so that its JSON stays what it was.
    for (field, is_absent) in [
        ("AlertEvent.position", "crate::json::is_zero"),
        ("Verdict.counted", "crate::json::is_false"),
        ("Verdict.unit", "Option::is_none"),
        ("Notification.tells", "Vec::is_empty"),
        ("Notification.reply_by", "String::is_empty"),
    ] {
        builder = builder.field_attribute(
            format!("tiendo.v1.{field}"),
            format!("#[serde(skip_serializing_if = \"{is_absent}\")]"),
        );
    }
    // Markers are small.
    builder = builder.boxed("tiendo.v1.WatchResponse.message.event");
    builder.compile_fds(descriptors)?;
    Ok(())
}
