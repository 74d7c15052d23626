//! The gRPC server, over real sockets and with generated clients.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests stop where they cannot go on"
)]

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::routing::post;
use host::grpc::{Limits, REASON_OVERLOADED, REASON_TIMED_OUT, Server};
use host::{CancellationToken, ComponentHandle, Error, Readiness, bind, grpc, task, telemetry};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tonic::service::Routes;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use tonic_reflection::pb::{v1, v1alpha};
use tonic_types::StatusExt as _;

/// Longer than any test waits, so that a test that ends did not wait for it.
const LONG: Duration = Duration::from_secs(600);

async fn soon<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(60), future)
        .await
        .expect("within a minute")
}

struct World {
    address: SocketAddr,
    component: ComponentHandle,
    /// A request to `/test.v1.Slow/Call` has arrived.
    arrived: Arc<Notify>,
    /// Lets one such request go on.
    go_on: Arc<Notify>,
    shutdown: CancellationToken,
    server: JoinHandle<Result<(), Error>>,
}

impl World {
    async fn start(limits: Limits, grace: Duration) -> Self {
        telemetry::metrics().unwrap();
        let listener = bind("127.0.0.1:0".parse().unwrap(), "ingest")
            .await
            .unwrap();
        let address = listener.local_addr().unwrap();
        let (readiness, shutdown) = (Readiness::new(), CancellationToken::new());
        let component = readiness.component("log");
        let (arrived, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let server = Server {
            listener,
            routes: slow(Arc::clone(&arrived), Arc::clone(&go_on)),
            descriptor_sets: vec![tonic_health::pb::FILE_DESCRIPTOR_SET],
            services: vec!["grpc.health.v1.Health"],
            limits,
            readiness,
            grace,
        };
        let server = task::spawn("grpc", grpc::serve(server, shutdown.clone()));
        Self {
            address,
            component,
            arrived,
            go_on,
            shutdown,
            server,
        }
    }

    async fn channel(&self) -> Channel {
        let endpoint = Channel::from_shared(format!("http://{}", self.address)).unwrap();
        soon(endpoint.connect()).await.unwrap()
    }

    async fn check(&self, service: &str) -> Result<ServingStatus, Status> {
        let request = HealthCheckRequest {
            service: service.to_owned(),
        };
        let answer = soon(HealthClient::new(self.channel().await).check(request)).await?;
        Ok(answer.into_inner().status())
    }

    async fn stopped(self) {
        self.shutdown.cancel();
        soon(self.server).await.unwrap().unwrap();
    }
}

/// One method that answers, with an empty message, when it is told to.
fn slow(arrived: Arc<Notify>, go_on: Arc<Notify>) -> Routes {
    let call = async move || {
        arrived.notify_one();
        go_on.notified().await;
        let grpc = [("content-type", "application/grpc"), ("grpc-status", "0")];
        (grpc, vec![0u8; 5])
    };
    let router = Routes::default().into_axum_router();
    Routes::from(router.route("/test.v1.Slow/Call", post(call)))
}

async fn call(channel: Channel, path: &'static str) -> Result<HealthCheckResponse, Status> {
    let mut client = tonic::client::Grpc::new(channel);
    client
        .ready()
        .await
        .map_err(|error| Status::from_error(error.into()))?;
    let codec = tonic_prost::ProstCodec::default();
    let request = Request::new(HealthCheckRequest::default());
    let path = axum::http::uri::PathAndQuery::from_static(path);
    client
        .unary(request, path, codec)
        .await
        .map(tonic::Response::into_inner)
}

fn list_v1() -> v1::ServerReflectionRequest {
    let list = v1::server_reflection_request::MessageRequest::ListServices(String::new());
    v1::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(list),
    }
}

/// A reflection stream that has answered once and waits for the next request.
async fn open_stream(
    channel: Channel,
) -> Result<(impl Sized, tonic::Streaming<v1::ServerReflectionResponse>), Status> {
    let (requests, incoming) = tokio::sync::mpsc::channel(1);
    requests.send(list_v1()).await.unwrap();
    let incoming = tokio_stream::wrappers::ReceiverStream::new(incoming);
    let mut client = v1::server_reflection_client::ServerReflectionClient::new(channel);
    let mut answers = soon(client.server_reflection_info(incoming))
        .await?
        .into_inner();
    soon(answers.message()).await?.unwrap();
    Ok((requests, answers))
}

