//! Who may run one and when it ends, and what is found in a ledger of many days.

use std::sync::RwLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use domain::event::{self as e, Actor, Body};
use domain::text::{Bound, Moment, Quantity};
use host::SystemClock;
use jiff::civil::date;
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_stream::StreamExt as _;

use super::*;
use crate::case::Change;
use crate::facts::{name, place};

const EID: &str = "eid.activated";

/// No condition takes longer than this.
const PATIENCE: Duration = Duration::from_secs(20);

/// A judge who has folded one event, and a ledger that never says anything.
struct Bench {
    _ledger: TcpListener,
    newest: Arc<Standing>,
    backtests: Backtests,
    shutdown: CancellationToken,
}

/// A judge who folds nothing any more, unless a test does it; the flag says whether the ledger was read to its head.
struct Standing(RwLock<Judge>, AtomicBool);

impl Newest for Standing {
    fn judge(&self) -> RwLockReadGuard<'_, Judge> {
        self.0.read().unwrap()
    }

    fn is_live(&self) -> bool {
        self.1.load(Ordering::Acquire)
    }
}

fn standing(judge: Judge) -> Arc<Standing> {
    Arc::new(Standing(RwLock::new(judge), AtomicBool::new(true)))
}

impl Bench {
    async fn new() -> Self {
        let mut judge = Judge::new(Rules::standard(), Today::Real);
        let at: Timestamp = "2023-06-07T03:00:00Z".parse().unwrap();
        judge
            .fold(1, at, &event("2023-04-10", indicator()))
            .unwrap();
        judge.settle();
        let newest = standing(judge);
        let ledger = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = format!("http://{}", ledger.local_addr().unwrap());
        let shutdown = CancellationToken::new();
        let backtests = Backtests::new(
            (LogReader::new(&address).unwrap(), Rules::standard()),
            (Arc::new(SystemClock), Today::Real),
            4 * 1024 * 1024,
            shutdown.clone(),
        );
        Self {
            _ledger: ledger,
            newest,
            backtests,
            shutdown,
        }
    }

    fn begin(&self, request: &v1::RunBacktestRequest) -> Result<Answers, Status> {
        self.backtests.begin(self.newest.clone(), request)
    }
}

pub(super) fn event(effective: &str, body: Body) -> Event {
    Event {
        request_id: uuid::Uuid::nil(),
        actor: Actor {
            organisation: "Công an".to_owned(),
            office: "Tổ".to_owned(),
        },
        effective: Moment::parse(effective).unwrap(),
        body,
        confirmed: Vec::new(),
        findings: Vec::new(),
        traceparent: None,
    }
}

pub(super) fn indicator() -> Body {
    Body::IndicatorDefined(e::IndicatorDefined {
        indicator: EID.parse().unwrap(),
        name: name("Kích hoạt"),
        family: "eid".to_owned(),
        kind: e::IndicatorKind::Cumulative,
        unit: name("tài khoản"),
        denominator: "quota".to_owned(),
    })
}

fn registered(code: &str, vi: &str, parent: Option<&str>) -> Body {
    Body::LocalityRegistered(e::LocalityRegistered {
        locality: place(code),
        name: name(vi),
        parent: parent.map(place),
        start_known: false,
        source: e::Source::default(),
    })
}

/// 90 % of 1,000 by the end of 30 July.
fn quota(code: &str) -> Body {
    Body::QuotaAssigned(e::QuotaAssigned {
        locality: place(code),
        indicator: EID.parse().unwrap(),
        layer: e::QuotaLayer::Central,
        denominator: e::Denominator {
            kind: "quota".to_owned(),
            value: 1_000,
            derived: false,
        },
        target: domain::text::parse_percent("90").unwrap(),
        start: None,
        deadline: Some(date(2023, 7, 30)),
        milestones: Vec::new(),
        document: e::Document::default(),
    })
}

