//! The rules to try, as text: what differs from those that are shipped, and which series are judged.

use domain::event::Judged;
use lag::{Bounds, Rules};
use serde_json::{Map, Value};
use tonic::{Code, Status};
use wire::status::in_both;

/// Longest text, in bytes.
const BYTES_MAX: usize = 64 * 1024;
/// Longest version, in characters.
const VERSION_CHARS_MAX: usize = 100;
/// Longest word or error repeated in a refusal, in characters: it travels in a header.
const SHOWN_CHARS_MAX: usize = 200;

/// What is wrong with rules, in Vietnamese and English.
type Told = (String, String);

/// Rules to try.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tried {
    pub(super) rules: Rules,
    /// Which series are judged; none if that is as the rules in force have it.
    pub(super) judged: Option<Judged>,
}

/// Reads rules; none if nothing is said.
///
/// # Errors
/// RULES_FORMAT, naming what is wrong.
pub(super) fn read(text: &str, shipped: &Rules) -> Result<Option<Tried>, Status> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    let read = said(text).and_then(|mut said| {
        let judged = said.remove("judged").map(judged).transpose()?;
        if said.contains_key("steps") {
            return Err((
                "steps không được thử: thử quy tắc cho biết vụ việc nào mở và đóng; hãy bỏ steps"
                    .to_owned(),
                "steps are not tried: a backtest says which cases open and clear; leave them out"
                    .to_owned(),
            ));
        }
        let rules = merged(shipped, said)?;
        Ok(Tried { rules, judged })
    });
    read.map(Some)
        .map_err(|(vi, en)| in_both((Code::InvalidArgument, "RULES_FORMAT"), en, vi))
}

fn said(text: &str) -> Result<Map<String, Value>, Told> {
    if text.len() > BYTES_MAX {
        let kib = BYTES_MAX / 1024;
        return Err((
            format!("lớn hơn {kib} KiB, không phải là quy tắc"),
            format!("rules are larger than {kib} KiB, which none are"),
        ));
    }
    let said: Value = serde_json::from_str(text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        (
            format!("quy tắc không phải JSON (dòng {line}, cột {column})"),
            format!("rules are no JSON: {error}"),
        )
    })?;
    let Value::Object(said) = said else {
        return Err((
            "quy tắc phải là một đối tượng JSON".to_owned(),
            "rules must be a JSON object".to_owned(),
        ));
    };
    let version = said.get("version").and_then(Value::as_str).unwrap_or("");
    let is_name = !version.trim().is_empty()
        && version.chars().count() <= VERSION_CHARS_MAX
        && !version.chars().any(char::is_control);
    if is_name {
        Ok(said)
    } else {
        Err((
            format!(
                "phải có version là chữ, từ 1 đến {VERSION_CHARS_MAX} ký tự, không có ký tự điều khiển"
            ),
            format!(
                "rules must have a version, a text of 1 to {VERSION_CHARS_MAX} characters without control characters"
            ),
        ))
    }
}

/// Which series are judged, by the names of a file of rules.
fn judged(said: Value) -> Result<Judged, Told> {
    let names = said.as_object().into_iter().flat_map(Map::keys);
    let is_other = |name: &&String| !["indicators", "levels", "layers"].contains(&name.as_str());
    let detail = match names.into_iter().find(is_other) {
        Some(name) => format!("unknown field '{}'", shown(&name.escape_debug())),
        None => match serde_json::from_value(said) {
            Ok(judged) => return Ok(judged),
            Err(error) => shown(&error),
        },
    };
    Err((
        format!("judged không đúng: {detail}"),
        format!("judged cannot be read: {detail}"),
    ))
}

fn shown(text: &dyn std::fmt::Display) -> String {
    text.to_string().chars().take(SHOWN_CHARS_MAX).collect()
}

/// The shipped rules with what is said otherwise, each wrong value by its name.
fn merged(shipped: &Rules, said: Map<String, Value>) -> Result<Rules, Told> {
    let mut whole = serde_json::to_value(shipped).map_err(|error| {
        let told = error.to_string();
        (told.clone(), told)
    })?;
    let mut rules = shipped.clone();
    for (name, value) in said {
        if whole.get(&name).is_none() {
            let name = shown(&name.escape_debug());
            return Err((
                format!("không có ngưỡng nào tên «{name}»"),
                format!("there is no threshold '{name}'"),
            ));
        }
        whole[&name] = value;
        rules = serde_json::from_value(whole.clone()).map_err(|error| {
            (
                format!("giá trị của {name} không đúng kiểu"),
                format!("{name} is of the wrong kind: {}", shown(&error)),
            )
        })?;
    }
    match rules.unusable() {
        None => Ok(rules),
        Some((name, bounds)) => {
            let (vi, en) = range(bounds);
            Err((format!("{name} phải {vi}"), format!("{name} must be {en}")))
        }
    }
}

