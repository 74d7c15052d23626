//! The Vietnamese wording.

use super::{Due, Writer};
use crate::verdict::{Basis, Reason, Status};

const POINTS: &str = "điểm phần trăm";

pub(super) fn write(w: &Writer<'_>) -> String {
    let (place, indicator) = (w.facts.place_vi, w.facts.indicator_vi);
    match w.verdict.basis {
        Basis::NoData => no_data(w),
        Basis::Silence => silence(w),
        Basis::NoQuota => format!("{place}, {indicator}: {}", no_quota(w)),
        Basis::Done => format!("{place}, {indicator}: {}", done(w)),
        Basis::Check => format!(
            "{place}, {indicator}: số liệu đến {} ({}) đang chờ xác minh, nên chưa đánh giá.",
            w.at(),
            w.figure()
        ),
        Basis::Deadline => format!("{place}, {indicator}: {}", deadline(w)),
        Basis::NoDeadline => format!("{place}, {indicator}: {}", no_deadline(w)),
        Basis::Plan => format!("{place}, {indicator}: {}", plan(w)),
        Basis::Average => format!("{place}, {indicator}: {}", average(w)),
        Basis::Early => format!(
            "{place}, {indicator}: mới có {} lần báo cáo, đến {} đạt {}; chưa đủ để dự báo có kịp \
             hạn {} hay không.",
            w.terms.reports,
            w.at(),
            w.figure(),
            w.deadline()
        ),
        Basis::Hazard => format!("{place}, {indicator}: {}", hazard(w)),
    }
}

fn due(w: &Writer<'_>) -> String {
    let deadline = w.deadline();
    match w.due() {
        Due::None => "chưa có thời hạn".to_owned(),
        Due::In(days) => format!("hạn {deadline} còn {} ngày", w.language.count(days)),
        Due::Today => format!("hôm nay là hạn {deadline}"),
        Due::Past(days) => format!("hạn {deadline} đã qua {} ngày", w.language.count(days)),
    }
}

/// `hai tuần qua`, or the days really measured.
fn window(w: &Writer<'_>) -> String {
    match w.terms.window_days {
        Some(14.0) => "hai tuần qua".to_owned(),
        Some(7.0) => "tuần qua".to_owned(),
        days => format!("{} ngày qua", w.number(days)),
    }
}

fn left(w: &Writer<'_>) -> String {
    w.noun().map_or_else(
        || "phần còn lại".to_owned(),
        |noun| format!("số {noun} còn lại"),
    )
}

fn no_data(w: &Writer<'_>) -> String {
    let (place, indicator) = (w.facts.place_vi, w.facts.indicator_vi);
    format!(
        "{place} chưa có báo cáo nào về {indicator}; {}, nên chưa thể đánh giá.",
        due(w)
    )
}

fn silence(w: &Writer<'_>) -> String {
    let (place, indicator) = (w.facts.place_vi, w.facts.indicator_vi);
    let (date, days) = w.last_report();
    let (figure, days) = (w.figure(), w.language.count(days));
    format!(
        "{place} chưa báo cáo thêm về {indicator} từ {date} ({days} ngày); số liệu cuối là {figure}, \
         {}, nên chưa thể đánh giá.",
        due(w)
    )
}

fn no_quota(w: &Writer<'_>) -> String {
    if w.terms.count.is_none() {
        return "chưa có chỉ tiêu và chưa có số liệu.".to_owned();
    }
    if w.verdict.has(Reason::NoDenominator) {
        return "mẫu số của chỉ tiêu không hợp lệ, nên chưa thể đánh giá.".to_owned();
    }
    let Some(noun) = w.noun() else {
        return "chưa có chỉ tiêu, nên chưa thể đánh giá.".to_owned();
    };
    let count = w.number(w.terms.count);
    format!(
        "đến {} đạt {count} {noun}; chưa có chỉ tiêu, nên chưa thể đánh giá.",
        w.at()
    )
}

fn done(w: &Writer<'_>) -> String {
    let against = match w.terms.done_early_days {
        None => String::new(),
        Some(0.0) => format!(", đúng hạn {}", w.deadline()),
        Some(days) => {
            let word = if days > 0.0 { "sớm" } else { "muộn" };
            let days = w.language.count(days.abs());
            format!(", {word} {days} ngày so với hạn {}", w.deadline())
        }
    };
    format!(
        "hoàn thành {}{against} (đạt {}).",
        w.date(w.terms.done_at),
        w.figure()
    )
}

