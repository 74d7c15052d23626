//! The file of accounts that a NATS server includes (`subscribers.conf`), which is the register of who subscribes too.
//!
//! An entry is the account in the server's own language between two comments; the first says in JSON what was asked for, so
//! that consumers that went with a deleted stream can be made anew ([`read`]).
//! What stands outside entries is left as it is.
//! A change is written beside the file, synced and renamed over it: the server reads the old or the new.
//! In its account a subscriber sees the API of JetStream under a domain of its own ([`DOMAIN`]), of which it is lent what
//! concerns its consumer: `$JS.API` itself belongs to the account's own JetStream, which it does not have.

use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use bus::subscriber::{Start, Wanted};
use serde::{Deserialize, Serialize};

use super::wanted;
use super::wrong::Wrong;

/// The domain under which a subscriber's account has the API of its consumer.
pub(super) const DOMAIN: &str = "tiendo";
/// The account of the ledger's services in `accounts.conf`.
const LENDER: &str = "TIENDO";

/// A subscriber that has an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    /// Its name.
    pub(super) name: String,
    /// Id of the ledger, without that of its alerts.
    pub(super) ledger: String,
    /// The stream.
    pub(super) stream: String,
    /// What it is given.
    pub(super) filters: Vec<String>,
    /// Where it begins, as it is typed.
    pub(super) start: String,
    /// Whether it may send reports.
    pub(super) may_report: bool,
    /// Its public key.
    pub(super) key: String,
}

impl Entry {
    /// The consumer.
    pub(super) fn wanted(&self) -> Result<Wanted, Wrong> {
        let start: Start = wanted::start(&self.start)?;
        Ok(Wanted {
            stream: self.stream.clone(),
            name: self.name.clone(),
            filters: self.filters.clone(),
            start,
        })
    }

    fn begin(name: &str) -> String {
        format!("# >>> {name} ")
    }

    fn end(name: &str) -> String {
        format!("# <<< {name}")
    }

    /// The account in the server's language, between two comments.
    fn text(&self) -> String {
        let Self { name, stream, .. } = self;
        let said = serde_json::to_string(self).unwrap_or_default();
        let next = format!("API.CONSUMER.MSG.NEXT.{stream}.{name}");
        let info = format!("API.CONSUMER.INFO.{stream}.{name}");
        let ack = format!("$JS.ACK.{stream}.{name}.>");
        let reads_alerts = stream.ends_with("-ALERTS");
        let told_by = if reads_alerts {
            format!("{}-alerts", self.ledger)
        } else {
            self.ledger.clone()
        };
        let beat = bus::subject::heartbeat(&told_by);
        let requests = bus::subject::requests(&self.ledger);
        let (mut publish, mut import) = (String::new(), String::new());
        if self.may_report {
            publish = format!(", \"{requests}\"");
            import = format!(
                "\n    {{ service: {{ account: \"{LENDER}\", subject: \"{requests}\" }} }}"
            );
        }
        format!(
            r#"{begin}{said}
"{name}" {{
  users: [ {{
    nkey: "{key}"
    permissions {{
      publish: [ "$JS.{DOMAIN}.{next}", "$JS.{DOMAIN}.{info}", "{ack}"{publish} ]
      subscribe: [ "_INBOX_{name}.>", "{beat}" ]
    }}
  }} ]
  imports: [
    {{ service: {{ account: "{LENDER}", subject: "$JS.{next}" }}, to: "$JS.{DOMAIN}.{next}" }}
    {{ service: {{ account: "{LENDER}", subject: "$JS.{info}" }}, to: "$JS.{DOMAIN}.{info}" }}
    {{ service: {{ account: "{LENDER}", subject: "{ack}" }} }}
    {{ stream: {{ account: "{LENDER}", subject: "{beat}" }} }}{import}
  ]
}}
{end}
"#,
            begin = Self::begin(name),
            key = self.key,
            end = Self::end(name),
        )
    }
}

