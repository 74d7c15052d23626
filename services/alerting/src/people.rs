//! What people do, as handlers: taking a case on, reading a notification, setting and ending silences.

use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status};
use wire::deadline::{not_caught_up, stopping, wait_max};
use wire::status::fits;
use wire::v1;

use crate::acts::{self, Act};
use crate::desk::Asked;
use crate::grpc::AlertingApi;
use crate::page::Page;
use crate::questions::BESIDES;
use crate::sight::Sight;
use crate::silence::Silence;

impl AlertingApi {
    /// Waits until the replay has caught up, as long as the caller and the limit allow: what people do is recorded only then, and only then a letter says how things stand.
    pub(crate) async fn live(&self, metadata: &MetadataMap) -> Result<jiff::civil::Date, Status> {
        let in_time = tokio::select! {
            biased;
            waited = tokio::time::timeout(wait_max(metadata), self.desk.replayed()) => waited.is_ok(),
            () = self.shutdown.cancelled() => return Err(stopping()),
        };
        if !in_time {
            let at = self.desk.judge().position();
            return Err(not_caught_up(at + 1, at));
        }
        Ok(self.today())
    }

    /// The day judged for.
    fn today(&self) -> jiff::civil::Date {
        let day = self.desk.judge().day();
        day.unwrap_or_else(|| self.desk.date())
    }

    async fn act(&self, act: Act, today: jiff::civil::Date) -> Result<(Asked, u64), Status> {
        let asked = act.asked.clone();
        let decide = move |book: &_, judge: &_| act.decide(book, judge, today);
        let position = self.desk.act(asked.clone(), decide).await?;
        Ok((asked, position))
    }

    pub(crate) async fn take_on(
        &self,
        request: Request<v1::AcknowledgeCaseRequest>,
    ) -> Result<Response<v1::AcknowledgeCaseResponse>, Status> {
        let today = self.live(request.metadata()).await?;
        let act = acts::acknowledge(request.get_ref(), today)?;
        let (_, position) = self.act(act, today).await?;
        let case = self.case_now(request.get_ref().case_id.trim());
        Ok(Response::new(v1::AcknowledgeCaseResponse {
            case,
            position,
        }))
    }

    pub(crate) async fn note_read(
        &self,
        request: Request<v1::MarkReadRequest>,
    ) -> Result<Response<v1::MarkReadResponse>, Status> {
        let today = self.live(request.metadata()).await?;
        let act = acts::read(request.get_ref(), today)?;
        let (_, position) = self.act(act, today).await?;
        let case = self.case_now(request.get_ref().case_id.trim());
        Ok(Response::new(v1::MarkReadResponse { case, position }))
    }

    pub(crate) async fn hush(
        &self,
        request: Request<v1::SetSilenceRequest>,
    ) -> Result<Response<v1::SetSilenceResponse>, Status> {
        let today = self.live(request.metadata()).await?;
        let act = acts::silence(request.get_ref(), today)?;
        let (asked, _) = self.act(act, today).await?;
        let silence = self.silence_now(&asked.request_id.to_string());
        Ok(Response::new(v1::SetSilenceResponse { silence }))
    }

    pub(crate) async fn speak_again(
        &self,
        request: Request<v1::EndSilenceRequest>,
    ) -> Result<Response<v1::EndSilenceResponse>, Status> {
        let today = self.live(request.metadata()).await?;
        let act = acts::end_silence(request.get_ref(), today)?;
        self.act(act, today).await?;
        let silence = self.silence_now(request.get_ref().silence_id.trim());
        Ok(Response::new(v1::EndSilenceResponse { silence }))
    }

    fn silence_now(&self, id: &str) -> Option<v1::Silence> {
        let today = self.today();
        let book = self.desk.book();
        let silence = book.silence(id)?;
        Some(silence.message(today, &crate::sight::Seen::ALL))
    }

    pub(crate) fn list_of_silences(
        &self,
        request: &v1::ListSilencesRequest,
    ) -> Result<Response<v1::ListSilencesResponse>, Status> {
        let page = Page::read(request)?;
        let today = self.today();
        let (book, judge) = (self.desk.book(), self.desk.judge());
        let head = page.head.unwrap_or_else(|| book.position());
        let seen = Sight::default().seen(&judge, head);
        // Newest first, whether they hold or not: a place among them stays the same while they end.
        let silences = book.silences().iter().rev();
        let silences: Vec<&Silence> = silences.filter(|it| it.is_seen(&seen)).collect();
        let room = (head, self.message_bytes_max.saturating_sub(BESIDES));
        let (silences, next_page_token) = page.of(&silences, room, |silence| {
            let is_wanted = request.include_ended || silence.holds(today, &seen);
            is_wanted.then(|| silence.message(today, &seen))
        });
        let answer = v1::ListSilencesResponse {
            silences,
            next_page_token,
        };
        fits(&answer, self.message_bytes_max)?;
        Ok(Response::new(answer))
    }
}
