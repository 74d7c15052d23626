//! The published figures import whole; `docs/figures.md` says which row gave what.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;
use tiendo_tests::{Options, Tiendo};
use wire::v1;
use wire::v1::event::Body;

/// The figures as the product carries them.
const FILE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../crates/tiendo/data/figures.csv"
);
/// The tracked table.
const TABLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/figures.md");
/// Columns before the source, none of which holds a comma.
const PRINTED: usize = 9;

const HEAD: &str = "\
# Which row of the published figures gave what

The file is `crates/tiendo/data/figures.csv`: 74 figures as printed, defects kept.
This is what `tiendo import` makes of it in a ledger that holds the administrative units, the indicators and their relations:

```console
$ tiendo up --empty
$ tiendo load gazetteer catalogue relations
$ tiendo import crates/tiendo/data/figures.csv
```

No defect is mended: what was printed is recorded, and what is odd about it is kept with the event as a finding.
The findings are those of the service, with its own words; a row is the line of the file.
Two rows are odd in a way that no check says, since their sources do not state what the percentage is of: row 20 (53%) and row 49 (24.37%, where 25.27% would follow from the quota in row 50).
`tests/tests/stories/figures.rs` imports the file and compares the outcome with this table.

";

#[tokio::test(flavor = "multi_thread")]
async fn every_row_of_the_published_figures_gave_what_the_table_says() -> Result<()> {
    let t = Tiendo::start(Options::empty()).await?;
    t.text(&["load", "gazetteer", "catalogue", "relations"])
        .await?;
    let begun = t.ledger().await?.head;
    let told = t.json(&["import", FILE, "--accept-valid"]).await?;
    let events = events_from(&t, begun + 1).await?;
    let lines = fs::read_to_string(FILE)?;
    let rows = rows(&told, &events)?;
    let refused = refused(&told)?;
    for (row, line) in (2..).zip(lines.lines().skip(1)) {
        let outcomes =
            usize::from(rows.contains_key(&row)) + usize::from(refused.contains_key(&row));
        ensure!(outcomes == 1, "row {row} has {outcomes} outcomes: {line}");
    }
    let table = table(&lines, &rows, &refused, &events)?;
    ensure!(
        told["accepted"].as_array().map(Vec::len) == Some(events.len()),
        "the import names other events than the log holds"
    );
    same_as_tracked(&table)?;
    t.json(&["import", FILE, "--accept-valid"]).await?;
    let more = events_from(&t, begun + 1 + events.len() as u64).await?;
    ensure!(
        more.is_empty(),
        "the same file once more recorded something: {more:#?}"
    );
    t.finish().await
}

/// Compares with the tracked table; what it should be is left beside it for whoever has to look.
fn same_as_tracked(table: &str) -> Result<()> {
    let tracked = fs::read_to_string(TABLE).unwrap_or_default();
    if tracked == table {
        return Ok(());
    }
    let actual = Path::new(env!("CARGO_TARGET_TMPDIR")).join("figures.md");
    fs::write(&actual, table)?;
    let mut pairs = tracked.lines().zip(table.lines());
    let first = pairs.find(|(tracked, actual)| tracked != actual);
    bail!(
        "docs/figures.md does not say what the import gives (now in {}), first here: {first:#?}",
        actual.display()
    )
}

async fn events_from(t: &Tiendo, from_position: u64) -> Result<BTreeMap<u64, v1::Event>> {
    let request = v1::ReadEventsRequest {
        from_position,
        ..Default::default()
    };
    let mut stream = t.log().await?.read_events(request).await?.into_inner();
    let mut events = BTreeMap::new();
    while let Some(answer) = stream.message().await? {
        for recorded in answer.events {
            events.insert(recorded.position, recorded.message()?);
        }
    }
    Ok(events)
}

/// The positions that each row gave, all of them on record.
fn rows(told: &Value, events: &BTreeMap<u64, v1::Event>) -> Result<BTreeMap<u64, Vec<u64>>> {
    let mut rows = BTreeMap::<u64, Vec<u64>>::new();
    for accepted in told["accepted"].as_array().context("accepted rows")? {
        let row = accepted["row"].as_u64().context("a row")?;
        let position = accepted["position"].as_u64().context("a position")?;
        ensure!(
            events.contains_key(&position),
            "{position} is not on record"
        );
        rows.entry(row).or_default().push(position);
    }
    Ok(rows)
}

/// Why rows were refused: reason and detail of each.
fn refused(told: &Value) -> Result<BTreeMap<u64, Vec<String>>> {
    let mut rows = BTreeMap::<u64, Vec<String>>::new();
    for problem in told["refused"].as_array().context("refused rows")? {
        let row = problem["row"].as_u64().context("a row")?;
        let (reason, detail) = (problem["reason"].as_str(), problem["detail"].as_str());
        let reason = reason.filter(|reason| !reason.is_empty());
        let reason = reason.with_context(|| format!("row {row} was refused without a reason"))?;
        let why = format!("refused, {reason}: {}", detail.unwrap_or_default());
        rows.entry(row).or_default().push(why);
    }
    Ok(rows)
}

