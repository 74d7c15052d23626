//! Mail, to a real SMTP server: the morning's digest, what breaks it, and what is never sent twice.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use alerting::delivery::Pace;
use host::ManualClock;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;
use wire::v1;
use wire::v1::alerting_service_client::AlertingServiceClient;
use wire::v1::event::Body;

use super::{clock, deliverer, deliveries, python, settings, until_recorded};
use crate::common::{PATIENCE, World, cases, count, name, place, source};
use crate::life::office;
use crate::story::{founding, read, report};

const SINK: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/service/delivery/smtp_sink.py"
);

/// Who is written to: Hà Nội with all below it, Hà Đông, and another province.
const OFFICES: &str = r#"
[[contact]]
place = "01"
name = "Tổ công tác Đề án 06 Hà Nội"
mail = "ha-noi@example.vn"
below = true

[[contact]]
place = "268"
name = "UBND quận Hà Đông"
mail = "ha-dong@example.vn"
lang = "en"

[[contact]]
place = "56"
name = "Tổ công tác Đề án 06 Khánh Hòa"
mail = "khanh-hoa@example.vn"
below = true
"#;

/// As the others, for a server that may be slow on a busy machine.
fn pace() -> Pace {
    Pace {
        timeout: Duration::from_secs(5),
        ..super::pace()
    }
}

/// A mail server that tells what it takes.
struct Server {
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
    port: u16,
}

impl Server {
    async fn start(python: &Path, port: u16) -> Self {
        let mut process = Command::new(python)
            .args([SINK, &port.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let line = timeout(PATIENCE, lines.next_line()).await.unwrap();
        let port = line.unwrap().unwrap().parse().unwrap();
        Self {
            process,
            lines,
            port,
        }
    }

    async fn mail(&mut self) -> Value {
        // Much may have to be looked at before it is written.
        let line = timeout(4 * PATIENCE, self.lines.next_line()).await.unwrap();
        serde_json::from_str(&line.unwrap().unwrap()).unwrap()
    }

    /// The next mails, by recipient.
    async fn mails(&mut self, number: usize) -> Vec<Value> {
        let mut mails = Vec::new();
        for _ in 0..number {
            mails.push(self.mail().await);
        }
        mails.sort_by_key(|mail| mail["to"][0].as_str().unwrap().to_owned());
        mails
    }

    /// Lets it answer to a mail that it holds.
    async fn answer(&mut self) {
        let stdin = self.process.stdin.as_mut().unwrap();
        stdin.write_all(b"\n").await.unwrap();
        stdin.flush().await.unwrap();
    }

    /// Ends it; gives how many mails nobody had looked at.
    async fn stop(mut self) -> usize {
        self.process.kill().await.unwrap();
        let mut left = 0;
        while let Ok(Some(_)) = self.lines.next_line().await {
            left += 1;
        }
        left
    }
}

fn contacts(port: u16, offices: &str) -> String {
    format!(
        "[smtp]\nurl = \"smtp://127.0.0.1:{port}\"\nfrom = \"Sổ tiến độ <tiendo@example.vn>\"\n{offices}"
    )
}

fn text<'m>(mail: &'m Value, part: &str) -> &'m str {
    mail[part].as_str().unwrap()
}

fn to(mail: &Value) -> &str {
    mail["to"][0].as_str().unwrap()
}

