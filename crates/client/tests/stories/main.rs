//! Stories of subscribers: a real nats-server, a real ingest, and what each subscriber saw.
#![cfg(unix)]

#[cfg(test)]
mod common;
#[cfg(test)]
mod consumer;
#[cfg(test)]
mod hub;
#[cfg(test)]
mod ledger;
#[cfg(test)]
mod refused;