fn range(bounds: Bounds) -> Told {
    let number = |value: f64| value.to_string().replace('.', ",");
    match bounds {
        Bounds::Above(least) => (
            format!("lớn hơn {}", number(least)),
            format!("above {least}"),
        ),
        Bounds::AtLeast(least) => (
            format!("từ {} trở lên", number(least)),
            format!("{least} or more"),
        ),
        Bounds::Between(least, most) => (
            format!("từ {} đến {}", number(least), number(most)),
            format!("from {least} to {most}"),
        ),
        Bounds::NotBelow(other) => (
            format!("không nhỏ hơn {other}"),
            format!("at least {other}"),
        ),
        Bounds::Number => ("là một số".to_owned(), "a number".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        let status = read(text, &Rules::standard()).unwrap_err();
        assert_eq!(wire::status::refusal(&status).reason, "RULES_FORMAT");
        status.message().to_owned()
    }

    #[test]
    fn what_is_left_out_is_as_shipped() {
        let shipped = Rules {
            cadence_days: 3.0,
            ..Rules::standard()
        };
        assert_eq!(read(" \n", &shipped).unwrap(), None);
        let tried = read(r#"{"version":"x","consecutive":3}"#, &shipped).unwrap();
        let expected = Rules {
            version: "x".to_owned(),
            consecutive: 3,
            ..shipped
        };
        let tried = tried.unwrap();
        assert_eq!((tried.rules, tried.judged), (expected, None));
    }

    #[test]
    fn what_is_judged_is_read_as_in_a_file() {
        let of = |judged: &str| {
            let text = format!(r#"{{"version":"x","judged":{judged}}}"#);
            read(&text, &Rules::standard()).unwrap().unwrap().judged
        };
        let found = of(r#"{"levels":["commune"],"layers":["central"]}"#).unwrap();
        assert_eq!(found.levels, [domain::Level::Commune]);
        assert_eq!(found.layers, [domain::event::QuotaLayer::Central]);
        // Said to be everything, whatever the rules in force judge.
        assert_eq!(of("{}"), Some(Judged::default()));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, expected) in [
            ("{", "no JSON"),
            ("[]", "must be a JSON object"),
            (r#"{"consecutive":3}"#, "must have a version"),
            (r#"{"version":7}"#, "must have a version"),
            (r#"{"version":"a\u0007b"}"#, "control characters"),
            (
                r#"{"version":"x","windw_days":7}"#,
                "no threshold 'windw_days'",
            ),
            (
                r#"{"version":"x","beta":"much"}"#,
                "beta is of the wrong kind",
            ),
            (
                r#"{"version":"x","p_open":0.7}"#,
                "p_clear must be at least p_open",
            ),
            (
                r#"{"version":"x","window_days":0}"#,
                "window_days must be above 0",
            ),
            (
                r#"{"version":"x","judged":{"level":["commune"]}}"#,
                "unknown field 'level'",
            ),
            (
                r#"{"version":"x","judged":{"levels":["village"]}}"#,
                "judged cannot be read",
            ),
            (r#"{"version":"x","steps":[]}"#, "steps are not tried"),
        ] {
            let found = refused(text);
            assert!(found.contains(expected), "no {expected} in {found}");
        }
        let long = format!(r#"{{"version":"{}"}}"#, "x".repeat(70_000));
        assert!(refused(&long).contains("64 KiB"));
        let wordy = format!(r#"{{"version":"x","beta":"{}"}}"#, "é".repeat(9_000));
        assert!(refused(&wordy).len() < 1_000, "it travels in a header");
    }

    #[test]
    fn what_is_wrong_is_told_in_vietnamese_too() {
        for (text, expected) in [
            ("[]", "phải là một đối tượng JSON"),
            (
                r#"{"version":"x","windw":7}"#,
                "không có ngưỡng nào tên «windw»",
            ),
            (r#"{"version":"x","p_open":1.5}"#, "p_open phải từ 0 đến 1"),
        ] {
            let status = read(text, &Rules::standard()).unwrap_err();
            let vi = wire::status::refusal(&status).vi;
            assert!(vi.contains(expected), "no {expected} in {vi}");
        }
    }
}
