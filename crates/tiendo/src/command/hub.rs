//! `tiendo hub add`, `tiendo hub list` and `tiendo hub remove`: asked of the hub's NATS server, not of a service.

use std::time::Duration;

use bus::client::{ConnectSettings, Connection, connect};
use bus::hub::{self, Error, Feed, HubSpec, Standing};
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::Failure;
use crate::cli::{Hub, HubAdd, HubAt, HubLedger};
use crate::fail::{NOT_FOUND, REFUSED, UNAVAILABLE, USAGE};
use crate::output::{Cell, Format, Output, Table, code, number, text};

/// Longest wait for a connection, or the answer to a request.
const TIMEOUT: Duration = Duration::from_secs(5);
/// How long heartbeats are listened to; they come once a second.
const LISTEN: Duration = Duration::from_millis(2_500);
/// How long a ledger that was just added may take to be heard of before that is told.
const FIRST_WORD: Duration = Duration::from_secs(5);
/// Between two looks at whether it was.
const POLL: Duration = Duration::from_millis(200);
/// So long after the last word of a stream that is read, which comes once a second, its line is called cut.
const QUIET: Duration = Duration::from_secs(5);

/// Runs a command about a hub.
pub(crate) async fn run(command: Hub, output: Output) -> Result<(), Failure> {
    match command {
        Hub::Add(wanted) => add(wanted, output).await,
        Hub::List { at } => {
            let connection = connected(&at).await?;
            let standings = hub::list(&connection, &at.stream, LISTEN).await;
            show(&standings.map_err(failed)?, output)
        }
        Hub::Remove { of, at } => {
            let connection = connected(&at).await?;
            let ledgers = ledgers(&of);
            let removed = hub::remove(&connection, &at.stream, &ledgers).await;
            removed.map_err(failed)?;
            let value = json!({ "stream": at.stream, "removed": ledgers });
            let names = ledgers.join(", ");
            let said = output.lang.pick(
                format!("Trung tâm không đọc {names} nữa; những gì đã lấy vẫn còn."),
                format!("The hub reads {names} no more; what it took stays."),
            );
            tell(&value, &said, output)
        }
    }
}

async fn connected(at: &HubAt) -> Result<Connection, Failure> {
    let settings = ConnectSettings {
        access: at.nats.access(),
        name: "tiendo hub".to_owned(),
        timeout: TIMEOUT,
    };
    let connection = connect(&settings).await;
    connection.map_err(|error| with_reason(UNAVAILABLE, &error, error.reason()))
}

fn ledgers(of: &HubLedger) -> Vec<String> {
    let alerts = of.alerts.then(|| format!("{}-alerts", of.ledger));
    [of.ledger.clone()].into_iter().chain(alerts).collect()
}

async fn add(wanted: HubAdd, output: Output) -> Result<(), Failure> {
    let connection = connected(&wanted.at).await?;
    let mut spec = HubSpec::new(wanted.at.stream.as_str());
    spec.replicas = wanted.replicas.into();
    spec.bytes_max = wanted.bytes_max;
    let feeds: Vec<Feed> = ledgers(&wanted.of)
        .into_iter()
        .map(|ledger| Feed {
            ledger,
            domain: wanted.domain.clone(),
        })
        .collect();
    let fresh = hub::add(&connection, &spec, &feeds).await.map_err(failed)?;
    let standings = first_word(&connection, &spec.name, &feeds).await?;
    let mut lines = Vec::new();
    let mut told = Vec::new();
    for (feed, fresh) in feeds.iter().zip(fresh) {
        let standing = standings.iter().find(|standing| standing.feed == *feed);
        lines.push(line(feed, fresh, standing, output));
        told.push(
            json!({ "ledger": feed.ledger, "added": fresh, "standing": standing.map(value) }),
        );
    }
    tell(
        &json!({ "stream": spec.name, "ledgers": told }),
        &lines.join("\n"),
        output,
    )
}

