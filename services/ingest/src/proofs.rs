//! Checkpoints and proofs on the wire.
//!
//! Making one may read some thousand stored events, so each is made on a thread for blocking work.

use event_log::{Checkpoint, Error, Inclusion, Log};
use tonic::{Response, Status};
use wire::v1;

use crate::grpc::log_error;

/// Makes something of the log that may have to wait for the disk.
async fn made<T: Send + 'static>(
    log: &Log,
    make: impl FnOnce(&Log) -> Result<T, Error> + Send + 'static,
) -> Result<Response<T>, Status> {
    let log = log.clone();
    let made = tokio::task::spawn_blocking(move || make(&log)).await;
    let made = made.map_err(|error| Status::internal(error.to_string()))?;
    made.map(Response::new).map_err(|error| log_error(&error))
}

pub(crate) async fn checkpoint(
    log: &Log,
    request: v1::GetCheckpointRequest,
) -> Result<Response<v1::GetCheckpointResponse>, Status> {
    made(log, move |log| {
        Ok(v1::GetCheckpointResponse {
            checkpoint: checkpoint_of(log, request.tree_size)?,
            verifying_key: log.verifying_key(),
        })
    })
    .await
}

pub(crate) async fn inclusion(
    log: &Log,
    request: v1::GetInclusionProofRequest,
) -> Result<Response<v1::GetInclusionProofResponse>, Status> {
    made(log, move |log| {
        let checkpoint = checkpoint_of(log, request.tree_size)?;
        let size = Checkpoint::parse(&checkpoint)?.size;
        let Inclusion { record, hashes, .. } = log.inclusion(request.position, size)?;
        let leaf = v1::Leaf {
            position: record.position,
            known_micros: record.known_micros,
            request_id: record.request_id.to_vec(),
            subject: record.subject.into(),
            payload: record.payload.to_vec(),
        };
        Ok(v1::GetInclusionProofResponse {
            leaf: Some(leaf),
            hashes: on_wire(&hashes),
            checkpoint,
        })
    })
    .await
}

pub(crate) async fn consistency(
    log: &Log,
    request: v1::GetConsistencyProofRequest,
) -> Result<Response<v1::GetConsistencyProofResponse>, Status> {
    made(log, move |log| {
        let to_checkpoint = checkpoint_of(log, request.to_size)?;
        let to_size = Checkpoint::parse(&to_checkpoint)?.size;
        let hashes = log.consistency(request.from_size, to_size)?;
        Ok(v1::GetConsistencyProofResponse {
            hashes: on_wire(&hashes),
            from_checkpoint: log.checkpoint_at(request.from_size)?,
            to_checkpoint,
        })
    })
    .await
}

/// The checkpoint over so many events; 0 means all of them.
fn checkpoint_of(log: &Log, size: u64) -> Result<String, Error> {
    if size == 0 {
        log.checkpoint()
    } else {
        log.checkpoint_at(size)
    }
}

fn on_wire(hashes: &[[u8; 32]]) -> Vec<Vec<u8>> {
    hashes.iter().map(|hash| hash.to_vec()).collect()
}
