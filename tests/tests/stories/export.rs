//! What is on record leaves as files that people go on with, and comes back without change.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use calamine::{Data, Reader as _, Xlsx};
use serde_json::Value;
use tiendo_tests::fact::{batch, count, event, figure, place, request, written};
use tiendo_tests::{Chapters, Options, Tiendo};
use wire::v1;
use wire::v1::event::Body;

/// Before the reform, after every figure of the sample.
const BEFORE: &str = "2025-06-30";
/// After the reform.
const AFTER: &str = "2025-08-01";

#[tokio::test(flavor = "multi_thread")]
async fn what_is_on_record_leaves_and_comes_back_without_change() -> Result<()> {
    let tiendo = Tiendo::start(Options::sample()).await?;
    let mut story = Chapters::new();
    let t = &tiendo;
    story.tell("a vague figure leaves a note", vague(t)).await;
    story.tell("exported figures are all known", again(t)).await;
    story.tell("a workbook for people", workbook(t)).await;
    story.tell("files are never written over", kept(t)).await;
    story.tell("a sum over districts", sum(t)).await;
    story
        .tell("what a merged department leaves", orphans(t))
        .await;
    story.tell("what is measured of data", quality(t)).await;
    story.end()?;
    tiendo.finish().await
}

/// A file of the instance's own folder.
fn file(t: &Tiendo, name: &str) -> Result<String> {
    let path = t.data().with_file_name(name);
    Ok(path.to_str().context("the folder is not UTF-8")?.to_owned())
}

/// On a day, by everything on record: the reader waits for it.
async fn read_at(t: &Tiendo, day: &str) -> Result<Option<v1::ReadAt>> {
    Ok(Some(v1::ReadAt {
        as_of: day.to_owned(),
        known_at: t.ledger().await?.head.to_string(),
        min_position: 0,
    }))
}

async fn record(t: &Tiendo, body: Body, effective: &str) -> Result<u64> {
    let mut ingest = t.ingest().await?;
    let recorded = ingest.record(request(event(effective, body))).await?;
    let receipt = recorded.into_inner().receipt;
    Ok(receipt.context("no receipt")?.first_position)
}

async fn vague(t: &Tiendo) -> Result<()> {
    let about = figure("568", written("khoảng 100.000"));
    let position = record(t, Body::ProgressReported(about), "2023-07-10").await?;
    let known = position.to_string();
    let open = t
        .json(&[
            "finding",
            "list",
            "568",
            "--as-of",
            BEFORE,
            "--known-at",
            &known,
        ])
        .await?;
    ensure!(
        open["findings"].is_null(),
        "a note waits for nobody: {open}"
    );
    let all = t
        .json(&[
            "finding",
            "list",
            "568",
            "--all",
            "--as-of",
            BEFORE,
            "--known-at",
            &known,
        ])
        .await?;
    let found = all["findings"].as_array().context("no findings")?;
    let of_figure = |entry: &&Value| entry["recorded"]["position"] == position;
    let found = found
        .iter()
        .find(of_figure)
        .context("nothing of the figure")?;
    assert_eq!(found["finding"]["finding"]["check"], "CHECK_VAGUE_FIGURE");
    assert_eq!(found["finding"]["state"], "FINDING_STATE_NOTE");
    assert_eq!(found["indicator"], "eid.activated");
    assert_eq!(found["locality"]["name"]["vi"], "Thành phố Nha Trang");
    let show = [
        "locality",
        "show",
        "568",
        "--as-of",
        BEFORE,
        "--known-at",
        &known,
    ];
    let page = t.tiendo_in("vi", &show);
    let page = page.await?.ok()?;
    ensure!(
        page.contains("(số liệu chỉ là ước lượng hoặc giới hạn)"),
        "{page}"
    );
    Ok(())
}

