//! The life of places, plans, owners, work and figures from beginning to end, told with the operator's commands.
//!
//! Every command is given twice: first with `--validate-only`, which must move nothing, then for good.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tiendo_tests::program::Output;
use tiendo_tests::{Chapters, Options, PATIENCE, Tiendo, until};

#[tokio::test(flavor = "multi_thread")]
async fn a_programme_lives_from_its_plan_to_the_end_of_its_communes() -> Result<()> {
    let tiendo = Tiendo::start(Options::empty()).await?;
    let mut story = Chapters::new();
    let t = &tiendo;
    story.tell("places are registered", places(t)).await;
    story.tell("a plan, a sixth group, a model", plan(t)).await;
    story.tell("a work item to its end", work(t)).await;
    story.tell("what is to be done by when", work_list(t)).await;
    story.tell("lists of more than a page", long_lists(t)).await;
    story.tell("a quota and its suspension", quota(t)).await;
    story.tell("a figure taken back", figures(t)).await;
    story
        .tell("owners before and after a merger", owners(t))
        .await;
    story
        .tell("a campaign with a working group", campaign(t))
        .await;
    story.tell("events of a file", file(t)).await;
    story.tell("a model is withdrawn", withdrawal(t)).await;
    story.tell("a commune gets another name", renaming(t)).await;
    story.tell("two communes become one", merger(t)).await;
    story.tell("a commune is split", split(t)).await;
    story.end()?;
    tiendo.finish().await
}

/// A line as a user types it: words between `'` are one.
fn words(line: &str) -> Vec<String> {
    let quoted = |(index, part): (usize, &str)| -> Vec<String> {
        match index % 2 {
            0 => part.split_whitespace().map(ToOwned::to_owned).collect(),
            _ => vec![part.to_owned()],
        }
    };
    line.split('\'').enumerate().flat_map(quoted).collect()
}

async fn run(t: &Tiendo, line: &str) -> Result<Output> {
    let words = words(line);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    t.tiendo(&words).await
}

async fn json_of(t: &Tiendo, line: &str) -> Result<Value> {
    let text = run(t, &format!("{line} -o json")).await?.ok()?;
    serde_json::from_str(&text).with_context(|| text)
}

/// Validates a command, which must move nothing, and then says it for good; gives its answer.
async fn say(t: &Tiendo, line: &str) -> Result<Value> {
    let before = t.ledger().await?.head;
    let valid = json_of(t, &format!("{line} --validate-only")).await?;
    ensure!(
        valid["receipt"].get("firstPosition").is_none(),
        "`{line}` took a position: {valid}"
    );
    let head = t.ledger().await?.head;
    ensure!(
        head == before,
        "`{line}` moved the head from {before} to {head}"
    );
    let answer = json_of(t, line).await?;
    let last = answer["receipt"]["lastPosition"].as_u64();
    let head = t.ledger().await?.head;
    ensure!(
        last == Some(head) && head > before,
        "{line}: {answer}, head {head}"
    );
    Ok(answer)
}

/// Where what was said stands.
async fn position(t: &Tiendo, line: &str) -> Result<u64> {
    let answer = say(t, line).await?;
    answer["receipt"]["firstPosition"]
        .as_u64()
        .context("no position")
}

/// Gives a command that must be refused for a reason; nothing may move. Gives what was said.
async fn refused(t: &Tiendo, line: &str, reason: &str) -> Result<String> {
    let before = t.ledger().await?.head;
    let ended = run(t, line).await?;
    ensure!(
        ended.code == 65 && ended.stderr.contains(&format!("[{reason}]")),
        "`{line}` is not refused with {reason}: {ended:?}"
    );
    ensure!(t.ledger().await?.head == before, "`{line}` moved the head");
    Ok(ended.stderr)
}

/// The codes of the checks that found something.
fn findings(answer: &Value) -> Vec<&str> {
    let findings = answer["findings"].as_array();
    let checks = findings.into_iter().flatten();
    checks
        .filter_map(|finding| finding["check"].as_str())
        .collect()
}

