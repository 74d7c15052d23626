//! A file of rules, and the system's words in both languages.

use std::io::{ErrorKind, Read as _};
use std::path::Path;

use lag::{Bounds, Rules};
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

/// The shipped rules, or those with what a file says otherwise.
pub(super) fn read(file: Option<&Path>, lang: Lang) -> Result<Rules, Failure> {
    let Some(file) = file else {
        return Ok(Rules::standard());
    };
    let wrong = |(vi, en): Told| {
        let (shown, said) = (file.display(), lang.pick(vi, en));
        Failure::new(REFUSED, format!("{shown}: {said} [RULES_FORMAT]"))
    };
    let text = text(file).map_err(wrong)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let said = object(text).map_err(wrong)?;
    let standard = Rules::standard();
    let standard =
        serde_json::to_value(standard).map_err(|error| Failure::caused(FAILED, &error))?;
    merged(standard, said).map_err(wrong)
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

/// The shipped rules with what the file says otherwise, each wrong value by its name.
fn merged(standard: Value, said: Map<String, Value>) -> Result<Rules, Told> {
    let mut whole = standard;
    for (name, value) in said {
        if whole.get(&name).is_none() {
            let name: String = name.escape_debug().take(60).collect();
            return Err((
                format!("không có ngưỡng nào tên «{name}»"),
                format!("there is no threshold '{name}'"),
            ));
        }
        whole[&name] = value;
        serde_json::from_value::<Rules>(whole.clone()).map_err(|error| {
            (
                format!("giá trị của {name} không đúng kiểu; «-o json» cho thấy quy tắc đầy đủ"),
                format!("{name} is of the wrong kind: {error}"),
            )
        })?;
    }
    let rules: Rules = serde_json::from_value(whole)
        .map_err(|error| ("không hiểu được".to_owned(), error.to_string()))?;
    match rules.unusable() {
        None => Ok(rules),
        Some((name, bounds)) => {
            let (vi, en) = range(bounds);
            Err((format!("{name} phải {vi}"), format!("{name} must be {en}")))
        }
    }
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
