//! `tiendo subscriber`: other systems that subscribe, let in and looked after.
//!
//! - `wanted`: from places and kinds to a consumer's filters
//! - `accounts`: the server's file of accounts
//! - `snippet`: a program that subscribes
//! - `wrong`: what is wrong with what was asked

mod accounts;
mod snippet;
mod wanted;
mod wrong;

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use bus::Access;
use bus::subscriber::{
    Error, Standing, Start, Subscribers, Unreached, is_public_key, new_key, public_key,
};
use serde_json::{Value, json};

use self::accounts::Entry;
use self::wrong::Wrong;
use super::prove::remark;
use crate::Failure;
use crate::cli::{Accounts, Subscriber, SubscriberAdd, SubscriberBus};
use crate::endpoints::Endpoints;
use crate::fail::{FAILED, NOT_FOUND, REFUSED, UNAVAILABLE};
use crate::lang::Lang;
use crate::output::{Format, Output, Table, number, text};

/// Where a server is if nobody says.
const NATS: &str = "nats://127.0.0.1:4222";
/// Whose ledger it is if nobody says.
const LEDGER: &str = "khanh-hoa";

/// Runs a command; the addresses are those of running services, if any are known.
pub(crate) async fn run(
    command: Subscriber,
    running: Option<Endpoints>,
    output: Output,
) -> Result<(), Failure> {
    let running = running.unwrap_or_default();
    match command {
        Subscriber::Key { file } => key(&file, output),
        Subscriber::Add(asked) => add(*asked, &running, output).await,
        Subscriber::List { bus } => {
            let place = Place::of(&bus, &running, output.lang)?;
            let subscribers = place.connect(output.lang).await?;
            let found = subscribers.list(&place.stream).await;
            shown(&found.map_err(told(output.lang))?, output)
        }
        Subscriber::Show { name, bus } => {
            let place = Place::of(&bus, &running, output.lang)?;
            let subscribers = place.connect(output.lang).await?;
            let found = subscribers.show(&place.stream, &name).await;
            shown(&[found.map_err(told(output.lang))?], output)
        }
        Subscriber::Remove {
            name,
            bus,
            accounts,
        } => remove(&name, &bus, &accounts, &running, output).await,
        Subscriber::Restore { bus, accounts } => restore(&bus, &accounts, &running, output).await,
    }
}

/// A server, and a stream on it.
struct Place {
    access: Access,
    ledger: String,
    stream: String,
}

impl Place {
    fn of(bus: &SubscriberBus, running: &Endpoints, lang: Lang) -> Result<Self, Failure> {
        let or = |said: &Option<String>, running: &str, default: &str| match said {
            Some(said) => said.clone(),
            None if !running.is_empty() => running.to_owned(),
            None => default.to_owned(),
        };
        let ledger = or(&bus.ledger, &running.ledger, LEDGER);
        let of = wanted::ledger(&ledger, bus.alerts, &[]).map_err(|wrong| wrong.told(lang))?;
        let access = bus.credentials.access(&or(&bus.url, &running.nats, NATS));
        Ok(Self {
            access,
            ledger,
            stream: bus::subject::stream_name(&of),
        })
    }

    async fn connect(&self, lang: Lang) -> Result<Subscribers, Failure> {
        Subscribers::connect(&self.access).await.map_err(told(lang))
    }

    /// The accounts file; a server that knows its users needs one.
    fn accounts(&self, accounts: &Accounts, lang: Lang) -> Result<Option<PathBuf>, Failure> {
        match &accounts.accounts {
            None if self.access.nkey.is_some() => Err(Wrong::NoAccounts.told(lang)),
            file => Ok(file.clone()),
        }
    }
}

/// A failure of the bus, with its code.
fn told(lang: Lang) -> impl Fn(Error) -> Failure {
    move |error| {
        let code = match &error {
            Error::Unknown { .. } | Error::NoStream { .. } => NOT_FOUND,
            Error::Exists { .. } => REFUSED,
            Error::Client(_) => UNAVAILABLE,
            _ => FAILED,
        };
        let reason = error.reason();
        let vi = match &error {
            Error::NoStream { stream } => Some(format!(
                "chưa có luồng {stream}; ingest chạy thì luồng mới có"
            )),
            Error::Unknown { stream, name } => {
                Some(format!("luồng {stream} không có bên nhận '{name}'"))
            }
            Error::Exists { stream, name } => Some(format!(
                "luồng {stream} đã có bên nhận '{name}' với nội dung khác"
            )),
            _ => None,
        };
        let caused = Failure::caused(code, &error);
        let text = lang.pick(
            vi.unwrap_or_else(|| caused.text().to_owned()),
            caused.text().to_owned(),
        );
        Failure::new(code, format!("{text} [{reason}]"))
    }
}

