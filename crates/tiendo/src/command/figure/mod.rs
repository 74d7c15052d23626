//! `tiendo figure explain`.
//!
//! Here is what stands above the table: the number, how its share follows, and why there is none; `grounds` is the table, `proof` holds each of its rows against the log.

mod grounds;
mod proof;
#[cfg(test)]
mod tests;

use wire::v1;
use wire::v1::GroundKind as Kind;
use wire::v1::ground::Said;

use super::{at_line, denominator, figure_percent, read_at, roll_up, told};
use crate::Failure;
use crate::cli::Explain;
use crate::client::Clients;
use crate::output::{Format, Output};

pub(super) async fn explain(
    wanted: Explain,
    clients: &Clients,
    output: Output,
) -> Result<(), Failure> {
    let request = v1::ExplainFigureRequest {
        code: wanted.code,
        indicator: wanted.indicator,
        boundaries_on: wanted.boundaries.unwrap_or_default(),
        at: read_at(wanted.at),
    };
    let answer = clients.query().await?.explain_figure(request).await;
    let answer = answer.map_err(told(output))?.into_inner();
    let mut head = head(&answer, output);
    if wanted.proofs {
        let proved = proof::all(&answer, clients, output).await?;
        match output.format {
            Format::Table => head.push(proved),
            _ => super::prove::remark(&proved),
        }
    }
    let table = grounds::table(&answer, output);
    output.answer("ExplainFigureResponse", &answer, &head.join("\n"), &table)
}

/// What is told above the events.
fn head(answer: &v1::ExplainFigureResponse, output: Output) -> Vec<String> {
    let lang = output.lang;
    let indicator = answer.indicator.clone().unwrap_or_default();
    let name = lang.name(indicator.name.as_ref());
    let place = named(answer.locality.as_ref(), output);
    let mut lines = vec![
        format!("{name}, {place}: {}", number(answer, output)),
        at_line(answer.at.as_ref(), output),
    ];
    lines.extend(answer.shares.iter().enumerate().map(|(at, share)| {
        let quota = quota_of(answer, at).map(|quota| against(quota, output));
        format!("{}{}", quota.unwrap_or_default(), follows(share, output))
    }));
    if let Some(figure) = &answer.figure {
        lines.extend(printed(figure, output));
    }
    if let Some(sum) = &answer.sum {
        lines.extend(roll_up::gaps(sum, output));
    }
    lines.extend(why_none(answer, output));
    lines.extend(grounds::left_out(answer, output));
    lines.push(counted(answer, output));
    lines
}

/// A locality with its code.
fn named(head: Option<&v1::LocalityHead>, output: Output) -> String {
    let head = head.cloned().unwrap_or_default();
    let code = head.r#ref.unwrap_or_default().code;
    format!("{} ({code})", output.lang.name(head.name.as_ref()))
}

/// The number itself, in words.
fn number(answer: &v1::ExplainFigureResponse, output: Output) -> String {
    let lang = output.lang;
    let none = || lang.pick("chưa có số liệu", "no figure").to_owned();
    let in_words = |value: Option<&v1::Quantity>, of: Option<&v1::Denominator>, percent: &str| {
        let count = match (value.is_some(), of.is_some()) {
            (true, true) => {
                let (value, of) = (lang.quantity(value), denominator(of, output));
                lang.pick(format!("{value} trên {of}"), format!("{value} of {of}"))
            }
            (true, false) => lang.quantity(value),
            (false, _) => String::new(),
        };
        match (count.as_str(), percent) {
            ("", percent) => percent.to_owned(),
            (_, "") => count,
            _ => format!("{count}, {percent}"),
        }
    };
    match (&answer.figure, &answer.sum) {
        (Some(figure), _) => {
            let percent = figure_percent(figure, output);
            let words = in_words(figure.value.as_ref(), figure.denominator.as_ref(), &percent);
            let on = lang.moment(&figure.effective);
            lang.pick(
                format!("{words}, số liệu của {on}"),
                format!("{words}, a figure of {on}"),
            )
        }
        (None, Some(sum)) if sum.value.is_some() => {
            let percent = sum.share_hundredths.map(|share| lang.share(share));
            let percent = percent.unwrap_or_default();
            let words = in_words(sum.value.as_ref(), sum.denominator.as_ref(), &percent);
            let on = lang.date(&sum.boundaries_on);
            let parts = roll_up::parts(sum, output);
            lang.pick(
                format!("{words}, cộng từ {parts}, theo địa giới ngày {on}"),
                format!("{words}, added up from {parts}, within the boundaries of {on}"),
            )
        }
        _ => none(),
    }
}

