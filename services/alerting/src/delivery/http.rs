//! One POST to somebody else's server: its own connection, a time limit, no redirects.
//!
//! A connection for each request is slower than a kept one, and never wonders whether the other side still holds it.

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::header::{CONTENT_TYPE, HOST, RETRY_AFTER, USER_AGENT};
use hyper::{Request, Response, Uri};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{
    CertificateError, ClientConfig, Error as TlsError, RootCertStore, crypto,
};

/// Most bytes of an answer that are read.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// Longest that the rest of an answer is read once its head was there.
const REST_MAX: Duration = Duration::from_secs(1);
/// Longest that a server's `Retry-After` is heeded.
pub(crate) const RETRY_AFTER_MAX: Duration = Duration::from_secs(3_600);

/// Where something is posted to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    host: String,
    port: u16,
    path: String,
    tls: bool,
}

/// Why an address is none to post to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TargetError {
    /// It cannot be read.
    Malformed,
    /// Neither http nor https.
    Scheme,
    /// It holds a user or a password.
    Credentials,
}

impl Target {
    /// Reads an address.
    pub(crate) fn parse(url: &str) -> Result<Self, TargetError> {
        let uri: Uri = url.trim().parse().map_err(|_| TargetError::Malformed)?;
        let tls = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(TargetError::Scheme),
        };
        let authority = uri.authority().ok_or(TargetError::Malformed)?;
        if authority.as_str().contains('@') {
            return Err(TargetError::Credentials);
        }
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        Ok(Self {
            host: authority.host().to_owned(),
            port: authority.port_u16().unwrap_or(if tls { 443 } else { 80 }),
            path: path.to_owned(),
            tls,
        })
    }

    /// The same server, another path below this one.
    pub(crate) fn below(&self, path: &str) -> Self {
        Self {
            path: format!("{}{path}", self.path.trim_end_matches('/')),
            ..self.clone()
        }
    }

    /// Whether what is said on the way can be read by others: neither encrypted nor within this machine.
    pub(crate) fn is_exposed(&self) -> bool {
        !self.tls && !is_loopback(&self.host)
    }

    fn bare_host(&self) -> &str {
        self.host.trim_start_matches('[').trim_end_matches(']')
    }
}

/// Whether a host is this machine itself.
pub(crate) fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare == "localhost" || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// What a server answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// How long it asks to be left alone.
    pub(crate) retry_after: Option<Duration>,
}

