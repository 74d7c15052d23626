//! A file of rules, and the system's words in both languages.

use std::io::{ErrorKind, Read as _};
use std::path::Path;

use domain::event::{Judged, Name, QuotaLayer, Recipient, Step};
use domain::{IndicatorCode, Level};
use lag::{Bounds, Rules};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::Failure;
use crate::fail::{FAILED, REFUSED};
use crate::lang::Lang;

/// Largest file of rules, in bytes.
const BYTES_MAX: u64 = 64 * 1024;
/// Longest version, in characters.
const VERSION_CHARS_MAX: usize = 100;

/// What is wrong with a file of rules, in both languages.
type Told = (String, String);

/// What a file of rules says.
#[derive(Debug)]
pub(super) struct File {
    /// The shipped thresholds with what it says otherwise, not yet held against their ranges.
    pub(super) rules: Rules,
    /// Which series are judged, if it says so.
    pub(super) judged: Option<Judged>,
    /// The ladder, if it has one.
    pub(super) steps: Option<Vec<Step>>,
}

/// The shipped rules, or those with what a file says otherwise; of its thresholds every one can be reckoned with.
pub(super) fn read(file: Option<&Path>, lang: Lang) -> Result<File, Failure> {
    let Some(file) = file else {
        return Ok(File {
            rules: Rules::standard(),
            judged: None,
            steps: None,
        });
    };
    let said = self::file(file, lang)?;
    match said.rules.unusable() {
        None => Ok(said),
        Some((name, bounds)) => {
            let (vi, en) = range(bounds);
            let told = (format!("{name} phải {vi}"), format!("{name} must be {en}"));
            Err(wrong(file, vec![told], lang))
        }
    }
}

/// What a file says, or everything for which that cannot be told.
pub(super) fn file(file: &Path, lang: Lang) -> Result<File, Failure> {
    let one = |told: Told| wrong(file, vec![told], lang);
    let text = text(file).map_err(one)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let mut said = object(text).map_err(one)?;
    let mut problems = Vec::new();
    let judged = taken::<JudgedSaid>("judged", &mut said, &mut problems);
    let steps = taken::<Vec<StepSaid>>("steps", &mut said, &mut problems);
    let standard = serde_json::to_value(Rules::standard());
    let standard = standard.map_err(|error| Failure::caused(FAILED, &error))?;
    let rules = merged(standard, said, &mut problems);
    match rules {
        Some(rules) if problems.is_empty() => Ok(File {
            rules,
            judged: judged.map(Judged::from),
            steps: steps.map(numbered),
        }),
        _ => Err(wrong(file, problems, lang)),
    }
}

/// What a file says that a backtest passes over, in words; over a file of series nobody knows which are judged.
pub(super) fn passed_over(said: &File, is_of_series: bool, lang: Lang) -> Option<String> {
    let parts = [
        ("judged", is_of_series && said.judged.is_some()),
        ("steps", said.steps.is_some()),
    ];
    let parts: Vec<&str> = parts.iter().filter(|it| it.1).map(|it| it.0).collect();
    if parts.is_empty() {
        return None;
    }
    let parts = parts.join(", ");
    Some(lang.pick(
        format!("Không thử phần {parts} của tệp quy tắc: ở đây chỉ thử xem vụ việc nào mở và đóng"),
        format!(
            "Not tried of the file of rules: {parts}; a backtest tries which cases open and clear"
        ),
    ))
}

fn wrong(file: &Path, problems: Vec<Told>, lang: Lang) -> Failure {
    let said = problems.into_iter().map(|(vi, en)| lang.pick(vi, en));
    let said: Vec<String> = said.collect();
    let text = format!("{}: {} [RULES_FORMAT]", file.display(), said.join("; "));
    Failure::new(REFUSED, text)
}

/// Which series are judged, as a file says it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct JudgedSaid {
    indicators: Vec<IndicatorCode>,
    levels: Vec<Level>,
    layers: Vec<QuotaLayer>,
}

impl From<JudgedSaid> for Judged {
    fn from(said: JudgedSaid) -> Self {
        let JudgedSaid {
            indicators,
            levels,
            layers,
        } = said;
        Self {
            indicators,
            levels,
            layers,
        }
    }
}

