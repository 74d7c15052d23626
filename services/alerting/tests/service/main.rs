//! The whole way: ingest → log → bus → alerting → bus, with a real nats-server.

#[cfg(test)]
mod backtest;
#[cfg(test)]
mod common;
#[cfg(test)]
mod delivery;
#[cfg(test)]
mod life;
#[cfg(test)]
mod silences;
#[cfg(test)]
mod story;