fn report(code: &str, value: u64) -> Body {
    Body::ProgressReported(e::ProgressReported {
        locality: place(code),
        indicator: EID.parse().unwrap(),
        figure: e::Figure {
            value: Some(Quantity {
                value,
                bound: Bound::Exact,
            }),
            ..e::Figure::default()
        },
        note: String::new(),
    })
}

/// A ledger: what it took, and when.
type Ledger = Vec<(Timestamp, Event)>;

/// Hà Nội with a place that crawls and one that hurries, and their reports of every Monday from 1 May to 7 August; `slow` and `fast` are the counts.
fn ledger(slow: &[u64], fast: &[u64]) -> Ledger {
    let first: Timestamp = "2023-05-01T01:00:00Z".parse().unwrap();
    let mut events: Ledger = [
        registered("01", "Thành phố Hà Nội", None),
        registered("268", "Quận Hà Đông", Some("01")),
        registered("004", "Quận Long Biên", Some("01")),
        indicator(),
        quota("268"),
        quota("004"),
    ]
    .into_iter()
    .map(|body| {
        // Asked for the day before, so that nobody is waited for yet.
        let effective = match body {
            Body::QuotaAssigned(_) => "2023-04-30",
            _ => "2023-04-10",
        };
        (first, event(effective, body))
    })
    .collect();
    for (week, (slow, fast)) in (0..).zip(slow.iter().zip(fast)) {
        let known = first + jiff::SignedDuration::from_hours(24 * 7 * week + 1);
        let day = domain::text::date::date_in_vietnam(known).to_string();
        events.push((known, event(&day, report("268", *slow))));
        let known = known + jiff::SignedDuration::from_secs(1);
        events.push((known, event(&day, report("004", *fast))));
    }
    events
}

/// A tenth of those left each week, and a half.
fn usual() -> (Vec<u64>, Vec<u64>) {
    let crawl = (0..15).map(|week| 100 + 10 * week).collect();
    let hurry = (0..15).map(|week| 1_000 - (400 >> week)).collect();
    (crawl, hurry)
}

/// A judge who has read all of it, and the changes on its way.
fn judged(ledger: &Ledger) -> (Judge, Vec<Change>) {
    let mut judge = Judge::new(Rules::standard(), Today::Real);
    for (position, (known, event)) in (1..).zip(ledger) {
        judge.fold(position, *known, event).unwrap();
        judge.settle();
    }
    judge.pass_days(date(2023, 8, 10));
    judge.settle();
    let changes = judge.take_changes();
    (judge, changes)
}

/// What is found in a stretch of it.
fn found(ledger: &Ledger, rules: Rules, ends: (&str, &str), codes: &[&str]) -> v1::BacktestRun {
    tried(ledger, Judge::new(rules, Today::Real), ends, codes)
}

/// The same by any judge who has read nothing.
fn tried(ledger: &Ledger, by: Judge, (from, to): (&str, &str), codes: &[&str]) -> v1::BacktestRun {
    let (judge, _) = judged(ledger);
    let now = "2023-08-10T09:00:00Z".parse().unwrap();
    let wanted = Wanted::read(from, to).unwrap();
    let stretch = wanted.stretch(&judge, Today::Real, now).unwrap();
    let newest = standing(judge);
    let scope = Scope {
        indicator: None,
        codes: codes.iter().map(|code| code.parse().unwrap()).collect(),
    };
    let sought = Sought::new(&*newest, &scope);
    let mut asked = Asked::default();
    let mut trial = Trial::new(by, &sought);
    let upto = usize::try_from(stretch.to).unwrap();
    for (position, (known, event)) in (1..).zip(&ledger[..upto]) {
        trial
            .fold(&stretch, &asked, (position, *known, event))
            .unwrap();
        asked.note(*known, event, &stretch, &sought);
    }
    trial.end(&stretch, &asked);
    let outcomes = Outcomes::read(&asked, &sought, || Ok(())).ok().unwrap();
    assert_eq!(asked.looks_left_out(), 0);
    report::run(&trial, &outcomes, &stretch)
}

