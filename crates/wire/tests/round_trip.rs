//! Every kind of event goes to protobuf and JSON and back without a change.

#![expect(clippy::unwrap_used, reason = "what cannot be built fails the test")]

use domain::event::*;
use domain::text::{Bound, Moment, Quantity, parse_percent};
use domain::{Body, Event, LocalityCode, LocalityId, PersonCommitment, Reason};
use jiff::Timestamp;
use jiff::civil::Date;
use uuid::Uuid;
use wire::cloud_event::{self, Place};
use wire::event::{
    CleanTexts, Resolver, decode, decode_logged, draft, parse_person, to_bytes, write_since,
};

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
            person_commitment: Some([0xa5; 32].into()),
        }),
        Body::PersonErased(PersonErased {
            appointment: 9,
            locality,
            scope: Scope::Model(model()),
            reason: "theo yêu cầu".to_owned(),
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

/// Knows every code as the identity of April 2023, and trusts no text.
enum Record {
    /// Whatever an event refers to is on record.
    Full,
    /// Only places are.
    Empty,
}

impl Resolver for Record {
    fn locality(
        &self,
        code: LocalityCode,
        _: Option<Date>,
        _: &Moment,
    ) -> Result<LocalityId, (Reason, String)> {
        Ok(id(&code.to_string()))
    }

    fn refer(&self, _: &wire::event::Reference<'_>) -> Result<(), (Reason, String)> {
        match self {
            Record::Full => Ok(()),
            Record::Empty => Err((Reason::UnknownIndicator, String::new())),
        }
    }
}

/// The one event of that kind.
fn event_of(is_wanted: impl Fn(&Body) -> bool) -> Event {
    event(bodies().into_iter().find(is_wanted).unwrap())
}

fn report() -> Event {
    event_of(|body| matches!(body, Body::ProgressReported(_)))
}

/// A position of the ledger, taken at an instant of no account.
fn at(position: u64) -> Place<'static> {
    Place {
        ledger: "khanh-hoa",
        position,
        known: Timestamp::UNIX_EPOCH,
    }
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
            known,
            ..at(position)
        };
        let (subject, bytes) = cloud_event::publish(place, &event, true).unwrap();
        assert_eq!(subject.split('.').count(), 7, "{subject}");
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
        assert!(subject.chars().all(allowed), "{subject}");
        assert_eq!(
            cloud_event::receive(&bytes).unwrap(),
            (position, known, event.clone())
        );
        // All that the log holds can be made again from it, byte by byte.
        let logged = cloud_event::receive_logged(&bytes, position).unwrap();
        assert_eq!(to_bytes(&logged.event), to_bytes(&event));
        assert_eq!((logged.known, logged.request_ends), (known, Some(true)));
    }
}

#[test]
fn what_an_earlier_release_published_is_still_the_same_event() {
    let event = report();
    let (_, bytes) = cloud_event::publish(at(42), &event, true).unwrap();
    let mut earlier: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    earlier.as_object_mut().unwrap().remove("requestends");
    let earlier = serde_json::to_vec(&earlier).unwrap();
    assert!(cloud_event::same(&bytes, &earlier));
    let logged = cloud_event::receive_logged(&earlier, 42).unwrap();
    assert_eq!(logged.request_ends, None);
    assert!(cloud_event::receive_logged(&earlier, 41).is_err());
    let (_, other) = cloud_event::publish(at(43), &event, true).unwrap();
    assert!(!cloud_event::same(&bytes, &other));
}

fn appointment(person_commitment: Option<PersonCommitment>) -> Event {
    let mut event = event_of(|body| matches!(body, Body::OwnerAssigned(_)));
    if let Body::OwnerAssigned(appointment) = &mut event.body {
        appointment.person_commitment = person_commitment;
    }
    event
}

/// The commitment came later: whatever was recorded before it has the bytes it had.
#[test]
fn an_appointment_without_a_person_keeps_its_bytes() {
    let named = appointment(Some([0xa5; 32].into()));
    let unnamed = appointment(None);
    // The field comes last of the body, which comes last of the event: a tag, a length, 32 bytes.
    let (with, without) = (to_bytes(&named), to_bytes(&unnamed));
    let field = [vec![0x42, 32], vec![0xa5; 32]].concat();
    assert!(with.ends_with(&field));
    assert!(without.ends_with(b"https://example.org/a"));
    let (with, without) = (
        serde_json::to_value(&named).unwrap(),
        serde_json::to_value(&unnamed).unwrap(),
    );
    assert_eq!(
        with["ownerAssigned"]["personCommitment"],
        "a5".repeat(32).as_str()
    );
    assert_eq!(without["ownerAssigned"].get("personCommitment"), None);
}

