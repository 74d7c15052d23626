//! What each command says to the service, as its event in JSON.

use clap::Parser as _;
use jiff::civil::date;
use serde_json::{Value, json};
use wire::v1;

use super::look::Found;
use super::place::{Change, bodies};
use super::{Said, figure, file, owner, programme, said, work};
use crate::Failure;
use crate::cli::{
    Cli, Command, Finding, Indicator, Locality, LocalityRecording, Model, Owner, Reporter, WorkItem,
};
use crate::lang::Lang;
use crate::output::message_json;

/// The command that a line is; words between `'` are one.
fn command(line: &str) -> Result<Command, clap::Error> {
    let quoted = |(index, part): (usize, &str)| -> Vec<String> {
        match index % 2 {
            0 => part.split_whitespace().map(ToOwned::to_owned).collect(),
            _ => vec![part.to_owned()],
        }
    };
    let words = line.split('\'').enumerate().flat_map(quoted);
    let all = ["tiendo".to_owned()].into_iter().chain(words);
    Ok(Cli::try_parse_from(all)?.command)
}

/// What a command says that is told all of it, on 1 March 2024.
fn says(line: &str) -> Said {
    let line = format!("{line} --as-of 1/3/2024 --organisation 'Công an tỉnh'");
    match command(&line).unwrap() {
        Command::Recording(command) => said(command),
        Command::Model(Model::Record(command)) => programme::model(command),
        Command::Owner(Owner::Record(command)) => owner::owner(*command),
        Command::Indicator(Indicator::Record(command)) => programme::indicator(command),
        Command::WorkItem(WorkItem::Record(command)) => work::work_item(*command),
        other => panic!("{other:?} needs more than it is told"),
    }
}

#[track_caller]
fn means(line: &str, kind: &str, expected: Value) {
    let mut event = message_json("Event", &says(line).event).unwrap();
    assert_eq!(event["effective"], "1/3/2024");
    assert_eq!(event["actor"]["organisation"], "Công an tỉnh");
    assert_eq!(event[kind].take(), expected, "{line}");
}

#[test]
fn a_plan_its_groups_and_its_models() {
    means(
        "plan adopt 6559 --locality 56 --summary 'Kế hoạch triển khai' --document 6559/KH-UBND \
         --document-date 2023-06-30 --document-title 'Kế hoạch' --issuer 'UBND tỉnh'",
        "planAdopted",
        json!({
            "plan": "6559", "locality": {"code": "56"}, "summary": {"vi": "Kế hoạch triển khai"},
            "document": {
                "number": "6559/KH-UBND", "date": "2023-06-30", "issuer": "UBND tỉnh",
                "title": "Kế hoạch",
            },
        }),
    );
    means(
        "group define KH-6 --plan 6559 --number 6 --name 'Nhóm sáu' --name-en 'Group six'",
        "groupDefined",
        json!({
            "group": "KH-6", "plan": "6559", "number": 6,
            "name": {"vi": "Nhóm sáu", "en": "Group six"},
        }),
    );
    means(
        "group withdraw KH-6 --reason 'Nhập vào nhóm 5' --source 'CV 12'",
        "groupWithdrawn",
        json!({"group": "KH-6", "reason": "Nhập vào nhóm 5", "source": {"title": "CV 12"}}),
    );
    means(
        "model define KH-6.01 --group KH-6 --name 'Mô hình mới' --indicative --basis 'Thông báo' \
         --source 'CV 12' --source-url https://kh.example.vn/12",
        "modelDefined",
        json!({
            "model": "KH-6.01", "group": "KH-6", "name": {"vi": "Mô hình mới"},
            "indicative": true, "basis": "Thông báo",
            "source": {"title": "CV 12", "url": "https://kh.example.vn/12"},
        }),
    );
    means(
        "model withdraw KH-6.01 --reason 'Trùng KH-1.01' --source 'CV 13'",
        "modelWithdrawn",
        json!({"model": "KH-6.01", "reason": "Trùng KH-1.01", "source": {"title": "CV 13"}}),
    );
    means(
        "model status KH-1.01 not-started --locality 568@2023-04-10 --note 'Chờ thiết bị'",
        "modelStatusChanged",
        json!({
            "model": "KH-1.01", "locality": {"code": "568", "since": "2023-04-10"},
            "status": "MODEL_STATUS_NOT_STARTED", "note": "Chờ thiết bị",
        }),
    );
    means(
        "readiness review --model KH-1.01 --locality 568 --reviewed-by 'Công an thành phố' \
         --present-state 'Có 12 máy' --conditions 'Thiếu 3 máy' --outcome partly-ready",
        "readinessReviewed",
        json!({
            "model": "KH-1.01", "locality": {"code": "568"}, "organisation": "Công an thành phố",
            "presentState": "Có 12 máy", "conditions": "Thiếu 3 máy",
            "readiness": "READINESS_PARTLY_READY",
        }),
    );
}

