//! The published figures of Khánh Hòa and Hà Nội, and what the two founding articles say besides.
//!
//! `figures.csv` is kept as it was compiled, with the names its publishers used; the `sample_*.csv` hold the rest in our own terms.
//! A figure is reported as it was printed: a count, a percentage, or both, and a denominator only if one was printed.
//! A quota whose size follows from a count and a printed percentage is marked derived;
//! one of which nothing but a percentage is known is counted in percent, out of a derived 100.

use domain::event::{
    Assessment, AssessmentPublished, Body, CampaignLaunched, CompletionDeclared, Denominator,
    DirectiveIssued, Document, Figure, ProgressReported, QuotaAssigned, QuotaLayer,
    SystemCommissioned, WorkItemDefined, WorkOrigin,
};
use domain::text::{Bound, Moment, Percent, Quantity};
use domain::{CampaignCode, IndicatorCode, LocalityId, SystemCode, WorkItemCode};
use jiff::civil::Date;
use serde::Deserialize;

use super::DatasetError;
use super::catalogue::{default_denominator, indicator_by_alias};
use super::gazetteer::Gazetteer;
use super::table::{Draft, Place, Sources, Table, list, name, table};

/// The provinces whose published figures the product carries.
const PROVINCES: [&str; 2] = ["Khánh Hòa", "Hà Nội"];

/// A row of `figures.csv`, as compiled.
#[derive(Debug, Deserialize)]
struct PublishedRow {
    province: String,
    district: String,
    commune: String,
    indicator: String,
    date: Moment,
    value: Option<u64>,
    target: Option<u64>,
    percent: Option<Percent>,
    unit: String,
    source: String,
}

#[derive(Debug, Deserialize)]
struct FigureRow {
    place: Place,
    indicator: IndicatorCode,
    date: Moment,
    value: Option<u64>,
    bound: Bound,
    percent: Option<Percent>,
    note: String,
    source: String,
}

#[derive(Debug, Deserialize)]
struct QuotaRow {
    place: Place,
    date: Date,
    indicator: IndicatorCode,
    layer: QuotaLayer,
    kind: String,
    value: u64,
    derived: bool,
    target: Percent,
    deadline: Option<Date>,
    number: String,
    document_date: Option<Date>,
    issuer: String,
    title: String,
}

#[derive(Debug, Deserialize)]
struct CampaignRow {
    place: Place,
    date: Date,
    code: CampaignCode,
    name_vi: String,
    name_en: String,
    days: u32,
    working_groups: u32,
    members: String,
    hours: String,
    source: String,
}

#[derive(Debug, Deserialize)]
struct DeclarationRow {
    place: Place,
    date: Date,
    indicator: IndicatorCode,
    by: Date,
    source: String,
}

#[derive(Debug, Deserialize)]
struct DirectiveRow {
    place: Place,
    date: Date,
    number: String,
    document_date: Option<Date>,
    issuer: String,
    title: String,
    addressees: String,
    text_vi: String,
    text_en: String,
    source: String,
}

#[derive(Debug, Deserialize)]
struct AssessmentRow {
    place: Place,
    date: Date,
    indicator: Option<IndicatorCode>,
    assessment: Assessment,
    text_vi: String,
    text_en: String,
    source: String,
}

#[derive(Debug, Deserialize)]
struct SystemRow {
    place: Place,
    date: Date,
    code: SystemCode,
    name_vi: String,
    name_en: String,
    ready_to_connect: bool,
    source: String,
}

#[derive(Debug, Deserialize)]
struct WorkItemRow {
    place: Place,
    date: Date,
    code: WorkItemCode,
    content_vi: String,
    content_en: String,
    organisation: String,
    office: String,
    origin: WorkOrigin,
}

/// Everything, quotas before the figures that are judged by them.
pub(super) fn drafts(gazetteer: &Gazetteer, sources: &Sources) -> Result<Vec<Draft>, DatasetError> {
    let mut drafts = quotas(gazetteer)?;
    drafts.extend(published(gazetteer, sources)?);
    drafts.extend(figures(gazetteer, sources)?);
    drafts.extend(campaigns(gazetteer, sources)?);
    drafts.extend(declarations(gazetteer, sources)?);
    drafts.extend(directives(
        table!("sample_directives.csv"),
        gazetteer,
        sources,
    )?);
    drafts.extend(assessments(gazetteer, sources)?);
    drafts.extend(systems(gazetteer, sources)?);
    drafts.extend(work_items(gazetteer)?);
    Ok(drafts)
}

