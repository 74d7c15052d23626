//! Ports that must be known before they are bound.

use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, Result};

/// Below the ports that systems give to those who ask for any, so that one is free again for whoever was killed.
const FIRST: u16 = 12_000;
const LAST: u16 = 31_999;

/// A port that nobody listens on, and that no other test is given as long as this process lives: it holds the port of UDP beside it, which nobody uses.
///
/// # Errors
/// No port is free.
pub fn free_port() -> Result<u16> {
    static CLAIMED: Mutex<Vec<UdpSocket>> = Mutex::new(Vec::new());
    let claim = |port: u16| {
        let claim = UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).ok()?;
        TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok()?;
        let mut claimed = CLAIMED.lock().unwrap_or_else(PoisonError::into_inner);
        claimed.push(claim);
        Some(port)
    };
    (FIRST..=LAST).find_map(claim).context("no port is free")
}
