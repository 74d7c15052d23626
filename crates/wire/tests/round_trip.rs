//! Every kind of event goes to protobuf and JSON and back without a change.

#![expect(clippy::unwrap_used, reason = "what cannot be built fails the test")]

use domain::event::*;
use domain::text::{Bound, Moment, Quantity, parse_percent};
use domain::{Body, Event, LocalityId};
use jiff::Timestamp;
use uuid::Uuid;
use wire::cloud_event::{self, Place};
use wire::event::{decode_logged, to_bytes};

fn id(code: &str) -> LocalityId {
    LocalityId {
        code: code.parse().unwrap(),
        since: "2023-04-10".parse().unwrap(),
    }
}

fn name(vi: &str) -> Name {
    Name {
        vi: vi.to_owned(),
        en: "English".to_owned(),
    }
}

fn source() -> Source {
    Source {
        title: "Báo Khánh Hòa".to_owned(),
        url: "https://example.org/a".to_owned(),
    }
}

fn figure() -> Figure {
    Figure {
        value: Some(Quantity {
            bound: Bound::AtLeast,
            value: 634_327,
        }),
        denominator: Some(Denominator {
            kind: "quota".to_owned(),
            value: 756_954,
            derived: true,
        }),
        percent: Some(parse_percent("83,8%").unwrap()),
        source: source(),
    }
}

fn document() -> Document {
    Document {
        number: "6559/KH-UBND".to_owned(),
        date: Some("2023-07-04".parse().unwrap()),
        issuer: "UBND tỉnh".to_owned(),
        title: "Kế hoạch".to_owned(),
    }
}

/// One event of each kind, with every field set.
fn bodies() -> Vec<Body> {
    let day = || Some("2023-06-30".parse().unwrap());
    let (locality, place) = (id("56"), id("568"));
    let model = || "KH-1.01".parse().unwrap();
    let indicator = || "eid.activated-l2".parse().unwrap();
    vec![
        Body::LocalityRegistered(LocalityRegistered {
            locality: place,
            name: name("Nha Trang"),
            parent: Some(locality),
            start_known: true,
            source: source(),
        }),
        Body::LocalityEnded(LocalityEnded {
            locality: place,
            successors: vec![Successor {
                locality,
                extent: Extent::Partial,
            }],
            source: source(),
        }),
        Body::PlanAdopted(PlanAdopted {
            plan: "6559".parse().unwrap(),
            locality,
            document: document(),
            summary: name("31 mô hình"),
        }),
        Body::GroupDefined(GroupDefined {
            group: "KH-1".parse().unwrap(),
            plan: "6559".parse().unwrap(),
            number: 1,
            name: name("Nhóm"),
        }),
        Body::ModelDefined(ModelDefined {
            model: model(),
            group: "KH-1".parse().unwrap(),
            name: name("Mô hình"),
            indicative: true,
            basis: "composed".to_owned(),
            source: source(),
        }),
        Body::OwnerAssigned(OwnerAssigned {
            scope: Scope::Plan("6559".parse().unwrap()),
            locality,
            role: Role::Focal,
            organisations: vec!["Công an tỉnh".to_owned()],
            accountable_office: "Giám đốc".to_owned(),
            source: source(),
        }),
        Body::ModelStatusChanged(ModelStatusChanged {
            model: model(),
            locality,
            status: ModelStatus::Suspended,
            note: "ghi chú".to_owned(),
        }),
        Body::IndicatorDefined(IndicatorDefined {
            indicator: indicator(),
            name: name("Kích hoạt"),
            family: "eid".to_owned(),
            kind: IndicatorKind::Daily,
            unit: name("tài khoản"),
            denominator: "quota".to_owned(),
        }),
        Body::QuotaAssigned(QuotaAssigned {
            locality,
            indicator: indicator(),
            layer: QuotaLayer::Commitment,
            denominator: figure().denominator.unwrap(),
            target: parse_percent("95").unwrap(),
            start: day(),
            deadline: day(),
            milestones: vec![Milestone {
                date: "2023-06-30".parse().unwrap(),
                count: 7,
            }],
            document: document(),
        }),
        Body::ProgressReported(ProgressReported {
            locality,
            indicator: indicator(),
            figure: figure(),
            note: "tính đến hết ngày".to_owned(),
        }),
        Body::ProgressCorrected(ProgressCorrected {
            corrects: 7,
            locality,
            indicator: indicator(),
            figure: figure(),
            reason: "nhập nhầm".to_owned(),
        }),
        Body::CampaignLaunched(CampaignLaunched {
            campaign: "c-15".parse().unwrap(),
            locality,
            name: name("15 ngày đêm"),
            start: day(),
            end: day(),
            days: 15,
            working_groups: 199,
            members: vec!["Công an".to_owned()],
            hours: "19:30–21:30".to_owned(),
            source: source(),
        }),
        Body::CompletionDeclared(CompletionDeclared {
            locality,
            indicator: indicator(),
            by: "2023-06-20".parse().unwrap(),
            source: source(),
        }),
        Body::WorkItemDefined(WorkItemDefined {
            work_item: "w-1".parse().unwrap(),
            locality,
            model: Some(model()),
            content: name("Nội dung"),
            volume: Some(Quantity {
                bound: Bound::About,
                value: 5,
            }),
            unit: "máy".to_owned(),
            expected_result: "xong".to_owned(),
            start: day(),
            due: day(),
            organisation: "Sở".to_owned(),
            office: "Phòng".to_owned(),
            origin: WorkOrigin::NotYetDefined,
        }),
        Body::WorkItemCompleted(WorkItemCompleted {
            work_item: "w-1".parse().unwrap(),
            locality,
            evidence: "biên bản".to_owned(),
        }),
        Body::ReadinessReviewed(ReadinessReviewed {
            scope: Scope::Model(model()),
            locality,
            organisation: "Sở".to_owned(),
            present_state: "có".to_owned(),
            conditions: "cần".to_owned(),
            readiness: Readiness::PartlyReady,
        }),
        Body::DirectiveIssued(DirectiveIssued {
            locality,
            document: document(),
            addressees: vec!["UBND huyện".to_owned()],
            text: name("Khẩn trương"),
            source: source(),
        }),
        Body::AssessmentPublished(AssessmentPublished {
            locality,
            indicator: Some(indicator()),
            assessment: Assessment::AtRisk,
            text: name("Nguy cơ"),
            source: source(),
        }),
        Body::SystemCommissioned(SystemCommissioned {
            system: "ha-noi-bao-cao".parse().unwrap(),
            locality,
            name: name("Báo cáo"),
            ready_to_connect: true,
            source: source(),
        }),
        Body::DatasetLoaded(DatasetLoaded {
            dataset: "sample".parse().unwrap(),
            version: "1".to_owned(),
            events: 3,
            credit: "MIT".to_owned(),
        }),
    ]
}

