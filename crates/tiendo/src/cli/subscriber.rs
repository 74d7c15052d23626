//! Other systems that subscribe.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::NatsCredentials;

/// Other systems that subscribe.
#[derive(Debug, Subcommand)]
pub enum Subscriber {
    /// Make a pair of keys: the seed goes to a new file that only its owner can read, the public key is printed.
    Key {
        /// The file.
        file: PathBuf,
    },
    /// Let a system subscribe: a consumer that keeps its place, a key, and an account that may do that and nothing else.
    ///
    /// Done again with the same words it changes nothing and prints the program again.
    Add(Box<SubscriberAdd>),
    /// Who subscribes, and how far each is.
    List {
        /// The server.
        #[command(flatten)]
        bus: SubscriberBus,
    },
    /// How far one is.
    Show {
        /// Its name.
        name: String,
        /// The server.
        #[command(flatten)]
        bus: SubscriberBus,
    },
    /// Take a subscriber's consumer and account away; its key lets nobody in any more.
    Remove {
        /// Its name.
        name: String,
        /// The server.
        #[command(flatten)]
        bus: SubscriberBus,
        /// The accounts.
        #[command(flatten)]
        accounts: Accounts,
    },
    /// Make the consumers that the accounts file names and a deleted stream took with it; each begins where it began.
    Restore {
        /// The server.
        #[command(flatten)]
        bus: SubscriberBus,
        /// The accounts.
        #[command(flatten)]
        accounts: Accounts,
    },
}

/// A server, and the ledger on it.
#[derive(Debug, Clone, Args)]
pub struct SubscriberBus {
    /// Address of the NATS server; default that of the running services, else nats://127.0.0.1:4222.
    #[arg(long = "nats", env = "TIENDO_NATS", value_name = "URL")]
    pub url: Option<String>,
    /// What lets us in, as an operator.
    #[command(flatten)]
    pub credentials: NatsCredentials,
    /// Id of the ledger; default that of the running services, else khanh-hoa.
    #[arg(long, env = "TIENDO_LEDGER")]
    pub ledger: Option<String>,
    /// What alerting found and did, instead of what the ledger took; kinds of it say so by themselves.
    #[arg(long)]
    pub alerts: bool,
}

/// Where accounts are kept, and who tells the server.
#[derive(Debug, Clone, Args)]
pub struct Accounts {
    /// The file of accounts that the server's configuration includes (`subscribers.conf`); without it everybody on the server's machine is let in.
    #[arg(long, env = "TIENDO_NATS_ACCOUNTS", value_name = "FILE")]
    pub accounts: Option<PathBuf>,
    /// File with the seed of a user of the server's system account, to have it read the accounts anew.
    #[arg(long, env = "TIENDO_NATS_SYSTEM_NKEY", value_name = "FILE")]
    pub system_nkey: Option<PathBuf>,
}

/// A system that is to subscribe.
#[derive(Debug, Clone, Args)]
pub struct SubscriberAdd {
    /// Its name: one token of a-z, 0-9, `_` and `-`, and `_` not first.
    pub name: String,
    /// Places, by their codes and without what lies within them, `vn` for what is about the whole programme; default all.
    #[arg(long, value_delimiter = ',', value_name = "CODE,…")]
    pub localities: Vec<String>,
    /// Kinds (`progress.reported`) or topics (`progress`), as docs/bus names them; default all.
    #[arg(long, value_delimiter = ',', value_name = "KIND,…")]
    pub kinds: Vec<String>,
    /// Where it begins: `beginning`, `new`, a position, or an instant (`2026-07-01T00:00:00Z`).
    #[arg(long, default_value = "beginning")]
    pub start: String,
    /// It may send reports over NATS too.
    #[arg(long)]
    pub may_report: bool,
    /// Its public key (U…), if it made its keys itself; else a pair is made.
    #[arg(long, value_name = "KEY", conflicts_with = "seed")]
    pub public_key: Option<String>,
    /// Where its seed is kept; default NAME.nk here.
    #[arg(long, value_name = "FILE")]
    pub seed: Option<PathBuf>,
    /// The address by which it reaches the server, for the program; default --nats. Then the program looks for its key and for who vouches for the server in the directory where it is run.
    #[arg(long, value_name = "URL")]
    pub public_url: Option<String>,
    /// A program to print that subscribes.
    #[arg(long, default_value = "python")]
    pub snippet: Snippet,
    /// The server.
    #[command(flatten)]
    pub bus: SubscriberBus,
    /// The accounts.
    #[command(flatten)]
    pub accounts: Accounts,
}

/// In which language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Snippet {
    /// Rust with async-nats.
    Rust,
    /// Python with nats-py.
    Python,
    /// Node with @nats-io.
    Node,
    /// Java with jnats.
    Java,
    /// The `nats` command line.
    Nats,
}
