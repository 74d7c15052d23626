//! The catalogue: indicators, and Plan 6559 of Khánh Hòa with its groups, models, owners and orders.
//!
//! The official names of the 31 models are not published; each entry is marked indicative, with what it rests on.
//! Loading the official annex is a data import: the same codes, defined once more.

use std::sync::LazyLock;

use domain::event::{
    Body, Document, GroupDefined, IndicatorDefined, IndicatorKind, ModelDefined, ModelStatus,
    ModelStatusChanged, OwnerAssigned, OwnerChange, PlanAdopted, Role, Scope, Source,
};
use domain::text::Moment;
use domain::{GroupCode, IndicatorCode, LocalityId, ModelCode, PlanCode};
use jiff::civil::{Date, date};
use serde::Deserialize;

use super::DatasetError;
use super::gazetteer::Gazetteer;
use super::sample;
use super::table::{self, Draft, Place, Sources, Table, list, name, table};

/// Day from which the definitions hold: before the oldest published figure.
pub(super) const DEFINED: Date = date(2020, 1, 1);
/// How the indicative catalogue of models is sourced.
const MODELS_TITLE: &str = "Danh mục 31 mô hình tham khảo (không phải phụ lục chính thức)";
/// What an after-2025 lead says it took the model over from.
const RECEIVED_FROM: &str = " (nhận từ ";

#[derive(Debug, Deserialize)]
struct IndicatorRow {
    code: String,
    name_vi: String,
    name_en: String,
    family: String,
    kind: IndicatorKind,
    unit_vi: String,
    unit_en: String,
    denominator: String,
    aliases: String,
}

static INDICATORS: LazyLock<Result<Vec<IndicatorRow>, DatasetError>> =
    LazyLock::new(|| INDICATOR_TABLE.rows());
const INDICATOR_TABLE: Table = table!("indicators.csv");

/// The code of the indicator that published tables call `alias`, such as `cccd_issued_14plus`; a code is its own alias.
#[must_use]
pub fn indicator_by_alias(alias: &str) -> Option<&'static str> {
    indicator(alias).map(|row| row.code.as_str())
}

/// What an indicator is counted against unless a figure says otherwise.
pub(super) fn default_denominator(code: &IndicatorCode) -> Option<&'static str> {
    indicator(code.as_str()).map(|row| row.denominator.as_str())
}

fn indicator(alias: &str) -> Option<&'static IndicatorRow> {
    let rows = INDICATORS.as_ref().ok()?;
    let is_named = |row: &&IndicatorRow| {
        row.code == alias || row.aliases.split(';').any(|a| !a.is_empty() && a == alias)
    };
    rows.iter().find(is_named)
}

#[derive(Debug, Deserialize)]
struct PlanRow {
    place: Place,
    code: PlanCode,
    date: Date,
    number: String,
    issuer: String,
    title: String,
    summary_vi: String,
    summary_en: String,
}

#[derive(Debug, Deserialize)]
struct GroupRow {
    code: GroupCode,
    plan: PlanCode,
    number: u32,
    name_vi: String,
    name_en: String,
}

#[derive(Debug, Deserialize)]
struct FocalRow {
    plan: PlanCode,
    organisation: String,
}

#[derive(Debug, Deserialize)]
struct ModelRow {
    code: ModelCode,
    group_no: u32,
    name_vi: String,
    name_en: String,
    lead_agency_2023: String,
    lead_agency_after_2025: String,
    lead_changed: Option<Moment>,
    coordinating: String,
    implementing_force: String,
    provenance: String,
    name_basis: String,
    source: String,
}

/// A plan with what hangs on it.
#[derive(Debug)]
struct Plan {
    row: PlanRow,
    locality: LocalityId,
    groups: Vec<GroupRow>,
    models: Vec<ModelRow>,
    focal: Vec<String>,
}

/// The definitions and the plan, in order.
pub(super) fn drafts(gazetteer: &Gazetteer, sources: &Sources) -> Result<Vec<Draft>, DatasetError> {
    let mut drafts = indicators()?;
    for plan in plans(gazetteer)? {
        plan.adoption(&mut drafts)?;
        plan.owners(&mut drafts);
        plan.successions(&mut drafts);
    }
    drafts.extend(sample::directives(
        table!("plan_directives.csv"),
        gazetteer,
        sources,
    )?);
    Ok(drafts)
}

fn indicators() -> Result<Vec<Draft>, DatasetError> {
    let rows: Vec<IndicatorRow> = INDICATOR_TABLE.rows()?;
    let defined = |row: IndicatorRow| {
        Ok(Draft {
            effective: Moment::end_of(DEFINED),
            body: Body::IndicatorDefined(IndicatorDefined {
                indicator: row.code.parse()?,
                name: name(&row.name_vi, row.name_en),
                family: row.family,
                kind: row.kind,
                unit: name(&row.unit_vi, row.unit_en),
                denominator: row.denominator,
            }),
        })
    };
    rows.into_iter().map(defined).collect()
}

fn plans(gazetteer: &Gazetteer) -> Result<Vec<Plan>, DatasetError> {
    let mut plans = Vec::new();
    for row in table!("plans.csv").rows::<PlanRow>()? {
        let locality = gazetteer.find("plans.csv", &row.place, row.date)?;
        let mut groups: Vec<GroupRow> = table!("groups.csv").rows()?;
        groups.retain(|group| group.plan == row.code);
        let mut models: Vec<ModelRow> = table!("models_31.csv").rows()?;
        models.retain(|model| groups.iter().any(|group| group.holds(model)));
        let mut focal: Vec<FocalRow> = table!("plan_focal.csv").rows()?;
        focal.retain(|focal| focal.plan == row.code);
        let focal = focal.into_iter().map(|focal| focal.organisation).collect();
        plans.push(Plan {
            row,
            locality,
            groups,
            models,
            focal,
        });
    }
    Ok(plans)
}