fn table(
    lines: &str,
    rows: &BTreeMap<u64, Vec<u64>>,
    refused: &BTreeMap<u64, Vec<String>>,
    events: &BTreeMap<u64, v1::Event>,
) -> Result<String> {
    let row_of: BTreeMap<u64, u64> = rows
        .iter()
        .flat_map(|(row, positions)| positions.iter().map(|position| (*position, *row)))
        .collect();
    let mut text = HEAD.to_owned();
    let mut kinds = BTreeMap::<&str, u32>::new();
    let mut checks = BTreeMap::<&str, u32>::new();
    let mut body = String::new();
    for (row, line) in (2..).zip(lines.lines().skip(1)) {
        let mut outcome = refused.get(&row).cloned().unwrap_or_default();
        let mut findings = Vec::new();
        for position in rows.get(&row).into_iter().flatten() {
            let event = &events[position];
            *kinds.entry(kind(event)?).or_default() += 1;
            outcome.push(outcome_of(event)?);
            for finding in &event.findings {
                let check = check(finding);
                *checks.entry(check).or_default() += 1;
                findings.push(format!("{check}: {}", detail(finding, &row_of)));
            }
        }
        let (place, indicator, printed) = published(line)?;
        let (outcome, findings) = (outcome.join("; "), findings.join("; "));
        let cells = [
            &row.to_string(),
            &place,
            &indicator,
            &printed,
            &outcome,
            &findings,
        ];
        let cells = cells.map(|cell| cell.replace('|', "\\|"));
        writeln!(body, "| {} |", cells.join(" | "))?;
    }
    let listed = |counts: &BTreeMap<&str, u32>| {
        let each = counts.iter().map(|(name, count)| format!("{name} {count}"));
        each.collect::<Vec<_>>().join(", ")
    };
    writeln!(
        text,
        "{} rows, {} of them refused, gave {} events ({}).\nFindings: {}.\n",
        rows.len() + refused.len(),
        refused.len(),
        events.len(),
        listed(&kinds),
        listed(&checks)
    )?;
    text += "| Row | Place | Indicator in the file, moment | Printed | Recorded | Findings |\n";
    text += "|--:|---|---|---|---|---|\n";
    Ok(text + &body)
}

/// Place, indicator with moment, and what was printed.
fn published(line: &str) -> Result<(String, String, String)> {
    let cells: Vec<&str> = line.split(',').take(PRINTED).collect();
    let [
        province,
        district,
        commune,
        indicator,
        date,
        value,
        target,
        percent,
        unit,
    ] = cells[..]
    else {
        bail!("{line} is too short");
    };
    let names = [province, district, commune].into_iter();
    let place = names.filter(|name| !name.is_empty());
    let place = place.collect::<Vec<_>>().join(" / ");
    let (unit, remark) = unit.split_once(' ').unwrap_or((unit, ""));
    let mut printed = Vec::new();
    if !value.is_empty() {
        printed.push(format!("{value} {unit}"));
    }
    if !target.is_empty() {
        printed.push(format!("of {target}"));
    }
    if !percent.is_empty() {
        printed.push(format!("{percent}%"));
    }
    if !remark.is_empty() {
        printed.push(remark.to_owned());
    }
    let indicator = format!("{indicator}, {date}");
    Ok((place, indicator, printed.join(" ")))
}

fn kind(event: &v1::Event) -> Result<&'static str> {
    Ok(match event.body {
        Some(Body::ProgressReported(_)) => "reports",
        Some(Body::QuotaAssigned(_)) => "quotas",
        Some(Body::AssessmentPublished(_)) => "assessments",
        _ => bail!("an import gave {event:?}"),
    })
}

fn bound(bound: i32) -> &'static str {
    match v1::Bound::try_from(bound) {
        Ok(v1::Bound::AtLeast) => "at least ",
        Ok(v1::Bound::AtMost) => "at most ",
        Ok(v1::Bound::About) => "about ",
        _ => "",
    }
}

fn count(quantity: Option<&v1::Quantity>) -> Option<String> {
    let quantity = quantity?;
    match quantity.number.as_ref()? {
        v1::quantity::Number::Count(count) => Some(format!("{}{count}", bound(quantity.bound))),
        v1::quantity::Number::Text(text) => Some(text.clone()),
    }
}

/// What an event says, short.
fn outcome_of(event: &v1::Event) -> Result<String> {
    let denominator = |denominator: Option<&v1::Denominator>| {
        let value = count(denominator.and_then(|denominator| denominator.value.as_ref()));
        value.map(|value| format!("of {value}"))
    };
    Ok(match &event.body {
        Some(Body::ProgressReported(e)) => {
            let percent = (!e.percent.is_empty())
                .then(|| format!("{}{}%", bound(e.percent_bound), e.percent));
            let parts = [
                count(e.value.as_ref()),
                denominator(e.denominator.as_ref()),
                percent,
            ];
            let figure: Vec<String> = parts.into_iter().flatten().collect();
            format!("report of {}: {}", e.indicator, figure.join(" "))
        }
        Some(Body::QuotaAssigned(e)) => {
            let quota = denominator(e.denominator.as_ref()).unwrap_or_default();
            format!("quota of {}: {quota} by {}", e.indicator, e.deadline)
        }
        Some(Body::AssessmentPublished(e)) => {
            let assessment = v1::Assessment::try_from(e.assessment)?;
            let name = assessment.as_str_name().trim_start_matches("ASSESSMENT_");
            format!("assessment: {}", name.to_lowercase())
        }
        _ => bail!("an import gave {event:?}"),
    })
}

fn check(finding: &v1::Finding) -> &'static str {
    let name = v1::Check::try_from(finding.check).map_or("", |check| check.as_str_name());
    name.trim_start_matches("CHECK_")
}

/// What was found, with the row instead of a position, which says nothing outside that ledger.
fn detail(finding: &v1::Finding, row_of: &BTreeMap<u64, u64>) -> String {
    let position = format!("(position {})", finding.position);
    match row_of.get(&finding.position) {
        Some(row) if finding.detail.contains(&position) => {
            finding.detail.replace(&position, &format!("(row {row})"))
        }
        Some(row) => format!("{} (row {row})", finding.detail),
        None => finding.detail.clone(),
    }
}