/// Cases as `code concern opened–cleared`.
fn told(run: &v1::BacktestRun) -> Vec<String> {
    let cases = run.cases.iter().map(|case| {
        let key = crate::CaseKey::parse(&case.case_id).unwrap();
        let (opened, cleared) = (&case.opened, &case.cleared);
        format!(
            "{} {} {opened}–{cleared}",
            key.locality.code,
            key.concern.code()
        )
    });
    cases.collect()
}

#[test]
fn what_opened_is_held_against_what_came_at_the_deadline() {
    let (slow, fast) = usual();
    let ledger = ledger(&slow, &fast);
    let run = found(&ledger, Rules::standard(), ("", ""), &[]);
    // Without a plan it is compared while it is EARLY. Three reports over 14 days end that on 15 May; that one and the next are the two red ones.
    assert_eq!(
        told(&run),
        [
            "268 BELOW_AVERAGE 2023-05-01–2023-05-15",
            "268 LAGGING 2023-05-22–",
            "268 OVERDUE 2023-07-31–"
        ]
    );
    let all = &run.scores[0];
    assert_eq!((all.places, all.missed, all.opened), (2, 1, 1));
    assert_eq!(
        (all.precision, all.recall, all.f1),
        (Some(1.0), Some(1.0), Some(1.0))
    );
    assert_eq!(
        (all.flapping_places, all.notices, all.open_at_deadline),
        (0, 1, 1)
    );
    // From 22 May to 30 July.
    assert_eq!(all.warned_days_median, Some(69.0));
    let lagging = run.cases.iter().map(|case| case.missed);
    assert_eq!(lagging.collect::<Vec<_>>(), [None, Some(true), None]);
    let aim = &run.scores[1];
    assert_eq!(
        (aim.indicator.as_str(), aim.deadline.as_str()),
        (EID, "2023-07-30")
    );
    assert_eq!((aim.target_percent.as_str(), run.score_count), ("90.00", 2));
    // On 2 July the slow one is foreseen to miss; the fast one is done.
    let row = run
        .forecasts
        .iter()
        .find(|row| row.days_before == 28)
        .unwrap();
    assert_eq!((row.foretold, row.forecasts, row.f1), (2, 1, Some(1.0)));
    // 26 June: 180, of which 20 in 14 days. The straight line from 220 on 24 July to 230 on the 31st is 228.57 on the 30th.
    assert!(row.error_points.unwrap() < 2.0, "{row:?}");
    assert_eq!(
        (row.bands, row.coverage),
        (0, None),
        "the judge has no residuals here"
    );
    let notices: Vec<_> = run
        .notices
        .iter()
        .map(|n| (n.recipient.as_str(), n.week.as_str(), n.opened))
        .collect();
    let head = "Thủ trưởng đơn vị: Chủ tịch UBND quận Hà Đông";
    let weeks = ["2023-05-01", "2023-05-15", "2023-05-22", "2023-07-31"];
    assert_eq!(
        notices,
        [1, 0, 1, 1]
            .iter()
            .zip(weeks)
            .map(|(opened, week)| (head, week, *opened))
            .collect::<Vec<_>>()
    );
}

#[test]
fn a_backtest_finds_what_the_service_found() {
    let (slow, mut fast) = usual();
    // Done, undone by a correction of a lower count, and done again; and a gap at the end.
    fast[9] = 700;
    let ledger = ledger(&slow, &fast);
    let (_, changes) = judged(&ledger);
    let run = found(&ledger, Rules::standard(), ("", ""), &[]);
    let opened = |change: &&Change| change.transition == lag::Transition::Opened;
    let mut lived: Vec<_> = changes
        .iter()
        .filter(opened)
        .map(|c| {
            (
                c.key.to_string(),
                c.verdict.judged_for.clone(),
                c.verdict.position,
            )
        })
        .collect();
    lived.sort();
    let mut tried: Vec<_> = run
        .cases
        .iter()
        .map(|c| (c.case_id.clone(), c.opened.clone(), c.opened_position))
        .collect();
    tried.sort();
    assert_eq!(tried, lived);
    let closed = changes.len() - lived.len();
    let cleared = run.cases.iter().filter(|case| !case.cleared.is_empty());
    assert_eq!(cleared.count(), closed);
    assert!(run.cases.len() >= 2);
}

