//! `tiendo quota assign`.

use wire::v1;

use super::{denominator, locality, record};
use crate::Failure;
use crate::cli::{LayerName, Quota};
use crate::client::Clients;
use crate::output::Output;

pub(crate) async fn quota(
    command: Quota,
    clients: &Clients,
    output: Output,
) -> Result<(), Failure> {
    let Quota::Assign(quota) = command;
    let layer = match quota.layer {
        LayerName::Central => v1::QuotaLayer::Central,
        LayerName::Provincial => v1::QuotaLayer::Provincial,
        LayerName::Commitment => v1::QuotaLayer::Commitment,
    };
    let body = v1::event::Body::QuotaAssigned(v1::QuotaAssigned {
        locality: locality(&quota.locality),
        indicator: quota.indicator,
        layer: layer as i32,
        denominator: denominator(&quota.denominator_kind, &quota.denominator),
        target_percent: quota.target,
        start: quota.start.unwrap_or_default(),
        deadline: quota.deadline.unwrap_or_default(),
        milestones: Vec::new(),
        document: Some(v1::Document {
            number: quota.document,
            issuer: quota.issuer,
            ..Default::default()
        }),
    });
    record(quota.reporter, quota.as_of, body, clients, output).await
}
