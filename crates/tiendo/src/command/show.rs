//! One locality as a page for people.

use std::fmt::Write as _;

use wire::v1;

use super::{
    at_line, denominator, figure_percent, finding, raw_bound, raw_count, raw_percent, raw_share,
};
use crate::output::{Cell, Output, Table, code, number, share, text};

/// The whole page.
pub(super) fn page(
    locality: &v1::Locality,
    answer: &v1::GetLocalityResponse,
    output: Output,
) -> String {
    let lang = output.lang;
    let mut page = heading(locality, output);
    let _ = writeln!(page, "{}\n", at_line(answer.at.as_ref(), output));
    section(
        &mut page,
        lang.pick("Chỉ tiêu", "Indicators"),
        &figures(locality, output),
        output,
    );
    let models = models(&locality.models, output);
    section(&mut page, lang.pick("Mô hình", "Models"), &models, output);
    if locality
        .models
        .iter()
        .any(|model| model.defined.as_ref().is_some_and(|d| d.indicative))
    {
        let note = lang.pick(
            "* tên tạm ghi theo nguồn công khai; phụ lục chính thức của kế hoạch chưa công bố",
            "* indicative name; the plan's official annex is not published",
        );
        let _ = writeln!(page, "{note}\n");
    }
    section(
        &mut page,
        lang.pick("Nhiệm vụ", "Work items"),
        &work_items(locality, output),
        output,
    );
    page.push_str(&facts(locality, output));
    let _ = write!(page, "digest {}", answer.digest);
    page
}

fn heading(locality: &v1::Locality, output: Output) -> String {
    let lang = output.lang;
    let id = locality.r#ref.clone().unwrap_or_default();
    let above: Vec<String> = locality
        .ancestors
        .iter()
        .map(|head| lang.name(head.name.as_ref()))
        .collect();
    let above = if above.is_empty() {
        String::new()
    } else {
        format!(", {}", above.join(", "))
    };
    let mut heading = format!(
        "{}{above} ({})\n",
        lang.name(locality.name.as_ref()),
        id.code
    );
    if !locality.ended.is_empty() {
        let successors: Vec<String> = locality
            .successors
            .iter()
            .filter_map(|successor| successor.locality.as_ref())
            .map(|id| id.code.clone())
            .collect();
        let ended = lang.date(&locality.ended);
        let then = match successors.is_empty() {
            true => lang
                .pick("không rõ đơn vị kế tục", "successor not known")
                .to_owned(),
            false => format!("→ {}", successors.join(", ")),
        };
        let line = lang.pick(
            format!("Chấm dứt từ {ended}, {then}"),
            format!("Ended {ended}, {then}"),
        );
        let _ = writeln!(heading, "{line}");
    }
    if let Some(origin) = &locality.origin {
        heading.push_str(&self::origin(origin, output));
    }
    heading
}

/// Where its territory comes from, and whether its series break there.
fn origin(origin: &v1::Origin, output: Output) -> String {
    let lang = output.lang;
    let names = |places: &[v1::LocalityHead]| {
        let names = places.iter().map(|head| {
            let code = head.r#ref.clone().unwrap_or_default().code;
            format!("{} ({code})", lang.name(head.name.as_ref()))
        });
        names.collect::<Vec<_>>().join(", ")
    };
    let mut lines = String::new();
    if !origin.whole.is_empty() {
        let title = lang.pick("Gồm nguyên vẹn", "Made of the whole of");
        let _ = writeln!(lines, "{title}: {}", names(&origin.whole));
    }
    if !origin.partial.is_empty() {
        let title = lang.pick("Gồm một phần", "Made of a part of");
        let _ = writeln!(lines, "{title}: {}", names(&origin.partial));
    }
    if origin.broken {
        let line = lang.pick(
            "Đứt chuỗi: số liệu trước và sau khi sắp xếp không so sánh được",
            "Break: figures from before and after cannot be compared",
        );
        let _ = writeln!(lines, "{line}");
    }
    lines
}

fn section(page: &mut String, title: &str, table: &Table, output: Output) {
    if !table.is_empty() {
        let _ = writeln!(page, "{title}\n{}\n", table.render(output.lang));
    }
}