#[test]
fn other_rules_open_other_cases() {
    let (slow, fast) = usual();
    let ledger = ledger(&slow, &fast);
    let patient = Rules {
        version: "patient-1".to_owned(),
        consecutive: 6,
        ..Rules::standard()
    };
    let run = found(&ledger, patient, ("", ""), &[]);
    // Four more reports are waited for.
    assert_eq!(told(&run)[1], "268 LAGGING 2023-06-19–");
    assert_eq!(run.rules_version, "patient-1");
    assert!(run.rules.contains(r#""consecutive":6"#), "{}", run.rules);
    assert_eq!(run.scores[0].warned_days_median, Some(41.0));
}

#[test]
fn a_stretch_tells_what_happened_within_it_alone() {
    let (slow, fast) = usual();
    let ledger = ledger(&slow, &fast);
    let run = found(&ledger, Rules::standard(), ("1/7/2023", "31/7/2023"), &[]);
    // The case of May was open when it began; the one of the deadline opened within it.
    assert_eq!(told(&run), ["268 OVERDUE 2023-07-31–"]);
    assert_eq!((run.open_before, run.case_count), (1, 1));
    let all = &run.scores[0];
    assert_eq!((all.opened, all.notices, all.recall), (1, 0, Some(1.0)));
    // It was known of from the first day of the stretch on.
    assert_eq!(all.warned_days_median, Some(29.0));
    // Up to the eve of the deadline nothing is held against it.
    let before = found(&ledger, Rules::standard(), ("", "29/7/2023"), &[]);
    assert!(before.scores.is_empty());
    assert_eq!(told(&before)[1..], ["268 LAGGING 2023-05-22–"]);
    // By place, and by what it lies in.
    let of = |codes: &[&str]| found(&ledger, Rules::standard(), ("", ""), codes);
    assert_eq!(told(&of(&["01"])).len(), 3);
    let fast = of(&["004"]);
    assert!(fast.cases.is_empty() && fast.notices.is_empty());
    assert_eq!((fast.scores[0].places, fast.scores[0].missed), (1, 0));
}

#[test]
fn what_came_after_a_day_changes_nothing_before_it() {
    let (slow, fast) = usual();
    let whole = ledger(&slow, &fast);
    // Everything after 19 June is otherwise: whoever crawled hurries, and the other way round.
    let mut turned = (slow.clone(), fast.clone());
    for week in 8..15 {
        turned.0[week] = 900 + week as u64;
        turned.1[week] = 10;
    }
    let other = ledger(&turned.0, &turned.1);
    let of = |ledger: &Ledger, to: &str| found(ledger, Rules::standard(), ("", to), &[]);
    let (one, two) = (of(&whole, "25/6/2023"), of(&other, "25/6/2023"));
    assert_eq!((&one.cases, &one.notices), (&two.cases, &two.notices));
    assert_eq!(one.case_count, 2);
    // In the whole of it what was opened by then was opened the same.
    let early = |run: v1::BacktestRun| {
        let by_then = |case: &v1::BacktestCase| case.opened.as_str() <= "2023-06-25";
        let cases = run.cases.into_iter().filter(by_then);
        let opened = cases.map(|case| (case.case_id, case.opened, case.opened_position));
        opened.collect::<Vec<_>>()
    };
    let (later, turned) = (early(of(&whole, "")), early(of(&other, "")));
    assert_eq!(later, turned);
    assert_eq!(later, early(one));
}

/// Adds rules adopted on 5 June that judge this.
fn adopt(ledger: &mut Ledger, judged: e::Judged) {
    let rules = e::RulesAdopted {
        version: "narrow-1".parse().unwrap(),
        thresholds: crate::history::rules("shipped").thresholds,
        judged,
        steps: crate::shipped_steps(),
        reason: "thử".to_owned(),
    };
    let at = "2023-06-05T05:00:00Z".parse().unwrap();
    let index = ledger.partition_point(|(known, _)| *known <= at);
    ledger.insert(index, (at, event("2023-06-05", Body::RulesAdopted(rules))));
}

#[test]
fn rules_that_are_tried_judge_what_they_say_or_else_what_is_judged_in_force() {
    let (slow, fast) = usual();
    let mut ledger = ledger(&slow, &fast);
    let commitment = e::Judged {
        layers: vec![e::QuotaLayer::Commitment],
        ..e::Judged::default()
    };
    adopt(&mut ledger, commitment);
    let of = |judged: Option<e::Judged>| {
        let by = Judge::trying(Rules::standard(), judged, Today::Real);
        tried(&ledger, by, ("", ""), &[])
    };
    // From 5 June on nothing is judged against the quota that there is.
    let in_force = found(&ledger, Rules::standard(), ("", ""), &[]);
    let lagging = "268 LAGGING 2023-05-22–2023-06-05".to_owned();
    assert!(told(&in_force).contains(&lagging), "{:?}", told(&in_force));
    let silent = of(None);
    assert_eq!(told(&silent), told(&in_force));
    assert!(
        silent.rules.contains(r#""layers":["commitment"]"#),
        "{}",
        silent.rules
    );
    // Said otherwise, that holds.
    let all = of(Some(e::Judged::default()));
    assert_eq!(
        told(&all)[1..],
        ["268 LAGGING 2023-05-22–", "268 OVERDUE 2023-07-31–"]
    );
    let other = of(Some(e::Judged {
        layers: vec![e::QuotaLayer::Provincial],
        ..e::Judged::default()
    }));
    assert_eq!(told(&other), Vec::<String>::new());
}

/// Everything that is on record of one indicator, of another one too.
fn doubled(ledger: &mut Ledger, other: &IndicatorCode) {
    let with_other = |body: &Body| {
        let mut body = body.clone();
        match &mut body {
            Body::IndicatorDefined(e) => e.indicator = other.clone(),
            Body::QuotaAssigned(e) => e.indicator = other.clone(),
            Body::ProgressReported(e) => e.indicator = other.clone(),
            _ => return None,
        }
        Some(body)
    };
    let doubles: Ledger = ledger
        .iter()
        .filter_map(|(known, of)| {
            let body = with_other(&of.body)?;
            Some((*known, Event { body, ..of.clone() }))
        })
        .collect();
    ledger.extend(doubles);
    ledger.sort_by_key(|(known, _)| *known);
}

#[test]
fn rules_that_are_tried_judge_the_indicators_they_say_or_else_those_judged_in_force() {
    let (slow, fast) = usual();
    let (eid, other): (IndicatorCode, IndicatorCode) =
        (EID.parse().unwrap(), "eid.issued".parse().unwrap());
    let mut ledger = ledger(&slow, &fast);
    doubled(&mut ledger, &other);
    let only = |indicator: &IndicatorCode| e::Judged {
        indicators: vec![indicator.clone()],
        ..e::Judged::default()
    };
    let opened = |run: &v1::BacktestRun| -> Vec<(String, String)> {
        let cases = run.cases.iter();
        let cases = cases.map(|case| (case.case_id.clone(), case.cleared.clone()));
        cases.collect()
    };
    let of = |ledger: &Ledger, judged: Option<e::Judged>| {
        let by = Judge::trying(Rules::standard(), judged, Today::Real);
        opened(&tried(ledger, by, ("", ""), &[]))
    };
    let is_of = |(case, _): &(String, String), indicator: &IndicatorCode| {
        crate::CaseKey::parse(case).unwrap().indicator == *indicator
    };
    assert_eq!(of(&ledger, None).len(), 6, "three of each");
    let said = of(&ledger, Some(only(&eid)));
    assert!(
        said.len() == 3 && said.iter().all(|case| is_of(case, &eid)),
        "{said:?}"
    );
    adopt(&mut ledger, only(&other));
    let in_force = found(&ledger, Rules::standard(), ("", ""), &[]);
    let gone =
        |(case, cleared): &(String, String)| case.ends_with("/lagging") && cleared == "2023-06-05";
    let in_force = opened(&in_force);
    assert!(
        in_force.iter().any(|case| gone(case) && is_of(case, &eid)),
        "{in_force:?}"
    );
    assert_eq!(of(&ledger, None), in_force);
    assert_eq!(of(&ledger, Some(only(&eid))), said);
}

/// What came of the one quota of a ledger in which 268 reports a figure, and what `between` folds while that is read.
fn came(figure: e::Figure, between: impl Fn(&Standing)) -> Option<bool> {
    let (mut ledger, _) = (ledger(&[], &[]), ());
    ledger.truncate(5);
    let at = |day: &str| -> Timestamp { format!("{day}T03:00:00Z").parse().unwrap() };
    let reported = Body::ProgressReported(e::ProgressReported {
        locality: place("268"),
        indicator: EID.parse().unwrap(),
        figure,
        note: String::new(),
    });
    ledger.push((at("2023-07-30"), event("2023-07-30", reported)));
    let (judge, _) = judged(&ledger);
    let stretch = Wanted::read("", "").unwrap();
    let stretch = stretch
        .stretch(&judge, Today::Real, at("2023-08-10"))
        .unwrap();
    let (newest, scope) = (standing(judge), Scope::default());
    let sought = Sought::new(&*newest, &scope);
    let mut asked = Asked::default();
    for (known, event) in &ledger {
        asked.note(*known, event, &stretch, &sought);
    }
    let goes_on = || {
        between(&newest);
        Ok(())
    };
    let outcomes = Outcomes::read(&asked, &sought, goes_on).ok().unwrap();
    assert_eq!((outcomes.of.len(), outcomes.position), (1, 6));
    outcomes.of[&0].missed
}

#[test]
fn a_percentage_that_is_a_bound_is_no_exact_figure() {
    let printed = |percent: &str, percent_bound: Bound| e::Figure {
        percent: Some(domain::text::parse_percent(percent).unwrap()),
        percent_bound,
        ..e::Figure::default()
    };
    let of = |percent, bound| came(printed(percent, bound), |_| ());
    assert_eq!(of("80", Bound::Exact), Some(true));
    assert_eq!(of("80", Bound::AtLeast), None, "it may have been 90");
    assert_eq!(of("91", Bound::AtLeast), Some(false));
    assert_eq!(of("91", Bound::AtMost), None, "it may have been 80");
}

#[test]
fn what_comes_while_outcomes_are_read_is_not_known_to_any_of_them() {
    let counted = |value: u64| e::Figure {
        value: Some(Quantity {
            value,
            bound: Bound::Exact,
        }),
        ..e::Figure::default()
    };
    let known = "2023-08-10T09:00:00Z".parse().unwrap();
    let later = event("2023-07-30", report("268", 950));
    let between = |newest: &Standing| {
        newest.0.write().unwrap().fold(7, known, &later).unwrap();
    };
    assert_eq!(came(counted(800), between), Some(true));
}

#[test]
fn cases_from_before_a_stretch_and_places_not_asked_about_are_not_kept() {
    let (slow, fast) = usual();
    let ledger = ledger(&slow, &fast);
    let (judge, _) = judged(&ledger);
    let now = "2023-08-10T09:00:00Z".parse().unwrap();
    let stretch = Wanted::read("1/7/2023", "31/7/2023").unwrap();
    let stretch = stretch.stretch(&judge, Today::Real, now).unwrap();
    let newest = standing(judge);
    let kept = |codes: &[&str]| {
        let scope = Scope {
            codes: codes.iter().map(|code| code.parse().unwrap()).collect(),
            ..Scope::default()
        };
        let sought = Sought::new(&*newest, &scope);
        let mut asked = Asked::default();
        let mut trial = Trial::new(Judge::new(Rules::standard(), Today::Real), &sought);
        let upto = usize::try_from(stretch.to).unwrap();
        for (position, (known, event)) in (1..).zip(&ledger[..upto]) {
            let event = (position, *known, event);
            trial.fold(&stretch, &asked, event).unwrap();
            asked.note(event.1, event.2, &stretch, &sought);
        }
        trial.end(&stretch, &asked);
        let kept = trial.spells.iter().map(|spell| {
            let day = spell.opened.day.to_string();
            (spell.key.concern, day, spell.sentence.is_some())
        });
        kept.collect::<Vec<_>>()
    };
    // That below average was over on 15 May; that of lagging is open before and after, and only counted.
    let expected = [
        (lag::Concern::Overdue, "2023-07-31".to_owned(), true),
        (lag::Concern::Lagging, "2023-05-22".to_owned(), false),
    ];
    assert_eq!(kept(&[]), expected);
    assert_eq!(kept(&["01"]), expected);
    assert_eq!(kept(&["004"]), []);
}

#[test]
fn a_look_that_is_left_out_is_counted_once() {
    let (judge, _) = judged(&ledger(&[], &[]));
    let now: Timestamp = "2025-12-31T09:00:00Z".parse().unwrap();
    let stretch = Wanted::read("", "").unwrap();
    let stretch = stretch.stretch(&judge, Today::Real, now).unwrap();
    let (newest, scope) = (standing(judge), Scope::default());
    let sought = Sought::new(&*newest, &scope);
    let mut asked = Asked::default();
    let first: Timestamp = "2023-05-01T01:00:00Z".parse().unwrap();
    let deadline = |weeks: i64| date(2023, 7, 30) + jiff::Span::new().weeks(weeks);
    let mut note = |code: &str, weeks: i64| {
        let Body::QuotaAssigned(mut assigned) = quota(code) else {
            panic!("no quota");
        };
        assigned.deadline = Some(deadline(weeks));
        assigned.indicator = format!("eid.x{}", weeks % 8).parse().unwrap();
        let event = event("2023-04-30", Body::QuotaAssigned(assigned));
        asked.note(first, &event, &stretch, &sought);
        asked.looks_left_out()
    };
    // Four looks for each of a hundred deadlines are all that fit; deadlines a week apart have looks of their own by the indicators.
    for weeks in 0..100 {
        assert_eq!(note("268", weeks), 0);
    }
    assert_eq!(note("268", 100), 4);
    // Another place, the same days and indicator.
    assert_eq!(note("004", 100), 4);
    assert_eq!(note("004", 101), 8);
}

#[test]
fn a_quota_recorded_when_its_deadline_had_come_is_not_scored() {
    let (judge, _) = judged(&ledger(&[], &[]));
    let now: Timestamp = "2023-12-31T09:00:00Z".parse().unwrap();
    let stretch = Wanted::read("", "").unwrap();
    let stretch = stretch.stretch(&judge, Today::Real, now).unwrap();
    let (newest, scope) = (standing(judge), Scope::default());
    let sought = Sought::new(&*newest, &scope);
    let is_noted = |day: &str| {
        let mut asked = Asked::default();
        let known = format!("{day}T01:00:00Z").parse().unwrap();
        let quota = event("2023-04-30", quota("268"));
        asked.note(known, &quota, &stretch, &sought);
        let series = outcome::Series {
            locality: place("268"),
            indicator: EID.parse().unwrap(),
            layer: e::QuotaLayer::Central,
        };
        asked.index(&series, date(2023, 7, 30)).is_some()
    };
    let days = ["2023-07-29", "2023-07-30", "2023-07-31"];
    assert_eq!(days.map(is_noted), [true, false, false]);
}

fn reason(refused: Result<Answers, Status>) -> String {
    let Err(status) = refused else {
        panic!("it was begun");
    };
    wire::status::refusal(&status).reason
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_one_is_refused_until_who_asked_for_the_first_leaves() {
    let bench = Bench::new().await;
    let request = v1::RunBacktestRequest::default();
    let first = bench.begin(&request).unwrap();
    assert_eq!(reason(bench.begin(&request)), "BACKTEST_BUSY");
    drop(first);
    // The ledger never answered, so nothing but that ends it.
    let freed = bench.backtests.one.acquire();
    let freed = timeout(PATIENCE, freed).await.unwrap();
    assert!(freed.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_stops_ends_it_by_name() {
    let bench = Bench::new().await;
    let mut answers = bench.begin(&v1::RunBacktestRequest::default()).unwrap();
    bench.shutdown.cancel();
    let last = timeout(PATIENCE, answers.next()).await.unwrap().unwrap();
    assert_eq!(wire::status::refusal(&last.unwrap_err()).reason, "STOPPING");
    assert!(answers.next().await.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_tried_before_the_ledger_was_read_to_its_head() {
    let bench = Bench::new().await;
    bench.newest.1.store(false, Ordering::Release);
    let request = v1::RunBacktestRequest::default();
    let status = bench.begin(&request).err().unwrap();
    assert_eq!(status.code(), Code::Unavailable);
    assert_eq!(wire::status::refusal(&status).reason, "NOT_CAUGHT_UP");
    assert!(wire::status::within_stream(&status, &[]).retry_after_ms > 0);
    bench.newest.1.store(true, Ordering::Release);
    assert!(bench.begin(&request).is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_told_in_vietnamese_too() {
    let bench = Bench::new().await;
    let vi = |request: &v1::RunBacktestRequest| {
        wire::status::refusal(&bench.begin(request).err().unwrap()).vi
    };
    let early = v1::RunBacktestRequest {
        to: "6/6/2023".to_owned(),
        ..v1::RunBacktestRequest::default()
    };
    assert!(vi(&early).contains("sổ không nhận gì"), "{}", vi(&early));
    let _first = bench.begin(&v1::RunBacktestRequest::default()).unwrap();
    let busy = vi(&v1::RunBacktestRequest::default());
    assert!(busy.contains("hãy thử lại"), "{busy}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_asked_is_refused_and_leaves_the_way_free() {
    let bench = Bench::new().await;
    let request = |change: fn(&mut v1::RunBacktestRequest)| {
        let mut request = v1::RunBacktestRequest::default();
        change(&mut request);
        reason(bench.begin(&request))
    };
    assert_eq!(request(|r| r.from = "soon".to_owned()), "DATE_FORMAT");
    assert_eq!(request(|r| r.to = "6/6/2023".to_owned()), "BACKTEST_EMPTY");
    assert_eq!(request(|r| r.to = "2".to_owned()), "NOT_CAUGHT_UP");
    assert_eq!(request(|r| r.rules = "{}".to_owned()), "RULES_FORMAT");
    assert_eq!(
        request(|r| r.indicator = "eid.x".to_owned()),
        "UNKNOWN_INDICATOR"
    );
    assert_eq!(
        request(|r| r.codes = vec!["268".to_owned()]),
        "UNKNOWN_LOCALITY"
    );
    assert_eq!(
        request(|r| r.codes = vec!["01".to_owned(); 300]),
        "CODE_FORMAT"
    );
    let both = v1::RunBacktestRequest {
        from: "soon".to_owned(),
        indicator: "Kích hoạt".to_owned(),
        codes: vec!["Hà Nội".to_owned()],
        ..v1::RunBacktestRequest::default()
    };
    let told = wire::status::refusal(&bench.begin(&both).err().unwrap());
    let fields: Vec<&str> = told.violations.iter().map(|v| v.field.as_str()).collect();
    assert_eq!(fields, ["from", "indicator", "codes[0]"]);
    assert!(bench.begin(&v1::RunBacktestRequest::default()).is_ok());
}
