//! Rules of judgement from a file to a verdict: checked, adopted, told with their author and reason, and judged by from then on.

use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tiendo_tests::{Options, PATIENCE, Tiendo, until};

const AUTHOR: [&str; 4] = [
    "--organisation",
    "Công an tỉnh Mẫu",
    "--office",
    "Tổ công tác Đề án 06",
];

#[tokio::test(flavor = "multi_thread")]
async fn rules_of_a_file_are_checked_and_adopted_and_everything_is_judged_by_them() -> Result<()> {
    let mut t = Tiendo::start(Options::empty()).await?;
    a_commune_that_missed_its_deadline(&t).await?;
    shipped(&t).await?;
    everything_wrong_is_said_at_once(&t).await?;
    let position = adopted(&t).await?;
    routes(&t).await?;
    said_once(&t, position).await?;
    // A start replays the ledger, and comes to the same rules.
    t.stop().await?;
    t.restart().await?;
    judged_by(&t, Some("kh-2026.1")).await?;
    let before = (position - 1).to_string();
    let earlier = t.json(&["rule", "list", "--known-at", &before]).await?;
    ensure!(earlier.get("rules").is_none(), "{earlier}");
    for_provinces_only(&t).await?;
    t.finish().await
}

async fn a_commune_that_missed_its_deadline(t: &Tiendo) -> Result<()> {
    let of = |code, name, parent: &[&'static str]| {
        let mut line = vec!["locality", "register", code, "--name", name];
        line.extend(["--as-of", "2020-01-01", "--source", "NQ 1"]);
        line.extend(parent);
        line
    };
    t.text(&of("99", "Tỉnh Mẫu", &[])).await?;
    t.text(&of("991", "Huyện Mẫu", &["--parent", "99"])).await?;
    t.text(&of("99101", "Xã Một", &["--parent", "991"])).await?;
    for line in [
        "indicator define thu.nghiem --name Thử --family thu --kind cumulative --unit máy --as-of 2020-01-01",
        "quota assign thu.nghiem --locality 99101 --layer provincial --denominator 1000 --document 12/KH \
         --denominator-kind quota --deadline 2024-06-30 --issuer UBND --as-of 2024-01-01",
        "report thu.nghiem --locality 99101 --value 400 --source BC --as-of 2024-06-01",
    ] {
        let words: Vec<&str> = line.split_whitespace().collect();
        t.text(&words).await?;
    }
    judged_by(t, Some("standard-1")).await
}

/// Waits until the commune is judged by a version, or not at all.
async fn judged_by(t: &Tiendo, version: Option<&str>) -> Result<()> {
    until("the verdict of the rules", PATIENCE, async || {
        let answer = t.json(&["verdict", "list"]).await?;
        let verdict = &answer["verdicts"][0];
        Ok((verdict["rulesVersion"].as_str() == version).then_some(()))
    })
    .await
}

/// A file of rules in the instance's own folder.
fn file(t: &Tiendo, said: &Value) -> Result<String> {
    let path: PathBuf = t.data().with_file_name("rules.json");
    std::fs::write(&path, said.to_string())?;
    Ok(path.to_str().context("the folder is not UTF-8")?.to_owned())
}

/// One threshold, one step more than is shipped, and only what the province asked of communes.
fn stricter() -> Value {
    json!({
        "version": "kh-2026.1",
        "cadence_days": 3.5,
        "judged": {
            "indicators": ["thu.nghiem"],
            "levels": ["commune", "district"],
            "layers": ["provincial"],
        },
        "steps": [
            {"vi": "nhắc", "en": "reminder", "after_days": 0, "reply_days": 3, "tells": ["unit"]},
            {"vi": "phê bình", "after_days": 10, "tells": ["unit", "parent", "province"]},
        ],
    })
}

