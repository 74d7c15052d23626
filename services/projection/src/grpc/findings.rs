//! Lists of what checks of plausibility found.

use domain::finding::Check;
use domain::{Reason, Violation};
use state::{FindingEntry, Reading, Which};
use tonic::{Request, Response, Status};
use wire::mask::Mask;
use wire::status::invalid;
use wire::v1;

use super::QueryApi;
use super::find::find;
use crate::answer;
use crate::page::{Page, page};

impl QueryApi {
    pub(super) async fn findings(
        &self,
        request: Request<v1::ListFindingsRequest>,
    ) -> Result<Response<v1::ListFindingsResponse>, Status> {
        let (metadata, _, r) = request.into_parts();
        let mask = Mask::read(r.read_mask.as_ref())?;
        let check = check(r.check)?;
        let times = self.times(r.at.clone())?;
        let wanted = (&r.code, r.check, r.open_only, &mask);
        let page = page(r.page_size, &r.page_token, (wanted, times.asked()))?;
        let at = self.at_first(times, page.position, &metadata).await?;
        let state = self.shared.read();
        let reading = at.reading(&state);
        let which = if r.open_only { Which::Open } else { Which::All };
        // Pages begin after a position, so that none reads what those before it read.
        let after = u64::try_from(page.start).unwrap_or(u64::MAX);
        let of_check =
            |entry: &FindingEntry<'_>| check.is_none_or(|check| entry.finding.check == check);
        let (findings, next_page_token) = match r.code.as_str() {
            "" => events_of(
                &page,
                reading.all_findings(which, after).filter(of_check),
                &reading,
            ),
            code => {
                let id = find(&reading, "code", code)?;
                let within = reading.findings_within(id, which, after);
                events_of(&page, within.filter(of_check), &reading)
            }
        };
        self.respond(
            mask.apply(v1::ListFindingsResponse {
                findings: findings
                    .iter()
                    .map(|entry| finding(&reading, entry))
                    .collect(),
                next_page_token,
                at: self.answered(&state, &reading),
            })?,
        )
    }
}

fn check(number: i32) -> Result<Option<Check>, Status> {
    let of_name = |check: v1::Check| {
        let code = check.as_str_name().trim_start_matches("CHECK_");
        Check::of(code)
    };
    match v1::Check::try_from(number) {
        Ok(v1::Check::Unspecified) => Ok(None),
        Ok(check) => Ok(of_name(check)),
        Err(_) => {
            let detail = format!("{number} is no check known");
            Err(invalid(&[Violation::new(
                "check",
                Reason::ValueUnspecified,
                detail,
            )]))
        }
    }
}

/// The findings of a page, never a part of those of one event, and the token of the next.
fn events_of<'a>(
    page: &Page,
    found: impl Iterator<Item = FindingEntry<'a>>,
    reading: &Reading<'_>,
) -> (Vec<FindingEntry<'a>>, String) {
    let mut findings: Vec<FindingEntry<'a>> = Vec::new();
    for entry in found {
        let last = findings.last().map(|entry| entry.recorded.position);
        if let Some(last) = last
            && findings.len() >= page.size
            && last != entry.recorded.position
        {
            let start = usize::try_from(last).unwrap_or(usize::MAX);
            return (findings, page.token(reading.position(), start));
        }
        findings.push(entry);
    }
    (findings, String::new())
}

fn finding(reading: &Reading<'_>, entry: &FindingEntry<'_>) -> v1::LocalityFinding {
    v1::LocalityFinding {
        finding: Some(answer::finding(entry)),
        locality: entry
            .locality
            .and_then(|id| reading.locality(id))
            .as_ref()
            .map(answer::head),
        indicator: entry.indicator.map(ToString::to_string).unwrap_or_default(),
        work_item: entry.work_item.map(ToString::to_string).unwrap_or_default(),
        effective: entry.recorded.effective.to_string(),
        recorded: Some(answer::recorded(&entry.recorded)),
    }
}

#[cfg(test)]
mod tests {
    use domain::finding::Severity;

    use super::*;
    use crate::tests::Ledger;

    #[test]
    fn pages_of_findings_cover_them_once_and_never_part_an_event() {
        let mut ledger = Ledger::new();
        let two = [
            (Check::VagueFigure, Severity::Note),
            (Check::Jump, Severity::Warning),
        ];
        let days = ["2023-07-01", "2023-07-02", "2023-07-03"];
        let positions = days.map(|day| ledger.count(day, 10_000, &two));
        let reading = ledger.at(ledger.state.position());
        let (mut token, mut pages) = (String::new(), Vec::<Vec<u64>>::new());
        while pages.is_empty() || !token.is_empty() {
            let page = page(3, &token, "").unwrap();
            let found = reading.all_findings(Which::All, page.start as u64);
            let (findings, next) = events_of(&page, found, &reading);
            pages.push(findings.iter().map(|f| f.recorded.position).collect());
            token = next;
        }
        let [first, second, third] = positions;
        let expected: [Vec<u64>; 2] = [vec![first, first, second, second], vec![third, third]];
        assert_eq!(pages, expected);
    }

    #[test]
    fn every_check_can_be_asked_for_by_its_number() {
        for number in 1..=15 {
            let asked = check(number).unwrap().unwrap();
            assert_eq!(asked as i32 + 1, number, "{}", asked.code());
        }
        assert_eq!(check(0).unwrap(), None);
        assert!(check(99).is_err());
    }
}
