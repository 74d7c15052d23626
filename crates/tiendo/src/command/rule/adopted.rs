//! `tiendo rule check | adopt | list | show`: rules on record, and those that are to be.

use std::path::Path;

use lag::Rules;
use serde_json::json;
use wire::v1;

use super::super::{at_line, read_at, record, told};
use super::rules::{self, File};
use crate::Failure;
use crate::cli::{At, RuleAdopt};
use crate::client::Clients;
use crate::fail::NOT_FOUND;
use crate::lang::Lang;
use crate::output::{Output, Table, code, number, text};
use crate::pages;

/// Who asks whether rules could be adopted; nothing is recorded under it.
const ASKED_BY: &str = "tiendo rule check";

/// What the rules in force are compared with.
struct Current {
    rules: v1::RulesAdopted,
    /// Whether nobody adopted them.
    is_shipped: bool,
    at: Option<v1::AnsweredAt>,
}

/// Says everything that is wrong with a file, and in what it differs from the rules in force.
pub(super) async fn check(file: &Path, clients: &Clients, output: Output) -> Result<(), Failure> {
    let lang = output.lang;
    let rules = message(rules::file(file, lang)?, ASKED_BY);
    let current = current(At::default(), clients, output).await?;
    let event = v1::Event {
        actor: Some(v1::Actor {
            organisation: ASKED_BY.to_owned(),
            office: ASKED_BY.to_owned(),
        }),
        effective: current.at.clone().unwrap_or_default().as_of,
        body: Some(v1::event::Body::RulesAdopted(rules.clone())),
        ..Default::default()
    };
    let request = v1::RecordRequest {
        event: Some(event),
        validate_only: true,
        ..Default::default()
    };
    let answer = clients.ingest().await?.record(request).await;
    answer.map_err(told(output))?;
    let mut table = Table::new(&[
        code("name", "Tên", "Name"),
        text("in_force", "Đang có hiệu lực", "In force"),
        text("file", "Trong tệp", "In the file"),
    ]);
    let differing = differing(&current.rules, &rules);
    for (name, before, after) in &differing {
        table.row([
            name.as_str().into(),
            before.as_str().into(),
            after.as_str().into(),
        ]);
    }
    let names = differing.iter();
    let value = json!({
        "version": rules.version,
        "in_force": current.rules.version,
        "differences": names
            .map(|(name, in_force, file)| json!({"name": name, "in_force": in_force, "file": file}))
            .collect::<Vec<_>>(),
    });
    let (version, in_force) = (&rules.version, &current.rules.version);
    let count = differing.len();
    let head = lang.pick(
        format!("Quy tắc «{version}» hợp lệ; khác quy tắc đang có hiệu lực «{in_force}» ở {count} điểm"),
        format!("The rules '{version}' can be adopted; they differ from those in force, '{in_force}', in {count} points"),
    );
    output.report(&value, &head, &table)
}

/// Records that the rules of a file hold.
pub(super) async fn adopt(
    adopt: RuleAdopt,
    clients: &Clients,
    output: Output,
) -> Result<(), Failure> {
    let rules = message(rules::file(&adopt.file, output.lang)?, &adopt.reason);
    record::rules(adopt.fact, rules, clients, output).await
}

