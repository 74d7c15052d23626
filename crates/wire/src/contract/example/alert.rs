//! Examples of what alerting's log holds.

use super::Error;
use crate::cloud_event::About;
use crate::v1;
use crate::v1::alert_event::Body;

/// The case of the examples.
const CASE: &str = "568@2023-04-10/eid.activated-l2/provincial/lagging";
/// The silence of the examples.
const SILENCE: &str = "0197c8c1-49c0-7000-8000-00000000a001";

/// Each entry with what it is about.
pub(super) fn entries() -> Result<Vec<(About<'static>, v1::AlertEvent)>, Error> {
    let case = About {
        locality: Some(super::district()?.code),
        detail: "eid-activated-l2",
    };
    let silence = About {
        locality: None,
        detail: SILENCE,
    };
    let sink = |detail| About {
        locality: None,
        detail,
    };
    let entry = |body| v1::AlertEvent {
        effective: "2023-07-10".to_owned(),
        // The entries with a verdict say their position there.
        position: match body {
            Body::CaseOpened(_) | Body::CaseCleared(_) | Body::NotificationSent(_) => 0,
            _ => 40,
        },
        body: Some(body),
    };
    let about = |body: &Body| match body {
        Body::SilenceSet(_) | Body::SilenceEnded(_) => silence,
        Body::DeliveryRecorded(_) => sink("mail"),
        Body::DeliveryFailed(_) => sink("webhook-so-tttt"),
        _ => case,
    };
    let bodies = cases().into_iter().chain(others());
    Ok(bodies.map(|body| (about(&body), entry(body))).collect())
}

fn cases() -> Vec<Body> {
    let case_id = || CASE.to_owned();
    vec![
        Body::CaseOpened(v1::CaseOpened {
            case_id: case_id(),
            verdict: Some(verdict()),
        }),
        Body::NotificationSent(v1::NotificationSent {
            notification: Some(notification()),
            verdict: Some(verdict()),
        }),
        Body::NotificationRead(v1::NotificationRead {
            case_id: case_id(),
            notification_position: 2,
            by: Some(actor()),
        }),
        Body::CaseEscalated(v1::CaseEscalated {
            case_id: case_id(),
            step: 2,
            verdict: Some(verdict()),
        }),
        Body::CaseAcknowledged(v1::CaseAcknowledged {
            case_id: case_id(),
            opened_position: 1,
            by: Some(actor()),
            until: "2023-07-24".to_owned(),
            note: "Tăng cường hai tổ lưu động".to_owned(),
        }),
        Body::NotificationWithheld(v1::NotificationWithheld {
            case_id: case_id(),
            step: 2,
            why: "ACKNOWLEDGED".to_owned(),
            by: "2023-07-24".to_owned(),
            tells: vec![place()],
        }),
        Body::AcknowledgementEnded(v1::AcknowledgementEnded {
            case_id: case_id(),
            acknowledged_position: 5,
            until: "2023-07-24".to_owned(),
        }),
        Body::CaseCleared(v1::CaseCleared {
            case_id: case_id(),
            verdict: Some(verdict()),
            opened_position: 1,
        }),
    ]
}

fn others() -> Vec<Body> {
    vec![
        Body::SilenceSet(v1::SilenceSet {
            silence_id: SILENCE.to_owned(),
            places: silenced(),
            indicator: "eid.activated-l2".to_owned(),
            concern: v1::Concern::Silent as i32,
            author: Some(actor()),
            reason: "Hệ thống nguồn bảo trì".to_owned(),
            until: "2023-07-15".to_owned(),
        }),
        Body::SilenceEnded(v1::SilenceEnded {
            silence_id: SILENCE.to_owned(),
            author: Some(actor()),
            places: silenced(),
        }),
        Body::DeliveryRecorded(v1::DeliveryRecorded {
            sink: "mail".to_owned(),
            recipient: "nha-trang".to_owned(),
            ranges: vec![v1::PositionRange { first: 1, last: 8 }],
            message_id: "<nha-trang.2023-07-10@khanh-hoa-alerts>".to_owned(),
            told: vec![v1::CaseTold {
                opened_position: 1,
                share_hundredths: Some(8_120),
            }],
            through: 10,
            kind: v1::DeliveryKind::Digest as i32,
        }),
        Body::DeliveryFailed(v1::DeliveryFailed {
            sink: "webhook-so-tttt".to_owned(),
            recipient: String::new(),
            position: 2,
            attempts: 12,
            last_error: "the receiver answered 503".to_owned(),
            through: 10,
        }),
    ]
}

fn notification() -> v1::Notification {
    v1::Notification {
        case_id: CASE.to_owned(),
        step: 1,
        addressee: "Thủ trưởng đơn vị: Thành phố Nha Trang".to_owned(),
        text: Some(sentence()),
        tells: vec![place()],
        reply_by: "2023-07-15".to_owned(),
    }
}

fn verdict() -> v1::Verdict {
    let term = |name: &str, value| v1::Term {
        name: name.to_owned(),
        value,
    };
    v1::Verdict {
        locality: Some(place()),
        locality_name: Some(name("Thành phố Nha Trang", "Nha Trang City")),
        indicator: "eid.activated-l2".to_owned(),
        indicator_name: Some(name(
            "Tài khoản định danh mức 2 đã kích hoạt",
            "Level-2 accounts activated",
        )),
        layer: v1::QuotaLayer::Provincial as i32,
        status: v1::VerdictStatus::Red as i32,
        basis: "HAZARD".to_owned(),
        reasons: vec!["SHORT_OF_TARGET".to_owned()],
        concern: v1::Concern::Lagging as i32,
        judged_for: "2023-07-10".to_owned(),
        rules_version: "kh-2023.2".to_owned(),
        sentence: Some(sentence()),
        terms: vec![term("count", 210_000.0), term("share", 0.7)],
        positions: vec![16, 18],
        position: 40,
        counted: true,
        unit: Some(name("tài khoản", "accounts")),
    }
}

fn sentence() -> v1::Name {
    name(
        "Thành phố Nha Trang đạt 70%, còn thiếu 75.000 tài khoản đến hạn 31/7/2023",
        "Nha Trang City is at 70%, 75,000 accounts short with the deadline of 2023-07-31",
    )
}

fn silenced() -> Vec<v1::SilencedPlace> {
    let place = |code: &str, below| v1::SilencedPlace {
        locality: Some(v1::LocalityRef {
            code: code.to_owned(),
            since: "2023-04-10".to_owned(),
        }),
        below,
    };
    vec![place("568", true), place("569", false)]
}

fn place() -> v1::LocalityRef {
    v1::LocalityRef {
        code: "568".to_owned(),
        since: "2023-04-10".to_owned(),
    }
}

fn actor() -> v1::Actor {
    v1::Actor {
        organisation: "UBND thành phố Nha Trang".to_owned(),
        office: "Văn phòng".to_owned(),
    }
}

fn name(vi: &str, en: &str) -> v1::Name {
    v1::Name {
        vi: vi.to_owned(),
        en: en.to_owned(),
    }
}
