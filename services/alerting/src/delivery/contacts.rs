//! The contacts file: who is told, and by which sinks.
//!
//! It is TOML, read once at the start; everything that is wrong with it is told at once, each with its line, in Vietnamese and English.
//! Passwords and secrets stand in files of their own that it names, and no address of it ever comes into an event or a line of the log: an office is known there by its name (see [`Recipient::id`]).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use domain::LocalityCode;
use domain::text::{find_personal_data, slug};
use lag::Concern;
use lettre::message::Mailbox;
use lettre::{Address, Message};

use super::document::{Document, Table, Text};
use super::http::{Target, TargetError, is_loopback};
use super::signature::Secret;
use super::smtp::Route;

/// Largest contacts file, in bytes.
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Most contacts.
const CONTACTS_MAX: usize = 20_000;
/// Most webhooks.
const WEBHOOKS_MAX: usize = 32;
/// When the digest is mailed, hours of Vietnam's time.
const DIGEST_HOUR: i64 = 7;

/// In which order the two languages stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// Vietnamese first.
    Vi,
    /// English first.
    En,
}

/// Of which places a recipient hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hearing {
    pub(crate) place: LocalityCode,
    /// Also of every place below it.
    pub(crate) below: bool,
}

/// Somebody who gets mail.
#[derive(Clone)]
pub(crate) struct Recipient {
    /// The office's name as a token: what the log and events know it by.
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) mail: Address,
    pub(crate) order: Order,
    pub(crate) hears: Vec<Hearing>,
}

/// Where mail is handed over.
#[derive(Clone)]
pub(crate) struct Smtp {
    pub(crate) url: String,
    pub(crate) from: Mailbox,
    pub(crate) credentials: Option<(String, String)>,
}

/// What is posted to somebody.
#[derive(Clone)]
pub(crate) struct Webhook {
    /// `webhook-<name>`.
    pub(crate) sink: String,
    pub(crate) target: Target,
    /// The newest first; each signs.
    pub(crate) secrets: Vec<Secret>,
    /// Only what is about these places or those below; empty means all.
    pub(crate) places: Vec<LocalityCode>,
    /// Only cases of these concerns; empty means all.
    pub(crate) concerns: Vec<Concern>,
}

/// Who is told, and by which sinks.
#[derive(Clone, Default)]
pub struct Contacts {
    pub(crate) recipients: Vec<Recipient>,
    pub(crate) webhooks: Vec<Webhook>,
    pub(crate) smtp: Option<Smtp>,
    pub(crate) alertmanager: Option<Target>,
    /// When the digest is mailed, hours of Vietnam's time.
    pub(crate) digest_hour: i8,
}

impl fmt::Debug for Contacts {
    /// Counts alone: addresses and secrets are for nobody's eyes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Contacts")
            .field("recipients", &self.recipients.len())
            .field("webhooks", &self.webhooks.len())
            .finish_non_exhaustive()
    }
}

/// Whether addresses may be plain http beyond this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exposure {
    /// https, or this machine.
    Refused,
    /// Anything goes.
    Allowed,
}

/// Something wrong with the contacts file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The line, from 1; 0 for the file as a whole.
    pub line: usize,
    /// What, in Vietnamese.
    pub vi: String,
    /// What, in English.
    pub en: String,
}

/// A contacts file that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactsError {
    /// The file.
    pub file: PathBuf,
    /// Everything that is wrong with it, by line.
    pub problems: Vec<Problem>,
}

impl ContactsError {
    /// The reason code.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        "CONTACTS_INVALID"
    }

    /// The same in Vietnamese.
    #[must_use]
    pub fn vi(&self) -> String {
        self.told("tệp đầu mối liên hệ không dùng được", |problem| &problem.vi)
    }

    fn told(&self, head: &str, of: impl Fn(&Problem) -> &str) -> String {
        let file = self.file.display();
        let mut text = format!("{head}: {file} [{}]", self.reason());
        for problem in &self.problems {
            let line = problem.line;
            text.push_str(&format!("\n  {file}:{line}: {}", of(problem)));
        }
        text
    }
}

impl fmt::Display for ContactsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.told("the contacts file cannot be used", |problem| &problem.en))
    }
}

impl std::error::Error for ContactsError {}

