//! Examples of campaigns, work items, and of what leaders and documents say.

use domain::event::*;
use domain::text::{Bound, Quantity, parse_percent};
use domain::{Body, WorkItemCode};
use jiff::civil::date;

use super::{Error, district, document, name, province, source};

pub(super) fn campaigns() -> Result<Vec<Body>, Error> {
    let campaign = || "c-15".parse();
    Ok(vec![
        Body::CampaignLaunched(CampaignLaunched {
            campaign: campaign()?,
            locality: province()?,
            name: name("15 ngày đêm cao điểm", "Fifteen days and nights"),
            start: Some(date(2023, 6, 15)),
            end: Some(date(2023, 6, 30)),
            days: 15,
            working_groups: 199,
            members: vec!["Công an tỉnh".to_owned(), "Tỉnh đoàn".to_owned()],
            hours: "19:30–21:30".to_owned(),
            source: source(),
        }),
        Body::WorkingGroupFormed(WorkingGroupFormed {
            campaign: campaign()?,
            group: "to-3".parse()?,
            locality: district()?,
            name: name("Tổ số 3", "Group 3"),
            members: vec!["Công an thành phố".to_owned()],
            area: "Các chợ và bến xe".to_owned(),
            source: source(),
        }),
        Body::CampaignClosed(CampaignClosed {
            campaign: campaign()?,
            locality: province()?,
            outcome: "Kích hoạt thêm 41.200 tài khoản".to_owned(),
            source: source(),
        }),
    ])
}

pub(super) fn items() -> Result<Vec<Body>, Error> {
    let (locality, work_item) = (district()?, || "w-1".parse::<WorkItemCode>());
    let reason = || "Thiết bị về chậm".to_owned();
    Ok(vec![
        Body::WorkItemDefined(WorkItemDefined {
            work_item: work_item()?,
            locality,
            model: Some("KH-1.01".parse()?),
            content: name("Lắp máy đọc thẻ", "Install card readers"),
            volume: Some(Quantity {
                bound: Bound::AtLeast,
                value: 27,
            }),
            unit: "máy".to_owned(),
            expected_result: "27 phường, xã tiếp nhận hồ sơ bằng thẻ".to_owned(),
            start: Some(date(2023, 6, 1)),
            due: Some(date(2023, 8, 31)),
            organisation: "UBND thành phố Nha Trang".to_owned(),
            office: "Phòng Văn hóa và Thông tin".to_owned(),
            origin: WorkOrigin::New,
            depends_on: vec!["w-0".parse()?],
        }),
        Body::WorkItemProgressed(WorkItemProgressed {
            work_item: work_item()?,
            locality,
            done: Some(Quantity {
                bound: Bound::Exact,
                value: 16,
            }),
            percent: Some(parse_percent("59,3")?),
            note: "Đang lắp".to_owned(),
        }),
        Body::WorkItemRescheduled(WorkItemRescheduled {
            work_item: work_item()?,
            locality,
            start: Some(date(2023, 6, 15)),
            due: date(2023, 9, 30),
            reason: reason(),
            document: Some(document()),
        }),
        Body::WorkItemCancelled(WorkItemCancelled {
            work_item: work_item()?,
            locality,
            reason: reason(),
            document: Some(document()),
        }),
        Body::WorkItemCompleted(WorkItemCompleted {
            work_item: work_item()?,
            locality,
            evidence: "Biên bản nghiệm thu số 12".to_owned(),
        }),
    ])
}

pub(super) fn judgements() -> Result<Vec<Body>, Error> {
    Ok(vec![
        Body::ReadinessReviewed(ReadinessReviewed {
            scope: Scope::Model("KH-1.01".parse()?),
            locality: district()?,
            organisation: "Sở Thông tin và Truyền thông".to_owned(),
            present_state: "Có đường truyền, chưa có máy đọc thẻ".to_owned(),
            conditions: "27 máy đọc thẻ".to_owned(),
            readiness: Readiness::PartlyReady,
        }),
        Body::DirectiveIssued(DirectiveIssued {
            locality: province()?,
            document: document(),
            addressees: vec!["UBND cấp huyện".to_owned()],
            text: name(
                "Hoàn thành kích hoạt trước 31/7",
                "Activation is to be finished by 31 July",
            ),
            source: source(),
        }),
        Body::AssessmentPublished(AssessmentPublished {
            locality: district()?,
            indicator: Some("eid.activated-l2".parse()?),
            assessment: Assessment::Commended,
            text: name("Biểu dương thành phố Nha Trang", "Nha Trang is commended"),
            source: source(),
        }),
    ])
}
