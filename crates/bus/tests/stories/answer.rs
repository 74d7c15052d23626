//! Requests are answered through everything that happens to a server, and never into a ledger.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_nats::{Client, Message};
use bus::answer::{Answer, AnswerOptions, Answered, Asked, ERROR, ERROR_CODE, Refusal, answer};
use bytes::Bytes;
use rustix::process::Signal;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::common::{Bus, LEDGER, Log, PATIENCE, Relay, relay_options, until};

const RECORD: &str = "tiendo.v1.khanh-hoa.sys.ingest.record";
/// How long what is being answered at the shutdown may take.
const GRACE: Duration = Duration::from_millis(500);

/// Says what it was asked, once it may.
struct Echo {
    leave: Semaphore,
}

impl Answer for Echo {
    async fn answer(&self, asked: Asked) -> Answered {
        let leave = self.leave.acquire().await.unwrap();
        drop(leave);
        Answered {
            payload: asked.payload,
            refused: None,
        }
    }

    fn refuse(&self, refusal: Refusal) -> Answered {
        Answered {
            payload: Bytes::from(format!("{refusal:?}")),
            refused: Some((8, "no\r\nInjected: yes".to_owned())),
        }
    }
}

struct Answering {
    echo: Arc<Echo>,
    tasks: JoinSet<Result<(), bus::client::Error>>,
    shutdown: CancellationToken,
}

impl Answering {
    fn start(bus: &Bus, leave: usize) -> Self {
        let options = AnswerOptions {
            access: bus.url().into(),
            name: "answers".to_owned(),
            subject: bus::subject::requests(LEDGER),
            at_once: 2,
            grace: GRACE,
        };
        let echo = Arc::new(Echo {
            leave: Semaphore::new(leave),
        });
        let shutdown = CancellationToken::new();
        let mut tasks = JoinSet::new();
        tasks.spawn(answer(options, Arc::clone(&echo), shutdown.clone()));
        Self {
            echo,
            tasks,
            shutdown,
        }
    }

    /// Ends, which it must within its grace and a little.
    async fn stop(mut self) {
        let begun = Instant::now();
        self.shutdown.cancel();
        let ended = timeout(PATIENCE, self.tasks.join_next()).await;
        ended.unwrap().unwrap().unwrap().unwrap();
        assert!(begun.elapsed() < PATIENCE / 4, "{:?}", begun.elapsed());
    }
}

async fn request(client: &Client, text: &'static str) -> Option<Message> {
    client.request(RECORD, text.into()).await.ok()
}

/// Asks until somebody answers.
async fn answered(client: &Client, text: &'static str) -> Message {
    until(async || request(client, text).await).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_is_answered_through_a_kill_and_no_more_at_once_than_may() {
    let mut bus = Bus::start().await;
    let answering = Answering::start(&bus, 0);
    answering.echo.leave.add_permits(1);
    let client = bus.client().await;
    assert_eq!(answered(&client, "one").await.payload, "one");

    // Two are being answered and wait; a third is told so, in one line.
    let leave = answering.echo.leave.acquire().await.unwrap();
    let mut waiting = JoinSet::new();
    for text in ["two", "three", "four"] {
        let client = client.clone();
        waiting.spawn(async move { request(&client, text).await.unwrap() });
    }
    let refused = timeout(PATIENCE, waiting.join_next()).await.unwrap();
    let refused = refused.unwrap().unwrap();
    assert_eq!(refused.payload, "Busy { at_once: 2 }");
    let headers = refused.headers.unwrap();
    let of = |name: &str| headers.get(name).map(ToString::to_string);
    assert_eq!(of(ERROR_CODE), Some("8".to_owned()));
    assert_eq!(of(ERROR), Some("no  Injected: yes".to_owned()));
    drop(leave);
    for message in waiting.join_all().await {
        assert!(message.headers.is_none(), "{message:?}");
    }

    bus.kill().await;
    bus.restart().await;
    let client = bus.client().await;
    assert_eq!(answered(&client, "five").await.payload, "five");
    answering.stop().await;
    assert!(request(&client, "six").await.is_none(), "nobody listens");
    bus.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_takes_a_position_of_the_ledger() {
    let bus = Bus::start().await;
    let log = Log::new(10);
    let mut relay = Relay::with(relay_options(bus.url()), &log);
    relay.published(10).await;
    let answering = Answering::start(&bus, 1);
    let client = bus.client().await;
    answered(&client, "one").await;
    for reply in [
        format!("tiendo.v1.{LEDGER}.568.progress.reported.x"),
        bus::subject::heartbeat(LEDGER),
        "$JS.API.STREAM.DELETE.TIENDO_KHANH-HOA".to_owned(),
    ] {
        let sent = client.publish_with_reply(RECORD, reply, "forged".into());
        sent.await.unwrap();
    }
    client.flush().await.unwrap();
    answered(&client, "two").await;
    assert_eq!(bus.contents().await, log.all());
    log.grow(20);
    relay.published(20).await;
    answering.stop().await;
    relay.stop().await;
    bus.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_server_keeps_nobody_from_stopping() {
    let bus = Bus::start().await;
    let answering = Answering::start(&bus, 1);
    answered(&bus.client().await, "one").await;
    bus.signal(Signal::STOP);
    answering.stop().await;
    bus.signal(Signal::CONT);
    bus.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_permission_given_back_is_enough() {
    let user = |denied: &str| {
        format!(
            "authorization {{ users: [ {{ user: any, password: any, \
             permissions: {{ subscribe: {{ deny: [{denied}] }} }} }} ] }}\nno_auth_user: any\n"
        )
    };
    let bus = Bus::with(None, &user("\"nothing\"")).await;
    let answering = Answering::start(&bus, 1);
    let client = bus.client().await;
    answered(&client, "one").await;
    let requests = format!("\"{}\"", bus::subject::requests(LEDGER));
    bus.reload_with(&user(&requests)).await;
    let unheard = async { while request(&client, "two").await.is_some() {} };
    timeout(PATIENCE, unheard).await.unwrap();
    bus.reload_with(&user("\"nothing\"")).await;
    assert_eq!(answered(&client, "three").await.payload, "three");
    answering.stop().await;
    bus.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_inbox_that_may_not_be_answered_to_is_the_askers_own_business() {
    let user = "authorization { users: [ { user: any, password: any, \
                permissions: { publish: { deny: [\"_DARK.>\"] } } } ] }\nno_auth_user: any\n";
    let bus = Bus::with(None, user).await;
    let answering = Answering::start(&bus, 1);
    let client = bus.client().await;
    answered(&client, "one").await;
    let dark = client.publish_with_reply(RECORD, "_DARK.one", "two".into());
    dark.await.unwrap();
    // It is answered to nobody, in its turn before this one.
    answered(&client, "three").await;

    // Somebody else waits for longer than the look at what the server forbids takes to come, and is answered.
    let leave = answering.echo.leave.acquire().await.unwrap();
    let mut asked = Box::pin(request(&client, "four"));
    let early = timeout(Duration::from_millis(2_500), &mut asked).await;
    assert!(early.is_err(), "{early:?}");
    drop(leave);
    let answer = timeout(PATIENCE, asked).await.unwrap();
    assert_eq!(answer.unwrap().payload, "four");
    answering.stop().await;
    bus.stop().await;
}
