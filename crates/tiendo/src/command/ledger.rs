//! `tiendo load`, `tiendo log show`, `tiendo ledger take-over`, and where the other commands of the log are.

use wire::v1;

use super::{attribute, log, prove, told};
use crate::Failure;
use crate::cli::{Ledger, Load, Log, SetName, TakeOver};
use crate::client::Clients;
use crate::dataset::Set;
use crate::lang::Lang;
use crate::output::{Cell, Output, Table, number, text};

pub(super) async fn load(load: Load, clients: &Clients, output: Output) -> Result<(), Failure> {
    let sets: Vec<Set> = load
        .sets
        .iter()
        .map(|set| match set {
            SetName::Gazetteer => Set::Gazetteer,
            SetName::Catalogue => Set::Catalogue,
            SetName::Sample => Set::Sample,
            SetName::Reform => Set::Reform,
            SetName::Relations => Set::Relations,
        })
        .collect();
    crate::load::load(&mut clients.ingest().await?, &sets, output.lang).await?;
    // Where no projection answers, nobody can ask too early.
    let _ = wait_until_folded(clients, output).await;
    if sets.contains(&Set::Sample) {
        say_which_day(output);
    }
    show(clients, output).await
}

/// Waits until a question sees what was loaded.
async fn wait_until_folded(clients: &Clients, output: Output) -> Result<(), Failure> {
    let min_position = ask(clients, output).await?.head;
    let at = Some(v1::ReadAt {
        min_position,
        ..Default::default()
    });
    // What is answered does not matter, so one thing of it is enough.
    let request = v1::ListIndicatorsRequest {
        at,
        page_size: 1,
        ..Default::default()
    };
    clients
        .query()
        .await?
        .list_indicators(request)
        .await
        .map_err(told(output))?;
    Ok(())
}

#[expect(clippy::print_stderr, reason = "a remark beside the data")]
fn say_which_day(output: Output) {
    eprintln!("{}", output.lang.pick(
        "Từ lần khởi động sau, `tiendo up` đánh giá cho ngày 31/7/2023 (ngày của số liệu mẫu); --today chọn ngày khác.",
        "From the next start on, `tiendo up` judges for 31 July 2023, the day of the sample; --today sets another.",
    ));
}

pub(super) async fn run(command: Log, clients: &Clients, output: Output) -> Result<(), Failure> {
    match command {
        // With a proof it is checked before any service is looked for.
        Log::Verify(_) => log::verify(clients, output).await,
        Log::Checkpoint { size } => prove::checkpoint(size, clients, output).await,
        Log::Prove(wanted) => prove::prove(wanted, clients, output).await,
        Log::Show => show(clients, output).await,
        Log::Attribute { position } => attribute::show(position, clients, output).await,
        Log::Erase(erase) => attribute::erase(erase, clients, output).await,
        Log::Read(wanted) => log::read(wanted, clients, output).await,
        Log::Stat => log::stat(clients, output).await,
        Log::Compact => log::compact(clients, output).await,
        Log::Backup { file } => log::backup(&file, clients, output).await,
        // `run::run` keeps it for itself: no service is asked.
        Log::Restore(_) | Log::Digest(_) => Ok(()),
    }
}

pub(super) async fn ledger(
    command: Ledger,
    clients: &Clients,
    output: Output,
) -> Result<(), Failure> {
    match command {
        Ledger::TakeOver(wanted) => take_over(wanted, clients, output).await,
    }
}

async fn take_over(wanted: TakeOver, clients: &Clients, output: Output) -> Result<(), Failure> {
    let request = v1::TakeOverLedgerRequest {
        actor: Some(v1::Actor {
            organisation: wanted.organisation,
            office: wanted.office,
        }),
        reason: wanted.reason,
    };
    let answer = clients.ingest().await?.take_over_ledger(request).await;
    let answer = answer.map_err(told(output))?.into_inner();
    let lang = output.lang;
    let mut table = Table::new(&[
        number("position", "Vị trí", "Position"),
        text("known", "Ghi sổ lúc", "Known"),
        number("heard_head", "Sổ trước đã nghe đến", "Heard head"),
        text("cut_request_id", "Yêu cầu bị cắt", "Cut request"),
    ]);
    table.row([
        Cell::with_raw(lang.count(answer.position), answer.position),
        lang.instant(answer.known.as_ref()).into(),
        Cell::with_raw(lang.count(answer.heard_head), answer.heard_head),
        answer.cut_request_id.as_str().into(),
    ]);
    let head = taken_over(&answer, lang);
    output.answer("TakeOverLedgerResponse", &answer, &head, &table)
}

/// That it is the writer now, and what the one before it is known to have taken along.
fn taken_over(answer: &v1::TakeOverLedgerResponse, lang: Lang) -> String {
    let position = lang.count(answer.position);
    let mut head = lang.pick(
        format!("Đã tiếp quản sổ tại vị trí {position}"),
        format!("The ledger is taken over at position {position}"),
    );
    let lost = (answer.heard_head + 1).saturating_sub(answer.position);
    if lost > 0 {
        let count = lang.count(lost);
        head.push_str(&lang.pick(
            format!("\n! Máy ghi trước còn ít nhất {count} sự kiện chưa phát hành; chưa gửi lại thì mất cùng sổ của nó"),
            format!("\n! The writer before it had at least {count} events more that were not published; unless they are sent again, they are lost with its log"),
        ));
    }
    if !answer.cut_request_id.is_empty() {
        let id = &answer.cut_request_id;
        head.push_str(&lang.pick(
            format!("\n! Yêu cầu {id} chỉ có một phần trong sổ; gửi phần còn lại với mã khác"),
            format!(
                "\n! Of request {id} the ledger has a part only; send the rest under another id"
            ),
        ));
    }
    head
}

