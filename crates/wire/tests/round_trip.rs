//! Every kind of event goes to protobuf and JSON and back without a change.

#![expect(clippy::unwrap_used, reason = "what cannot be built fails the test")]

use domain::event::*;
use domain::text::{Bound, Moment, Quantity, parse_percent};
use domain::{
    Body, Check, Event, Finding, Level, LocalityCode, LocalityId, PersonCommitment, Reason,
    Severity, TraceParent,
};
use jiff::Timestamp;
use jiff::civil::Date;
use uuid::Uuid;
use wire::cloud_event::{self, CloudEvent, Place};
use wire::event::{
    CleanTexts, LogDecoder, Resolver, decode, decode_logged, draft, findings_to_bytes,
    parse_person, to_bytes, write_since,
};

/// The example of the specification.
const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

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
        percent_bound: Bound::About,
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
    let mut bodies = bodies_of_the_first_release();
    bodies.extend(bodies_of_the_whole_life());
    bodies
}

/// What came with retractions, successions and reschedulings.
fn bodies_of_the_whole_life() -> Vec<Body> {
    let locality = id("56");
    let indicator = || "eid.activated-l2".parse().unwrap();
    let item = || "w-1".parse().unwrap();
    let reason = || "theo quyết định".to_owned();
    vec![
        Body::ModelWithdrawn(ModelWithdrawn {
            model: "KH-1.01".parse().unwrap(),
            reason: reason(),
            source: source(),
        }),
        Body::GroupWithdrawn(GroupWithdrawn {
            group: "KH-1".parse().unwrap(),
            reason: reason(),
            source: source(),
        }),
        Body::OrganisationSucceeded(OrganisationSucceeded {
            locality,
            organisation: "Sở Giao thông vận tải tỉnh Khánh Hòa, gồm cả các đơn vị trực thuộc"
                .to_owned(),
            successors: vec!["Sở Xây dựng".to_owned(), "Công an tỉnh".to_owned()],
            change: OrganisationChange::Split,
            document: Some(document()),
            source: source(),
        }),
        Body::IndicatorRelated(IndicatorRelated {
            indicator: indicator(),
            relation: Relation::CountedAgainst,
            other: Some("eid.collected".parse().unwrap()),
        }),
        Body::QuotaSuspended(QuotaSuspended {
            locality,
            indicator: indicator(),
            layer: QuotaLayer::Provincial,
            reason: reason(),
            document: document(),
        }),
        Body::ProgressRetracted(ProgressRetracted {
            retracts: 7,
            locality,
            indicator: indicator(),
            reason: reason(),
        }),
        Body::FindingResolved(FindingResolved {
            position: 7,
            locality,
            check: Check::CountAboveDenominator,
            resolution: Resolution::Explained,
            reason: reason(),
        }),
        Body::WorkingGroupFormed(WorkingGroupFormed {
            campaign: "c-15".parse().unwrap(),
            group: "to-3".parse().unwrap(),
            locality,
            name: name("Tổ số 3"),
            members: vec!["Công an".to_owned()],
            area: "Thôn Đông".to_owned(),
            source: source(),
        }),
        Body::CampaignClosed(CampaignClosed {
            campaign: "c-15".parse().unwrap(),
            locality,
            outcome: "Hoàn thành".to_owned(),
            source: source(),
        }),
        Body::WorkItemProgressed(WorkItemProgressed {
            work_item: item(),
            locality,
            done: Some(Quantity {
                bound: Bound::AtMost,
                value: 3,
            }),
            percent: Some(parse_percent("60").unwrap()),
            note: "đang lắp".to_owned(),
        }),
        Body::WorkItemRescheduled(WorkItemRescheduled {
            work_item: item(),
            locality,
            start: Some("2023-07-01".parse().unwrap()),
            due: "2023-08-31".parse().unwrap(),
            reason: reason(),
            document: Some(document()),
        }),
        Body::WorkItemCancelled(WorkItemCancelled {
            work_item: item(),
            locality,
            reason: reason(),
            document: Some(document()),
        }),
        Body::RulesAdopted(rules()),
    ]
}

