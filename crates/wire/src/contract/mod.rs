//! What subscribers may rest on: each kind of message with its schema, its channel and an example.
//!
//! - [`kind`]: the kinds, told in both languages
//! - `example`: one message of each, as the code writes it
//! - `request`: requests over NATS and their answers
//! - `schema`: JSON Schemas (2020-12) of the types that the code writes
//! - `asyncapi`: the AsyncAPI 3.0 document, and the table of kinds in `docs/bus/README.md`
//! - `tests`: keeps `docs/bus` equal to all that, and messages of released versions readable
//!
//! Nothing is written down twice: a kind is known by its example, its subject by what publishes it, its schema by the
//! types that serde writes; only the Vietnamese sentence and the meaning of the subject's last token are told here.
//!
//! Behind the feature `schema`, and in unit tests, so that no service carries it.

mod asyncapi;
mod example;
pub mod kind;
mod request;
mod schema;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use kind::{Kind, Ledger, kinds};
pub(crate) use schema::names_of;

/// Why the contract cannot be told: a kind without an example or a text, or an example that cannot be written.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// What a relay tells about once a second on core NATS: the head of its ledger's log; never stored, no CloudEvent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Heartbeat {
    /// Id of the ledger.
    #[schemars(extend("pattern" = "^[a-z0-9_-]{1,64}$"))]
    pub ledger: String,
    /// Position of the newest event in its log; 0 if it is empty.
    pub head: u64,
}

/// The files of `docs/bus` that are written by code, by their path below it; each ends with a line's end.
///
/// # Errors
/// [`Error`] if a kind lacks something.
pub fn files() -> Result<BTreeMap<String, String>, Error> {
    let kinds = kinds()?;
    let mut files = BTreeMap::new();
    for kind in &kinds {
        let name = kind.name();
        files.insert(format!("schemas/{name}.json"), pretty(&kind.schema)?);
        let example = String::from_utf8(kind.example.clone())?;
        files.insert(format!("examples/{name}.json"), example + "\n");
    }
    let heartbeat = serde_json::to_string(&example::heartbeat())?;
    for said in request::all()? {
        let name = &said.name;
        files.insert(format!("schemas/{name}.json"), pretty(&said.schema)?);
        files.insert(
            format!("examples/{name}.json"),
            said.example.to_string() + "\n",
        );
    }
    for (name, text) in [
        ("schemas/envelope.json", pretty(&schema::envelope())?),
        ("schemas/heartbeat.json", pretty(&schema::heartbeat())?),
        ("examples/heartbeat.json", heartbeat + "\n"),
        ("asyncapi.json", pretty(&asyncapi::document(&kinds)?)?),
    ] {
        files.insert(name.to_owned(), text);
    }
    Ok(files)
}

/// The table of kinds for `docs/bus/README.md`.
///
/// # Errors
/// [`Error`] if a kind lacks something.
pub fn table() -> Result<String, Error> {
    Ok(asyncapi::table(&kinds()?))
}

fn pretty(value: &Value) -> Result<String, Error> {
    Ok(serde_json::to_string_pretty(value)? + "\n")
}
