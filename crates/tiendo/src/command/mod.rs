//! The operator's commands, one module for each noun.

mod attribute;
pub(crate) mod bench;
pub(crate) mod case;
mod delivery;
mod diff;
mod export;
mod figure;
mod finding;
mod follow;
mod forecast;
pub(crate) mod hub;
mod indicator;
mod ledger;
mod locality;
mod log;
mod matrix;
mod missing;
mod model;
mod owner;
mod portfolio;
mod projection;
pub(crate) mod prove;
mod quality;
mod rank;
mod record;
mod roll_up;
pub(crate) mod rule;
mod show;
mod silence;
mod story;
pub(crate) mod subscriber;
mod template;
mod trajectory;
mod watch;
mod work_item;

pub(crate) use log::{is_offline, offline};
use wire::v1;

use crate::Failure;
use crate::cli::{
    At, Case, Command, Delivery, Export, Figure, Finding, Hub, Indicator, LevelName, Locality,
    Model, Owner, Rule, Silence, Subscriber, WorkItem,
};
use crate::client::Clients;
use crate::output::Output;

/// Runs a command that asks running services.
pub(crate) async fn run(
    command: Command,
    clients: &Clients,
    output: Output,
) -> Result<(), Failure> {
    match command {
        // `run::run` keeps these for itself.
        Command::Up(_)
        | Command::Serve(_)
        | Command::Subscriber(_)
        | Command::Bench(_)
        | Command::Hub(_) => Ok(()),
        Command::Rule(command) => rule::run(command, clients, output).await,
        Command::Locality(command) => locality::run(command, clients, output).await,
        Command::Model(command) => model::run(command, clients, output).await,
        Command::Indicator(command) => indicator::run(command, clients, output).await,
        Command::Figure(Figure::Explain(wanted)) => figure::explain(wanted, clients, output).await,
        Command::Case(command) => case::cases(command, clients, output).await,
        Command::Silence(command) => silence::run(command, clients, output).await,
        Command::Delivery(command) => delivery::run(command, clients, output).await,
        Command::Verdict(command) => case::verdicts(command, clients, output).await,
        Command::Recording(command) => record::one(command, clients, output).await,
        Command::Retract(retract) => record::retract(retract, clients, output).await,
        Command::Finding(Finding::List(wanted)) => finding::list(wanted, clients, output).await,
        Command::Finding(Finding::Resolve(resolve)) => {
            record::finding(resolve, clients, output).await
        }
        Command::Owner(Owner::Orphans { code, at }) => {
            owner::orphans(code, at, clients, output).await
        }
        Command::Owner(Owner::Portfolio(wanted)) => portfolio::run(wanted, clients, output).await,
        Command::Owner(Owner::Record(command)) => record::owner(*command, clients, output).await,
        Command::WorkItem(command) => work_item::run(command, clients, output).await,
        Command::Export(Export::Figures(wanted)) => export::figures(wanted, clients, output).await,
        Command::Record(record) => record::file(record, clients, output).await,
        Command::Import(import) => {
            let options = crate::import::Options {
                file: import.file,
                said: sheet::Options {
                    sheet: import.sheet,
                    indicator: import.indicator,
                    as_of: import.as_of,
                    source: import.source,
                },
                dry_run: import.dry_run,
                reason: import.reason,
                accept_valid: import.accept_valid,
                organisation: import.organisation,
                office: import.office,
            };
            crate::import::run(options, clients, &output).await
        }
        Command::Template(wanted) => template::run(wanted, clients, output).await,
        Command::Load(load) => ledger::load(load, clients, output).await,
        Command::Watch(options) => watch::run(options, clients, output).await,
        Command::Ledger(command) => ledger::ledger(command, clients, output).await,
        Command::Log(command) => ledger::run(command, clients, output).await,
        Command::Projection(command) => projection::run(command, clients, output).await,
    }
}

/// Whether a command asks for something that can be written to a file: a table, or a JSON value.
pub(crate) fn is_query(command: &Command) -> bool {
    match command {
        Command::Locality(command) => !matches!(command, Locality::Record(_)),
        Command::Model(command) => !matches!(command, Model::Record(_)),
        Command::Indicator(command) => !matches!(command, Indicator::Record(_)),
        Command::Owner(command) => !matches!(command, Owner::Record(_)),
        Command::WorkItem(command) => !matches!(command, WorkItem::Record(_)),
        Command::Finding(command) => matches!(command, Finding::List(_)),
        Command::Case(command) => matches!(command, Case::List { .. } | Case::Show { .. }),
        Command::Silence(command) => matches!(command, Silence::List { .. }),
        Command::Rule(command) => !matches!(command, Rule::Adopt(_)),
        Command::Figure(_) | Command::Verdict(_) | Command::Export(_) => true,
        Command::Delivery(command) => matches!(command, Delivery::List { .. }),
        Command::Hub(command) => matches!(command, Hub::List { .. }),
        Command::Subscriber(command) => {
            matches!(command, Subscriber::List { .. } | Subscriber::Show { .. })
        }
        _ => false,
    }
}

