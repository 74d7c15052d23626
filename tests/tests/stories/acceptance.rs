//! On the sample data: what the two founding articles say can be asked for, for any day, and a report changes only what it should.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tiendo_tests::{Chapters, Options, Tiendo, fact};
use wire::v1;

/// Everything that a reader may have kept, to be compared before and after.
const ANSWERS: [&[&str]; 8] = [
    &["locality", "show", "56"],
    &["locality", "show", "268"],
    &["locality", "list", "--level", "province"],
    &["locality", "history", "01"],
    &["model", "list"],
    &["indicator", "rank", "eid.activated", "--parent", "01"],
    &["verdict", "list"],
    &["case", "list"],
];

#[tokio::test(flavor = "multi_thread")]
async fn the_published_figures_can_be_asked_for() -> Result<()> {
    let mut tiendo = Tiendo::start(Options::sample()).await?;
    let mut story = Chapters::new();
    let t = &tiendo;
    story
        .tell("up says where it is, who lags and for which day", start(t))
        .await;
    story
        .tell("31 models in five groups, each with owners", models(t))
        .await;
    story
        .tell("citizen cards: 100 % nine days early", citizen_cards(t))
        .await;
    story
        .tell("VNeID: counts published, quotas derived", accounts(t))
        .await;
    story
        .tell("Khánh Hòa the day before it finished", the_day_before(t))
        .await;
    story.tell("Hà Đông of 269,950", ha_dong(t)).await;
    story
        .tell("five communes of Thanh Trì are done", thanh_tri(t))
        .await;
    story.tell("Bắc Từ Liêm's 199 groups", bac_tu_liem(t)).await;
    story
        .tell("Hà Nội: services, systems, procedures", ha_noi(t))
        .await;
    story
        .tell("a ranking leaves out what cannot be compared", ranking(t))
        .await;
    story
        .tell("cases as they were, in both times", cases_then(t))
        .await;
    story
        .tell("a locality rebuilt from the log is the same", rebuilt(t))
        .await;
    story
        .tell(
            "a definition revised later changes nothing before",
            redefined(t),
        )
        .await;
    story
        .tell(
            "verdicts say which day they are for, in two languages",
            verdicts(t),
        )
        .await;
    story
        .tell(
            "cases: Hà Đông is silent, Bắc Từ Liêm gave no figure",
            cases(t),
        )
        .await;
    story.tell("CSV is for programs", spreadsheets(t)).await;
    story
        .tell(
            "a report and its correction, each as it was known",
            reports(t),
        )
        .await;
    story
        .tell("a second start changes nothing", second_start(&mut tiendo))
        .await;
    story.end()?;
    tiendo.finish().await
}