/// Everybody who has an account in the file; nobody if there is no file.
pub(super) fn read(file: &Path) -> Result<Vec<Entry>, Wrong> {
    let mut entries = Vec::new();
    for line in text(file)?.lines() {
        let Some(said) = line.strip_prefix("# >>> ") else {
            continue;
        };
        let said = said.split_once(' ').map_or("", |(_, said)| said);
        let entry = serde_json::from_str(said)
            .map_err(|error| Wrong::Accounts(file.to_owned(), format!("{error}: {said}")))?;
        entries.push(entry);
    }
    Ok(entries)
}

/// Adds an entry; nothing if it is there.
pub(super) fn put(file: &Path, entry: &Entry) -> Result<(), Wrong> {
    let present = read(file)?
        .into_iter()
        .find(|other| other.name == entry.name);
    match present {
        Some(other) if other == *entry => Ok(()),
        Some(other) => Err(Wrong::Account(other.name)),
        None => write(
            file,
            &format!("{}\n{}", text(file)?.trim_end(), entry.text()),
        ),
    }
}

/// Takes an entry out; whether there was one.
pub(super) fn take(file: &Path, name: &str) -> Result<bool, Wrong> {
    let text = text(file)?;
    let (begin, end) = (Entry::begin(name), Entry::end(name));
    let (mut kept, mut inside, mut found) = (String::new(), false, false);
    for line in text.lines() {
        inside |= line.starts_with(&begin);
        found |= inside;
        if !inside {
            kept.push_str(line);
            kept.push('\n');
        }
        inside &= line != end;
    }
    if inside {
        let why = format!("the entry of {name} does not end");
        return Err(Wrong::Accounts(file.to_owned(), why));
    }
    if found {
        write(file, &kept)?;
    }
    Ok(found)
}

fn text(file: &Path) -> Result<String, Wrong> {
    match fs::read_to_string(file) {
        Ok(text) => Ok(text),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(Wrong::Accounts(file.to_owned(), error.to_string())),
    }
}

fn write(file: &Path, text: &str) -> Result<(), Wrong> {
    let failed = |error: std::io::Error| Wrong::Accounts(file.to_owned(), error.to_string());
    let new = file.with_extension("conf.new");
    let mut out = File::create(&new).map_err(failed)?;
    // The server runs as somebody else, and must be able to read what it could before.
    if let Ok(before) = fs::metadata(file) {
        out.set_permissions(before.permissions()).map_err(failed)?;
    }
    out.write_all(text.as_bytes()).map_err(failed)?;
    out.sync_all().map_err(failed)?;
    fs::rename(&new, file).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str) -> Entry {
        Entry {
            name: name.to_owned(),
            ledger: "khanh-hoa".to_owned(),
            stream: "TIENDO_KHANH-HOA".to_owned(),
            filters: vec!["tiendo.v1.khanh-hoa.568.*.*.*".to_owned()],
            start: "17".to_owned(),
            may_report: true,
            key: "UKEY".to_owned(),
        }
    }

    #[test]
    fn entries_come_and_go_and_the_rest_stays() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("subscribers.conf");
        let by_hand = "# by hand\n\"other\" { users: [] }\n";
        fs::write(&file, by_hand).unwrap();
        for name in ["a", "ab"] {
            put(&file, &entry(name)).unwrap();
            put(&file, &entry(name)).unwrap();
        }
        assert_eq!(read(&file).unwrap(), [entry("a"), entry("ab")]);
        let start = entry("a").wanted().unwrap().start;
        assert_eq!(start, Start::Position(17));
        let mut changed = entry("a");
        changed.may_report = false;
        assert!(matches!(put(&file, &changed), Err(Wrong::Account(_))));
        assert!(take(&file, "a").unwrap());
        assert!(!take(&file, "a").unwrap());
        assert_eq!(read(&file).unwrap(), [entry("ab")]);
        assert!(take(&file, "ab").unwrap());
        assert_eq!(fs::read_to_string(&file).unwrap(), by_hand);
    }

    #[test]
    fn an_entry_that_does_not_end_is_not_touched() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("subscribers.conf");
        put(&file, &entry("a")).unwrap();
        let text = fs::read_to_string(&file).unwrap();
        let cut = text.replace("# <<< a\n", "");
        fs::write(&file, &cut).unwrap();
        assert!(matches!(take(&file, "a"), Err(Wrong::Accounts(..))));
        assert_eq!(fs::read_to_string(&file).unwrap(), cut);
    }
}