#[test]
fn indicators_and_how_they_are_related() {
    means(
        "indicator define eid.renewed --name 'Đã gia hạn' --family eid --kind cumulative \
         --unit 'tài khoản' --unit-en accounts",
        "indicatorDefined",
        json!({
            "indicator": "eid.renewed", "name": {"vi": "Đã gia hạn"}, "family": "eid",
            "kind": "INDICATOR_KIND_CUMULATIVE", "unit": {"vi": "tài khoản", "en": "accounts"},
            "denominator": "quota",
        }),
    );
    means(
        "indicator relate eid.renewed at-most eid.activated",
        "indicatorRelated",
        json!({
            "indicator": "eid.renewed", "relation": "RELATION_AT_MOST", "other": "eid.activated",
        }),
    );
    means(
        "indicator relate eid.renewed sum",
        "indicatorRelated",
        json!({"indicator": "eid.renewed", "relation": "RELATION_SUM"}),
    );
}

#[test]
fn owners_come_and_go_and_organisations_are_succeeded() {
    let appointed = "--plan 6559 --locality 56 --role focal --owner 'Sở Tài chính' --source 'QĐ 3'";
    let body = json!({
        "plan": "6559", "locality": {"code": "56"}, "role": "ROLE_FOCAL",
        "organisations": ["Sở Tài chính"], "source": {"title": "QĐ 3"},
    });
    means(
        &format!("owner assign {appointed}"),
        "ownerAssigned",
        body.clone(),
    );
    for (verb, change) in [
        ("hand-over", "OWNER_CHANGE_HANDED_OVER"),
        ("succeed", "OWNER_CHANGE_SUCCEEDED"),
    ] {
        let mut body = body.clone();
        body["change"] = json!(change);
        body["from"] = json!(["Sở KH&ĐT"]);
        body["reason"] = json!("Sáp nhập");
        let line = format!("owner {verb} {appointed} --from 'Sở KH&ĐT' --reason 'Sáp nhập'");
        means(&line, "ownerAssigned", body);
    }
    let named = says(&format!("owner assign {appointed} --person 'Trần Văn Mẫu'"));
    assert_eq!(named.person, "Trần Văn Mẫu");
    let event = message_json("Event", &named.event).unwrap().to_string();
    assert!(
        !event.contains("Mẫu"),
        "the name goes beside the event: {event}"
    );
    means(
        "organisation succeed 'Sở GTVT' --change merged --successor 'Sở Xây dựng' --locality 56 \
         --source 'NQ 18'",
        "organisationSucceeded",
        json!({
            "organisation": "Sở GTVT", "change": "ORGANISATION_CHANGE_MERGED",
            "successors": ["Sở Xây dựng"], "locality": {"code": "56"}, "source": {"title": "NQ 18"},
        }),
    );
}

