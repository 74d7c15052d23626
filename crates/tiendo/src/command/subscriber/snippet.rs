//! A program that subscribes: a template of `docs/bus/snippets` with what concerns one subscriber.

use std::path::Path;

use bus::Access;
use bus::subscriber::Wanted;

use super::accounts::DOMAIN;
use crate::cli::Snippet;

/// The program; without a seed it is for a server that lets everybody in.
pub(super) fn text(
    snippet: Snippet,
    access: &Access,
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
    let absolute = |path: &Path| {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        path.to_string_lossy().into_owned()
    };
    let inbox = match seed {
        Some(_) => format!("_INBOX_{}", wanted.name),
        None => "_INBOX".to_owned(),
    };
    let values = [
        ("url", access.url.clone()),
        ("ca", access.ca.as_deref().map(absolute).unwrap_or_default()),
        ("seed", seed.map(absolute).unwrap_or_default()),
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
            let text = text(*snippet, &access, &wanted, Some(Path::new("a\"b.nk")));
            assert!(!text.contains("{{"), "{text}");
            for part in [
                "nats://127.0.0.1:4222",
                "_INBOX_so-tttt",
                "TIENDO_KHANH-HOA",
                "a\\\"b.nk",
            ] {
                assert!(text.contains(part), "{snippet:?} lacks {part}");
            }
        }
    }
}