/// The quota that the share of an index is held against; none if that is the number's own share.
fn quota_of(answer: &v1::ExplainFigureResponse, at: usize) -> Option<&v1::QuotaAssigned> {
    let position = answer.shares.get(at)?.denominator_position;
    let of_position = |standing: &&v1::QuotaStanding| {
        let recorded = standing.recorded.as_ref();
        recorded.is_some_and(|recorded| recorded.position == position)
    };
    answer.quotas.iter().find(of_position)?.quota.as_ref()
}

/// What a share is held against.
fn against(quota: &v1::QuotaAssigned, output: Output) -> String {
    let lang = output.lang;
    let layer = lang.layer(quota.layer());
    let deadline = lang.date(&quota.deadline);
    match deadline.as_str() {
        "" => lang.pick(
            format!("So với chỉ tiêu {layer} giao: "),
            format!("Against the {layer} quota: "),
        ),
        _ => lang.pick(
            format!("So với chỉ tiêu {layer} giao, hạn {deadline}: "),
            format!("Against the {layer} quota, due {deadline}: "),
        ),
    }
}

/// `79,64% = 215.000 (vị trí 26.303) ÷ 269.950 (vị trí 26.303)`.
fn follows(share: &v1::ExplainedShare, output: Output) -> String {
    let lang = output.lang;
    let at = |position: u64| match position {
        // The counts of a sum stand in the table.
        0 => String::new(),
        position => {
            let position = lang.count(position);
            lang.pick(
                format!(" (vị trí {position})"),
                format!(" (position {position})"),
            )
        }
    };
    format!(
        "{} = {}{} ÷ {}{}",
        lang.share(share.share_hundredths),
        lang.quantity(share.numerator.as_ref()),
        at(share.numerator_position),
        denominator(share.denominator.as_ref(), output),
        at(share.denominator_position),
    )
}

/// What the source itself printed.
fn printed(figure: &v1::Figure, output: Output) -> Option<String> {
    let lang = output.lang;
    let printed = domain::text::parse_percent(&figure.printed_percent).ok()?;
    let printed = lang.percent(printed);
    Some(match figure.value {
        Some(_) => lang.pick(
            format!("Nguồn ghi tỷ lệ {printed}"),
            format!("The source prints {printed}"),
        ),
        None => lang.pick(
            format!("Nguồn chỉ ghi tỷ lệ {printed}, không nêu số lượng"),
            format!("The source prints only {printed}, and no count"),
        ),
    })
}

/// Why there is no number.
fn why_none(answer: &v1::ExplainFigureResponse, output: Output) -> Option<String> {
    let lang = output.lang;
    let summed = answer.sum.as_ref().and_then(|sum| sum.value.as_ref());
    if answer.figure.is_some() || summed.is_some() {
        return None;
    }
    let kinds = [Kind::Retraction, Kind::Correction, Kind::Later];
    let mut newest_first = answer.grounds.iter().rev();
    let ground = newest_first.find(|ground| kinds.contains(&ground.kind()));
    // What cannot be added up is told with the sum.
    let cannot = answer.sum.as_ref();
    if cannot.is_some_and(|sum| !(sum.broken.is_empty() && sum.uncounted.is_empty())) {
        return None;
    }
    let Some(ground) = ground else {
        let nobody = lang.pick(
            "Chưa ai báo cáo số liệu nào",
            "Nobody reported a figure that could hold",
        );
        return Some(nobody.to_owned());
    };
    let position = ground.recorded.clone().unwrap_or_default().position;
    let (position, on) = (lang.count(position), lang.moment(&ground.effective));
    Some(match &ground.said {
        Some(Said::Retraction(said)) => lang.pick(
            format!(
                "Số liệu của {on} đã rút ở vị trí {position}: {}",
                said.reason
            ),
            format!(
                "The figure of {on} was retracted at position {position}: {}",
                said.reason
            ),
        ),
        _ if ground.kind() == Kind::Correction => lang.pick(
            format!("Đính chính ở vị trí {position} nói về {on}, sau thời điểm được hỏi"),
            format!("The correction at position {position} speaks of {on}, after what was asked"),
        ),
        _ => lang.pick(
            format!("Số liệu đầu tiên là của {on} (vị trí {position})"),
            format!("The first figure is of {on} (position {position})"),
        ),
    })
}

fn counted(answer: &v1::ExplainFigureResponse, output: Output) -> String {
    let lang = output.lang;
    let count = lang.count(answer.ground_count.into());
    let shown = answer.grounds.len() as u64;
    match shown == u64::from(answer.ground_count) {
        true => lang.pick(
            format!("Căn cứ: {count} sự kiện trong sổ"),
            format!("Behind it: {count} events of the log"),
        ),
        false => {
            let shown = lang.count(shown);
            lang.pick(
                format!("Căn cứ: {count} sự kiện trong sổ, nêu {shown} sự kiện gần số này nhất"),
                format!("Behind it: {count} events of the log, of which {shown} are told"),
            )
        }
    }
}