/// What is on record of a locality, once it is as wanted.
async fn shown(
    t: &Tiendo,
    code: &str,
    as_of: &str,
    what: &str,
    wanted: impl Fn(&Value) -> bool,
) -> Result<Value> {
    until(what, PATIENCE, async || {
        let line = format!("locality show {code} --as-of {as_of} -o json");
        let answer = run(t, &line).await?;
        if answer.code == 66 {
            return Ok(None);
        }
        let mut answer: Value = serde_json::from_str(&answer.ok()?)?;
        let locality = answer["locality"].take();
        Ok(wanted(&locality).then_some(locality))
    })
    .await
}

async fn places(t: &Tiendo) -> Result<()> {
    let register = |code: &str, name: &str, parent: &str| {
        format!(
            "locality register {code} --name '{name}' {parent} --as-of 2020-01-01 --source 'NQ 1'"
        )
    };
    say(t, &register("99", "Tỉnh Mẫu", "")).await?;
    say(t, &register("991", "Huyện Mẫu", "--parent 99")).await?;
    for (code, name) in [
        ("99101", "Xã Một"),
        ("99104", "Xã Hai"),
        ("99107", "Xã Ba"),
        ("99110", "Xã Bốn"),
    ] {
        say(t, &register(code, name, "--parent 991")).await?;
    }
    // A commune belongs somewhere, and the command asks where.
    let alone = run(t, &register("99113", "Xã Năm", "")).await?;
    ensure!(
        alone.code == 64 && alone.stderr.contains("--parent"),
        "{alone:?}"
    );
    let locality = shown(t, "99101", "2024-01-01", "the commune", |_| true).await?;
    ensure!(
        locality["ancestors"][0]["ref"]["code"] == "991",
        "{locality}"
    );
    Ok(())
}

async fn plan(t: &Tiendo) -> Result<()> {
    say(
        t,
        "plan adopt 1234 --locality 99 --summary 'Kế hoạch triển khai Đề án 06' \
         --document 1234/KH-UBND --document-date 2023-06-30 --issuer 'UBND tỉnh' --as-of 2023-06-30",
    )
    .await?;
    say(
        t,
        "group define M-6 --plan 1234 --number 6 --name 'Nhóm sáu' --as-of 2023-06-30",
    )
    .await?;
    let taken = "group define M-7 --plan 1234 --number 6 --name 'Nhóm bảy' --as-of 2023-06-30";
    let said = refused(t, taken, "NUMBER_TAKEN").await?;
    ensure!(said.contains("M-6"), "who has it is not said: {said}");
    say(
        t,
        "model define M-6.01 --group M-6 --name 'Mô hình mẫu' --source 'KH 1234' --as-of 2023-06-30",
    )
    .await?;
    say(
        t,
        "readiness review --model M-6.01 --locality 991 --reviewed-by 'Công an huyện' \
         --present-state 'Có 12 máy' --conditions 'Thiếu 3 máy' --outcome partly-ready \
         --as-of 2023-07-10",
    )
    .await?;
    say(
        t,
        "model status M-6.01 piloting --locality 991 --as-of 2023-08-01",
    )
    .await?;
    say(
        t,
        "indicator define thu.nghiem --name 'Tài khoản thử nghiệm' --family thu --kind cumulative \
         --unit 'tài khoản' --as-of 2020-01-01",
    )
    .await?;
    let locality = shown(t, "991", "2023-08-02", "the status", |locality| {
        locality["models"][0]["status"] == "MODEL_STATUS_PILOTING"
    })
    .await?;
    ensure!(locality["models"][0]["groupNumber"] == 6, "{locality}");
    Ok(())
}