async fn shipped(t: &Tiendo) -> Result<()> {
    let listed = t.text(&["rule", "list"]).await?;
    ensure!(listed.contains("No adopted rules are in force"), "{listed}");
    let shown = t.json(&["rule", "show"]).await?;
    let adopted = &shown["rules"][0]["adopted"];
    ensure!(adopted["version"] == "standard-1", "{shown}");
    ensure!(adopted["thresholds"]["funnelZ"] == "-3.09", "{shown}");
    ensure!(
        adopted["steps"].as_array().map(Vec::len) == Some(6),
        "{shown}"
    );
    let routes = t.json(&["rule", "routes", "99101"]).await?;
    ensure!(routes["version"] == "standard-1", "{routes}");
    let unknown = t.tiendo(&["rule", "show", "kh-9"]).await?;
    ensure!(
        unknown.code == 66 && unknown.stderr.contains("kh-9"),
        "{unknown:?}"
    );
    Ok(())
}

async fn everything_wrong_is_said_at_once(t: &Tiendo) -> Result<()> {
    let before = t.ledger().await?.head;
    let path = file(
        t,
        &json!({"version": "kh-1", "p_opne": 0.3, "beta": "many", "judged": {"level": []}}),
    )?;
    let unread = t.tiendo(&["rule", "check", &path]).await?;
    ensure!(unread.code == 65, "{unread:?}");
    for part in ["'p_opne'", "beta is of", "judged cannot", "[RULES_FORMAT]"] {
        ensure!(unread.stderr.contains(part), "no {part}: {unread:?}");
    }
    let path = file(
        t,
        &json!({
            "version": "kh-1", "p_open": 0.7, "window_days": 0,
            "judged": {"indicators": ["chua.co"]},
            "steps": [{"vi": "nhắc", "after_days": 4000, "tells": []}],
        }),
    )?;
    let refused = t.tiendo(&["rule", "check", &path]).await?;
    ensure!(refused.code == 65, "{refused:?}");
    for part in [
        "thresholds.window_days: 0 is out of range; it must be above 0 [THRESHOLD_RANGE]",
        "thresholds.p_clear: 0.6 is below p_open, which is 0.7 [THRESHOLD_RANGE]",
        "judged.indicators[0]",
        "[UNKNOWN_INDICATOR]",
        "steps[0].after_days: 4000 is out of range; it must be from 0 to 3660 [THRESHOLD_RANGE]",
        "steps[0].tells: must name at least one [REQUIRED]",
    ] {
        ensure!(refused.stderr.contains(part), "no {part}: {refused:?}");
    }
    let path = file(t, &stricter())?;
    let checked = t.json(&["rule", "check", &path]).await?;
    let differences = checked["differences"].as_array().context("differences")?;
    let of = |name: &str| differences.iter().find(|it| it["name"] == name);
    let cadence = of("cadence_days").context("the cadence")?;
    ensure!(
        (&cadence["in_force"], &cadence["file"]) == (&json!("7"), &json!("3.5")),
        "{checked}"
    );
    ensure!(
        of("judged.layers").is_some() && of("steps[6]").is_some() && of("beta").is_none(),
        "{checked}"
    );
    ensure!(t.ledger().await?.head == before, "a check moved the head");
    Ok(())
}

/// Adopts the rules; gives their position.
async fn adopted(t: &Tiendo) -> Result<u64> {
    let path = file(t, &stricter())?;
    let mut line = vec!["rule", "adopt", &path, "--reason", "Sau giao ban tháng 5"];
    line.extend(["--as-of", "2024-05-20"]);
    line.extend(AUTHOR);
    let answer = t.json(&line).await?;
    let position = answer["receipt"]["firstPosition"].as_u64();
    let position = position.context("no position")?;
    judged_by(t, Some("kh-2026.1")).await?;
    let listed = until("the rules on record", PATIENCE, async || {
        let answer = t.json(&["rule", "show"]).await?;
        let stands = answer["rules"][0]["recorded"]["position"].as_u64();
        Ok((stands == Some(position)).then_some(answer))
    })
    .await?;
    let rules = &listed["rules"][0];
    ensure!(
        rules["adopted"]["reason"] == "Sau giao ban tháng 5"
            && rules["recorded"]["actor"]["office"] == "Tổ công tác Đề án 06"
            && rules["since"] == "2024-05-20"
            && rules["inForce"] == true,
        "{listed}"
    );
    let shown = t.text(&["rule", "show", "kh-2026.1"]).await?;
    for part in [
        "Công an tỉnh Mẫu",
        "Sau giao ban",
        "3.5",
        "tells unit, parent, province",
    ] {
        ensure!(shown.contains(part), "no {part}:\n{shown}");
    }
    Ok(position)
}

