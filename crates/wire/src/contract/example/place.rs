//! Examples of places, plans, models, data sets, and of who answers for them.

use domain::Body;
use domain::event::*;
use jiff::civil::date;

use super::{Error, district, document, locality, name, province, source};

pub(super) fn bodies() -> Result<Vec<Body>, Error> {
    Ok(vec![
        Body::LocalityRegistered(LocalityRegistered {
            locality: district()?,
            name: name("Thành phố Nha Trang", "Nha Trang City"),
            parent: Some(province()?),
            start_known: false,
            source: source(),
        }),
        Body::LocalityEnded(LocalityEnded {
            locality: district()?,
            successors: vec![
                Successor {
                    locality: locality("22366", date(2025, 7, 1))?,
                    extent: Extent::Partial,
                },
                Successor {
                    locality: locality("22390", date(2025, 7, 1))?,
                    extent: Extent::Full,
                },
            ],
            source: source(),
        }),
        Body::DatasetLoaded(DatasetLoaded {
            dataset: "gazetteer".parse()?,
            version: "2023-04-10".to_owned(),
            events: 11_300,
            credit: "Tổng cục Thống kê".to_owned(),
        }),
        Body::LedgerTakenOver(LedgerTakenOver {
            writer: "may-chu-2".to_owned(),
            after_position: 4_711,
            reason: "Máy chủ trước hỏng ổ đĩa".to_owned(),
        }),
    ])
}

pub(super) fn programme() -> Result<Vec<Body>, Error> {
    Ok(vec![
        Body::PlanAdopted(PlanAdopted {
            plan: "6559".parse()?,
            locality: province()?,
            document: document(),
            summary: name("31 mô hình trong 5 nhóm", "31 models in five groups"),
        }),
        Body::GroupDefined(GroupDefined {
            group: "KH-1".parse()?,
            plan: "6559".parse()?,
            number: 1,
            name: name("Nhóm dịch vụ công", "Public services"),
        }),
        Body::GroupWithdrawn(GroupWithdrawn {
            group: "KH-1".parse()?,
            reason: "Gộp vào nhóm 2".to_owned(),
            source: source(),
        }),
        Body::ModelDefined(ModelDefined {
            model: "KH-1.01".parse()?,
            group: "KH-1".parse()?,
            name: name(
                "Tiếp nhận hồ sơ bằng căn cước công dân",
                "Dossiers accepted with the citizen's identity card",
            ),
            indicative: true,
            basis: "tạm gọi theo nội dung kế hoạch".to_owned(),
            source: source(),
        }),
        Body::ModelWithdrawn(ModelWithdrawn {
            model: "KH-1.01".parse()?,
            reason: "Không còn phù hợp".to_owned(),
            source: source(),
        }),
        Body::ModelStatusChanged(ModelStatusChanged {
            model: "KH-1.01".parse()?,
            locality: district()?,
            status: ModelStatus::Piloting,
            note: "Thí điểm tại hai phường".to_owned(),
        }),
        Body::SystemCommissioned(SystemCommissioned {
            system: "lgsp".parse()?,
            locality: province()?,
            name: name(
                "Nền tảng tích hợp, chia sẻ dữ liệu",
                "Data integration platform",
            ),
            ready_to_connect: true,
            source: source(),
        }),
    ])
}

pub(super) fn owners() -> Result<Vec<Body>, Error> {
    Ok(vec![
        Body::OwnerAssigned(OwnerAssigned {
            scope: Scope::Model("KH-1.01".parse()?),
            locality: province()?,
            role: Role::Lead,
            organisations: vec!["Sở Xây dựng".to_owned()],
            accountable_office: "Giám đốc".to_owned(),
            source: source(),
            person_commitment: Some([0xa5; 32].into()),
            change: OwnerChange::Succeeded,
            from: vec!["Sở Giao thông vận tải".to_owned()],
            reason: "Sáp nhập".to_owned(),
        }),
        Body::PersonErased(PersonErased {
            appointment: 11,
            locality: province()?,
            scope: Scope::Plan("6559".parse()?),
            reason: "Theo yêu cầu của người được nêu tên".to_owned(),
        }),
        Body::OrganisationSucceeded(OrganisationSucceeded {
            locality: province()?,
            organisation: "Sở Giao thông vận tải".to_owned(),
            successors: vec!["Sở Xây dựng".to_owned()],
            change: OrganisationChange::Merged,
            document: Some(document()),
            source: source(),
        }),
    ])
}
