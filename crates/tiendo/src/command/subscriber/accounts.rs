//! The file of accounts that a NATS server includes (`subscribers.conf`), which is the register of who subscribes too.
//!
//! An entry is the account in the server's own language between two comments; the first says in JSON what was asked for, so
//! that consumers that went with a deleted stream can be made anew ([`read`]).
//! What stands outside entries is left as it is.
//! A change is written beside the file, synced and renamed over it, so that the server reads the old or the new; two
//! operators change it one after the other.
//! In its account a subscriber sees the API of JetStream under a domain of its own ([`DOMAIN`]), of which it is lent what
//! concerns its consumer: `$JS.API` itself belongs to the account's own JetStream, which it does not have.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;

use bus::subscriber::{Start, Wanted};
use serde::{Deserialize, Serialize};

use super::wanted;
use super::wrong::Wrong;

/// The domain under which a subscriber's account has the API of its consumer.
pub(super) const DOMAIN: &str = "tiendo";
/// Connections of one subscriber, so that none keeps the services out.
const CONNECTIONS_MAX: u32 = 16;
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
  limits {{ max_connections: {CONNECTIONS_MAX} }}
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

/// Everybody who has an account in the file.
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

/// Whether the entry is there; refused if another one has its name or its key, which the server would not start with.
pub(super) fn has(file: &Path, entry: &Entry) -> Result<bool, Wrong> {
    for other in read(file)? {
        if other == *entry {
            return Ok(true);
        }
        if other.name == entry.name {
            return Err(Wrong::Account(other.name));
        }
        if other.key == entry.key {
            return Err(Wrong::KeyTaken(other.name));
        }
    }
    Ok(false)
}

/// Adds an entry; whether it was not there.
pub(super) fn put(file: &Path, entry: &Entry) -> Result<bool, Wrong> {
    changed(file, |text| {
        if has(file, entry)? {
            return Ok(None);
        }
        Ok(Some(format!("{}\n{}", text.trim_end(), entry.text())))
    })
}

/// Takes an entry out; whether there was one.
pub(super) fn take(file: &Path, name: &str) -> Result<bool, Wrong> {
    changed(file, |text| without(file, text, name))
}

/// The text without an entry, if it is there.
fn without(file: &Path, text: &str, name: &str) -> Result<Option<String>, Wrong> {
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
    Ok(found.then_some(kept))
}

/// What the file says; one that is not there is no file that a server includes.
fn text(file: &Path) -> Result<String, Wrong> {
    fs::read_to_string(file).map_err(failed(file))
}

fn failed(file: &Path) -> impl Fn(std::io::Error) -> Wrong {
    let file = file.to_owned();
    move |error| Wrong::Accounts(file.clone(), error.to_string())
}

/// Changes the file while nobody else does; whether there was anything to change.
fn changed(
    file: &Path,
    change: impl FnOnce(&str) -> Result<Option<String>, Wrong>,
) -> Result<bool, Wrong> {
    // Of a file that is not there no lock is left behind.
    text(file)?;
    // The file itself is replaced, so another one is locked.
    let lock = File::create(file.with_extension("conf.lock")).map_err(failed(file))?;
    lock.lock().map_err(failed(file))?;
    match change(&text(file)?)? {
        Some(text) => write(file, &text).map_err(failed(file)).map(|()| true),
        None => Ok(false),
    }
}

fn write(file: &Path, text: &str) -> std::io::Result<()> {
    let new = file.with_extension("conf.new");
    let before = fs::metadata(file)?;
    let mut out = File::create(&new)?;
    // The server runs as somebody else, and must be able to read what it could before.
    out.set_permissions(before.permissions())?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt as _, fchown};
        let made = out.metadata()?;
        if (made.uid(), made.gid()) != (before.uid(), before.gid()) {
            fchown(&out, Some(before.uid()), Some(before.gid()))?;
        }
    }
    out.write_all(text.as_bytes())?;
    out.sync_all()?;
    fs::rename(&new, file)?;
    let folder = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
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
            key: format!("U{name}"),
        }
    }

    #[test]
    fn entries_come_and_go_and_the_rest_stays() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("subscribers.conf");
        let by_hand = "# by hand\n\"other\" { users: [] }\n";
        fs::write(&file, by_hand).unwrap();
        for name in ["a", "ab"] {
            assert!(put(&file, &entry(name)).unwrap());
            assert!(!put(&file, &entry(name)).unwrap());
        }
        assert_eq!(read(&file).unwrap(), [entry("a"), entry("ab")]);
        let start = entry("a").wanted().unwrap().start;
        assert_eq!(start, Start::Position(17));
        let mut changed = entry("a");
        changed.may_report = false;
        assert!(matches!(put(&file, &changed), Err(Wrong::Account(_))));
        // With one key in two accounts no server starts.
        let mut twice = entry("b");
        twice.key = entry("ab").key;
        assert!(matches!(put(&file, &twice), Err(Wrong::KeyTaken(of)) if of == "ab"));
        let nowhere = folder.path().join("subscriber.conf");
        for refused in [put(&nowhere, &entry("a")), take(&nowhere, "a")] {
            assert!(matches!(refused, Err(Wrong::Accounts(..))));
        }
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
        fs::write(&file, "").unwrap();
        put(&file, &entry("a")).unwrap();
        let text = fs::read_to_string(&file).unwrap();
        let cut = text.replace("# <<< a\n", "");
        fs::write(&file, &cut).unwrap();
        assert!(matches!(take(&file, "a"), Err(Wrong::Accounts(..))));
        assert_eq!(fs::read_to_string(&file).unwrap(), cut);
    }
}
