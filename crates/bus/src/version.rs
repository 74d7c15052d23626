//! Server versions, and the oldest one we speak to.

use std::fmt;

/// A server version without its pre-release part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version {
    major: u32,
    minor: u32,
    patch: u32,
}

/// The oldest nats-server whose behaviour this crate was measured against.
pub(crate) const OLDEST: Version = Version {
    major: 2,
    minor: 12,
    patch: 0,
};

impl Version {
    /// Reads the first thing that looks like `1.2.3` or `v1.2.3` in a text.
    pub(crate) fn find(text: &str) -> Option<Self> {
        text.split_whitespace()
            .find_map(|word| Self::parse(word.trim_start_matches('v')))
    }

    /// Whether it takes atomic batches of messages with ids (2.12.1), and goes on when it is caught up in the middle of
    /// one: before, it panicked (2.12.12, 2.14.3).
    pub(crate) fn takes_batches(self) -> bool {
        match (self.major, self.minor) {
            (2, 12) => self.patch >= 12,
            (2, 14) => self.patch >= 3,
            newer => newer > (2, 14),
        }
    }

    fn parse(word: &str) -> Option<Self> {
        let mut numbers = word.split(['.', '-', '+']).map(str::parse::<u32>);
        let mut next = || numbers.next()?.ok();
        Some(Self {
            major: next()?,
            minor: next()?,
            patch: next()?,
        })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_and_compared() {
        let found = Version::find("nats-server: v2.15.1").unwrap();
        assert_eq!(found.to_string(), "2.15.1");
        assert!(found > OLDEST);
        assert!(Version::find("2.11.9").unwrap() < OLDEST);
        assert_eq!(Version::find("2.12.0-RC.3"), Some(OLDEST));
        assert_eq!(Version::find("nats-server: dev"), None);
    }

    #[test]
    fn batches_are_sent_to_servers_that_stand_them() {
        let takes = |text| Version::find(text).unwrap().takes_batches();
        for old in ["2.11.20", "2.12.0", "2.12.11", "2.13.9", "2.14.2"] {
            assert!(!takes(old), "{old}");
        }
        for new in ["2.12.12", "2.14.3", "2.15.0", "2.15.1", "3.0.0"] {
            assert!(takes(new), "{new}");
        }
    }
}