async fn work(t: &Tiendo) -> Result<()> {
    let define = "--content 'Lắp camera' --due 30/6/2024 --responsible 'Công an huyện' \
                  --responsible-office 'Đội QLHC' --origin new --as-of 1/1/2024";
    let vague = say(
        t,
        &format!("work-item define VIEC-00 --locality 991 {define}"),
    )
    .await?;
    ensure!(
        findings(&vague) == ["CHECK_NO_MEASURABLE_OUTPUT"],
        "nothing can be counted, and nobody says so: {vague}"
    );
    let measured = "--volume 120 --unit camera --expected-result 'Camera hoạt động'";
    let line = format!(
        "work-item define VIEC-01 --locality 991 {define} {measured} --start 2/1/2024 \
         --depends-on VIEC-00"
    );
    let defined = say(t, &line).await?;
    ensure!(findings(&defined).is_empty(), "{defined}");
    let silent = "work-item reschedule VIEC-01 --locality 991 --due 30/9/2024 --reason '' \
                  --as-of 1/6/2024";
    refused(t, silent, "REQUIRED").await?;
    say(
        t,
        "work-item reschedule VIEC-01 --locality 991 --due 30/9/2024 --reason 'Chậm vốn' \
         --document 77/UBND --issuer 'UBND tỉnh' --as-of 1/6/2024",
    )
    .await?;
    let progress = "work-item progress VIEC-01 --locality 991 --done 70 --percent 58%";
    say(t, &format!("{progress} --as-of 1/7/2024")).await?;
    let complete = "work-item complete VIEC-01 --locality 991 --evidence 'Biên bản 12/BB'";
    let completed = say(t, &format!("{complete} --as-of 15/9/2024")).await?;
    ensure!(
        completed["revision"] == 4,
        "defined, rescheduled, progressed, completed: {completed}"
    );
    let again = refused(
        t,
        &format!("{complete} --as-of 16/9/2024"),
        "WORK_ITEM_CLOSED",
    )
    .await?;
    ensure!(again.contains("VIEC-01"), "which one is not said: {again}");
    // What was expected of the record beforehand is held against it.
    let cancel = "work-item cancel VIEC-00 --locality 991 --reason 'Đã gộp' --as-of 1/10/2024";
    let late = run(t, &format!("{cancel} --expected-revision 7")).await?;
    ensure!(late.code == 65, "{late:?}");
    say(t, &format!("{cancel} --expected-revision 1")).await?;
    // The one was done after its first last day and before its second; the other is not asked for any more.
    shown(t, "991", "2024-10-02", "both ends", |locality| {
        let items = locality["workItems"].as_array();
        let overdue = |item: &Value| item["overdueDays"].as_u64().unwrap_or(0) > 0;
        let shows = |item: &Value| item["evidence"] == "Biên bản 12/BB";
        items.is_some_and(|items| items.iter().any(shows) && !items.iter().any(overdue))
    })
    .await?;
    Ok(())
}

/// The codes that `work-item list` lists.
async fn listed(t: &Tiendo, line: &str) -> Result<Vec<String>> {
    let answer = json_of(t, &format!("work-item list {line}")).await?;
    let items = answer["workItems"].as_array();
    let codes = items.into_iter().flatten().map(|listed| {
        let code = listed["item"]["defined"]["workItem"].as_str();
        code.map(ToOwned::to_owned)
    });
    let codes: Option<Vec<_>> = codes.collect();
    let codes = codes.with_context(|| answer.to_string())?;
    let total = answer["totalSize"].as_u64().unwrap_or(0);
    ensure!(total == codes.len() as u64, "{answer}");
    Ok(codes)
}

