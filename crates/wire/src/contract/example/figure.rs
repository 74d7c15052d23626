//! Examples of indicators, quotas, figures, answers to findings, and rules.

use domain::event::*;
use domain::text::{Bound, Quantity, parse_percent};
use domain::{Body, Check, IndicatorCode, Level};
use jiff::civil::date;

use super::{Error, district, document, name, province, source};

fn indicator() -> Result<IndicatorCode, Error> {
    Ok("eid.activated-l2".parse()?)
}

fn figure() -> Result<Figure, Error> {
    Ok(Figure {
        value: Some(Quantity {
            bound: Bound::Exact,
            value: 634_327,
        }),
        denominator: Some(Denominator {
            kind: "quota".to_owned(),
            value: 756_954,
            derived: false,
        }),
        percent: Some(parse_percent("83,8%")?),
        percent_bound: Bound::About,
        source: source(),
    })
}

pub(super) fn bodies() -> Result<Vec<Body>, Error> {
    let (locality, reason) = (province()?, || "Nhập nhầm một chữ số".to_owned());
    let mut bodies = series()?;
    bodies.extend([
        Body::ProgressReported(ProgressReported {
            locality,
            indicator: indicator()?,
            figure: figure()?,
            note: "Tính đến 23 giờ".to_owned(),
        }),
        Body::ProgressCorrected(ProgressCorrected {
            corrects: 18,
            locality,
            indicator: indicator()?,
            figure: figure()?,
            reason: reason(),
        }),
        Body::ProgressRetracted(ProgressRetracted {
            retracts: 19,
            locality,
            indicator: indicator()?,
            reason: reason(),
        }),
        Body::FindingResolved(FindingResolved {
            position: 18,
            locality,
            check: Check::FactorOfTen,
            resolution: Resolution::Confirmed,
            reason: "Đã đối chiếu với hệ thống".to_owned(),
        }),
        Body::CompletionDeclared(CompletionDeclared {
            locality: district()?,
            indicator: indicator()?,
            by: date(2023, 7, 20),
            source: source(),
        }),
    ]);
    Ok(bodies)
}

fn series() -> Result<Vec<Body>, Error> {
    Ok(vec![
        Body::IndicatorDefined(IndicatorDefined {
            indicator: indicator()?,
            name: name(
                "Tài khoản định danh mức 2 đã kích hoạt",
                "Level-2 accounts activated",
            ),
            family: "eid".to_owned(),
            kind: IndicatorKind::Cumulative,
            unit: name("tài khoản", "accounts"),
            denominator: "quota".to_owned(),
        }),
        Body::IndicatorRelated(IndicatorRelated {
            indicator: indicator()?,
            relation: Relation::AtMost,
            other: Some("eid.collected".parse()?),
        }),
        Body::QuotaAssigned(QuotaAssigned {
            locality: district()?,
            indicator: indicator()?,
            layer: QuotaLayer::Provincial,
            denominator: Denominator {
                kind: "citizens-14-plus".to_owned(),
                value: 300_000,
                derived: true,
            },
            target: parse_percent("95")?,
            start: Some(date(2023, 5, 1)),
            deadline: Some(date(2023, 7, 31)),
            milestones: vec![Milestone {
                date: date(2023, 6, 30),
                count: 200_000,
            }],
            document: document(),
        }),
        Body::QuotaSuspended(QuotaSuspended {
            locality: district()?,
            indicator: indicator()?,
            layer: QuotaLayer::Provincial,
            reason: "Chờ giao lại".to_owned(),
            document: document(),
        }),
    ])
}

/// The shipped thresholds, for one indicator in provinces and districts, and two steps.
pub(super) fn rules() -> Result<Vec<Body>, Error> {
    let step = |number: u32, name: Name, tells: &[Recipient]| Step {
        number,
        name,
        after_days: 7 * (number - 1),
        reply_days: 5,
        tells: tells.to_vec(),
    };
    Ok(vec![Body::RulesAdopted(RulesAdopted {
        version: "kh-2023.2".parse()?,
        reason: "Sau giao ban tháng 6".to_owned(),
        thresholds: thresholds()?,
        judged: Judged {
            indicators: vec![indicator()?],
            levels: vec![Level::Province, Level::District],
            layers: vec![QuotaLayer::Central, QuotaLayer::Provincial],
        },
        steps: vec![
            step(1, name("nhắc", "reminder"), &[Recipient::Unit]),
            step(
                2,
                name("đôn đốc", "urging"),
                &[Recipient::Unit, Recipient::Parent],
            ),
        ],
    })])
}

fn thresholds() -> Result<Thresholds, Error> {
    Ok(Thresholds {
        window_days: "14".parse()?,
        beta: "1400".parse()?,
        average_factor: "0.7".parse()?,
        early_reports: 3,
        early_days: "14".parse()?,
        plan_red: "0.8".parse()?,
        plan_amber: "0.9".parse()?,
        cadence_days: "7".parse()?,
        p_open: "0.3".parse()?,
        p_clear: "0.6".parse()?,
        consecutive: 2,
        residuals_min: 100,
        band_miss: "0.2".parse()?,
        due_soon_days: vec![7, 3, 1],
        stall_z: "-3".parse()?,
        funnel_z: "-3.09".parse()?,
        declared_quantile: "0.1".parse()?,
    })
}