impl Answer {
    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// Why there was no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// No connection.
    #[error("cannot connect: {0}")]
    Connect(std::io::ErrorKind),
    /// No encryption could be agreed on.
    #[error("no secure connection: {0}")]
    Tls(&'static str),
    /// The connection broke, or what came is no HTTP.
    #[error("the connection broke: {0}")]
    Http(&'static str),
    /// Nothing came in time.
    #[error("no answer within {} s", .0.as_secs_f32())]
    TimedOut(Duration),
}

/// The body of an answer, to be read so that the other side is not cut off in the middle.
type Rest = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What posts.
#[derive(Clone)]
pub(crate) struct Client {
    tls: TlsConnector,
    timeout: Duration,
}

impl Client {
    /// A client that trusts whom this machine trusts.
    ///
    /// # Errors
    /// A text if the encryption cannot be set up.
    pub(crate) fn new(timeout: Duration) -> Result<Self, String> {
        let mut roots = RootCertStore::empty();
        let native = rustls_native_certs::load_native_certs();
        roots.add_parsable_certificates(native.certs);
        let provider = Arc::new(crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self {
            tls: TlsConnector::from(Arc::new(config)),
            timeout,
        })
    }

    /// Posts JSON and waits for the head of the answer; its body is not looked at, and however it ends the answer is the same.
    pub(crate) async fn post(
        &self,
        target: &Target,
        headers: &[(&'static str, String)],
        body: Bytes,
        now: Timestamp,
    ) -> Result<Answer, Error> {
        let asked = self.ask(target, headers, body);
        let (response, rest) = timeout(self.timeout, asked)
            .await
            .map_err(|_| Error::TimedOut(self.timeout))??;
        let _ = timeout(REST_MAX, rest).await;
        let retry_after = response.headers().get(RETRY_AFTER);
        let retry_after = retry_after.and_then(|value| value.to_str().ok());
        Ok(Answer {
            status: response.status().as_u16(),
            retry_after: retry_after.and_then(|raw| read_retry_after(raw, now)),
        })
    }

    async fn ask(
        &self,
        target: &Target,
        headers: &[(&'static str, String)],
        body: Bytes,
    ) -> Result<(Response<()>, Rest), Error> {
        let host = target.bare_host();
        let stream = TcpStream::connect((host, target.port))
            .await
            .map_err(|error| Error::Connect(error.kind()))?;
        let mut request = Request::post(target.path.as_str())
            .header(HOST, format!("{}:{}", target.host, target.port))
            .header(USER_AGENT, "tiendo")
            .header(CONTENT_TYPE, "application/json");
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let request = request
            .body(Full::new(body))
            .map_err(|_| Error::Http("the request cannot be put together"))?;
        if !target.tls {
            return send(stream, request).await;
        }
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| Error::Tls("the host can have no certificate"))?;
        let stream = self.tls.connect(name, stream).await;
        send(stream.map_err(|error| Error::Tls(no_tls(&error)))?, request).await
    }
}

/// The head of the answer, and what is still to come.
async fn send<S>(stream: S, request: Request<Full<Bytes>>) -> Result<(Response<()>, Rest), Error>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let broke = |error: hyper::Error| Error::Http(broken(&error));
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(broke)?;
    let mut connection = Box::pin(connection);
    let asked = sender.send_request(request);
    tokio::pin!(asked);
    let (response, is_open) = tokio::select! {
        biased;
        answer = &mut asked => (answer.map_err(broke)?, true),
        // It may end with the answer still to be taken.
        ended = &mut connection => match (asked.await, ended) {
            (Err(_), Err(error)) | (Err(error), Ok(())) => return Err(broke(error)),
            (Ok(answer), _) => (answer, false),
        },
    };
    let (head, body) = response.into_parts();
    let rest = async move {
        if is_open {
            // What is longer is cut off.
            let body = Limited::new(body, ANSWER_BYTES_MAX).collect();
            tokio::select! {
                _ = body => {}
                _ = connection => {}
            }
        }
    };
    Ok((Response::from_parts(head, ()), Box::pin(rest)))
}

/// Why no encryption was agreed on, in words of our own: the library's name the host and repeat what the other side presented.
fn no_tls(error: &std::io::Error) -> &'static str {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    match inner {
        Some(TlsError::InvalidCertificate(why)) => match why {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "the certificate has expired"
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "the certificate is not valid yet"
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "the certificate is for another name"
            }
            CertificateError::UnknownIssuer => {
                "the certificate is of nobody whom this machine trusts"
            }
            _ => "the certificate is not valid",
        },
        Some(TlsError::AlertReceived(_)) => "the other side ended the handshake",
        Some(_) => "the handshake failed",
        None => "the connection ended in the handshake",
    }
}

/// The same for a connection.
fn broken(error: &hyper::Error) -> &'static str {
    if error.is_incomplete_message() || error.is_closed() {
        "it was closed before the answer"
    } else if error.is_parse() {
        "what came is no HTTP"
    } else {
        "nothing more could be sent or read"
    }
}