async fn routes(t: &Tiendo) -> Result<()> {
    let routes = t.json(&["rule", "routes", "99101"]).await?;
    let codes = |step: usize| {
        let told = routes["steps"][step]["tells"].as_array();
        let codes = told.into_iter().flatten().map(|told| told["code"].clone());
        codes.collect::<Vec<_>>()
    };
    ensure!(codes(0) == ["99101"], "{routes}");
    ensure!(codes(1) == ["99101", "991", "99"], "{routes}");
    ensure!(routes["steps"][1]["day"] == 10, "{routes}");
    let told = t
        .tiendo_in("vi", &["rule", "routes", "99101"])
        .await?
        .ok()?;
    ensure!(
        told.contains("Xã Một; Huyện Mẫu; Tỉnh Mẫu") && told.contains("kh-2026.1"),
        "{told}"
    );
    let nobody = t.json(&["rule", "routes", "99"]).await?;
    ensure!(
        nobody["judged"] == false && nobody["steps"] == json!([]),
        "{nobody}"
    );
    let unknown = t.tiendo(&["rule", "routes", "98"]).await?;
    ensure!(unknown.code == 66, "{unknown:?}");
    Ok(())
}

/// A version says one thing for ever, and one request is recorded once.
async fn said_once(t: &Tiendo, position: u64) -> Result<()> {
    let mut other = stricter();
    other["cadence_days"] = json!(5);
    let path = file(t, &other)?;
    let line = [
        "rule",
        "adopt",
        &path,
        "--reason",
        "Khác",
        "--as-of",
        "2024-05-21",
    ];
    let refused = t.tiendo(&line).await?;
    ensure!(
        refused.code == 65 && refused.stderr.contains("[VERSION_TAKEN]"),
        "{refused:?}"
    );
    let path = file(t, &stricter())?;
    let id = "018f0000-0000-7000-8000-000000000043";
    let line = [
        "rule",
        "adopt",
        &path,
        "--reason",
        "Nhắc lại",
        "--as-of",
        "2024-05-21",
    ];
    let line = [&line[..], &["--request-id", id]].concat();
    let first = t.json(&line).await?;
    ensure!(
        first["receipt"]["firstPosition"].as_u64() == Some(position + 1),
        "{first}"
    );
    let again = t.json(&line).await?;
    ensure!(again["receipt"]["repeated"] == true, "{again}");
    ensure!(t.ledger().await?.head == position + 1, "recorded twice");
    Ok(())
}

/// What is no longer judged has no verdict, and its case is cleared.
async fn for_provinces_only(t: &Tiendo) -> Result<()> {
    let said = json!({"version": "kh-2026.2", "judged": {"levels": ["province"]}});
    let path = file(t, &said)?;
    let open = t.json(&["case", "list"]).await?;
    ensure!(open["cases"][0]["opened"].is_object(), "{open}");
    let line = [
        "rule",
        "adopt",
        &path,
        "--reason",
        "Chỉ cấp tỉnh",
        "--as-of",
        "2024-06-01",
    ];
    t.text(&line).await?;
    judged_by(t, None).await?;
    until("the case to be cleared", PATIENCE, async || {
        let answer = t.json(&["case", "list"]).await?;
        Ok(answer.get("cases").is_none().then_some(()))
    })
    .await
}