#[test]
fn a_work_item_from_its_definition_to_its_end() {
    means(
        "work-item define KH-01 --locality 568 --content 'Lắp camera' --model KH-1.01 --volume 1.200 \
         --unit camera --expected-result 'Camera hoạt động' --start 1/1/2024 --due 30/6/2024 \
         --responsible 'Công an thành phố' --responsible-office 'Đội QLHC' --origin new \
         --depends-on KH-00",
        "workItemDefined",
        json!({
            "workItem": "KH-01", "locality": {"code": "568"}, "content": {"vi": "Lắp camera"},
            "model": "KH-1.01", "volume": {"text": "1.200"}, "unit": "camera",
            "expectedResult": "Camera hoạt động", "start": "1/1/2024", "due": "30/6/2024",
            "organisation": "Công an thành phố", "office": "Đội QLHC",
            "origin": "WORK_ORIGIN_NEW", "dependsOn": ["KH-00"],
        }),
    );
    let item = json!({"workItem": "KH-01", "locality": {"code": "568"}});
    let with = |more: Value| {
        let mut body = item.clone();
        for (key, value) in more.as_object().unwrap() {
            body[key] = value.clone();
        }
        body
    };
    means(
        "work-item progress KH-01 --locality 568 --done 'khoảng 700' --percent 58%",
        "workItemProgressed",
        with(json!({"done": {"text": "khoảng 700"}, "percent": "58%"})),
    );
    means(
        "work-item reschedule KH-01 --locality 568 --due 30/9/2024 --reason 'Chậm vốn' \
         --document 77/UBND --issuer 'UBND tỉnh'",
        "workItemRescheduled",
        with(json!({
            "due": "30/9/2024", "reason": "Chậm vốn",
            "document": {"number": "77/UBND", "issuer": "UBND tỉnh"},
        })),
    );
    means(
        "work-item complete KH-01 --locality 568 --evidence 'Biên bản 12/BB'",
        "workItemCompleted",
        with(json!({"evidence": "Biên bản 12/BB"})),
    );
    // Without a document none is sent, rather than one without an issuer.
    means(
        "work-item cancel KH-01 --locality 568 --reason 'Dừng dự án'",
        "workItemCancelled",
        with(json!({"reason": "Dừng dự án"})),
    );
}

#[test]
fn quotas_and_declarations() {
    means(
        "quota assign eid.activated --locality 568 --denominator 269.950 --deadline 30/6/2024 \
         --milestone 31/3/2024=100.000 --milestone 31/5/2024=200.000 --document 12/KH \
         --document-date 5/1/2024 --document-title 'Giao chỉ tiêu' --issuer 'UBND tỉnh'",
        "quotaAssigned",
        json!({
            "indicator": "eid.activated", "locality": {"code": "568"},
            "layer": "QUOTA_LAYER_PROVINCIAL", "targetPercent": "100%", "deadline": "30/6/2024",
            "denominator": {"kind": "quota", "value": {"text": "269.950"}},
            "milestones": [
                {"date": "31/3/2024", "count": {"text": "100.000"}},
                {"date": "31/5/2024", "count": {"text": "200.000"}},
            ],
            "document": {
                "number": "12/KH", "date": "5/1/2024", "title": "Giao chỉ tiêu",
                "issuer": "UBND tỉnh",
            },
        }),
    );
    means(
        "quota suspend eid.activated --locality 568 --layer central --reason 'Chờ hướng dẫn' \
         --issuer 'Bộ Công an'",
        "quotaSuspended",
        json!({
            "indicator": "eid.activated", "locality": {"code": "568"},
            "layer": "QUOTA_LAYER_CENTRAL", "reason": "Chờ hướng dẫn",
            "document": {"issuer": "Bộ Công an"},
        }),
    );
    means(
        "completion declare eid.activated --locality 568 --by 30/4/2024 --source 'Cam kết'",
        "completionDeclared",
        json!({
            "indicator": "eid.activated", "locality": {"code": "568"}, "by": "30/4/2024",
            "source": {"title": "Cam kết"},
        }),
    );
    let unread =
        command("quota assign x --locality 1 --denominator 1 --milestone 5 --issuer a --as-of 1");
    assert!(unread.unwrap_err().to_string().contains("DATE=COUNT"));
}

#[test]
fn campaigns_and_their_working_groups() {
    means(
        "campaign launch CD-90 --locality 56 --name '90 ngày đêm' --start 1/4/2024 --end 30/6/2024 \
         --days 90 --working-groups 12 --member 'Công an' --member 'Đoàn Thanh niên' --hours 19:30–21:30 \
         --source 'KH 90'",
        "campaignLaunched",
        json!({
            "campaign": "CD-90", "locality": {"code": "56"}, "name": {"vi": "90 ngày đêm"},
            "start": "1/4/2024", "end": "30/6/2024", "days": 90, "workingGroups": 12,
            "members": ["Công an", "Đoàn Thanh niên"], "hours": "19:30–21:30",
            "source": {"title": "KH 90"},
        }),
    );
    means(
        "working-group form TO-1 --campaign CD-90 --locality 568 --name 'Tổ 1' --member 'Công an' \
         --area 'Khu phố 3' --source 'QĐ 5'",
        "workingGroupFormed",
        json!({
            "campaign": "CD-90", "group": "TO-1", "locality": {"code": "568"},
            "name": {"vi": "Tổ 1"}, "members": ["Công an"], "area": "Khu phố 3",
            "source": {"title": "QĐ 5"},
        }),
    );
    means(
        "campaign close CD-90 --locality 56 --outcome 'Đạt 96%' --source 'BC 90'",
        "campaignClosed",
        json!({
            "campaign": "CD-90", "locality": {"code": "56"}, "outcome": "Đạt 96%",
            "source": {"title": "BC 90"},
        }),
    );
}

