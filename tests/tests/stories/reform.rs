//! The reform of 2025: the walk in `docs/reform.md` is what really happens, and nothing is recorded for what is no more.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use tiendo_tests::fact::{event, figure, report, request};
use tiendo_tests::{Chapters, Options, PATIENCE, Refused, Tiendo, binary, program, until};
use wire::v1;
use wire::v1::event::Body;

/// The root of the project, which the paths in the walk begin at.
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
/// The day the walk is judged for, as its first lines say.
const TODAY: &str = "2025-07-31";
/// Stands for a position, a time or a digest.
const MASK: &str = "~";
/// A line that stands for the rest of an output.
const CUT: &str = "…";

#[tokio::test(flavor = "multi_thread")]
async fn the_walk_through_the_reform_is_what_really_happens() -> Result<()> {
    let t = Tiendo::start(Options::sample().with(&["--today", TODAY])).await?;
    let mut story = Chapters::new();
    story.tell("what is on record", loaded(&t)).await;
    story.tell("figures for what is no more", no_more(&t)).await;
    story.tell("the walk", walk(&t)).await;
    story.end()?;
    t.finish().await
}

/// A first start loads what became of organisations, and ingest took all of it.
async fn loaded(t: &Tiendo) -> Result<()> {
    let datasets = t.ledger().await?.datasets;
    let events = |name: &str| {
        let set = datasets.iter().find(|set| set.dataset == name);
        set.map(|set| set.events)
    };
    ensure!(events("reform") == Some(8), "{datasets:?}");
    ensure!(events("relations") == Some(18), "{datasets:?}");
    until("everything to be published", PATIENCE, async || {
        let ledger = t.ledger().await?;
        Ok((ledger.published == ledger.head).then_some(()))
    })
    .await
}

/// Sends a report that must be refused, without a trace; what is said of its place.
async fn refusal(t: &Tiendo, event: v1::Event) -> Result<String> {
    let head = t.ledger().await?.head;
    let refused = Refused::expect(t.ingest().await?.record(request(event)).await)?;
    let code = "event.progress_reported.locality.code".to_owned();
    ensure!(
        refused.fields == [(code, "LOCALITY_NOT_VALID".to_owned())],
        "{refused:?}"
    );
    ensure!(t.ledger().await?.head == head, "something was stored");
    Ok(refused.details.concat())
}

/// A figure of a place that ended is refused, and told where its territory went.
async fn no_more(t: &Tiendo) -> Result<()> {
    let says = |said: String, names: &[&str]| {
        let missing = names.iter().find(|name| !said.contains(**name));
        ensure!(missing.is_none(), "{missing:?} is not named: {said}");
        Ok(())
    };
    // A ward that went whole, and whose code nobody has since.
    let said = refusal(t, report("22348", "2025-07-15", 9_000)).await?;
    says(said, &["Phường Vạn Thạnh", "Phường Nha Trang", "22366"])?;
    // A commune that was split; its code is another's since, so only its identity speaks of it.
    let mut split = figure("22435", tiendo_tests::fact::count(5_000));
    split.locality = Some(v1::LocalityRef {
        code: "22435".to_owned(),
        since: "2023-04-10".to_owned(),
    });
    let said = refusal(t, event("2025-07-15", Body::ProgressReported(split))).await?;
    says(
        said,
        &["Xã Cam Tân", "Xã Cam Hiệp", "Xã Cam Lâm", "Xã Suối Dầu"],
    )?;
    // A city that was a district: it has no successor, but its wards have.
    let said = refusal(t, report("568", "2025-07-15", 90_000)).await?;
    says(said, &["Thành phố Nha Trang", "Phường Nha Trang"])?;
    // A ward merged before the reform, of which no data say where it went.
    let said = refusal(t, report("22342", "2025-07-15", 3_000)).await?;
    says(said.clone(), &["Phường Xương Huân"])?;
    ensure!(
        !said.contains("Nha Trang"),
        "a successor was guessed: {said}"
    );
    // On the last day before, all of them are there.
    for code in ["22348", "22435", "568", "22342"] {
        let wanted = v1::RecordRequest {
            validate_only: true,
            ..request(report(code, "2025-06-30", 9_000))
        };
        t.ingest().await?.record(wanted).await?;
    }
    Ok(())
}