/// The shipped thresholds, for one indicator in districts against two layers, and two steps.
fn rules() -> RulesAdopted {
    let decimal = |text: &str| text.parse().unwrap();
    let step = |number: u32, tells: &[Recipient]| Step {
        number,
        name: name("nhắc"),
        after_days: 7 * (number - 1),
        reply_days: 5,
        tells: tells.to_vec(),
    };
    RulesAdopted {
        version: "kh-2026.2".parse().unwrap(),
        reason: "Sau giao ban tháng 11".to_owned(),
        thresholds: Thresholds {
            window_days: decimal("14"),
            beta: decimal("1400"),
            average_factor: decimal("0.7"),
            early_reports: 3,
            early_days: decimal("14"),
            plan_red: decimal("0.8"),
            plan_amber: decimal("0.9"),
            cadence_days: decimal("7"),
            p_open: decimal("0.3"),
            p_clear: decimal("0.6"),
            consecutive: 2,
            residuals_min: 100,
            band_miss: decimal("0.2"),
            due_soon_days: vec![7, 3, 1],
            stall_z: decimal("-3"),
            funnel_z: decimal("-3.09"),
            declared_quantile: decimal("0.1"),
        },
        judged: Judged {
            indicators: vec!["eid.activated-l2".parse().unwrap()],
            levels: vec![Level::District],
            layers: vec![QuotaLayer::Central, QuotaLayer::Provincial],
        },
        steps: vec![
            step(1, &[Recipient::Unit]),
            step(2, &[Recipient::Unit, Recipient::Province]),
        ],
    }
}

fn bodies_of_the_first_release() -> Vec<Body> {
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
            change: OwnerChange::Succeeded,
            from: vec!["Sở Giao thông vận tải".to_owned()],
            reason: "sáp nhập".to_owned(),
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
            by: "2023-07-20".parse().unwrap(),
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
            depends_on: vec!["w-0".parse().unwrap()],
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
        confirmed: Vec::new(),
        findings: Vec::new(),
        traceparent: None,
    }
}

/// A report that was insisted on, and what was found about it.
fn doubtful() -> Event {
    let finding = |check, severity, position| Finding {
        check,
        severity,
        field: "value".to_owned(),
        detail: "9,700 is 3.0 % below 10,000".to_owned(),
        rule: "2026-11".to_owned(),
        position,
    };
    Event {
        confirmed: vec![Check::CumulativeFalls, Check::FactorOfTen],
        findings: vec![
            finding(Check::CumulativeFalls, Severity::Blocking, Some(812)),
            finding(Check::VagueFigure, Severity::Note, None),
        ],
        ..traced()
    }
}

/// A report that comes from a trace of its reporter.
fn traced() -> Event {
    let traceparent = TraceParent::parse(TRACEPARENT);
    assert!(traceparent.is_some());
    Event {
        traceparent,
        ..report()
    }
}

/// One of each kind, one that comes from a trace, and one with all that stands beside its body.
fn events() -> impl Iterator<Item = Event> {
    let others = [traced(), doubtful()];
    bodies().into_iter().map(event).chain(others)
}