#[tokio::test]
async fn reflection_lists_the_services_in_both_versions() {
    let world = World::start(Limits::standard(), LONG).await;
    let expected = BTreeSet::from([
        "grpc.health.v1.Health".to_owned(),
        "grpc.reflection.v1.ServerReflection".to_owned(),
        "grpc.reflection.v1alpha.ServerReflection".to_owned(),
    ]);

    let channel = world.channel().await;
    let mut client = v1::server_reflection_client::ServerReflectionClient::new(channel.clone());
    let asked = client.server_reflection_info(tokio_stream::once(list_v1()));
    let answer = soon(soon(asked).await.unwrap().into_inner().message())
        .await
        .unwrap()
        .unwrap();
    let Some(v1::server_reflection_response::MessageResponse::ListServicesResponse(list)) =
        answer.message_response
    else {
        panic!("not a list");
    };
    assert_eq!(
        list.service
            .into_iter()
            .map(|s| s.name)
            .collect::<BTreeSet<_>>(),
        expected
    );

    let list = v1alpha::server_reflection_request::MessageRequest::ListServices(String::new());
    let list = v1alpha::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(list),
    };
    let mut client = v1alpha::server_reflection_client::ServerReflectionClient::new(channel);
    let asked = client.server_reflection_info(tokio_stream::once(list));
    let answer = soon(soon(asked).await.unwrap().into_inner().message())
        .await
        .unwrap()
        .unwrap();
    let Some(v1alpha::server_reflection_response::MessageResponse::ListServicesResponse(list)) =
        answer.message_response
    else {
        panic!("not a list");
    };
    assert_eq!(
        list.service
            .into_iter()
            .map(|s| s.name)
            .collect::<BTreeSet<_>>(),
        expected
    );
    world.stopped().await;
}

#[tokio::test]
async fn health_follows_readiness_and_a_watch_does_not_delay_the_stop() {
    let world = World::start(Limits::standard(), LONG).await;
    let service = "grpc.health.v1.Health";
    assert_eq!(world.check("").await.unwrap(), ServingStatus::NotServing);
    let mut client = HealthClient::new(world.channel().await);
    let request = HealthCheckRequest {
        service: service.to_owned(),
    };
    let mut watch = soon(client.watch(request)).await.unwrap().into_inner();
    let mut next = async || {
        soon(watch.message())
            .await
            .unwrap()
            .map(|answer| answer.status())
    };

    assert_eq!(next().await, Some(ServingStatus::NotServing));
    world.component.set_ready();
    assert_eq!(next().await, Some(ServingStatus::Serving));
    assert_eq!(world.check(service).await.unwrap(), ServingStatus::Serving);
    assert_eq!(world.check("").await.unwrap(), ServingStatus::Serving);
    assert_eq!(
        world.check("nobody.Home").await.unwrap_err().code(),
        Code::NotFound
    );

    world.component.set_not_ready("disk full");
    assert_eq!(next().await, Some(ServingStatus::NotServing));
    world.component.set_ready();
    assert_eq!(next().await, Some(ServingStatus::Serving));

    world.shutdown.cancel();
    assert_eq!(next().await, Some(ServingStatus::NotServing));
    assert_eq!(next().await, None, "the watch ends after its last status");
    world.stopped().await;
}

#[tokio::test]
async fn a_request_in_flight_is_answered_after_the_shutdown() {
    let world = World::start(Limits::standard(), LONG).await;
    let calling = task::spawn("call", call(world.channel().await, "/test.v1.Slow/Call"));
    soon(world.arrived.notified()).await;
    world.shutdown.cancel();
    world.go_on.notify_one();
    soon(calling).await.unwrap().unwrap();
    world.stopped().await;
}

#[tokio::test]
async fn what_is_open_after_the_grace_is_cut() {
    let grace = Duration::from_millis(200);
    let world = World::start(Limits::standard(), grace).await;
    let address = world.address;
    let (_requests, mut answers) = open_stream(world.channel().await).await.unwrap();
    let calling = task::spawn("call", call(world.channel().await, "/test.v1.Slow/Call"));
    soon(world.arrived.notified()).await;

    let begun = Instant::now();
    world.stopped().await;
    assert!(begun.elapsed() >= grace, "it gave them the grace");
    assert!(soon(answers.message()).await.is_err(), "the stream is cut");
    assert!(soon(calling).await.unwrap().is_err(), "the call is cut");
    bind(address, "ingest")
        .await
        .expect("nothing holds the port any more");
}

#[tokio::test]
async fn one_request_too_many_is_refused_by_name() {
    let limits = Limits {
        concurrent_requests_max: 1,
        ..Limits::standard()
    };
    let world = World::start(limits, LONG).await;
    world.component.set_ready();
    let (requests, mut answers) = open_stream(world.channel().await).await.unwrap();

    let refused = open_stream(world.channel().await)
        .await
        .err()
        .expect("a refusal");
    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert_eq!(
        refused.message(),
        "too many requests at a time (limit 1); try again later"
    );
    let info = refused.get_details_error_info().unwrap();
    assert_eq!(
        (&*info.reason, &*info.domain),
        (REASON_OVERLOADED, grpc::ERROR_DOMAIN)
    );
    assert_eq!(
        world.check("").await.unwrap(),
        ServingStatus::Serving,
        "busy is not dead"
    );

    drop(requests);
    assert!(soon(answers.message()).await.unwrap().is_none());
    drop(answers);
    // The place is given back when the server has seen the end, which the client cannot see.
    let again = soon(async {
        loop {
            match open_stream(world.channel().await).await {
                Err(status) if status.code() == Code::ResourceExhausted => {}
                other => break other.map(|_| ()),
            }
        }
    });
    again.await.expect("the place is free again");
    world.stopped().await;
}