async fn again(t: &Tiendo) -> Result<()> {
    // Neither what was retracted nor a percentage that is only about right may come back as another figure.
    let about = v1::ProgressReported {
        percent: "gần 90".to_owned(),
        ..figure("568", None)
    };
    record(t, Body::ProgressReported(about), "2023-07-11").await?;
    let wrong = figure("568", count(100_100));
    let wrong = record(t, Body::ProgressReported(wrong), "2023-07-12")
        .await?
        .to_string();
    t.text(&["retract", &wrong, "--reason", "nhập nhầm địa phương"])
        .await?;
    let head = t.ledger().await?.head;
    let known = head.to_string();
    for (options, day, name) in [
        (
            &["--locality", "568", "-o", "csv"][..],
            BEFORE,
            "nha-trang.csv",
        ),
        (&["-o", "csv"][..], BEFORE, "all.csv"),
        // Most of the places had ended by then.
        (&["-o", "xlsx"][..], AFTER, "all.xlsx"),
    ] {
        let out = file(t, name)?;
        let mut export = vec!["export", "figures", "--as-of", day, "--known-at", &known];
        export.extend(["--out", &out]);
        export.extend(options);
        t.text(&export).await?;
        let said = t.json(&["import", &out]).await?;
        ensure!(
            said["refused"].as_array().is_none_or(Vec::is_empty),
            "{said}"
        );
        assert_eq!(
            t.ledger().await?.head,
            head,
            "{name} added something: {said}"
        );
    }
    let all = std::fs::read_to_string(file(t, "all.csv")?)?;
    let rows = all.lines().count() - 1;
    ensure!(rows > 40, "only {rows} figures were exported");
    ensure!(
        all.contains("2023-07-11") && !all.contains("2023-07-12"),
        "{all}"
    );
    let json = ["export", "figures", "--as-of", BEFORE, "--known-at", &known];
    let json = t.json(&json).await?;
    assert_eq!(json["figures"].as_array().map(Vec::len), Some(rows));
    Ok(())
}

fn open(path: &str) -> Result<Xlsx<std::io::BufReader<std::fs::File>>> {
    Ok(calamine::open_workbook(Path::new(path))?)
}

async fn workbook(t: &Tiendo) -> Result<()> {
    let out = file(t, "ha-dong.xlsx")?;
    let head = t.ledger().await?.head;
    let known = head.to_string();
    let show = [
        "locality",
        "show",
        "268",
        "--as-of",
        BEFORE,
        "--known-at",
        &known,
        "-o",
        "xlsx",
        "--out",
        &out,
    ];
    t.tiendo_in("vi", &show).await?.ok()?;
    let mut book = open(&out)?;
    let answer = book.worksheet_range("Kết quả")?;
    let headings: Vec<String> = answer
        .rows()
        .next()
        .context("no rows")?
        .iter()
        .map(ToString::to_string)
        .collect();
    ensure!(
        headings.starts_with(&[
            "Chỉ tiêu".to_owned(),
            "Tính đến".to_owned(),
            "Số lượng".to_owned()
        ]),
        "{headings:?}"
    );
    let activated = |row: &&[Data]| row[0] == Data::String("eid.activated".to_owned());
    let row = answer
        .rows()
        .find(activated)
        .context("no row of eid.activated")?;
    assert_eq!(row[2], Data::Float(199_968.0), "a real number");
    ensure!(matches!(row[1], Data::DateTime(_)), "a real day: {row:?}");
    let sources = book.worksheet_range("Nguồn")?;
    let rows: Vec<&[Data]> = sources.rows().collect();
    assert_eq!(rows[0][0], Data::String("Vị trí trong sổ".to_owned()));
    assert_eq!(
        rows[1][0],
        Data::Float(head as f64),
        "the answer's own position"
    );
    let cited = rows.iter().any(|row| {
        row[4]
            .to_string()
            .contains("Triển khai Đề án 06 tại Thủ đô")
    });
    ensure!(cited, "{rows:?}");
    Ok(())
}

async fn kept(t: &Tiendo) -> Result<()> {
    let out = file(t, "ha-dong.xlsx")?;
    let before = std::fs::read(&out)?;
    let list = t
        .tiendo(&["indicator", "list", "-o", "xlsx", "--out", &out])
        .await?;
    assert_eq!(list.code, 64, "{}", list.stderr);
    ensure!(std::fs::read(&out)? == before, "{out} was written over");
    let nowhere = t.tiendo(&["indicator", "list", "-o", "xlsx"]).await?;
    assert_eq!(nowhere.code, 64, "{}", nowhere.stderr);
    ensure!(nowhere.stderr.contains("--out"), "{}", nowhere.stderr);
    let watch = t
        .tiendo(&["watch", "--no-follow", "-o", "xlsx", "--out", "x.xlsx"])
        .await?;
    assert_eq!(watch.code, 64, "{}", watch.stderr);
    Ok(())
}

async fn sum(t: &Tiendo) -> Result<()> {
    let request = v1::RollUpIndicatorRequest {
        indicator: "cccd.received".to_owned(),
        code: "01".to_owned(),
        boundaries_on: BEFORE.to_owned(),
        at: read_at(t, BEFORE).await?,
    };
    let sum = t
        .query()
        .await?
        .roll_up_indicator(request)
        .await?
        .into_inner();
    assert_eq!(sum.level(), v1::Level::District);
    ensure!(sum.reported > 0 && sum.carried == 0, "{sum:?}");
    let lacking = sum.broken.len() + sum.uncounted.len() + sum.missing.len();
    assert_eq!(sum.parts as usize, sum.reported as usize + lacking);
    let value = sum.value.context("no sum")?;
    assert_eq!(value.bound(), v1::Bound::AtLeast, "missing is not zero");
    let page = t.tiendo_in(
        "vi",
        &[
            "indicator",
            "roll-up",
            "cccd.received",
            "01",
            "--boundaries",
            BEFORE,
            "--as-of",
            BEFORE,
        ],
    );
    let page = page.await?.ok()?;
    ensure!(
        page.contains("theo địa giới ngày 30/6/2025") && page.contains("Chưa có số liệu"),
        "{page}"
    );
    Ok(())
}