impl Contacts {
    /// Reads a contacts file and the secrets that it names.
    ///
    /// # Errors
    /// Everything that is wrong with it, at once.
    pub fn load(file: &Path, exposure: Exposure) -> Result<Self, ContactsError> {
        let failed = |problems| ContactsError {
            file: file.to_owned(),
            problems,
        };
        let whole = |vi: String, en: String| vec![Problem { line: 0, vi, en }];
        let unreadable = |error: std::io::Error| {
            let kind = error.kind();
            whole(
                format!("không đọc được: {kind}"),
                format!("cannot be read: {kind}"),
            )
        };
        let size = std::fs::metadata(file).map_err(|error| failed(unreadable(error)))?;
        if size.len() > FILE_BYTES_MAX {
            return Err(failed(whole(
                "lớn hơn 4 MiB".to_owned(),
                "is larger than 4 MiB".to_owned(),
            )));
        }
        let text = std::fs::read_to_string(file).map_err(|error| failed(unreadable(error)))?;
        let directory = file.parent().unwrap_or(Path::new("."));
        let mut read = |path: &str| std::fs::read_to_string(directory.join(path));
        Self::parse(&text, exposure, &mut read).map_err(failed)
    }

    /// Reads the text of a contacts file; `read` gives the files that it names.
    pub(crate) fn parse(
        text: &str,
        exposure: Exposure,
        read: &mut dyn FnMut(&str) -> std::io::Result<String>,
    ) -> Result<Self, Vec<Problem>> {
        let mut document = Document::parse(text);
        let mut reader = Reader {
            exposure,
            read,
            contacts: Self {
                digest_hour: DIGEST_HOUR as i8,
                ..Self::default()
            },
            by_mail: BTreeMap::new(),
            ids: BTreeMap::new(),
        };
        reader.read(&mut document);
        let contacts = reader.contacts;
        let mut problems = document.problems;
        if problems.is_empty() {
            return Ok(contacts);
        }
        problems.sort_by_key(|problem| problem.line);
        Err(problems)
    }
}

struct Reader<'r> {
    exposure: Exposure,
    read: &'r mut dyn FnMut(&str) -> std::io::Result<String>,
    contacts: Contacts,
    /// Index of the recipient with an address.
    by_mail: BTreeMap<Address, usize>,
    /// Address of the recipient with an id.
    ids: BTreeMap<String, Address>,
}