fn key(file: &Path, output: Output) -> Result<(), Failure> {
    let public = make_key(file).map_err(|wrong| wrong.told(output.lang))?;
    match output.format {
        Format::Json => output.json(&json!({ "publicKey": public, "seed": file })),
        _ => output.text(&public),
    }
}

/// Makes a pair; the seed goes to a new file of its owner's alone, and nowhere else.
fn make_key(file: &Path) -> Result<String, Wrong> {
    let wrong = |why: String| Wrong::Seed(file.to_owned(), why);
    let (seed, public) = new_key().ok_or_else(|| wrong("no key could be made".to_owned()))?;
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(file).and_then(|mut out| {
        out.write_all(format!("{seed}\n").as_bytes())
            .and(out.sync_all())
    });
    written.map_err(|error| wrong(error.to_string()))?;
    Ok(public)
}

/// The public key of a subscriber, the file with its seed if it is kept here, and whether that was made just now.
fn key_of(asked: &SubscriberAdd) -> Result<(String, Option<PathBuf>, bool), Wrong> {
    if let Some(key) = &asked.public_key {
        return if is_public_key(key) {
            Ok((key.clone(), None, false))
        } else {
            Err(Wrong::Key(key.clone()))
        };
    }
    let file = asked.seed.clone();
    let file = file.unwrap_or_else(|| PathBuf::from(format!("{}.nk", asked.name)));
    let wrong = |why: &str| Wrong::Seed(file.clone(), why.to_owned());
    let file_abs = std::path::absolute(&file).map_err(|error| wrong(&error.to_string()))?;
    if !file.exists() {
        return Ok((make_key(&file)?, Some(file_abs), true));
    }
    // A key that was taken away from somebody lets nobody in again by a name alone.
    let is_known = |file: &Path| {
        accounts::read(file).is_ok_and(|all| all.iter().any(|one| one.name == asked.name))
    };
    if asked.seed.is_none() && !asked.accounts.accounts.as_deref().is_some_and(is_known) {
        let why = "it is there from before; name it with --seed to use it again, or move it away";
        return Err(wrong(why));
    }
    let seed = fs::read_to_string(&file).map_err(|error| wrong(&error.to_string()))?;
    let public = public_key(&seed).ok_or_else(|| wrong("it holds no nkey seed of a user"))?;
    Ok((public, Some(file_abs), false))
}

async fn add(asked: SubscriberAdd, running: &Endpoints, output: Output) -> Result<(), Failure> {
    let lang = output.lang;
    let wrong = |wrong: Wrong| wrong.told(lang);
    let place = Place::of(&asked.bus, running, lang)?;
    let wanted = wanted::wanted(&asked, &place.ledger).map_err(wrong)?;
    if let Some(url) = &asked.public_url {
        let checked = Access::open(url.as_str()).check();
        let unfit = |error| Wrong::PublicUrl(Failure::caused(REFUSED, &error).text().to_owned());
        checked.map_err(|error| wrong(unfit(error)))?;
    }
    let file = place.accounts(&asked.accounts, lang)?;
    let subscribers = place.connect(lang).await?;
    let mut seed = None;
    let standing = if let Some(file) = &file {
        let (key, kept, is_made) = key_of(&asked).map_err(wrong)?;
        seed = kept;
        let entry = Entry {
            name: wanted.name.clone(),
            ledger: place.ledger.clone(),
            stream: wanted.stream.clone(),
            filters: wanted.filters.clone(),
            start: asked.start.clone(),
            may_report: asked.may_report,
            key,
        };
        let entry = begun(entry, file, &subscribers, lang).await?;
        let admitted = admit(&entry, file, &subscribers, (&place, &asked), lang).await;
        if let (Err(_), true, Some(seed)) = (&admitted, is_made, &seed) {
            // It lets nobody in.
            let _ = fs::remove_file(seed);
        }
        admitted?
    } else {
        remark(lang.pick(
            "Máy chủ NATS này không có tài khoản: mọi chương trình trên máy đều đọc được, không cần khóa.",
            "This NATS server has no accounts: everybody on its machine is let in, without a key.",
        ));
        subscribers.add(&wanted).await.map_err(told(lang))?
    };
    let public = asked.public_url.as_deref();
    let program = snippet::text(
        asked.snippet,
        &place.access,
        public,
        &wanted,
        seed.as_deref(),
    );
    match output.format {
        Format::Json => {
            let mut value = value(&standing);
            value["seed"] = json!(seed);
            value["snippet"] = json!(program);
            output.json(&value)
        }
        _ => {
            if let Some(seed) = &seed {
                let seed = seed.display();
                remark(&lang.pick(
                    format!("Khóa bí mật: {seed}; trao tận tay, không gửi qua thư."),
                    format!("The secret key is {seed}; hand it over in person, not by mail."),
                ));
            }
            output.text(program.trim_end())
        }
    }
}

