//! Places of 2023 in the words an official reads.

use jiff::civil::date as civil;
use lag::{Basis, Counted, Facts, Peers, Question, Quota, Report, Rules, Status};
use lag::{day, judge, sentence};

const HA_DONG: Facts<'static> = Facts {
    place_vi: "Quận Hà Đông",
    place_en: "Hà Đông district",
    indicator_vi: "kích hoạt định danh điện tử",
    indicator_en: "e-ID activation",
    counted: Some(Counted {
        vi: "người",
        en: "people",
    }),
};

fn on(month: i8, at: i8) -> f64 {
    day(civil(2023, month, at), None)
}

fn reports(points: &[(f64, f64)]) -> Vec<Report> {
    let numbered = points.iter().zip(10..);
    numbered
        .map(|(&(at, count), position)| Report {
            at,
            count,
            position,
        })
        .collect()
}

/// 95 % of 269 950 people by 30 June 2023.
fn quota() -> Quota {
    Quota {
        denominator: 269_950.0,
        target_share: 0.95,
        start: None,
        deadline: Some(on(6, 30)),
        milestones: vec![],
        position: 1,
    }
}

struct Told {
    status: Status,
    basis: Basis,
    vi: String,
    en: String,
}

fn ask(facts: &Facts<'_>, question: &Question<'_>) -> Told {
    let verdict = judge(&Rules::standard(), question);
    let said = sentence(facts, &verdict);
    Told {
        status: verdict.status,
        basis: verdict.basis,
        vi: said.vi,
        en: said.en,
    }
}

fn tell(today: f64, points: &[(f64, f64)], quota: Option<&Quota>) -> Told {
    tell_with(today, points, quota, None, false)
}

fn tell_with(
    today: f64,
    points: &[(f64, f64)],
    quota: Option<&Quota>,
    peers: Option<&Peers>,
    blocking_finding: bool,
) -> Told {
    let question = Question {
        today,
        reports: &reports(points),
        quota,
        peers,
        last_report: None,
        blocking_finding,
        declared_completion: None,
        residuals: &[],
    };
    ask(&HA_DONG, &question)
}

#[test]
fn khanh_hoa_finished_nine_days_early() {
    let quota = Quota {
        denominator: 100.0,
        target_share: 1.0,
        ..quota()
    };
    let facts = Facts {
        place_vi: "Tỉnh Khánh Hòa",
        place_en: "Khánh Hòa province",
        indicator_vi: "cấp CCCD cho công dân từ 14 tuổi",
        indicator_en: "citizen cards from 14 years",
        counted: None,
    };
    let mut question = Question {
        today: on(7, 31),
        reports: &reports(&[(on(6, 21), 100.0)]),
        quota: Some(&quota),
        peers: None,
        last_report: None,
        blocking_finding: false,
        declared_completion: None,
        residuals: &[],
    };
    let told = ask(&facts, &question);
    assert_eq!(told.status, Status::Done);
    assert_eq!(
        told.vi,
        "Tỉnh Khánh Hòa, cấp CCCD cho công dân từ 14 tuổi: hoàn thành 21/6/2023, sớm 9 ngày so với \
         hạn 30/6/2023 (đạt 100%)."
    );
    assert_eq!(
        told.en,
        "Khánh Hòa province, citizen cards from 14 years: completed on 21 June 2023, 9 days ahead \
         of the deadline of 30 June 2023 (100%)."
    );
    // The day before, nobody knew of it.
    question.today = on(6, 20);
    let told = ask(&facts, &question);
    assert_eq!((told.status, told.basis), (Status::Unknown, Basis::NoData));
}

#[test]
fn ha_dong_with_one_report_is_early() {
    let told = tell(on(6, 5), &[(on(6, 5), 199_968.0)], Some(&quota()));
    assert_eq!((told.status, told.basis), (Status::Early, Basis::Early));
    assert_eq!(
        told.vi,
        "Quận Hà Đông, kích hoạt định danh điện tử: mới có 1 lần báo cáo, đến 5/6/2023 đạt \
         199.968/269.950 người (74,1%); chưa đủ để dự báo có kịp hạn 30/6/2023 hay không."
    );
    assert_eq!(
        told.en,
        "Hà Đông district, e-ID activation: 199,968/269,950 people (74.1%) by 5 June 2023; 1 report \
         so far, too few to forecast whether 30 June 2023 will be met."
    );
}

