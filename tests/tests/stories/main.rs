//! The stories told of the product, each on an instance of its own.
//!
//! They are one program, so that it is linked once and they run beside each other: most of their time they wait.

#[cfg(test)]
mod acceptance;
#[cfg(test)]
mod apart;
#[cfg(test)]
mod backup;
#[cfg(test)]
mod bench;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod delivery;
#[cfg(test)]
mod diff;
#[cfg(test)]
mod erasable;
#[cfg(test)]
mod explain;
#[cfg(test)]
mod export;
#[cfg(test)]
mod figures;
#[cfg(test)]
mod forked;
#[cfg(test)]
mod import;
#[cfg(test)]
mod lagging;
#[cfg(test)]
mod life_cycle;
#[cfg(test)]
mod over_nats;
#[cfg(test)]
mod overview;
#[cfg(test)]
mod proofs;
#[cfg(test)]
mod rebuild;
#[cfg(test)]
mod reform;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod replay;
#[cfg(test)]
mod rules;
#[cfg(test)]
mod secured;
#[cfg(test)]
mod snapshot;
#[cfg(test)]
mod standby;
#[cfg(test)]
mod start;
#[cfg(test)]
mod subscriber;
#[cfg(test)]
mod subscribing;
#[cfg(test)]
mod third_party;
#[cfg(test)]
mod traced;
#[cfg(test)]
mod trajectory;
#[cfg(test)]
mod watch;
