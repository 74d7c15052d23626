//! What is on record as messages. Pure: the same reading gives the same bytes.
//!
//! Here is a locality with everything about it; `diff` tells what changed, `explain` says where a number comes from, `figure` writes figures and what was found about them, `owner` who holds what and what nobody holds, `reform` where territory comes from and sums over it, `quality` how good figures are, `work` work items, `matrix` the models of a locality, `portfolio` what an organisation holds, `missing` who has not reported, `trajectory` what was planned beside what was reached.

mod diff;
mod explain;
mod figure;
mod matrix;
mod missing;
mod owner;
mod portfolio;
mod quality;
mod reform;
mod trajectory;
mod work;

use domain::event::Scope;
use domain::text::{Moment, iso_text};
use domain::{IndicatorCode, LocalityId};
use jiff::civil::Date;
use prost::Message as _;
use sha2::{Digest, Sha256};
use state::{LocalityEntry, ModelEntry, QuotaEntry, Reading, Recorded, State};
use wire::event as encode;
use wire::v1;

use owner::owners;

pub(crate) use diff::diff;
pub(crate) use explain::{explain, explain_sum};
pub(crate) use figure::{figure, finding};
pub(crate) use matrix::matrix_row;
pub(crate) use missing::missing_report;
pub(crate) use owner::{Left, left};
pub(crate) use portfolio::{portfolio_counts, portfolio_item, portfolio_role};
pub(crate) use quality::quality;
pub(crate) use reform::{roll_up, roll_up_country};
pub(crate) use trajectory::trajectories;
pub(crate) use work::listed_item;

/// SHA-256 over the encoded locality, hexadecimal.
pub(crate) fn digest(locality: &v1::Locality) -> String {
    hex::encode(Sha256::digest(locality.encode_to_vec()))
}

/// A locality and everything on record about it; none if it is not registered.
pub(crate) fn locality(
    state: &State,
    reading: &Reading<'_>,
    id: LocalityId,
) -> Option<v1::Locality> {
    let entry = reading.locality(id)?;
    let indicators = reading.indicators_of(id);
    Some(v1::Locality {
        r#ref: Some(encode::locality_ref(id)),
        level: encode::level(entry.level()),
        name: Some(encode::name(entry.name)),
        ancestors: reading.ancestors(id).iter().map(head).collect(),
        ended: date(entry.end),
        successors: entry.successors.iter().map(encode::successor).collect(),
        plans: reading
            .plans_for(id)
            .iter()
            .map(|plan| self::plan(reading, plan, id))
            .collect(),
        models: reading
            .models_for(id)
            .iter()
            .map(|m| model(reading, m, Some(id)))
            .collect(),
        indicators: indicators
            .into_iter()
            .map(|code| standing(state, reading, id, code))
            .collect(),
        work_items: reading
            .work_items(id)
            .iter()
            .map(|item| work::item(reading, item))
            .collect(),
        campaigns: reading.campaigns(id).iter().map(campaign).collect(),
        systems: reading.systems(id).iter().map(system).collect(),
        reviews: reading.reviews(id).iter().map(review).collect(),
        directives: reading.directives(id).iter().map(directive).collect(),
        assessments: reading.assessments(id).iter().map(assessment).collect(),
        origin: reform::origin(reading, id),
    })
}

/// A locality in a list.
pub(crate) fn head(entry: &LocalityEntry<'_>) -> v1::LocalityHead {
    v1::LocalityHead {
        r#ref: Some(encode::locality_ref(entry.id)),
        level: encode::level(entry.level()),
        name: Some(encode::name(entry.name)),
        parent_code: entry
            .parent
            .map(|parent| parent.code.to_string())
            .unwrap_or_default(),
        ended: date(entry.end),
        successors: entry.successors.iter().map(encode::successor).collect(),
    }
}

/// A model with its owners, and its status if a locality is asked for.
pub(crate) fn model(
    reading: &Reading<'_>,
    entry: &ModelEntry<'_>,
    id: Option<LocalityId>,
) -> v1::Model {
    let scope = Scope::Model(entry.defined.model.clone());
    let status = id.and_then(|id| reading.model_status(&entry.defined.model, id));
    v1::Model {
        defined: Some(encode::model_defined(entry.defined)),
        group_number: entry.group_number(),
        group_name: entry.group.map(|group| encode::name(&group.fact.name)),
        owners: id.map_or_else(Vec::new, |id| owners(reading, &scope, id)),
        status: status.map_or(0, |status| encode::model_status(status.fact.status)),
        status_since: status
            .map(|s| s.recorded.effective.to_string())
            .unwrap_or_default(),
        recorded: Some(recorded(&entry.recorded)),
    }
}

