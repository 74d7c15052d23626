//! `tiendo import FILE`: reads, asks what is on record, validates, records, reports.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::civil::Date;
use sheet::{Book, Context, FILE_BYTES_MAX, Indicators, Part, Places, Plan, Register, SheetError};
use tonic::transport::Channel;
use wire::v1;
use wire::v1::query_service_client::QueryServiceClient;

use super::report::Report;
use super::send::Sender;
use crate::Failure;
use crate::client::Clients;
use crate::dataset::indicator_by_alias;
use crate::fail::{NOT_FOUND, REFUSED, USAGE};
use crate::lang::Lang;
use crate::output::Output;
use crate::pages;

/// A day on which every indicator defined so far is on record: a figure may be older than its indicator's definition.
const EVER: &str = "2199-12-31";
/// Most localities read; ten times as many as there are.
const PLACES_MAX: usize = 120_000;

/// What to import and how.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    /// The file: CSV in UTF-8, or XLSX.
    pub(crate) file: PathBuf,
    /// What is said for all of it.
    pub(crate) said: sheet::Options,
    /// Show what would be recorded, and record nothing.
    pub(crate) dry_run: bool,
    /// Why figures that changed are corrected; else that the file says so.
    pub(crate) reason: Option<String>,
    /// Record the good rows although others are refused.
    pub(crate) accept_valid: bool,
    /// The organisation that reports.
    pub(crate) organisation: String,
    /// The office within it.
    pub(crate) office: String,
}

/// Imports a file; without `accept_valid` all of it or nothing.
///
/// # Errors
///
/// [`Failure`] with exit code 65 if anything is refused and nothing was recorded; every problem is printed before.
pub(crate) async fn run(
    options: Options,
    clients: &Clients,
    output: &Output,
) -> Result<(), Failure> {
    let lang = output.lang;
    let bytes = read(&options.file, lang)?;
    let told = |error: SheetError| unreadable(&options.file, &error, lang);
    let book = Arc::new(Book::open(&bytes, options.said).map_err(told)?);
    let mut query = clients.query().await?;
    let context = Context {
        register: &register(&mut query, &book, lang).await?,
        indicators: &indicators(&mut query, lang).await?,
        actor: v1::Actor {
            organisation: options.organisation,
            office: options.office,
        },
        default_source: file_name(&options.file),
    };
    let mut parsed = sheet::parse(&book, &context).map_err(told)?;
    let mut report = Report::new(book.len(), options.dry_run);
    report.skipped = parsed.skipped;
    let reason = options
        .reason
        .unwrap_or_else(|| format!("Sửa theo tệp {}", context.default_source));
    let plan = Plan::new(Arc::clone(&book), parsed.rows, reason);
    let mut sender = Sender::new(clients.ingest().await?, plan, lang);
    let checked = sender.check().await?;
    parsed.problems.extend(checked.problems);
    parsed.problems.sort_by_key(|problem| book.place(problem));
    report.refused = parsed.problems;
    if report.refused.is_empty() || options.accept_valid {
        report.accepted = if options.dry_run {
            checked.parts.iter().flat_map(Part::accepted).collect()
        } else {
            sender.record(checked.parts).await?
        };
        report.accepted.extend(checked.known);
        report
            .accepted
            .sort_by_key(|row| (row.sheet.clone(), row.row));
    }
    report.print(output)?;
    if report.refused.is_empty() || !report.accepted.is_empty() {
        return Ok(());
    }
    Err(refused(&report, options.accept_valid, lang))
}

fn refused(report: &Report, accept_valid: bool, lang: Lang) -> Failure {
    let problems = lang.count(report.refused.len() as u64);
    let advice = if accept_valid {
        lang.pick("không có dòng nào hợp lệ", "no row is valid")
    } else {
        lang.pick(
            "hãy sửa tệp rồi nhập lại, hoặc dùng --accept-valid để ghi các dòng hợp lệ",
            "correct the file and import it again, or record the valid rows with --accept-valid",
        )
    };
    let text = lang.pick(
        format!("không ghi nhận gì, có {problems} lỗi; {advice}"),
        format!("nothing was recorded, {problems} problems were found; {advice}"),
    );
    Failure::new(REFUSED, text)
}