#[test]
fn a_figure_that_is_insisted_on_corrected_and_taken_back() {
    let figure =
        "--locality 568 --value 'trên 9.700' --denominator 12.000 --percent 81% --source 'BC tuần'";
    let line = format!(
        "report eid.activated {figure} --note 'Đã rà soát' --confirm CUMULATIVE_FALLS --confirm FACTOR_OF_TEN"
    );
    let reported = says(&line);
    assert_eq!(
        reported.event.confirmed_checks,
        ["CUMULATIVE_FALLS", "FACTOR_OF_TEN"]
    );
    let body = json!({
        "locality": {"code": "568"}, "indicator": "eid.activated",
        "value": {"text": "trên 9.700"}, "percent": "81%",
        "denominator": {"kind": "quota", "value": {"text": "12.000"}},
        "source": {"title": "BC tuần"}, "note": "Đã rà soát",
    });
    means(&line, "progressReported", body.clone());
    let mut corrected = body;

    corrected.as_object_mut().unwrap().remove("note");
    corrected["corrects"] = json!(812);
    corrected["reason"] = json!("Gõ nhầm");
    let line = format!("correct 812 --indicator eid.activated {figure} --reason 'Gõ nhầm'");
    means(&line, "progressCorrected", corrected);
    // Nobody can insist against what refuses nothing.
    let harmless = command("report x --locality 1 --source a --as-of 1 --confirm JUMP");
    assert!(harmless.unwrap_err().to_string().contains("ABOVE_RELATED"));

    let Command::Retract(retract) = command("retract 812 --reason 'Không có nguồn'").unwrap()
    else {
        panic!("no retraction");
    };
    let said = figure::retracted(retract, found());
    let event = message_json("Event", &said.event).unwrap();
    assert_eq!(event["effective"], "2024-02");
    assert_eq!(
        event["progressRetracted"],
        json!({
            "retracts": 812, "locality": {"code": "568", "since": "2023-04-10"},
            "indicator": "eid.activated", "reason": "Không có nguồn",
        })
    );
}

/// What stands at a position.
fn found() -> Found {
    Found {
        locality: Some(v1::LocalityRef {
            code: "568".to_owned(),
            since: "2023-04-10".to_owned(),
        }),
        indicator: "eid.activated".to_owned(),
        effective: "2024-02".to_owned(),
    }
}

#[test]
fn a_finding_is_answered_for() {
    let line = "finding resolve 812 JUMP --resolution explained --reason 'Chiến dịch' \
                --expected-revision 0 --validate-only";
    let Command::Finding(Finding::Resolve(resolve)) = command(line).unwrap() else {
        panic!("no answer");
    };
    let said = figure::resolved(resolve, found());
    assert_eq!(said.request.expected_revision, Some(0));
    assert!(said.request.reporter.validate_only);
    let event = message_json("Event", &said.event).unwrap();
    assert_eq!(
        event["findingResolved"],
        json!({
            "position": 812, "locality": {"code": "568", "since": "2023-04-10"},
            "check": "CHECK_JUMP", "resolution": "RESOLUTION_EXPLAINED", "reason": "Chiến dịch",
        })
    );
}

/// The bodies of a reform, with every locality taken as it is named.
fn reformed(line: &str) -> Vec<Value> {
    let (ending, heirs, parent, source, reform) = match command(line).unwrap() {
        Command::Locality(Locality::Record(LocalityRecording::Merge(merge))) => {
            let heirs = vec![merge.into];
            (
                merge.localities,
                heirs,
                merge.parent,
                merge.source,
                merge.change,
            )
        }
        Command::Locality(Locality::Record(LocalityRecording::Split(split))) => {
            let ending = vec![split.locality];
            (ending, split.into, split.parent, split.source, split.change)
        }
        other => panic!("{other:?} is no reform"),
    };
    let change = Change {
        ending,
        heirs,
        parent,
        source: source.into(),
    };
    assert_eq!(reform.as_of, date(2025, 7, 1));
    let event = |body| v1::Event {
        body: Some(body),
        ..Default::default()
    };
    let said = bodies(change, reform.as_of).into_iter().map(event);
    said.map(|event| message_json("Event", &event).unwrap())
        .collect()
}

