//! A file as it arrives: the options, then its bytes, each within its limits.

use std::time::Duration;

use futures::{Stream, StreamExt as _};
use sheet::{FILE_BYTES_MAX, SheetError};
use tonic::{Code, Status};
use wire::status::with_reason;
use wire::v1;
use wire::v1::import_file_request::Part;

/// Most bytes in one chunk.
const CHUNK_BYTES_MAX: usize = 1024 * 1024;
/// How long a file may take to arrive: whoever sends keeps others from importing.
const UPLOAD_MAX: Duration = Duration::from_secs(120);

/// The parts of one file as they arrive.
pub(crate) trait Parts:
    Stream<Item = Result<v1::ImportFileRequest, Status>> + Send + Unpin + 'static
{
}

impl<S> Parts for S where
    S: Stream<Item = Result<v1::ImportFileRequest, Status>> + Send + Unpin + 'static
{
}

/// A file that has arrived.
#[derive(Debug)]
pub(super) struct File {
    pub(super) options: v1::ImportOptions,
    pub(super) bytes: Vec<u8>,
}

/// Takes the file in; what is too large is refused when it becomes so.
pub(super) async fn collect(parts: impl Parts) -> Result<File, Status> {
    let collected = tokio::time::timeout(UPLOAD_MAX, collect_all(parts)).await;
    collected.unwrap_or_else(|_| {
        let seconds = UPLOAD_MAX.as_secs();
        let message = format!("the file has not arrived within {seconds} seconds; split it");
        Err(with_reason(
            Code::DeadlineExceeded,
            "IMPORT_TIMED_OUT",
            message,
        ))
    })
}

async fn collect_all(mut parts: impl Parts) -> Result<File, Status> {
    let first = parts.next().await.transpose()?;
    let Some(Part::Options(options)) = first.and_then(|request| request.part) else {
        return Err(options("the options come first, before any chunk"));
    };
    let mut bytes = Vec::new();
    while let Some(request) = parts.next().await.transpose()? {
        match request.part {
            Some(Part::Chunk(chunk)) => take(&mut bytes, &chunk)?,
            Some(Part::Options(_)) => return Err(self::options("the options come once")),
            None => return Err(self::options("after the options, each part is a chunk")),
        }
    }
    Ok(File { options, bytes })
}

fn take(bytes: &mut Vec<u8>, chunk: &[u8]) -> Result<(), Status> {
    if chunk.len() > CHUNK_BYTES_MAX {
        let message = format!(
            "a chunk has {} bytes; it may have {CHUNK_BYTES_MAX}",
            chunk.len()
        );
        return Err(with_reason(Code::InvalidArgument, "IMPORT_CHUNK", message));
    }
    if bytes.len() + chunk.len() > FILE_BYTES_MAX {
        return Err(super::unreadable(SheetError::FileTooLarge));
    }
    bytes.extend_from_slice(chunk);
    Ok(())
}

fn options(message: &str) -> Status {
    with_reason(Code::InvalidArgument, "IMPORT_OPTIONS", message)
}

/// What is said for all of the file, to whoever reads it.
pub(super) fn said(options: &v1::ImportOptions) -> sheet::Options {
    let given = |text: &String| (!text.is_empty()).then(|| text.clone());
    sheet::Options {
        sheet: given(&options.sheet),
        indicator: given(&options.indicator),
        as_of: given(&options.as_of),
        source: given(&options.source),
    }
}