fn event(body: Body) -> Event {
    Event {
        request_id: Uuid::from_u128(7),
        actor: Actor {
            organisation: "Công an tỉnh".to_owned(),
            office: "Tổ Đề án 06".to_owned(),
        },
        effective: Moment::parse("23h ngày 29-6-2023").unwrap(),
        body,
    }
}

#[test]
fn the_log_gives_back_every_kind_of_event_as_it_was() {
    for body in bodies() {
        let event = event(body);
        assert_eq!(decode_logged(&to_bytes(&event)), Ok(event));
    }
}

#[test]
fn the_bus_gives_back_every_kind_of_event_as_it_was() {
    let known = Timestamp::from_microsecond(1_790_000_000_123_456).unwrap();
    for (position, body) in (1..).zip(bodies()) {
        let event = event(body);
        let place = Place {
            ledger: "khanh-hoa",
            position,
            known,
        };
        let (subject, bytes) = cloud_event::publish(place, &event).unwrap();
        assert_eq!(subject.split('.').count(), 7, "{subject}");
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
        assert!(subject.chars().all(allowed), "{subject}");
        assert_eq!(
            cloud_event::receive(&bytes).unwrap(),
            (position, known, event)
        );
    }
}

#[test]
fn a_subscriber_reads_the_figure_under_plain_names() {
    let body = bodies()
        .into_iter()
        .find(|body| matches!(body, Body::ProgressReported(_)));
    let place = Place {
        ledger: "khanh-hoa",
        position: 42,
        known: Timestamp::UNIX_EPOCH,
    };
    let (_, bytes) = cloud_event::publish(place, &event(body.unwrap())).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(json["id"], "khanh-hoa:42");
    assert_eq!(json["type"], "vn.tiendo.progress.reported.v1");
    assert_eq!(json["sequence"], "00000000000000000042");
    assert_eq!(json["data"]["effective"], "2023-06-29T23");
    let report = &json["data"]["progressReported"];
    assert_eq!(report["locality"]["code"], "56");
    assert_eq!(report["figure"]["value"]["value"], 634_327);
    assert_eq!(report["figure"]["percent"], "83.8");
}
