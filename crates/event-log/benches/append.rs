//! The log beside a plain file with `fdatasync`: `cargo bench -p event-log`, `-- --help` for what can be asked.

mod common;

fn main() -> common::Result<()> {
    common::run(&|_, _, _| Ok(Vec::new()))
}