impl Reader<'_> {
    fn read(&mut self, document: &mut Document<'_>) {
        if let Some(table) = document.one("digest") {
            let hour = document.integer(&table, "hour", 0..=23);
            self.contacts.digest_hour = hour.unwrap_or(DIGEST_HOUR) as i8;
            document.no_more(table);
        }
        if let Some(table) = document.one("smtp") {
            self.contacts.smtp = self.smtp(document, &table);
            document.no_more(table);
        }
        if let Some(table) = document.one("alertmanager") {
            if let Some(url) = document.required(&table, "url") {
                self.contacts.alertmanager = self.target(document, &url);
            }
            document.no_more(table);
        }
        let mut names = BTreeSet::new();
        for table in document.many("webhook", WEBHOOKS_MAX) {
            if let Some(webhook) = self.webhook(document, &table) {
                if !names.insert(webhook.sink.clone()) {
                    let vi = "đã có một webhook cùng tên".to_owned();
                    let en = "another webhook has this name".to_owned();
                    document.problem(table.line, vi, en);
                }
                self.contacts.webhooks.push(webhook);
            }
            document.no_more(table);
        }
        for table in document.many("contact", CONTACTS_MAX) {
            self.contact(document, &table);
            document.no_more(table);
        }
        document.no_more_tables();
        if self.contacts.smtp.is_none() && !self.contacts.recipients.is_empty() {
            let vi = "có [[contact]] mà không có [smtp]".to_owned();
            let en = "there are [[contact]] and there is no [smtp]".to_owned();
            document.problem(0, vi, en);
        }
    }

    fn target(&self, document: &mut Document<'_>, url: &Text) -> Option<Target> {
        let (vi, en) = match Target::parse(&url.value) {
            Ok(target) if target.is_exposed() && self.exposure == Exposure::Refused => (
                "http ra ngoài máy này không được mã hóa; dùng https, hoặc --insecure-sinks",
                "http beyond this machine is not encrypted; use https, or --insecure-sinks",
            ),
            Ok(target) => return Some(target),
            Err(TargetError::Malformed) => ("không phải địa chỉ", "is no address"),
            Err(TargetError::Scheme) => (
                "phải là http:// hoặc https://",
                "must be http:// or https://",
            ),
            Err(TargetError::Credentials) => (
                "không được chứa mật khẩu",
                "must not hold a user or a password",
            ),
        };
        document.problem(url.line, format!("url {vi}"), format!("url {en}"));
        None
    }

    /// A file that the document names under a key; an empty one is a problem.
    ///
    /// The name is not repeated: somebody may have put the secret itself there.
    fn file(
        &mut self,
        document: &mut Document<'_>,
        key: &'static str,
        path: &Text,
    ) -> Option<String> {
        let (vi, en) = match (self.read)(&path.value) {
            Ok(text) if !text.trim().is_empty() => return Some(text),
            Ok(_) => (
                "tệp nêu tên ở đó trống".to_owned(),
                "the file named there is empty".to_owned(),
            ),
            Err(error) => (
                format!("không đọc được tệp nêu tên ở đó: {}", error.kind()),
                format!("the file named there cannot be read: {}", error.kind()),
            ),
        };
        document.problem(path.line, format!("{key}: {vi}"), format!("{key}: {en}"));
        None
    }

    fn smtp<'d>(&mut self, document: &mut Document<'d>, table: &Table<'d>) -> Option<Smtp> {
        let url = document.required(table, "url");
        let from = document.required(table, "from");
        let user = document.optional(table, "user");
        let password = document.optional(table, "password_file");
        let password = password.and_then(|path| self.file(document, "password_file", &path));
        if let (Some(user), None) = (&user, &password) {
            let vi = "có user mà không có password_file".to_owned();
            document.problem(user.line, vi, "a user needs a password_file".to_owned());
        }
        let from = from.and_then(|from| sender(document, &from));
        let url = url?;
        let is_read = || Route::parse(&url.value).is_some();
        let wrong = smtp_problem(&url.value, self.exposure)
            .or_else(|| (!is_read()).then_some(("url không đọc được", "url cannot be read")));
        if let Some((vi, en)) = wrong {
            document.problem(url.line, vi.to_owned(), en.to_owned());
            return None;
        }
        let password = password.map(|text| text.trim_end_matches(['\r', '\n']).to_owned());
        Some(Smtp {
            url: url.value,
            from: from?,
            credentials: user.map(|user| user.value).zip(password),
        })
    }

    fn webhook<'d>(&mut self, document: &mut Document<'d>, table: &Table<'d>) -> Option<Webhook> {
        let name = document.required(table, "name");
        let url = document.required(table, "url");
        let secret = document.required(table, "secret_file");
        let places = document.texts(table, "places");
        let places = places
            .iter()
            .filter_map(|text| place(document, text))
            .collect();
        let concerns = document.texts(table, "concerns");
        let concerns = concerns
            .iter()
            .filter_map(|text| concern(document, text))
            .collect();
        let secrets = secret.and_then(|path| {
            let text = self.file(document, "secret_file", &path)?;
            let secrets = Secret::parse_all(&text);
            if secrets.is_none() {
                let vi = "mỗi dòng phải là whsec_ và 24 đến 64 byte dạng base64".to_owned();
                let en = "each line must be whsec_ and 24 to 64 bytes in base64".to_owned();
                document.problem(path.line, vi, en);
            }
            secrets
        });
        let target = url.and_then(|url| self.target(document, &url));
        let name = name?;
        if !bus::subject::is_token(&name.value) {
            let vi = "name phải gồm a-z, 0-9, '_' và '-'".to_owned();
            document.problem(
                name.line,
                vi,
                "name must be of a-z, 0-9, '_' and '-'".to_owned(),
            );
            return None;
        }
        Some(Webhook {
            sink: format!("webhook-{}", name.value),
            target: target?,
            secrets: secrets?,
            places,
            concerns,
        })
    }

    fn contact<'d>(&mut self, document: &mut Document<'d>, table: &Table<'d>) {
        let code = document.required(table, "place");
        let name = document.required(table, "name");
        let mail = document.required(table, "mail");
        let lang = document.optional(table, "lang");
        let below = document.boolean(table, "below").unwrap_or(false);
        let order = match lang.as_ref().map(|lang| lang.value.as_str()) {
            None | Some("vi") => Order::Vi,
            Some("en") => Order::En,
            Some(_) => {
                let vi = "lang phải là \"vi\" hoặc \"en\"".to_owned();
                document.problem(table.line, vi, "lang must be \"vi\" or \"en\"".to_owned());
                Order::Vi
            }
        };
        let code = code.and_then(|code| place(document, &code));
        let mail = mail.and_then(|mail| match mail.value.trim().parse::<Address>() {
            Ok(address) if is_ascii(&address) => Some(address),
            Ok(_) => {
                let (vi, en) = NOT_ASCII;
                document.problem(mail.line, format!("mail {vi}"), format!("mail {en}"));
                None
            }
            Err(_) => {
                let vi = "mail không phải địa chỉ thư điện tử".to_owned();
                document.problem(mail.line, vi, "mail is no mail address".to_owned());
                None
            }
        });
        let id = name.as_ref().and_then(|name| identity(document, name));
        if let (Some(place), Some(name), Some(mail), Some(id)) = (code, name, mail, id) {
            let from = self.contacts.smtp.as_ref().map(|smtp| &smtp.from);
            if from.is_some_and(|from| !can_be_written(from, &name.value, &mail)) {
                let vi = "không lập được thư cho name và mail này".to_owned();
                let en = "no mail can be put together for this name and mail".to_owned();
                return document.problem(name.line, vi, en);
            }
            let hearing = Hearing { place, below };
            self.add(document, (id, name), mail, order, hearing);
        }
    }

    /// Adds a hearing to the recipient with the address: one office is one recipient, however many places it hears of.
    fn add(
        &mut self,
        document: &mut Document<'_>,
        (id, name): (String, Text),
        mail: Address,
        order: Order,
        hearing: Hearing,
    ) {
        if self.ids.get(&id).is_some_and(|known| *known != mail) {
            let vi = format!("'{}' đã có với địa chỉ khác", name.value);
            let en = format!("'{}' stands with another address already", name.value);
            return document.problem(name.line, vi, en);
        }
        if let Some(index) = self.by_mail.get(&mail) {
            let known = &mut self.contacts.recipients[*index];
            if known.id == id {
                return known.hears.push(hearing);
            }
            let (vi, en) = (
                format!("địa chỉ này đã có với tên '{}'", known.name),
                format!("this address stands with the name '{}' already", known.name),
            );
            return document.problem(name.line, vi, en);
        }
        self.by_mail
            .insert(mail.clone(), self.contacts.recipients.len());
        self.ids.insert(id.clone(), mail.clone());
        self.contacts.recipients.push(Recipient {
            id,
            name: name.value.trim().to_owned(),
            mail,
            order,
            hears: vec![hearing],
        });
    }
}