/// A step of the ladder, as a file says it; its number is its place in the list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct StepSaid {
    vi: String,
    #[serde(default)]
    en: String,
    after_days: u32,
    #[serde(default)]
    reply_days: u32,
    tells: Vec<Recipient>,
}

fn numbered(said: Vec<StepSaid>) -> Vec<Step> {
    let step = |(said, number): (StepSaid, u32)| Step {
        number,
        name: Name {
            vi: said.vi,
            en: said.en,
        },
        after_days: said.after_days,
        reply_days: said.reply_days,
        tells: said.tells,
    };
    said.into_iter().zip(1..).map(step).collect()
}

/// A part of the file that is no threshold; none if it is not there, or noted as a problem.
fn taken<T: DeserializeOwned>(
    name: &str,
    said: &mut Map<String, Value>,
    problems: &mut Vec<Told>,
) -> Option<T> {
    let read = serde_json::from_value(said.remove(name)?);
    read.map_err(|error| {
        problems.push((
            format!("{name} không đúng: {error}"),
            format!("{name} cannot be read: {error}"),
        ));
    })
    .ok()
}

fn text(file: &Path) -> Result<String, Told> {
    let mut text = String::new();
    let read = std::fs::File::open(file)
        .and_then(|file| file.take(BYTES_MAX + 1).read_to_string(&mut text));
    read.map_err(|error| {
        let [vi, en] = [Lang::Vi, Lang::En].map(|lang| words(&error, lang));
        (
            format!("không đọc được: {vi}"),
            format!("cannot be read: {en}"),
        )
    })?;
    if text.len() as u64 > BYTES_MAX {
        let kib = BYTES_MAX / 1024;
        return Err((
            format!("lớn hơn {kib} KiB, không phải là tệp quy tắc"),
            format!("is larger than {kib} KiB, which no file of rules is"),
        ));
    }
    Ok(text)
}

fn object(text: &str) -> Result<Map<String, Value>, Told> {
    let said: Value = serde_json::from_str(text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        (
            format!("không phải JSON (dòng {line}, cột {column})"),
            format!("is no JSON: {error}"),
        )
    })?;
    let Value::Object(said) = said else {
        return Err((
            "phải là một đối tượng JSON".into(),
            "must be a JSON object".into(),
        ));
    };
    let version = match said.get("version") {
        None => {
            return Err((
                "phải có version, là tên của quy tắc".into(),
                "must have a version, which names the rules".into(),
            ));
        }
        Some(version) => version.as_str().unwrap_or(""),
    };
    let is_long = version.chars().count() > VERSION_CHARS_MAX;
    if version.trim().is_empty() || is_long || version.chars().any(char::is_control) {
        return Err((
            format!(
                "version phải là chữ, từ 1 đến {VERSION_CHARS_MAX} ký tự, không có ký tự điều khiển"
            ),
            format!(
                "version must be a text of 1 to {VERSION_CHARS_MAX} characters without control characters"
            ),
        ));
    }
    Ok(said)
}

/// The shipped thresholds with what the file says otherwise; each wrong one is noted by its name.
fn merged(standard: Value, said: Map<String, Value>, problems: &mut Vec<Told>) -> Option<Rules> {
    let mut whole = standard;
    for (name, value) in said {
        if whole.get(&name).is_none() {
            let name: String = name.escape_debug().take(60).collect();
            problems.push((
                format!("không có ngưỡng nào tên «{name}»"),
                format!("there is no threshold '{name}'"),
            ));
            continue;
        }
        let before = std::mem::replace(&mut whole[&name], value);
        if let Err(error) = serde_json::from_value::<Rules>(whole.clone()) {
            problems.push((
                format!("giá trị của {name} không đúng kiểu; «-o json» cho thấy quy tắc đầy đủ"),
                format!("{name} is of the wrong kind: {error}"),
            ));
            whole[&name] = before;
        }
    }
    serde_json::from_value(whole)
        .map_err(|error| problems.push(("không hiểu được".to_owned(), error.to_string())))
        .ok()
}