async fn work_list(t: &Tiendo) -> Result<()> {
    let (vague, measured) = ("VIEC-00", "VIEC-01");
    // Both were due on 30 June, until on 1 June one was given until 30 September.
    for (line, expected) in [
        ("--code 99 --as-of 15/5/2024", &[vague, measured][..]),
        ("--due-to 30/6/2024 --as-of 15/5/2024", &[vague, measured]),
        ("--due-to 30/6/2024 --as-of 1/7/2024", &[vague]),
        ("--due-from 1/7/2024 --as-of 1/7/2024", &[measured]),
        (
            "--due-from 30/6/2024 --due-to 30/9/2024 --as-of 1/7/2024",
            &[vague, measured],
        ),
        ("--overdue --as-of 30/6/2024", &[]),
        ("--overdue --as-of 1/7/2024", &[vague]),
        (
            "--overdue --status completed,cancelled --as-of 2/10/2024",
            &[],
        ),
        ("--status blocked --as-of 1/7/2024", &[measured]),
        ("--status completed --as-of 14/9/2024", &[]),
        ("--status completed --as-of 15/9/2024", &[measured]),
        ("--status cancelled --as-of 2/10/2024", &[vague]),
        // What is done or called off is no longer to be done.
        ("--code 991 --as-of 14/9/2024", &[vague, measured]),
        ("--code 991 --as-of 15/9/2024", &[vague]),
        ("--code 991 --as-of 2/10/2024", &[]),
        (
            "--status completed,cancelled --as-of 2/10/2024",
            &[vague, measured],
        ),
        (
            "--all --owner 'cong an HUYEN' --locality 991 --as-of 2/10/2024",
            &[vague, measured],
        ),
        ("--all --model M-6.01 --as-of 2/10/2024", &[]),
        ("--all --code 99101 --as-of 2/10/2024", &[]),
    ] {
        let found = listed(t, line).await?;
        ensure!(found == expected, "`{line}` lists {found:?}");
    }
    let nobody = run(t, "work-item list --owner 'cong an'").await?;
    ensure!(
        nobody.code == 66
            && nobody.stderr.contains("[UNKNOWN_ORGANISATION]")
            && nobody.stderr.contains("Công an huyện"),
        "{nobody:?}"
    );
    let inverted = run(t, "work-item list --due-from 1/7/2024 --due-to 30/6/2024").await?;
    ensure!(
        inverted.code == 65
            && ["[DATE_ORDER]", "2024-07-01", "2024-06-30"]
                .iter()
                .all(|part| inverted.stderr.contains(part)),
        "{inverted:?}"
    );
    let line = "work-item list --code 991 --as-of 1/7/2024";
    let english = run(t, line).await?.ok()?;
    let words: Vec<&str> = line.split_whitespace().collect();
    let vietnamese = t.tiendo_in("vi", &words).await?.ok()?;
    for (shown, parts) in [
        (&vietnamese, ["2 nhiệm vụ", "quá hạn 1 ngày", "chờ VIEC-00"]),
        (
            &english,
            ["2 work items", "1 day overdue", "waits for VIEC-00"],
        ),
    ] {
        for part in parts
            .iter()
            .chain(&["VIEC-01", "Huyện Mẫu (991)", "Đội QLHC, Công an huyện"])
        {
            ensure!(shown.contains(part), "no {part} in\n{shown}");
        }
    }
    let csv = run(t, &format!("{line} -o csv")).await?.ok()?;
    let whose = "Công an huyện,Công an huyện,Đội QLHC";
    for standing in [
        "VIEC-00,Lắp camera,991,Huyện Mẫu,,,open,2024-06-30,1,",
        "VIEC-01,Lắp camera,991,Huyện Mẫu,,,blocked,2024-09-30,,VIEC-00",
    ] {
        let row = format!("{standing},{whose}");
        ensure!(csv.lines().any(|line| line == row), "no {row} in\n{csv}");
    }
    let everybody = run(t, "work-item list --owner ''").await?;
    ensure!(
        everybody.code == 64 && everybody.stderr.contains("--owner"),
        "{everybody:?}"
    );
    Ok(())
}