/// What is wrong with an address that a server may refuse for its letters alone.
const NOT_ASCII: (&str, &str) = (
    "phải là địa chỉ không dấu (ASCII)",
    "must be an address in ASCII letters",
);
/// What is wrong with a text that cannot stand in the head of a mail.
const CONTROL: (&str, &str) = (
    "chứa ký tự điều khiển (xuống dòng, tab, …)",
    "holds a control character (a line break, a tab, …)",
);

/// Servers that take other letters are rare, and one address must not depend on it.
fn is_ascii(address: &Address) -> bool {
    let whole: &str = address.as_ref();
    whole.is_ascii()
}

fn has_control(text: &str) -> bool {
    text.trim().chars().any(char::is_control)
}

/// Whether a mail to somebody can be put together at all: found out now, not in the morning.
fn can_be_written(from: &Mailbox, name: &str, mail: &Address) -> bool {
    let to = Mailbox::new(Some(name.trim().to_owned()), mail.clone());
    let trial = Message::builder()
        .from(from.clone())
        .to(to)
        .body(String::new());
    trial.is_ok()
}

/// Who mail is from.
fn sender(document: &mut Document<'_>, from: &Text) -> Option<Mailbox> {
    let (vi, en) = match from.value.trim().parse::<Mailbox>() {
        _ if has_control(&from.value) => CONTROL,
        Ok(mailbox) if mailbox.name.as_deref().is_some_and(has_control) => CONTROL,
        Ok(mailbox) if is_ascii(&mailbox.email) => return Some(mailbox),
        Ok(_) => NOT_ASCII,
        Err(_) => ("không phải địa chỉ thư điện tử", "is no mail address"),
    };
    document.problem(from.line, format!("from {vi}"), format!("from {en}"));
    None
}

