//! `tiendo load`, `tiendo log show`, and where the other commands of the log are.

use wire::v1;

use super::{attribute, log, prove, told};
use crate::Failure;
use crate::cli::{Load, Log, SetName};
use crate::client::Clients;
use crate::dataset::Set;
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
    let alarm = if answer.alarm.is_empty() {
        String::new()
    } else {
        format!("\n! {}", answer.alarm)
    };
    let head = output.lang.pick(
        format!(
            "Sổ {}: {head} sự kiện, đã phát hành {published}{alarm}",
            answer.ledger
        ),
        format!(
            "Ledger {}: {head} events, {published} published{alarm}",
            answer.ledger
        ),
    );
    output.answer("GetLedgerResponse", &answer, &head, &table)
}