/// A row for each quota, or for the figure where there is none.
///
/// For people the name replaces the code, and the quota's parts share a column.
pub(super) fn figures(locality: &v1::Locality, output: Output) -> Table {
    let mut table = Table::new(&[
        code("indicator", "Chỉ tiêu", "Indicator"),
        code("effective", "Tính đến", "Effective"),
        number("value", "Số lượng", "Value"),
        text("bound", "Dấu", "Bound"),
        share("percent", "Tỷ lệ", "Percent"),
        text("layer", "Cấp giao", "Quota by"),
        number("quota", "Chỉ tiêu giao", "Quota"),
        text("derived", "Mẫu số suy ra", "Derived"),
        code("deadline", "Hạn", "Deadline"),
        share("share", "Tỷ lệ đạt", "Share"),
        number("missing", "Còn thiếu", "Missing"),
        code("reached_on", "Đạt ngày", "Reached on"),
        number("days_early", "Sớm (ngày)", "Days early"),
        text("findings", "Phát hiện", "Findings"),
    ]);
    let mut shown = Table::new(&[
        text("name", "Chỉ tiêu", "Indicator"),
        code("effective", "Tính đến", "As of"),
        number("value", "Số lượng", "Value"),
        number("percent", "Tỷ lệ", "Percent"),
        code("quota", "Chỉ tiêu giao, hạn", "Quota, deadline"),
        text("standing", "Kết quả", "Standing"),
    ]);
    for standing in &locality.indicators {
        let quotas: Vec<Option<&v1::QuotaStanding>> = match standing.quotas.as_slice() {
            [] => vec![None],
            quotas => quotas.iter().map(Some).collect(),
        };
        for quota in quotas {
            let row = Row::new(standing, quota);
            shown.row(row.shown(output));
            table.row(row.raw(output));
        }
    }
    table.shown_as(shown)
}

/// A figure against a quota.
struct Row<'a> {
    standing: &'a v1::IndicatorStanding,
    quota: Option<&'a v1::QuotaStanding>,
    indicator: v1::IndicatorDefined,
    figure: v1::Figure,
    assigned: v1::QuotaAssigned,
}

impl<'a> Row<'a> {
    fn new(standing: &'a v1::IndicatorStanding, quota: Option<&'a v1::QuotaStanding>) -> Self {
        let assigned = quota.and_then(|quota| quota.quota.clone());
        Self {
            standing,
            quota,
            indicator: standing.indicator.clone().unwrap_or_default(),
            figure: standing.figure.clone().unwrap_or_default(),
            assigned: assigned.unwrap_or_default(),
        }
    }

    fn shown(&self, output: Output) -> [Cell; 6] {
        let lang = output.lang;
        let name = lang.name(self.indicator.name.as_ref());
        let mut quota = Vec::new();
        if self.quota.is_some() {
            quota.push(quota_text(&self.assigned, output));
            quota.push(lang.layer(self.assigned.layer()).to_owned());
            quota.push(lang.date(&self.assigned.deadline));
        }
        quota.retain(|part| !part.is_empty());
        let mut standing = vec![
            result(self.standing, self.quota, output),
            finding::marks(&self.figure, output),
        ];
        standing.retain(|part| !part.is_empty());
        [
            format!("{name}\n{}", self.indicator.indicator).into(),
            lang.moment(&self.figure.effective).into(),
            lang.quantity(self.figure.value.as_ref()).into(),
            figure_percent(&self.figure, output).into(),
            quota.join(", ").into(),
            standing.join("\n").into(),
        ]
    }

    fn raw(&self, output: Output) -> [Cell; 14] {
        let value = self.figure.value.as_ref();
        let of = self.assigned.denominator.clone().unwrap_or_default();
        let quota = self.quota.cloned().unwrap_or_default();
        let lang = output.lang;
        let layer = self.quota.map(|_| self.assigned.layer());
        let layer = layer.unwrap_or_default();
        let derived = match of.derived {
            true => Cell::with_raw(lang.pick("suy ra", "derived"), "derived"),
            false => Cell::default(),
        };
        [
            self.indicator.indicator.as_str().into(),
            self.figure.effective.as_str().into(),
            raw_count(value).into(),
            raw_bound(value).into(),
            raw_percent(&self.figure).into(),
            Cell::with_raw(lang.layer(layer), raw_layer(layer)),
            raw_count(of.value.as_ref()).into(),
            derived,
            self.assigned.deadline.as_str().into(),
            raw_share(quota.share_hundredths).into(),
            quota
                .missing
                .map(|missing| missing.to_string())
                .unwrap_or_default()
                .into(),
            quota.reached_on.into(),
            quota
                .days_early
                .map(|days| days.to_string())
                .unwrap_or_default()
                .into(),
            finding::raw_marks(&self.figure).into(),
        ]
    }
}

