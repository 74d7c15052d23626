//! Three overviews of the sample: the models of a province district by district, what a department holds before and after it is merged away, and who has not reported.

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use tiendo_tests::{Chapters, Options, Refused, Tiendo};
use tonic::Code;
use wire::v1;

const INDICATOR: &str = "eid.activated";

#[tokio::test(flavor = "multi_thread")]
async fn models_departments_and_reports_are_seen_as_of_a_day_and_as_known() -> Result<()> {
    let tiendo = Tiendo::start(Options::sample()).await?;
    let mut story = Chapters::new();
    let t = &tiendo;
    story.tell("31 models in nine districts", matrix(t)).await;
    story.tell("a department and its work", portfolio(t)).await;
    story.tell("who has not reported", missing(t)).await;
    story.tell("page by page", pages(t)).await;
    story.end()?;
    tiendo.finish().await
}

/// An answer for a day, as known at a position.
async fn asked(t: &Tiendo, line: &[&str], as_of: &str, known_at: &str) -> Result<Value> {
    let at = ["--as-of", as_of, "--known-at", known_at];
    t.json(&[line, &at[..]].concat()).await
}

/// The count of that name; one that is 0 is not written.
fn count(of: &Value, name: &str) -> u64 {
    of[name].as_u64().unwrap_or(0)
}

async fn matrix(t: &Tiendo) -> Result<()> {
    let status = async |status: &str, day: &str| {
        let line = ["model", "status", "KH-2.08", status, "--locality", "568"];
        t.position(&[&line[..], &["--as-of", day]].concat()).await
    };
    let first = status("piloting", "2023-08-01").await?;
    let second = status("deployed", "2023-08-01").await?;
    let line = ["model", "matrix", "--parent", "56"];
    let reported = async |known_at: &str| -> Result<Vec<(String, Value)>> {
        let answer = asked(t, &line, "2023-08-31", known_at).await?;
        let rows = answer["rows"].as_array().context("no rows")?;
        ensure!(
            answer["models"].as_array().map(Vec::len) == Some(31) && rows.len() == 9,
            "{answer}"
        );
        let cells = rows.iter().flat_map(|row| {
            let name = row["locality"]["name"]["vi"].as_str().unwrap_or_default();
            let cells = row["cells"].as_array().into_iter().flatten();
            cells.map(move |cell| (name.to_owned(), cell.clone()))
        });
        let reported = cells.filter(|(_, cell)| cell.get("statusPosition").is_some());
        Ok(reported.collect())
    };
    for (known_at, status) in [(&first, "PILOTING"), (&second, "DEPLOYED")] {
        let reported = reported(known_at).await?;
        let [(name, cell)] = reported.as_slice() else {
            anyhow::bail!("one cell of 279 was reported, not {reported:?}");
        };
        ensure!(
            name == "Thành phố Nha Trang"
                && cell["status"] == format!("MODEL_STATUS_{status}")
                && cell["organisations"][0] == "Sở GTVT",
            "{cell}"
        );
    }
    // A table for a spreadsheet has a row for each cell, and none says that nothing has begun.
    let at = ["--as-of", "2023-08-31", "--known-at", &second, "-o", "csv"];
    let csv = t.text(&[&line[..], &at].concat()).await?;
    ensure!(csv.lines().count() == 9 * 31 + 1, "{csv}");
    ensure!(!csv.contains("not-started"), "{csv}");
    let silent = csv.lines().filter(|row| row.contains(",not-reported,"));
    assert_eq!(silent.count(), 9 * 31 - 1);
    let page = ["--as-of", "2023-08-31", "--known-at", &second];
    let page = t
        .tiendo_in("vi", &[&line[..], &page].concat())
        .await?
        .ok()?;
    for said in [
        "31 mô hình, 9 trên 9 địa phương",
        "KH-2.08: chủ trì: Sở GTVT, từ 4/7/2023",
        "đã triển khai",
        "chưa có báo cáo",
    ] {
        ensure!(page.contains(said), "not `{said}` in\n{page}");
    }
    Ok(())
}