fn range(bounds: Bounds) -> Told {
    match bounds {
        Bounds::Above(least) => (format!("lớn hơn {least}"), format!("above {least}")),
        Bounds::AtLeast(least) => (format!("từ {least} trở lên"), format!("{least} or more")),
        Bounds::Between(least, most) => (
            format!("từ {least} đến {most}"),
            format!("from {least} to {most}"),
        ),
        Bounds::NotBelow(other) => (
            format!("không nhỏ hơn {other}"),
            format!("at least {other}"),
        ),
        Bounds::Number => ("là một số".to_owned(), "a number".to_owned()),
    }
}

/// What the system says.
pub(super) fn words(error: &std::io::Error, lang: Lang) -> String {
    let vi = match error.kind() {
        ErrorKind::NotFound => "không có tệp hoặc thư mục này",
        ErrorKind::PermissionDenied => "không có quyền",
        ErrorKind::AlreadyExists => "đã có, không ghi đè",
        ErrorKind::IsADirectory => "đây là thư mục",
        ErrorKind::NotADirectory => "một phần của đường dẫn không phải là thư mục",
        ErrorKind::ReadOnlyFilesystem => "ổ đĩa chỉ cho đọc",
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "ổ đĩa đã đầy",
        ErrorKind::InvalidFilename => "tên tệp không dùng được",
        ErrorKind::InvalidData => "không phải UTF-8",
        _ => {
            let code = error.raw_os_error();
            let code = code.map_or_else(String::new, |code| format!(" {code}"));
            return lang.pick(format!("lỗi hệ thống{code}"), error.to_string());
        }
    };
    lang.pick(vi.to_owned(), error.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said(value: &Value) -> Result<File, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rules.json");
        std::fs::write(&path, value.to_string()).unwrap();
        file(&path, Lang::En).map_err(|failure| failure.text().to_owned())
    }

    #[test]
    fn a_file_says_thresholds_what_is_judged_and_the_ladder() {
        let steps = json!([
            {"vi": "nhắc", "en": "reminder", "after_days": 0, "reply_days": 3, "tells": ["unit"]},
            {"vi": "phê bình", "after_days": 10, "tells": ["parent", "province"]},
        ]);
        let judged = json!({"levels": ["commune"], "layers": ["commitment"]});
        let value = json!({"version": "kh-1", "p_open": 0.25, "judged": judged, "steps": steps});
        let file = said(&value).unwrap();
        let expected = Rules {
            version: "kh-1".to_owned(),
            p_open: 0.25,
            ..Rules::standard()
        };
        assert_eq!(file.rules, expected);
        let over = |of_series| passed_over(&file, of_series, Lang::Vi).unwrap();
        assert!(
            over(false).starts_with("Không thử phần steps của"),
            "{}",
            over(false)
        );
        assert!(over(true).contains("judged, steps"), "{}", over(true));
        let judged = file.judged.unwrap();
        assert_eq!(judged.levels, [Level::Commune]);
        assert_eq!(judged.layers, [QuotaLayer::Commitment]);
        let steps = file.steps.unwrap();
        let told = |step: &Step| (step.number, step.reply_days, step.tells.clone());
        let expected = [
            (1, 3, vec![Recipient::Unit]),
            (2, 0, vec![Recipient::Parent, Recipient::Province]),
        ];
        assert_eq!(steps.iter().map(told).collect::<Vec<_>>(), expected);
        let plain = said(&json!({"version": "kh-1"})).unwrap();
        assert!(plain.steps.is_none() && plain.judged.is_none());
        assert_eq!(passed_over(&plain, true, Lang::En), None);
    }

    #[test]
    fn everything_that_cannot_be_read_is_told_at_once() {
        let told = said(&json!({
            "version": "kh-1", "p_opne": 0.3, "beta": "many", "consecutive": -1,
            "judged": {"level": ["commune"]}, "steps": [{"vi": "nhắc", "tells": ["unit"]}],
        }));
        let told = told.unwrap_err();
        for part in [
            "there is no threshold 'p_opne'",
            "beta is of the wrong kind",
            "consecutive is of the wrong kind",
            "judged cannot be read: unknown field `level`",
            "steps cannot be read: missing field `after_days`",
        ] {
            assert!(told.contains(part), "no {part}: {told}");
        }
        assert!(told.ends_with("[RULES_FORMAT]"), "{told}");
    }
}
