//! Which indicator a record names: by its code, by what published tables call it, or by its name in either language.

use std::collections::{BTreeMap, HashMap};

use domain::Reason;
use domain::text::fold;
use wire::v1;

use crate::problem::{FileReason, Found};

/// Codes that a problem names, at most.
const CANDIDATES_MAX: usize = 8;

/// The indicators on record.
#[derive(Debug)]
pub struct Indicators {
    /// Code to the kind of its own denominator.
    denominators: BTreeMap<String, String>,
    /// Folded names to codes.
    names: HashMap<String, Vec<String>>,
    alias: fn(&str) -> Option<&'static str>,
}

impl Indicators {
    /// Indicators on record; `alias` gives the code for what published tables call one.
    pub fn new(
        defined: impl IntoIterator<Item = v1::IndicatorDefined>,
        alias: fn(&str) -> Option<&'static str>,
    ) -> Self {
        let mut indicators = Self {
            denominators: BTreeMap::new(),
            names: HashMap::new(),
            alias,
        };
        for defined in defined {
            let name = defined.name.unwrap_or_default();
            for name in [fold(&name.vi), fold(&name.en)] {
                let codes = indicators.names.entry(name).or_default();
                if !codes.contains(&defined.indicator) {
                    codes.push(defined.indicator.clone());
                }
            }
            indicators
                .denominators
                .insert(defined.indicator, defined.denominator);
        }
        indicators.names.remove("");
        indicators
    }

    /// Lets an indicator on record be named by `alias` as well; one that is not on record is not found by it either.
    #[must_use]
    pub fn with_alias(mut self, alias: &str, code: &str) -> Self {
        if self.denominators.contains_key(code) {
            let codes = self.names.entry(fold(alias)).or_default();
            if !codes.iter().any(|known| known == code) {
                codes.push(code.to_owned());
            }
            self.names.remove("");
        }
        self
    }

    /// The code of the indicator that a cell names.
    pub(crate) fn find(&self, text: &str) -> Result<&str, Found> {
        if text.is_empty() {
            return Err(Found::known(
                Reason::Required,
                "no indicator is named; give its code",
            ));
        }
        let lower = text.to_lowercase();
        for code in [text, lower.as_str()] {
            let code = (self.alias)(code).unwrap_or(code);
            if let Some((code, _)) = self.denominators.get_key_value(code) {
                return Ok(code);
            }
        }
        match self.names.get(&fold(text)).map(Vec::as_slice) {
            Some([code]) => Ok(code),
            Some(codes) => {
                let list = codes
                    .iter()
                    .take(CANDIDATES_MAX)
                    .cloned()
                    .collect::<Vec<_>>()
                    .join(", ");
                Err(Found::of_file(
                    FileReason::AmbiguousIndicator,
                    format!("có thể là: {list}; hãy ghi mã chỉ tiêu"),
                    format!("may be any of {list}; write the code"),
                ))
            }
            None => {
                let short: String = text.chars().take(60).collect();
                let detail =
                    format!("'{short}' is not on record; `tiendo indicator list` shows the codes");
                Err(Found::known(Reason::UnknownIndicator, detail))
            }
        }
    }

    /// What an indicator is counted against unless a figure says otherwise.
    pub(crate) fn denominator(&self, code: &str) -> Option<&str> {
        self.denominators
            .get(code)
            .map(String::as_str)
            .filter(|kind| !kind.is_empty())
    }
}
