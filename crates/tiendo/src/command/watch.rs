//! `tiendo watch` and `tiendo log read`: one line for each event.

use wire::v1;
use wire::v1::alert_event::Body;

use super::follow::{self, Again, Ended, Identity};
use super::{ledger, told};
use crate::Failure;
use crate::cli::Watch;
use crate::client::Clients;
use crate::output::{Format, Output, message_json};

pub(super) async fn run(options: Watch, clients: &Clients, output: Output) -> Result<(), Failure> {
    let identity = Identity::new();
    if options.alerts {
        return alerts(&options, &identity, clients, output).await;
    }
    if let Some(request) = follow::wanted(&options) {
        let concerned = follow::run(request, &identity, clients, output);
        // Alerting knows the localities of its cases, and nothing of what lies within one.
        if options.locality.is_none() || options.below {
            return concerned.await;
        }
        let told = alerts(&options, &identity, clients, output);
        return tokio::try_join!(concerned, told).map(|_| ());
    }
    let from = match options.from {
        Some(from) => from,
        None => ledger::ask(clients, output).await?.head + 1,
    };
    let request = v1::ReadEventsRequest {
        from_position: from,
        to_position: 0,
        follow: !options.no_follow,
        ..Default::default()
    };
    if options.no_follow {
        return events(request, options.locality, clients, output).await;
    }
    // A watch of both shows an event and what alerting makes of it as they come.
    let told = alerts(&options, &identity, clients, output);
    let recorded = events(request, options.locality.clone(), clients, output);
    tokio::try_join!(recorded, told).map(|_| ())
}

/// Prints events as they come.
pub(super) async fn events(
    request: v1::ReadEventsRequest,
    locality: Option<String>,
    clients: &Clients,
    output: Output,
) -> Result<(), Failure> {
    header(output)?;
    let mut stream = clients
        .log()
        .await?
        .read_events(request)
        .await
        .map_err(told(output))?
        .into_inner();
    while let Some(answer) = stream.message().await.map_err(told(output))? {
        for recorded in &answer.events {
            let (line, place) = describe(recorded, output)?;
            if locality
                .as_ref()
                .is_none_or(|wanted| place.as_ref() == Some(wanted))
            {
                print(output, "RecordedEvent", recorded, &line)?;
            }
        }
    }
    Ok(())
}

/// The line above events in CSV.
pub(super) fn header(output: Output) -> Result<(), Failure> {
    if output.format == Format::Csv {
        output.text("position,known,locality,topic,event,detail,effective")?;
    }
    Ok(())
}

/// Prints one event.
pub(super) fn show(recorded: &v1::RecordedEvent, output: Output) -> Result<(), Failure> {
    let (line, _) = describe(recorded, output)?;
    print(output, "RecordedEvent", recorded, &line)
}

/// A line for people, or a record for a spreadsheet; and the locality concerned.
fn describe(
    recorded: &v1::RecordedEvent,
    output: Output,
) -> Result<(String, Option<String>), Failure> {
    let (_, event) = recorded
        .read()
        .map_err(|error| Failure::new(crate::fail::FAILED, error))?;
    let subject = event.body.subject();
    let place = subject.locality.map(|id| id.code.to_string());
    if output.format == Format::Csv {
        let known = recorded.known.as_ref().and_then(wire::time::from_wire);
        let known = known.map(|known| known.to_string()).unwrap_or_default();
        // Codes, dates and subjects hold nothing that CSV would have to quote.
        let line = format!(
            "{},{known},{},{},{},{},{}",
            recorded.position,
            place.as_deref().unwrap_or(""),
            subject.topic,
            subject.event,
            subject.detail,
            event.effective,
        );
        return Ok((line, place));
    }
    let line = format!(
        "{:>8}  {}  {:<6} {}.{} {}  {}",
        recorded.position,
        output.lang.instant(recorded.known.as_ref()),
        place.as_deref().unwrap_or("–"),
        subject.topic,
        subject.event,
        subject.detail,
        output
            .lang
            .pick(event.effective.format_vi(), event.effective.format_en()),
    );
    Ok((line, place))
}

/// Prints what alerting says as it comes, of the identity of a locality once that is known; a connection that is lost is made again.
async fn alerts(
    options: &Watch,
    identity: &Identity,
    clients: &Clients,
    output: Output,
) -> Result<(), Failure> {
    let mut seen = match options.from {
        Some(from) if options.alerts => from.max(1) - 1,
        _ => newest_alert(&mut clients.alerting().await?, output).await?,
    };
    let mut again = Again::new(output);
    loop {
        let wanted = (options, identity);
        let ended = match read_alerts(&mut seen, &mut again, wanted, (clients, output)).await {
            Ok(()) if options.no_follow => return Ok(()),
            Ok(()) => Ended::silently(output),
            Err(ended) => ended,
        };
        again.after(ended, seen).await?;
    }
}

