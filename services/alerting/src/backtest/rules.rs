//! The rules to try, as text: what differs from those that are shipped.

use lag::{Bounds, Rules};
use serde_json::{Map, Value};
use tonic::{Code, Status};
use wire::status::with_reason;

/// Longest text, in bytes.
const BYTES_MAX: usize = 64 * 1024;
/// Longest version, in characters.
const VERSION_CHARS_MAX: usize = 100;

/// Reads rules; none if nothing is said.
///
/// # Errors
/// RULES_FORMAT, naming what is wrong.
pub(super) fn read(text: &str, shipped: &Rules) -> Result<Option<Rules>, Status> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    let read = said(text).and_then(|said| merged(shipped, said));
    read.map(Some)
        .map_err(|detail| with_reason(Code::InvalidArgument, "RULES_FORMAT", detail))
}

fn said(text: &str) -> Result<Map<String, Value>, String> {
    if text.len() > BYTES_MAX {
        let kib = BYTES_MAX / 1024;
        return Err(format!("rules are larger than {kib} KiB, which none are"));
    }
    let said: Value =
        serde_json::from_str(text).map_err(|error| format!("rules are no JSON: {error}"))?;
    let Value::Object(said) = said else {
        return Err("rules must be a JSON object".to_owned());
    };
    let version = said.get("version").and_then(Value::as_str).unwrap_or("");
    let is_name = !version.trim().is_empty()
        && version.chars().count() <= VERSION_CHARS_MAX
        && !version.chars().any(char::is_control);
    if is_name {
        Ok(said)
    } else {
        Err(format!(
            "rules must have a version, a text of 1 to {VERSION_CHARS_MAX} characters without control characters"
        ))
    }
}

/// The shipped rules with what is said otherwise, each wrong value by its name.
fn merged(shipped: &Rules, said: Map<String, Value>) -> Result<Rules, String> {
    let mut whole = serde_json::to_value(shipped).map_err(|error| error.to_string())?;
    let mut rules = shipped.clone();
    for (name, value) in said {
        let shown: String = name.escape_debug().take(60).collect();
        if whole.get(&name).is_none() {
            return Err(format!("there is no threshold '{shown}'"));
        }
        whole[&name] = value;
        rules = serde_json::from_value(whole.clone())
            .map_err(|error| format!("{shown} is of the wrong kind: {error}"))?;
    }
    match rules.unusable() {
        None => Ok(rules),
        Some((name, bounds)) => Err(format!("{name} must be {}", range(bounds))),
    }
}

fn range(bounds: Bounds) -> String {
    match bounds {
        Bounds::Above(least) => format!("above {least}"),
        Bounds::AtLeast(least) => format!("{least} or more"),
        Bounds::Between(least, most) => format!("from {least} to {most}"),
        Bounds::NotBelow(other) => format!("at least {other}"),
        Bounds::Number => "a number".to_owned(),
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
        assert_eq!(tried, Some(expected));
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
        ] {
            let found = refused(text);
            assert!(found.contains(expected), "no {expected} in {found}");
        }
        let long = format!(r#"{{"version":"{}"}}"#, "x".repeat(70_000));
        assert!(refused(&long).contains("64 KiB"));
    }
}
