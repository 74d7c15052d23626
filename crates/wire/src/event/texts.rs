//! Texts of requests that are no events: the same limits, and the same refusal of personal data.

use domain::{Reason, Violation};

use super::fields::{LINE_CHARS_MAX, TEXT_CHARS_MAX, clean};
use crate::v1 as w;

/// Reads one line that must be there, under the name of its field.
///
/// # Errors
/// [`Reason::Required`] if it is empty, [`Reason::TextFormat`] if it is too long or not one line, [`Reason::PersonalData`] if it looks like a person's.
pub fn parse_line(field: &str, raw: &str) -> Result<String, Violation> {
    let refused = |reason, detail: String| Err(Violation::new(field, reason, detail));
    match clean(raw, LINE_CHARS_MAX) {
        Ok(line) if line.is_empty() => refused(Reason::Required, "must be set".to_owned()),
        Ok(line) if line.contains(['\n', '\t']) => {
            refused(Reason::TextFormat, "must be one line".to_owned())
        }
        Ok(line) => Ok(line),
        Err((reason, detail)) => refused(reason, detail),
    }
}

/// Reads free text that may be empty, under the name of its field.
///
/// # Errors
/// As [`parse_line`], but for [`Reason::Required`].
pub fn parse_text(field: &str, raw: &str) -> Result<String, Violation> {
    clean(raw, TEXT_CHARS_MAX).map_err(|(reason, detail)| Violation::new(field, reason, detail))
}

/// Reads who does something, under the name of its field.
///
/// # Errors
/// Every violation.
pub fn parse_actor(field: &str, actor: Option<&w::Actor>) -> Result<w::Actor, Vec<Violation>> {
    let Some(actor) = actor else {
        let detail = "must say who does it: organisation and office";
        return Err(vec![Violation::new(field, Reason::Required, detail)]);
    };
    let organisation = parse_line(&format!("{field}.organisation"), &actor.organisation);
    let office = parse_line(&format!("{field}.office"), &actor.office);
    match (organisation, office) {
        (Ok(organisation), Ok(office)) => Ok(w::Actor {
            organisation,
            office,
        }),
        (organisation, office) => Err([organisation, office]
            .into_iter()
            .filter_map(Result::err)
            .collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_acts_is_an_organisation_and_an_office_and_no_person() {
        let actor = |organisation: &str, office: &str| w::Actor {
            organisation: organisation.to_owned(),
            office: office.to_owned(),
        };
        let reasons = |actor: Option<&w::Actor>| -> Vec<(String, Reason)> {
            let violations = parse_actor("by", actor).unwrap_err();
            let told = violations.into_iter().map(|v| (v.field, v.reason));
            told.collect()
        };
        assert_eq!(reasons(None), [("by".to_owned(), Reason::Required)]);
        assert_eq!(
            reasons(Some(&actor("", "anh Ba 0912345678"))),
            [
                ("by.organisation".to_owned(), Reason::Required),
                ("by.office".to_owned(), Reason::PersonalData),
            ]
        );
        let read = parse_actor("by", Some(&actor(" Công an tỉnh ", "Tổ"))).unwrap();
        assert_eq!(read, actor("Công an tỉnh", "Tổ"));
        let refused = parse_text("note", "liên hệ a@b.vn").unwrap_err();
        assert_eq!(refused.reason, Reason::PersonalData);
        assert_eq!(parse_text("note", "").unwrap(), "");
        let refused = parse_line("reason", "a\nb").unwrap_err();
        assert_eq!(refused.reason, Reason::TextFormat);
    }
}