#[test]
fn ha_dong_red_by_forecast() {
    // R0 = 89 950, R = 69 982, c = 19 968, E = 14·79 966 = 1 119 524, h = 0.0178361:
    // 11.7 % a week. h* = ln(69 982/13 497)/25 = 0.0658307: 36.9 % a week.
    // R̂ = 69 982·e^(−0.4459) = 44 806: 225 144 done (83.4 %), 31 309 short of 256 453.
    // ETA = 5 June + ln(5.185)/0.0178361 = 92.3 days.
    let points = [
        (on(5, 22), 180_000.0),
        (on(5, 29), 190_000.0),
        (on(6, 5), 199_968.0),
    ];
    let told = tell(on(6, 6), &points, Some(&quota()));
    assert_eq!((told.status, told.basis), (Status::Red, Basis::Hazard));
    assert_eq!(
        told.vi,
        "Quận Hà Đông, kích hoạt định danh điện tử: phải làm xong 36,9% số người còn lại mỗi tuần để \
         kịp 30/6/2023; hai tuần qua đạt 11,7%. Dự báo 30/6/2023: 83,4%, thiếu 31.309 người; đạt 95% \
         khoảng 6/9/2023."
    );
    assert_eq!(
        told.en,
        "Hà Đông district, e-ID activation: must finish 36.9% of the remaining people each week to \
         meet 30 June 2023; the last two weeks gave 11.7%. Forecast for 30 June 2023: 83.4%, 31,309 \
         people short; 95% about 6 September 2023."
    );
}

#[test]
fn ha_dong_amber_and_green_by_forecast() {
    let amber = [
        (on(5, 22), 165_000.0),
        (on(5, 29), 180_000.0),
        (on(6, 5), 199_968.0),
    ];
    let told = tell(on(6, 6), &amber, Some(&quota()));
    assert_eq!((told.status, told.basis), (Status::Amber, Basis::Hazard));
    assert!(
        told.vi
            .contains("chỉ kịp nếu giữ được 2.498 người mỗi ngày như hai tuần qua."),
        "{}",
        told.vi
    );
    assert!(
        told.en
            .contains("met only by keeping up the 2,498 people a day of the last two weeks.")
    );
    let green = [
        (on(5, 22), 60_000.0),
        (on(5, 29), 130_000.0),
        (on(6, 5), 199_968.0),
    ];
    let told = tell(
        on(6, 6),
        &green,
        Some(&Quota {
            target_share: 0.9,
            ..quota()
        }),
    );
    assert_eq!((told.status, told.basis), (Status::Green, Basis::Hazard));
    assert!(
        told.vi.contains(": đang kịp tiến độ; phải làm xong "),
        "{}",
        told.vi
    );
    assert!(told.en.contains(": on course; must finish "), "{}", told.en);
}

#[test]
fn a_standstill_has_no_date() {
    let points = [
        (on(5, 22), 199_968.0),
        (on(5, 29), 199_968.0),
        (on(6, 5), 199_968.0),
    ];
    let told = tell(on(6, 6), &points, Some(&quota()));
    assert!(told.vi.ends_with("hai tuần qua đạt 0%. Dự báo 30/6/2023: 74,1%, thiếu 56.485 người; chưa thấy ngày đạt 95%."), "{}", told.vi);
    assert!(told.en.ends_with("no day in sight for 95%."), "{}", told.en);
}

#[test]
fn silence_counts_the_days() {
    let told = tell(on(7, 31), &[(on(6, 5), 199_968.0)], Some(&quota()));
    assert_eq!((told.status, told.basis), (Status::Unknown, Basis::Silence));
    assert_eq!(
        told.vi,
        "Quận Hà Đông chưa báo cáo thêm về kích hoạt định danh điện tử từ 5/6/2023 (56 ngày); số \
         liệu cuối là 199.968/269.950 người (74,1%), hạn 30/6/2023 đã qua 31 ngày, nên chưa thể \
         đánh giá."
    );
    assert_eq!(
        told.en,
        "Hà Đông district has not reported on e-ID activation since 5 June 2023 (56 days); the last \
         figure was 199,968/269,950 people (74.1%), the deadline of 30 June 2023 passed 31 days ago, \
         so it cannot be judged."
    );
}