fn set(clock: &Arc<ManualClock>, at: &str) {
    clock.set(at.parse().unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_overdue_case_is_mailed_at_once_told_again_in_widening_steps_and_cleared() {
    let Some(python) = python().await else { return };
    let world = World::start().await;
    let mut server = Server::start(&python, 0).await;
    let toml = contacts(server.port, OFFICES);
    // 6 in the morning of 5 July in Vietnam.
    let clock = clock("2023-07-04T23:00:00Z");
    let alerting = deliverer(
        &world,
        ("2023-07-05", &clock),
        settings(&world, &toml, pace()),
    )
    .await;
    until_recorded(&alerting, |now| now.head == 3).await;
    world.record(founding()).await;

    let urgent = server.mails(2).await;
    assert_eq!(
        (to(&urgent[0]), to(&urgent[1])),
        ("ha-dong@example.vn", "ha-noi@example.vn")
    );
    let subject = text(&urgent[1], "subject");
    assert_eq!(
        subject,
        "KHẨN: tiến độ Đề án 06 ngày 5/7/2023: 1 phát sinh chậm"
    );
    assert!(text(&urgent[0], "subject").starts_with("URGENT: progress of 2023-07-05"));
    for part in ["text", "html"] {
        assert!(
            text(&urgent[1], part).contains("thiếu 6.453 tài khoản"),
            "{}",
            urgent[1]
        );
    }
    assert_eq!(text(&urgent[1], "auto"), "auto-generated");
    until_recorded(&alerting, |now| now.sinks[0].delivered == 2).await;

    // At 7 there is nothing that was not told; the server is away on the next morning, and alerting is started anew.
    set(&clock, "2023-07-05T00:30:00Z");
    let port = server.port;
    assert_eq!(server.stop().await, 0);
    set(&clock, "2023-07-06T00:30:00Z");
    until_recorded(&alerting, |now| now.sinks[0].failed > 0).await;
    alerting.stop().await;
    let mut server = Server::start(&python, port).await;
    let alerting = deliverer(
        &world,
        ("2023-07-06", &clock),
        settings(&world, &toml, pace()),
    )
    .await;
    let digests = server.mails(2).await;
    assert_eq!(to(&digests[1]), "ha-noi@example.vn");
    let id = "<ha-noi-alerts.digest.2023-07-06.to-cong-tac-de-an-06-ha-noi@example.vn>";
    assert_eq!(text(&digests[1], "id"), id);
    assert!(
        text(&digests[1], "text").contains("TIẾP TỤC CHẬM TIẾN ĐỘ / STILL LAGGING (1)"),
        "{}",
        digests[1]
    );
    assert!(
        text(&digests[1], "text").contains("[đã 1 ngày]"),
        "{}",
        digests[1]
    );
    until_recorded(&alerting, |now| now.sinks[0].delivered == 2).await;

    // Told twice: three days later again, and cleared notices come on any day.
    let position = world.record(vec![("2023-07-04", report(256_453))]).await;
    cases(&alerting, position).await;
    set(&clock, "2023-07-07T00:30:00Z");
    let cleared = server.mails(2).await;
    for mail in &cleared {
        assert!(text(mail, "id").contains("2023-07-07"), "{mail}");
        assert!(text(mail, "text").contains("ĐÃ HOÀN THÀNH"), "{mail}");
        assert!(text(mail, "text").contains("COMMENDED"), "{mail}");
        assert!(
            !text(mail, "text").contains("TIẾP TỤC CHẬM TIẾN ĐỘ"),
            "{mail}"
        );
    }
    until_recorded(&alerting, |now| now.sinks[0].delivered == 4).await;
    // Offices are known there by their names.
    let told = format!("{:?}", read(&alerting).await);
    assert!(told.contains("to-cong-tac-de-an-06-ha-noi"), "{told}");
    for address in ["ha-noi@", "ha-dong@", "khanh-hoa@"] {
        assert!(!told.contains(&format!("\"{address}")) && !told.contains(&format!(" {address}")));
        assert!(!told.contains(&format!("<{address}")), "{address}");
    }
    alerting.stop().await;
    assert_eq!(server.stop().await, 0, "nothing else was mailed");
    world.stop().await;
}

/// A quota of 95 % of 269,950 people by a day, asked for on 1 May 2023.
fn quota(code: &str, deadline: &str) -> (&'static str, Body) {
    let quota = v1::QuotaAssigned {
        locality: place(code),
        indicator: "eid.activated".to_owned(),
        layer: v1::QuotaLayer::Central as i32,
        denominator: Some(v1::Denominator {
            kind: "quota".to_owned(),
            value: count(269_950),
            derived: false,
        }),
        target_percent: "95".to_owned(),
        deadline: deadline.to_owned(),
        document: Some(v1::Document {
            issuer: "Bộ Công an".to_owned(),
            ..v1::Document::default()
        }),
        ..v1::QuotaAssigned::default()
    };
    ("2023-05-01", Body::QuotaAssigned(quota))
}

/// Khánh Hòa, and a quota of the province that was missed on 30 June.
fn khanh_hoa() -> Vec<(&'static str, Body)> {
    let registered = Body::LocalityRegistered(v1::LocalityRegistered {
        locality: place("56"),
        level: v1::Level::Province as i32,
        name: name("Tỉnh Khánh Hòa"),
        parent: None,
        start_known: false,
        source: source(),
    });
    let reported = Body::ProgressReported(v1::ProgressReported {
        locality: place("56"),
        indicator: "eid.activated".to_owned(),
        value: count(250_000),
        source: source(),
        ..v1::ProgressReported::default()
    });
    let registered = ("2023-04-10", registered);
    let reported = ("2023-06-30", reported);
    vec![registered, quota("56", "2023-06-30"), reported]
}

/// Five weekly reports, each so much above the one before.
fn reports(code: &str, first: i64, step: i64) -> Vec<(&'static str, Body)> {
    let days = [
        "2023-05-22",
        "2023-05-29",
        "2023-06-05",
        "2023-06-12",
        "2023-06-19",
    ];
    let reported = days.into_iter().zip(0..).map(|(day, week)| {
        let reported = v1::ProgressReported {
            locality: place(code),
            indicator: "eid.activated".to_owned(),
            value: count(first + week * step),
            source: source(),
            ..v1::ProgressReported::default()
        };
        (day, Body::ProgressReported(reported))
    });
    reported.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_morning_tells_what_is_new_missing_due_and_better_and_a_red_province_does_not_wait() {
    let Some(python) = python().await else { return };
    let world = World::start().await;
    let mut server = Server::start(&python, 0).await;
    let toml = contacts(server.port, OFFICES);
    let clock = clock("2023-06-20T05:00:00Z");
    let at = ("2023-06-20", &clock);
    let alerting = deliverer(&world, at, settings(&world, &toml, pace())).await;
    until_recorded(&alerting, |now| now.head == 3).await;
    let mut events: Vec<_> = founding().into_iter().take(3).collect();
    for code in ["269", "271"] {
        let registered = v1::LocalityRegistered {
            locality: place(code),
            level: v1::Level::District as i32,
            name: name(&format!("Huyện số {code}")),
            parent: place("01"),
            start_known: false,
            source: source(),
        };
        events.push(("2023-04-10", Body::LocalityRegistered(registered)));
    }
    // Hà Đông lags, one district never reported, one is about to be done on the 25th.
    events.extend([
        quota("268", "2023-06-30"),
        quota("269", "2023-06-30"),
        quota("271", "2023-06-25"),
    ]);
    events.extend(reports("268", 180_000, 5_000));
    events.extend(reports("271", 215_000, 10_000));
    let position = world.record(events).await;
    let open = cases(&alerting, position).await;
    assert_eq!(open.len(), 2, "{open:#?}");

    set(&clock, "2023-06-20T23:59:00Z");
    set(&clock, "2023-06-21T00:00:00Z");
    let digests = server.mails(2).await;
    let subject = text(&digests[1], "subject");
    assert_eq!(
        subject,
        "Tiến độ Đề án 06 ngày 21/6/2023: 1 phát sinh chậm, 1 chưa có báo cáo, 1 sắp đến hạn (7 ngày)"
    );
    for part in [
        "PHÁT SINH CHẬM / NEW (1)",
        "Quận Hà Đông",
        "CHƯA CÓ BÁO CÁO",
        "Huyện số 269",
        "Huyện số 271",
    ] {
        assert!(
            text(&digests[1], "text").contains(part),
            "{part}: {}",
            digests[1]
        );
    }
    assert!(
        text(&digests[0], "subject").ends_with(": 1 new"),
        "{}",
        digests[0]["subject"]
    );
    until_recorded(&alerting, |now| now.sinks[0].delivered == 2).await;

    // Faster, and still too slow: told as better, against what was told last.
    let position = world.record(vec![("2023-06-20", report(208_000))]).await;
    assert_eq!(cases(&alerting, position).await.len(), 2);
    set(&clock, "2023-06-22T00:00:00Z");
    let digests = server.mails(2).await;
    assert!(
        text(&digests[0], "subject").ends_with(": 1 better"),
        "{}",
        digests[0]["subject"]
    );
    assert!(
        text(&digests[0], "text").contains("[lần trước "),
        "{}",
        digests[0]
    );

    // The province turns red: whoever hears of it is told at once.
    let mut events = vec![quota("01", "2023-06-30")];
    events.extend(reports("01", 180_000, 5_000));
    world.record(events).await;
    let urgent = server.mail().await;
    assert_eq!(to(&urgent), "ha-noi@example.vn");
    assert!(text(&urgent, "subject").starts_with("KHẨN: "), "{urgent}");
    assert!(
        text(&urgent, "text").contains("Thành phố Hà Nội"),
        "{urgent}"
    );
    until_recorded(&alerting, |now| now.sinks[0].delivered == 5).await;
    alerting.stop().await;
    assert_eq!(server.stop().await, 0);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_recipient_becomes_a_dead_letter_and_a_rebuild_tells_nothing_again() {
    let Some(python) = python().await else { return };
    let world = World::start().await;
    let mut server = Server::start(&python, 0).await;
    let offices = "[[contact]]\nplace = \"268\"\nname = \"UBND\"\nmail = \"refused@example.vn\"\n";
    let toml = contacts(server.port, &format!("{OFFICES}{offices}"));
    let clock = clock("2023-07-05T05:00:00Z");
    let at = ("2023-07-05", &clock);
    let alerting = deliverer(&world, at, settings(&world, &toml, pace())).await;
    until_recorded(&alerting, |now| now.head == 4).await;
    let position = world.record(founding()).await;
    assert_eq!(server.mails(2).await.len(), 2, "the others do not wait");
    let dead = until_recorded(&alerting, |now| now.total_dead_letters == 1).await;
    let letter = &dead.dead_letters[0];
    assert_eq!(
        (letter.sink.as_str(), letter.recipient.as_str()),
        ("mail", "ubnd")
    );
    assert_eq!(
        (letter.attempts, letter.last_error.as_str()),
        (6, "SMTP 550")
    );
    let before = cases(&alerting, position).await;
    alerting.stop().await;

    // Who is not written to any more gets nothing once more either, and nobody is told that it does.
    let without = settings(&world, &contacts(server.port, OFFICES), pace());
    let alerting = deliverer(&world, at, without).await;
    let mut client = AlertingServiceClient::new(alerting.channel().await);
    let retry = v1::RetryDeliveriesRequest::default();
    let answer = client.retry_deliveries(retry).await.unwrap().into_inner();
    assert_eq!(answer.retried, 0);
    assert_eq!(deliveries(&alerting).await.total_dead_letters, 1);
    alerting.stop().await;

    // Rebuilt at noon: nothing is mailed on that day, and the next morning's digest says how it stands.
    std::fs::remove_dir_all(world.alerts()).unwrap();
    let alerting = deliverer(&world, at, settings(&world, &toml, pace())).await;
    let begun = until_recorded(&alerting, |now| now.head == 6).await;
    assert_eq!((begun.sinks[0].delivered, begun.total_dead_letters), (0, 0));
    assert_eq!(cases(&alerting, position).await.len(), before.len());
    set(&clock, "2023-07-06T00:00:00Z");
    let digests = server.mails(2).await;
    assert!(
        text(&digests[1], "text").contains("TIẾP TỤC CHẬM TIẾN ĐỘ / STILL LAGGING (1)"),
        "{}",
        digests[1]
    );
    assert!(text(&digests[1], "id").contains("digest.2023-07-06"));
    until_recorded(&alerting, |now| now.total_dead_letters == 1).await;
    alerting.stop().await;
    assert_eq!(server.stop().await, 0);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recipient_at_whom_the_server_hangs_up_or_puts_off_keeps_nobody_waiting() {
    let Some(python) = python().await else { return };
    let world = World::start().await;
    let mut server = Server::start(&python, 0).await;
    let offices = |first: &str, number: u32| {
        format!(
            "[[contact]]\nplace = \"268\"\nname = \"UBND {number}\"\nmail = \"{first}@example.vn\"\n"
        )
    };
    // Who is hung up on stands before everybody else.
    let offices = format!("{}{}{OFFICES}", offices("dropped", 1), offices("later", 2));
    let toml = contacts(server.port, &offices);
    let clock = clock("2023-07-05T05:00:00Z");
    let at = ("2023-07-05", &clock);
    let alerting = deliverer(&world, at, settings(&world, &toml, pace())).await;
    until_recorded(&alerting, |now| now.head == 5).await;
    world.record(founding()).await;
    let mails = server.mails(3).await;
    let told: Vec<&str> = mails.iter().map(to).collect();
    let expected = [
        "ha-dong@example.vn",
        "ha-noi@example.vn",
        "later@example.vn",
    ];
    assert_eq!(told, expected);
    // Tried again and again: nothing says that it is not the server.
    let now = until_recorded(&alerting, |now| {
        now.sinks[0].delivered == 3 && now.sinks[0].failed > 8
    })
    .await;
    assert_eq!(now.total_dead_letters, 0, "{now:#?}");
    alerting.stop().await;
    assert_eq!(server.stop().await, 0);
    world.stop().await;
}

/// An office of Hà Đông for which the server answers once it is told to.
const HELD: &str = "[[contact]]\nplace = \"268\"\nname = \"UBND 1\"\nmail = \"held@example.vn\"\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_never_says_whether_it_took_a_mail_does_not_get_it_all_day() {
    let Some(python) = python().await else { return };
    let world = World::start().await;
    let mut server = Server::start(&python, 0).await;
    let toml = contacts(server.port, HELD);
    let clock = clock("2023-07-05T05:00:00Z");
    let hasty = Pace {
        taking: Duration::from_secs(2),
        attempts: 2,
        ..pace()
    };
    let at = ("2023-07-05", &clock);
    let alerting = deliverer(&world, at, settings(&world, &toml, hasty)).await;
    until_recorded(&alerting, |now| now.head == 1).await;
    world.record(founding()).await;
    assert_eq!(server.mails(2).await.len(), 2);
    let now = until_recorded(&alerting, |now| now.total_dead_letters == 1).await;
    let dead = &now.dead_letters[0];
    assert_eq!(
        (dead.attempts, dead.last_error.as_str()),
        (2, "the mail server did not answer in time")
    );
    assert_eq!(now.sinks[0].delivered, 0);
    alerting.stop().await;
    assert_eq!(server.stop().await, 0);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn offices_whose_mail_hangs_keep_no_other_from_theirs() {
    let Some(python) = python().await else { return };
    let world = World::start().await;
    let mut server = Server::start(&python, 0).await;
    let office = |mail: &str| HELD.replace("held@", mail).replace("UBND 1", mail);
    let offices = ["held-1@", "held-2@", "good@"].map(office);
    let toml = contacts(server.port, &offices.concat());
    let clock = clock("2023-07-05T05:00:00Z");
    let short = Pace {
        pass: Duration::ZERO,
        taking: Duration::from_secs(1),
        attempts: u32::MAX,
        ..pace()
    };
    let at = ("2023-07-05", &clock);
    let alerting = deliverer(&world, at, settings(&world, &toml, short)).await;
    until_recorded(&alerting, |now| now.head == 3).await;
    world.record(founding()).await;
    // Each waits for its second time until everybody had a first.
    let firsts = server.mails(3).await;
    assert!(
        firsts.iter().any(|mail| to(mail) == "good@example.vn"),
        "{firsts:#?}"
    );
    until_recorded(&alerting, |now| now.sinks[0].delivered == 1).await;
    alerting.stop().await;
    assert_eq!(server.stop().await, 0);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_wait_goes_before_the_rest_of_the_digests() {
    let Some(python) = python().await else { return };
    let world = World::start().await;
    let mut server = Server::start(&python, 0).await;
    // The first is held; the second would be next.
    let toml = contacts(server.port, &format!("{HELD}{OFFICES}"));
    let clock = clock("2023-07-05T05:00:00Z");
    let short = Pace {
        pass: Duration::ZERO,
        taking: 4 * PATIENCE,
        ..pace()
    };
    let at = ("2023-07-05", &clock);
    let alerting = deliverer(&world, at, settings(&world, &toml, short)).await;
    until_recorded(&alerting, |now| now.head == 4).await;
    world.record(founding()).await;
    server.answer().await;
    assert_eq!(server.mails(3).await.len(), 3);
    until_recorded(&alerting, |now| now.sinks[0].delivered == 3).await;

    set(&clock, "2023-07-06T00:30:00Z");
    let first = server.mail().await;
    assert_eq!(to(&first), "held@example.vn");
    assert!(text(&first, "id").contains("digest"), "{first}");
    let position = world.record(khanh_hoa()).await;
    assert_eq!(cases(&alerting, position).await.len(), 2);
    server.answer().await;
    let second = server.mail().await;
    assert_eq!(to(&second), "khanh-hoa@example.vn");
    assert!(text(&second, "subject").starts_with("KHẨN: "), "{second}");
    for mail in server.mails(2).await {
        assert!(text(&mail, "id").contains("digest.2023-07-06"), "{mail}");
    }
    until_recorded(&alerting, |now| now.sinks[0].delivered == 7).await;
    alerting.stop().await;
    assert_eq!(server.stop().await, 0);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_digest_that_midnight_overtakes_is_yesterdays() {
    let Some(python) = python().await else { return };
    let world = World::start().await;
    let mut server = Server::start(&python, 0).await;
    let toml = contacts(server.port, HELD);
    let clock = clock("2023-07-05T05:00:00Z");
    let patient = Pace {
        taking: 4 * PATIENCE,
        ..pace()
    };
    let at = ("2023-07-05", &clock);
    let settings = || settings(&world, &toml, patient.clone());
    let alerting = deliverer(&world, at, settings()).await;
    until_recorded(&alerting, |now| now.head == 1).await;
    world.record(founding()).await;
    server.answer().await;
    server.mail().await;
    until_recorded(&alerting, |now| now.sinks[0].delivered == 1).await;
    // Half a minute before midnight in Vietnam, and half a minute after.
    set(&clock, "2023-07-06T16:59:30Z");
    assert!(text(&server.mail().await, "id").contains("digest.2023-07-06"));
    set(&clock, "2023-07-06T17:00:30Z");
    server.answer().await;
    until_recorded(&alerting, |now| now.sinks[0].delivered == 2).await;
    alerting.stop().await;
    // Started anew before the morning: the next day has a digest of its own.
    let alerting = deliverer(&world, at, settings()).await;
    let position = world.record(vec![("2023-07-04", report(256_453))]).await;
    // Judged, so that the morning finds it.
    cases(&alerting, position).await;
    set(&clock, "2023-07-07T00:30:00Z");
    server.answer().await;
    assert!(text(&server.mail().await, "id").contains("digest.2023-07-07"));
    until_recorded(&alerting, |now| now.sinks[0].delivered == 1).await;
    alerting.stop().await;
    assert_eq!(server.stop().await, 0);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_further_step_of_an_old_case_waits_for_the_morning() {
    let Some(python) = python().await else { return };
    let world = World::start().await;
    let mut server = Server::start(&python, 0).await;
    // Told by nobody for a week.
    let alerting = world.alerting("2023-07-05").await;
    let position = world.record(founding()).await;
    assert_eq!(cases(&alerting, position).await.len(), 1);
    alerting.stop().await;
    let toml = contacts(server.port, OFFICES);
    let clock = clock("2023-07-05T05:00:00Z");
    let at = ("2023-07-05", &clock);
    let alerting = deliverer(&world, at, settings(&world, &toml, pace())).await;
    until_recorded(&alerting, |now| now.head == 2 + 3).await;
    alerting.stop().await;
    // The second step is taken right after midnight.
    set(&clock, "2023-07-12T17:00:05Z");
    let at = ("2023-07-13", &clock);
    let alerting = deliverer(&world, at, settings(&world, &toml, pace())).await;
    until_recorded(&alerting, |now| now.head > 5).await;
    set(&clock, "2023-07-13T00:30:00Z");
    for mail in server.mails(2).await {
        assert!(text(&mail, "id").contains("digest.2023-07-13"), "{mail}");
        assert!(text(&mail, "text").contains("MOVED UP A STEP"), "{mail}");
    }
    alerting.stop().await;
    assert_eq!(server.stop().await, 0, "and nothing at once");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silenced_case_is_in_no_mail_until_the_silence_ends() {
    let Some(python) = python().await else { return };
    let world = World::start().await;
    let mut server = Server::start(&python, 0).await;
    let toml = contacts(server.port, OFFICES);
    let clock = clock("2023-07-05T05:00:00Z");
    let at = ("2023-07-05", &clock);
    let alerting = deliverer(&world, at, settings(&world, &toml, pace())).await;
    until_recorded(&alerting, |now| now.head == 3).await;
    world.record(founding()).await;
    world.record(khanh_hoa()).await;
    assert_eq!(server.mails(3).await.len(), 3);
    until_recorded(&alerting, |now| now.sinks[0].delivered == 3).await;

    let mut client = AlertingServiceClient::new(alerting.channel().await);
    let author = office("Tổ công tác");
    let paused = v1::SetSilenceRequest {
        places: vec![v1::SilencedPlace {
            locality: Some(v1::LocalityRef {
                code: "01".to_owned(),
                since: String::new(),
            }),
            below: true,
        }],
        author: author.clone(),
        reason: "hệ thống bảo trì".to_owned(),
        until: "2023-07-31".to_owned(),
        ..v1::SetSilenceRequest::default()
    };
    let silence = client.set_silence(paused).await.unwrap().into_inner();
    let silence = silence.silence.unwrap().set.unwrap();
    // Told once, so all would be told again on the next morning, in the order of the contacts: who is not silenced comes last.
    set(&clock, "2023-07-06T00:30:00Z");
    assert_eq!(to(&server.mail().await), "khanh-hoa@example.vn");
    until_recorded(&alerting, |now| now.sinks[0].delivered == 4).await;
    let end = v1::EndSilenceRequest {
        silence_id: silence.silence_id,
        author,
        ..v1::EndSilenceRequest::default()
    };
    client.end_silence(end).await.unwrap();
    set(&clock, "2023-07-07T00:30:00Z");
    for mail in server.mails(2).await {
        assert!(text(&mail, "id").contains("2023-07-07"), "{mail}");
        assert!(text(&mail, "text").contains("TIẾP TỤC CHẬM"), "{mail}");
    }
    alerting.stop().await;
    assert_eq!(server.stop().await, 0);
    world.stop().await;
}

/// Communes of the scale story.
const COMMUNES: u32 = 10_000;
/// Districts that they belong to; few siblings each, so that a test need not judge for a minute.
const DISTRICTS: std::ops::Range<u32> = 300..1_000;
/// Events of one request: whole communes, for what one request brings is judged together.
const REQUEST: usize = 3_000;

fn districts() -> Vec<(&'static str, Body)> {
    let district = |code: u32| {
        let district = Body::LocalityRegistered(v1::LocalityRegistered {
            locality: place(&code.to_string()),
            level: v1::Level::District as i32,
            name: name(&format!("Huyện số {code}")),
            parent: place("01"),
            start_known: false,
            source: source(),
        });
        ("2023-04-10", district)
    };
    DISTRICTS.map(district).collect()
}

/// Communes that were asked for 95 % by 30 November 2024 and reached a third.
fn communes() -> Vec<(&'static str, Body)> {
    let locality = |code: u32| {
        Some(v1::LocalityRef {
            code: format!("{code:05}"),
            since: "2024-01-01".to_owned(),
        })
    };
    let mut events = Vec::new();
    let districts = DISTRICTS.end - DISTRICTS.start;
    for code in 10_000..10_000 + COMMUNES {
        events.push((
            "2024-01-01",
            Body::LocalityRegistered(v1::LocalityRegistered {
                locality: locality(code),
                level: v1::Level::Commune as i32,
                name: name(&format!("Xã số {code}")),
                parent: place(&(DISTRICTS.start + code % districts).to_string()),
                start_known: true,
                source: source(),
            }),
        ));
        events.push((
            "2024-01-02",
            Body::QuotaAssigned(v1::QuotaAssigned {
                locality: locality(code),
                indicator: "eid.activated".to_owned(),
                layer: v1::QuotaLayer::Central as i32,
                denominator: Some(v1::Denominator {
                    kind: "quota".to_owned(),
                    value: count(9_000),
                    derived: false,
                }),
                target_percent: "95".to_owned(),
                deadline: "2024-11-30".to_owned(),
                document: Some(v1::Document {
                    issuer: "Bộ Công an".to_owned(),
                    ..v1::Document::default()
                }),
                ..v1::QuotaAssigned::default()
            }),
        ));
        events.push((
            "2024-11-30",
            Body::ProgressReported(v1::ProgressReported {
                locality: locality(code),
                indicator: "eid.activated".to_owned(),
                value: count(3_000 + i64::from(code % 100)),
                source: source(),
                ..v1::ProgressReported::default()
            }),
        ));
    }
    events
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_communes_that_turn_red_at_once_are_one_mail_for_each_recipient() {
    let Some(python) = python().await else { return };
    let world = World::start().await;
    let mut server = Server::start(&python, 0).await;
    let toml = contacts(server.port, OFFICES);
    let clock = clock("2024-12-01T05:00:00Z");
    let at = ("2024-12-01", &clock);
    let slow = Pace {
        gather: Duration::from_secs(3),
        ..pace()
    };
    let alerting = deliverer(&world, at, settings(&world, &toml, slow.clone())).await;
    until_recorded(&alerting, |now| now.head == 3).await;
    alerting.stop().await;
    let founding: Vec<_> = founding().into_iter().take(3).collect();
    world.record(founding).await;
    world.record(districts()).await;
    let mut communes = communes();
    while !communes.is_empty() {
        let rest = communes.split_off(communes.len().min(REQUEST));
        world.record(communes).await;
        communes = rest;
    }
    // All of it was opened while alerting was down, so all of it comes at once.
    let alerting = deliverer(&world, at, settings(&world, &toml, slow.clone())).await;
    let urgent = server.mail().await;
    assert_eq!(to(&urgent), "ha-noi@example.vn");
    assert!(
        text(&urgent, "subject").contains("10.000 phát sinh chậm"),
        "{}",
        urgent["subject"]
    );
    assert!(text(&urgent, "text").contains("… và 9.950 trường hợp nữa"));
    until_recorded(&alerting, |now| now.sinks[0].delivered == 1).await;

    // The next morning: one digest, of which everything was told before.
    set(&clock, "2024-12-02T00:10:00Z");
    let digest = server.mail().await;
    assert!(
        text(&digest, "id").contains("digest.2024-12-02"),
        "{}",
        digest["id"]
    );
    assert!(
        text(&digest, "subject").ends_with(": 10.000 tiếp tục chậm tiến độ"),
        "{}",
        digest["subject"]
    );
    assert!(text(&digest, "text").len() < 100_000 && text(&digest, "html").len() < 100_000);
    // 10,000 cases and reminders, 3 beginnings, 7 entries for each mail, and where the two stand who had nothing to hear.
    let end = 20_000 + 3 + 2 * 7 + 2;
    let now = until_recorded(&alerting, |now| now.head == end).await;
    assert!(now.sinks[0].through >= 20_000, "{now:#?}");
    alerting.stop().await;
    assert_eq!(server.stop().await, 0, "one mail, and one digest");
    world.stop().await;
}
