//! Clients that we did not write: Python's grpcio and buf, with nothing but the address and reflection.
//!
//! `TIENDO_PYTHON` and `TIENDO_BUF` name the programs; else `python3` and `buf` are looked for.
//! Where one is missing its part is left out with a line that says so, unless `TIENDO_REQUIRE_THIRD_PARTY=1`.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;
use tiendo_tests::{Chapters, Options, Tiendo, program, say};

#[tokio::test(flavor = "multi_thread")]
async fn others_list_the_services_and_read_a_locality() -> Result<()> {
    let python = usable(
        "TIENDO_PYTHON",
        &["python3"],
        &["-c", "import grpc, grpc_reflection"],
    )
    .await?;
    let buf = usable("TIENDO_BUF", &["buf"], &["--version"]).await?;
    if python.is_none() && buf.is_none() {
        return Ok(());
    }
    let tiendo = Tiendo::start(Options::sample()).await?;
    let mut story = Chapters::new();
    if let Some(python) = python {
        story
            .tell(
                "Python grpcio, reflection v1alpha",
                with_python(&tiendo, &python),
            )
            .await;
    }
    if let Some(buf) = buf {
        story
            .tell("buf curl, reflection v1", with_buf(&tiendo, &buf))
            .await;
    }
    story.end()?;
    tiendo.finish().await
}

/// The first program that can do what is needed.
async fn usable(variable: &str, names: &[&str], probe: &[&str]) -> Result<Option<PathBuf>> {
    let mut why = String::new();
    for candidate in program::third_party(variable, names) {
        match program::run(&candidate, probe)
            .await
            .and_then(program::Output::ok)
        {
            Ok(_) => return Ok(Some(candidate)),
            Err(error) => why = format!("{error:#}"),
        }
    }
    let line = format!(
        "{} is left out ({variable} can name one): {}",
        names.join(", "),
        why.trim()
    );
    if program::third_party_required() {
        bail!("{line}");
    }
    say(line);
    Ok(None)
}

/// What both read: Khánh Hòa with its figures and models.
fn check_khanh_hoa(answer: &Value) -> Result<()> {
    let locality = &answer["locality"];
    assert_eq!(locality["name"]["vi"], "Tỉnh Khánh Hòa");
    assert_eq!(locality["models"].as_array().map(Vec::len), Some(31));
    let standing = locality["indicators"].as_array().context("indicators")?;
    let activated = standing
        .iter()
        .find(|s| s["indicator"]["indicator"] == "eid.activated-l2");
    let activated = activated.context("no eid.activated-l2")?;
    // 64-bit numbers are strings in the JSON form of Protocol Buffers.
    assert_eq!(activated["figure"]["value"]["count"], "634327");
    assert_eq!(activated["figure"]["printedPercent"], "83.8");
    Ok(())
}

/// Both ask what changed since the second of June: all of its accounts were reported after that.
fn check_changed(answer: &Value) {
    let changes = answer["indicators"].as_array().into_iter().flatten();
    let accounts = changes
        .map(|change| (&change["indicator"]["indicator"], &change["own"]["count"]))
        .find(|(indicator, _)| *indicator == "eid.activated-l2");
    let count = accounts.map(|(_, count)| count.clone()).unwrap_or_default();
    assert_eq!(count["newWork"], "634327", "{answer}");
    assert_eq!(count["broughtBy"], "DIFF_TERM_NEW_WORK", "{answer}");
    assert!(count.get("from").is_none(), "missing is not zero: {answer}");
}

/// Both ask where its activated accounts come from: the place, the definition, what they are held against, and the figure.
fn check_explained(answer: &Value) -> Result<()> {
    let grounds = answer["grounds"].as_array().context("grounds")?;
    let kinds: Vec<&str> = grounds
        .iter()
        .filter_map(|one| one["kind"].as_str())
        .collect();
    let expected = ["REGISTRATION", "DEFINITION", "QUOTA", "HOLDS"];
    assert_eq!(kinds, expected.map(|kind| format!("GROUND_KIND_{kind}")));
    assert_eq!(answer["groundCount"], 4);
    let share = &answer["shares"][0];
    assert_eq!(share["shareHundredths"], 8380);
    let [.., quota, figure] = grounds.as_slice() else {
        bail!("{grounds:?}");
    };
    assert_eq!(share["numeratorPosition"], figure["recorded"]["position"]);
    assert_eq!(share["denominatorPosition"], quota["recorded"]["position"]);
    Ok(())
}