#[test]
fn a_missed_deadline_says_what_is_missing() {
    let points = [(on(6, 16), 240_000.0), (on(6, 30), 250_000.0)];
    let told = tell(on(7, 5), &points, Some(&quota()));
    assert_eq!((told.status, told.basis), (Status::Red, Basis::Deadline));
    assert_eq!(
        told.vi,
        "Quận Hà Đông, kích hoạt định danh điện tử: quá hạn 30/6/2023 5 ngày, đến 30/6/2023 mới đạt \
         250.000/269.950 người (92,6%), thiếu 6.453 người so với mức 95%. Với nhịp hiện nay, đạt 95% \
         khoảng 14/7/2023."
    );
    assert!(
        told.en
            .contains("5 days past the deadline of 30 June 2023, only 250,000/269,950")
    );
}

#[test]
fn late_and_punctual_completion() {
    let late = tell(on(7, 31), &[(on(7, 5), 260_000.0)], Some(&quota()));
    assert!(
        late.vi
            .contains("hoàn thành 5/7/2023, muộn 5 ngày so với hạn 30/6/2023"),
        "{}",
        late.vi
    );
    assert!(late.en.contains("5 days after the deadline"), "{}", late.en);
    let punctual = tell(
        on(7, 31),
        &[(day(civil(2023, 6, 30), Some(8)), 260_000.0)],
        Some(&quota()),
    );
    assert!(
        punctual
            .vi
            .contains("hoàn thành 30/6/2023, đúng hạn 30/6/2023"),
        "{}",
        punctual.vi
    );
}

#[test]
fn plan_in_three_colours() {
    let quota = Quota {
        start: Some((on(4, 30), 100_000.0)),
        ..quota()
    };
    // P(5/6) = 269 950 − 169 950·(13 497/169 950)^(36/61) = 231 835.4, of which 231 835 are whole
    // people, as a trajectory says; the 180 001st was planned 61·ln(169 950/89 949)/ln(169 950/13 497)
    // = 15.3 days after the start, and 36 are over.
    let red = tell(on(6, 5), &[(on(6, 5), 180_000.0)], Some(&quota));
    assert_eq!((red.status, red.basis), (Status::Red, Basis::Plan));
    assert!(
        red.vi
            .contains("kế hoạch là 231.835 người, chậm khoảng 21 ngày;"),
        "{}",
        red.vi
    );
    assert!(
        red.vi.contains("nguy cơ không kịp hạn 30/6/2023."),
        "{}",
        red.vi
    );
    let amber = tell(on(6, 5), &[(on(6, 5), 199_968.0)], Some(&quota));
    assert_eq!(amber.status, Status::Amber);
    assert!(
        amber.en.contains("must speed up to meet 30 June 2023."),
        "{}",
        amber.en
    );
    let early = tell(on(6, 5), &[(on(6, 5), 240_000.0)], Some(&quota));
    assert_eq!(early.status, Status::Early);
    assert!(early.vi.contains("bám sát kế hoạch"), "{}", early.vi);
}

#[test]
fn the_other_bases_have_their_own_words() {
    let quota = quota();
    let points = [(on(6, 5), 99_968.0)];
    let peers = Peers {
        average_share: Some(0.74),
        ..Peers::unknown()
    };
    let average = tell_with(on(6, 5), &points, Some(&quota), Some(&peers), false);
    assert!(
        average
            .vi
            .contains("thấp hơn nhiều so với bình quân 74%; chưa đủ báo cáo"),
        "{}",
        average.vi
    );
    let check = tell_with(on(6, 5), &points, Some(&quota), None, true);
    assert!(check.vi.contains("đang chờ xác minh"), "{}", check.vi);
    let nothing = tell(on(6, 21), &[], Some(&quota));
    assert_eq!(
        nothing.vi,
        "Quận Hà Đông chưa có báo cáo nào về kích hoạt định danh điện tử; hạn 30/6/2023 còn 9 ngày, \
         nên chưa thể đánh giá."
    );
    let open = Quota {
        deadline: None,
        ..quota.clone()
    };
    let open = tell(on(6, 5), &points, Some(&open));
    assert!(
        open.vi.contains("chỉ tiêu 95% chưa có thời hạn"),
        "{}",
        open.vi
    );
    let free = tell(on(6, 5), &points, None);
    assert_eq!(
        free.vi,
        "Quận Hà Đông, kích hoạt định danh điện tử: đến 5/6/2023 đạt 99.968 người; chưa có chỉ tiêu, \
         nên chưa thể đánh giá."
    );
    let empty = tell(on(6, 5), &[], None);
    assert!(
        empty.vi.ends_with("chưa có chỉ tiêu và chưa có số liệu."),
        "{}",
        empty.vi
    );
}
