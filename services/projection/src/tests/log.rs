//! A log service whose events a test writes, and that gives them out as far as the test wants.

use std::sync::{Arc, Mutex};

use domain::Event;
use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::transport::Server;
use tonic::{Request, Response, Status};
use wire::log_reader::LogReader;
use wire::v1;
use wire::v1::log_service_server::{LogService, LogServiceServer};

/// The log, on a port of its own until the test ends.
#[derive(Clone)]
pub(crate) struct Log {
    events: Arc<Mutex<Vec<v1::RecordedEvent>>>,
    /// Events after this position are kept back.
    open: Arc<watch::Sender<u64>>,
}

impl Log {
    /// With nothing on record, and whoever reads it.
    pub(crate) async fn start() -> (Self, LogReader) {
        let log = Self {
            events: Arc::default(),
            open: Arc::new(watch::Sender::new(u64::MAX)),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let service = LogServiceServer::new(log.clone());
        let serve = Server::builder().add_service(service);
        let incoming = TcpListenerStream::new(listener);
        host::task::spawn("log", serve.serve_with_incoming(incoming));
        (log, LogReader::new(&address).unwrap())
    }

    /// Writes an event; its position.
    pub(crate) fn write(&self, known: Timestamp, event: &Event) -> u64 {
        let mut events = self.events.lock().unwrap();
        let position = events.len() as u64 + 1;
        events.push(v1::RecordedEvent {
            position,
            known: Some(wire::time::to_wire(known)),
            event: wire::event::to_bytes(event).into(),
        });
        position
    }

    /// Every event as another log has it that took them a second later.
    pub(crate) fn fork(&self) {
        for event in self.events.lock().unwrap().iter_mut() {
            event.known.as_mut().unwrap().seconds += 1;
        }
    }

    /// Gives out what stands up to a position; the rest has to wait for more.
    pub(crate) fn open_to(&self, position: u64) {
        self.open.send_replace(position);
    }

    /// Loses everything behind a position.
    pub(crate) fn cut(&self, position: u64) {
        let mut events = self.events.lock().unwrap();
        events.retain(|event| event.position <= position);
    }

    /// Loses an event: nobody is given it any more.
    fn lose(&self, position: u64) {
        let mut events = self.events.lock().unwrap();
        events.retain(|event| event.position != position);
    }

    pub(crate) fn between(&self, first: u64, last: u64) -> Vec<v1::RecordedEvent> {
        let events = self.events.lock().unwrap();
        let wanted = |event: &&v1::RecordedEvent| (first..=last).contains(&event.position);
        events.iter().filter(wanted).cloned().collect()
    }
}

/// What no rebuild asks of a log.
fn not_here<T>() -> Result<Response<T>, Status> {
    Err(Status::unimplemented("not in this log"))
}

#[tonic::async_trait]
impl LogService for Log {
    type ReadEventsStream = ReceiverStream<Result<v1::ReadEventsResponse, Status>>;
    type VerifyLogStream = ReceiverStream<Result<v1::VerifyLogResponse, Status>>;
    type CompactLogStream = ReceiverStream<Result<v1::CompactLogResponse, Status>>;
    type BackupLogStream = ReceiverStream<Result<v1::BackupLogResponse, Status>>;

    async fn read_events(
        &self,
        request: Request<v1::ReadEventsRequest>,
    ) -> Result<Response<Self::ReadEventsStream>, Status> {
        let wanted = request.into_inner();
        let head = self.events.lock().unwrap().len() as u64;
        let last = match wanted.to_position {
            0 => head,
            last => last,
        };
        let events = self.between(wanted.from_position.max(1), last);
        let (answers, stream) = mpsc::channel(1);
        let mut open = self.open.subscribe();
        let give = async move {
            if events.is_empty() {
                let marker = v1::ReadEventsResponse {
                    head,
                    ..v1::ReadEventsResponse::default()
                };
                // Whoever has left wants no answer.
                let _ = answers.send(Ok(marker)).await;
            }
            for event in events {
                let position = event.position;
                // Ends with the reader or with the test.
                if open.wait_for(|open| *open >= position).await.is_err() {
                    return;
                }
                let answer = v1::ReadEventsResponse {
                    events: vec![event],
                    head,
                    seen_position: position,
                };
                if answers.send(Ok(answer)).await.is_err() {
                    return;
                }
            }
        };
        host::task::spawn("log-reader", give);
        Ok(Response::new(ReceiverStream::new(stream)))
    }