/// The two times on the wire.
fn read_at(at: At) -> Option<v1::ReadAt> {
    Some(v1::ReadAt {
        as_of: at.as_of.unwrap_or_default(),
        known_at: at.known_at.unwrap_or_default(),
        min_position: 0,
    })
}

fn level(level: Option<LevelName>) -> i32 {
    let level = match level {
        None => v1::Level::Unspecified,
        Some(LevelName::Province) => v1::Level::Province,
        Some(LevelName::District) => v1::Level::District,
        Some(LevelName::Commune) => v1::Level::Commune,
    };
    level as i32
}

/// A constant of the contract for a spreadsheet, as the command line takes such: `HANDED_OVER` is `handed-over`.
fn raw_constant(name: &str, prefix: &str) -> String {
    let name = name.strip_prefix(prefix).unwrap_or(name);
    name.to_ascii_lowercase().replace('_', "-")
}

/// Code and name of a locality.
fn place(head: Option<&v1::LocalityHead>, output: Output) -> (String, String) {
    let head = head.cloned().unwrap_or_default();
    let code = head.r#ref.unwrap_or_default().code;
    (code, output.lang.name(head.name.as_ref()))
}

/// The line that says for which times an answer is, and one that says what it may lack.
fn at_line(at: Option<&v1::AnsweredAt>, output: Output) -> String {
    let Some(at) = at else { return String::new() };
    let lang = output.lang;
    let (as_of, known) = (lang.moment(&at.as_of), lang.instant(at.known.as_ref()));
    let position = lang.count(at.position);
    let line = lang.pick(
        format!("Số liệu tính đến {as_of}, theo sổ ở vị trí {position} ({known})"),
        format!("As of {as_of}, as known at position {position} ({known})"),
    );
    match lang.lack(at) {
        Some(lack) => format!("{line}\n{lack}"),
        None => line,
    }
}

/// Turns a service's refusal into a failure in the user's language.
fn told(output: Output) -> impl Fn(tonic::Status) -> Failure + Copy {
    move |status| Failure::status(&status, output.lang)
}

/// A denominator that was not published says so.
fn denominator(denominator: Option<&v1::Denominator>, output: Output) -> String {
    let Some(denominator) = denominator else {
        return String::new();
    };
    let derived = if denominator.derived {
        output.lang.pick(" (suy ra)", " (derived)")
    } else {
        ""
    };
    format!(
        "{}{derived}",
        output.lang.quantity(denominator.value.as_ref())
    )
}

/// The document that sets a quota: its number, its title, who issued it.
fn document(quota: &v1::QuotaAssigned) -> String {
    let document = quota.document.clone().unwrap_or_default();
    let mut parts = vec![document.number, document.title, document.issuer];
    parts.retain(|part| !part.is_empty());
    parts.join("; ")
}

/// A count for a spreadsheet: digits alone, the same in every language; empty if there is none.
fn raw_count(quantity: Option<&v1::Quantity>) -> String {
    match quantity.and_then(|quantity| quantity.number.as_ref()) {
        Some(v1::quantity::Number::Count(count)) => count.to_string(),
        _ => String::new(),
    }
}

/// How a count is meant, for a spreadsheet; empty if it is exact.
fn raw_bound(quantity: Option<&v1::Quantity>) -> &'static str {
    match quantity.map(v1::Quantity::bound) {
        Some(v1::Bound::AtLeast) => "at-least",
        Some(v1::Bound::AtMost) => "at-most",
        Some(v1::Bound::About) => "about",
        _ => "",
    }
}

/// A share for a spreadsheet: `83.80`; empty if there is none.
fn raw_share(hundredths: Option<u32>) -> String {
    let percent = hundredths.and_then(|share| domain::text::Percent::from_hundredths(share, 2));
    percent
        .map(|percent| percent.to_string())
        .unwrap_or_default()
}

/// The percentage of a figure for a spreadsheet: as printed, else as computed.
fn raw_percent(figure: &v1::Figure) -> String {
    match figure.printed_percent.as_str() {
        "" => raw_share(figure.share_hundredths),
        printed => printed.to_owned(),
    }
}

/// The percentage to show for a figure: as printed, else as computed.
fn figure_percent(figure: &v1::Figure, output: Output) -> String {
    match domain::text::parse_percent(&figure.printed_percent) {
        Ok(printed) => output.lang.percent(printed),
        Err(_) => figure
            .share_hundredths
            .map(|share| output.lang.share(share))
            .unwrap_or_default(),
    }
}
