//! What is asked about cases: a page of them, and one with its whole story.

use event_log::ReadLimit;
use jiff::civil::Date;
use tonic::{Request, Response, Status};
use wire::status::{fits, invalid};
use wire::v1;

use crate::acts;
use crate::book::Kept;
use crate::grpc::{AlertingApi, recorded};
use crate::page::Page;
use crate::shown::{Look, Wanted};
use crate::sight::{Seen, Sight};

/// Bytes left for what an answer says beside what it lists.
pub(crate) const BESIDES: usize = 4 * 1024;

/// A day as it is answered; empty if there is none.
fn day(day: Option<Date>) -> String {
    day.map_or_else(String::new, |day| day.to_string())
}

impl AlertingApi {
    pub(crate) async fn page_of_cases(
        &self,
        request: Request<v1::ListCasesRequest>,
    ) -> Result<Response<v1::ListCasesResponse>, Status> {
        let asked = request.get_ref();
        let wanted = Wanted::read(asked)?;
        let sight = Sight::read(&asked.as_of, &asked.known_at)?;
        let page = Page::read(asked)?;
        self.judged(asked.min_position, request.metadata()).await?;
        let progress = *self.desk.progress().borrow();
        let (book, judge) = (self.desk.book(), self.desk.judge());
        wanted.known(&judge)?;
        let head = page.head.unwrap_or_else(|| book.position());
        let look = Look {
            seen: sight.seen(&judge, head),
            book: &book,
            judge: &judge,
        };
        let cases = look.cases(&wanted);
        let room = (head, self.message_bytes_max.saturating_sub(BESIDES));
        let (cases_shown, next_page_token) = page.of(&cases, room, |kept| Some(look.case(kept)));
        let answer = v1::ListCasesResponse {
            cases: cases_shown,
            judged_for: day(progress.day),
            position: progress.position,
            next_page_token,
            total_size: i32::try_from(cases.len()).unwrap_or(i32::MAX),
        };
        fits(&answer, self.message_bytes_max)?;
        Ok(Response::new(answer))
    }

    pub(crate) async fn one_case(
        &self,
        request: Request<v1::GetCaseRequest>,
    ) -> Result<Response<v1::GetCaseResponse>, Status> {
        let asked = request.get_ref();
        let id = asked.case_id.trim();
        let sight = Sight::read(&asked.as_of, &asked.known_at)?;
        acts::case_id(id).map_err(|violation| invalid(&[violation]))?;
        self.judged(asked.min_position, request.metadata()).await?;
        let progress = *self.desk.progress().borrow();
        let (mut answer, positions) = {
            let (book, judge) = (self.desk.book(), self.desk.judge());
            let look = Look {
                seen: sight.seen(&judge, u64::MAX),
                book: &book,
                judge: &judge,
            };
            let is_it = |kept: &&Kept| kept.case.case_id == id && look.seen.opening(&kept.case);
            let kept = match book.kept().iter().rev().find(is_it) {
                Some(kept) => kept,
                None => return Err(acts::unknown_case(id)),
            };
            let mut case = look.case(kept);
            case.gathers = look.gathers(kept);
            let (silences, silences_left_out) = look.silences(&case);
            let answer = v1::GetCaseResponse {
                silences,
                silences_left_out,
                case: Some(case),
                story: Vec::new(),
                judged_for: day(progress.day),
                position: progress.position,
            };
            (answer, look.story(kept))
        };
        answer.story = self.entries(positions).await?;
        fits(&answer, self.message_bytes_max)?;
        Ok(Response::new(answer))
    }

    /// The entries at some positions of alerting's log.
    async fn entries(&self, positions: Vec<u64>) -> Result<Vec<v1::RecordedAlert>, Status> {
        let log = self.log.clone();
        let read = move || {
            let entries = positions.into_iter().map(|position| {
                let limit = ReadLimit {
                    events: 1,
                    bytes: usize::MAX,
                };
                recorded(&log, position, limit)
            });
            let entries: Result<Vec<Vec<v1::RecordedAlert>>, Status> = entries.collect();
            Ok(entries?.into_iter().flatten().collect())
        };
        let read = tokio::task::spawn_blocking(read).await;
        read.unwrap_or_else(|error| Err(Status::internal(error.to_string())))
    }

    /// A case as it is now.
    pub(crate) fn case_now(&self, id: &str) -> Option<v1::Case> {
        let (book, judge) = (self.desk.book(), self.desk.judge());
        let look = Look {
            seen: Seen::ALL,
            book: &book,
            judge: &judge,
        };
        book.newest(id).map(|kept| look.case(kept))
    }
}