/// The standing of a locality in an indicator.
async fn standing(t: &Tiendo, code: &str, indicator: &str, more: &[&str]) -> Result<Value> {
    let mut arguments = vec!["locality", "show", code];
    arguments.extend(more);
    let shown = t.json(&arguments).await?;
    let all = shown["locality"]["indicators"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let found = all
        .into_iter()
        .find(|standing| standing["indicator"]["indicator"] == indicator);
    Ok(found.unwrap_or_default())
}

async fn count(t: &Tiendo, code: &str, indicator: &str) -> Result<Value> {
    Ok(standing(t, code, indicator, &[]).await?["figure"]["value"]["count"].clone())
}

async fn start(t: &Tiendo) -> Result<()> {
    let endpoints = t.endpoints()?;
    assert_eq!(endpoints.today, "2023-07-31");
    let shown = t.shown()?;
    for address in [
        endpoints.ingest,
        endpoints.projection,
        endpoints.alerting,
        endpoints.http,
    ] {
        ensure!(
            shown.contains(&address),
            "the table has no {address}:\n{shown}"
        );
    }
    ensure!(
        shown.contains("Judged for 2023-07-31"),
        "no day is named:\n{shown}"
    );
    let ledger = t.json(&["log", "show"]).await?;
    let sets: Vec<_> = ledger["datasets"]
        .as_array()
        .context("data sets")?
        .iter()
        .collect();
    let names: Vec<_> = sets
        .iter()
        .filter_map(|set| set["dataset"].as_str())
        .collect();
    let expected = ["gazetteer", "catalogue", "sample", "reform", "relations"];
    assert_eq!(names, expected);
    let events: u64 = sets.iter().filter_map(|set| set["events"].as_u64()).sum();
    assert_eq!(ledger["head"], events + expected.len() as u64);
    Ok(())
}

async fn models(t: &Tiendo) -> Result<()> {
    let listed = t.json(&["model", "list", "--locality", "56"]).await?;
    let models = listed["models"].as_array().context("models")?;
    let in_group = |number: u64| models.iter().filter(|m| m["groupNumber"] == number).count();
    assert_eq!([1, 2, 3, 4, 5].map(in_group), [3, 12, 9, 2, 5]);
    assert_eq!(models.len(), 31);
    for model in models {
        let owners = model["owners"].as_array().context("owners")?;
        for role in ["ROLE_LEAD", "ROLE_COORDINATING", "ROLE_IMPLEMENTING"] {
            let owner = owners.iter().find(|owner| owner["role"] == role);
            let bodies = owner.and_then(|owner| owner["organisations"].as_array());
            ensure!(
                bodies.is_some_and(|bodies| !bodies.is_empty()),
                "no {role} in {model}"
            );
        }
        let lead = owners.iter().find(|owner| owner["role"] == "ROLE_LEAD");
        let office = lead
            .and_then(|lead| lead["accountableOffice"].as_str())
            .unwrap_or_default();
        ensure!(!office.is_empty(), "nobody answers for {model}");
    }
    let plans = t.json(&["locality", "show", "56"]).await?["locality"]["plans"].clone();
    assert_eq!(plans[0]["adopted"]["plan"], "6559");
    assert_eq!(plans[0]["owners"][0]["role"], "ROLE_FOCAL");
    assert_eq!(
        plans[0]["owners"][0]["organisations"]
            .as_array()
            .map(Vec::len),
        Some(5)
    );
    Ok(())
}

async fn citizen_cards(t: &Tiendo) -> Result<()> {
    let cards = standing(t, "56", "cccd.issued", &[]).await?;
    assert_eq!(cards["figure"]["printedPercent"], "100");
    assert_eq!(cards["figure"]["effective"], "2023-06-21");
    let quota = &cards["quotas"][0];
    assert_eq!(quota["quota"]["deadline"], "2023-06-30");
    assert_eq!(quota["reached"], true);
    assert_eq!(quota["reachedOn"], "2023-06-21");
    assert_eq!(quota["daysEarly"], 9);
    let page = t.text(&["locality", "show", "56"]).await?;
    ensure!(page.contains("reached 2023-06-21, 9 days early"), "{page}");
    let page = t.tiendo_in("vi", &["locality", "show", "56"]).await?.ok()?;
    ensure!(
        page.contains("21/6/2023") && page.contains("30/6/2023"),
        "{page}"
    );
    Ok(())
}

async fn accounts(t: &Tiendo) -> Result<()> {
    let collected = standing(t, "56", "eid.collected-and-installed", &[]).await?;
    assert_eq!(collected["figure"]["value"]["count"], 826_025);
    assert_eq!(collected["figure"]["printedPercent"], "109");
    assert_eq!(collected["figure"]["effective"], "2023-07-31");
    assert_eq!(collected["quotas"][0]["shareHundredths"], 10_900);
    assert_eq!(
        collected["quotas"][0]["quota"]["denominator"]["derived"],
        true
    );
    let activated = standing(t, "56", "eid.activated-l2", &[]).await?;
    assert_eq!(
        activated["figure"]["value"],
        json!({ "bound": "BOUND_AT_LEAST", "count": 634_327 })
    );
    assert_eq!(activated["figure"]["printedPercent"], "83.8");
    assert_eq!(activated["quotas"][0]["shareHundredths"], 8_380);
    assert_eq!(
        activated["quotas"][0]["quota"]["denominator"]["derived"],
        true
    );
    assert_eq!(activated["quotas"][0]["reached"], Value::Null);
    let page = t.text(&["locality", "show", "56"]).await?;
    for said in [
        "more than 634,327",
        "757,821 (derived)",
        "756,954 (derived)",
    ] {
        ensure!(page.contains(said), "'{said}' is not in\n{page}");
    }
    let page = t.tiendo_in("vi", &["locality", "show", "56"]).await?.ok()?;
    for said in ["634.327", "83,8%", "757.821 (suy ra)"] {
        ensure!(page.contains(said), "'{said}' is not in\n{page}");
    }
    Ok(())
}

async fn the_day_before(t: &Tiendo) -> Result<()> {
    let cards = standing(t, "56", "cccd.issued", &["--as-of", "2023-06-20"]).await?;
    assert_eq!(
        cards["figure"],
        Value::Null,
        "a figure of 21 June is not seen on 20 June"
    );
    assert_eq!(cards["quotas"][0]["quota"]["deadline"], "2023-06-30");
    assert_eq!(cards["quotas"][0]["reached"], Value::Null);
    assert_eq!(cards["quotas"][0]["reachedOn"], Value::Null);
    let models = t
        .json(&["model", "list", "--locality", "56", "--as-of", "20/6/2023"])
        .await?;
    assert_eq!(models["models"], Value::Null, "the plan is of 4 July");
    assert_eq!(models["at"]["asOf"], "2023-06-20");
    Ok(())
}

async fn ha_dong(t: &Tiendo) -> Result<()> {
    for (indicator, value, printed, share) in [
        ("eid.collected", 257_890, "95.5", 9_553),
        ("eid.activated", 199_968, "74.1", 7_408),
    ] {
        let seen = standing(t, "268", indicator, &[]).await?;
        assert_eq!(seen["figure"]["value"]["count"], value);
        assert_eq!(seen["figure"]["denominator"]["value"]["count"], 269_950);
        assert_eq!(seen["figure"]["printedPercent"], printed);
        assert_eq!(seen["figure"]["shareHundredths"], share);
        assert_eq!(
            seen["quotas"][0]["quota"]["denominator"]["value"]["count"],
            269_950
        );
        assert_eq!(
            seen["quotas"][0]["quota"]["denominator"]["derived"],
            Value::Null
        );
    }
    Ok(())
}

async fn thanh_tri(t: &Tiendo) -> Result<()> {
    let ranked = t
        .json(&["indicator", "rank", "cccd.issued", "--parent", "020"])
        .await?;
    let ranked = ranked["localities"].as_array().cloned().unwrap_or_default();
    let mut done: Vec<_> = ranked
        .iter()
        .filter(|place| place["rank"] == 1 && place["shareHundredths"] == 10_000)
        .filter_map(|place| place["locality"]["ref"]["code"].as_str())
        .collect();
    done.sort_unstable();
    // Hữu Hòa, Yên Mỹ, Duyên Hà, Đại Áng, Đông Mỹ.
    assert_eq!(done, ["00652", "00661", "00670", "00679", "00685"]);
    for code in done {
        let cards = standing(t, code, "cccd.issued", &[]).await?;
        assert_eq!(cards["quotas"][0]["reached"], true, "{code}");
    }
    Ok(())
}

async fn bac_tu_liem(t: &Tiendo) -> Result<()> {
    let shown = t.json(&["locality", "show", "021"]).await?;
    let campaign = &shown["locality"]["campaigns"][0]["launched"];
    assert_eq!(campaign["workingGroups"], 199);
    assert_eq!(campaign["days"], 15);
    let declared = standing(t, "021", "campaign.completion", &[]).await?;
    assert_eq!(declared["declaredBy"], "2023-06-20");
    assert_eq!(count(t, "021", "field-teams").await?, 199);
    Ok(())
}

async fn ha_noi(t: &Tiendo) -> Result<()> {
    let services = standing(t, "01", "services.essential", &[]).await?;
    assert_eq!(services["figure"]["value"]["count"], 25);
    assert_eq!(services["figure"]["denominator"]["value"]["count"], 25);
    assert_eq!(services["quotas"][0]["reached"], true);
    for (indicator, expected) in [
        ("procedures.decisions", 71),
        ("procedures.announced", 1_661),
        ("procedures.replaced", 204),
        ("procedures.abolished", 1_584),
        ("procedures.internal-decisions", 14),
        ("procedures.internal", 87),
    ] {
        assert_eq!(count(t, "01", indicator).await?, expected, "{indicator}");
    }
    let shown = t.json(&["locality", "show", "01"]).await?;
    let systems = shown["locality"]["systems"].as_array().context("systems")?;
    assert_eq!(systems.len(), 4);
    for system in systems {
        assert_eq!(system["commissioned"]["readyToConnect"], true);
        assert_eq!(system["since"], "2023-02-09");
    }
    Ok(())
}

async fn ranking(t: &Tiendo) -> Result<()> {
    let ranked = t
        .json(&["indicator", "rank", "cccd.issued", "--parent", "01"])
        .await?;
    let places = ranked["localities"].as_array().context("localities")?;
    let ranks: Vec<_> = places
        .iter()
        .filter_map(|place| place["rank"].as_u64())
        .collect();
    assert_eq!(ranks, [1, 2, 3], "Tây Hồ, Long Biên, Hà Đông");
    let codes = places
        .iter()
        .filter_map(|place| place["locality"]["ref"]["code"].as_str());
    assert_eq!(codes.collect::<Vec<_>>(), ["003", "004", "268"]);
    assert_eq!(
        ranked["withoutFigure"], 27,
        "of 30 districts; missing is not zero"
    );
    let bare = t
        .json(&["indicator", "rank", "cccd.received", "--parent", "01"])
        .await?;
    for place in bare["localities"].as_array().context("localities")? {
        assert_eq!(
            place["rank"],
            Value::Null,
            "dossiers without a denominator have no rank"
        );
        assert_eq!(place["shareHundredths"], Value::Null);
    }
    let listed = t
        .json(&[
            "locality", "list", "--name", "ha dong", "--level", "district",
        ])
        .await?;
    assert_eq!(listed["localities"][0]["ref"]["code"], "268");
    Ok(())
}

async fn rebuilt(t: &Tiendo) -> Result<()> {
    for code in ["56", "268", "021"] {
        let shown = t.json(&["locality", "show", code]).await?;
        let again = t.json(&["locality", "rebuild", code]).await?;
        assert_eq!(again["digest"], shown["digest"]);
        assert_eq!(again["servedDigest"], shown["digest"]);
        assert_eq!(again["locality"], shown["locality"]);
        assert_eq!(again["events"], shown["at"]["position"]);
    }
    // Before the sample was loaded, Hà Đông had no figure; asked for that position, nothing later is seen.
    let early = t
        .json(&["locality", "rebuild", "268", "--position", "26000"])
        .await?;
    assert_eq!(early["digest"], early["servedDigest"]);
    assert_eq!(early["locality"]["indicators"], Value::Null);
    Ok(())
}

/// A definition revised later changes no answer as it was known before.
async fn redefined(t: &Tiendo) -> Result<()> {
    let head = t.ledger().await?.head.to_string();
    let as_known = ["locality", "show", "268", "--known-at", &head];
    let before = t.json(&as_known).await?;
    let name = |vi: &str| {
        let (vi, en) = (vi.to_owned(), String::new());
        Some(v1::Name { vi, en })
    };
    let revised = v1::IndicatorDefined {
        indicator: "eid.activated".to_owned(),
        name: name("Kích hoạt tài khoản, định nghĩa mới"),
        family: "eid".to_owned(),
        kind: v1::IndicatorKind::Cumulative as i32,
        unit: name("tài khoản"),
        denominator: "quota".to_owned(),
    };
    let body = v1::event::Body::IndicatorDefined(revised);
    let request = v1::RecordRequest {
        event: Some(fact::event("2023-07-01", body)),
        ..Default::default()
    };
    let receipt = t
        .ingest()
        .await?
        .record(request)
        .await?
        .into_inner()
        .receipt;
    let position = receipt.context("receipt")?.first_position.to_string();
    let after = t.json(&as_known).await?;
    assert_eq!(after["digest"], before["digest"]);
    for position in [&head, &position] {
        let rebuilt = ["locality", "rebuild", "268", "--position", position];
        let rebuilt = t.json(&rebuilt).await?;
        assert_eq!(rebuilt["digest"], rebuilt["servedDigest"]);
    }
    Ok(())
}

/// Cases as they were: none was known before the figures, none was open the day before.
async fn cases_then(t: &Tiendo) -> Result<()> {
    let now = t.json(&["case", "list"]).await?;
    let same = t.json(&["case", "list", "--as-of", "31/7/2023"]).await?;
    assert_eq!(same["cases"], now["cases"]);
    ensure!(
        now["cases"]
            .as_array()
            .is_some_and(|cases| !cases.is_empty()),
        "{now}"
    );
    for earlier in [
        ["--as-of", "2023-07-30"],
        ["--known-at", "100"],
        ["--known-at", "2020-01-01"],
    ] {
        let then = t.json(&["case", "list", earlier[0], earlier[1]]).await?;
        assert_eq!(then["cases"], Value::Null, "{earlier:?}");
    }
    Ok(())
}

async fn verdicts(t: &Tiendo) -> Result<()> {
    let listed = t.json(&["verdict", "list"]).await?;
    assert_eq!(listed["judgedFor"], "2023-07-31");
    let all = listed["verdicts"].as_array().context("verdicts")?;
    for verdict in all {
        assert_eq!(verdict["judgedFor"], "2023-07-31");
        ensure!(
            verdict["rulesVersion"]
                .as_str()
                .is_some_and(|v| !v.is_empty()),
            "{verdict}"
        );
        two_languages(&verdict["sentence"])?;
    }
    let status = |code: &str, indicator: &str| {
        let found = all
            .iter()
            .find(|v| v["locality"]["code"] == code && v["indicator"] == indicator);
        found.map_or(Value::Null, |v| v["status"].clone())
    };
    assert_eq!(status("56", "cccd.issued"), "VERDICT_STATUS_DONE");
    assert_eq!(
        status("56", "eid.collected-and-installed"),
        "VERDICT_STATUS_DONE"
    );
    assert_eq!(status("01", "services.essential"), "VERDICT_STATUS_DONE");
    // Its last report is eight weeks old: it cannot be judged, and is never green.
    assert_eq!(status("268", "eid.activated"), "VERDICT_STATUS_UNKNOWN");
    // Declared for 20 June, and never reported.
    ensure!(
        ["VERDICT_STATUS_UNKNOWN", "VERDICT_STATUS_RED"].contains(
            &status("021", "campaign.completion")
                .as_str()
                .unwrap_or_default()
        ),
        "{}",
        status("021", "campaign.completion")
    );
    Ok(())
}

fn two_languages(sentence: &Value) -> Result<()> {
    let (vi, en) = (sentence["vi"].as_str(), sentence["en"].as_str());
    let whole = |text: &str| text.ends_with('.') && text.len() > 20;
    ensure!(
        vi.is_some_and(whole) && en.is_some_and(whole),
        "no sentence: {sentence}"
    );
    ensure!(vi != en, "one language twice: {sentence}");
    Ok(())
}

async fn cases(t: &Tiendo) -> Result<()> {
    let listed = t.json(&["case", "list"]).await?;
    assert_eq!(listed["judgedFor"], "2023-07-31");
    let all = listed["cases"].as_array().context("cases")?;
    for case in all {
        two_languages(&case["opened"]["sentence"])?;
        ensure!(
            case["notifications"]
                .as_array()
                .is_some_and(|n| !n.is_empty()),
            "{case}"
        );
    }
    let concern = |code: &str, indicator: &str| {
        let opened = all.iter().map(|case| &case["opened"]);
        let mut found = opened
            .filter(|v| v["locality"]["code"] == code && v["indicator"] == indicator)
            .filter_map(|v| v["concern"].as_str());
        found.next().unwrap_or("none")
    };
    assert_eq!(concern("268", "eid.activated"), "CONCERN_SILENT");
    assert_eq!(concern("268", "eid.collected"), "CONCERN_SILENT");
    assert_eq!(concern("021", "campaign.completion"), "CONCERN_NO_DATA");
    assert_eq!(concern("56", "cccd.issued"), "none");
    // People see it without JSON, in both languages.
    let page = t.text(&["case", "list"]).await?;
    ensure!(page.contains("Judged for 2023-07-31"), "{page}");
    let page = t.tiendo_in("vi", &["case", "list"]).await?.ok()?;
    ensure!(
        page.contains("31/7/2023") && page.contains("Bắc Từ Liêm"),
        "{page}"
    );
    Ok(())
}

async fn spreadsheets(t: &Tiendo) -> Result<()> {
    for lang in ["en", "vi"] {
        let csv = t
            .tiendo_in(lang, &["locality", "show", "268", "-o", "csv"])
            .await?
            .ok()?;
        let head = csv.lines().next().unwrap_or_default();
        assert_eq!(
            head,
            "indicator,effective,value,bound,percent,layer,quota,derived,deadline,share,missing,reached_on,days_early,findings",
            "the keys are the same in every language"
        );
        let row = csv.lines().find(|line| line.starts_with("eid.activated,"));
        let row = row.context("no row of eid.activated")?;
        // `199.968` in a spreadsheet would be two hundred.
        ensure!(
            row.contains(",199968,"),
            "{lang}: a count is digits only: {row}"
        );
    }
    Ok(())
}

/// Records through the command line and gives the position.
async fn recorded(t: &Tiendo, arguments: &[&str]) -> Result<u64> {
    let receipt = t.json(arguments).await?;
    receipt["receipt"]["firstPosition"]
        .as_u64()
        .with_context(|| receipt.to_string())
}

async fn reports(t: &Tiendo) -> Result<()> {
    let figure = [
        "--locality",
        "568",
        "--denominator",
        "300.000",
        "--as-of",
        "15/7/2023",
    ];
    let mut report = vec![
        "report",
        "eid.activated",
        "--value",
        "269.950",
        "--source",
        "Báo cáo",
    ];
    report.extend(figure);
    let wrong = recorded(t, &report).await?;
    let at = |position: u64| position.to_string();
    let seen = async |position: u64| -> Result<Value> {
        let seen = standing(t, "568", "eid.activated", &["--known-at", &at(position)]).await?;
        Ok(seen["figure"]["value"]["count"].clone())
    };
    // A read at a position waits until it can see it: a writer reads its own write.
    assert_eq!(seen(wrong).await?, 269_950, "a dot separates thousands");
    assert_eq!(seen(wrong - 1).await?, Value::Null);

    let position = at(wrong);
    let mut correct = vec!["correct", &position, "--indicator", "eid.activated"];
    correct.extend([
        "--value",
        "199.950",
        "--source",
        "Đính chính",
        "--reason",
        "gõ nhầm",
    ]);
    correct.extend(figure);
    let right = recorded(t, &correct).await?;
    assert_eq!(seen(right).await?, 199_950);
    assert_eq!(
        seen(wrong).await?,
        269_950,
        "what was known then stays known"
    );
    let history = t.json(&["locality", "history", "568"]).await?;
    assert_eq!(history["figures"][0]["figure"]["correctedBy"], right);
    assert_eq!(history["figures"][1]["figure"]["corrects"], wrong);
    assert_eq!(history["figures"][1]["figure"]["reason"], "gõ nhầm");

    // Refused text: what happened, in which field, in the reader's language, and nothing stored.
    let mut bad = vec![
        "report",
        "eid.activated",
        "--value",
        "269.95",
        "--source",
        "Báo cáo",
    ];
    bad.extend(figure);
    let refused = t.tiendo_in("vi", &bad).await?;
    assert_eq!(refused.code, 65);
    ensure!(refused.stdout.is_empty(), "{}", refused.stdout);
    ensure!(
        refused.stderr.contains("không có gì được lưu"),
        "{}",
        refused.stderr
    );
    ensure!(
        refused.stderr.contains("NUMBER_FORMAT"),
        "{}",
        refused.stderr
    );
    assert_eq!(t.ledger().await?.head, right);
    assert_eq!(t.tiendo(&["locality", "show", "99"]).await?.code, 66);
    Ok(())
}

async fn answers(t: &Tiendo) -> Result<Vec<String>> {
    let mut answers = vec![t.text(&["log", "show", "-o", "json"]).await?];
    for arguments in ANSWERS {
        answers.push(t.answer(arguments).await?);
    }
    Ok(answers)
}

async fn second_start(t: &mut Tiendo) -> Result<()> {
    let before = answers(t).await?;
    t.stop().await?;
    t.restart().await?;
    let after = answers(t).await?;
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(before, after);
    }
    let said = t.said()?;
    ensure!(
        !said.contains("ERROR"),
        "something is wrong after the second start:\n{said}"
    );
    Ok(())
}
