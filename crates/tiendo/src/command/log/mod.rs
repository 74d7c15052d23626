//! `tiendo log stat | read | verify | compact | backup | restore | digest`: the log as a whole.
//!
//! - here: what the running service is asked
//! - `offline`: the same of a directory or a backup that no service holds
//! - `backup`, `restore`: the log into a file, and into a new directory
//! - `digest`: what its events add up to

mod backup;
mod bus;
mod digest;
mod offline;
mod restore;

use indicatif::ProgressBar;
use tonic::Streaming;
use wire::v1;

use super::{told, watch};
use crate::Failure;
use crate::cli::{Log, LogRead};
use crate::client::Clients;
use crate::fail::{FAILED, UNAVAILABLE};
use crate::output::{Cell, Output, Table, number, text};

pub(super) use backup::backup;

/// Whether a command works without any service.
pub(crate) fn is_offline(command: &Log) -> bool {
    match command {
        Log::Restore(_) | Log::Digest(_) => true,
        Log::Read(wanted) => wanted.at.directory.is_some(),
        Log::Verify(wanted) => wanted.at.directory.is_some() || wanted.backup.is_some(),
        _ => false,
    }
}

/// Runs a command that works without any service.
pub(crate) async fn offline(command: Log, output: Output) -> Result<(), Failure> {
    // Files are read and written, and the bus is waited for, on a thread that may block.
    let handle = tokio::runtime::Handle::current();
    let run = move || match command {
        Log::Restore(wanted) => restore::run(wanted, &handle, output),
        Log::Digest(wanted) => digest::run(&wanted, output),
        Log::Read(wanted) => offline::read(wanted, output),
        Log::Verify(wanted) => offline::verify(wanted, output),
        _ => Ok(()),
    };
    let ended = tokio::task::spawn_blocking(run).await;
    ended.map_err(|error| Failure::new(FAILED, error.to_string()))?
}

/// A progress bar for a way of so many positions or bytes.
pub(super) fn bar(length: u64, what: (&str, &str), output: Output) -> ProgressBar {
    crate::load::progress(length, output.lang.pick(what.0, what.1))
}

pub(super) async fn read(
    wanted: LogRead,
    clients: &Clients,
    output: Output,
) -> Result<(), Failure> {
    let request = v1::ReadEventsRequest {
        from_position: wanted.from,
        to_position: wanted.to,
        follow: false,
        descending: wanted.descending,
        locality: wanted.locality.unwrap_or_default(),
        kind: wanted.kind.unwrap_or_default(),
        known_from: wanted.known_from.map(wire::time::to_wire),
        known_to: wanted.known_to.map(wire::time::to_wire),
        // Whoever looks into a fenced log looks for what is lost.
        beyond_fence: true,
    };
    watch::events(request, None, clients, output).await
}

pub(super) async fn stat(clients: &Clients, output: Output) -> Result<(), Failure> {
    let request = v1::GetLogStatisticsRequest {};
    let answer = clients.log().await?.get_log_statistics(request).await;
    show_statistics(&answer.map_err(told(output))?.into_inner(), output)
}

