//! `tiendo watch` and `tiendo log read`: one line for each event.

use wire::v1;

use super::{ledger, told};
use crate::Failure;
use crate::cli::Watch;
use crate::client::Clients;
use crate::output::{Format, Output, message_json};

pub(super) async fn run(options: Watch, clients: &Clients, output: Output) -> Result<(), Failure> {
    if options.alerts {
        return alerts(&options, clients, output).await;
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
    let told = alerts(&options, clients, output);
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

async fn alerts(options: &Watch, clients: &Clients, output: Output) -> Result<(), Failure> {
    let mut client = clients.alerting().await?;
    let from_position = match options.from {
        Some(_) if options.alerts => options.from.unwrap_or(1),
        _ => newest_alert(&mut client, output).await? + 1,
    };
    let request = v1::ReadAlertsRequest {
        from_position,
        follow: !options.no_follow,
    };
    let mut stream = client
        .read_alerts(request)
        .await
        .map_err(told(output))?
        .into_inner();
    while let Some(answer) = stream.message().await.map_err(told(output))? {
        for recorded in &answer.alerts {
            let (what, verdict) = match recorded.alert.as_ref().and_then(|a| a.body.as_ref()) {
                Some(v1::alert_event::Body::CaseOpened(e)) => ("case.opened", e.verdict.as_ref()),
                Some(v1::alert_event::Body::CaseCleared(e)) => ("case.cleared", e.verdict.as_ref()),
                Some(v1::alert_event::Body::NotificationSent(e)) => {
                    ("notification.sent", e.verdict.as_ref())
                }
                None => continue,
            };
            let verdict = verdict.cloned().unwrap_or_default();
            let code = verdict.locality.clone().unwrap_or_default().code;
            if options
                .locality
                .as_ref()
                .is_none_or(|wanted| *wanted == code)
            {
                let known = output.lang.instant(recorded.known.as_ref());
                let sentence = output.lang.name(verdict.sentence.as_ref());
                let line = format!(
                    "{:>8}  {known}  {code:<6} {what} {} ({})  {sentence}",
                    recorded.position,
                    verdict.indicator,
                    output.lang.concern(verdict.concern())
                );
                print(output, "RecordedAlert", recorded, &line)?;
            }
        }
    }
    Ok(())
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
