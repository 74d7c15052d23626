//! Watches: what a request names, and where the watch of it begins.

use std::pin::Pin;
use std::sync::Arc;

use domain::{ModelCode, Reason, Violation};
use state::{Reading, Target};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt as _};
use tonic::{Request, Response, Status};
use wire::status::invalid;
use wire::v1;
use wire::v1::watch_request as asked;

use super::QueryApi;
use super::find::{code, find, identity, known_model, organisation};
use crate::watch::{Watcher, Watching};

/// The messages of a watch.
pub(crate) type Watched = Pin<Box<dyn Stream<Item = Result<v1::WatchResponse, Status>> + Send>>;

impl QueryApi {
    pub(super) async fn begin_watch(
        &self,
        request: Request<v1::WatchRequest>,
    ) -> Result<Response<Watched>, Status> {
        let (metadata, _, r) = request.into_parts();
        let place = self.watches.admit()?;
        let mut at = r.at.unwrap_or_default();
        at.min_position = at.min_position.max(r.after_position.unwrap_or(0));
        let at = self.at(Some(at), &metadata).await?;
        // From here on new events are kept, so that whoever begins at the newest one need not read the log.
        let shared = Watching::begin(&self.shared);
        let (target, folded) = {
            let state = self.shared.read();
            (target(&at.reading(&state), r.target)?, state.position())
        };
        let identity = match &target {
            Target::Locality(id) | Target::Within(id) => Some(wire::event::locality_ref(*id)),
            Target::Model(_) | Target::Organisation(_) => None,
        };
        let settings = self.watches.settings;
        let watcher = Watcher {
            shared,
            past: self.log.clone(),
            turns: Arc::clone(&self.watches.turns),
            settings,
            shutdown: self.shutdown.clone(),
            target,
            identity,
            as_of: at.as_of,
            seen: r.after_position.unwrap_or(folded),
            sent: Instant::now(),
        };
        // One place more for the last word.
        let (answers, messages) = mpsc::channel(settings.ahead_max + 1);
        host::task::spawn("watch", watcher.run(answers));
        // The place is taken until the last message is, or the reader has left.
        let held = move |message| {
            let _place = &place;
            message
        };
        Ok(Response::new(Box::pin(
            ReceiverStream::new(messages).map(held),
        )))
    }
}

/// What to watch, if it is on record.
fn target(reading: &Reading<'_>, target: Option<asked::Target>) -> Result<Target, Status> {
    match target {
        Some(asked::Target::Locality(wanted)) => {
            let id = match wanted.since.trim() {
                "" => find(reading, "locality.code", &wanted.code)?,
                since => identity(reading, "locality", (&wanted.code, since))?,
            };
            Ok(if wanted.include_below {
                Target::Within(id)
            } else {
                Target::Locality(id)
            })
        }
        Some(asked::Target::Model(wanted)) => {
            let model: ModelCode = code("model", &wanted)?;
            known_model(reading, &model)?;
            Ok(Target::Model(model))
        }
        Some(asked::Target::Organisation(name)) => {
            let known = organisation(reading, "organisation", &name)?;
            Ok(Target::organisation(known))
        }
        None => {
            let detail = "name a locality, a model or an organisation to watch";
            Err(invalid(&[Violation::new(
                "target",
                Reason::Required,
                detail,
            )]))
        }
    }
}