/// What a figure is called in Vietnamese and in English, and its key for a spreadsheet.
type Name = (&'static str, &'static str, &'static str);

fn show_statistics(found: &v1::GetLogStatisticsResponse, output: Output) -> Result<(), Failure> {
    let lang = output.lang;
    let mut table = Table::new(&[
        text("what", "Nội dung", "What"),
        number("value", "Giá trị", "Value"),
    ]);
    let mut row = |name: Name, shown: String, raw: String| {
        let what = Cell::with_raw(lang.pick(name.0, name.1), name.2);
        table.row([what, Cell::with_raw(shown, raw)]);
    };
    for (name, count) in counts(found) {
        row(name, lang.count(count), count.to_string());
    }
    for name in PARTS {
        let part = found.parts.iter().find(|part| part.part == name.1);
        let bytes = part.map_or(0, |part| part.bytes);
        row(name, lang.count(bytes), bytes.to_string());
    }
    let per_event = format!("{:.1}", found.bytes_per_event);
    let name = (
        "Byte mỗi sự kiện đã xếp khối",
        "Bytes for each settled event",
        "bytes_per_event",
    );
    let shown = lang.pick(per_event.replace('.', ","), per_event.clone());
    row(name, shown, per_event);
    for (name, time) in [
        (
            ("Ghi sớm nhất", "Oldest known", "oldest_known"),
            &found.oldest_known,
        ),
        (
            ("Ghi mới nhất", "Newest known", "newest_known"),
            &found.newest_known,
        ),
    ] {
        let raw = time.as_ref().and_then(wire::time::from_wire);
        let raw = raw.map(|time| time.to_string()).unwrap_or_default();
        row(name, lang.instant(time.as_ref()), raw);
    }
    output.answer("GetLogStatisticsResponse", found, "", &table)
}

/// The parts of the log on the disk; the English name is the part's.
const PARTS: [Name; 3] = [
    ("kho khối", "store", "bytes.store"),
    ("nhật ký ghi", "journal", "bytes.journal"),
    ("chỉ mục", "index", "bytes.index"),
];

fn counts(found: &v1::GetLogStatisticsResponse) -> [(Name, u64); 7] {
    [
        (("Vị trí cuối", "Last position", "head"), found.head),
        (("Số khối", "Chunks", "chunks"), found.chunks),
        (
            (
                "Sự kiện chưa xếp khối",
                "Events not yet settled",
                "unsettled_events",
            ),
            found.unsettled_events,
        ),
        (
            ("Số chủ đề", "Different subjects", "subjects"),
            found.subjects,
        ),
        (
            (
                "Mã yêu cầu được nhớ",
                "Request ids remembered",
                "requests_remembered",
            ),
            found.requests_remembered,
        ),
        (
            (
                "Phiên bản định dạng",
                "Version of the format",
                "format_version",
            ),
            u64::from(found.format_version),
        ),
        (
            ("Dung lượng (byte)", "Bytes on the disk", "disk_bytes"),
            found.disk_bytes,
        ),
    ]
}

pub(super) async fn verify(clients: &Clients, output: Output) -> Result<(), Failure> {
    let request = v1::VerifyLogRequest {};
    let answers = clients.log().await?.verify_log(request).await;
    let answers = answers.map_err(told(output))?.into_inner();
    let bar = bar(0, ("Đang kiểm tra sổ", "Verifying the log"), output);
    let way = |answer: &v1::VerifyLogResponse| Way {
        position: answer.verified_position,
        head: answer.head,
        done: answer.done,
    };
    show_verification(&last(answers, way, &bar, output).await?, output)
}

/// How far a service has come.
pub(super) struct Way {
    pub(super) position: u64,
    pub(super) head: u64,
    pub(super) done: bool,
}

/// Shows how far the service has come, and gives its last answer.
pub(super) async fn last<T>(
    mut answers: Streaming<T>,
    way: impl Fn(&T) -> Way,
    bar: &ProgressBar,
    output: Output,
) -> Result<T, Failure> {
    while let Some(answer) = answers.message().await.map_err(told(output))? {
        let Way {
            position,
            head,
            done,
        } = way(&answer);
        bar.set_length(head);
        bar.set_position(position);
        if done {
            bar.finish_and_clear();
            return Ok(answer);
        }
    }
    let text = output.lang.pick(
        "dịch vụ ngắt giữa chừng; chạy lại lệnh",
        "the service broke off; run the command again",
    );
    Err(Failure::new(UNAVAILABLE, text))
}

fn show_verification(answer: &v1::VerifyLogResponse, output: Output) -> Result<(), Failure> {
    let mut table = Table::new(&[
        number("events", "Số sự kiện", "Events"),
        number("chunks", "Số khối", "Chunks"),
        text("hash", "Mã băm", "Hash"),
        number("damages", "Hư hỏng", "Damages"),
    ]);
    table.row([
        Cell::with_raw(output.lang.count(answer.events), answer.events),
        Cell::with_raw(output.lang.count(answer.chunks), answer.chunks),
        answer.hash.as_str().into(),
        answer.damages.len().to_string().into(),
    ]);
    output.answer("VerifyLogResponse", answer, "", &table)?;
    if answer.damages.is_empty() {
        return Ok(());
    }
    let damages = answer.damages.iter().map(|damage| {
        let (first, last) = (damage.first_position, damage.last_position);
        let reason = &damage.reason;
        output.lang.pick(
            format!("\n  vị trí {first} đến {last}: {reason}"),
            format!("\n  positions {first} to {last}: {reason}"),
        )
    });
    let damages: String = damages.collect();
    let text = output.lang.pick(
        format!(
            "Sổ bị hỏng:{damages}\nDừng dịch vụ, rồi phục hồi vào thư mục mới: \
             `tiendo log restore --from <thư mục sổ> --backup <tệp> --bus <NATS> --to <thư mục mới>` [LOG_DAMAGED]"
        ),
        format!(
            "the log is damaged:{damages}\nStop the service, then restore into a new directory: \
             `tiendo log restore --from <its directory> --backup <file> --bus <NATS> --to <new directory>` [LOG_DAMAGED]"
        ),
    );
    Err(Failure::new(FAILED, text))
}

pub(super) async fn compact(clients: &Clients, output: Output) -> Result<(), Failure> {
    let request = v1::CompactLogRequest {};
    let answers = clients.log().await?.compact_log(request).await;
    let answers = answers.map_err(told(output))?.into_inner();
    let bar = bar(0, ("Đang nén gọn sổ", "Compacting the log"), output);
    let way = |answer: &v1::CompactLogResponse| Way {
        position: answer.copied_position,
        head: answer.head,
        done: answer.done,
    };
    let answer = last(answers, way, &bar, output).await?;
    let mut table = Table::new(&[
        number("before_bytes", "Trước (byte)", "Bytes before"),
        number("after_bytes", "Sau (byte)", "Bytes after"),
    ]);
    let count = |bytes: u64| Cell::with_raw(output.lang.count(bytes), bytes);
    table.row([count(answer.before_bytes), count(answer.after_bytes)]);
    output.answer("CompactLogResponse", &answer, "", &table)
}
