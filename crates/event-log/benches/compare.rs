//! The log beside PostgreSQL and UmaDB: `cargo bench -p event-log --features compare --bench compare`.
//!
//! Needs `protoc` to build UmaDB's client. The servers are found on PATH (PostgreSQL also where Debian puts it), or in
//! the directories that `TIENDO_BENCH_POSTGRES` and `TIENDO_BENCH_UMADB` name.

mod common;
mod databases;

use std::rc::Rc;

use common::contender::Contender;
use databases::postgres::{Positions, Postgres};
use databases::server::Postgres as Server;
use databases::umadb::UmaDb;

fn main() -> common::Result<()> {
    common::run(&|runtime, below, report| {
        let mut others: Vec<Box<dyn Contender>> = Vec::new();
        match runtime.block_on(Server::start(below, &[]))? {
            Some(server) => {
                let server = Rc::new(server);
                for positions in [Positions::Sequence, Positions::Gapless] {
                    others.push(Box::new(Postgres {
                        runtime: Rc::clone(runtime),
                        server: Rc::clone(&server),
                        positions,
                        clients: Vec::new(),
                    }));
                }
            }
            None => report.say("PostgreSQL is left out: there is no `initdb` and `postgres`")?,
        }
        match UmaDb::find(runtime, below) {
            Some(umadb) => others.push(Box::new(umadb)),
            None => report.say("UmaDB is left out: there is no `umadb`; `cargo install umadb`")?,
        }
        Ok(others)
    })
}
