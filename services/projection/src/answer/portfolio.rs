//! What an organisation holds, handed over, or left behind.

use domain::event::Scope;
use state::{AppointmentEntry, Holding, Portfolio, PortfolioItem, PortfolioRole, Reading, WorkDue};
use wire::event as encode;
use wire::v1;
use wire::v1::portfolio_role::Scope as WireScope;

use super::owner::{owner, scope_name};
use super::{head, work};

/// How much there is of each kind.
pub(crate) fn portfolio_counts(portfolio: &Portfolio<'_>) -> v1::PortfolioCounts {
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let roles = |holding| count(portfolio.role_count(holding));
    let held = |due| count(portfolio.held_count(due));
    let items = |holding| count(portfolio.item_count(holding));
    v1::PortfolioCounts {
        roles: roles(Holding::Held),
        overdue: held(WorkDue::Overdue),
        due_soon: held(WorkDue::Soon),
        open: held(WorkDue::Open),
        done: held(WorkDue::Done),
        cancelled: held(WorkDue::Cancelled),
        orphaned_roles: roles(Holding::Orphaned),
        orphaned_work_items: items(Holding::Orphaned),
        handed_over_roles: roles(Holding::HandedOver),
        handed_over_work_items: items(Holding::HandedOver),
        ended_roles: roles(Holding::Ended),
        ended_work_items: items(Holding::Ended),
    }
}

/// A role, and what became of it.
pub(crate) fn portfolio_role(reading: &Reading<'_>, role: &PortfolioRole<'_>) -> v1::PortfolioRole {
    let of = &role.owner.fact.scope;
    let scope = match of {
        Scope::Plan(code) => WireScope::Plan(code.to_string()),
        Scope::Model(code) => WireScope::Model(code.to_string()),
    };
    let status = role.status;
    v1::PortfolioRole {
        holding: holding(role.holding) as i32,
        locality: reading.locality(role.locality).as_ref().map(head),
        scope: Some(scope),
        name: scope_name(reading, of),
        owner: Some(owner(reading, &role.owner)),
        status: status.map_or(0, |status| encode::model_status(status.fact.status)),
        status_since: status.map_or_else(String::new, |s| s.recorded.effective.to_string()),
        hand_overs: role.hand_overs.iter().map(hand_over).collect(),
    }
}

fn hand_over(entry: &AppointmentEntry<'_>) -> v1::HandOver {
    v1::HandOver {
        from: entry.from.clone(),
        to: entry.organisations.clone(),
        on: entry.recorded.effective.to_string(),
        position: entry.recorded.position,
        change: encode::owner_change(entry.change),
        reason: entry.reason.clone(),
    }
}

/// A work item, and what became of it.
pub(crate) fn portfolio_item(
    reading: &Reading<'_>,
    item: &PortfolioItem<'_>,
) -> v1::PortfolioWorkItem {
    let due = match item.due {
        WorkDue::Overdue => v1::WorkDue::Overdue,
        WorkDue::Soon => v1::WorkDue::Soon,
        WorkDue::Open => v1::WorkDue::Open,
        WorkDue::Done => v1::WorkDue::Done,
        WorkDue::Cancelled => v1::WorkDue::Cancelled,
    };
    let place = item.item.defined.locality;
    v1::PortfolioWorkItem {
        holding: holding(item.holding) as i32,
        due: due as i32,
        locality: reading.locality(place).as_ref().map(head),
        item: Some(work::item(reading, &item.item)),
        succeeded_on: item
            .succession
            .map(|succession| succession.recorded.effective.to_string())
            .unwrap_or_default(),
    }
}

fn holding(holding: Holding) -> v1::Holding {
    match holding {
        Holding::Held => v1::Holding::Held,
        Holding::Orphaned => v1::Holding::Orphaned,
        Holding::HandedOver => v1::Holding::HandedOver,
        Holding::Ended => v1::Holding::Ended,
    }
}