#[tokio::test]
async fn a_message_over_the_limit_is_refused_by_name() {
    let world = World::start(Limits::standard(), LONG).await;
    let refused = world.check(&"x".repeat(20_000)).await.unwrap_err();
    assert_eq!(refused.code(), Code::OutOfRange);
    let info = refused.get_details_error_info().unwrap();
    assert_eq!(info.reason, grpc::REASON_MESSAGE_TOO_LARGE);
    world.stopped().await;
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_refused_by_name() {
    let limits = Limits {
        timeout: Duration::from_millis(50),
        ..Limits::standard()
    };
    let world = World::start(limits, LONG).await;
    let refused = soon(call(world.channel().await, "/test.v1.Slow/Call"))
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::DeadlineExceeded);
    assert_eq!(
        refused.get_details_error_info().unwrap().reason,
        REASON_TIMED_OUT
    );
    world.stopped().await;
}

#[tokio::test]
async fn one_connection_too_many_is_closed() {
    let limits = Limits {
        connections_max: 1,
        ..Limits::standard()
    };
    let world = World::start(limits, LONG).await;
    let first = world.channel().await;
    let mut client = HealthClient::new(first);
    soon(client.check(HealthCheckRequest::default()))
        .await
        .unwrap();
    let mut second = TcpStream::connect(world.address).await.unwrap();
    assert_eq!(
        soon(second.read(&mut [0; 1])).await.unwrap(),
        0,
        "closed without a word"
    );
    drop(client);
    world.stopped().await;
}

#[tokio::test]
async fn grpc_web_is_understood_over_http_1() {
    let world = World::start(Limits::standard(), LONG).await;
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    let head = "POST /grpc.health.v1.Health/Check HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\
                content-type: application/grpc-web+proto\r\ncontent-length: 5\r\n\r\n";
    stream
        .write_all(&[head.as_bytes(), &[0; 5]].concat())
        .await
        .unwrap();
    let mut answer = Vec::new();
    soon(stream.read_to_end(&mut answer)).await.unwrap();
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert!(
        answer.contains("content-type: application/grpc-web"),
        "{answer}"
    );
    assert!(answer.contains("grpc-status:0"), "{answer}");
    world.stopped().await;
}

#[tokio::test]
async fn requests_are_counted_by_method_and_code_and_strangers_together() {
    let metrics = telemetry::metrics().unwrap();
    let world = World::start(Limits::standard(), LONG).await;
    world.check("").await.unwrap();
    let strange = soon(call(world.channel().await, "/made.up.Service/Name"))
        .await
        .unwrap_err();
    assert_eq!(strange.code(), Code::Unimplemented);
    world.stopped().await;

    let text = metrics.render();
    let of = |metric: &str, labels: &[&str]| {
        text.lines()
            .any(|line| line.starts_with(metric) && labels.iter().all(|label| line.contains(label)))
    };
    let health = [
        r#"grpc_service="grpc.health.v1.Health""#,
        r#"grpc_method="Check""#,
        r#"grpc_type="unary""#,
        r#"grpc_code="OK""#,
    ];
    assert!(of("grpc_server_handled_total{", &health), "{text}");
    assert!(
        of("grpc_server_handling_seconds_bucket{", &health),
        "{text}"
    );
    let stranger = [r#"grpc_method="unknown""#, r#"grpc_code="Unimplemented""#];
    assert!(of("grpc_server_handled_total{", &stranger), "{text}");
    assert!(!text.contains("made.up"), "a caller cannot invent labels");
}

#[tokio::test]
async fn a_service_nobody_describes_is_not_served() {
    let server = Server {
        listener: bind("127.0.0.1:0".parse().unwrap(), "ingest")
            .await
            .unwrap(),
        routes: Routes::default(),
        descriptor_sets: vec![],
        services: vec!["tiendo.v1.Nothing"],
        limits: Limits::standard(),
        readiness: Readiness::new(),
        grace: LONG,
    };
    let error = soon(grpc::serve(server, CancellationToken::new()))
        .await
        .unwrap_err();
    assert_eq!(error.reason(), "SERVICE_UNDESCRIBED");
    assert!(error.to_string().contains("tiendo.v1.Nothing"));
}
