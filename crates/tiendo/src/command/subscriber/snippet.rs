//! A program that subscribes: a template of `docs/bus/snippets` with what concerns one subscriber.

use std::path::{Path, PathBuf};

use bus::Access;
use bus::subscriber::Wanted;

use super::accounts::DOMAIN;
use crate::cli::Snippet;

/// The program; without a seed it is for a server that lets everybody in.
///
/// For an address of its own it is run elsewhere, where its files lie beside it.
pub(super) fn text(
    snippet: Snippet,
    access: &Access,
    public_url: Option<&str>,
    wanted: &Wanted,
    seed: Option<&Path>,
) -> String {
    let template = match snippet {
        Snippet::Rust => include_str!("../../../../../docs/bus/snippets/rust.rs"),
        Snippet::Python => include_str!("../../../../../docs/bus/snippets/python.py"),
        Snippet::Node => include_str!("../../../../../docs/bus/snippets/node.mjs"),
        Snippet::Java => include_str!("../../../../../docs/bus/snippets/Subscriber.java"),
        Snippet::Nats => include_str!("../../../../../docs/bus/snippets/nats.sh"),
    };
    let place = |path: &Path| {
        let path = match public_url {
            Some(_) => path.file_name().map(PathBuf::from),
            None => std::path::absolute(path).ok(),
        };
        let path = path.unwrap_or_default();
        path.to_string_lossy().into_owned()
    };
    let inbox = match seed {
        Some(_) => format!("_INBOX_{}", wanted.name),
        None => "_INBOX".to_owned(),
    };
    let values = [
        ("url", public_url.unwrap_or(&access.url).to_owned()),
        ("ca", access.ca.as_deref().map(place).unwrap_or_default()),
        ("seed", seed.map(place).unwrap_or_default()),
        ("inbox", inbox),
        ("domain", seed.map_or("", |_| DOMAIN).to_owned()),
        ("stream", wanted.stream.clone()),
        ("name", wanted.name.clone()),
    ];
    values
        .iter()
        .fold(template.to_owned(), |text, (name, value)| {
            let value = value.replace('\\', "\\\\").replace('"', "\\\"");
            text.replace(&format!("{{{{{name}}}}}"), &value)
        })
}

#[cfg(test)]
mod tests {
    use bus::subscriber::Start;
    use clap::ValueEnum as _;

    use super::*;

    #[test]
    fn every_program_is_filled_in_whole() {
        let wanted = Wanted {
            stream: "TIENDO_KHANH-HOA".to_owned(),
            name: "so-tttt".to_owned(),
            filters: Vec::new(),
            start: Start::New,
        };
        let access = Access::open("nats://127.0.0.1:4222");
        for snippet in Snippet::value_variants() {
            let seed = Some(Path::new("/keys/a\"b.nk"));
            let elsewhere = text(*snippet, &access, Some("tls://bus.example"), &wanted, seed);
            assert!(
                elsewhere.contains("\"tls://bus.example\"") && !elsewhere.contains("127.0.0.1")
            );
            assert!(elsewhere.contains("\"a\\\"b.nk\"") && !elsewhere.contains("/keys"));
            let text = text(*snippet, &access, None, &wanted, seed);
            assert!(!text.contains("{{"), "{text}");
            for part in [
                "nats://127.0.0.1:4222",
                "_INBOX_so-tttt",
                "TIENDO_KHANH-HOA",
                "/keys/a\\\"b.nk",
            ] {
                assert!(text.contains(part), "{snippet:?} lacks {part}");
            }
        }
    }
}