/// Which ledger ingest keeps, and how far it has come.
pub(super) async fn ask(
    clients: &Clients,
    output: Output,
) -> Result<v1::GetLedgerResponse, Failure> {
    let request = v1::GetLedgerRequest {};
    let answer = clients.ingest().await?.get_ledger(request).await;
    Ok(answer.map_err(told(output))?.into_inner())
}

async fn show(clients: &Clients, output: Output) -> Result<(), Failure> {
    let answer = ask(clients, output).await?;
    let mut table = Table::new(&[
        text("dataset", "Bộ dữ liệu", "Data set"),
        text("version", "Phiên bản", "Version"),
        number("events", "Số sự kiện", "Events"),
        text("credit", "Nguồn, giấy phép", "Credit"),
    ]);
    for set in &answer.datasets {
        table.row([
            set.dataset.as_str().into(),
            set.version.as_str().into(),
            Cell::with_raw(output.lang.count(set.events), set.events),
            set.credit.as_str().into(),
        ]);
    }
    let (head, published) = (
        output.lang.count(answer.head),
        output.lang.count(answer.published),
    );
    let state = state(&answer, output.lang);
    let head = output.lang.pick(
        format!(
            "Sổ {}: {head} sự kiện, đã phát hành {published}{state}",
            answer.ledger
        ),
        format!(
            "Ledger {}: {head} events, {published} published{state}",
            answer.ledger
        ),
    );
    output.answer("GetLedgerResponse", &answer, &head, &table)
}

/// How far the bus is behind the log, and what is in the way, each on a line of its own.
fn state(answer: &v1::GetLedgerResponse, lang: Lang) -> String {
    let mut state = String::new();
    if answer.behind_positions > 0 {
        let count = lang.count(answer.behind_positions);
        let since = answer.behind_seconds.map(|seconds| lang.seconds(seconds));
        state.push_str(&match since {
            Some(seconds) => lang.pick(
                format!("\nBus chậm so với sổ: {count} sự kiện chưa phát hành, sự kiện đầu chờ đã {seconds} giây"),
                format!("\nThe bus is behind the log: events not published yet: {count}, the first of them for {seconds} s"),
            ),
            None => lang.pick(
                format!("\nBus chậm so với sổ: {count} sự kiện chưa phát hành, không đọc được sự kiện đầu"),
                format!("\nThe bus is behind the log: events not published yet: {count}, and the first of them cannot be read"),
            ),
        });
    }
    if !answer.trouble.is_empty() {
        let trouble = &answer.trouble;
        state.push_str(&lang.pick(
            format!("\n! Đang thử lại: {trouble}"),
            format!("\n! Trying again: {trouble}"),
        ));
    }
    match answer.role() {
        v1::LedgerRole::Standby => state.push_str(&lang.pick(
            format!(
                "\nMáy dự phòng; máy ghi đã báo đến vị trí {}",
                lang.count(answer.writer_head)
            ),
            format!(
                "\nA standby; the writer was heard at position {}",
                lang.count(answer.writer_head)
            ),
        )),
        v1::LedgerRole::Fenced => state.push_str(&fenced(answer.fence.as_ref(), lang)),
        v1::LedgerRole::Writer | v1::LedgerRole::Unspecified => {}
    }
    if !answer.alarm.is_empty() {
        state.push_str(&format!("\n! {}", answer.alarm));
    }
    state
}

/// That another writes the ledger, and what of this log is not in it.
fn fenced(fence: Option<&v1::LedgerFence>, lang: Lang) -> String {
    let fence = fence.cloned().unwrap_or_default();
    let (lost, writer) = (lang.count(fence.lost_events), fence.writer);
    lang.pick(
        format!("\nMáy khác đã tiếp quản: {writer}; {lost} sự kiện của sổ này không có ở đó"),
        format!("\nAnother has taken over: {writer}; {lost} events of this log are not there"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_bus_lacks_and_why_is_told_in_both_languages() {
        let mut answer = v1::GetLedgerResponse::default();
        assert_eq!(state(&answer, Lang::En), "", "nothing is missing");
        answer.behind_positions = 1_234;
        answer.behind_seconds = Some(5.25);
        answer.trouble = "STREAM_STORE_FULL: event 7 was refused".to_owned();
        assert_eq!(
            state(&answer, Lang::Vi),
            "\nBus chậm so với sổ: 1.234 sự kiện chưa phát hành, sự kiện đầu chờ đã 5,2 giây\n\
             ! Đang thử lại: STREAM_STORE_FULL: event 7 was refused"
        );
        answer.behind_seconds = None;
        answer.alarm = "STREAM_FORKED: two histories".to_owned();
        answer.trouble.clear();
        assert_eq!(
            state(&answer, Lang::En),
            "\nThe bus is behind the log: events not published yet: 1,234, and the first of them cannot be read\n\
             ! STREAM_FORKED: two histories"
        );
    }
}