fn raw_layer(layer: v1::QuotaLayer) -> &'static str {
    match layer {
        v1::QuotaLayer::Central => "central",
        v1::QuotaLayer::Provincial => "provincial",
        v1::QuotaLayer::Commitment => "commitment",
        v1::QuotaLayer::Unspecified => "",
    }
}

/// A quota of which only the percentage is known has no number to show.
pub(super) fn quota_text(quota: &v1::QuotaAssigned, output: Output) -> String {
    match &quota.denominator {
        Some(of) if of.kind == "percent" => {
            let percent = domain::text::parse_percent(&quota.target_percent);
            percent.map_or_else(
                |_| format!("{}%", quota.target_percent),
                |percent| output.lang.percent(percent),
            )
        }
        of => denominator(of.as_ref(), output),
    }
}

fn result(
    standing: &v1::IndicatorStanding,
    quota: Option<&v1::QuotaStanding>,
    output: Output,
) -> String {
    let lang = output.lang;
    if standing.figure.is_none() {
        let declared = lang.date(&standing.declared_by);
        return match standing.declared_by.as_str() {
            "" => lang.pick("chưa có số liệu", "no figure").to_owned(),
            _ => lang.pick(
                format!("chưa có số liệu; tự cam kết xong {declared}"),
                format!("no figure; declared done by {declared}"),
            ),
        };
    }
    let Some(quota) = quota else {
        return String::new();
    };
    if !quota.reached {
        return match quota.missing {
            Some(missing) => lang.pick(
                format!("còn thiếu {}", lang.count(missing)),
                format!("{} missing", lang.count(missing)),
            ),
            None => lang.pick("chưa đạt", "not reached").to_owned(),
        };
    }
    let on = lang.date(&quota.reached_on);
    match quota.days_early {
        Some(days) if days > 0 => lang.pick(
            format!("đạt {on}, sớm {days} ngày"),
            format!("reached {on}, {days} days early"),
        ),
        Some(days) if days < 0 => lang.pick(
            format!("đạt {on}, muộn {} ngày", -days),
            format!("reached {on}, {} days late", -days),
        ),
        _ => lang.pick(format!("đạt {on}"), format!("reached {on}")),
    }
}

/// The models with their owners; for people the roles share a column.
pub(super) fn models(models: &[v1::Model], output: Output) -> Table {
    let mut table = Table::new(&[
        code("code", "Mã", "Code"),
        number("group", "Nhóm", "Group"),
        text("name", "Mô hình", "Model"),
        text("lead", "Chủ trì", "Lead"),
        text("coordinating", "Phối hợp", "Coordinating"),
        text("implementing", "Triển khai", "Implementing"),
        text("accountable", "Chịu trách nhiệm", "Accountable"),
        text("status", "Tình trạng", "Standing"),
    ]);
    let mut shown = Table::new(&[
        code("code", "Mã", "Code"),
        text("name", "Mô hình", "Model"),
        text(
            "owners",
            "Chủ trì, phối hợp, triển khai",
            "Lead, coordinating, implementing",
        ),
        code("status", "Tình trạng", "Standing"),
    ]);
    let lang = output.lang;
    for model in models {
        let defined = model.defined.clone().unwrap_or_default();
        let mark = if defined.indicative { " *" } else { "" };
        let name = format!("{}{mark}", lang.name(defined.name.as_ref()));
        let roles = [
            v1::Role::Lead,
            v1::Role::Coordinating,
            v1::Role::Implementing,
        ];
        let [lead, with, by] = roles.map(|role| in_role(model, role, output));
        let holder = model
            .owners
            .iter()
            .find(|owner| owner.role() == v1::Role::Lead);
        let accountable = holder
            .map(|lead| lead.accountable_office.clone())
            .unwrap_or_default();
        let status = lang.model_status(model.status());
        let parts = [lead.0.as_str(), accountable.as_str()];
        let lead_line = parts
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>();
        shown.row([
            defined.model.as_str().into(),
            name.as_str().into(),
            format!("{}\n{}\n{}", lead_line.join(" – "), with.0, by.0)
                .trim()
                .into(),
            status.into(),
        ]);
        table.row([
            defined.model.into(),
            model.group_number.to_string().into(),
            name.into(),
            Cell::with_raw(lead.0, lead.1),
            Cell::with_raw(with.0, with.1),
            Cell::with_raw(by.0, by.1),
            accountable.into(),
            status.into(),
        ]);
    }
    table.shown_as(shown)
}