/// The adoptions, those that hold first.
pub(super) async fn list(at: At, clients: &Clients, output: Output) -> Result<(), Failure> {
    let answer = adoptions(String::new(), at, usize::MAX, clients, output).await?;
    let lang = output.lang;
    let mut table = Table::new(&[
        code("version", "Phiên bản", "Version"),
        text("since", "Từ", "Since"),
        text("in_force", "Có hiệu lực", "In force"),
        text("reason", "Lý do", "Reason"),
        text("organisation", "Cơ quan", "Organisation"),
        text("office", "Đơn vị", "Office"),
        number("position", "Vị trí", "Position"),
        text("known", "Ghi sổ lúc", "Known"),
    ]);
    for entry in &answer.rules {
        let adopted = entry.adopted.clone().unwrap_or_default();
        let recorded = entry.recorded.clone().unwrap_or_default();
        let actor = recorded.actor.unwrap_or_default();
        let in_force = lang.pick("có", "yes");
        table.row([
            adopted.version.into(),
            lang.moment(&entry.since).into(),
            if entry.in_force { in_force } else { "" }.into(),
            adopted.reason.into(),
            actor.organisation.into(),
            actor.office.into(),
            recorded.position.to_string().into(),
            lang.instant(recorded.known.as_ref()).into(),
        ]);
    }
    let mut head = at_line(answer.at.as_ref(), output);
    if answer.rules.is_empty() {
        head = format!("{head}\n{}", none_adopted(lang));
    }
    output.answer("ListRulesResponse", &answer, &head, &table)
}

/// What a version says, or the rules in force.
pub(super) async fn show(
    version: Option<String>,
    at: At,
    clients: &Clients,
    output: Output,
) -> Result<(), Failure> {
    let lang = output.lang;
    let shipped = shipped();
    let wanted = version
        .clone()
        .filter(|version| *version != shipped.version);
    let named = wanted.clone().unwrap_or_default();
    let mut answer = match version.is_some() && wanted.is_none() {
        true => v1::ListRulesResponse::default(),
        false => adoptions(named, at, 1, clients, output).await?,
    };
    if let (Some(version), true) = (&wanted, answer.rules.is_empty()) {
        let text = lang.pick(
            format!(
                "chưa ai ban hành quy tắc «{version}»; «rule list» cho thấy những quy tắc đã có"
            ),
            format!("nobody adopted rules '{version}'; `rule list` shows those on record"),
        );
        return Err(Failure::new(NOT_FOUND, text));
    }
    let mut head = at_line(answer.at.as_ref(), output);
    match answer.rules.first() {
        Some(entry) => head = format!("{head}\n{}", provenance(entry, lang)),
        None => {
            head = format!("{head}\n{}", none_adopted(lang))
                .trim_start()
                .to_owned();
            answer.rules.push(v1::RulesOnRecord {
                adopted: Some(shipped.clone()),
                in_force: version.is_none(),
                ..Default::default()
            });
        }
    }
    let shown = answer.rules.first().and_then(|entry| entry.adopted.clone());
    let shown = shown.unwrap_or_default();
    let mut table = Table::new(&[
        code("name", "Tên", "Name"),
        text("value", "Giá trị", "Value"),
        text("shipped", "Mặc định", "Shipped"),
    ]);
    for (name, value, shipped) in beside(&shown, &shipped) {
        table.row([name.into(), value.into(), shipped.into()]);
    }
    output.answer("ListRulesResponse", &answer, &head, &table)
}

/// By whom, since when and why.
fn provenance(entry: &v1::RulesOnRecord, lang: Lang) -> String {
    let adopted = entry.adopted.clone().unwrap_or_default();
    let recorded = entry.recorded.clone().unwrap_or_default();
    let actor = recorded.actor.clone().unwrap_or_default();
    let (version, reason) = (&adopted.version, &adopted.reason);
    let since = lang.moment(&entry.since);
    let (organisation, office) = (&actor.organisation, &actor.office);
    let position = lang.count(recorded.position);
    let until = match entry.in_force {
        true => lang.pick("đang có hiệu lực", "in force"),
        false => lang.pick("không còn hiệu lực", "not in force"),
    };
    lang.pick(
        format!("Quy tắc «{version}», {until}, từ {since}; {organisation} ({office}), vị trí {position}: {reason}"),
        format!("Rules '{version}', {until}, since {since}; {organisation} ({office}), position {position}: {reason}"),
    )
}

fn none_adopted(lang: Lang) -> &'static str {
    lang.pick(
        "Chưa có quy tắc nào có hiệu lực; dịch vụ đánh giá theo quy tắc mặc định",
        "No adopted rules are in force; services judge by the shipped ones",
    )
}