/// One draft for each record of a table.
fn each<T: serde::de::DeserializeOwned>(
    table: Table,
    draft: impl Fn(T) -> Result<Draft, DatasetError>,
) -> Result<Vec<Draft>, DatasetError> {
    table.rows()?.into_iter().map(draft).collect()
}

fn on(date: Date, body: Body) -> Draft {
    Draft {
        effective: Moment::end_of(date),
        body,
    }
}

fn published(gazetteer: &Gazetteer, sources: &Sources) -> Result<Vec<Draft>, DatasetError> {
    let table = table!("figures.csv");
    let rows: Vec<PublishedRow> = table.rows()?;
    let carried = rows
        .into_iter()
        .filter(|row| PROVINCES.contains(&row.province.as_str()));
    let report = |row: PublishedRow| {
        let place = Place::of([row.province.as_str(), &row.district, &row.commune]);
        let code =
            indicator_by_alias(&row.indicator).ok_or_else(|| DatasetError::UnknownIndicator {
                file: table.file,
                name: row.indicator.clone(),
            })?;
        let indicator: IndicatorCode = code.parse()?;
        let kind = default_denominator(&indicator)
            .unwrap_or_default()
            .to_owned();
        let denominator = row.target.map(|value| Denominator {
            kind,
            value,
            derived: false,
        });
        let remark = Remark::of(&row.unit);
        let figure = Figure {
            value: row.value.map(|value| Quantity {
                bound: remark.bound(),
                value,
            }),
            denominator,
            percent: row.percent,
            percent_bound: Bound::Exact,
            source: sources.get(table.file, &row.source)?,
        };
        let note = if row.value.is_none() {
            remark.note_on_percent()
        } else {
            String::new()
        };
        let locality = gazetteer.find(table.file, &place, row.date.date())?;
        Ok(reported(locality, indicator, row.date, figure, note))
    };
    carried.map(report).collect()
}

/// What `figures.csv` adds to a unit in parentheses: `percent (nearly)`, `accounts (more than)`.
#[derive(Debug)]
struct Remark<'a>(&'a str);

impl<'a> Remark<'a> {
    fn of(unit: &'a str) -> Self {
        Self(
            unit.split_once('(')
                .map_or("", |(_, rest)| rest.trim_end_matches(')')),
        )
    }

    fn bound(&self) -> Bound {
        Bound::from_words(self.0).unwrap_or_default()
    }

    /// A percentage has no bound of its own, so the word goes into the note.
    fn note_on_percent(&self) -> String {
        match self.0 {
            "nearly" => "Nguồn viết: gần đạt tỷ lệ này".to_owned(),
            "about" => "Nguồn viết: khoảng tỷ lệ này".to_owned(),
            _ => String::new(),
        }
    }
}

fn reported(
    locality: LocalityId,
    indicator: IndicatorCode,
    effective: Moment,
    figure: Figure,
    note: String,
) -> Draft {
    let body = Body::ProgressReported(ProgressReported {
        locality,
        indicator,
        figure,
        note,
    });
    Draft { effective, body }
}

fn figures(gazetteer: &Gazetteer, sources: &Sources) -> Result<Vec<Draft>, DatasetError> {
    let table = table!("sample_figures.csv");
    each(table, |row: FigureRow| {
        let figure = Figure {
            value: row.value.map(|value| Quantity {
                bound: row.bound,
                value,
            }),
            denominator: None,
            percent: row.percent,
            percent_bound: Bound::Exact,
            source: sources.get(table.file, &row.source)?,
        };
        let locality = gazetteer.find(table.file, &row.place, row.date.date())?;
        Ok(reported(
            locality,
            row.indicator,
            row.date,
            figure,
            row.note,
        ))
    })
}