/// Prints one stream of alerts to its end; `seen` is then the last one of it.
async fn read_alerts(
    seen: &mut u64,
    again: &mut Again,
    (options, identity): (&Watch, &Identity),
    (clients, output): (&Clients, Output),
) -> Result<(), Ended> {
    let request = v1::ReadAlertsRequest {
        from_position: *seen + 1,
        follow: !options.no_follow,
    };
    let mut client = clients.alerting().await.map_err(Ended::Lost)?;
    let answer = client.read_alerts(request).await;
    let mut stream = answer.map_err(Ended::told(output))?.into_inner();
    while let Some(answer) = stream.message().await.map_err(Ended::told(output))? {
        again.works();
        for recorded in &answer.alerts {
            *seen = recorded.position;
            let Some((place, line)) = alert_line(recorded, output) else {
                continue;
            };
            if is_wanted(options.locality.as_deref(), identity, &place) {
                print(output, "RecordedAlert", recorded, &line)?;
            }
        }
    }
    Ok(())
}

/// The place that an entry of alerting's log is about (none in particular for a silence of several), and a line for people; none of an entry that this version does not know.
fn alert_line(recorded: &v1::RecordedAlert, output: Output) -> Option<(v1::LocalityRef, String)> {
    let body = recorded.alert.as_ref()?.body.as_ref()?;
    let (what, place, about, sentence) = match body {
        Body::CaseOpened(e) => judged("case.opened", e.verdict.as_ref(), output),
        Body::CaseCleared(e) => judged("case.cleared", e.verdict.as_ref(), output),
        Body::CaseEscalated(e) => judged("case.escalated", e.verdict.as_ref(), output),
        Body::NotificationSent(e) => judged("notification.sent", e.verdict.as_ref(), output),
        Body::CaseAcknowledged(e) => done("case.acknowledged", &e.case_id, &e.note),
        Body::AcknowledgementEnded(e) => done("acknowledgement.ended", &e.case_id, ""),
        Body::NotificationWithheld(e) => done("notification.withheld", &e.case_id, &e.why),
        Body::NotificationRead(e) => done("notification.read", &e.case_id, ""),
        Body::SilenceSet(e) => silence("silence.set", &e.places, &e.silence_id, &e.reason),
        Body::SilenceEnded(e) => silence("silence.ended", &e.places, &e.silence_id, ""),
        Body::DeliveryRecorded(e) => delivery("delivery.recorded", &e.sink, &e.recipient),
        Body::DeliveryFailed(e) => delivery("delivery.failed", &e.sink, &e.last_error),
    };
    let (position, code) = (recorded.position, &place.code);
    let known = output.lang.instant(recorded.known.as_ref());
    let line = format!("{position:>8}  {known}  {code:<6} {what} {about}  {sentence}");
    Some((place, line))
}

/// About no place.
fn delivery(what: &'static str, sink: &str, about: &str) -> AlertLine {
    let place = v1::LocalityRef::default();
    (what, place, sink.to_owned(), about.to_owned())
}

type AlertLine = (&'static str, v1::LocalityRef, String, String);

fn judged(what: &'static str, verdict: Option<&v1::Verdict>, output: Output) -> AlertLine {
    let verdict = verdict.cloned().unwrap_or_default();
    let concern = output.lang.concern(verdict.concern());
    let about = format!("{} ({concern})", verdict.indicator);
    let sentence = output.lang.name(verdict.sentence.as_ref());
    let place = verdict.locality.unwrap_or_default();
    (what, place, about, sentence)
}

/// What is known by the case's id: `268@2023-04-10/eid.activated/central/overdue`.
fn done(what: &'static str, case_id: &str, text: &str) -> AlertLine {
    let (place, about) = case_id.split_once('/').unwrap_or((case_id, ""));
    let (code, since) = place.split_once('@').unwrap_or((place, ""));
    let place = v1::LocalityRef {
        code: code.to_owned(),
        since: since.to_owned(),
    };
    (what, place, about.to_owned(), text.to_owned())
}

fn silence(what: &'static str, places: &[v1::SilencedPlace], id: &str, text: &str) -> AlertLine {
    let place = match places {
        [place] => place.locality.clone().unwrap_or_default(),
        _ => v1::LocalityRef::default(),
    };
    (what, place, id.to_owned(), text.to_owned())
}

/// Whether a place is the one asked for: by its code, and by its identity where that is known.
fn is_wanted(code: Option<&str>, identity: &Identity, place: &v1::LocalityRef) -> bool {
    match identity.get() {
        Some(identity) => identity == place,
        None => code.is_none_or(|code| code == place.code),
    }
}

/// Position of the newest entry of alerting's log.
async fn newest_alert(
    client: &mut v1::alerting_service_client::AlertingServiceClient<tonic::transport::Channel>,
    output: Output,
) -> Result<u64, Failure> {
    let request = v1::ReadAlertsRequest {
        from_position: u64::MAX,
        follow: false,
    };
    let mut stream = client
        .read_alerts(request)
        .await
        .map_err(told(output))?
        .into_inner();
    let answer = stream.message().await.map_err(told(output))?;
    Ok(answer.map_or(0, |answer| answer.head))
}

fn print<M: prost::Message>(
    output: Output,
    name: &str,
    message: &M,
    line: &str,
) -> Result<(), Failure> {
    match output.format {
        Format::Table | Format::Csv | Format::Xlsx => output.text(line),
        Format::Json => output.json_line(&message_json(name, message)?),
    }
}