/// The entry of a subscriber who wants what is new: from a position, so that made anew one day it begins where it began.
async fn begun(
    entry: Entry,
    file: &Path,
    subscribers: &Subscribers,
    lang: Lang,
) -> Result<Entry, Failure> {
    if wanted::start(&entry.start).map_err(|wrong| wrong.told(lang))? != Start::New {
        return Ok(entry);
    }
    let all = accounts::read(file).map_err(|wrong| wrong.told(lang))?;
    let start = match all.into_iter().find(|other| other.name == entry.name) {
        Some(other) => other.start,
        None => {
            let last = subscribers.last(&entry.stream).await.map_err(told(lang))?;
            (last + 1).to_string()
        }
    };
    Ok(Entry { start, ..entry })
}

/// Makes the consumer and the account; what is refused on the way leaves no account behind.
async fn admit(
    entry: &Entry,
    file: &Path,
    subscribers: &Subscribers,
    (place, asked): (&Place, &SubscriberAdd),
    lang: Lang,
) -> Result<Standing, Failure> {
    let wrong = |wrong: Wrong| wrong.told(lang);
    accounts::has(file, entry).map_err(wrong)?;
    let wanted = entry.wanted().map_err(wrong)?;
    let standing = subscribers.add(&wanted).await.map_err(told(lang))?;
    let is_new = accounts::put(file, entry).map_err(wrong)?;
    let known = (entry.name.as_str(), true);
    match reload(&place.access, &asked.accounts, known, lang).await {
        Ok(unreached) if unreached.is_empty() => {}
        Ok(unreached) => remark(Wrong::Unreached(unreached).told(lang).text()),
        Err(failure) => {
            if is_new {
                accounts::take(file, &entry.name).map_err(wrong)?;
            }
            return Err(failure);
        }
    }
    Ok(standing)
}

/// Has the servers read their accounts anew, or says how; gives those on which an account is not known as it should be.
async fn reload(
    access: &Access,
    accounts: &Accounts,
    (account, is_known): (&str, bool),
    lang: Lang,
) -> Result<Vec<Unreached>, Failure> {
    let Some(nkey) = &accounts.system_nkey else {
        remark(if is_known {
            lang.pick(
                "Máy chủ chưa đọc tài khoản mới: chạy `systemctl reload nats-server` (SIGHUP) hai lần trên mỗi máy chủ NATS.",
                "The server has not read the accounts yet: run `systemctl reload nats-server` (SIGHUP) twice on each NATS server.",
            )
        } else {
            lang.pick(
                "Máy chủ chưa đọc lại tài khoản nên vẫn cho vào, và kết nối đang mở vẫn chạy: chạy `systemctl reload nats-server` (SIGHUP) trên mỗi máy chủ NATS.",
                "The server has not read the accounts yet, still lets it in, and leaves its connections open: run `systemctl reload nats-server` (SIGHUP) on each NATS server.",
            )
        });
        return Ok(Vec::new());
    };
    let system = Access {
        nkey: Some(nkey.clone()),
        inbox: None,
        ..access.clone()
    };
    let server = Subscribers::connect(&system).await.map_err(told(lang))?;
    let unreached = server.reload(account, is_known).await;
    unreached.map_err(told(lang))
}

