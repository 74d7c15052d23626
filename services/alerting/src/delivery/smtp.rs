//! One mail handed to a server, step by step, so that it is known whether the server may have it.
//!
//! Until the text is sent nothing was mailed, and who is silent then is soon given up.
//! From there on the server may have taken it, whatever becomes of the connection: it is waited for as long as RFC 5321 wants (4.5.3.2.6), and what then is not answered is told apart, for each repetition may be a double.
//! Once the server says that it took the mail nothing else counts; how it parts is its own affair.

use std::error::Error as _;

use lettre::Message;
use lettre::address::Envelope;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Tls, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::{SMTP_PORT, SUBMISSION_PORT, SUBMISSIONS_PORT};
use tokio::time::{Duration, timeout};

use super::Pace;
use super::contacts::Smtp;

/// Everything before the text may take so many times as long as one answer.
const OPENING_STEPS: u32 = 3;
/// Longest that a server may take to part.
const PARTING: Duration = Duration::from_secs(2);
/// What is said of a mail server that is silent.
const NO_ANSWER: &str = "the mail server did not answer in time";

/// Why a mail was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The server cannot be reached or takes nothing from us, whoever the mail is for.
    Server(String),
    /// It is to be tried later for this recipient.
    Later(String),
    /// The recipient's mail was refused.
    Recipient(String),
    /// The server has all of it, and did not say whether it took it.
    Unsure(String),
    /// The shutdown came first.
    Stopped,
}

/// Where mail is handed over, and how long each part of it may take.
pub(crate) struct Server {
    route: Route,
    credentials: Option<Credentials>,
    hello: ClientId,
    tls: Tls,
    /// One answer; the opening; the answer to the text.
    limits: (Duration, Duration, Duration),
}

/// What the address of a mail server says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Route {
    host: String,
    port: u16,
    security: Security,
    /// What we call ourselves, if the address says so.
    hello: Option<String>,
}

/// How a connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Security {
    Plain,
    /// STARTTLS where it is offered.
    Offered,
    /// STARTTLS or nothing.
    Required,
    /// From the first byte.
    Whole,
}

impl Route {
    /// Reads `smtp://` and `smtps://`, with `tls=required` or `tls=opportunistic`; none if it is anything else.
    pub(crate) fn parse(url: &str) -> Option<Self> {
        let (scheme, rest) = url.split_once("://")?;
        let (rest, _) = rest.split_once('#').unwrap_or((rest, ""));
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let tls = query.split('&').find_map(|pair| pair.strip_prefix("tls="));
        let (security, usual) = match (scheme, tls) {
            ("smtp", None) => (Security::Plain, SMTP_PORT),
            ("smtp", Some("required")) => (Security::Required, SUBMISSION_PORT),
            ("smtp", Some("opportunistic")) => (Security::Offered, SUBMISSION_PORT),
            ("smtps", _) => (Security::Whole, SUBMISSIONS_PORT),
            _ => return None,
        };
        // In brackets an address has colons of its own.
        let after = authority.rfind(']').map_or(0, |end| end + 1);
        let (host, port) = match authority[after..].rfind(':') {
            Some(at) => authority.split_at(after + at),
            None => (authority, ""),
        };
        let port = match port.trim_start_matches(':') {
            "" => usual,
            port => port.parse().ok()?,
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:".contains(&byte);
        if host.is_empty() || !host.bytes().all(is_name) {
            return None;
        }
        let hello = path.trim_matches('/');
        Some(Self {
            host: host.to_owned(),
            port,
            security,
            hello: (!hello.is_empty()).then(|| hello.to_owned()),
        })
    }
}

impl Server {
    /// What the contacts file names; an error in words if it cannot be used.
    pub(crate) fn new(smtp: &Smtp, pace: &Pace) -> Result<Self, String> {
        let route = Route::parse(&smtp.url).ok_or("the mail server's url cannot be read")?;
        let parameters = || TlsParameters::new(route.host.clone()).map_err(|e| told_error(&e));
        let tls = match route.security {
            Security::Plain => Tls::None,
            Security::Offered => Tls::Opportunistic(parameters()?),
            Security::Required => Tls::Required(parameters()?),
            Security::Whole => Tls::Wrapper(parameters()?),
        };
        let credentials = smtp.credentials.clone();
        Ok(Self {
            hello: route
                .hello
                .clone()
                .map_or_else(ClientId::default, ClientId::Domain),
            credentials: credentials.map(|(user, password)| Credentials::new(user, password)),
            tls,
            limits: (pace.timeout, pace.timeout * OPENING_STEPS, pace.taking),
            route,
        })
    }

