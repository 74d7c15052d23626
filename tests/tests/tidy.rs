//! The conventions of the house, over its files and `cargo metadata`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use cargo_metadata::{DependencyKind, MetadataCommand};
use tiendo_tests::{binary, program};

/// Who may be known by whom; a room that is not named here knows nobody.
const ROOMS: [(&str, &[&str]); 14] = [
    ("domain", &[]),
    ("lag", &[]),
    ("state", &["domain"]),
    ("wire", &["domain"]),
    ("sheet", &["domain", "wire"]),
    ("event-log", &[]),
    ("bus", &[]),
    ("client", &["bus", "wire"]),
    ("host", &[]),
    ("ingest", SERVICE),
    ("projection", SERVICE),
    ("alerting", SERVICE),
    ("tiendo", ALL),
    ("tiendo-tests", &["bus", "wire"]),
];
/// What a service may know: never another service.
const SERVICE: &[&str] = &[
    "wire",
    "event-log",
    "bus",
    "host",
    "sheet",
    "state",
    "lag",
    "domain",
];
/// The one binary links everything.
const ALL: &[&str] = &[
    "alerting",
    "bus",
    "domain",
    "event-log",
    "host",
    "ingest",
    "lag",
    "projection",
    "sheet",
    "state",
    "wire",
];
/// What only tests know: the stories of alerting and of the client follow a real ledger, and chaos starts nats-servers of its own.
const ROOMS_OF_TESTS: [(&str, &[&str]); 3] = [
    ("alerting", &["ingest"]),
    ("client", &["ingest", "host"]),
    ("tiendo-tests", &["bus"]),
];

/// Longest function outside tests, in lines.
const FUNCTION_LINES_MAX: usize = 70;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every file with this ending in the rooms, with its path from the root.
fn files(ending: &str) -> Result<Vec<(String, String)>> {
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = ["crates", "services", "tests"]
        .map(|folder| root().join(folder))
        .into();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                if !path.ends_with("target") {
                    folders.push(path);
                }
            } else if path.to_string_lossy().ends_with(ending) {
                let name = path.strip_prefix(root())?.to_string_lossy().into_owned();
                let text = fs::read_to_string(&path).with_context(|| name.clone())?;
                found.push((name, text));
            }
        }
    }
    ensure!(
        found.len() > 5,
        "only {} files end with {ending}",
        found.len()
    );
    found.sort();
    Ok(found)
}

fn is_test_file(name: &str) -> bool {
    name.contains("/tests/")
        || name.contains("/benches/")
        || name.starts_with("tests/")
        || name.ends_with("/tests.rs")
        || name.ends_with("_tests.rs")
}

/// Sources without their tests, which stand last.
fn sources() -> Result<Vec<(String, String)>> {
    let mut sources = files(".rs")?;
    sources.retain(|(name, _)| !is_test_file(name) && name.contains("/src/"));
    for (_, text) in &mut sources {
        if let Some(at) = text.find("#[cfg(test)]\nmod tests {") {
            text.truncate(at);
        }
    }
    Ok(sources)
}

fn none(offenders: &[String]) -> Result<()> {
    ensure!(
        offenders.is_empty(),
        "{} offenders:\n{}",
        offenders.len(),
        offenders.join("\n")
    );
    Ok(())
}

#[test]
fn dependencies_point_one_way() -> Result<()> {
    let metadata = MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .no_deps()
        .exec()?;
    let rooms: BTreeSet<String> = metadata
        .packages
        .iter()
        .map(|package| package.name.to_string())
        .collect();
    let known: BTreeSet<String> = ROOMS.iter().map(|(room, _)| (*room).to_owned()).collect();
    assert_eq!(rooms, known, "a new room is a design decision");
    let may = |table: &[(&str, &[&str])], from: &str, to: &str| {
        table
            .iter()
            .any(|(room, others)| *room == from && others.contains(&to))
    };
    let mut offenders = Vec::new();
    for package in &metadata.packages {
        for dependency in package
            .dependencies
            .iter()
            .filter(|d| rooms.contains(&d.name))
        {
            let (from, to) = (package.name.as_str(), dependency.name.as_str());
            let for_tests = dependency.kind == DependencyKind::Development;
            if !(may(&ROOMS, from, to) || for_tests && may(&ROOMS_OF_TESTS, from, to)) {
                offenders.push(format!("{from} → {to} ({:?})", dependency.kind));
            }
        }
    }
    none(&offenders)
}

