//! The models of a province, district by district.

use domain::event::{ModelStatus, PlanAdopted, Role, Scope};

use super::owners::{
    KHANH_HOA, MODEL, NHA_TRANG, assigned, defined, khanh_hoa, leads, model_scope, succeeded,
};
use super::*;
use crate::{ModelCell, Reading};

const CAM_RANH: &str = "569@2023-04-10";
const HA_NOI: &str = "01@2023-04-10";
/// A model that nobody ever leads.
const QUIET: &str = "KH-2.08";

fn status(locality: &str, status: ModelStatus) -> Body {
    owners::status(locality, MODEL, status)
}

/// Status, since when, and who holds a cell of Khánh Hòa's two models.
fn cells(reading: &Reading<'_>, locality: &str) -> Vec<(String, String)> {
    let models = reading.models_among([id(NHA_TRANG), id(CAM_RANH)]);
    let told = |cell: &ModelCell<'_>| {
        assert!(cell.applies);
        let status = cell.status.map_or("chưa báo cáo".to_owned(), |status| {
            format!("{} {}", status.status.as_str(), status.recorded.effective)
        });
        let holder = cell.holder.as_ref().map_or("chưa giao".to_owned(), |held| {
            format!(
                "{} {}",
                held.fact.role.as_str(),
                held.organisations.join("+")
            )
        });
        (status, holder)
    };
    let cells = reading.model_cells(id(locality), &models);
    cells.iter().map(told).collect()
}

fn pair(status: &str, holder: &str) -> (String, String) {
    (status.to_owned(), holder.to_owned())
}

/// Nha Trang and Cam Ranh with two models of the province's plan.
fn two_districts() -> Ledger {
    let mut ledger = khanh_hoa();
    ledger.add(
        "2023-04-10",
        registered(CAM_RANH, "Cam Ranh", KHANH_HOA, false),
    );
    ledger.add("2023-07-04", defined(QUIET, "KH-2", "Chợ"));
    ledger.add("2023-07-04", leads(KHANH_HOA, &["Sở GTVT"]));
    ledger
}

#[test]
fn a_model_nobody_reported_is_not_one_that_has_not_begun() {
    let mut ledger = two_districts();
    ledger.add("2023-08-01", status(NHA_TRANG, ModelStatus::NotStarted));
    let reading = ledger.state.latest(moment("2023-08-31"));
    let quiet = pair("chưa báo cáo", "chưa giao");
    let begun = pair("not-started 2023-08-01", "lead Sở GTVT");
    assert_eq!(cells(&reading, NHA_TRANG), [begun, quiet.clone()]);
    let silent = pair("chưa báo cáo", "lead Sở GTVT");
    assert_eq!(cells(&reading, CAM_RANH), [silent, quiet]);
}

#[test]
fn a_cell_is_of_its_day_and_of_what_was_known() {
    let mut ledger = two_districts();
    ledger.add("2023-08-01", status(NHA_TRANG, ModelStatus::Planned));
    let before = ledger.add("2023-10-01", status(NHA_TRANG, ModelStatus::Deployed));
    // Found out in December: it was a pilot, and the district has a lead of its own since September.
    ledger.add("2023-10-01", status(NHA_TRANG, ModelStatus::Piloting));
    ledger.add("2023-09-01", leads(NHA_TRANG, &["Phòng Quản lý đô thị"]));
    let first = |as_of: &str, position| {
        let reading = ledger.state.at(moment(as_of), position);
        cells(&reading, NHA_TRANG).swap_remove(0)
    };
    let now = ledger.state.position();
    let planned = "planned 2023-08-01";
    let own = "lead Phòng Quản lý đô thị";
    assert_eq!(first("2023-08-31", now), pair(planned, "lead Sở GTVT"));
    assert_eq!(first("2023-09-30", now), pair(planned, own));
    assert_eq!(first("2023-10-31", now), pair("piloting 2023-10-01", own));
    assert_eq!(
        first("2023-10-31", before),
        pair("deployed 2023-10-01", "lead Sở GTVT")
    );
    // Before the plan there is no model.
    let reading = ledger.state.latest(moment("2023-07-03"));
    assert_eq!(reading.models_among([id(NHA_TRANG)]), []);
}

#[test]
fn a_cell_names_who_took_over_and_nobody_where_nobody_did() {
    let mut ledger = two_districts();
    let implementing = assigned(CAM_RANH, model_scope(), Role::Implementing, &["Đội 06"]);
    ledger.add("2023-07-04", implementing);
    ledger.add(
        "2025-03-01",
        succeeded(KHANH_HOA, "Sở GTVT", &["Sở Xây dựng"]),
    );
    let holder = |ledger: &Ledger, as_of: &str| {
        let reading = ledger.state.latest(moment(as_of));
        cells(&reading, CAM_RANH).swap_remove(0).1
    };
    // The lead comes first, whoever else has a role.
    assert_eq!(holder(&ledger, "2025-02-28"), "lead Sở GTVT");
    assert_eq!(holder(&ledger, "2025-03-01"), "lead Sở Xây dựng");
    ledger.add("2025-04-01", succeeded(KHANH_HOA, "Sở Xây dựng", &[]));
    assert_eq!(holder(&ledger, "2025-04-01"), "lead ");
}

#[test]
fn a_plan_of_another_province_has_its_own_columns() {
    let mut ledger = two_districts();
    ledger.add("2023-04-10", registered(HA_NOI, "Hà Nội", "", false));
    let plan = PlanAdopted {
        plan: code("HN"),
        locality: id(HA_NOI),
        document: Document::default(),
        summary: vi("Kế hoạch của Hà Nội"),
    };
    ledger.add("2023-07-04", Body::PlanAdopted(plan));
    let group = domain::event::GroupDefined {
        group: code("HN-1"),
        plan: code("HN"),
        number: 1,
        name: vi("Dịch vụ công"),
    };
    ledger.add("2023-07-04", Body::GroupDefined(group));
    ledger.add("2023-07-04", defined("HN-1.01", "HN-1", "Khám bệnh"));
    let scope = Scope::Model(code("HN-1.01"));
    ledger.add(
        "2023-07-04",
        assigned(HA_NOI, scope, Role::Lead, &["Sở Y tế"]),
    );
    let reading = ledger.state.latest(moment("2023-08-31"));
    let codes = |places: &[&str]| -> Vec<String> {
        let models = reading.models_among(places.iter().map(|place| id(place)));
        models
            .iter()
            .map(|it| it.defined.model.to_string())
            .collect()
    };
    assert_eq!(codes(&[NHA_TRANG]), [MODEL, QUIET]);
    assert_eq!(codes(&[HA_NOI]), ["HN-1.01"]);
    assert_eq!(codes(&[HA_NOI, KHANH_HOA]), ["HN-1.01", MODEL, QUIET]);
    let models = reading.models_among([id(HA_NOI), id(KHANH_HOA)]);
    let applies = |place: &str| -> Vec<bool> {
        let cells = reading.model_cells(id(place), &models);
        // A model that does not hold there has no holder either.
        assert!(
            cells
                .iter()
                .all(|cell| cell.applies || cell.holder.is_none())
        );
        cells.iter().map(|cell| cell.applies).collect()
    };
    assert_eq!(applies(HA_NOI), [true, false, false]);
    assert_eq!(applies(CAM_RANH), [false, true, true]);
}