/// Runs the commands of the document, and compares what they print.
async fn walk(t: &Tiendo) -> Result<()> {
    let file = Path::new(ROOT).join("docs/reform.md");
    let tracked = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
    let mut real = String::new();
    let mut commands = 0;
    for part in parts(&tracked)? {
        match part {
            Part::Text(line) => real += &format!("{line}\n"),
            Part::Command { lines, output } => {
                commands += 1;
                real += &format!("{}\n", lines.join("\n"));
                let shown = shown(t, &lines).await?;
                folded(t).await?;
                let mut rest = shown.trim_end().lines().map(str::trim_end);
                if output.last() == Some(&CUT) {
                    for line in rest.by_ref().take(output.len() - 1) {
                        real += &format!("{line}\n");
                    }
                    ensure!(rest.next().is_some(), "nothing is cut from {lines:?}");
                    real += &format!("{CUT}\n");
                } else {
                    rest.for_each(|line| real += &format!("{line}\n"));
                }
            }
        }
    }
    ensure!(commands >= 10, "only {commands} commands were found");
    same(&tracked, &real)
}

/// Waits until what was recorded is in every answer: who types the commands is slower than that.
async fn folded(t: &Tiendo) -> Result<()> {
    let at = v1::ReadAt {
        min_position: t.ledger().await?.head,
        ..Default::default()
    };
    let request = v1::ListIndicatorsRequest {
        at: Some(at),
        ..Default::default()
    };
    t.query().await?.list_indicators(request).await?;
    Ok(())
}

/// Compares apart from positions, times and digests; what is real is left for whoever has to look.
fn same(tracked: &str, real: &str) -> Result<()> {
    let (said, is): (Vec<String>, Vec<String>) = (masked(tracked), masked(real));
    if said == is {
        return Ok(());
    }
    let actual = Path::new(env!("CARGO_TARGET_TMPDIR")).join("reform.md");
    fs::write(&actual, real)?;
    let first = said.iter().zip(&is).find(|(said, is)| said != is);
    bail!(
        "docs/reform.md does not say what happens (now in {}), first here: {first:#?}",
        actual.display()
    )
}

/// A part of the document.
enum Part<'a> {
    Text(&'a str),
    Command {
        /// As written, with those it goes on in.
        lines: Vec<&'a str>,
        output: Vec<&'a str>,
    },
}

/// The document, cut at its commands and the ends of their outputs.
fn parts(document: &str) -> Result<Vec<Part<'_>>> {
    let mut parts = Vec::new();
    let mut lines = document.lines().peekable();
    while let Some(line) = lines.next() {
        if !line.starts_with("$ tiendo ") {
            parts.push(Part::Text(line));
            continue;
        }
        let mut command = vec![line];
        while command.last().is_some_and(|line| line.ends_with('\\')) {
            command.push(lines.next().context("a command without an end")?);
        }
        let mut output = Vec::new();
        while let Some(line) = lines.next_if(|line| !line.starts_with("$ ") && *line != "```") {
            output.push(line);
        }
        parts.push(Part::Command {
            lines: command,
            output,
        });
    }
    Ok(parts)
}

/// What a command prints: its data, or why it refuses.
async fn shown(t: &Tiendo, lines: &[&str]) -> Result<String> {
    let joined: Vec<&str> = lines
        .iter()
        .map(|line| line.trim_end_matches('\\'))
        .collect();
    let mut arguments = words(&joined.concat())?;
    arguments.drain(..2);
    for argument in &mut arguments {
        if argument.starts_with("docs/") {
            *argument = format!("{ROOT}/{argument}");
        }
    }
    let data = t.data().display().to_string();
    let mut all = vec!["--data".to_owned(), data];
    all.extend(arguments);
    let ended = program::run(&binary()?, &all).await?;
    Ok(if ended.code == 0 {
        ended.stdout
    } else {
        ended.stderr
    })
}