/// An indicator's definition as known at the reading's position, whatever day it was defined on.
pub(crate) fn indicator(
    state: &State,
    reading: &Reading<'_>,
    code: &IndicatorCode,
) -> Option<v1::IndicatorDefined> {
    let whenever = state.at(Moment::end_of(Date::MAX), reading.position());
    let entry = whenever.indicator(code)?;
    Some(encode::indicator_defined(entry.fact))
}

fn standing(
    state: &State,
    reading: &Reading<'_>,
    id: LocalityId,
    code: &IndicatorCode,
) -> v1::IndicatorStanding {
    v1::IndicatorStanding {
        indicator: indicator(state, reading, code),
        figure: reading
            .figure(id, code)
            .map(|entry| figure(reading, id, &entry)),
        quotas: reading
            .quotas(id, code)
            .iter()
            .map(|q| quota(reading, q, id))
            .collect(),
        declared_by: reading
            .declared(id, code)
            .map(|d| d.fact.by.to_string())
            .unwrap_or_default(),
    }
}

fn quota(reading: &Reading<'_>, entry: &QuotaEntry<'_>, id: LocalityId) -> v1::QuotaStanding {
    let standing = reading.standing(entry, id);
    v1::QuotaStanding {
        quota: Some(encode::quota_assigned(entry.fact)),
        share_hundredths: standing.share_hundredths,
        required: standing.required,
        missing: standing.missing,
        reached: standing.reached,
        reached_on: date(standing.reached_on),
        days_early: standing.days_early,
        recorded: Some(recorded(&entry.recorded)),
    }
}

fn plan(reading: &Reading<'_>, entry: &state::PlanEntry<'_>, id: LocalityId) -> v1::Plan {
    let scope = Scope::Plan(entry.fact.plan.clone());
    v1::Plan {
        adopted: Some(encode::plan_adopted(entry.fact)),
        owners: owners(reading, &scope, id),
        recorded: Some(recorded(&entry.recorded)),
    }
}

fn campaign(entry: &state::CampaignEntry<'_>) -> v1::Campaign {
    v1::Campaign {
        launched: Some(encode::campaign_launched(entry.fact)),
        recorded: Some(recorded(&entry.recorded)),
    }
}

fn system(entry: &state::SystemEntry<'_>) -> v1::System {
    v1::System {
        commissioned: Some(encode::system_commissioned(entry.fact)),
        since: entry.recorded.effective.to_string(),
        recorded: Some(recorded(&entry.recorded)),
    }
}

fn review(entry: &state::ReviewEntry<'_>) -> v1::Review {
    v1::Review {
        reviewed: Some(encode::readiness_reviewed(entry.fact)),
        on: entry.recorded.effective.to_string(),
        recorded: Some(recorded(&entry.recorded)),
    }
}

fn directive(entry: &state::DirectiveEntry<'_>) -> v1::Directive {
    v1::Directive {
        issued: Some(encode::directive_issued(entry.fact)),
        on: entry.recorded.effective.to_string(),
        recorded: Some(recorded(&entry.recorded)),
    }
}

fn assessment(entry: &state::AssessmentEntry<'_>) -> v1::PublicAssessment {
    v1::PublicAssessment {
        published: Some(encode::assessment_published(entry.fact)),
        on: entry.recorded.effective.to_string(),
        recorded: Some(recorded(&entry.recorded)),
    }
}

pub(crate) fn recorded(recorded: &Recorded<'_>) -> v1::Recorded {
    v1::Recorded {
        position: recorded.position,
        known: Some(wire::time::to_wire(recorded.known)),
        actor: Some(v1::Actor {
            organisation: recorded.actor.organisation.clone(),
            office: recorded.actor.office.clone(),
        }),
    }
}

pub(super) fn date(date: Option<Date>) -> String {
    date.map(iso_text).unwrap_or_default()
}

/// The locality whose plan a model belongs to.
pub(crate) fn home(reading: &Reading<'_>, entry: &ModelEntry<'_>) -> Option<LocalityId> {
    Some(reading.plan(&entry.group?.fact.plan)?.fact.locality)
}