/// The id of an office's name; a name with an address or a number of a person in it is refused, and one that no mail can bear.
fn identity(document: &mut Document<'_>, name: &Text) -> Option<String> {
    if has_control(&name.value) {
        let (vi, en) = CONTROL;
        document.problem(name.line, format!("name {vi}"), format!("name {en}"));
        return None;
    }
    if find_personal_data(&name.value).is_some() {
        let vi = "name chứa dữ liệu cá nhân; hãy nêu tên cơ quan".to_owned();
        let en = "name holds personal data; name the office".to_owned();
        document.problem(name.line, vi, en);
        return None;
    }
    let id = slug(&name.value);
    if id.is_empty() || id.len() > 100 {
        let vi = "name phải có chữ, và không quá 100 ký tự".to_owned();
        let en = "name must have letters, and at most 100 of them".to_owned();
        document.problem(name.line, vi, en);
        return None;
    }
    Some(id)
}

fn place(document: &mut Document<'_>, text: &Text) -> Option<LocalityCode> {
    let code = text.value.parse();
    if code.is_err() {
        let vi = format!(
            "'{}' không phải mã địa phương (2, 3 hoặc 5 chữ số)",
            text.value
        );
        let en = format!("'{}' is no code of a place (2, 3 or 5 digits)", text.value);
        document.problem(text.line, vi, en);
    }
    code.ok()
}

fn concern(document: &mut Document<'_>, text: &Text) -> Option<Concern> {
    let wanted = text.value.to_ascii_uppercase().replace('-', "_");
    let known = Concern::ALL
        .into_iter()
        .find(|concern| concern.code() == wanted);
    if known.is_none() {
        let all = Concern::ALL.map(|concern| concern.code().to_ascii_lowercase());
        let all = all.join(", ");
        let vi = format!("'{}' không phải lý do; có: {all}", text.value);
        let en = format!("'{}' is no concern; there are: {all}", text.value);
        document.problem(text.line, vi, en);
    }
    known
}