impl GroupRow {
    /// Whether the model is one of the group: same number, and the group's code before the dot of the model's.
    fn holds(&self, model: &ModelRow) -> bool {
        let group = model.code.as_str().split_once('.').map(|(group, _)| group);
        self.number == model.group_no && group == Some(self.code.as_str())
    }
}

impl ModelRow {
    fn source(&self) -> Source {
        if self.source.starts_with("http") {
            Source {
                title: MODELS_TITLE.to_owned(),
                url: self.source.clone(),
            }
        } else if self.source.is_empty() {
            table::titled(MODELS_TITLE)
        } else {
            table::titled(format!("{MODELS_TITLE}; {}", self.source))
        }
    }
}

impl Plan {
    fn effective(&self) -> Moment {
        Moment::end_of(self.row.date)
    }

    /// The plan, its groups, its models, and that each model is planned.
    fn adoption(&self, drafts: &mut Vec<Draft>) -> Result<(), DatasetError> {
        let mut push = |body| {
            drafts.push(Draft {
                effective: self.effective(),
                body,
            })
        };
        push(Body::PlanAdopted(PlanAdopted {
            plan: self.row.code.clone(),
            locality: self.locality,
            document: Document {
                number: self.row.number.clone(),
                date: Some(self.row.date),
                issuer: self.row.issuer.clone(),
                title: self.row.title.clone(),
            },
            summary: name(&self.row.summary_vi, &self.row.summary_en),
        }));
        for group in &self.groups {
            push(Body::GroupDefined(GroupDefined {
                group: group.code.clone(),
                plan: group.plan.clone(),
                number: group.number,
                name: name(&group.name_vi, &group.name_en),
            }));
        }
        for model in &self.models {
            let group = self.groups.iter().find(|group| group.holds(model));
            let group = group.ok_or_else(|| DatasetError::UnknownGroup(model.code.clone()))?;
            push(Body::ModelDefined(ModelDefined {
                model: model.code.clone(),
                group: group.code.clone(),
                name: name(&model.name_vi, &model.name_en),
                indicative: model.provenance == "indicative",
                basis: model.name_basis.clone(),
                source: model.source(),
            }));
        }
        for model in &self.models {
            push(Body::ModelStatusChanged(ModelStatusChanged {
                model: model.code.clone(),
                locality: self.locality,
                status: ModelStatus::Planned,
                note: format!("Có trong Kế hoạch {}", self.row.number),
            }));
        }
        Ok(())
    }

    /// Who leads, coordinates and implements each model, and who urges.
    fn owners(&self, drafts: &mut Vec<Draft>) {
        let mut assign = |scope: Scope, role, organisations: Vec<String>, source| {
            let accountable_office = match role {
                // The plan makes the heads of the leading units answer in person.
                Role::Lead => head_of(&organisations),
                _ => String::new(),
            };
            let assigned = OwnerAssigned {
                scope,
                locality: self.locality,
                role,
                organisations,
                accountable_office,
                source,
                person_commitment: None,
                change: OwnerChange::Assigned,
                from: Vec::new(),
                reason: String::new(),
            };
            let body = Body::OwnerAssigned(assigned);
            drafts.push(Draft {
                effective: self.effective(),
                body,
            });
        };
        for model in &self.models {
            for (role, organisations) in [
                (Role::Lead, &model.lead_agency_2023),
                (Role::Coordinating, &model.coordinating),
                (Role::Implementing, &model.implementing_force),
            ] {
                let scope = Scope::Model(model.code.clone());
                assign(
                    scope,
                    role,
                    list(organisations),
                    table::titled(MODELS_TITLE),
                );
            }
        }
        let source = table::titled(format!("Kế hoạch {}", self.row.number));
        assign(
            Scope::Plan(self.row.code.clone()),
            Role::Focal,
            self.focal.clone(),
            source,
        );
    }

    /// The leads that the merger of departments in March 2025 replaced.
    ///
    /// They are attached to the province as it was until 30 June 2025; no source carries the plan over to the new one.
    fn successions(&self, drafts: &mut Vec<Draft>) {
        for model in &self.models {
            let Some(effective) = model.lead_changed else {
                continue;
            };
            let after = &model.lead_agency_after_2025;
            let (lead, title) = match after.split_once(RECEIVED_FROM) {
                Some((lead, from)) => (
                    lead,
                    format!("{MODELS_TITLE}; nhận từ {}", from.trim_end_matches(')')),
                ),
                None => (after.as_str(), MODELS_TITLE.to_owned()),
            };
            let organisations = list(lead);
            let assigned = OwnerAssigned {
                scope: Scope::Model(model.code.clone()),
                locality: self.locality,
                role: Role::Lead,
                accountable_office: head_of(&organisations),
                organisations,
                source: table::titled(title),
                person_commitment: None,
                change: OwnerChange::Assigned,
                from: Vec::new(),
                reason: String::new(),
            };
            drafts.push(Draft {
                effective,
                body: Body::OwnerAssigned(assigned),
            });
        }
    }
}

/// The office that answers for organisations that lead.
fn head_of(organisations: &[String]) -> String {
    format!("Thủ trưởng {}", organisations.join(", "))
}