/// The rules in force at two times; the shipped ones if none were adopted.
pub(super) async fn in_force(
    at: At,
    clients: &Clients,
    output: Output,
) -> Result<(v1::RulesAdopted, String, Option<v1::AnsweredAt>), Failure> {
    let current = current(at, clients, output).await?;
    let told = match current.is_shipped {
        true => none_adopted(output.lang).to_owned(),
        false => output.lang.pick(
            format!("Quy tắc đang có hiệu lực: {}", current.rules.version),
            format!("Rules in force: {}", current.rules.version),
        ),
    };
    Ok((current.rules, told, current.at))
}

async fn current(at: At, clients: &Clients, output: Output) -> Result<Current, Failure> {
    let answer = adoptions(String::new(), at, 1, clients, output).await?;
    let first = answer.rules.into_iter().next();
    let adopted = first.and_then(|entry| entry.adopted);
    Ok(Current {
        is_shipped: adopted.is_none(),
        rules: adopted.unwrap_or_else(shipped),
        at: answer.at,
    })
}

async fn adoptions(
    version: String,
    at: At,
    limit: usize,
    clients: &Clients,
    output: Output,
) -> Result<v1::ListRulesResponse, Failure> {
    let request = v1::ListRulesRequest {
        version,
        at: read_at(at),
        ..Default::default()
    };
    let mut client = clients.query().await?;
    let ask = async |request| client.list_rules(request).await;
    pages::all(request, limit, ask).await.map_err(told(output))
}

/// The rules by which services judge until others are adopted.
fn shipped() -> v1::RulesAdopted {
    let file = File {
        rules: Rules::standard(),
        judged: None,
        steps: None,
    };
    message(file, "")
}

/// What a file says, as it is recorded.
fn message(file: File, reason: &str) -> v1::RulesAdopted {
    let File {
        rules,
        judged,
        steps,
    } = file;
    let steps = steps.unwrap_or_else(alerting::shipped_steps);
    let judged = judged.filter(|judged| !judged.is_all());
    let judged = judged.map(|judged| wire::event::judged(&judged));
    // Whatever is out of range, the service says so.
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let thresholds = v1::Thresholds {
        window_days: rules.window_days.to_string(),
        beta: rules.beta.to_string(),
        average_factor: rules.average_factor.to_string(),
        early_reports: count(rules.early_reports),
        early_days: rules.early_days.to_string(),
        plan_red: rules.plan_red.to_string(),
        plan_amber: rules.plan_amber.to_string(),
        cadence_days: rules.cadence_days.to_string(),
        p_open: rules.p_open.to_string(),
        p_clear: rules.p_clear.to_string(),
        consecutive: rules.consecutive,
        residuals_min: count(rules.residuals_min),
        band_miss: rules.band_miss.to_string(),
        due_soon_days: rules.due_soon_days,
        stall_z: rules.stall_z.to_string(),
        funnel_z: rules.funnel_z.to_string(),
        declared_quantile: rules.declared_quantile.to_string(),
    };
    v1::RulesAdopted {
        version: rules.version,
        reason: reason.to_owned(),
        thresholds: Some(thresholds),
        judged,
        steps: steps.iter().map(wire::event::step).collect(),
    }
}

