//! One locality as a page for people.

use std::fmt::Write as _;

use wire::v1;

use super::{at_line, denominator, figure_percent, raw_bound, raw_count, raw_percent, raw_share};
use crate::output::{Cell, Output, Table, code, number, text};

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
    heading
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
    let mut table = Table::raw([
        "indicator",
        "effective",
        "value",
        "bound",
        "percent",
        "layer",
        "quota",
        "derived",
        "deadline",
        "share",
        "missing",
        "reached_on",
        "days_early",
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
            table.row(row.raw());
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
        [
            format!("{name}\n{}", self.indicator.indicator).into(),
            lang.moment(&self.figure.effective).into(),
            lang.quantity(self.figure.value.as_ref()).into(),
            figure_percent(&self.figure, output).into(),
            quota.join(", ").into(),
            result(self.standing, self.quota, output).into(),
        ]
    }

    fn raw(&self) -> [Cell; 13] {
        let value = self.figure.value.as_ref();
        let of = self.assigned.denominator.clone().unwrap_or_default();
        let quota = self.quota.cloned().unwrap_or_default();
        let layer = self.quota.map_or("", |_| raw_layer(self.assigned.layer()));
        let derived = if of.derived { "derived" } else { "" };
        [
            self.indicator.indicator.as_str().into(),
            self.figure.effective.as_str().into(),
            raw_count(value).into(),
            raw_bound(value).into(),
            raw_percent(&self.figure).into(),
            layer.into(),
            raw_count(of.value.as_ref()).into(),
            derived.into(),
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
fn quota_text(quota: &v1::QuotaAssigned, output: Output) -> String {
    match &quota.denominator {
        Some(of) if of.kind == "percent" => format!("{}%", quota.target_percent),
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
    let mut table = Table::raw([
        "code",
        "group",
        "name",
        "lead",
        "coordinating",
        "implementing",
        "accountable",
        "status",
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
        let in_role = |role| {
            let owners = model.owners.iter().filter(|owner| owner.role() == role);
            let organisations = owners.flat_map(|owner| owner.organisations.clone());
            organisations.collect::<Vec<_>>().join("; ")
        };
        let (lead, with, by) = (
            in_role(v1::Role::Lead),
            in_role(v1::Role::Coordinating),
            in_role(v1::Role::Implementing),
        );
        let holder = model
            .owners
            .iter()
            .find(|owner| owner.role() == v1::Role::Lead);
        let accountable = holder
            .map(|lead| lead.accountable_office.clone())
            .unwrap_or_default();
        let status = lang.model_status(model.status());
        let parts = [lead.as_str(), accountable.as_str()];
        let lead_line = parts
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>();
        shown.row([
            defined.model.as_str().into(),
            name.as_str().into(),
            format!("{}\n{with}\n{by}", lead_line.join(" – "))
                .trim()
                .into(),
            status.into(),
        ]);
        table.row([
            defined.model.into(),
            model.group_number.to_string().into(),
            name.into(),
            lead.into(),
            with.into(),
            by.into(),
            accountable.into(),
            status.into(),
        ]);
    }
    table.shown_as(shown)
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
        let standing = match (item.completed.as_str(), item.overdue_days) {
            ("", 0) => lang.pick("đang làm", "open").to_owned(),
            ("", days) => lang.pick(
                format!("quá hạn {days} ngày"),
                format!("{days} days overdue"),
            ),
            (done, _) => lang.pick("xong ", "done ").to_owned() + &lang.moment(done),
        };
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
            lang.date(&defined.due).into(),
            format!("{}, {}", defined.office, defined.organisation).into(),
            standing.into(),
        ]);
    }
    table
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
