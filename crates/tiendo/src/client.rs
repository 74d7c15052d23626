//! Connections to the services.

use std::time::Duration;

use tonic::transport::{Channel, Endpoint};
use wire::v1::alerting_service_client::AlertingServiceClient;
use wire::v1::ingest_service_client::IngestServiceClient;
use wire::v1::log_service_client::LogServiceClient;
use wire::v1::query_service_client::QueryServiceClient;

use crate::Failure;
use crate::endpoints::Endpoints;
use crate::fail::UNAVAILABLE;

/// Largest answer taken, in bytes.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Clients of the services at known addresses.
#[derive(Debug, Clone)]
pub(crate) struct Clients {
    endpoints: Endpoints,
}

impl Clients {
    /// Clients that connect when first used.
    pub(crate) fn new(endpoints: Endpoints) -> Self {
        Self { endpoints }
    }

    /// The ingest service.
    pub(crate) async fn ingest(&self) -> Result<IngestServiceClient<Channel>, Failure> {
        Ok(IngestServiceClient::new(
            connect("ingest", &self.endpoints.ingest).await?,
        ))
    }

    /// The log service.
    pub(crate) async fn log(&self) -> Result<LogServiceClient<Channel>, Failure> {
        let channel = connect("ingest", &self.endpoints.ingest).await?;
        Ok(LogServiceClient::new(channel).max_decoding_message_size(ANSWER_BYTES_MAX))
    }

    /// The query service.
    pub(crate) async fn query(&self) -> Result<QueryServiceClient<Channel>, Failure> {
        let channel = connect("projection", &self.endpoints.projection).await?;
        Ok(QueryServiceClient::new(channel).max_decoding_message_size(ANSWER_BYTES_MAX))
    }

    /// The alerting service.
    pub(crate) async fn alerting(&self) -> Result<AlertingServiceClient<Channel>, Failure> {
        let channel = connect("alerting", &self.endpoints.alerting).await?;
        Ok(AlertingServiceClient::new(channel).max_decoding_message_size(ANSWER_BYTES_MAX))
    }
}

async fn connect(service: &str, address: &str) -> Result<Channel, Failure> {
    let refused = |why: String| {
        let text = format!(
            "{service} cannot be reached at {address}: {why}; is it running? \
             Start it with `tiendo up`, or name it with --data DIR or --server ADDRESS"
        );
        Failure::new(UNAVAILABLE, text)
    };
    let endpoint = Endpoint::from_shared(address.to_owned())
        .map_err(|error| refused(error.to_string()))?
        .connect_timeout(Duration::from_secs(3));
    endpoint.connect().await.map_err(|error| {
        let why = std::error::Error::source(&error)
            .map_or_else(|| error.to_string(), ToString::to_string);
        refused(why)
    })
}