/// What rules say, by name, as a file writes it.
fn said(rules: &v1::RulesAdopted) -> Vec<(String, String)> {
    let thresholds = rules.thresholds.clone().unwrap_or_default();
    let judged = rules.judged.clone().unwrap_or_default();
    let joined = |numbers: &[u32]| {
        let numbers: Vec<String> = numbers.iter().map(u32::to_string).collect();
        numbers.join(", ")
    };
    let levels = judged
        .levels()
        .map(|level| word(level.as_str_name(), "LEVEL_"));
    let layers = judged
        .layers()
        .map(|layer| word(layer.as_str_name(), "QUOTA_LAYER_"));
    let named = [
        ("window_days", thresholds.window_days),
        ("beta", thresholds.beta),
        ("average_factor", thresholds.average_factor),
        ("early_reports", thresholds.early_reports.to_string()),
        ("early_days", thresholds.early_days),
        ("plan_red", thresholds.plan_red),
        ("plan_amber", thresholds.plan_amber),
        ("cadence_days", thresholds.cadence_days),
        ("p_open", thresholds.p_open),
        ("p_clear", thresholds.p_clear),
        ("consecutive", thresholds.consecutive.to_string()),
        ("residuals_min", thresholds.residuals_min.to_string()),
        ("band_miss", thresholds.band_miss),
        ("due_soon_days", joined(&thresholds.due_soon_days)),
        ("stall_z", thresholds.stall_z),
        ("funnel_z", thresholds.funnel_z),
        ("declared_quantile", thresholds.declared_quantile),
        ("judged.indicators", judged.indicators.join(", ")),
        ("judged.levels", levels.collect::<Vec<_>>().join(", ")),
        ("judged.layers", layers.collect::<Vec<_>>().join(", ")),
    ];
    let named = named
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value));
    let steps = rules.steps.iter().map(|step| {
        let name = step.name.clone().unwrap_or_default().vi;
        let tells = step
            .tells()
            .map(|told| word(told.as_str_name(), "RECIPIENT_"));
        let tells = tells.collect::<Vec<_>>().join(", ");
        let (after, reply) = (step.after_days, step.reply_days);
        let said = format!("{name}; after_days {after}; reply_days {reply}; tells {tells}");
        (format!("steps[{}]", step.number), said)
    });
    named.chain(steps).collect()
}

/// A constant as a file writes it.
fn word(constant: &str, prefix: &str) -> String {
    let name = constant.strip_prefix(prefix).unwrap_or(constant);
    name.to_ascii_lowercase()
}

/// What two rules say, by name; empty where one says nothing.
fn beside(one: &v1::RulesAdopted, other: &v1::RulesAdopted) -> Vec<(String, String, String)> {
    let (one, other) = (said(one), said(other));
    let of = |said: &[(String, String)], name: &str| {
        let found = said.iter().find(|(named, _)| named == name);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let only_other = other
        .iter()
        .filter(|(name, _)| one.iter().all(|(named, _)| named != name));
    let names = one.iter().chain(only_other).map(|(name, _)| name);
    names
        .map(|name| (name.clone(), of(&one, name), of(&other, name)))
        .collect()
}

fn differing(before: &v1::RulesAdopted, after: &v1::RulesAdopted) -> Vec<(String, String, String)> {
    let mut all = beside(before, after);
    all.retain(|(_, before, after)| before != after);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shipped_is_told_whole_and_differs_from_itself_in_nothing() {
        let shipped = shipped();
        let names = said(&shipped);
        assert_eq!(names.len(), 20 + shipped.steps.len());
        let of = |name: &str| names.iter().find(|it| it.0 == name).map(|it| it.1.as_str());
        assert_eq!((of("p_open"), of("beta")), (Some("0.3"), Some("1400")));
        assert_eq!(of("due_soon_days"), Some("7, 3, 1"));
        let step = "Nhắc; after_days 0; reply_days 7; tells unit";
        assert_eq!(of("steps[1]"), Some(step));
        assert!(differing(&shipped, &shipped).is_empty());
    }

    #[test]
    fn what_only_one_of_two_says_is_a_difference() {
        let shipped = shipped();
        let mut other = shipped.clone();
        other.steps.pop();
        other.judged = Some(v1::JudgedSeries {
            levels: vec![v1::Level::Commune as i32],
            ..Default::default()
        });
        let names = |one, other| -> Vec<String> {
            let differing = differing(one, other).into_iter();
            differing.map(|(name, ..)| name).collect()
        };
        assert_eq!(names(&shipped, &other), ["judged.levels", "steps[6]"]);
        assert_eq!(names(&other, &shipped), ["judged.levels", "steps[6]"]);
    }
}
