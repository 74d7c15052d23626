//! Everything that can go wrong around a service.
//!
//! Messages never repeat their source: print the chain once, where it is handled.

use std::net::SocketAddr;

/// An error of what surrounds a service.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Another process holds the port.
    #[error("port {port} for {what} is already in use; choose another one with --{what}-port")]
    PortTaken {
        /// The port that was asked for.
        port: u16,
        /// What the port was for; the flag that changes it is `--<what>-port`.
        what: String,
    },
    /// The address cannot be listened on for another reason than a taken port.
    #[error("cannot listen on {address} for {what}; --{what}-port changes the port")]
    Bind {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the address was for; the flag that changes its port is `--<what>-port`.
        what: String,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The log filter is not in the form `level` or `target=level,…`.
    #[error("log filter {filter:?} is not understood")]
    LogFilter {
        /// The filter as it was given.
        filter: String,
        /// Where it went wrong.
        source: tracing_subscriber::filter::ParseError,
    },
    /// The metrics recorder cannot be installed, because this process has another one.
    #[error("cannot install the metrics recorder: {detail}")]
    MetricsRecorder {
        /// What the exporter said.
        detail: String,
    },
    /// The handlers for SIGINT and SIGTERM cannot be installed.
    #[error("cannot listen for signals")]
    Signals(#[source] std::io::Error),
    /// A descriptor set is not an encoded `google.protobuf.FileDescriptorSet`.
    #[error("a descriptor set cannot be decoded")]
    Descriptors(#[source] prost::DecodeError),
    /// The reflection service refused the descriptor sets.
    #[error("the reflection service cannot be built")]
    Reflection(#[source] tonic_reflection::server::Error),
    /// A service is to be served of which no descriptor set knows.
    #[error("service {service} is in none of the descriptor sets, so reflection would hide it")]
    ServiceUndescribed {
        /// The full name of the service.
        service: String,
    },
    /// The gRPC server failed.
    #[error("the grpc server failed")]
    Grpc(#[source] tonic::transport::Error),
    /// The HTTP server failed.
    #[error("the http server failed")]
    Http(#[source] std::io::Error),
}

impl Error {
    /// The reason code, as the runbook lists it.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::PortTaken { .. } => "PORT_TAKEN",
            Self::Bind { .. } => "BIND_FAILED",
            Self::LogFilter { .. } => "LOG_FILTER_INVALID",
            Self::MetricsRecorder { .. } => "METRICS_RECORDER_TAKEN",
            Self::Signals(_) => "SIGNALS_UNAVAILABLE",
            Self::Descriptors(_) => "DESCRIPTORS_INVALID",
            Self::Reflection(_) => "REFLECTION_FAILED",
            Self::ServiceUndescribed { .. } => "SERVICE_UNDESCRIBED",
            Self::Grpc(_) => "GRPC_SERVER_FAILED",
            Self::Http(_) => "HTTP_SERVER_FAILED",
        }
    }
}