/// The words of a command line, of which single quotes hold some together.
fn words(line: &str) -> Result<Vec<String>> {
    let mut words = Vec::new();
    let (mut word, mut quoted) = (String::new(), false);
    for c in line.chars() {
        match c {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.push(std::mem::take(&mut word)),
            _ => word.push(c),
        }
    }
    ensure!(!quoted, "{line}: a quote is open");
    words.push(word);
    words.retain(|word| !word.is_empty());
    Ok(words)
}

/// The lines of a document, its positions, times and digests masked; how wide its tables are does not count.
fn masked(document: &str) -> Vec<String> {
    let mut in_positions = false;
    let mut lines = Vec::new();
    for line in document.lines() {
        let mut masked: Vec<String> = Vec::new();
        // A rule under the headings is as wide as what it stands for happens to be.
        let is_rule = !line.is_empty() && line.chars().all(|c| c == '─');
        let line = if is_rule { "─" } else { line };
        for word in line.split_whitespace() {
            let bare = word.trim_matches(|c: char| "(),.;:".contains(c));
            let stamp = is_time(bare) || is_digest(bare) || uuid::Uuid::try_parse(bare).is_ok();
            let position = match &masked[..] {
                [] => in_positions,
                // `positions 26,300 to 26,305`
                [.., first, to] if first == MASK && to == "to" => true,
                [.., before] => matches!(before.trim_start_matches('('), "position" | "positions"),
            };
            if stamp || (position && is_number(bare)) {
                masked.push(word.replace(bare, MASK));
            } else {
                masked.push(word.to_owned());
            }
            // An event on a line of its own begins with its position and its time.
            if let ([first, _], true) = (&mut masked[..], is_time(bare))
                && is_number(first)
            {
                MASK.clone_into(first);
            }
        }
        // A table whose first column is a position ends with an empty line or the end of the block.
        match masked.first().map(String::as_str) {
            Some("Position") => in_positions = true,
            None | Some("```" | "$") => in_positions = false,
            _ => {}
        }
        lines.push(masked.join(" "));
    }
    lines
}

fn is_number(word: &str) -> bool {
    !word.is_empty() && word.chars().all(|c| c.is_ascii_digit() || c == ',')
}

fn is_time(word: &str) -> bool {
    word.contains('T') && word.parse::<jiff::Timestamp>().is_ok()
}

fn is_digest(word: &str) -> bool {
    word.len() == 64 && word.bytes().all(|c| c.is_ascii_hexdigit())
}

#[test]
fn a_command_line_is_read_as_a_shell_would() -> Result<()> {
    let line = "$ tiendo report eid.activated --source 'Báo cáo tháng 7'  --value 9.000";
    assert_eq!(
        words(line)?[2..],
        [
            "report",
            "eid.activated",
            "--source",
            "Báo cáo tháng 7",
            "--value",
            "9.000"
        ]
    );
    assert!(words("$ tiendo report 'x").is_err());
    Ok(())
}

#[test]
fn positions_times_and_digests_are_all_that_is_masked() {
    let document = "As known at position 26,301 (2026-11-22T15:26:52+07:00), 22348 has 9,000
6 rows, positions 26,300 to 26,305
 26275  2026-11-22T16:44:32+07:00  56  so-gtvt
 Position   Count
───────────────────
 26,301     9,000

 26,301";
    let expected = [
        "As known at position ~ (~), 22348 has 9,000",
        "6 rows, positions ~ to ~",
        "~ ~ 56 so-gtvt",
        "Position Count",
        "─",
        "~ 9,000",
        "",
        "26,301",
    ];
    assert_eq!(masked(document), expected);
}