/// What is wrong with the address of a mail server.
fn smtp_problem(url: &str, exposure: Exposure) -> Option<(&'static str, &'static str)> {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, beyond) = rest.split_at(end);
    if authority.contains('@') {
        return Some((
            "url không được chứa mật khẩu; dùng user và password_file",
            "url must not hold a password; use user and password_file",
        ));
    }
    let is_tls = match scheme {
        "smtps" => true,
        // Word for word: what else may stand there is read in more than one way.
        "smtp" => matches!(beyond, "?tls=required" | "/?tls=required"),
        _ => {
            return Some((
                "url phải là smtps://, smtp://…?tls=required hoặc smtp://",
                "url must be smtps://, smtp://…?tls=required or smtp://",
            ));
        }
    };
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.parse::<u16>().is_ok() => host,
        _ => authority,
    };
    if host.is_empty() {
        return Some(("url không có tên máy", "url names no server"));
    }
    let exposed = !is_tls && !is_loopback(host) && exposure == Exposure::Refused;
    exposed.then_some((
        "thư ra ngoài máy này không được mã hóa; dùng smtps:// hoặc ?tls=required, hoặc --insecure-sinks",
        "mail beyond this machine is not encrypted; use smtps:// or ?tls=required, or --insecure-sinks",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n";

    fn parse(text: &str, exposure: Exposure) -> Result<Contacts, Vec<Problem>> {
        let mut read = |path: &str| match path {
            "secret" => Ok(SECRET.to_owned()),
            "short" => Ok("whsec_AAAA".to_owned()),
            "empty" => Ok("\n".to_owned()),
            _ => Err(std::io::ErrorKind::NotFound.into()),
        };
        Contacts::parse(text, exposure, &mut read)
    }

    const WHOLE: &str = r#"
[digest]
hour = 6

[smtp]
url = "smtp://127.0.0.1:2525"
from = "Tiến độ Đề án 06 <tiendo@example.vn>"

[alertmanager]
url = "http://127.0.0.1:9093"

[[webhook]]
name = "trung-tam"
url = "https://example.vn/hook"
secret_file = "secret"
places = ["56"]
concerns = ["overdue", "no-data"]

[[contact]]
place = "56"
name = "Tổ công tác Đề án 06 tỉnh Khánh Hòa"
mail = "to06@example.vn"
below = true

[[contact]]
place = "01"
name = "Tổ công tác Đề án 06 tỉnh Khánh Hòa"
mail = "to06@example.vn"
"#;

    #[test]
    fn an_office_with_two_places_is_one_recipient() {
        let contacts = parse(WHOLE, Exposure::Refused).unwrap();
        assert_eq!(contacts.digest_hour, 6);
        assert_eq!(contacts.recipients.len(), 1);
        let recipient = &contacts.recipients[0];
        assert_eq!(recipient.id, "to-cong-tac-de-an-06-tinh-khanh-hoa");
        let heard: Vec<_> = recipient
            .hears
            .iter()
            .map(|hearing| (hearing.place.to_string(), hearing.below))
            .collect();
        assert_eq!(heard, [("56".to_owned(), true), ("01".to_owned(), false)]);
        let webhook = &contacts.webhooks[0];
        assert_eq!(webhook.sink, "webhook-trung-tam");
        assert_eq!(webhook.concerns, [Concern::Overdue, Concern::NoData]);
        assert!(!format!("{contacts:?}").contains('@'));
    }

    #[test]
    fn the_sample_that_is_shipped_is_right() {
        let sample = include_str!("../../../../deploy/alerting/contacts.toml");
        let mut read = |_: &str| Ok(SECRET.to_owned());
        let contacts = Contacts::parse(sample, Exposure::Refused, &mut read).unwrap();
        let counted = (contacts.recipients.len(), contacts.webhooks.len());
        assert_eq!((counted, contacts.digest_hour), ((2, 1), 7));
        assert!(contacts.smtp.is_some() && contacts.alertmanager.is_some());
    }

    #[test]
    fn a_file_that_cannot_be_used_is_told_in_both_languages() {
        let error = Contacts::load(Path::new("/nowhere/contacts.toml"), Exposure::Refused);
        let error = error.unwrap_err();
        assert!(
            error
                .to_string()
                .contains("[CONTACTS_INVALID]\n  /nowhere/contacts.toml:0: ")
        );
        assert!(error.vi().contains("không đọc được"), "{}", error.vi());
    }

    #[test]
    fn everything_wrong_is_told_at_once_with_its_line() {
        let text = r#"[smtp]
url = "smtp://mail.example.vn"
from = "nobody"
[[webhook]]
name = "Tên"
url = "http://example.vn"
secret_file = "short"
[[webhook]]
name = "b"
url = "http://127.0.0.1"
secret_file = "missing"
colour = "red"
[[contact]]
place = "Hà Nội"
name = "a@b.vn"
mail = "nobody"
lang = 3
[letters]
"#;
        let problems = parse(text, Exposure::Refused).unwrap_err();
        let lines: Vec<usize> = problems.iter().map(|problem| problem.line).collect();
        assert_eq!(
            lines,
            [2, 3, 5, 6, 7, 11, 12, 14, 15, 16, 17, 18],
            "{problems:#?}"
        );
        for problem in &problems {
            assert!(!problem.vi.is_empty() && !problem.en.is_empty());
            assert!(!problem.en.contains("a@b.vn"), "an address is not repeated");
        }
        let syntax = parse("[smtp\nurl = \n", Exposure::Refused).unwrap_err();
        assert!(syntax.iter().any(|problem| problem.line == 1), "{syntax:?}");
    }

    #[test]
    fn a_secret_put_where_its_file_is_named_is_not_repeated() {
        let secret = SECRET.trim();
        let text = format!(
            "[smtp]\nurl = \"smtps://mail.example.vn\"\nfrom = \"a@example.vn\"\nuser = \"u\"\npassword_file = \"hunter2\"\n[[webhook]]\nname = \"b\"\nurl = \"http://127.0.0.1\"\nsecret_file = \"{secret}\"\n"
        );
        let problems = parse(&text, Exposure::Refused).unwrap_err();
        let lines: Vec<usize> = problems.iter().map(|problem| problem.line).collect();
        assert_eq!(lines, [4, 5, 9], "{problems:?}");
        for told in [format!("{problems:?}"), format!("{:?}", &problems[1..])] {
            assert!(
                !told.contains("hunter2") && !told.contains(secret),
                "{told}"
            );
        }
        assert!(problems[2].en.starts_with("secret_file: "), "{problems:?}");
    }

    /// Minutes if lines were counted from the first for each value.
    #[test]
    fn twenty_thousand_contacts_are_read_at_once() {
        let mut text =
            "[smtp]\nurl = \"smtps://mail.example.vn\"\nfrom = \"a@example.vn\"\n".to_owned();
        for number in 0..CONTACTS_MAX {
            text.push_str(&format!(
                "[[contact]]\nplace = \"56\"\nname = \"Tổ {number}\"\nmail = \"to{number}@example.vn\"\nbelow = {}\n",
                if number + 1 == CONTACTS_MAX { "7" } else { "true" }
            ));
        }
        let problems = parse(&text, Exposure::Refused).unwrap_err();
        let lines: Vec<usize> = problems.iter().map(|problem| problem.line).collect();
        assert_eq!(lines, [3 + 5 * CONTACTS_MAX], "{problems:?}");
    }

    #[test]
    fn an_address_has_one_name_and_a_name_one_address() {
        let contact = |name: &str, mail: &str| {
            format!("[[contact]]\nplace = \"56\"\nname = \"{name}\"\nmail = \"{mail}\"\n")
        };
        let smtp = "[smtp]\nurl = \"smtps://mail.example.vn\"\nfrom = \"a@example.vn\"\n";
        for second in [contact("Hai", "a@x.vn"), contact("Một", "b@x.vn")] {
            let text = format!("{smtp}{}{second}", contact("Một", "a@x.vn"));
            let problems = parse(&text, Exposure::Refused).unwrap_err();
            assert_eq!(problems.len(), 1, "{problems:?}");
            assert_eq!(problems[0].line, 10);
        }
    }

    #[test]
    fn what_no_mail_can_bear_is_refused_with_its_line() {
        let told = |from: &str, name: &str, mail: &str| {
            let text = format!(
                "[smtp]\nurl = \"smtps://mail.example.vn\"\nfrom = \"{from}\"\n[[contact]]\nplace = \"56\"\nname = \"{name}\"\nmail = \"{mail}\"\n"
            );
            let problems = parse(&text, Exposure::Refused).map_or_else(|all| all, |_| Vec::new());
            problems.iter().map(|p| p.line).collect::<Vec<_>>()
        };
        let from = "Sổ <a@example.vn>";
        assert_eq!(
            told(from, "  Tổ 06\\n", "a@x.vn"),
            [] as [usize; 0],
            "trimmed"
        );
        assert_eq!(told(from, "Tổ\\n06", "a@x.vn"), [6]);
        assert_eq!(told(from, "Tổ\\u000006", "a@x.vn"), [6]);
        assert_eq!(told(from, "Tổ 06", "tổ@x.vn"), [7]);
        assert_eq!(told(from, "Tổ 06", "a@tổ.vn"), [7]);
        assert_eq!(told("Sổ <sổ@example.vn>", "Tổ 06", "a@x.vn"), [0, 3]);
        assert_eq!(told("S\\u0007 <a@example.vn>", "Tổ 06", "a@x.vn"), [0, 3]);
    }

    #[test]
    fn plain_addresses_beyond_this_machine_need_a_word() {
        let text = "[alertmanager]\nurl = \"http://10.0.0.1:9093\"\n";
        assert!(parse(text, Exposure::Refused).is_err());
        assert!(
            parse(text, Exposure::Allowed)
                .unwrap()
                .alertmanager
                .is_some()
        );
        for (url, fits) in [
            ("smtp://localhost", true),
            ("smtp://a.vn?tls=required", true),
            ("smtps://a.vn:465", true),
            ("smtp://a.vn:587/?tls=required", true),
            ("smtp://a.vn", false),
            ("smtp://a.vn#tls=required", false),
            ("smtp://a.vn/tls=required", false),
            ("smtp://a.vn/x?tls=required", false),
            ("smtp://a.vn?tls=required#x", false),
            ("smtp://a.vn?tls=opportunistic&x=tls=required", false),
            ("smtp://a.vn?tls=required&tls=opportunistic", false),
            ("smtp://a.vn?x=tls=required", false),
            ("smtp://localhost#.a.vn", true),
            ("smtps://u:p@a.vn", false),
            ("http://a.vn", false),
            ("smtps://", false),
        ] {
            assert_eq!(
                smtp_problem(url, Exposure::Refused).is_none(),
                fits,
                "{url}"
            );
        }
    }
}