/// Seconds, or a date.
fn read_retry_after(raw: &str, now: Timestamp) -> Option<Duration> {
    let raw = raw.trim();
    let wait = match raw.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let at = jiff::fmt::rfc2822::parse(raw).ok()?.timestamp();
            Duration::try_from(at.duration_since(now)).unwrap_or_default()
        }
    };
    Some(wait.min(RETRY_AFTER_MAX))
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    #[test]
    fn an_address_is_read_and_an_exposed_one_is_told() {
        let exposed = |url: &str| Target::parse(url).map(|target| target.is_exposed());
        for (url, is_exposed) in [
            ("http://127.0.0.1:9093", false),
            ("http://[::1]:80/x", false),
            ("http://localhost/a?b=c", false),
            ("https://example.vn/hook", false),
            ("http://example.vn/hook", true),
            ("http://127.0.0.1.example.vn/", true),
        ] {
            assert_eq!(exposed(url), Ok(is_exposed), "{url}");
        }
        assert_eq!(exposed("ftp://example.vn"), Err(TargetError::Scheme));
        assert_eq!(exposed("https://a:b@c.vn"), Err(TargetError::Credentials));
        assert_eq!(exposed("https:// a"), Err(TargetError::Malformed));
        let below = Target::parse("http://127.0.0.1:9093/am/").unwrap();
        assert_eq!(below.below("/api/v2/alerts").path, "/am/api/v2/alerts");
    }

    /// What is made of an answer whose connection stays open for as long as it is waited for.
    async fn answered(bytes: &'static [u8]) -> Result<Answer, Error> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let client = Client::new(Duration::from_secs(2)).unwrap();
        let target = Target::parse(&format!("http://127.0.0.1:{port}/")).unwrap();
        let posted = client.post(&target, &[], Bytes::from("{}"), Timestamp::UNIX_EPOCH);
        let server = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let (mut got, mut buffer) = (Vec::new(), [0; 1_024]);
            while !got.ends_with(b"{}") {
                let read = stream.read(&mut buffer).await.unwrap();
                got.extend_from_slice(&buffer[..read]);
            }
            stream.write_all(bytes).await.unwrap();
            std::future::pending::<()>().await;
        };
        tokio::select! {
            answer = posted => answer,
            () = server => panic!("it ended"),
        }
    }

    #[tokio::test]
    async fn an_answer_is_its_head_however_its_body_ends() {
        let status = async |bytes| answered(bytes).await.map(|answer| answer.status);
        for (bytes, expected) in [
            (&b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"[..], 200),
            // Until the connection ends, which it does not.
            (b"HTTP/1.1 200 OK\r\n\r\n", 200),
            (b"HTTP/1.1 204 No Content\r\n\r\n", 204),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", 200),
            (
                b"HTTP/1.1 500 Oops\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nx",
                500,
            ),
        ] {
            let found = status(bytes).await;
            assert_eq!(found.ok(), Some(expected), "{bytes:?}");
        }
        // Half a head is none.
        let half = answered(b"HTTP/1.1 200 OK\r\n").await;
        assert!(matches!(half, Err(Error::TimedOut(_))), "{half:?}");
    }

    #[test]
    fn nothing_of_the_other_side_comes_into_what_is_told() {
        let name = ServerName::try_from("hook.example.vn").unwrap();
        let presented = vec!["secret.example.vn".to_owned()];
        let foreign = [
            TlsError::InvalidCertificate(CertificateError::NotValidForNameContext {
                expected: name.to_owned(),
                presented,
            }),
            TlsError::InvalidCertificate(CertificateError::UnknownIssuer),
            TlsError::General("secret.example.vn".to_owned()),
        ];
        let told = foreign.map(|error| Error::Tls(no_tls(&std::io::Error::other(error))));
        let told = told.map(|error| error.to_string());
        assert_eq!(
            told,
            [
                "no secure connection: the certificate is for another name",
                "no secure connection: the certificate is of nobody whom this machine trusts",
                "no secure connection: the handshake failed",
            ]
        );
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_and_has_an_end() {
        let now: Timestamp = "2026-11-23T05:00:00Z".parse().unwrap();
        let seconds = |raw| read_retry_after(raw, now).map(|wait| wait.as_secs());
        assert_eq!(seconds("7"), Some(7));
        assert_eq!(seconds("Mon, 23 Nov 2026 05:01:30 GMT"), Some(90));
        assert_eq!(seconds("Mon, 23 Nov 2026 04:00:00 GMT"), Some(0));
        assert_eq!(seconds("99999999"), Some(RETRY_AFTER_MAX.as_secs()));
        assert_eq!(seconds("soon"), None);
    }
}
