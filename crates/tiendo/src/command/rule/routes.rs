//! `tiendo rule routes`: who would be told of a case in a place, step by step.

use prost_types::FieldMask;
use serde_json::{Value, json};
use wire::v1;

use super::super::{read_at, told};
use super::adopted;
use crate::Failure;
use crate::cli::{At, RuleRoutes};
use crate::client::Clients;
use crate::lang::Lang;
use crate::output::{Output, Table, code, number, text};

/// A place with those above it, nearest first, as of one day.
struct Line {
    code: String,
    level: i32,
    name: v1::Name,
    above: Vec<v1::LocalityHead>,
}

/// A place that a step tells.
#[derive(Debug, Clone, PartialEq)]
struct Told {
    code: String,
    name: v1::Name,
}

pub(super) async fn run(
    wanted: RuleRoutes,
    clients: &Clients,
    output: Output,
) -> Result<(), Failure> {
    let lang = output.lang;
    let (rules, which, at) = adopted::in_force(wanted.at.clone(), clients, output).await?;
    // Both answers speak of one position and one day.
    let at = at.unwrap_or_default();
    let same = At {
        as_of: Some(at.as_of.clone()),
        known_at: Some(at.position.to_string()),
    };
    let line = line(&wanted.code, same, clients, output).await?;
    let place = lang.name(Some(&line.name));
    let as_of = lang.moment(&at.as_of);
    let mut head = lang.pick(
        format!("{place} ({}), tính đến {as_of}\n{which}", line.code),
        format!("{place} ({}), as of {as_of}\n{which}", line.code),
    );
    let indicator = wanted.indicator.as_deref();
    let judged = rules.judged.clone().unwrap_or_default();
    let is_judged = is_judged(&judged, indicator, line.level);
    let steps: &[v1::LadderStep] = if is_judged { &rules.steps } else { &[] };
    if !is_judged {
        let not = lang.pick(
            "Quy tắc này không đánh giá nơi hoặc chỉ tiêu này, nên không ai nhận thông báo",
            "These rules do not judge this place or indicator, so nobody is told",
        );
        head = format!("{head}\n{not}");
    }
    let value = json!({
        "code": line.code,
        "as_of": at.as_of,
        "position": at.position,
        "version": rules.version,
        "judged": is_judged,
        "steps": days(steps)
            .map(|(step, day)| shown(step, day, &line))
            .collect::<Vec<_>>(),
    });
    output.report(&value, &head, &table(steps, &line, lang))
}

async fn line(code: &str, at: At, clients: &Clients, output: Output) -> Result<Line, Failure> {
    let paths = ["ref", "level", "name", "ancestors"].map(|path| format!("locality.{path}"));
    let request = v1::GetLocalityRequest {
        code: code.to_owned(),
        at: read_at(at),
        read_mask: Some(FieldMask {
            paths: paths.into(),
        }),
    };
    let answer = clients.query().await?.get_locality(request).await;
    let answer = answer.map_err(told(output))?.into_inner();
    let locality = answer.locality.unwrap_or_default();
    Ok(Line {
        code: locality.r#ref.unwrap_or_default().code,
        level: locality.level,
        name: locality.name.unwrap_or_default(),
        above: locality.ancestors,
    })
}

/// Whether rules judge an indicator, or any, in a place of a level.
fn is_judged(judged: &v1::JudgedSeries, indicator: Option<&str>, level: i32) -> bool {
    let is_named = |code: &str| judged.indicators.iter().any(|named| named == code);
    (judged.levels.is_empty() || judged.levels.contains(&level))
        && (judged.indicators.is_empty() || indicator.is_none_or(is_named))
}

/// The places that a step tells, each once.
fn tells(step: &v1::LadderStep, line: &Line) -> Vec<Told> {
    let own = || Told {
        code: line.code.clone(),
        name: line.name.clone(),
    };
    let of = |head: &v1::LocalityHead| Told {
        code: head.r#ref.clone().unwrap_or_default().code,
        name: head.name.clone().unwrap_or_default(),
    };
    let mut told: Vec<Told> = Vec::new();
    for recipient in step.tells() {
        // A province has nobody above it, and is its own.
        let place = match recipient {
            v1::Recipient::Unspecified => continue,
            v1::Recipient::Unit => own(),
            v1::Recipient::Parent => line.above.first().map_or_else(own, of),
            v1::Recipient::Province => line.above.last().map_or_else(own, of),
        };
        if !told.contains(&place) {
            told.push(place);
        }
    }
    told
}

