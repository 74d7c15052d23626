//! `tiendo watch` of a locality, a model or an organisation; streams that go on by themselves when the connection is lost.
//!
//! A watch of a locality stays with the identity that had the code when it began: on another day the code may be another locality's.

use std::sync::OnceLock;
use std::time::Duration;

use tonic::{Code, Status};
use wire::status::refusal;
use wire::v1;
use wire::v1::watch_request::Target;
use wire::v1::watch_response::Message;

use super::watch::{header, show};
use crate::Failure;
use crate::cli::Watch;
use crate::client::Clients;
use crate::fail::UNAVAILABLE;
use crate::output::{Format, Output, message_json};

/// First wait before a lost connection is made again; each one after it is twice as long.
const WAIT_MIN: Duration = Duration::from_millis(250);
/// Longest wait.
const WAIT_MAX: Duration = Duration::from_secs(10);

/// Why a stream ended.
pub(super) enum Ended {
    /// The service or the connection to it went away, and may be there again.
    Lost(Failure),
    /// For good.
    Failed(Failure),
}

impl Ended {
    /// Without a word.
    pub(super) fn silently(output: Output) -> Self {
        let text = output
            .lang
            .pick("luồng đã kết thúc", "the stream has ended");
        Self::Lost(Failure::new(UNAVAILABLE, text))
    }

    /// With a status; one without a reason is not of our services but of the connection.
    pub(super) fn told(output: Output) -> impl Fn(Status) -> Self + Copy {
        move |status| {
            let is_lost = match status.code() {
                Code::Unavailable | Code::ResourceExhausted => true,
                Code::Unknown | Code::Internal | Code::Cancelled | Code::DeadlineExceeded => {
                    refusal(&status).reason.is_empty()
                }
                _ => false,
            };
            let failure = Failure::status(&status, output.lang);
            if is_lost {
                Self::Lost(failure)
            } else {
                Self::Failed(failure)
            }
        }
    }
}

impl From<Failure> for Ended {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// When a lost stream is begun again.
pub(super) struct Again {
    output: Output,
    wait: Duration,
    has_worked: bool,
}

impl Again {
    pub(super) fn new(output: Output) -> Self {
        Self {
            output,
            wait: WAIT_MIN,
            has_worked: false,
        }
    }

    /// A message came.
    pub(super) fn works(&mut self) {
        self.wait = WAIT_MIN;
        self.has_worked = true;
    }

