//! What was planned and what was reached: a city with two quotas reports twice, and an operator asks where it stands against each.

use anyhow::{Result, ensure};
use serde_json::Value;
use tiendo_tests::{Chapters, Options, Tiendo};

const INDICATOR: &str = "eid.activated";
/// 300,000 people from 1 June to 31 July, 61 days.
const QUOTA: [&str; 8] = [
    "--denominator",
    "300.000",
    "--start",
    "1/6/2023",
    "--deadline",
    "31/7/2023",
    "--as-of",
    "2023-05-20",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_city_stands_against_each_layer_beside_what_was_planned() -> Result<()> {
    let tiendo = Tiendo::start(Options::sample()).await?;
    let mut story = Chapters::new();
    let t = &tiendo;
    story.tell("two quotas without a figure", quotas(t)).await;
    story.tell("two figures", figures(t)).await;
    story.tell("what is not on record", unknown(t)).await;
    story.end()?;
    tiendo.finish().await
}

/// The command, as known at a position.
fn asked(known_at: &str) -> Vec<&str> {
    let mut line = vec!["locality", "trajectory", "568", INDICATOR];
    line.extend(["--as-of", "2023-07-31", "--known-at", known_at]);
    line
}

async fn quotas(t: &Tiendo) -> Result<()> {
    let assign = ["quota", "assign", INDICATOR, "--locality", "568"];
    let central = ["--layer", "central", "--target", "90%", "--issuer", "Bộ"];
    t.position(&[&assign[..], &QUOTA, &central].concat())
        .await?;
    let provincial = ["--target", "95%", "--issuer", "UBND tỉnh"];
    let milestone = ["--document", "06/KH", "--milestone", "30/6/2023=150.000"];
    let line = [&assign[..], &QUOTA, &provincial, &milestone].concat();
    let both = t.position(&line).await?;
    let answer = t.json(&asked(&both)).await?;
    let (first, second) = (&answer["quotas"][0], &answer["quotas"][1]);
    ensure!(
        first["noPlanReason"] == "NO_PLAN_REASON_NOTHING_BY_START"
            && first["plan"] == Value::Null
            && second["planKind"] == "PLAN_KIND_MILESTONES"
            && second["standing"] == Value::Null
            && answer["figures"] == Value::Null,
        "{answer}"
    );
    let csv = [&asked(&both)[..], &["-o", "csv"]].concat();
    let csv = t.text(&csv).await?;
    let row = "central,2023-07-31,nothing-by-start,count,,,,,,,";
    ensure!(csv.lines().any(|line| line == row), "{csv}");
    let page = t.tiendo_in("vi", &asked(&both)).await?.ok()?;
    for said in [
        "Kế hoạch: không có, vì chưa có số liệu nào tính đến ngày bắt đầu",
        "Kế hoạch: chưa có số liệu từ khi bắt đầu",
        "90% của 300.000, tức 270.000 tài khoản; hạn 31/7/2023; Bộ",
        "(tỉnh): 95% của 300.000, tức 285.000 tài khoản; hạn 31/7/2023; 06/KH; UBND tỉnh",
    ] {
        ensure!(page.contains(said), "not `{said}` in\n{page}");
    }
    Ok(())
}

async fn figures(t: &Tiendo) -> Result<()> {
    let report = async |value: &str, day: &str| {
        let mut line = vec!["report", INDICATOR, "--locality", "568"];
        line.extend(["--value", value, "--as-of", day]);
        line.extend(["--denominator", "300.000", "--source", "Báo cáo tuần"]);
        t.position(&line).await
    };
    let before = report("60.000", "2023-05-31").await?;
    let after = report("180.000", "2023-07-10").await?;
    // 240,000·8^(−40/61) = 61,379.4 are left on 10 July; by the milestones 150,000 and 10/31 of the 135,000 from there to the target.
    let answer = t.json(&asked(&after)).await?;
    let stands = |at: usize| {
        let standing = &answer["quotas"][at]["standing"];
        let days = standing["daysBehind"].as_f64().unwrap_or(f64::NAN);
        let days = (days * 100.0).round() / 100.0;
        (standing["planned"].as_u64(), standing["gap"].as_i64(), days)
    };
    ensure!(
        stands(0) == (Some(238_620), Some(-58_620), 19.67)
            && stands(1) == (Some(193_548), Some(-13_548), 3.11),
        "{answer}"
    );
    let page = t.tiendo_in("vi", &asked(&after)).await?.ok()?;
    for said in [
        "Số liệu tính đến 10/7/2023, kế hoạch theo tỷ lệ đều trên số còn lại: chậm 20 ngày so với kế hoạch, thiếu 58.620 tài khoản",
        "Số liệu tính đến 10/7/2023, kế hoạch theo mốc: chậm 3 ngày so với kế hoạch, thiếu 13.548 tài khoản",
        "−58.620",
        "0h ngày 1/6/2023",
    ] {
        ensure!(page.contains(said), "not `{said}` in\n{page}");
    }
    let page = t.tiendo_in("en", &asked(&after)).await?.ok()?;
    let said = "20 days behind the plan, 58,620";
    ensure!(page.contains(said), "not `{said}` in\n{page}");
    // By then only the figure that the plans begin with was known.
    let page = t.tiendo_in("vi", &asked(&before)).await?.ok()?;
    let said = "Kế hoạch: chưa có số liệu từ khi bắt đầu";
    ensure!(page.matches(said).count() == 2, "{page}");
    let csv = t
        .text(&[&asked(&after)[..], &["-o", "csv"]].concat())
        .await?;
    for row in [
        "layer,deadline,plan,unit,moment,planned,count,from_percent,gap,days_behind,position",
        "central,2023-07-31,even,count,2023-05-31,,60000,,,,",
        "central,2023-07-31,even,count,2023-06-01T00,60000,,,,,",
        "central,2023-07-31,even,count,2023-07-10,238620,180000,,-58620,19.67,",
        "provincial,2023-07-31,milestones,count,2023-07-31,285000,,,,,",
    ] {
        ensure!(
            csv.lines().any(|line| line.starts_with(row)),
            "not `{row}` in\n{csv}"
        );
    }
    Ok(())
}

async fn unknown(t: &Tiendo) -> Result<()> {
    let line = ["locality", "trajectory"];
    for (more, reason) in [
        (["568", "khong.co"], "[UNKNOWN_INDICATOR]"),
        (["999", INDICATOR], "[UNKNOWN_LOCALITY]"),
        (["Nha Trang", INDICATOR], "CODE_FORMAT"),
    ] {
        let ended = t.tiendo(&[&line[..], &more].concat()).await?;
        ensure!(
            ended.code != 0 && ended.stderr.contains(reason),
            "{ended:?}"
        );
    }
    // A district without any quota.
    let page = t
        .tiendo_in("vi", &["locality", "trajectory", "570", INDICATOR])
        .await?
        .ok()?;
    let said = "Không có chỉ tiêu được giao nào đang có hiệu lực";
    ensure!(page.contains(said), "not `{said}` in\n{page}");
    Ok(())
}