/// A watch from the first event on tells of what stands behind the number, in order, and then of how far it came.
fn check_watched(watched: &Value, explained: &Value) -> Result<()> {
    let position = |of: &Value| of["position"].as_str().and_then(|p| p.parse::<u64>().ok());
    let watched = watched.as_array().context("watched")?;
    let (last, events) = watched.split_last().context("nothing was told")?;
    ensure!(last.get("caughtUp").is_some(), "{last}");
    let told: Vec<_> = watched.iter().map(position).collect();
    ensure!(told.is_sorted(), "{told:?}");
    let grounds = explained["grounds"].as_array().context("grounds")?;
    let of_place = grounds
        .iter()
        .filter(|ground| ground["kind"] != "GROUND_KIND_DEFINITION");
    for ground in of_place {
        let known = events
            .iter()
            .any(|event| position(event) == position(&ground["recorded"]));
        ensure!(known, "{ground} is not among what was told");
    }
    Ok(())
}

/// Nine districts with 31 models, of which nobody reported any; what the province's police hold; nine reports that are missing.
fn check_overviews(matrix: &Value, held: &Value, missing: &Value) {
    let count = |list: &Value| list.as_array().map(Vec::len);
    let row = &matrix["rows"][8];
    let counts = [&matrix["models"], &matrix["rows"], &row["cells"]].map(count);
    assert_eq!(counts, [Some(31), Some(9), Some(31)], "{matrix}");
    assert_eq!(row["locality"]["name"]["vi"], "Thị xã Ninh Hòa");
    assert_eq!(row["cells"][0].get("status"), None, "{row}");
    assert_eq!(held["organisation"], "Công an tỉnh");
    assert_eq!(held["counts"]["roles"], 32);
    assert_eq!(count(&held["roles"]), Some(32), "{held}");
    assert_eq!(missing["expectedCount"], 9);
    assert_eq!(count(&missing["missing"]), Some(9), "{missing}");
}

async fn with_python(t: &Tiendo, python: &Path) -> Result<()> {
    let script = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/third_party/read_locality.py"
    );
    let address = t.endpoints()?.projection;
    let address = address.trim_start_matches("http://");
    let said = program::run(python, &[script, address, "56", "eid.activated-l2"])
        .await?
        .ok()?;
    let said: Value = serde_json::from_str(&said).with_context(|| said.clone())?;
    let services = said["services"].as_array().context("services")?;
    for service in ["tiendo.v1.QueryService", "grpc.health.v1.Health"] {
        ensure!(
            services.iter().any(|s| s == service),
            "no {service} among {services:?}"
        );
    }
    check_khanh_hoa(&said["answer"])?;
    check_changed(&said["changed"]);
    check_watched(&said["watched"], &said["explained"])?;
    check_overviews(&said["matrix"], &said["held"], &said["missing"]);
    check_explained(&said["explained"])
}

async fn with_buf(t: &Tiendo, buf: &Path) -> Result<()> {
    let endpoints = t.endpoints()?;
    let curl = async |more: &[&str]| -> Result<String> {
        let mut arguments = vec!["curl", "--protocol", "grpc", "--http2-prior-knowledge"];
        arguments.extend(["--reflect", "--reflect-protocol", "grpc-v1"]);
        arguments.extend(more);
        program::run(buf, &arguments).await?.ok()
    };
    for (address, method) in [
        (&endpoints.ingest, "tiendo.v1.IngestService/Record"),
        (&endpoints.ingest, "tiendo.v1.LogService/ReadEvents"),
        (&endpoints.projection, "tiendo.v1.QueryService/GetLocality"),
        (&endpoints.alerting, "tiendo.v1.AlertingService/ListCases"),
    ] {
        let listed = curl(&["--list-methods", address]).await?;
        ensure!(
            listed.lines().any(|line| line.trim() == method),
            "no {method} in\n{listed}"
        );
    }
    let ask = async |method: &str, request: &str| -> Result<Value> {
        let url = format!("{}/tiendo.v1.QueryService/{method}", endpoints.projection);
        let read = curl(&["--data", request, &url]).await?;
        serde_json::from_str(&read).with_context(|| read.clone())
    };
    check_khanh_hoa(&ask("GetLocality", r#"{"code":"56"}"#).await?)?;
    let request = r#"{"code":"56","from":{"as_of":"2023-06-02"}}"#;
    check_changed(&ask("DiffLocality", request).await?);
    let matrix = ask("GetModelMatrix", r#"{"parent_code":"56"}"#).await?;
    let request = r#"{"organisation":"cong an tinh","code":"56"}"#;
    let held = ask("GetOwnerPortfolio", request).await?;
    let request = r#"{"indicator":"eid.activated-l2","parent_code":"56"}"#;
    let missing = ask("ListMissingReports", request).await?;
    check_overviews(&matrix, &held, &missing);
    let request = r#"{"code":"56","indicator":"eid.activated-l2"}"#;
    check_explained(&ask("ExplainFigure", request).await?)
}