fn quotas(gazetteer: &Gazetteer) -> Result<Vec<Draft>, DatasetError> {
    let table = table!("sample_quotas.csv");
    each(table, |row: QuotaRow| {
        let body = Body::QuotaAssigned(QuotaAssigned {
            locality: gazetteer.find(table.file, &row.place, row.date)?,
            indicator: row.indicator,
            layer: row.layer,
            denominator: Denominator {
                kind: row.kind,
                value: row.value,
                derived: row.derived,
            },
            target: row.target,
            start: None,
            deadline: row.deadline,
            milestones: Vec::new(),
            document: Document {
                number: row.number,
                date: row.document_date,
                issuer: row.issuer,
                title: row.title,
            },
        });
        Ok(on(row.date, body))
    })
}

fn campaigns(gazetteer: &Gazetteer, sources: &Sources) -> Result<Vec<Draft>, DatasetError> {
    let table = table!("sample_campaigns.csv");
    each(table, |row: CampaignRow| {
        let body = Body::CampaignLaunched(CampaignLaunched {
            campaign: row.code,
            locality: gazetteer.find(table.file, &row.place, row.date)?,
            name: name(&row.name_vi, row.name_en),
            start: None,
            end: None,
            days: row.days,
            working_groups: row.working_groups,
            members: list(&row.members),
            hours: row.hours,
            source: sources.get(table.file, &row.source)?,
        });
        Ok(on(row.date, body))
    })
}

fn declarations(gazetteer: &Gazetteer, sources: &Sources) -> Result<Vec<Draft>, DatasetError> {
    let table = table!("sample_declarations.csv");
    each(table, |row: DeclarationRow| {
        let body = Body::CompletionDeclared(CompletionDeclared {
            locality: gazetteer.find(table.file, &row.place, row.date)?,
            indicator: row.indicator,
            by: row.by,
            source: sources.get(table.file, &row.source)?,
        });
        Ok(on(row.date, body))
    })
}

/// The orders in a table.
pub(super) fn directives(
    table: Table,
    gazetteer: &Gazetteer,
    sources: &Sources,
) -> Result<Vec<Draft>, DatasetError> {
    each(table, |row: DirectiveRow| {
        let body = Body::DirectiveIssued(DirectiveIssued {
            locality: gazetteer.find(table.file, &row.place, row.date)?,
            document: Document {
                number: row.number,
                date: row.document_date,
                issuer: row.issuer,
                title: row.title,
            },
            addressees: list(&row.addressees),
            text: name(&row.text_vi, row.text_en),
            source: sources.get(table.file, &row.source)?,
        });
        Ok(on(row.date, body))
    })
}

fn assessments(gazetteer: &Gazetteer, sources: &Sources) -> Result<Vec<Draft>, DatasetError> {
    let table = table!("sample_assessments.csv");
    each(table, |row: AssessmentRow| {
        let body = Body::AssessmentPublished(AssessmentPublished {
            locality: gazetteer.find(table.file, &row.place, row.date)?,
            indicator: row.indicator,
            assessment: row.assessment,
            text: name(&row.text_vi, row.text_en),
            source: sources.get(table.file, &row.source)?,
        });
        Ok(on(row.date, body))
    })
}

fn systems(gazetteer: &Gazetteer, sources: &Sources) -> Result<Vec<Draft>, DatasetError> {
    let table = table!("sample_systems.csv");
    each(table, |row: SystemRow| {
        let body = Body::SystemCommissioned(SystemCommissioned {
            system: row.code,
            locality: gazetteer.find(table.file, &row.place, row.date)?,
            name: name(&row.name_vi, row.name_en),
            ready_to_connect: row.ready_to_connect,
            source: sources.get(table.file, &row.source)?,
        });
        Ok(on(row.date, body))
    })
}

fn work_items(gazetteer: &Gazetteer) -> Result<Vec<Draft>, DatasetError> {
    let table = table!("sample_work_items.csv");
    each(table, |row: WorkItemRow| {
        let body = Body::WorkItemDefined(WorkItemDefined {
            work_item: row.code,
            locality: gazetteer.find(table.file, &row.place, row.date)?,
            model: None,
            content: name(&row.content_vi, row.content_en),
            volume: None,
            unit: String::new(),
            expected_result: String::new(),
            start: None,
            due: None,
            organisation: row.organisation,
            office: row.office,
            origin: row.origin,
            depends_on: Vec::new(),
        });
        Ok(on(row.date, body))
    })
}