/// Commands list everything, however many that is: the service gives 100 at a time if nobody says how many.
async fn long_lists(t: &Tiendo) -> Result<()> {
    let event = |what: &str, body: Value| json!({"effective": "2/1/2024", what: body});
    let item = |number: u32| {
        let body = json!({
            "workItem": format!("DAI-{number:03}"),
            "locality": {"code": "99"},
            "content": {"vi": "Làm sạch dữ liệu"},
            "expectedResult": "Dữ liệu sạch",
            "volume": {"count": 1},
            "unit": "xã",
            "organisation": "Sở Nội vụ",
            "office": "Phòng Dữ liệu",
            "origin": "WORK_ORIGIN_NEW",
        });
        event("workItemDefined", body)
    };
    let indicator = |number: u32| {
        let body = json!({
            "indicator": format!("dai.so-{number:03}"),
            "name": {"vi": "Chỉ tiêu thử"},
            "family": "dai",
            "kind": "INDICATOR_KIND_CUMULATIVE",
            "unit": {"vi": "hồ sơ"},
            "denominator": "quota",
        });
        event("indicatorDefined", body)
    };
    let events: Vec<_> = (1..=120).flat_map(|n| [item(n), indicator(n)]).collect();
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("events.json");
    std::fs::write(&path, json!(events).to_string())?;
    say(t, &format!("record {}", path.display())).await?;
    let items: Vec<_> = (1..=120).map(|n| format!("DAI-{n:03}")).collect();
    let of = "--owner 'so noi vu' --as-of 3/1/2024";
    let found = until("the work items", PATIENCE, async || {
        // Nobody has the name before the first of them is folded.
        let named = run(t, &format!("work-item list {of}")).await?.code == 0;
        let found = if named {
            listed(t, of).await?
        } else {
            Vec::new()
        };
        Ok((found.len() >= items.len()).then_some(found))
    })
    .await?;
    ensure!(found == items, "{found:?}");
    let left = "organisation succeed 'Sở Nội vụ' --change ended --locality 99 --source 'NQ 19' \
                --as-of 1/2/2024";
    say(t, left).await?;
    let all_of = async |line: &str, list: &str| -> Result<Vec<Value>> {
        let mut answer = json_of(t, line).await?;
        // What is 0 is not written.
        let total = answer["totalSize"].as_u64().unwrap_or(0);
        let all = match answer[list].take() {
            Value::Array(all) => all,
            _ => Vec::new(),
        };
        ensure!(total == all.len() as u64, "{line}: {total}");
        Ok(all)
    };
    until("the orphans", PATIENCE, async || {
        let mut orphans = all_of("owner orphans 99 --as-of 2/2/2024", "orphans").await?;
        orphans.retain(|orphan| orphan["kind"] == "ORPHAN_KIND_WORK_ITEM");
        Ok((orphans.len() == items.len()).then_some(()))
    })
    .await?;
    let indicators = all_of("indicator list --as-of 3/1/2024", "indicators").await?;
    ensure!(indicators.len() > 120, "{} indicators", indicators.len());
    Ok(())
}

async fn quota(t: &Tiendo) -> Result<()> {
    let assign = "quota assign thu.nghiem --locality 991 --denominator 20.000 --start 1/1/2024 \
                  --deadline 30/6/2024 --document 12/KH --document-date 5/1/2024 \
                  --document-title 'Giao chỉ tiêu' --issuer 'UBND tỉnh' --as-of 1/1/2024";
    let outside = format!("{assign} --milestone 31/3/2024=8.000 --milestone 31/8/2024=20.000");
    refused(t, &outside, "DATE_ORDER").await?;
    let assigned = format!("{assign} --milestone 31/3/2024=8.000 --milestone 31/5/2024=15.000");
    say(t, &assigned).await?;
    let quotas = |locality: &Value| {
        let quotas = locality["indicators"][0]["quotas"].as_array();
        quotas.map_or(0, Vec::len)
    };
    let locality = shown(t, "991", "2024-02-01", "the quota", |l| quotas(l) == 1).await?;
    let quota = &locality["indicators"][0]["quotas"][0]["quota"];
    ensure!(
        quota["milestones"][1]
            == json!({"date": "2024-05-31", "count": {"count": 15_000, "bound": "BOUND_EXACT"}})
            && quota["document"]["title"] == "Giao chỉ tiêu",
        "{quota}"
    );
    let suspend = "quota suspend thu.nghiem --locality 991 --reason 'Chờ hướng dẫn' \
                   --document 15/UBND --issuer 'UBND tỉnh'";
    say(t, &format!("{suspend} --as-of 1/4/2024")).await?;
    refused(t, &format!("{suspend} --as-of 2/4/2024"), "UNKNOWN_QUOTA").await?;
    shown(t, "991", "2024-04-02", "the suspension", |l| quotas(l) == 0).await?;
    shown(t, "991", "2024-03-31", "the day before it", |l| {
        quotas(l) == 1
    })
    .await?;
    say(
        t,
        "completion declare thu.nghiem --locality 991 --by 30/5/2024 --source 'Cam kết' \
         --as-of 1/2/2024",
    )
    .await?;
    Ok(())
}

