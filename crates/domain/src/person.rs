//! A person's name as what can be checked but not read: a commitment.
//!
//! Officials are named by office and organisation.
//! Where an appointment names a person as well, its event carries only the commitment; salt and name are kept
//! beside the log and can be erased, after which the commitment says nothing about anybody.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::text;

/// What a commitment is for, so that no hash made for anything else is one.
const PURPOSE: &[u8] = b"tiendo/person/v1\0";

/// A salted commitment to a person's name: SHA-256 over `tiendo/person/v1`, a zero byte, 32 bytes of salt, and the
/// name in UTF-8, NFC.
///
/// Written as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(extend("pattern" = r"^[0-9a-f]{64}$"))
)]
#[serde(try_from = "String", into = "String")]
pub struct PersonCommitment([u8; 32]);

impl PersonCommitment {
    /// The commitment to a name under a salt, which must be random and of its own for each.
    #[must_use]
    pub fn new(salt: &[u8; 32], name: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update(PURPOSE);
        hash.update(salt);
        hash.update(text::nfc(name).as_bytes());
        Self(hash.finalize().into())
    }

    /// Its 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<[u8; 32]> for PersonCommitment {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

/// A text that is not 64 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a commitment has 64 hexadecimal digits")]
pub struct CommitmentError;

impl FromStr for PersonCommitment {
    type Err = CommitmentError;
    fn from_str(text: &str) -> Result<Self, CommitmentError> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| CommitmentError)?;
        Ok(Self(bytes))
    }
}

impl TryFrom<String> for PersonCommitment {
    type Error = CommitmentError;
    fn try_from(text: String) -> Result<Self, CommitmentError> {
        text.parse()
    }
}

impl From<PersonCommitment> for String {
    fn from(commitment: PersonCommitment) -> Self {
        commitment.to_string()
    }
}

impl fmt::Display for PersonCommitment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for PersonCommitment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed with Python's hashlib: `sha256(b"tiendo/person/v1\0" + bytes(range(32)) + "Nguyễn Văn Ơn".encode())`.
    const OF_NGUYEN_VAN_ON: &str =
        "535278ee9c469e6566f70d43c2c6f9a734fc8fd32091e256866466e2a86479e6";

    #[test]
    fn anybody_with_salt_and_name_computes_the_same() {
        let salt = std::array::from_fn(|i| i as u8);
        let commitment = PersonCommitment::new(&salt, "Nguyễn Văn Ơn");
        assert_eq!(commitment.to_string(), OF_NGUYEN_VAN_ON);
        assert_eq!(OF_NGUYEN_VAN_ON.parse(), Ok(commitment));
        // Typed with separate marks it is the same name.
        let decomposed = "Nguye\u{302}\u{303}n Va\u{306}n O\u{31b}n";
        assert_eq!(PersonCommitment::new(&salt, decomposed), commitment);
        assert_ne!(PersonCommitment::new(&salt, "Nguyễn Văn Ôn"), commitment);
        assert_ne!(PersonCommitment::new(&[0; 32], "Nguyễn Văn Ơn"), commitment);
        for text in ["", "00", &OF_NGUYEN_VAN_ON[1..], "x"] {
            assert!(text.parse::<PersonCommitment>().is_err(), "{text}");
        }
    }
}