/// Who holds a role in a model, for people and for a spreadsheet.
fn in_role(model: &v1::Model, role: v1::Role, output: Output) -> (String, String) {
    let owners = || model.owners.iter().filter(|owner| owner.role() == role);
    let shown: Vec<String> = owners().map(|owner| holders(owner, output)).collect();
    let organisations = owners().flat_map(|owner| owner.organisations.clone());
    let raw: Vec<String> = organisations.collect();
    (shown.join("; "), raw.join("; "))
}

/// Who holds a role today, and after whom, if others were appointed.
pub(super) fn holders(owner: &v1::Owner, output: Output) -> String {
    let lang = output.lang;
    let nobody = lang.pick("không còn ai", "nobody");
    let today = match owner.organisations.as_slice() {
        [] => nobody.to_owned(),
        organisations => organisations.join("; "),
    };
    if owner.succeeded_on.is_empty() {
        return today;
    }
    let mut before = owner.appointed.clone();
    before.retain(|organisation| !owner.organisations.contains(organisation));
    let (before, on) = (before.join("; "), lang.moment(&owner.succeeded_on));
    lang.pick(
        format!("{today} (kế tục {before}, {on})"),
        format!("{today} (after {before}, {on})"),
    )
}

fn work_items(locality: &v1::Locality, output: Output) -> Table {
    let mut table = Table::new(&[
        code("code", "Mã", "Code"),
        text("content", "Nội dung", "Content"),
        number("volume", "Khối lượng", "Volume"),
        text("result", "Kết quả dự kiến", "Expected result"),
        text("due", "Hạn", "Due"),
        text("responsible", "Chịu trách nhiệm", "Responsible"),
        text("standing", "Tình trạng", "Standing"),
    ]);
    let lang = output.lang;
    for item in &locality.work_items {
        let defined = item.defined.clone().unwrap_or_default();
        let standing = item_standing(item, output);
        let volume = format!(
            "{} {}",
            lang.quantity(defined.volume.as_ref()),
            defined.unit
        );
        let unstated = lang.pick(
            "chưa nêu, không đo đếm được",
            "not stated, cannot be counted",
        );
        let expected = if item.without_result {
            unstated.to_owned()
        } else {
            defined.expected_result
        };
        table.row([
            defined.work_item.into(),
            lang.name(defined.content.as_ref()).into(),
            volume.trim().to_owned().into(),
            expected.into(),
            lang.date(&item.due).into(),
            responsible(item, &defined.office, output).into(),
            standing.into(),
        ]);
    }
    table
}