async fn figures(t: &Tiendo) -> Result<()> {
    let report = |value: &str, day: &str| {
        format!("report thu.nghiem --locality 991 --value {value} --source 'BC tuần' --as-of {day}")
    };
    say(t, &report("10.000", "5/2/2024")).await?;
    let wrong = position(t, &report("11.000", "12/2/2024")).await?;
    let fallen = report("9.000", "19/2/2024");
    let said = refused(t, &fallen, "CUMULATIVE_FALLS").await?;
    ensure!(
        said.contains(&wrong.to_string()),
        "which figure is above it is not said: {said}"
    );
    let insisted = format!("{fallen} --confirm CUMULATIVE_FALLS --note 'Đã rà soát tại xã'");
    let insisted = say(t, &insisted).await?;
    ensure!(
        findings(&insisted).contains(&"CHECK_CUMULATIVE_FALLS"),
        "{insisted}"
    );
    let position = &insisted["receipt"]["firstPosition"];
    let resolve = format!(
        "finding resolve {position} CUMULATIVE_FALLS --resolution confirmed --reason 'Đúng'"
    );
    refused(t, &resolve, "SAME_OFFICE").await?;
    say(t, &format!("{resolve} --organisation 'Thanh tra tỉnh'")).await?;
    refused(
        t,
        &format!("{resolve} --organisation 'Thanh tra tỉnh'"),
        "FINDING_CLOSED",
    )
    .await?;
    let retract = format!("retract {wrong} --reason 'Nhầm huyện'");
    say(t, &retract).await?;
    refused(t, &retract, "ALREADY_RETRACTED").await?;
    let plan = run(t, "retract 7 --reason Nhầm").await?;
    ensure!(
        plan.code == 66 && plan.stderr.contains("no figure"),
        "{plan:?}"
    );
    Ok(())
}