/// The steps with the earliest day after the opening of the case on which each is taken.
fn days(steps: &[v1::LadderStep]) -> impl Iterator<Item = (&v1::LadderStep, u64)> {
    steps.iter().scan(0, |day, step| {
        *day += u64::from(step.after_days);
        Some((step, *day))
    })
}

fn shown(step: &v1::LadderStep, day: u64, line: &Line) -> Value {
    let name = step.name.clone().unwrap_or_default();
    let told = tells(step, line).into_iter();
    let told = told
        .map(|told| json!({"code": told.code, "name": {"vi": told.name.vi, "en": told.name.en}}));
    json!({
        "number": step.number,
        "name": {"vi": name.vi, "en": name.en},
        "day": day,
        "reply_days": step.reply_days,
        "tells": told.collect::<Vec<_>>(),
    })
}

fn table(steps: &[v1::LadderStep], line: &Line, lang: Lang) -> Table {
    let mut table = Table::new(&[
        number("step", "Bước", "Step"),
        text("name", "Tên", "Name"),
        number("day", "Ngày thứ", "Day"),
        number("reply_days", "Hạn trả lời (ngày)", "Days to answer"),
        code("codes", "Mã", "Codes"),
        text("tells", "Ai được báo", "Who is told"),
    ]);
    for (step, day) in days(steps) {
        let told = tells(step, line);
        let codes: Vec<&str> = told.iter().map(|told| told.code.as_str()).collect();
        let names: Vec<String> = told
            .iter()
            .map(|told| lang.name(Some(&told.name)))
            .collect();
        let reply = match step.reply_days {
            0 => String::new(),
            days => days.to_string(),
        };
        table.row([
            step.number.to_string().into(),
            lang.name(step.name.as_ref()).into(),
            day.to_string().into(),
            reply.into(),
            codes.join(" ").into(),
            names.join("; ").into(),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(vi: &str) -> v1::Name {
        v1::Name {
            vi: vi.to_owned(),
            en: String::new(),
        }
    }

    fn above(code: &str) -> v1::LocalityHead {
        let since = "2023-04-10".to_owned();
        let code = code.to_owned();
        v1::LocalityHead {
            name: Some(name(&code)),
            r#ref: Some(v1::LocalityRef { code, since }),
            ..Default::default()
        }
    }

    fn line(code: &str, above_it: &[&str]) -> Line {
        Line {
            code: code.to_owned(),
            level: v1::Level::Commune as i32,
            name: name(code),
            above: above_it.iter().map(|code| above(code)).collect(),
        }
    }

    fn step(after_days: u32, tells: &[v1::Recipient]) -> v1::LadderStep {
        v1::LadderStep {
            after_days,
            tells: tells.iter().map(|told| *told as i32).collect(),
            ..Default::default()
        }
    }

    #[test]
    fn a_step_tells_each_place_of_the_line_once() {
        use v1::Recipient::{Parent, Province, Unit};
        let codes = |line: &Line| -> Vec<String> {
            let told = tells(&step(0, &[Unit, Parent, Province]), line);
            told.into_iter().map(|told| told.code).collect()
        };
        assert_eq!(
            codes(&line("22366", &["568", "56"])),
            ["22366", "568", "56"]
        );
        assert_eq!(codes(&line("22366", &["56"])), ["22366", "56"]);
        assert_eq!(codes(&line("56", &[])), ["56"]);
    }

    #[test]
    fn the_day_of_a_step_counts_from_the_opening() {
        let steps = [step(0, &[]), step(7, &[]), step(14, &[])];
        let days: Vec<u64> = days(&steps).map(|(_, day)| day).collect();
        assert_eq!(days, [0, 7, 21]);
    }

    #[test]
    fn without_an_indicator_any_that_is_judged_counts() {
        let commune = v1::Level::Commune as i32;
        let judged = v1::JudgedSeries {
            indicators: vec!["eid".to_owned()],
            levels: vec![commune],
            ..Default::default()
        };
        assert!(is_judged(&judged, None, commune));
        assert!(is_judged(&judged, Some("eid"), commune));
        assert!(!is_judged(&judged, Some("cccd"), commune));
        assert!(!is_judged(&judged, Some("eid"), v1::Level::Province as i32));
        assert!(is_judged(
            &v1::JudgedSeries::default(),
            Some("cccd"),
            commune
        ));
    }
}