/// Where a work item stands, how far it is, and what it waits for.
pub(super) fn item_standing(item: &v1::WorkItem, output: Output) -> String {
    let lang = output.lang;
    let standing = match (item.status(), item.overdue_days) {
        (v1::WorkItemStatus::Completed, _) => {
            lang.pick("xong ", "done ").to_owned() + &lang.moment(&item.completed)
        }
        (v1::WorkItemStatus::Cancelled, _) => lang.pick(
            format!("đã hủy: {}", item.cancelled_reason),
            format!("cancelled: {}", item.cancelled_reason),
        ),
        (_, days) => {
            let late = (days > 0).then(|| {
                let days_en = if days == 1 { "day" } else { "days" };
                lang.pick(
                    format!("quá hạn {days} ngày"),
                    format!("{days} {days_en} overdue"),
                )
            });
            let waits = waits_for(item).join(", ");
            let waits = (!waits.is_empty())
                .then(|| lang.pick(format!("chờ {waits}"), format!("waits for {waits}")));
            let both: Vec<String> = late.into_iter().chain(waits).collect();
            match both.as_slice() {
                [] => lang.pick("đang làm", "open").to_owned(),
                both => both.join(", "),
            }
        }
    };
    let progressed = item.progressed.clone().unwrap_or_default();
    let percent = domain::text::parse_percent(&progressed.percent);
    let done = percent.map_or_else(
        |_| lang.quantity(progressed.done.as_ref()),
        |percent| lang.percent(percent),
    );
    match (item.status(), done.as_str()) {
        (v1::WorkItemStatus::Completed | v1::WorkItemStatus::Cancelled, _) | (_, "") => standing,
        _ => lang.pick(
            format!("{standing}, được {done}"),
            format!("{standing}, {done} so far"),
        ),
    }
}

/// The work items that one waits for, which one that is done no longer does.
pub(super) fn waits_for(item: &v1::WorkItem) -> &[String] {
    match item.status() {
        v1::WorkItemStatus::Blocked => &item.blocked_by,
        _ => &[],
    }
}

/// The office, and who is responsible today; nobody is said.
pub(super) fn responsible(item: &v1::WorkItem, office: &str, output: Output) -> String {
    let nobody = output.lang.pick("không còn ai", "nobody");
    let organisations = match item.responsible.as_slice() {
        [] => nobody.to_owned(),
        organisations => organisations.join("; "),
    };
    match office {
        "" => organisations,
        office => format!("{office}, {organisations}"),
    }
}

/// Plans, campaigns, systems, orders and what was said: one line each.
fn facts(locality: &v1::Locality, output: Output) -> String {
    let lang = output.lang;
    let mut lines = String::new();
    let mut line = |title: &str, text: String| {
        let _ = writeln!(lines, "{title}: {text}");
    };
    for plan in &locality.plans {
        let adopted = plan.adopted.clone().unwrap_or_default();
        let focal: Vec<String> = plan
            .owners
            .iter()
            .flat_map(|owner| owner.organisations.clone())
            .collect();
        let focal = if focal.is_empty() {
            String::new()
        } else {
            format!(" [{}]", focal.join("; "))
        };
        let text = format!(
            "{}: {}{focal}",
            adopted.plan,
            lang.name(adopted.summary.as_ref())
        );
        line(lang.pick("Kế hoạch", "Plan"), text);
    }
    for campaign in locality
        .campaigns
        .iter()
        .filter_map(|campaign| campaign.launched.as_ref())
    {
        let groups = lang.count(campaign.working_groups.into());
        let text = lang.pick(
            format!(
                "{}: {} ngày đêm, {groups} tổ công tác ({}), {}",
                lang.name(campaign.name.as_ref()),
                campaign.days,
                campaign.members.join(", "),
                campaign.hours
            ),
            format!(
                "{}: {} days and nights, {groups} working groups ({}), {}",
                lang.name(campaign.name.as_ref()),
                campaign.days,
                campaign.members.join(", "),
                campaign.hours
            ),
        );
        line(lang.pick("Chiến dịch", "Campaign"), text);
    }
    for system in &locality.systems {
        let name = system
            .commissioned
            .as_ref()
            .and_then(|system| system.name.as_ref());
        let text = format!("{} ({})", lang.name(name), lang.moment(&system.since));
        line(lang.pick("Hệ thống dùng chung", "Shared system"), text);
    }
    for said in &locality.assessments {
        let text = said.published.as_ref().and_then(|said| said.text.as_ref());
        let text = format!("{} ({})", lang.name(text), lang.moment(&said.on));
        line(lang.pick("Đánh giá", "Assessment"), text);
    }
    for order in &locality.directives {
        let text = order.issued.as_ref().and_then(|order| order.text.as_ref());
        let text = format!("{} ({})", lang.name(text), lang.moment(&order.on));
        line(lang.pick("Chỉ đạo", "Directive"), text);
    }
    lines
}