/// Fuzzers need a nightly compiler and therefore a workspace of their own, which inherits nothing.
///
/// It names rooms by their path, the fuzzer's own version, and no other.
#[test]
fn the_root_manifest_alone_names_versions_and_lints() -> Result<()> {
    let mut offenders = Vec::new();
    for (name, text) in files("Cargo.toml")? {
        let is_apart = name.ends_with("/fuzz/Cargo.toml");
        if !is_apart && !text.contains("[lints]\nworkspace = true") {
            offenders.push(format!("{name}: does not inherit the lints"));
        }
        let may = |line: &str| {
            let of_fuzzers = line.contains("path = \"..\"") || line.starts_with("libfuzzer-sys = ");
            line.contains("workspace = true") || is_apart && of_fuzzers
        };
        let mut section = "";
        for line in text.lines().map(str::trim) {
            if line.starts_with('[') {
                section = line;
                if section.contains("dependencies.") {
                    offenders.push(format!("{name}: {section}"));
                }
            } else if section.ends_with("dependencies]")
                && !line.is_empty()
                && !line.starts_with('#')
                && !may(line)
            {
                offenders.push(format!("{name}: {line}"));
            }
        }
    }
    none(&offenders)
}

#[test]
fn every_module_says_what_it_is() -> Result<()> {
    let is_silent = |text: &str| !text.trim_start().starts_with("//!");
    let offenders: Vec<String> = files(".rs")?
        .into_iter()
        .filter(|(_, text)| is_silent(text))
        .map(|(name, _)| name)
        .collect();
    none(&offenders)
}

