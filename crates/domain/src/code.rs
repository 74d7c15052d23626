//! The codes by which the programme's things are known.
//!
//! They are data, not enums: a sixth group or a forty-sixth model is an event, not a release.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Longest code accepted, in bytes.
pub const CODE_BYTES_MAX: usize = 48;

/// A code that cannot be one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{0}' is not a code: 1 to 48 of the characters a-z A-Z 0-9 . _ -, beginning with a letter or digit"
)]
pub struct CodeError(pub String);

fn check(text: &str) -> Result<(), CodeError> {
    let starts_well = text
        .bytes()
        .next()
        .is_some_and(|b| b.is_ascii_alphanumeric());
    let all_allowed = text
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    if starts_well && all_allowed && text.len() <= CODE_BYTES_MAX {
        Ok(())
    } else {
        Err(CodeError(text.chars().take(CODE_BYTES_MAX).collect()))
    }
}

macro_rules! code {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(
            feature = "schema",
            derive(schemars::JsonSchema),
            schemars(extend("pattern" = "^[A-Za-z0-9][A-Za-z0-9._-]{0,47}$"))
        )]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// The code as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The code as a token of a bus subject: lower case, `.` written as `-`.
            #[must_use]
            pub fn token(&self) -> String {
                let token = |byte: u8| match byte {
                    b'.' => '-',
                    byte => char::from(byte.to_ascii_lowercase()),
                };
                self.0.bytes().map(token).collect()
            }
        }

        impl FromStr for $name {
            type Err = CodeError;
            fn from_str(text: &str) -> Result<Self, CodeError> {
                check(text).map(|()| Self(text.into()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = CodeError;
            fn try_from(text: String) -> Result<Self, CodeError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(code: $name) -> Self {
                code.as_str().to_owned()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

code!(
    /// Code of a plan, for example `6559`.
    PlanCode
);
code!(
    /// Code of a group of models, for example `KH-1`.
    GroupCode
);
code!(
    /// Code of a deployment model, for example `KH-1.01`.
    ModelCode
);
code!(
    /// Code of an indicator, for example `eid.activated-l2`.
    IndicatorCode
);
code!(
    /// Code of a campaign.
    CampaignCode
);
code!(
    /// Code of a working group within a campaign.
    WorkingGroupCode
);
code!(
    /// Code of a work item.
    WorkItemCode
);
code!(
    /// Code of a shared system.
    SystemCode
);
code!(
    /// Code of a data set, for example `gazetteer`.
    DatasetCode
);
code!(
    /// Name of a version of the rules of judgement, for example `kh-2026.2`.
    RulesVersion
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_becomes_one_token_of_a_subject() {
        let code: IndicatorCode = "eid.activated-l2".parse().unwrap();
        assert_eq!(code.token(), "eid-activated-l2");
    }

    #[test]
    fn what_would_break_a_subject_is_no_code() {
        for text in ["", "eid activated", "eid.*", ".eid", "é", &"x".repeat(49)] {
            assert!(text.parse::<ModelCode>().is_err(), "{text}");
        }
    }
}
