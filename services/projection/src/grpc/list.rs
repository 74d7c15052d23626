//! What lists have in common: what is asked is read before anything is waited for, and a later page is read where the first was.

use std::hash::Hash;

use state::State;
use tonic::{Request, Response, Status};
use wire::v1;

use super::QueryApi;
use crate::freshness::Freshness;
use crate::moment::At;
use crate::page::Page;

/// A list, as it is asked for.
pub(crate) trait Listed: Sized {
    /// Who asks.
    type Request;
    /// A page of it.
    type Answer: prost::Message;

    /// At which two times.
    fn at(request: &Self::Request) -> Option<v1::ReadAt>;

    /// Reads what needs no state; `times` are among the arguments that a page token is bound to.
    ///
    /// # Errors
    /// A part that the answer has not, a page that is none or another question's, and whatever is wrong by itself.
    fn read(request: Self::Request, times: impl Hash) -> Result<Self, Status>;

    /// Which page.
    fn page(&self) -> &Page;

    /// What is answered of a state, from which the two times were read.
    ///
    /// # Errors
    /// What is not on record there.
    fn answer(&self, state: &State, fresh: Freshness, at: At) -> Result<Self::Answer, Status>;
}

impl QueryApi {
    pub(super) async fn list<L: Listed>(
        &self,
        request: Request<L::Request>,
    ) -> Result<Response<L::Answer>, Status> {
        let (metadata, _, request) = request.into_parts();
        let times = self.times(L::at(&request))?;
        let asked = L::read(request, times.asked())?;
        let first = asked.page().position;
        let at = self.at_first(times, first, &metadata).await?;
        let state = self.shared.read();
        self.respond(asked.answer(&state, self.shared.freshness(&state), at)?)
    }
}
