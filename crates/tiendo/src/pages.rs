//! Lists of the query service, of cases and of silences: asked for page after page, and put together as one answer.
//!
//! How many things make a page too large for an answer nobody knows before: so many are asked for as the service gives, and half as many after each such refusal.

use tonic::{Response, Status};
use wire::status::refusal;
use wire::v1;

/// A request for a list that comes in pages.
pub(crate) trait Paged: Clone {
    /// What is answered to it.
    type Answer: Default;
    /// Largest page that the service gives.
    const PAGE_SIZE_MAX: i32;

    /// Asks for the page behind an answer, with so many things at most; the size is not bound by the token.
    fn turn(&mut self, page_size: i32, answer: &Self::Answer);
    /// The token of the page behind an answer; empty on the last.
    fn next(answer: &Self::Answer) -> &str;
    /// How many things an answer lists.
    fn listed(answer: &Self::Answer) -> usize;
    /// A page, with what was listed before it in front.
    fn join(before: Self::Answer, page: Self::Answer) -> Self::Answer;
}

macro_rules! paged {
    ($($request:ident, $answer:ident: $($list:ident)+, $most:literal;)+) => {
        $(impl Paged for v1::$request {
            type Answer = v1::$answer;
            const PAGE_SIZE_MAX: i32 = $most;

            fn turn(&mut self, page_size: i32, answer: &Self::Answer) {
                self.page_size = page_size;
                self.page_token.clone_from(&answer.next_page_token);
                // Who asks about today asks about the day of the first page, also after midnight.
                if let Some(at) = &answer.at {
                    let asked = self.at.get_or_insert_default();
                    asked.as_of.clone_from(&at.as_of);
                }
            }

            fn next(answer: &Self::Answer) -> &str {
                &answer.next_page_token
            }

            fn listed(answer: &Self::Answer) -> usize {
                [$(answer.$list.len()),+].iter().sum()
            }

            fn join(before: Self::Answer, page: Self::Answer) -> Self::Answer {
                $(let mut $list = before.$list;
                $list.extend(page.$list);)+
                Self::Answer { $($list,)+ ..page }
            }
        })+
    };
}

paged! {
    ListLocalitiesRequest, ListLocalitiesResponse: localities, 1_000;
    RankLocalitiesRequest, RankLocalitiesResponse: localities, 1_000;
    ListFiguresRequest, ListFiguresResponse: figures, 1_000;
    ListFindingsRequest, ListFindingsResponse: findings, 1_000;
    GetModelMatrixRequest, GetModelMatrixResponse: rows, 200;
    GetOwnerPortfolioRequest, GetOwnerPortfolioResponse: roles work_items, 1_000;
    ListMissingReportsRequest, ListMissingReportsResponse: missing, 1_000;
    ListOrphansRequest, ListOrphansResponse: orphans, 1_000;
    ListModelsRequest, ListModelsResponse: models, 1_000;
    ListIndicatorsRequest, ListIndicatorsResponse: indicators, 1_000;
    ListWorkItemsRequest, ListWorkItemsResponse: work_items, 1_000;
    ListRulesRequest, ListRulesResponse: rules, 1_000;
}

/// Lists of alerting, which speak of no two times.
macro_rules! paged_by_alerting {
    ($($request:ident, $answer:ident: $list:ident;)+) => {
        $(impl Paged for v1::$request {
            type Answer = v1::$answer;
            const PAGE_SIZE_MAX: i32 = 1_000;

            fn turn(&mut self, page_size: i32, answer: &Self::Answer) {
                self.page_size = page_size;
                self.page_token.clone_from(&answer.next_page_token);
            }

            fn next(answer: &Self::Answer) -> &str {
                &answer.next_page_token
            }

            fn listed(answer: &Self::Answer) -> usize {
                answer.$list.len()
            }

            fn join(before: Self::Answer, page: Self::Answer) -> Self::Answer {
                let mut $list = before.$list;
                $list.extend(page.$list);
                Self::Answer { $list, ..page }
            }
        })+
    };
}

paged_by_alerting! {
    ListCasesRequest, ListCasesResponse: cases;
    ListSilencesRequest, ListSilencesResponse: silences;
}

/// Asks for pages until there are no more or `limit` things are listed; the answer is the last page's, with what all of them list.
///
/// A page that is too large is asked for again with half as many things, and so are those behind it.
///
/// # Errors
/// The first other refusal, or of a single thing that is too large; what came before it is dropped.
pub(crate) async fn all<R: Paged>(
    mut request: R,
    limit: usize,
    mut ask: impl AsyncFnMut(R) -> Result<Response<R::Answer>, Status>,
) -> Result<R::Answer, Status> {
    let mut all = R::Answer::default();
    let mut most = R::PAGE_SIZE_MAX;
    while R::listed(&all) < limit {
        let more = i32::try_from(limit - R::listed(&all)).unwrap_or(i32::MAX);
        let size = more.min(most);
        request.turn(size, &all);
        let page = match ask(request.clone()).await {
            Err(status) if size > 1 && is_too_large(&status) => {
                most = size / 2;
                continue;
            }
            page => page?.into_inner(),
        };
        all = R::join(all, page);
        if R::next(&all).is_empty() {
            break;
        }
    }
    Ok(all)
}