    /// Waits until the stream is to be begun again, after the last position it had come to.
    ///
    /// # Errors
    /// Why it ended, if that was for good or it never was there: then an address is wrong rather than a service away.
    #[expect(clippy::print_stderr, reason = "a remark beside the data")]
    pub(super) async fn after(&mut self, ended: Ended, position: u64) -> Result<(), Failure> {
        let lost = match ended {
            Ended::Lost(lost) if self.has_worked => lost,
            Ended::Lost(failure) | Ended::Failed(failure) => return Err(failure),
        };
        let (why, at, ms) = (lost.text(), position, self.wait.as_millis());
        let said = self.output.lang.pick(
            format!("Mất kết nối ({why}); nối lại sau {ms} ms, tiếp từ sau vị trí {at}"),
            format!("Connection lost ({why}); again in {ms} ms, after position {at}"),
        );
        eprintln!("{said}");
        tokio::time::sleep(self.wait).await;
        self.wait = (self.wait * 2).min(WAIT_MAX);
        Ok(())
    }
}

/// What the options ask to watch; none for all events.
pub(super) fn wanted(options: &Watch) -> Option<v1::WatchRequest> {
    let locality = options.locality.iter().map(|code| {
        Target::Locality(v1::WatchedLocality {
            code: code.clone(),
            include_below: options.below,
            since: String::new(),
        })
    });
    let model = options.model.iter().cloned().map(Target::Model);
    let owner = options.owner.iter().cloned().map(Target::Organisation);
    let target = locality.chain(model).chain(owner).next()?;
    let reads_the_log = options.alerts || options.no_follow || options.from.is_some();
    (!reads_the_log).then_some(v1::WatchRequest {
        target: Some(target),
        after_position: options.after,
        at: options.as_of.clone().map(|as_of| v1::ReadAt {
            as_of,
            ..v1::ReadAt::default()
        }),
    })
}

/// The locality that is watched, once the service has said which it is.
pub(super) type Identity = OnceLock<v1::LocalityRef>;

/// Prints what concerns a target as it comes, until the service refuses it; `identity` is then known if it is a locality.
pub(super) async fn run(
    mut request: v1::WatchRequest,
    identity: &Identity,
    clients: &Clients,
    output: Output,
) -> Result<(), Failure> {
    header(output)?;
    let mut again = Again::new(output);
    loop {
        let ended = match read(&mut request, identity, &mut again, (clients, output)).await {
            Ok(()) => Ended::silently(output),
            Err(ended) => ended,
        };
        let position = request.after_position.unwrap_or(0);
        again.after(ended, position).await?;
    }
}

/// Prints one stream to its end; the request then asks for what comes after it.
async fn read(
    request: &mut v1::WatchRequest,
    identity: &Identity,
    again: &mut Again,
    (clients, output): (&Clients, Output),
) -> Result<(), Ended> {
    let mut client = clients.query().await.map_err(Ended::Lost)?;
    let answer = client.watch(request.clone()).await;
    let mut messages = answer.map_err(Ended::told(output))?.into_inner();
    while let Some(response) = messages.message().await.map_err(Ended::told(output))? {
        print(&response, output)?;
        go_on(request, &response, identity);
        again.works();
    }
    Ok(())
}

/// Makes a request one for what comes after a message, of the same locality.
fn go_on(request: &mut v1::WatchRequest, response: &v1::WatchResponse, identity: &Identity) {
    request.after_position = Some(response.position);
    if let (Some(told), Some(Target::Locality(wanted))) = (&response.locality, &mut request.target)
    {
        wanted.code.clone_from(&told.code);
        wanted.since.clone_from(&told.since);
        identity.get_or_init(|| told.clone());
    }
}

#[expect(clippy::print_stderr, reason = "a remark beside the data")]
fn print(response: &v1::WatchResponse, output: Output) -> Result<(), Failure> {
    if output.format == Format::Json {
        // Markers too: a program that goes on later needs their positions.
        return output.json_line(&message_json("WatchResponse", response)?);
    }
    match &response.message {
        Some(Message::Event(watched)) => {
            let event = watched.event.as_ref().map(prost::Message::encode_to_vec);
            let recorded = v1::RecordedEvent {
                position: response.position,
                known: watched.known,
                event: event.unwrap_or_default().into(),
            };
            show(&recorded, output)?;
        }
        Some(Message::CaughtUp(_)) if output.format == Format::Table => {
            let position = output.lang.count(response.position);
            let said = output.lang.pick(
                format!("Đã theo kịp sổ ở vị trí {position}; chờ sự kiện mới"),
                format!("Caught up at position {position}; waiting for new events"),
            );
            eprintln!("{said}");
        }
        Some(Message::CaughtUp(_) | Message::Heartbeat(_)) | None => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watch_that_is_begun_again_asks_for_the_place_it_began_with() {
        let wanted = |since: &str| {
            Target::Locality(v1::WatchedLocality {
                code: "22366".to_owned(),
                include_below: true,
                since: since.to_owned(),
            })
        };
        let mut request = v1::WatchRequest {
            target: Some(wanted("")),
            ..Default::default()
        };
        let identity = Identity::new();
        let first = v1::WatchResponse {
            position: 7,
            locality: Some(v1::LocalityRef {
                code: "22366".to_owned(),
                since: "2023-04-10".to_owned(),
            }),
            message: None,
        };
        go_on(&mut request, &first, &identity);
        let second = v1::WatchResponse {
            position: 9,
            ..Default::default()
        };
        go_on(&mut request, &second, &identity);
        assert_eq!(request.target, Some(wanted("2023-04-10")));
        assert_eq!(request.after_position, Some(9));
        assert_eq!(identity.get(), first.locality.as_ref());
    }

    #[test]
    fn a_watch_of_an_organisation_only_moves_on() {
        let target = Some(Target::Organisation("Sở Y tế".to_owned()));
        let mut request = v1::WatchRequest {
            target: target.clone(),
            ..Default::default()
        };
        let response = v1::WatchResponse {
            position: 4,
            ..Default::default()
        };
        let identity = Identity::new();
        go_on(&mut request, &response, &identity);
        assert_eq!((request.target, request.after_position), (target, Some(4)));
        assert_eq!(identity.get(), None);
    }
}