fn deadline(w: &Writer<'_>) -> String {
    let days = match w.due() {
        Due::Past(days) => format!("quá hạn {} {} ngày", w.deadline(), w.language.count(days)),
        _ => format!("đã hết hạn {}", w.deadline()),
    };
    let (figure, at, target) = (w.figure(), w.at(), w.target());
    let missing = w.shortfall(w.terms.missing, POINTS);
    let eta = w.eta_ahead().map_or_else(String::new, |eta| {
        format!(" Với nhịp hiện nay, đạt {target} khoảng {eta}.")
    });
    format!("{days}, đến {at} mới đạt {figure}, thiếu {missing} so với mức {target}.{eta}")
}

fn no_deadline(w: &Writer<'_>) -> String {
    let (figure, at, target) = (w.figure(), w.at(), w.target());
    let below = below_average(w).unwrap_or_default();
    format!(
        "đến {at} đạt {figure}{below}; chỉ tiêu {target} chưa có thời hạn, nên chưa thể đánh giá."
    )
}

fn below_average(w: &Writer<'_>) -> Option<String> {
    let average = w.percent(w.terms.average);
    let below = w.verdict.has(Reason::BelowAverage);
    below.then(|| format!(", thấp hơn nhiều so với bình quân {average}"))
}

fn plan(w: &Writer<'_>) -> String {
    let (figure, at, planned) = (w.figure(), w.at(), w.planned());
    let due = w.deadline();
    if w.verdict.status == Status::Early {
        let below = below_average(w).unwrap_or_default();
        return format!(
            "đến {at} đạt {figure}, bám sát kế hoạch ({planned}){below}; mới có {} lần báo cáo nên \
             chưa dự báo cho hạn {due}.",
            w.terms.reports
        );
    }
    let late = w
        .terms
        .days_behind
        .filter(|days| *days >= 0.5)
        .map_or_else(String::new, |days| {
            format!(", chậm khoảng {} ngày", w.language.count(days))
        });
    let risk = if w.verdict.status == Status::Red {
        "nguy cơ không kịp"
    } else {
        "cần đẩy nhanh để kịp"
    };
    format!("đến {at} đạt {figure}, kế hoạch là {planned}{late}; {risk} hạn {due}.")
}

fn average(w: &Writer<'_>) -> String {
    let below = below_average(w).unwrap_or_default();
    format!(
        "đến {} đạt {}{below}; chưa đủ báo cáo để dự báo có kịp hạn {} hay không.",
        w.at(),
        w.figure(),
        w.deadline()
    )
}

fn hazard(w: &Writer<'_>) -> String {
    let (until, target) = (w.deadline(), w.target());
    if w.terms.hazard_needed.is_none() {
        let missing = w.shortfall(w.terms.missing, POINTS);
        return format!("đến hạn {until} mới đạt {}, thiếu {missing}.", w.figure());
    }
    let (left, window) = (left(w), window(w));
    let (needed, observed) = (
        w.weekly(w.terms.hazard_needed),
        w.weekly(w.terms.hazard_observed),
    );
    let pace =
        format!("phải làm xong {needed} {left} mỗi tuần để kịp {until}; {window} đạt {observed}.");
    let forecast = format!("Dự báo {until}: {}", w.percent(w.terms.forecast_share));
    let missing = w.shortfall(w.terms.forecast_missing, POINTS);
    let eta = w.eta().map_or_else(
        || format!("chưa thấy ngày đạt {target}"),
        |eta| format!("đạt {target} khoảng {eta}"),
    );
    match w.verdict.status {
        Status::Green => format!("đang kịp tiến độ; {pace} {forecast}; {eta}."),
        Status::Amber => format!(
            "{pace} {forecast}, thiếu {missing}; chỉ kịp nếu giữ được {} mỗi ngày như {window}.",
            w.shortfall(w.terms.pace, POINTS)
        ),
        _ => format!("{pace} {forecast}, thiếu {missing}; {eta}."),
    }
}
