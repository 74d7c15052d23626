//! Prints the events of a ledger, and keeps how far it came in a file: run it again, and it goes on there.
//!
//! `cargo run -p client --example subscribe -- khanh-hoa nats://127.0.0.1:4222 http://127.0.0.1:7061 far.json`

use std::error::Error;
use std::fs;
use std::io::Write as _;

use client::{Options, Start, Subscription};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [ledger, bus, log, file] = &arguments[..] else {
        return Err("give a ledger, the addresses of bus and log, and a file".into());
    };
    let mut options = Options::ledger(ledger, bus.as_str());
    options.log = Some(log.clone());
    if let Ok(kept) = fs::read_to_string(file) {
        options.start = Start::Checkpoint(kept.parse()?);
    }
    let mut subscription = Subscription::open(options).await?;
    loop {
        let event = subscription.next().await?;
        let (position, kind, data) = (event.position, &event.kind, event.data()?);
        writeln!(std::io::stdout(), "{position:>9} {kind} {data}")?;
        // A file that is written half is no checkpoint.
        let new = format!("{file}.new");
        fs::write(&new, subscription.checkpoint().to_string())?;
        fs::rename(&new, file)?;
    }
}