#[test]
fn a_request_cannot_bring_a_commitment_of_its_own() {
    let message = wire::event::message(&to_bytes(&appointment(Some([0xa5; 32].into())))).unwrap();
    let refused = decode(&message, "event", &Record::Full, Uuid::nil()).unwrap_err();
    let refused: Vec<_> = refused
        .iter()
        .map(|violation| (violation.field.as_str(), violation.reason))
        .collect();
    let expected = (
        "event.owner_assigned.person_commitment",
        Reason::PersonMisplaced,
    );
    assert_eq!(refused, [expected]);
}

#[test]
fn a_name_is_a_name_and_nothing_else() {
    let read = |raw: &str| parse_person("person", raw).map_err(|refused| refused.reason);
    assert_eq!(
        read("  Nguye\u{302}\u{303}n Thị Ba "),
        Ok("Nguyễn Thị Ba".to_owned())
    );
    assert_eq!(read(&"ễ".repeat(120)), Ok("ễ".repeat(120)));
    for (raw, reason) in [
        ("", Reason::Required),
        (" \n", Reason::Required),
        ("Nguyễn\nBa", Reason::TextFormat),
        ("Nguyễn\u{202E}Ba", Reason::TextFormat),
        (&"ễ".repeat(121), Reason::TextFormat),
        (&"𠮷".repeat(120), Reason::TextFormat),
        ("Nguyễn Ba, 056203001234", Reason::PersonalData),
        ("Nguyễn Ba 0912 345 678", Reason::PersonalData),
        ("ba.nguyen@example.vn", Reason::PersonalData),
    ] {
        assert_eq!(read(raw), Err(reason), "{raw}");
    }
}

#[test]
fn a_subscriber_reads_the_figure_under_plain_names() {
    let (_, bytes) = cloud_event::publish(at(42), &report(), false).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(json["id"], "khanh-hoa:42");
    assert_eq!(json["type"], "vn.tiendo.progress.reported.v1");
    assert_eq!(json["sequence"], "00000000000000000042");
    assert_eq!(json["requestends"], false);
    assert_eq!(json["data"]["effective"], "2023-06-29T23");
    let report = &json["data"]["progressReported"];
    assert_eq!(report["locality"]["code"], "56");
    assert_eq!(report["figure"]["value"]["value"], 634_327);
    assert_eq!(report["figure"]["percent"], "83.8");
}

#[test]
fn a_draft_settles_to_what_would_have_been_read_and_encodes_it_once() {
    let mut texts = CleanTexts::default();
    for body in bodies() {
        let mut event = event(body);
        if let Body::OwnerAssigned(appointment) = &mut event.body {
            appointment.person_commitment = None;
        }
        let mut message = wire::event::encode(&event);
        use wire::v1::event::Body as W;
        match &mut message.body {
            Some(W::ProgressReported(m)) => m.locality.as_mut().unwrap().since.clear(),
            Some(W::PlanAdopted(m)) => m.locality.as_mut().unwrap().since.clear(),
            Some(W::OwnerAssigned(m)) => m.locality.as_mut().unwrap().since.clear(),
            Some(W::WorkItemCompleted(m)) => m.locality.as_mut().unwrap().since.clear(),
            _ => {}
        }
        let read = decode(&message, "", &Record::Full, Uuid::nil()).unwrap();
        let draft = draft(&message, Uuid::nil(), &mut texts, &|_, _| true).unwrap();
        let mut bytes = b"before".to_vec();
        let open = draft.encode_to(&mut bytes);
        let (settled, since) = draft.settle(&Record::Full).unwrap();
        if let Some(at) = open {
            assert!(write_since(&mut bytes, at, since.unwrap()), "{settled:?}");
        }
        assert_eq!(settled, read);
        assert_eq!(bytes[6..], to_bytes(&read), "{read:?}");
    }
}

#[test]
fn what_is_wrong_with_an_event_makes_no_draft_and_what_is_unknown_settles_none() {
    let mut texts = CleanTexts::default();
    let mut message = wire::event::encode(&report());
    let good = draft(&message, Uuid::nil(), &mut texts, &|_, _| true).unwrap();
    assert!(good.settle(&Record::Empty).is_none());
    assert!(draft(&message, Uuid::nil(), &mut texts, &|_, _| false).is_none());
    message.effective = "someday".to_owned();
    assert!(draft(&message, Uuid::nil(), &mut texts, &|_, _| true).is_none());
    message.effective = "2023-06-01".to_owned();
    // A text is looked at again although most of it was clean before.
    message.actor.as_mut().unwrap().office += " 056203001234";
    assert!(draft(&message, Uuid::nil(), &mut texts, &|_, _| true).is_none());
}