async fn owners(t: &Tiendo) -> Result<()> {
    let role =
        "--model M-6.01 --locality 99 --role lead --accountable 'Phòng QLHC' --source 'QĐ 3'";
    say(
        t,
        &format!("owner assign {role} --owner 'Sở Thông tin' --as-of 1/7/2023"),
    )
    .await?;
    say(
        t,
        "organisation succeed 'Sở Thông tin' --change merged --successor 'Sở Khoa học' \
         --locality 99 --source 'NQ 18' --as-of 1/3/2025",
    )
    .await?;
    let handed = |from: &str| {
        format!(
            "owner hand-over {role} --owner 'Công an tỉnh' --from '{from}' --reason 'Phân công lại' \
             --as-of 1/5/2025"
        )
    };
    refused(t, &handed("Sở Tài chính"), "NOT_THE_HOLDER").await?;
    say(t, &handed("Sở Khoa học")).await?;
    for (day, lead) in [
        ("2025-02-28", "Sở Thông tin"),
        ("2025-03-01", "Sở Khoa học"),
        ("2025-05-01", "Công an tỉnh"),
    ] {
        let what = format!("{lead} as lead on {day}");
        shown(t, "99", day, &what, |locality| {
            locality["models"][0]["owners"][0]["organisations"] == json!([lead])
        })
        .await?;
    }
    // Who gave the role up and who has it are told of the hand-over alike.
    for (name, holding) in [
        ("so khoa hoc", "HOLDING_HANDED_OVER"),
        ("cong an tinh", "HOLDING_HELD"),
    ] {
        let portfolio = json_of(t, &format!("owner portfolio '{name}' --as-of 1/5/2025")).await?;
        let role = &portfolio["roles"][0];
        let handed = &role["handOvers"][0];
        ensure!(
            role["holding"] == holding
                && handed["from"] == json!(["Sở Khoa học"])
                && handed["to"] == json!(["Công an tỉnh"])
                && handed["on"] == "2025-05-01"
                && handed["position"].as_u64().is_some(),
            "{portfolio}"
        );
    }
    let shown = run(t, "owner portfolio 'so khoa hoc' --as-of 1/5/2025").await?;
    let shown = shown.ok()?;
    ensure!(
        shown.contains("Sở Khoa học → Công an tỉnh"),
        "no hand-over in\n{shown}"
    );
    Ok(())
}

async fn campaign(t: &Tiendo) -> Result<()> {
    let form = "working-group form TO-1 --campaign CD-90 --locality 99101 --name 'Tổ 1' \
                --member 'Công an xã' --member 'Đoàn xã' --source 'QĐ 5' --as-of 2/4/2024";
    refused(t, form, "UNKNOWN_CAMPAIGN").await?;
    say(
        t,
        "campaign launch CD-90 --locality 99 --name '90 ngày đêm' --start 1/4/2024 --end 30/6/2024 \
         --days 90 --working-groups 12 --source 'KH 90' --as-of 1/4/2024",
    )
    .await?;
    say(t, form).await?;
    let close = "campaign close CD-90 --locality 99 --outcome 'Đạt 96%' --source 'BC 90'";
    say(t, &format!("{close} --as-of 1/7/2024")).await?;
    refused(t, &format!("{close} --as-of 2/7/2024"), "CAMPAIGN_CLOSED").await?;
    Ok(())
}

async fn file(t: &Tiendo) -> Result<()> {
    let directive = |code: &str| {
        json!({
            "effective": "1/8/2024",
            "directiveIssued": {
                "locality": {"code": code},
                "document": {"number": "88/CĐ", "issuer": "UBND tỉnh"},
                "addressees": ["UBND huyện"],
                "text": {"vi": "Khẩn trương hoàn thành"},
                "source": {"title": "Công điện 88"},
            },
        })
    };
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("events.json");
    let line = format!("record {}", path.display());
    std::fs::write(
        &path,
        json!([directive("99"), directive("998")]).to_string(),
    )?;
    let said = refused(t, &line, "UNKNOWN_LOCALITY").await?;
    ensure!(
        said.contains("events[1].directive_issued.locality.code"),
        "event and field are not named: {said}"
    );
    std::fs::write(
        &path,
        json!([directive("99"), directive("991")]).to_string(),
    )?;
    let said = say(t, &line).await?;
    let receipt = &said["receipt"];
    ensure!(
        receipt["lastPosition"].as_u64() == receipt["firstPosition"].as_u64().map(|p| p + 1),
        "{said}"
    );
    // The same request is recorded once.
    let id = receipt["requestId"].as_str().context("no request id")?;
    let again = json_of(t, &format!("{line} --request-id {id}")).await?;
    ensure!(
        again["receipt"]["repeated"] == true
            && again["receipt"]["firstPosition"] == receipt["firstPosition"],
        "{again}"
    );
    Ok(())
}

