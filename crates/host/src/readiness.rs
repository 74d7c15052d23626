//! Which components are ready, and why the others are not.
//!
//! One registry serves the whole process; `/readyz` shows all of it.
//! Each gRPC server looks at its own [scope](Readiness::scope), so that one service that catches up does not take its neighbours out of service.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::watch;

/// The state of one component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It can do its work.
    Ready,
    /// It cannot, or not yet.
    NotReady {
        /// Why, for an operator.
        reason: String,
    },
}

type States = BTreeMap<String, State>;

/// A registry of named components; clones share it.
#[derive(Clone, Debug)]
pub struct Readiness {
    states: Arc<watch::Sender<States>>,
    /// Empty, or a path ending in a slash.
    prefix: String,
}

/// Sets the state of one component; clones set the same one.
#[derive(Clone, Debug)]
pub struct ComponentHandle {
    states: Arc<watch::Sender<States>>,
    name: String,
}

impl Default for Readiness {
    fn default() -> Self {
        Self::new()
    }
}

impl Readiness {
    /// An empty registry, which is not ready: nothing has said that it is.
    pub fn new() -> Self {
        Self {
            states: Arc::new(watch::Sender::new(States::new())),
            prefix: String::new(),
        }
    }

    /// The part of the registry under `name`: its components are called `<name>/<component>`.
    pub fn scope(&self, name: &str) -> Self {
        Self {
            states: Arc::clone(&self.states),
            prefix: format!("{}{name}/", self.prefix),
        }
    }

    /// Registers a component, not ready at first; a known name keeps its state.
    pub fn component(&self, name: &str) -> ComponentHandle {
        let name = format!("{}{name}", self.prefix);
        self.states.send_if_modified(|states| {
            let before = states.len();
            states
                .entry(name.clone())
                .or_insert_with(|| State::NotReady {
                    reason: "starting".to_owned(),
                });
            states.len() > before
        });
        ComponentHandle {
            states: Arc::clone(&self.states),
            name,
        }
    }

    /// The components of this scope and their states, by full name.
    pub fn states(&self) -> BTreeMap<String, State> {
        self.in_scope(&self.states.borrow())
            .map(|(name, state)| (name.clone(), state.clone()))
            .collect()
    }

    /// Whether this scope has components and all of them are ready.
    pub fn is_ready(&self) -> bool {
        self.judge(&self.states.borrow())
    }

    /// Waits until this scope is ready; returns at once if it is.
    pub async fn ready(&self) {
        self.until(true).await;
    }

    /// Waits until this scope is not ready; returns at once if it is not.
    pub async fn not_ready(&self) {
        self.until(false).await;
    }

    async fn until(&self, ready: bool) {
        let mut states = self.states.subscribe();
        let seen = states.wait_for(|states| self.judge(states) == ready).await;
        debug_assert!(seen.is_ok(), "the sender lives as long as `self`");
    }

    fn judge(&self, states: &States) -> bool {
        let mut components = self.in_scope(states).peekable();
        components.peek().is_some() && components.all(|(_, state)| *state == State::Ready)
    }

    fn in_scope<'a>(&'a self, states: &'a States) -> impl Iterator<Item = (&'a String, &'a State)> {
        states
            .iter()
            .filter(|(name, _)| name.starts_with(&self.prefix))
    }
}

impl ComponentHandle {
    /// The component can do its work.
    pub fn set_ready(&self) {
        if self.set(State::Ready) {
            tracing::info!(component = self.name, "{} is ready", self.name);
        }
    }

    /// The component cannot do its work; `reason` is shown to operators.
    pub fn set_not_ready(&self, reason: impl Into<String>) {
        let reason = reason.into();
        if self.set(State::NotReady {
            reason: reason.clone(),
        }) {
            tracing::info!(
                component = self.name,
                reason,
                "{} is not ready: {reason}",
                self.name
            );
        }
    }

    fn set(&self, state: State) -> bool {
        self.states.send_if_modified(|states| {
            let changed = states.get(&self.name) != Some(&state);
            states.insert(self.name.clone(), state);
            changed
        })
    }
}