fn unreadable(file: &Path, error: &SheetError, lang: Lang) -> Failure {
    let file = file.display();
    let code = error.reason();
    let text = lang.pick(error.vi(), error.to_string());
    Failure::new(REFUSED, format!("{file}: {text} [{code}]"))
}

/// The file's bytes; one that is too large is not begun.
fn read(file: &Path, lang: Lang) -> Result<Vec<u8>, Failure> {
    let failed = |error: std::io::Error| {
        Failure::new(USAGE, format!("{} cannot be read: {error}", file.display()))
    };
    let opened = std::fs::File::open(file).map_err(failed)?;
    let mut bytes = Vec::new();
    let limit = FILE_BYTES_MAX as u64 + 1;
    if opened.metadata().map_err(failed)?.len() >= limit {
        return Err(unreadable(file, &SheetError::FileTooLarge, lang));
    }
    // What has no length, such as a pipe, is read one byte too far at most.
    opened.take(limit).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

/// What figures without a source are said to come from.
fn file_name(file: &Path) -> String {
    file.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}

async fn indicators(
    query: &mut QueryServiceClient<Channel>,
    lang: Lang,
) -> Result<Indicators, Failure> {
    let request = v1::ListIndicatorsRequest {
        at: as_of(EVER.to_owned()),
        ..Default::default()
    };
    let told = |status: tonic::Status| Failure::status(&status, lang);
    let ask = async |r| query.list_indicators(r).await;
    let listed = pages::all(request, usize::MAX, ask).await.map_err(told)?;
    Ok(Indicators::new(listed.indicators, indicator_by_alias))
}

/// The localities of the periods that the file speaks of.
async fn register(
    query: &mut QueryServiceClient<Channel>,
    book: &Book,
    lang: Lang,
) -> Result<Register, Failure> {
    let mut register = Register::default();
    for (from, on) in book.periods() {
        register.add(from, places(query, on, lang).await?);
    }
    Ok(register)
}

async fn places(
    query: &mut QueryServiceClient<Channel>,
    on: Date,
    lang: Lang,
) -> Result<Places, Failure> {
    let request = v1::ListLocalitiesRequest {
        at: as_of(on.to_string()),
        ..v1::ListLocalitiesRequest::default()
    };
    let ask = async |r| query.list_localities(r).await;
    let all = pages::all(request, PLACES_MAX, ask).await;
    let all = all.map_err(|status| Failure::status(&status, lang))?;
    let heads = all.localities;
    if heads.is_empty() {
        let text = lang.pick(
            format!(
                "sổ chưa có địa phương nào tính đến {on}; hãy nạp bằng `tiendo load gazetteer`"
            ),
            format!("no places are on record for {on}; load them with `tiendo load gazetteer`"),
        );
        return Err(Failure::new(NOT_FOUND, text));
    }
    Ok(heads.into_iter().collect())
}

fn as_of(as_of: String) -> Option<v1::ReadAt> {
    Some(v1::ReadAt {
        as_of,
        ..v1::ReadAt::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_one_gigabyte_is_refused_before_it_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("huge.csv");
        // A hole: nothing of it is on the disk, and reading it would take a gigabyte all the same.
        let file = std::fs::File::create(&path).unwrap();
        file.set_len(1 << 30).unwrap();
        let failure = read(&path, Lang::En).unwrap_err();
        assert!(
            failure.text().contains("FILE_TOO_LARGE"),
            "{}",
            failure.text()
        );
        file.set_len(16).unwrap();
        assert_eq!(read(&path, Lang::En).unwrap().len(), 16);
    }
}