fn is_too_large(status: &Status) -> bool {
    refusal(status).reason == "ANSWER_TOO_LARGE"
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A service with so many findings, the n-th at position n, and the sizes that it was asked for.
    struct Findings {
        last: u64,
        asked: Vec<i32>,
    }

    impl Findings {
        fn page(
            &mut self,
            r: &v1::ListFindingsRequest,
        ) -> Result<Response<v1::ListFindingsResponse>, Status> {
            self.asked.push(r.page_size);
            let begin: u64 = r.page_token.parse().unwrap_or(0);
            let day = r.at.as_ref().map_or("", |at| &at.as_of);
            let of_first = if begin == 0 { "" } else { "2023-06-21" };
            assert_eq!(day, of_first, "midnight may have come in between");
            let end = self.last.min(begin + u64::try_from(r.page_size).unwrap());
            let finding = |position| v1::LocalityFinding {
                recorded: Some(v1::Recorded {
                    position,
                    ..Default::default()
                }),
                ..Default::default()
            };
            let token = match end < self.last {
                true => end.to_string(),
                false => String::new(),
            };
            Ok(Response::new(v1::ListFindingsResponse {
                findings: (begin + 1..=end).map(finding).collect(),
                next_page_token: token,
                at: Some(v1::AnsweredAt {
                    folded_position: end,
                    as_of: "2023-06-21".to_owned(),
                    ..Default::default()
                }),
            }))
        }
    }

    /// Positions, token, folded position, and the sizes asked for.
    async fn listed(last: u64, limit: usize) -> (Vec<u64>, String, u64, Vec<i32>) {
        let asked = Vec::new();
        let mut service = Findings { last, asked };
        let request = v1::ListFindingsRequest::default();
        let all = all(request, limit, async |r| service.page(&r)).await;
        let all = all.unwrap();
        let positions = all.findings.iter();
        let positions = positions.map(|it| it.recorded.as_ref().unwrap().position);
        (
            positions.collect(),
            all.next_page_token,
            all.at.map_or(0, |at| at.folded_position),
            service.asked,
        )
    }

    #[tokio::test]
    async fn all_pages_are_one_answer_in_order_and_no_more_is_asked_for_than_is_wanted() {
        let (positions, token, folded, asked) = listed(2_500, usize::MAX).await;
        assert!(positions.into_iter().eq(1..=2_500));
        assert_eq!((&*token, folded), ("", 2_500));
        assert_eq!(asked, [1_000; 3]);
        // Whoever wants fewer is told that there are more.
        let (positions, token, folded, asked) = listed(2_500, 1_200).await;
        assert!(positions.into_iter().eq(1..=1_200));
        assert_eq!((&*token, folded), ("1200", 1_200));
        assert_eq!(asked, [1_000, 200]);
        let (positions, token, _, asked) = listed(0, 10).await;
        assert_eq!((positions.len(), &*token, asked), (0, "", vec![10]));
    }

    #[tokio::test]
    async fn a_refusal_on_the_way_is_the_answer() {
        let asked = Vec::new();
        let mut service = Findings { last: 2_500, asked };
        let request = v1::ListFindingsRequest::default();
        let told = all(request, usize::MAX, async |r| {
            let page = service.page(&r)?;
            match service.asked.len() {
                1 => Ok(page),
                _ => Err(Status::unavailable("it is stopping")),
            }
        });
        assert_eq!(told.await.unwrap_err().message(), "it is stopping");
    }

    #[tokio::test]
    async fn a_page_that_is_too_large_is_asked_for_in_halves_from_where_it_begins() {
        // Behind the first thousand no more than so many fit on a page.
        let told = async |fit: i32| {
            let asked = Vec::new();
            let mut service = Findings { last: 1_400, asked };
            let request = v1::ListFindingsRequest::default();
            let all = all(request, usize::MAX, async |r| {
                let page = service.page(&r)?;
                match !r.page_token.is_empty() && r.page_size > fit {
                    false => Ok(page),
                    true => wire::status::fits(&r, 0).map(|()| page),
                }
            });
            let all = all.await;
            (all, service.asked)
        };
        let (all, asked) = told(250).await;
        let all = all.unwrap().findings;
        let positions = all.iter().map(|it| it.recorded.as_ref().unwrap().position);
        assert!(positions.eq(1..=1_400));
        assert_eq!(asked, [1_000, 1_000, 500, 250, 250]);
        // One thing that is too large is nothing that a smaller page could help.
        let (refused, asked) = told(0).await;
        assert_eq!(refusal(&refused.unwrap_err()).reason, "ANSWER_TOO_LARGE");
        assert_eq!(asked[1..], [1_000, 500, 250, 125, 62, 31, 15, 7, 3, 1]);
    }

    #[tokio::test]
    async fn silences_are_asked_for_behind_the_page_before() {
        let request = v1::ListSilencesRequest {
            include_ended: true,
            ..Default::default()
        };
        let all = all(request, usize::MAX, async |r| {
            assert!(r.include_ended && r.page_size == 1_000);
            let (set_position, next) = match &*r.page_token {
                "" => (9, "8"),
                token => (token.parse().unwrap(), ""),
            };
            let silence = v1::Silence {
                set_position,
                ..Default::default()
            };
            Ok(Response::new(v1::ListSilencesResponse {
                silences: vec![silence],
                next_page_token: next.to_owned(),
            }))
        });
        let all = all.await.unwrap().silences;
        let positions: Vec<u64> = all.iter().map(|it| it.set_position).collect();
        assert_eq!(positions, [9, 8]);
    }

    #[test]
    fn both_lists_of_a_portfolio_are_gone_on_with() {
        let page = |roles, items, due_days| v1::GetOwnerPortfolioResponse {
            roles: vec![v1::PortfolioRole::default(); roles],
            work_items: vec![v1::PortfolioWorkItem::default(); items],
            due_days,
            ..Default::default()
        };
        let joined = v1::GetOwnerPortfolioRequest::join(page(3, 1, 7), page(0, 4, 14));
        assert_eq!((joined.roles.len(), joined.work_items.len()), (3, 5));
        assert_eq!(joined.due_days, 14);
        assert_eq!(v1::GetOwnerPortfolioRequest::listed(&joined), 8);
    }
}
