//! `tiendo delivery list` and `tiendo delivery retry`.

use wire::v1;

use super::told;
use crate::Failure;
use crate::cli::Delivery;
use crate::client::Clients;
use crate::output::{Format, Output, Table, code, message_json, number, text};

pub(super) async fn run(
    command: Delivery,
    clients: &Clients,
    output: Output,
) -> Result<(), Failure> {
    match command {
        Delivery::List { sink } => list(sink.unwrap_or_default(), clients, output).await,
        Delivery::Retry { sink, positions } => {
            let request = v1::RetryDeliveriesRequest {
                sink: sink.unwrap_or_default(),
                positions,
            };
            retry(request, clients, output).await
        }
    }
}

async fn list(sink: String, clients: &Clients, output: Output) -> Result<(), Failure> {
    let lang = output.lang;
    let mut client = clients.alerting().await?;
    let request = v1::ListDeliveriesRequest { sink };
    let answer = client.list_deliveries(request).await;
    let answer = answer.map_err(told(output))?.into_inner();
    let mut head = Vec::new();
    for sink in &answer.sinks {
        let [through, log] = [sink.through, answer.head].map(|n| lang.count(n));
        let counts = [sink.delivered, sink.failed, sink.dead_letters].map(|n| lang.count(n));
        let [delivered, failed, dead] = counts;
        let error = match sink.last_error.as_str() {
            "" => String::new(),
            error => format!(" ({error})"),
        };
        head.push(lang.pick(
            format!(
                "{}: đã giao {delivered}, lỗi {failed}{error}, thư chết {dead}; đã ghi đến vị trí {through} trong {log}",
                sink.sink
            ),
            format!(
                "{}: {delivered} delivered, {failed} failed{error}, {dead} dead letters; on record up to position {through} of {log}",
                sink.sink
            ),
        ));
    }
    if answer.sinks.is_empty() {
        head.push(
            lang.pick(
                "Chưa có nơi nhận nào; xem --contacts.",
                "There is no sink; see --contacts.",
            )
            .to_owned(),
        );
    }
    let table = dead_letters(&answer.dead_letters, output);
    output.answer("ListDeliveriesResponse", &answer, &head.join("\n"), &table)
}

fn dead_letters(dead_letters: &[v1::DeadLetter], output: Output) -> Table {
    let mut table = Table::new(&[
        code("sink", "Nơi nhận", "Sink"),
        code("recipient", "Người nhận", "Recipient"),
        number("position", "Vị trí", "Position"),
        number("attempts", "Số lần", "Attempts"),
        text("error", "Lỗi cuối", "Last error"),
        text("given_up", "Thôi gửi lúc", "Given up"),
    ]);
    for dead in dead_letters {
        table.row([
            dead.sink.as_str().into(),
            dead.recipient.as_str().into(),
            dead.position.to_string().into(),
            dead.attempts.to_string().into(),
            dead.last_error.as_str().into(),
            output.lang.instant(dead.given_up.as_ref()).into(),
        ]);
    }
    table
}

async fn retry(
    request: v1::RetryDeliveriesRequest,
    clients: &Clients,
    output: Output,
) -> Result<(), Failure> {
    let mut client = clients.alerting().await?;
    let answer = client.retry_deliveries(request).await;
    let answer = answer.map_err(told(output))?.into_inner();
    if output.format == Format::Json {
        return output.json_line(&message_json("RetryDeliveriesResponse", &answer)?);
    }
    let number = output.lang.count(answer.retried);
    output.text(&output.lang.pick(
        format!("Gửi lại {number} thư chết; xem kết quả bằng tiendo delivery list"),
        format!("{number} dead letters are sent once more; see what comes of it with tiendo delivery list"),
    ))
}