async fn portfolio(t: &Tiendo) -> Result<()> {
    let before = t.ledger().await?.head.to_string();
    let mut line = vec!["work-item", "define", "BX-1", "--locality", "568"];
    line.extend(["--content", "Lắp camera ở bến xe", "--due", "10/1/2024"]);
    line.extend(["--responsible", "Sở GTVT", "--origin", "new"]);
    line.extend(["--responsible-office", "Phòng Vận tải"]);
    line.extend(["--volume", "12", "--unit", "camera"]);
    line.extend(["--expected-result", "Camera hoạt động"]);
    line.extend(["--as-of", "1/12/2023"]);
    let after = t.position(&line).await?;
    let counts = async |name: &str, more: &[&str], as_of: &str, known_at: &str| {
        let line = [&["owner", "portfolio", name], more].concat();
        let answer = asked(t, &line, as_of, known_at).await?;
        Ok::<_, anyhow::Error>(answer["counts"].clone())
    };
    for (day, more, kind) in [
        ("2023-12-26", &[][..], "open"),
        ("2023-12-27", &[], "dueSoon"),
        ("2023-12-27", &["--due-days", "13"], "open"),
        ("2024-01-11", &[], "overdue"),
    ] {
        let counts = counts("so gtvt", more, day, &after).await?;
        ensure!(
            count(&counts, kind) == 1 && count(&counts, "roles") == 3,
            "{day}: {counts}"
        );
    }
    // In March 2025 it was merged into the department of construction.
    let given = counts("Sở GTVT", &[], "2025-04-01", &after).await?;
    ensure!(
        count(&given, "roles") == 0
            && count(&given, "handedOverRoles") == 2
            && count(&given, "handedOverWorkItems") == 1,
        "{given}"
    );
    let within = ["--locality", "568"];
    let taken = counts("so xay dung", &within, "2025-04-01", &after).await?;
    ensure!(count(&taken, "overdue") == 1, "{taken}");
    let then = counts("so xay dung", &within, "2025-04-01", &before).await?;
    ensure!(
        count(&then, "overdue") == 0 && then["roles"] == taken["roles"],
        "{then}"
    );
    // The reform ends the city and the province: nobody does the work, and no plan holds in the new province.
    let left = counts("Sở Xây dựng", &[], "2025-08-01", &after).await?;
    ensure!(
        count(&left, "orphanedWorkItems") == 1
            && count(&left, "endedRoles") > 0
            && count(&left, "orphanedRoles") == 0,
        "{left}"
    );
    let line = ["owner", "portfolio", "SO GTVT", "--as-of", "11/1/2024"];
    let page = t.tiendo_in("vi", &line).await?.ok()?;
    for said in ["Sở GTVT", "BX-1", "quá hạn 1 ngày", "Lắp camera ở bến xe"] {
        ensure!(page.contains(said), "not `{said}` in\n{page}");
    }
    let ended = t.tiendo(&["owner", "portfolio", "so gt"]).await?;
    ensure!(
        ended.code == 66
            && ended.stderr.contains("did you mean Sở GTVT")
            && ended.stderr.contains("[UNKNOWN_ORGANISATION]"),
        "{ended:?}"
    );
    Ok(())
}

async fn missing(t: &Tiendo) -> Result<()> {
    let before = t.ledger().await?.head.to_string();
    let mut line = vec!["report", INDICATOR, "--locality", "568"];
    line.extend(["--value", "120.000", "--denominator", "300.000"]);
    line.extend(["--as-of", "2023-07-28", "--source", "Báo cáo tuần"]);
    let after = t.position(&line).await?;
    let line = ["indicator", "missing", INDICATOR, "--parent", "56"];
    let asked = async |more: &[&str], known_at: &str| {
        asked(t, &[&line[..], more].concat(), "2023-07-31", known_at).await
    };
    let (then, now) = (asked(&[], &before).await?, asked(&[], &after).await?);
    for (answer, reported) in [(&then, 0), (&now, 1)] {
        let missing = answer["missing"].as_array().context("nobody is missing")?;
        ensure!(
            count(answer, "expectedCount") == 9
                && count(answer, "reportedCount") == reported
                && missing.len() as u64 == 9 - reported
                && count(answer, "cadenceDays") == 7,
            "{answer}"
        );
    }
    let late = asked(&["--days", "2"], &after).await?;
    let last = late["missing"]
        .as_array()
        .and_then(|missing| missing.last());
    let last = last.context("nobody is missing")?;
    ensure!(
        last["locality"]["ref"]["code"] == "568"
            && last["silentDays"] == 3
            && last["recorded"]["position"].as_u64() == after.parse().ok(),
        "{late}"
    );
    let page = [&line[..], &["--days", "2", "--known-at", &after]].concat();
    let page = t.tiendo_in("vi", &page).await?.ok()?;
    for said in [
        "Kỳ báo cáo 2 ngày: 9 địa phương phải báo cáo, 0 đã báo cáo",
        "28/7/2023, 3 ngày trước",
        "đầu mối: Công an tỉnh",
    ] {
        ensure!(page.contains(said), "not `{said}` in\n{page}");
    }
    Ok(())
}

/// What a client of the service is told that mixes up its pages.
async fn pages(t: &Tiendo) -> Result<()> {
    let mut client = t.query().await?;
    let mut request = v1::ListMissingReportsRequest {
        indicator: INDICATOR.to_owned(),
        level: v1::Level::Commune as i32,
        page_size: 1_000,
        ..Default::default()
    };
    let mut codes = Vec::new();
    let last = loop {
        let page = client.list_missing_reports(request.clone()).await?;
        let page = page.into_inner();
        let heads = page.missing.iter().filter_map(|one| one.locality.clone());
        codes.extend(heads.filter_map(|head| Some(head.r#ref?.code)));
        if page.next_page_token.is_empty() {
            break page;
        }
        request.page_token = page.next_page_token;
    };
    // Each commune of the country once.
    let (all, missing) = (
        last.expected_count,
        last.expected_count - last.reported_count,
    );
    ensure!(all > 10_000 && codes.len() as u32 == missing, "{all}");
    codes.sort();
    codes.dedup();
    assert_eq!(codes.len() as u32, missing);
    let other = v1::ListMissingReportsRequest {
        cadence_days: 30,
        ..request.clone()
    };
    let refused = Refused::expect(client.list_missing_reports(other).await)?;
    assert_eq!(refused.code, Code::InvalidArgument);
    let negative = v1::GetModelMatrixRequest {
        page_size: -1,
        ..Default::default()
    };
    let refused = Refused::expect(client.get_model_matrix(negative).await)?;
    assert_eq!(refused.code, Code::InvalidArgument);
    Ok(())
}