/// How the ledgers stand once each was heard of, or the server says why not, or it takes long.
async fn first_word(
    connection: &Connection,
    name: &str,
    feeds: &[Feed],
) -> Result<Vec<Standing>, Failure> {
    let begun = Instant::now();
    loop {
        let standings = hub::list(connection, name, Duration::ZERO).await;
        let standings = standings.map_err(failed)?;
        let known = |feed: &Feed| {
            let found = standings.iter().find(|standing| standing.feed == *feed);
            found.is_some_and(|standing| standing.heard.is_some() || standing.error.is_some())
        };
        if feeds.iter().all(known) || begun.elapsed() > FIRST_WORD {
            return Ok(standings);
        }
        sleep(POLL).await;
    }
}

fn line(feed: &Feed, fresh: bool, standing: Option<&Standing>, output: Output) -> String {
    let lang = output.lang;
    let ledger = &feed.ledger;
    let begun = if fresh {
        lang.pick("đã thêm", "added")
    } else {
        lang.pick("đã có từ trước", "was there already")
    };
    let now = match standing {
        Some(standing) if standing.error.is_none() && standing.heard.is_some() => {
            let lag = lang.count(standing.lag);
            lang.pick(
                format!("đang đọc, còn {lag} sự kiện"),
                format!("is being read, {lag} events to go"),
            )
        }
        Some(Standing {
            error: Some(error), ..
        }) => lang.pick(
            format!("chưa đọc được: {error}; máy chủ sẽ thử lại"),
            format!("cannot be read yet: {error}; the server tries again"),
        ),
        _ => lang
            .pick(
                "chưa nghe thấy gì; khi đường truyền tới tỉnh thông, máy chủ tự đọc (xem tiendo hub list)",
                "was not heard of yet; it is read once the line to the province is up (see tiendo hub list)",
            )
            .to_owned(),
    };
    format!("{ledger}: {begun}; {now}")
}

fn show(standings: &[Standing], output: Output) -> Result<(), Failure> {
    let lang = output.lang;
    let mut table = Table::new(&[
        code("ledger", "Sổ", "Ledger"),
        code("domain", "Miền", "Domain"),
        number("held", "Đã lấy đến", "Held up to"),
        number("head", "Cuối sổ", "Head"),
        number("lag", "Còn thiếu", "Behind"),
        number("heard_seconds", "Nghe thấy (giây trước)", "Heard (s ago)"),
        text("state", "Tình trạng", "State"),
    ]);
    for standing in standings {
        let count = |count: Option<u64>| {
            let raw = count.map_or_else(String::new, |count| count.to_string());
            Cell::with_raw(
                count.map(|count| lang.count(count)).unwrap_or_default(),
                raw,
            )
        };
        let heard = standing.heard.map(|heard| heard.as_secs_f64());
        let shown = heard.map(|seconds| lang.seconds(seconds));
        let raw = heard.map_or_else(String::new, |seconds| format!("{seconds:.1}"));
        table.row([
            standing.feed.ledger.as_str().into(),
            standing.feed.domain.as_deref().unwrap_or_default().into(),
            count(standing.held),
            count(standing.head),
            count(Some(behind(standing))),
            Cell::with_raw(shown.unwrap_or_default(), raw),
            Cell::with_raw(state(standing, output), condition(standing)),
        ]);
    }
    let value = json!({ "ledgers": standings.iter().map(value).collect::<Vec<_>>() });
    output.report(&value, "", &table)
}

/// How many events the hub lacks, by the heartbeat if there was one, else by what it knew when it last heard of the stream.
fn behind(standing: &Standing) -> u64 {
    match (standing.head, standing.held) {
        (Some(head), held) => head.saturating_sub(held.unwrap_or(0)),
        (None, _) => standing.lag,
    }
}