async fn remove(
    name: &str,
    bus: &SubscriberBus,
    accounts: &Accounts,
    running: &Endpoints,
    output: Output,
) -> Result<(), Failure> {
    let lang = output.lang;
    let place = Place::of(bus, running, lang)?;
    let file = place.accounts(accounts, lang)?;
    let subscribers = place.connect(lang).await?;
    // The account first, and the server is told even if it was gone before: what failed half-way is tried again.
    let (mut had_account, mut unreached) = (false, Vec::new());
    if let Some(file) = &file {
        let entry = accounts::read(file).map_err(|wrong| wrong.told(lang))?;
        let entry = entry.into_iter().find(|entry| entry.name == name);
        if let Some(entry) = &entry
            && entry.stream != place.stream
        {
            let (stream, name) = (place.stream.clone(), name.to_owned());
            return Err(told(lang)(Error::Unknown { stream, name }));
        }
        had_account = accounts::take(file, name).map_err(|wrong| wrong.told(lang))?;
        unreached = reload(&place.access, accounts, (name, false), lang).await?;
    }
    let removed = subscribers.remove(&place.stream, name).await;
    if !unreached.is_empty() {
        return Err(Wrong::Unreached(unreached).told(lang));
    }
    match removed {
        Err(Error::Unknown { .. } | Error::NoStream { .. }) if had_account => {}
        removed => removed.map_err(told(lang))?,
    }
    match output.format {
        Format::Json => output.json(&json!({ "name": name, "stream": place.stream })),
        _ => output.text(&lang.pick(
            format!("Đã bỏ bên nhận {name}"),
            format!("{name} no longer subscribes"),
        )),
    }
}

async fn restore(
    bus: &SubscriberBus,
    accounts: &Accounts,
    running: &Endpoints,
    output: Output,
) -> Result<(), Failure> {
    let lang = output.lang;
    let place = Place::of(bus, running, lang)?;
    let Some(file) = &accounts.accounts else {
        return Err(Wrong::NoAccounts.told(lang));
    };
    let subscribers = place.connect(lang).await?;
    let (mut standings, mut failed) = (Vec::new(), Ok(()));
    for entry in accounts::read(file).map_err(|wrong| wrong.told(lang))? {
        let wanted = entry.wanted().map_err(|wrong| wrong.told(lang))?;
        // One that cannot be made keeps no other waiting.
        match subscribers.add(&wanted).await {
            Ok(standing) => standings.push(standing),
            Err(error) => failed = Err(told(lang)(error)),
        }
    }
    shown(&standings, output)?;
    failed
}

/// How somebody stands, as JSON.
fn value(standing: &Standing) -> Value {
    json!({
        "name": standing.name,
        "stream": standing.stream,
        "filters": standing.filters,
        "acknowledged": standing.acknowledged,
        "acknowledgedAt": standing.acknowledged_at,
        "delivered": standing.delivered,
        "last": standing.last,
        "lag": standing.last.saturating_sub(standing.acknowledged),
        "waiting": standing.waiting,
        "unacknowledged": standing.unacknowledged,
    })
}

fn shown(standings: &[Standing], output: Output) -> Result<(), Failure> {
    let mut table = Table::new(&[
        text("name", "Bên nhận", "Subscriber"),
        number("waiting", "Chờ nhận", "Waiting"),
        number("unacknowledged", "Chưa xác nhận", "Unacknowledged"),
        number("acknowledged", "Đã xác nhận đến", "Acknowledged up to"),
        text("acknowledged_at", "Lúc", "At"),
        number("lag", "Cách cuối luồng", "Behind the stream"),
        text("filters", "Nhận", "Is given"),
    ]);
    let count = |number: u64| output.lang.count(number);
    for one in standings {
        let lag = one.last.saturating_sub(one.acknowledged);
        let at = one.acknowledged_at.clone().unwrap_or_default();
        table.row([
            one.name.as_str().into(),
            crate::output::Cell::with_raw(count(one.waiting), one.waiting),
            crate::output::Cell::with_raw(count(one.unacknowledged), one.unacknowledged),
            crate::output::Cell::with_raw(count(one.acknowledged), one.acknowledged),
            at.into(),
            crate::output::Cell::with_raw(count(lag), lag),
            one.filters.join(" ").into(),
        ]);
    }
    let values = json!({ "subscribers": standings.iter().map(value).collect::<Vec<_>>() });
    output.report(&values, "", &table)
}