    /// One root for every size, which is all that a snapshot needs of a log that is never forked; nobody verifies who signed it.
    async fn get_checkpoint(
        &self,
        request: Request<v1::GetCheckpointRequest>,
    ) -> Result<Response<v1::GetCheckpointResponse>, Status> {
        let (size, root) = (request.into_inner().tree_size, "A".repeat(43));
        let checkpoint = format!("tests\n{size}\n{root}=\n\n— tests AAAAAAAA\n");
        Ok(Response::new(v1::GetCheckpointResponse {
            checkpoint,
            ..v1::GetCheckpointResponse::default()
        }))
    }

    async fn get_log_statistics(
        &self,
        _: Request<v1::GetLogStatisticsRequest>,
    ) -> Result<Response<v1::GetLogStatisticsResponse>, Status> {
        not_here()
    }

    async fn verify_log(
        &self,
        _: Request<v1::VerifyLogRequest>,
    ) -> Result<Response<Self::VerifyLogStream>, Status> {
        not_here()
    }

    async fn compact_log(
        &self,
        _: Request<v1::CompactLogRequest>,
    ) -> Result<Response<Self::CompactLogStream>, Status> {
        not_here()
    }

    async fn backup_log(
        &self,
        _: Request<v1::BackupLogRequest>,
    ) -> Result<Response<Self::BackupLogStream>, Status> {
        not_here()
    }

    async fn get_attribute(
        &self,
        _: Request<v1::GetAttributeRequest>,
    ) -> Result<Response<v1::GetAttributeResponse>, Status> {
        not_here()
    }

    async fn erase_attribute(
        &self,
        _: Request<v1::EraseAttributeRequest>,
    ) -> Result<Response<v1::EraseAttributeResponse>, Status> {
        not_here()
    }

    async fn get_inclusion_proof(
        &self,
        _: Request<v1::GetInclusionProofRequest>,
    ) -> Result<Response<v1::GetInclusionProofResponse>, Status> {
        not_here()
    }

    async fn get_consistency_proof(
        &self,
        _: Request<v1::GetConsistencyProofRequest>,
    ) -> Result<Response<v1::GetConsistencyProofResponse>, Status> {
        not_here()
    }
}

#[tokio::test]
async fn a_log_that_leaves_out_an_event_is_refused_by_name() {
    use wire::log_reader::Error;
    let (log, reader) = Log::start().await;
    let known = "2023-07-01T00:00:00Z".parse().unwrap();
    for _ in 1..=5 {
        log.write(known, &super::event("2023-07-01", super::defined(), &[]));
    }
    let read = async |from| {
        let mut seen = Vec::new();
        let take = |position, _, _: &Event| {
            seen.push(position);
            Ok(())
        };
        (reader.read(from, 5, take).await, seen)
    };
    let (whole, seen) = read(2).await;
    whole.unwrap();
    assert_eq!(seen, [2, 3, 4, 5]);
    log.lose(4);
    let (gap, seen) = read(2).await;
    let gap = gap.unwrap_err();
    assert_eq!(gap.reason(), "LOG_GAP");
    assert!(
        matches!(
            gap,
            Error::Gap {
                expected: 4,
                found: 5
            }
        ),
        "{gap}"
    );
    assert_eq!(seen, [2, 3], "nothing behind the gap");
}
