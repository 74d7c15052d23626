//! A response body that keeps something alive until its last byte is sent, or it is dropped.

use std::ops::{Deref, DerefMut};
use std::pin::Pin;

use axum::body::Body;
use axum::response::Response;

/// Keeps `held` until the body of `response` is gone.
pub(super) fn until_sent<T>(response: Response, held: T) -> Response
where
    T: Send + 'static,
{
    response.map(|body| Body::new(Pin::new(Held { body, _held: held })))
}

/// A pointer to a body; a pinned pointer to a body is itself a body.
struct Held<T> {
    body: Body,
    _held: T,
}

impl<T> Unpin for Held<T> {}

impl<T> Deref for Held<T> {
    type Target = Body;

    fn deref(&self) -> &Body {
        &self.body
    }
}

impl<T> DerefMut for Held<T> {
    fn deref_mut(&mut self) -> &mut Body {
        &mut self.body
    }
}
