//! Stories against a real nats-server.
#![cfg(unix)]

#[cfg(test)]
mod access;
#[cfg(test)]
mod answer;
#[cfg(test)]
mod cluster;
#[cfg(test)]
mod common;
#[cfg(test)]
mod federation;
#[cfg(test)]
mod follow;
#[cfg(test)]
mod link;
#[cfg(test)]
mod relay;
#[cfg(test)]
mod replay;
#[cfg(test)]
mod server;
#[cfg(test)]
mod trouble;