/// Figures are read from their bytes without a message in between, and must come to the same.
#[test]
fn whatever_became_of_its_bytes_an_event_is_read_as_its_message_is() {
    let through_message = |bytes: &[u8]| {
        let message = wire::event::message(bytes).map_err(|error| error.to_string())?;
        wire::event::accept(&message)
    };
    let (mut other, mut decoder) = (0, LogDecoder::default());
    for event in events() {
        let bytes = to_bytes(&event);
        assert_eq!(through_message(&bytes).as_ref(), Ok(&event));
        for at in 0..bytes.len() {
            for changed in [
                bytes[at] ^ 1,
                bytes[at] ^ 0x80,
                bytes[at].wrapping_add(8),
                0,
            ] {
                let whole = &bytes;
                let mut bytes = bytes.clone();
                bytes[at] = changed;
                let read = decode_logged(&bytes);
                assert_eq!(read, through_message(&bytes), "byte {at} as {changed}");
                // Read one after the other, the second and third from what they have in common with the one before.
                for (bytes, read) in [
                    (whole, Ok(&event)),
                    (whole, Ok(&event)),
                    (&bytes, read.as_ref()),
                ] {
                    assert_eq!(decoder.read(bytes), read.map_err(Clone::clone));
                }
                other += usize::from(read.is_ok_and(|read| read != event));
            }
            assert_eq!(decode_logged(&bytes[..at]), through_message(&bytes[..at]));
        }
    }
    assert!(other > 1_000, "{other} changes made another event");
}

/// Reports that differ in what a decoder keeps from one to the next, another kind of event, and no event at all.
fn in_a_log() -> Vec<Vec<u8>> {
    let Body::ProgressReported(full) = report().body else {
        panic!("a report")
    };
    type Change = fn(&mut ProgressReported);
    let changes: [Change; 8] = [
        |_| (),
        |report| report.figure.denominator = None,
        |report| (report.figure.value, report.figure.denominator) = (None, None),
        |report| (report.figure.percent, report.figure.percent_bound) = (None, Bound::Exact),
        |report| report.note = String::new(),
        |report| report.figure.source.url = "https://example.org/khac".to_owned(),
        |report| report.locality.code = "568".parse().unwrap(),
        |report| report.indicator = "cccd.issued".parse().unwrap(),
    ];
    let changed = changes.iter().map(|change| {
        let mut report = full.clone();
        change(&mut report);
        event(Body::ProgressReported(report))
    });
    let mut by_another = report();
    by_another.actor.office = "Phòng PC06".to_owned();
    by_another.request_id = Uuid::from_u128(8);
    by_another.effective = Moment::parse("2023-07-02").unwrap();
    let others = [traced(), by_another, doubtful(), event(bodies().remove(0))];
    let mut bytes: Vec<_> = changed
        .chain(others)
        .map(|event| to_bytes(&event))
        .collect();
    // Half of a report: what was read of it must not stay.
    bytes.push(bytes[5][..bytes[5].len() - 9].to_vec());
    bytes
}

#[test]
fn an_event_is_the_same_whatever_was_read_before_it() {
    let log = in_a_log();
    let alone: Vec<_> = log.iter().map(|bytes| decode_logged(bytes)).collect();
    assert_eq!(alone.iter().filter(|read| read.is_err()).count(), 1);
    for first in 0..log.len() {
        for second in 0..log.len() {
            let mut decoder = LogDecoder::default();
            // Each once from nothing and once from all that is kept.
            for (third, expected) in alone.iter().enumerate() {
                for index in [first, first, second, third] {
                    let read = decoder.read(&log[index]).cloned();
                    assert_eq!(read, alone[index], "{first}, {second}, {third}");
                }
                assert_eq!(decoder.read(&log[third]).cloned(), *expected);
            }
        }
    }
}

/// A programme that makes up ever new codes.
#[test]
fn a_decoder_forgets_codes_and_reads_on() {
    let mut decoder = LogDecoder::default();
    for number in 0..10_000 {
        let mut event = report();
        let Body::ProgressReported(report) = &mut event.body else {
            panic!("a report")
        };
        report.indicator = format!("x.{number}").parse().unwrap();
        assert_eq!(decoder.read(&to_bytes(&event)), Ok(&event));
    }
}

#[test]
fn the_log_gives_back_every_kind_of_event_as_it_was() {
    for event in events() {
        assert_eq!(decode_logged(&to_bytes(&event)), Ok(event));
    }
}