async fn withdrawal(t: &Tiendo) -> Result<()> {
    let group = "group withdraw M-6 --reason 'Gộp nhóm' --source 'TB 20'";
    refused(t, &format!("{group} --as-of 1/6/2025"), "GROUP_IN_USE").await?;
    let model = "model withdraw M-6.01 --reason 'Trùng mô hình khác' --source 'TB 20'";
    say(t, &format!("{model} --as-of 1/6/2025")).await?;
    refused(t, &format!("{model} --as-of 2/6/2025"), "MODEL_WITHDRAWN").await?;
    let status = "model status M-6.01 deployed --locality 991";
    refused(t, &format!("{status} --as-of 2/6/2025"), "MODEL_WITHDRAWN").await?;
    // The day before, it was there.
    say(t, &format!("{status} --as-of 31/5/2025")).await?;
    say(t, &format!("{group} --as-of 2/6/2025")).await?;
    Ok(())
}

async fn renaming(t: &Tiendo) -> Result<()> {
    say(
        t,
        "locality rename 99107 --name 'Xã Ba Mới' --source 'NQ 2' --as-of 1/1/2025",
    )
    .await?;
    let named = |day: &'static str, name: &'static str| {
        shown(t, "99107", day, name, move |l| l["name"]["vi"] == name)
    };
    let before = named("2024-12-31", "Xã Ba").await?;
    let after = named("2025-01-01", "Xã Ba Mới").await?;
    // It is the same commune, at the same place.
    for part in ["ref", "level"] {
        ensure!(before[part] == after[part], "{before} {after}");
    }
    ensure!(after["ancestors"][0]["ref"]["code"] == "991", "{after}");
    // Before its first day it was not there, under whichever name.
    let older = run(t, "locality show 99107 --as-of 2019-12-31").await?;
    ensure!(older.code == 66, "{older:?}");
    Ok(())
}

async fn merger(t: &Tiendo) -> Result<()> {
    say(
        t,
        "report thu.nghiem --locality 99101 --value 500 --source 'BC tuần' --as-of 1/6/2025",
    )
    .await?;
    let merge = "locality merge 99101 99104 --into '99116=Xã Hợp Nhất' --parent 991 \
                 --source 'NQ 1667' --as-of";
    // A figure of a day on which its commune would be no more stands in the way.
    refused(t, &format!("{merge} 1/6/2025"), "FIGURES_OUTSIDE_LIFE").await?;
    let merged = say(t, &format!("{merge} 1/7/2025")).await?;
    let receipt = &merged["receipt"];
    ensure!(
        receipt["lastPosition"].as_u64() == receipt["firstPosition"].as_u64().map(|p| p + 2),
        "one is registered, two end: {merged}"
    );
    for code in ["99101", "99104"] {
        let line = format!(
            "report thu.nghiem --locality {code} --value 600 --source 'BC tuần' --as-of 8/7/2025"
        );
        let said = refused(t, &line, "LOCALITY_NOT_VALID").await?;
        ensure!(said.contains("99116"), "the successor is not named: {said}");
    }
    say(
        t,
        "report thu.nghiem --locality 99116 --value 1.300 --source 'BC tuần' --as-of 8/7/2025",
    )
    .await?;
    let itself = "locality merge 99107 --into 99107 --source 'NQ 1' --as-of 1/8/2025";
    let itself = run(t, itself).await?;
    ensure!(itself.code == 64, "{itself:?}");
    Ok(())
}

async fn split(t: &Tiendo) -> Result<()> {
    say(
        t,
        "locality split 99110 --into 99107=partial --into '99119=partial=Xã Sáu' --parent 991 \
         --source 'NQ 1667' --as-of 1/7/2025",
    )
    .await?;
    let new = shown(t, "99119", "2025-07-01", "the new commune", |_| true).await?;
    ensure!(new["name"]["vi"] == "Xã Sáu", "{new}");
    say(t, "locality end 99119 --source 'NQ 1700' --as-of 1/1/2026").await?;
    until("the end", PATIENCE, async || {
        let gone = run(t, "locality show 99119 --as-of 2026-01-01").await?;
        Ok((gone.code == 66).then_some(()))
    })
    .await
}