#[test]
fn a_merger_registers_what_is_new_before_the_others_end_in_it() {
    let merged = reformed(
        "locality merge 22348@2023-04-10 22366@2023-04-10 --into '22366=Phường Nha Trang' \
         --parent 56@2025-07-01 --as-of 1/7/2025 --source 'NQ 1667'",
    );
    let new = json!({"code": "22366", "since": "2025-07-01"});
    let source = json!({"title": "NQ 1667"});
    let ended = |code: &str| {
        json!({"localityEnded": {
            "locality": {"code": code, "since": "2023-04-10"},
            "successors": [{"locality": new, "extent": "EXTENT_FULL"}], "source": source,
        }})
    };
    let registered = json!({"localityRegistered": {
        "locality": new, "name": {"vi": "Phường Nha Trang"},
        "parent": {"code": "56", "since": "2025-07-01"}, "startKnown": true, "source": source,
    }});
    assert_eq!(merged, [registered, ended("22348"), ended("22366")]);
}

#[test]
fn a_split_goes_to_what_is_there_and_to_what_is_new() {
    let split = reformed(
        "locality split 22500@2023-04-10 --into 22501@2023-04-10=partial \
         --into '22502=partial=Xã Mới' --parent 56 --as-of 2025-07-01 --source 'NQ 1667'",
    );
    assert_eq!(split.len(), 2);
    assert_eq!(split[0]["localityRegistered"]["name"]["vi"], "Xã Mới");
    let old = json!({"code": "22501", "since": "2023-04-10"});
    let new = json!({"code": "22502", "since": "2025-07-01"});
    assert_eq!(
        split[1]["localityEnded"]["successors"],
        json!([
            {"locality": old, "extent": "EXTENT_PARTIAL"},
            {"locality": new, "extent": "EXTENT_PARTIAL"},
        ])
    );
    for unread in ["22501", "22501=half"] {
        let line = format!("locality split 1 --into {unread} --as-of 2025-07-01 --source a");
        assert!(command(&line).is_err(), "{unread}");
    }
}

#[test]
fn a_file_holds_one_event_or_many_and_says_who_reports_only_where_it_differs() {
    let reporter = Reporter {
        replicated: false,
        organisation: "Công an tỉnh".to_owned(),
        office: "Đội 1".to_owned(),
        request_id: None,
        validate_only: false,
    };
    let one = json!({
        "effective": "2024-03-01",
        "directiveIssued": {"locality": {"code": "56"}, "addressees": ["Sở Y tế"]},
    });
    let other = json!({
        "actor": {"organisation": "Sở Y tế", "office": "Văn phòng"},
        "systemCommissioned": {"system": "kho-du-lieu", "readyToConnect": true},
    });
    let read = |file: &Value| file::events(file.to_string().as_bytes(), &reporter);
    assert_eq!(read(&one).unwrap().len(), 1);
    let events = read(&json!([one, other])).unwrap();
    let offices: Vec<_> = events
        .iter()
        .map(|event| event.actor.as_ref().unwrap().office.as_str())
        .collect();
    assert_eq!(offices, ["Đội 1", "Văn phòng"]);
    let misspelt = read(&json!([one, {"efective": "2024-03-01"}])).unwrap_err();
    assert!(misspelt.text().contains("events[1]"), "{}", misspelt.text());
    assert!(misspelt.text().contains("efective"), "{}", misspelt.text());
}

#[test]
fn a_refusal_that_lists_a_part_of_what_is_wrong_says_how_much_more_there_is() {
    let violation = v1::FieldViolation {
        field: "events[3].effective".to_owned(),
        reason: "REQUIRED".to_owned(),
        detail: "must be set".to_owned(),
        detail_vi: "bắt buộc phải có".to_owned(),
    };
    let refusal = v1::Refusal {
        code: 3,
        reason: "REQUIRED".to_owned(),
        violations: vec![violation],
        violation_count: 1_201,
        ..Default::default()
    };
    let told = Failure::refusal(&refusal, Lang::Vi);
    let lines: Vec<&str> = told.text().lines().map(str::trim).collect();
    assert_eq!(
        lines[1..],
        [
            "events[3].effective: bắt buộc phải có; must be set [REQUIRED]",
            "… và 1.200 lỗi nữa",
        ]
    );
}