    /// Hands a mail over.
    pub(crate) async fn send(&self, mail: &Message) -> Result<(), Refusal> {
        let (_, opening, taking) = self.limits;
        let mut connection = match timeout(opening, self.open(mail.envelope())).await {
            Ok(Ok(connection)) => connection,
            Ok(Err(refusal)) => return Err(refusal),
            Err(_) => return Err(Refusal::Server(NO_ANSWER.to_owned())),
        };
        let text = mail.formatted();
        let taken = timeout(taking, connection.message(&text)).await;
        if matches!(&taken, Ok(Err(error)) if error.status().is_none()) || taken.is_err() {
            let text = match taken {
                Ok(Err(error)) => told_error(&error),
                _ => NO_ANSWER.to_owned(),
            };
            return Err(Refusal::Unsure(text));
        }
        part(&mut connection).await;
        match taken {
            Ok(Err(error)) => Err(refusal(&error)),
            _ => Ok(()),
        }
    }

    /// Everything up to the word that the text may come.
    async fn open(&self, envelope: &Envelope) -> Result<AsyncSmtpConnection, Refusal> {
        let of_us = |error: &Error| Refusal::Server(told_error(error));
        let mut connection = self.connect().await.map_err(|error| of_us(&error))?;
        let (refused, is_answered) = match self.greet(&mut connection, envelope).await {
            Err(error) => (Some(of_us(&error)), error.status().is_some()),
            Ok(()) => match address(&mut connection, envelope).await {
                Err(error) => (Some(refusal(&error)), error.status().is_some()),
                Ok(()) => (None, false),
            },
        };
        if is_answered {
            part(&mut connection).await;
        }
        refused.map_or(Ok(connection), Err)
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, Error> {
        let at = (self.route.host.as_str(), self.route.port);
        let whole = match &self.tls {
            Tls::Wrapper(parameters) => Some(parameters.clone()),
            _ => None,
        };
        let (answer, hello) = (Some(self.limits.0), &self.hello);
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(at, answer, hello, whole, None).await?;
        match &self.tls {
            Tls::Opportunistic(parameters) if connection.can_starttls() => {
                connection.starttls(parameters.clone(), hello).await?;
            }
            Tls::Required(parameters) => connection.starttls(parameters.clone(), hello).await?,
            _ => {}
        }
        Ok(connection)
    }

    /// Who we are: what is refused here is refused of us, whoever the recipient.
    async fn greet(
        &self,
        connection: &mut AsyncSmtpConnection,
        envelope: &Envelope,
    ) -> Result<(), Error> {
        if let Some(credentials) = &self.credentials {
            connection.auth(DEFAULT_MECHANISMS, credentials).await?;
        }
        // A mail of ours is in ASCII, so no extension is asked for.
        let from = Mail::new(envelope.from().cloned(), Vec::new());
        connection.command(from).await.map(|_| ())
    }
}

/// Whom it is for, and that the text comes.
async fn address(connection: &mut AsyncSmtpConnection, envelope: &Envelope) -> Result<(), Error> {
    for to in envelope.to() {
        let to = Rcpt::new(to.clone(), Vec::new());
        connection.command(to).await?;
    }
    connection.command(Data).await.map(|_| ())
}

/// Says good-bye; the answer changes nothing.
async fn part(connection: &mut AsyncSmtpConnection) {
    let _ = timeout(PARTING, connection.quit()).await;
}

/// What went wrong, without the server's own words, which repeat addresses.
fn told_error(error: &Error) -> String {
    if let Some(code) = error.status() {
        return format!("SMTP {code}");
    }
    if error.is_client() {
        // The library's words: STARTTLS or a way to log in is not offered.
        let lacks = error.source().map_or_else(String::new, ToString::to_string);
        return format!("the mail server lacks something that mail needs: {lacks}");
    }
    let text = if error.is_timeout() {
        NO_ANSWER
    } else if error.is_tls() {
        "no secure connection to the mail server"
    } else {
        "the mail server cannot be reached"
    };
    text.to_owned()
}

/// Whether it was about the recipient, or about us and the server.
fn refusal(error: &Error) -> Refusal {
    let text = told_error(error);
    match error.status().map(u16::from) {
        Some(code) => of_code(code, text),
        // Without an answer nobody said anything of the recipient: what a server lacks, it lacks for everybody.
        None => Refusal::Server(text),
    }
}

/// The same of an answer: what it says of us (not logged in, no encryption, too much from here) ends sooner or later, and says nothing of the recipient.
fn of_code(code: u16, text: String) -> Refusal {
    match code {
        421 | 454 | 530 | 534 | 535 | 538 => Refusal::Server(text),
        500..600 => Refusal::Recipient(text),
        // Greylisting, a full mailbox, a server short of something.
        _ => Refusal::Later(text),
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    /// Where a server stops answering.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    enum Silent {
        Never,
        At(&'static str),
        /// Hangs up once it has the text.
        HangsUp,
    }

    /// A server without any extension.
    async fn serve(stream: TcpStream, silent: Silent) -> std::io::Result<()> {
        let mut stream = BufReader::new(stream);
        stream.write_all(b"220 mail.example.vn\r\n").await?;
        let mut in_text = false;
        let mut line = String::new();
        while stream.read_line(&mut line).await? > 0 {
            let command = line.trim_end().to_owned();
            line.clear();
            let answer = match command.split([' ', ':']).next().unwrap_or_default() {
                "." if silent == Silent::HangsUp => return Ok(()),
                "." => "250 taken",
                _ if in_text => continue,
                "DATA" => "354 go on",
                "EHLO" | "MAIL" | "RCPT" => "250 mail.example.vn",
                "QUIT" => "221 bye",
                _ => "502 no",
            };
            in_text = command == "DATA";
            if silent != Silent::Never
                && matches!(silent, Silent::At(at) if command.starts_with(at))
            {
                continue;
            }
            stream.write_all(format!("{answer}\r\n").as_bytes()).await?;
        }
        Ok(())
    }

    /// What becomes of a mail at a server.
    async fn sent(silent: Silent, query: &str, login: Option<(&str, &str)>) -> Result<(), Refusal> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let served = host::task::spawn("a-mail-server", async move {
            while let Ok((stream, _)) = listener.accept().await {
                // Whoever is given up hangs up.
                let _ = serve(stream, silent).await;
            }
        });
        let smtp = Smtp {
            url: format!("smtp://127.0.0.1:{port}{query}"),
            from: "Sổ <tiendo@example.vn>".parse().unwrap(),
            credentials: login.map(|(user, password)| (user.to_owned(), password.to_owned())),
        };
        let pace = Pace {
            timeout: Duration::from_secs(1),
            taking: Duration::from_secs(3),
            ..Pace::standard()
        };
        let mail = Message::builder()
            .from(smtp.from.clone())
            .to("Tổ 06 <to06@example.vn>".parse().unwrap())
            .body("Chậm tiến độ.\r\n.\r\nHết.".to_owned())
            .unwrap();
        let server = Server::new(&smtp, &pace).unwrap();
        let sent = server.send(&mail).await;
        served.abort();
        sent
    }

    #[tokio::test]
    async fn what_a_server_lacks_is_no_recipients_fault() {
        assert_eq!(sent(Silent::Never, "", None).await, Ok(()));
        for (query, login, lacks) in [
            ("?tls=required", None, "STARTTLS"),
            ("", Some(("tiendo", "secret")), "authentication"),
        ] {
            match sent(Silent::Never, query, login).await {
                Err(Refusal::Server(text)) => assert!(text.contains(lacks), "{text}"),
                other => panic!("{other:?}"),
            }
        }
    }

    #[tokio::test]
    async fn who_is_silent_before_the_text_has_no_mail_and_afterwards_may_have_it() {
        let no_answer = NO_ANSWER.to_owned();
        let before = ["EHLO", "MAIL", "RCPT", "DATA"].map(Silent::At);
        let before = futures::future::join_all(before.map(|silent| sent(silent, "", None)));
        let (before, silent, gone, parting) = tokio::join!(
            before,
            sent(Silent::At("."), "", None),
            sent(Silent::HangsUp, "", None),
            sent(Silent::At("QUIT"), "", None),
        );
        assert_eq!(before, vec![Err(Refusal::Server(no_answer.clone())); 4]);
        assert_eq!(silent, Err(Refusal::Unsure(no_answer)));
        assert!(matches!(gone, Err(Refusal::Unsure(_))), "{gone:?}");
        assert_eq!(parting, Ok(()), "it took the mail");
    }

    #[test]
    fn an_address_is_read_as_it_is_written() {
        let route = |host: &str, port, security, hello: Option<&str>| {
            Some(Route {
                host: host.to_owned(),
                port,
                security,
                hello: hello.map(ToOwned::to_owned),
            })
        };
        for (url, expected) in [
            (
                "smtp://localhost",
                route("localhost", 25, Security::Plain, None),
            ),
            (
                "smtp://a.vn:2525/me",
                route("a.vn", 2525, Security::Plain, Some("me")),
            ),
            (
                "smtp://a.vn/?tls=required",
                route("a.vn", 587, Security::Required, None),
            ),
            (
                "smtp://a.vn?tls=opportunistic",
                route("a.vn", 587, Security::Offered, None),
            ),
            ("smtps://a.vn:", route("a.vn", 465, Security::Whole, None)),
            ("smtps://[::1]", route("::1", 465, Security::Whole, None)),
            ("smtp://[::1]:26#x", route("::1", 26, Security::Plain, None)),
            ("smtp://a.vn?tls=perhaps", None),
            ("smtp://a.vn:x", None),
            ("smtp://thư.vn", None),
            ("smtp://", None),
            ("http://a.vn", None),
        ] {
            assert_eq!(Route::parse(url), expected, "{url}");
        }
    }

    #[test]
    fn only_what_is_said_of_the_recipient_is_the_recipients() {
        let kind = |code| match of_code(code, String::new()) {
            Refusal::Server(_) => "server",
            Refusal::Later(_) => "later",
            Refusal::Recipient(_) => "recipient",
            Refusal::Unsure(_) | Refusal::Stopped => "another",
        };
        for (codes, expected) in [
            (&[421, 454, 530, 534, 535, 538][..], "server"),
            (&[450, 451, 452][..], "later"),
            (&[550, 551, 552, 553, 554][..], "recipient"),
        ] {
            for code in codes {
                assert_eq!(kind(*code), expected, "{code}");
            }
        }
    }
}