#[test]
fn the_bus_gives_back_every_kind_of_event_as_it_was() {
    let known = Timestamp::from_microsecond(1_790_000_000_123_456).unwrap();
    for (position, event) in (1..).zip(events()) {
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
        // What is written and what is read are one envelope.
        let envelope: CloudEvent<Event> = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(
            String::from_utf8(serde_json::to_vec(&envelope).unwrap()),
            String::from_utf8(bytes.clone())
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

/// An earlier release published without it what this one has recorded, and said nothing of its own.
#[test]
fn the_trace_of_an_event_is_compared_where_the_stream_has_one() {
    let published = |event: &Event| cloud_event::publish(at(42), event, true).unwrap().1;
    let (without, with) = (published(&report()), published(&traced()));
    let other = TRACEPARENT.replace("-01", "-00");
    let other = Event {
        traceparent: TraceParent::parse(&other),
        ..report()
    };
    let other = published(&other);
    for (log, stream, is_same) in [
        (&with, &with, true),
        (&with, &without, true),
        (&without, &with, false),
        (&with, &other, false),
    ] {
        assert_eq!(cloud_event::same(log, stream), is_same);
    }
    // Of a form that this version does not know: the message is read, and the trace begins anew.
    let text = String::from_utf8(with).unwrap();
    let unknown = text.replace(TRACEPARENT, "of a later version");
    let read = cloud_event::receive_logged(unknown.as_bytes(), 42).unwrap();
    assert_eq!(read.event, report());
}

fn appointment(person_commitment: Option<PersonCommitment>) -> Event {
    let mut event = event_of(|body| matches!(body, Body::OwnerAssigned(_)));
    if let Body::OwnerAssigned(appointment) = &mut event.body {
        appointment.person_commitment = person_commitment;
    }
    event
}

/// The event without what later releases brought.
fn plain(mut event: Event) -> Event {
    match &mut event.body {
        Body::OwnerAssigned(e) => {
            (e.change, e.from, e.reason) = (OwnerChange::Assigned, Vec::new(), String::new());
        }
        Body::ProgressReported(e) => e.figure.percent_bound = Bound::Exact,
        Body::ProgressCorrected(e) => e.figure.percent_bound = Bound::Exact,
        Body::WorkItemDefined(e) => e.depends_on.clear(),
        _ => {}
    }
    event
}

/// Findings, bounds of percentages, dependencies came later: whatever was recorded before has the bytes it had.
#[test]
fn an_event_that_says_nothing_new_keeps_its_bytes() {
    for (event, last_of_the_first_release, new) in [
        (
            plain(report()),
            "tính đến hết ngày".as_bytes(),
            vec![0x40, 4],
        ),
        (
            plain(event_of(|body| matches!(body, Body::ProgressCorrected(_)))),
            "nhập nhầm".as_bytes(),
            vec![0x48, 4],
        ),
        (
            plain(event_of(|body| matches!(body, Body::WorkItemDefined(_)))),
            &[0x60, 3],
            vec![0x6a, 3, b'w', b'-', b'0'],
        ),
    ] {
        let bytes = to_bytes(&event);
        assert!(bytes.ends_with(last_of_the_first_release), "{event:?}");
        // After the moment (field 3) comes the body at once.
        let moment = [&[0x1a, 13], event.effective.to_string().as_bytes()].concat();
        let at = bytes.windows(15).position(|seen| seen == moment).unwrap();
        let tag = u32::from(bytes[at + 15] & 0x7f) | u32::from(bytes[at + 16]) << 7;
        assert!((10..=30).contains(&(tag >> 3)), "field {}", tag >> 3);
        let of_its_kind =
            |body: &Body| std::mem::discriminant(body) == std::mem::discriminant(&event.body);
        assert!(
            to_bytes(&event_of(of_its_kind)).ends_with(&new),
            "{event:?}"
        );
        let json = serde_json::to_string(&event).unwrap();
        let later = [
            "confirmed",
            "findings",
            "percentBound",
            "dependsOn",
            "traceparent",
        ];
        for key in later {
            assert!(!json.contains(key), "{json}");
        }
    }
}

#[test]
fn findings_stand_last_in_the_bytes() {
    let event = doubtful();
    let without = Event {
        findings: Vec::new(),
        ..event.clone()
    };
    let added = [to_bytes(&without), findings_to_bytes(&event.findings)].concat();
    assert_eq!(to_bytes(&event), added);
    assert!(findings_to_bytes(&[]).is_empty());
}

/// What is refused of a message, by field and reason.
fn refused(message: &wire::v1::Event) -> Vec<(String, Reason)> {
    let refused = decode(message, "event", &Record::Full, Uuid::nil()).unwrap_err();
    let told = |violation: domain::Violation| (violation.field, violation.reason);
    refused.into_iter().map(told).collect()
}

#[test]
fn a_request_cannot_bring_findings() {
    let mut message = wire::event::message(&to_bytes(&doubtful())).unwrap();
    assert_eq!(
        refused(&message),
        [("event.findings".to_owned(), Reason::FindingsMisplaced)]
    );
    message.findings.clear();
    let read = decode(&message, "event", &Record::Full, Uuid::nil()).unwrap();
    assert_eq!(
        (read.confirmed, read.findings),
        (doubtful().confirmed, Vec::new())
    );
}

#[test]
fn whoever_insists_on_a_figure_names_the_check_and_says_why() {
    let message = |checks: &[&str], event: &Event| wire::v1::Event {
        confirmed_checks: checks.iter().map(|check| (*check).to_owned()).collect(),
        ..wire::event::encode(event)
    };
    let mut silent = report();
    if let Body::ProgressReported(report) = &mut silent.body {
        report.note.clear();
    }
    let adopted = event_of(|body| matches!(body, Body::PlanAdopted(_)));
    for (message, field, reason) in [
        (
            message(&["FACTOR_OF_TEN"], &silent),
            "event.progress_reported.note",
            Reason::Required,
        ),
        (
            message(&["FACTOR_OF_TEN", "JUMP"], &report()),
            "event.confirmed_checks[1]",
            Reason::ValueUnspecified,
        ),
        (
            message(&["FACTOR_OF_TEN"; 9], &report()),
            "event.confirmed_checks",
            Reason::TextFormat,
        ),
        (
            message(&["FACTOR_OF_TEN"], &adopted),
            "event.confirmed_checks",
            Reason::ValueUnspecified,
        ),
    ] {
        assert_eq!(refused(&message), [(field.to_owned(), reason)]);
    }
}

#[test]
fn a_percentage_is_vague_in_words_or_by_its_bound() {
    let read = |percent: &str, bound: i32| {
        let mut message = wire::event::encode(&report());
        if let Some(wire::v1::event::Body::ProgressReported(m)) = &mut message.body {
            (m.percent, m.percent_bound) = (percent.to_owned(), bound);
        }
        let read = decode(&message, "", &Record::Full, Uuid::nil());
        read.map(|event| match event.body {
            Body::ProgressReported(e) => (
                e.figure.percent_bound,
                e.figure.percent.unwrap().to_string(),
            ),
            body => panic!("{body:?}"),
        })
        .map_err(|refused| (refused[0].field.clone(), refused[0].reason))
    };
    let is = |bound, percent: &str| Ok((bound, percent.to_owned()));
    assert_eq!(read("83,8%", 0), is(Bound::Exact, "83.8"));
    assert_eq!(read("gần 90 %", 0), is(Bound::About, "90"));
    assert_eq!(read("trên 95%", 0), is(Bound::AtLeast, "95"));
    assert_eq!(read("90", 3), is(Bound::AtMost, "90"));
    let refused = |field: &str, reason| Err((field.to_owned(), reason));
    let percent = "progress_reported.percent";
    assert_eq!(read("ngót 90%", 0), refused(percent, Reason::PercentFormat));
    assert_eq!(read("", 4), refused(percent, Reason::Required));
    assert_eq!(
        read("90", 9),
        refused("progress_reported.percent_bound", Reason::ValueUnspecified)
    );
}

/// What one wrong field of an event is refused for.
#[track_caller]
fn refuses(event: &Event, field: &str, reason: Reason) {
    let message = wire::event::encode(event);
    assert_eq!(refused(&message), [(format!("event.{field}"), reason)]);
}

#[test]
fn a_succession_names_as_many_successors_as_its_kind_leaves() {
    for (change, successors, fits) in [
        (OrganisationChange::Renamed, &["A"][..], true),
        (OrganisationChange::Renamed, &["A", "B"], false),
        (OrganisationChange::Merged, &[], false),
        (OrganisationChange::Split, &["A"], false),
        (OrganisationChange::Split, &["Sở A", "sở  a"], false),
        (OrganisationChange::Split, &["A", "B"], true),
        (OrganisationChange::Ended, &[], true),
        (OrganisationChange::Ended, &["A"], false),
    ] {
        let mut event = event_of(|body| matches!(body, Body::OrganisationSucceeded(_)));
        if let Body::OrganisationSucceeded(e) = &mut event.body {
            e.change = change;
            e.successors = successors.iter().map(|name| (*name).to_owned()).collect();
        }
        if fits {
            let message = wire::event::encode(&event);
            assert_eq!(decode(&message, "", &Record::Full, Uuid::nil()), Ok(event));
        } else {
            let field = "organisation_succeeded.successors";
            refuses(&event, field, Reason::SuccessorCount);
        }
    }
}

#[test]
fn a_role_is_given_up_by_somebody_and_for_a_reason_or_not_at_all() {
    let given = |change, from: &[&str], reason: &str| {
        let mut event = appointment(None);
        if let Body::OwnerAssigned(e) = &mut event.body {
            e.change = change;
            e.from = from.iter().map(|name| (*name).to_owned()).collect();
            e.reason = reason.to_owned();
        }
        event
    };
    use OwnerChange::{Assigned, HandedOver};
    refuses(
        &given(HandedOver, &[], "x"),
        "owner_assigned.from",
        Reason::Required,
    );
    refuses(
        &given(HandedOver, &["Sở"], ""),
        "owner_assigned.reason",
        Reason::Required,
    );
    refuses(
        &given(Assigned, &["Sở"], ""),
        "owner_assigned.from",
        Reason::ValueUnspecified,
    );
    refuses(
        &given(Assigned, &[], "x"),
        "owner_assigned.reason",
        Reason::ValueUnspecified,
    );
}

#[test]
fn days_out_of_order_are_refused() {
    let mut quota = event_of(|body| matches!(body, Body::QuotaAssigned(_)));
    if let Body::QuotaAssigned(e) = &mut quota.body {
        e.milestones[0].date = "2023-07-01".parse().unwrap();
    }
    refuses(
        &quota,
        "quota_assigned.milestones[0].date",
        Reason::DateOrder,
    );
    let mut declared = event_of(|body| matches!(body, Body::CompletionDeclared(_)));
    if let Body::CompletionDeclared(e) = &mut declared.body {
        e.by = "2023-06-28".parse().unwrap();
    }
    refuses(&declared, "completion_declared.by", Reason::DateOrder);
    let mut later = event_of(|body| matches!(body, Body::WorkItemRescheduled(_)));
    if let Body::WorkItemRescheduled(e) = &mut later.body {
        e.due = "2023-06-30".parse().unwrap();
    }
    refuses(&later, "work_item_rescheduled.due", Reason::DateOrder);
    let mut ended = event_of(|body| matches!(body, Body::LocalityEnded(_)));
    ended.effective = "2023-04-09".parse().unwrap();
    refuses(&ended, "locality_ended.locality", Reason::DateOrder);
    // What is in the log was accepted before the rule.
    for event in [quota, declared, ended] {
        assert_eq!(decode_logged(&to_bytes(&event)), Ok(event));
    }
}

#[test]
fn no_locality_goes_to_itself() {
    let mut ended = event_of(|body| matches!(body, Body::LocalityEnded(_)));
    if let Body::LocalityEnded(e) = &mut ended.body {
        e.successors[0].locality = e.locality;
    }
    let field = "locality_ended.successors[0].locality";
    refuses(&ended, field, Reason::SuccessionCycle);
    // What is in the log was accepted before the rule.
    assert_eq!(decode_logged(&to_bytes(&ended)), Ok(ended));
}

/// The commitment came later: whatever was recorded before it has the bytes it had.
#[test]
fn an_appointment_without_a_person_keeps_its_bytes() {
    let named = plain(appointment(Some([0xa5; 32].into())));
    let unnamed = plain(appointment(None));
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
    let named = appointment(Some([0xa5; 32].into()));
    refuses(
        &named,
        "owner_assigned.person_commitment",
        Reason::PersonMisplaced,
    );
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
    let mut undrafted = 0;
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
            Some(W::QuotaAssigned(m)) => m.locality.as_mut().unwrap().since.clear(),
            _ => {}
        }
        let read = decode(&message, "", &Record::Full, Uuid::nil()).unwrap();
        let Some(draft) = draft(&message, Uuid::nil(), &mut texts, &|_, _| true) else {
            undrafted += 1;
            assert!(!comes_in_numbers(&read.body), "{read:?}");
            continue;
        };
        let mut bytes = b"before".to_vec();
        let open = draft.encode_to(&mut bytes);
        let (settled, since) = draft.settle(&Record::Full).unwrap();
        if let Some(at) = open {
            assert!(write_since(&mut bytes, at, since.unwrap()), "{settled:?}");
        }
        assert_eq!(settled, read);
        assert_eq!(bytes[6..], to_bytes(&read), "{read:?}");
    }
    // Those that refer to what only the record can tell.
    assert_eq!(undrafted, 20);
}

/// What a file or a data set brings thousands of.
fn comes_in_numbers(body: &Body) -> bool {
    matches!(
        body,
        Body::LocalityRegistered(_)
            | Body::LocalityEnded(_)
            | Body::IndicatorDefined(_)
            | Body::QuotaAssigned(_)
            | Body::ProgressReported(_)
            | Body::ProgressCorrected(_)
            | Body::ProgressRetracted(_)
    )
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

/// What is refused of rules that say something else, each below the body's own path.
fn refused_rules(change: impl FnOnce(&mut wire::v1::RulesAdopted)) -> Vec<(String, Reason)> {
    let mut said = wire::event::rules_adopted(&rules());
    change(&mut said);
    let mut message = wire::event::encode(&report());
    message.confirmed_checks.clear();
    message.body = Some(wire::v1::event::Body::RulesAdopted(said));
    let path = |(field, reason): (String, Reason)| {
        let below = field.strip_prefix("event.rules_adopted.");
        let field = below.unwrap_or(&field);
        (field.to_owned(), reason)
    };
    let read = decode(&message, "event", &Record::Full, Uuid::nil());
    let refused = read.err().unwrap_or_default().into_iter();
    let told = |violation: domain::Violation| path((violation.field, violation.reason));
    refused.map(told).collect()
}

#[test]
fn every_threshold_out_of_its_range_is_told_at_once() {
    assert_eq!(refused_rules(|_| ()), []);
    let found = refused_rules(|said| {
        let t = said.thresholds.as_mut().unwrap();
        t.window_days = "0".to_owned();
        t.beta = "-1".to_owned();
        t.average_factor = "70".to_owned();
        t.early_days = "0,5".to_owned();
        t.plan_amber = "0.7".to_owned();
        t.cadence_days = String::new();
        t.p_clear = "0.2".to_owned();
        t.consecutive = 0;
        t.residuals_min = 1_000_001;
        t.band_miss = "1.000001".to_owned();
        t.due_soon_days = vec![7, 3_661];
        t.stall_z = "NaN".to_owned();
        t.funnel_z = "-999999999.999999".to_owned();
        t.declared_quantile = "0.0000001".to_owned();
    });
    let range = Reason::ThresholdRange;
    let expected = [
        ("window_days", range),
        ("beta", range),
        ("average_factor", range),
        ("early_days", Reason::NumberFormat),
        ("plan_amber", range),
        ("cadence_days", Reason::Required),
        ("p_clear", range),
        ("consecutive", range),
        ("residuals_min", range),
        ("band_miss", range),
        ("due_soon_days[1]", range),
        ("stall_z", Reason::NumberFormat),
        ("declared_quantile", Reason::NumberFormat),
    ];
    let expected = expected.map(|(field, reason)| (format!("thresholds.{field}"), reason));
    assert_eq!(found, expected);
}

#[test]
fn a_ladder_has_steps_in_order_that_each_tell_somebody_once() {
    let found = refused_rules(|said| said.steps.clear());
    assert_eq!(found, [("steps".to_owned(), Reason::Required)]);
    let found = refused_rules(|said| said.steps = vec![said.steps[0].clone(); 13]);
    assert_eq!(found, [("steps".to_owned(), Reason::TextFormat)]);
    let found = refused_rules(|said| {
        said.steps.reverse();
        said.steps[0].name = None;
        said.steps[0].after_days = 3_661;
        said.steps[1].tells = vec![1, 2, 1];
    });
    let expected = [
        ("steps[0].number", Reason::StepOrder),
        ("steps[0].name", Reason::Required),
        ("steps[0].after_days", Reason::ThresholdRange),
        ("steps[1].number", Reason::StepOrder),
        ("steps[1].tells", Reason::TextFormat),
        ("steps[1].after_days", Reason::StepOrder),
    ];
    assert_eq!(found, expected.map(|(field, why)| (field.to_owned(), why)));
    for first in [(7, vec![1]), (0, vec![1, 2]), (0, vec![2])] {
        let found = refused_rules(|said| {
            (said.steps[0].after_days, said.steps[0].tells) = first.clone();
        });
        let field = "steps[0].after_days".to_owned();
        assert_eq!(found, [(field, Reason::StepOrder)], "{first:?}");
    }
    let found = refused_rules(|said| said.steps[1].after_days = 0);
    let field = "steps[1].after_days".to_owned();
    assert_eq!(found, [(field, Reason::StepOrder)]);
    let found = refused_rules(|said| {
        said.steps[0].tells.clear();
        said.steps[1].tells = vec![4];
    });
    let expected = [
        ("steps[0].tells", Reason::Required),
        ("steps[1].tells[0]", Reason::ValueUnspecified),
    ];
    assert_eq!(found, expected.map(|(field, why)| (field.to_owned(), why)));
}

#[test]
fn what_rules_judge_and_why_is_read_as_strictly() {
    let found = refused_rules(|said| {
        said.version = "Quy tắc 2".to_owned();
        said.reason = "hỏi 0912 345 678".to_owned();
        said.thresholds = None;
        let judged = said.judged.as_mut().unwrap();
        judged.indicators = vec!["eid".to_owned(), "eid".to_owned()];
        judged.levels = vec![4];
        judged.layers = vec![1, 1];
    });
    let expected = [
        ("version", Reason::CodeFormat),
        ("reason", Reason::PersonalData),
        ("thresholds", Reason::Required),
        ("judged.indicators", Reason::TextFormat),
        ("judged.levels[0]", Reason::ValueUnspecified),
        ("judged.layers", Reason::TextFormat),
    ];
    assert_eq!(found, expected.map(|(field, why)| (field.to_owned(), why)));
}

#[test]
fn rules_for_everything_say_nothing_of_what_they_judge() {
    let mut all = rules();
    all.judged = Judged::default();
    let message = wire::event::rules_adopted(&all);
    assert_eq!(message.judged, None);
    let event = event(Body::RulesAdopted(all));
    assert_eq!(decode_logged(&to_bytes(&event)), Ok(event));
}
