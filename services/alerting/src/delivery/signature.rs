//! Signatures as the Standard Webhooks specification (1.0) has them: `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// What a secret begins with.
const PREFIX: &str = "whsec_";
/// Bytes of a secret.
const BYTES: std::ops::RangeInclusive<usize> = 24..=64;
/// Most secrets that sign side by side while one is replaced.
const SECRETS_MAX: usize = 4;

/// A secret shared with a receiver.
#[derive(Clone)]
pub(crate) struct Secret(Vec<u8>);

impl Secret {
    /// Reads secrets, one a line; none if one of them is none, or there are none or too many.
    pub(crate) fn parse_all(text: &str) -> Option<Vec<Self>> {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let secrets: Option<Vec<Self>> = lines.map(Self::parse).collect();
        secrets.filter(|secrets| (1..=SECRETS_MAX).contains(&secrets.len()))
    }

    fn parse(line: &str) -> Option<Self> {
        let bytes = STANDARD.decode(line.strip_prefix(PREFIX)?).ok()?;
        BYTES.contains(&bytes.len()).then_some(Self(bytes))
    }

    /// The signature of a message.
    pub(crate) fn sign(&self, id: &str, timestamp: i64, body: &[u8]) -> String {
        // HMAC takes a key of any length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else {
            return String::new();
        };
        mac.update(format!("{id}.{timestamp}.").as_bytes());
        mac.update(body);
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example that the specification's own libraries are tested with.
    #[test]
    fn the_specifications_example_is_signed_as_it_says() {
        let secrets = Secret::parse_all("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n\n").unwrap();
        assert_eq!(secrets.len(), 1);
        let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
        assert_eq!(
            secrets[0].sign(id, 1_614_265_330, br#"{"test": 2432232314}"#),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
    }

    #[test]
    fn what_is_no_secret_is_refused() {
        for text in [
            "",
            "\n",
            "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "whsec_AAAA",
            "whsec_!",
        ] {
            assert!(Secret::parse_all(text).is_none(), "{text:?}");
        }
    }
}
