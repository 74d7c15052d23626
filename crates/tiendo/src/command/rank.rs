//! A ranking with the intervals of its shares and ranks, for `tiendo indicator rank`.

use wire::v1;

use super::{at_line, denominator, raw_count, raw_share, told};
use crate::Failure;
use crate::client::Clients;
use crate::lang::Lang;
use crate::output::{Output, Table, code, number, share, text};
use crate::pages;

/// Asks for all pages, and shows them as one.
pub(super) async fn run(
    request: v1::RankLocalitiesRequest,
    clients: &Clients,
    output: Output,
) -> Result<(), Failure> {
    let mut client = clients.query().await?;
    let ask = async |r| client.rank_localities(r).await;
    let all = pages::all(request, usize::MAX, ask).await;
    let all = all.map_err(told(output))?;
    let head = head(&all, output);
    let table = table(&all.localities, output);
    output.answer("RankLocalitiesResponse", &all, &head, &table)
}

fn head(answer: &v1::RankLocalitiesResponse, output: Output) -> String {
    let lang = output.lang;
    let indicator = answer.indicator.as_ref();
    let name = lang.name(indicator.and_then(|indicator| indicator.name.as_ref()));
    let without = lang.count(answer.without_figure.into());
    let without = lang.pick(
        format!("{without} địa phương chưa có số liệu"),
        format!("{without} localities have no figure"),
    );
    let meant = lang.pick(
        "Trong ngoặc: khoảng tin cậy 95%; thứ hạng mà các khoảng ấy cho phép",
        "In brackets: the 95% interval, and the ranks that such intervals allow",
    );
    let spanned = answer.localities.iter().any(|ranked| ranked.rank_low > 0);
    let mut lines = vec![name, at_line(answer.at.as_ref(), output), without];
    lines.extend(spanned.then(|| meant.to_owned()));
    lines.join("\n")
}

/// For people a number and its interval share a column.
fn table(localities: &[v1::RankedLocality], output: Output) -> Table {
    let lang = output.lang;
    let mut table = Table::new(&[
        number("rank", "Hạng", "Rank"),
        code("code", "Mã", "Code"),
        text("name", "Địa phương", "Locality"),
        code("effective", "Tính đến", "As of"),
        number("value", "Số lượng", "Value"),
        number("denominator", "Trên", "Of"),
        share("share", "Tỷ lệ", "Share"),
        text("of", "Mẫu số", "Denominator"),
        number("rank_low", "Hạng từ", "Rank from"),
        number("rank_high", "Hạng đến", "Rank to"),
        share("share_low", "Tỷ lệ từ", "Share from"),
        share("share_high", "Tỷ lệ đến", "Share to"),
    ]);
    let mut shown = Table::new(&[
        number("rank", "Hạng", "Rank"),
        code("code", "Mã", "Code"),
        text("name", "Địa phương", "Locality"),
        code("effective", "Tính đến", "As of"),
        number("value", "Số lượng", "Value"),
        number("denominator", "Trên", "Of"),
        number("share", "Tỷ lệ", "Share"),
        text("of", "Mẫu số", "Denominator"),
    ]);
    for ranked in localities {
        let head = ranked.locality.clone().unwrap_or_default();
        let figure = ranked.figure.clone().unwrap_or_default();
        let (value, of) = (figure.value.as_ref(), figure.denominator.as_ref());
        let place = head.r#ref.map(|id| id.code).unwrap_or_default();
        let name = lang.name(head.name.as_ref());
        shown.row([
            rank(ranked).into(),
            place.as_str().into(),
            name.as_str().into(),
            lang.moment(&figure.effective).into(),
            lang.quantity(value).into(),
            denominator(of, output).into(),
            spanned_share(ranked, lang).into(),
            ranked.denominator.as_str().into(),
        ]);
        table.row([
            rank_only(ranked.rank, "–").into(),
            place.into(),
            name.into(),
            figure.effective.as_str().into(),
            raw_count(value).into(),
            raw_count(of.and_then(|of| of.value.as_ref())).into(),
            raw_share(ranked.share_hundredths).into(),
            ranked.denominator.as_str().into(),
            rank_only(ranked.rank_low, "").into(),
            rank_only(ranked.rank_high, "").into(),
            raw_share(ranked.share_low_hundredths).into(),
            raw_share(ranked.share_high_hundredths).into(),
        ]);
    }
    table.shown_as(shown)
}

fn rank_only(rank: u32, none: &str) -> String {
    match rank {
        0 => none.to_owned(),
        rank => rank.to_string(),
    }
}

/// `3 (1–7)`; without an interval the rank alone.
fn rank(ranked: &v1::RankedLocality) -> String {
    let rank = rank_only(ranked.rank, "–");
    match (ranked.rank_low, ranked.rank_high) {
        (0, _) => rank,
        (low, high) => format!("{rank} ({low}–{high})"),
    }
}

/// `30,80% (25,53–36,62%)`; without an interval the share alone.
fn spanned_share(ranked: &v1::RankedLocality, lang: Lang) -> String {
    let share = ranked.share_hundredths.map(|share| lang.share(share));
    let share = share.unwrap_or_default();
    let ends = ranked
        .share_low_hundredths
        .zip(ranked.share_high_hundredths);
    let Some((low, high)) = ends.map(|(low, high)| (lang.share(low), lang.share(high))) else {
        return share;
    };
    format!("{share} ({}–{high})", low.trim_end_matches('%'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rank_is_shown_with_its_interval_where_it_has_one() {
        let mut ranked = v1::RankedLocality {
            rank: 3,
            rank_low: 1,
            rank_high: 7,
            share_hundredths: Some(3_080),
            share_low_hundredths: Some(2_553),
            share_high_hundredths: Some(3_662),
            ..v1::RankedLocality::default()
        };
        assert_eq!(rank(&ranked), "3 (1–7)");
        assert_eq!(spanned_share(&ranked, Lang::Vi), "30,80% (25,53–36,62%)");
        assert_eq!(spanned_share(&ranked, Lang::En), "30.80% (25.53–36.62%)");
        (ranked.rank_low, ranked.rank_high) = (0, 0);
        (ranked.share_low_hundredths, ranked.share_high_hundredths) = (None, None);
        assert_eq!(rank(&ranked), "3");
        assert_eq!(spanned_share(&ranked, Lang::Vi), "30,80%");
        (ranked.rank, ranked.share_hundredths) = (0, None);
        assert_eq!(rank(&ranked), "–", "what cannot be compared has no rank");
        assert_eq!(spanned_share(&ranked, Lang::Vi), "");
    }
}