#[test]
fn no_test_is_left_out_and_none_sleeps_for_luck() -> Result<()> {
    let ignore = concat!("#[", "ignore");
    let sleep = concat!("sleep", "(");
    let mut offenders = Vec::new();
    for (name, text) in files(".rs")? {
        if text.contains(ignore) {
            offenders.push(format!("{name}: leaves out a test"));
        }
        // A helper that waits for a condition sleeps between two looks: after a function's `loop` or `while`.
        let lines: Vec<&str> = text.lines().collect();
        for (number, line) in lines.iter().enumerate().filter(|_| is_test_file(&name)) {
            let before = &lines[number.saturating_sub(12)..number];
            let looks = |line: &&str| {
                let line = line.trim_start();
                line.starts_with("loop ")
                    || line.starts_with("while ")
                    || line.starts_with("until(")
            };
            if line.contains(sleep) && !before.iter().any(looks) {
                offenders.push(format!("{name}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    none(&offenders)
}

#[test]
fn functions_fit_on_a_screen() -> Result<()> {
    let mut offenders = Vec::new();
    for (name, text) in sources()? {
        let lines: Vec<&str> = text.lines().collect();
        for (number, line) in lines.iter().enumerate() {
            let Some(function) = function_name(line) else {
                continue;
            };
            let length = function_lines(&lines[number..]);
            if length > FUNCTION_LINES_MAX {
                offenders.push(format!(
                    "{name}:{}: {function} has {length} lines",
                    number + 1
                ));
            }
        }
    }
    none(&offenders)
}

/// The name of the function that a line begins.
fn function_name(line: &str) -> Option<&str> {
    let mut rest = line.trim_start();
    for word in ["pub(crate) ", "pub(super) ", "pub ", "const ", "async "] {
        rest = rest.strip_prefix(word).unwrap_or(rest);
    }
    let rest = rest.strip_prefix("fn ")?;
    rest.split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .next()
}

/// Lines up to the brace that stands as far left as the function; formatted code has no other there.
fn function_lines(lines: &[&str]) -> usize {
    let indent = lines[0].len() - lines[0].trim_start().len();
    let is_end = |line: &&str| {
        let deep = line.len() - line.trim_start().len();
        deep == indent && (line.trim() == "}" || line.ends_with(';') || line.ends_with(" }"))
    };
    lines.iter().position(is_end).map_or(0, |last| last + 1)
}

/// Reason codes, found where they are made:
/// in the functions `reason` and `code` that give a `&'static str`, in constants called `REASON_…`, and as the first such literal after `with_reason(` and `unavailable(`.
/// The status of a verdict is no reason.
#[test]
fn every_reason_code_is_in_the_runbook() -> Result<()> {
    let runbook = fs::read_to_string(root().join("deploy/runbook.md"))?;
    let headings: BTreeSet<&str> = runbook
        .lines()
        .filter_map(|line| line.strip_prefix("### "))
        .map(str::trim)
        .collect();
    let mut codes = BTreeSet::new();
    for (name, text) in sources()? {
        for code in reason_codes(&text) {
            codes.insert((code, name.clone()));
        }
    }
    ensure!(
        codes.len() > 100,
        "only {} codes were found: the search is broken",
        codes.len()
    );
    let missing: Vec<String> = codes
        .into_iter()
        .filter(|(code, _)| !headings.contains(code.as_str()))
        .map(|(code, name)| format!("{code} ({name})"))
        .collect();
    none(&missing)
}

fn reason_codes(text: &str) -> Vec<String> {
    let mut codes = Vec::new();
    let lines: Vec<&str> = text.lines().collect();
    let mut owner = "";
    for (number, line) in lines.iter().enumerate() {
        if line.starts_with("impl") {
            owner = line;
        }
        let gives_a_code = matches!(function_name(line), Some("reason" | "code"))
            && line.contains("&'static str")
            && !owner.starts_with("impl Status");
        if gives_a_code {
            let body = lines[number..number + function_lines(&lines[number..])].join("\n");
            codes.extend(literals(&body));
        }
        if line.contains("const REASON_") {
            codes.extend(literals(line));
        }
    }
    for call in ["with_reason(", "unavailable("] {
        for (at, _) in text.match_indices(call) {
            let rest = &text[at..];
            let end = rest.find(";\n").unwrap_or(rest.len());
            // The statement of a call without a literal ends before the next one's.
            codes.extend(literals(&rest[..end]).into_iter().take(1));
        }
    }
    codes
}

/// String literals in upper case, with digits and underscores.
fn literals(text: &str) -> Vec<String> {
    let is_code = |text: &&str| {
        text.len() > 2
            && text.starts_with(|c: char| c.is_ascii_uppercase())
            && text
                .bytes()
                .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
    };
    text.split('"')
        .skip(1)
        .step_by(2)
        .filter(is_code)
        .map(ToOwned::to_owned)
        .collect()
}

#[tokio::test]
async fn every_setting_is_in_the_readme() -> Result<()> {
    let readme = fs::read_to_string(root().join("README.md")).context("README.md")?;
    let mut missing = BTreeSet::new();
    for command in [
        &["up"][..],
        &["serve", "ingest"],
        &["serve", "projection"],
        &["serve", "alerting"],
        &["report"],
    ] {
        let mut arguments = command.to_vec();
        arguments.push("--help");
        let help = program::run(&binary()?, &arguments).await?.ok()?;
        for word in help.split(|c: char| c.is_whitespace() || "[]=<>,`".contains(c)) {
            let is_setting = word.starts_with("TIENDO_")
                || word.starts_with("--") && word.len() > 2 && command != ["report"];
            let known = ["--help", "--version"].contains(&word);
            if is_setting && !known && !readme.contains(word) {
                missing.insert(word.to_owned());
            }
        }
    }
    none(&missing.into_iter().collect::<Vec<_>>())
}