/// How a ledger stands, in a word that stays.
fn condition(standing: &Standing) -> &'static str {
    match standing {
        Standing { error: Some(_), .. } => "refused",
        Standing { heard: None, .. } => "unheard",
        Standing {
            heard: Some(heard), ..
        } if *heard > QUIET => "quiet",
        Standing {
            head: Some(head),
            held: Some(held),
            ..
        } if held > head => "ahead",
        _ if behind(standing) > 0 => "behind",
        Standing { head: None, .. } => "unknown",
        _ => "current",
    }
}

fn state(standing: &Standing, output: Output) -> String {
    let lang = output.lang;
    if let Some(error) = &standing.error {
        return lang.pick(
            format!("không đọc được: {error}"),
            format!("cannot be read: {error}"),
        );
    }
    let text = match condition(standing) {
        "unheard" => lang.pick("chưa nghe thấy lần nào", "never heard of yet"),
        "quiet" => lang.pick("đường truyền đứt", "the line is down"),
        "ahead" => lang.pick(
            "đi trước sổ: sổ đã được phục hồi từ bản cũ [HUB_AHEAD_OF_LOG]",
            "ahead of the log, which was restored from an older copy [HUB_AHEAD_OF_LOG]",
        ),
        "behind" => lang.pick("đang đọc", "is being read"),
        "unknown" => lang.pick(
            "đã lấy hết luồng; không nghe nhịp báo nên không biết sổ đang ở đâu",
            "has all of the stream; no heartbeat, so nobody knows where the log is",
        ),
        _ => lang.pick("đủ", "current"),
    };
    text.to_owned()
}

fn value(standing: &Standing) -> serde_json::Value {
    json!({
        "ledger": standing.feed.ledger,
        "domain": standing.feed.domain,
        "held": standing.held,
        "head": standing.head,
        "behind": behind(standing),
        "heardSeconds": standing.heard.map(|heard| heard.as_secs_f64()),
        "state": condition(standing),
        "error": standing.error,
    })
}

fn tell(value: &serde_json::Value, said: &str, output: Output) -> Result<(), Failure> {
    match output.format {
        Format::Json => output.json(value),
        _ => output.text(said),
    }
}

fn failed(error: Error) -> Failure {
    let exit = match &error {
        Error::Ledger { .. } | Error::Domain { .. } => USAGE,
        Error::Missing { .. } | Error::NotFed { .. } => NOT_FOUND,
        Error::Taken { .. } | Error::Elsewhere { .. } | Error::Changed { .. } => REFUSED,
        _ => UNAVAILABLE,
    };
    with_reason(exit, &error, error.reason())
}

fn with_reason(
    exit: u8,
    error: &(dyn std::error::Error + 'static),
    reason: &'static str,
) -> Failure {
    let failure = Failure::caused(exit, error);
    Failure::new(exit, format!("{} [{reason}]", failure.text()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ledger_is_told_by_the_first_thing_that_is_wrong_with_it() {
        let second = Some(Duration::from_secs(1));
        let of = |held, head, heard, error: Option<&str>| Standing {
            feed: Feed {
                ledger: "khanh-hoa".to_owned(),
                domain: None,
            },
            held,
            lag: 7,
            heard,
            head,
            error: error.map(str::to_owned),
        };
        for (standing, said, lacks) in [
            (of(None, None, None, Some("stream not found")), "refused", 7),
            (of(None, None, None, None), "unheard", 7),
            (of(Some(5), None, Some(QUIET * 2), None), "quiet", 7),
            (of(Some(9), Some(5), second, None), "ahead", 0),
            (of(Some(5), Some(9), second, None), "behind", 4),
            (of(None, Some(9), second, None), "behind", 9),
            (of(Some(9), Some(9), second, None), "current", 0),
            (of(Some(9), None, second, None), "behind", 7),
        ] {
            assert_eq!((condition(&standing), behind(&standing)), (said, lacks));
        }
        // The stream was taken whole; whether the log has more only its heartbeat would say.
        let unheard = Standing {
            lag: 0,
            ..of(Some(9), None, second, None)
        };
        assert_eq!((condition(&unheard), behind(&unheard)), ("unknown", 0));
    }
}