/// What nobody holds in the province on a day, by everything on record.
async fn orphans_on(t: &Tiendo, day: &str) -> Result<Vec<v1::Orphan>> {
    let asked = v1::ListOrphansRequest {
        code: "56".to_owned(),
        at: read_at(t, day).await?,
        page_size: 1_000,
        ..Default::default()
    };
    let answer = t.query().await?.list_orphans(asked).await?;
    let answer = answer.into_inner();
    ensure!(
        answer.next_page_token.is_empty(),
        "{} orphans do not fit on a page",
        answer.total_size
    );
    Ok(answer.orphans)
}

async fn orphans(t: &Tiendo) -> Result<()> {
    let before = orphans_on(t, BEFORE).await?;
    let item = |code: &str, organisation: &str| {
        Body::WorkItemDefined(v1::WorkItemDefined {
            work_item: code.to_owned(),
            locality: place("56"),
            content: Some(v1::Name {
                vi: "Lắp đầu đọc thẻ".to_owned(),
                en: String::new(),
            }),
            organisation: organisation.to_owned(),
            office: "Phòng Kỹ thuật".to_owned(),
            expected_result: "Đầu đọc thẻ ở mọi bến xe".to_owned(),
            volume: count(12),
            unit: "đầu đọc".to_owned(),
            origin: v1::WorkOrigin::New as i32,
            ..Default::default()
        })
    };
    let gone = Body::OrganisationSucceeded(v1::OrganisationSucceeded {
        locality: place("56"),
        organisation: "Ban Quản lý bến xe".to_owned(),
        change: v1::OrganisationChange::Ended as i32,
        source: Some(v1::Source {
            title: "Quyết định giải thể".to_owned(),
            url: String::new(),
        }),
        ..Default::default()
    });
    t.ingest()
        .await?
        .record_batch(batch(vec![
            event("2024-01-01", item("KH-BX-1", "Ban Quản lý bến xe")),
            event("2025-03-01", gone),
        ]))
        .await?;
    let after = orphans_on(t, BEFORE).await?;
    let new: Vec<_> = after
        .iter()
        .filter(|orphan| !before.contains(orphan))
        .collect();
    let [orphan] = new.as_slice() else {
        anyhow::bail!("one more orphan was to be there: {new:?}");
    };
    assert_eq!(
        (orphan.kind(), orphan.code.as_str()),
        (v1::OrphanKind::WorkItem, "KH-BX-1")
    );
    assert_eq!(orphan.succeeded_on, "2025-03-01");
    let page = t
        .tiendo_in("vi", &["owner", "orphans", "56", "--as-of", BEFORE])
        .await?
        .ok()?;
    ensure!(
        page.contains("Ban Quản lý bến xe không còn từ 1/3/2025"),
        "{page}"
    );
    // After the reform the new province lists the plan of the one that ended.
    let left = orphans_on(t, "2025-07-02").await?;
    let plan = left
        .iter()
        .find(|orphan| orphan.kind() == v1::OrphanKind::Plan);
    let plan = plan.context("the plan of the province that ended")?;
    assert_eq!((plan.code.as_str(), plan.models.len()), ("6559", 31));
    Ok(())
}

async fn quality(t: &Tiendo) -> Result<()> {
    let asked = v1::GetDataQualityRequest {
        code: "268".to_owned(),
        at: Some(v1::ReadAt {
            as_of: "2023-06-30".to_owned(),
            ..Default::default()
        }),
        ..Default::default()
    };
    let quality = t.query().await?.get_data_quality(asked).await?.into_inner();
    assert_eq!(quality.measures.len(), 4);
    let [of] = quality.localities.as_slice() else {
        anyhow::bail!("one locality was asked for: {quality:?}");
    };
    let complete = of.completeness.context("no completeness")?;
    ensure!(
        complete.of > 0 && complete.count <= complete.of,
        "{complete:?}"
    );
    // The sample was recorded long after the moments it speaks of.
    let timely = of.timeliness.context("no timeliness")?;
    ensure!(timely.of > 0 && timely.count == 0, "{timely:?}");
    let page = t
        .tiendo_in(
            "vi",
            &["locality", "quality", "568", "--as-of", "2024-12-31"],
        )
        .await?
        .ok()?;
    ensure!(
        page.contains("không đo được"),
        "nothing was reported then: {page}"
    );
    Ok(())
}
