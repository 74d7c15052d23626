//! Reads the environment and the command line, runs the command, and says how it ended.

use std::process::ExitCode;

use clap::Parser as _;
use tiendo::{Surroundings, cli::Cli};

/// Requests are thousands of short texts, made on one thread and dropped on another, which the system's allocator is slow at.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let surroundings = Surroundings::read();
    if let Some(code) = tiendo::become_nats_server(std::env::args_os()) {
        return code;
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are answers (exit 0); anything else is a usage error.
            let code = if error.use_stderr() {
                ExitCode::from(64)
            } else {
                ExitCode::SUCCESS
            };
            let _ = error.print();
            return code;
        }
    };
    match tiendo::run(cli, surroundings) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
