//! Runs a command.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process::ExitCode;

use host::telemetry;

use crate::cli::{Cli, Command, Log, Rule, Verify};
use crate::client::Clients;
use crate::command;
use crate::endpoints::Endpoints;
use crate::fail::USAGE;
use crate::lang::Lang;
use crate::output::{Format, Output};
use crate::{Failure, serve, up};

/// What `main` reads of the surroundings, beside the flags' own variables.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// The user's locale.
    pub locale: Option<String>,
    /// Where programs are found.
    pub path: Option<OsString>,
    /// The user's cache directory.
    pub cache: Option<PathBuf>,
}

impl Surroundings {
    /// Reads locale, PATH and the user's cache directory.
    #[expect(
        clippy::disallowed_methods,
        reason = "called by main alone, before anything else"
    )]
    #[must_use]
    pub fn read() -> Self {
        let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
        let cache = std::env::var_os("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .or_else(home);
        Self {
            locale: sys_locale::get_locale(),
            path: std::env::var_os("PATH"),
            cache: cache.map(|cache| cache.join("tiendo")),
        }
    }
}

/// The hidden subcommand under which `up` starts nats-server, so that it cannot outlive `up`.
pub(crate) const NATS_GUARD: &str = "__nats-server";

/// Becomes nats-server if the arguments say so; gives an exit code only if that fails.
#[expect(
    clippy::print_stderr,
    reason = "there is no logging in a process that becomes another"
)]
pub fn become_nats_server(arguments: impl Iterator<Item = OsString>) -> Option<ExitCode> {
    let arguments: Vec<OsString> = arguments.skip(1).collect();
    let [guard, parent, program, rest @ ..] = arguments.as_slice() else {
        return None;
    };
    if guard != OsStr::new(NATS_GUARD) {
        return None;
    }
    let parent = parent
        .to_str()
        .and_then(|parent| parent.parse().ok())
        .unwrap_or(0);
    let error = bus::server::exec_bound_to_parent(parent, program, rest);
    eprintln!("tiendo: nats-server cannot be run: {error}");
    Some(ExitCode::FAILURE)
}

/// Where and how the command prints; a workbook needs a file, and only what was asked for goes into one.
fn output(cli: &Cli, lang: Lang) -> Result<Output, Failure> {
    let wrong = |vi: &str, en: &str| Failure::new(USAGE, lang.pick(vi, en));
    let mut out = None;
    if command::is_query(&cli.command) {
        match (cli.output, &cli.out) {
            (Format::Xlsx, None) => {
                return Err(wrong(
                    "-o xlsx cần --out TỆP: trang tính không in ra màn hình được",
                    "-o xlsx needs --out FILE: a workbook cannot be printed",
                ));
            }
            (Format::Table, Some(_)) => {
                return Err(wrong(
                    "--out cần thêm -o csv, -o json hoặc -o xlsx",
                    "--out needs -o csv, -o json or -o xlsx beside it",
                ));
            }
            // As long as the process, which runs one command.
            (_, Some(file)) => out = Some(&*Box::leak(file.clone().into_boxed_path())),
            (_, None) => {}
        }
    } else if cli.output == Format::Xlsx {
        return Err(wrong(
            "lệnh này không có bảng để ghi ra trang tính",
            "this command has no table for a workbook",
        ));
    } else if cli.out.is_some() && !matches!(cli.command, Command::Template(_)) {
        return Err(wrong(
            "lệnh này không ghi ra tệp; hãy bỏ --out",
            "this command writes no file; leave out --out",
        ));
    }
    Ok(Output {
        format: cli.output,
        lang,
        out,
    })
}

/// Runs a command to its end.
///
/// # Errors
/// [`Failure`] with an exit code and a text for a person.
pub fn run(cli: Cli, surroundings: Surroundings) -> Result<(), Failure> {
    let lang = cli
        .lang
        .unwrap_or_else(|| Lang::of_locale(surroundings.locale.as_deref()));
    let output = output(&cli, lang)?;
    let format = if cli.log_json {
        telemetry::Format::Json
    } else {
        telemetry::Format::Text
    };
    let quiet = match cli.command {
        Command::Bench(_) => command::bench::QUIET,
        _ => "",
    };
    let metrics = telemetry::init(telemetry::Options {
        filter: format!("{}{quiet}", cli.log),
        format,
    })
    .map_err(|error| Failure::caused(USAGE, &error))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let result = runtime.block_on(async {
        match cli.command {
            Command::Up(options) => {
                up::run(options, &cli.data, surroundings, output, metrics).await
            }
            Command::Serve(service) => serve::run(service, &cli.data, output, metrics).await,
            Command::Bench(bench) => command::bench::run(bench, surroundings, output).await,
            Command::Rule(Rule::Backtest(wanted)) if wanted.series.is_some() => {
                command::rule::try_out(wanted, output).await
            }
            Command::Log(Log::Verify(Verify {
                proof: Some(proof),
                key: Some(key),
                checkpoint,
                ..
            })) => command::prove::verify(&proof, &key, checkpoint.as_deref(), output),
            Command::Hub(hub) => command::hub::run(hub, output).await,
            Command::Log(log) if command::is_offline(&log) => command::offline(log, output).await,
            Command::Subscriber(command) => {
                let running = match &cli.server {
                    Some(address) => Some(asked(address).await),
                    // A server may run alone.
                    None => Endpoints::read(&cli.data).ok(),
                };
                command::subscriber::run(command, running, output).await
            }
            command => {
                let endpoints = match &cli.server {
                    Some(address) => asked(address).await,
                    None => Endpoints::read(&cli.data)?,
                };
                command::run(command, &Clients::new(endpoints), output).await
            }
        }
    });
    // After a second signal nothing is waited for.
    runtime.shutdown_background();
    result
}

/// What an address tells of the services.
async fn asked(address: &str) -> Endpoints {
    let address = address.to_owned();
    tokio::task::spawn_blocking(move || Endpoints::ask(&address))
        .await
        .unwrap_or_default()
}
