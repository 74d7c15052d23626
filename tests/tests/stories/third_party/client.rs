//! Questions asked through Python's grpcio and through buf, which know nothing but the address.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use futures::StreamExt as _;
use prost::Message as _;
use serde_json::{Value, json};
use tiendo_tests::{Refused, Tiendo, program};
use tokio::io::AsyncReadExt as _;
use tokio::process::Command;
use tonic::{Code, Status};

/// Questions that buf asks at a time; most of them wait.
const AT_A_TIME: usize = 32;
/// For how long a stream that has no end is read.
const STREAM_MAX: Duration = Duration::from_secs(60);

/// A service and where it is served.
pub(crate) struct Served {
    address: String,
    name: &'static str,
}

impl Served {
    pub(crate) fn queries(t: &Tiendo) -> Result<Self> {
        Ok(Self {
            address: t.endpoints()?.projection,
            name: "QueryService",
        })
    }

    pub(crate) fn alerting(t: &Tiendo) -> Result<Self> {
        Ok(Self {
            address: t.endpoints()?.alerting,
            name: "AlertingService",
        })
    }

    fn url(&self, method: &str) -> String {
        format!("{}/tiendo.v1.{}/{method}", self.address, self.name)
    }
}

/// What is asked of a service.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    pub(crate) method: String,
    pub(crate) request: Value,
    /// The field that ends a stream without end.
    pub(crate) until: Option<&'static str>,
    /// A field that nobody knows is sent along; buf cannot.
    pub(crate) unknown: bool,
    /// Nothing else is asked meanwhile.
    pub(crate) alone: bool,
}

/// What was told: the answers of a stream, or one; and the refusal that ended them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Told {
    pub(crate) answers: Vec<Value>,
    pub(crate) refused: Option<Refused>,
}

impl Told {
    /// The last answer.
    pub(crate) fn answer(&self) -> Result<&Value> {
        ensure!(self.refused.is_none(), "refused: {:?}", self.refused);
        self.answers.last().context("nothing was answered")
    }
}

pub(crate) enum Client {
    Python(PathBuf),
    Buf(PathBuf),
}

impl Client {
    /// The methods of the service, as reflection tells them.
    pub(crate) async fn methods(&self, of: &Served) -> Result<Vec<String>> {
        match self {
            Self::Python(python) => {
                let said = python_says(python, of, &[]).await?;
                let services = said["services"].as_array().context("no services")?;
                let health = services.iter().any(|it| it == "grpc.health.v1.Health");
                ensure!(health, "no health among {services:?}");
                Ok(serde_json::from_value(said["methods"].clone())?)
            }
            Self::Buf(buf) => buf_lists(buf, &of.address, of.name).await,
        }
    }

    /// What is told to each question: to those that are asked alone one after the other, and to the others together.
    pub(crate) async fn ask(&self, of: &Served, questions: &[Question]) -> Result<Vec<Told>> {
        match self {
            Self::Python(python) => {
                let said = python_says(python, of, questions).await?;
                let told = said["told"].as_array().context("nothing was told")?;
                ensure!(told.len() == questions.len(), "{} were told", told.len());
                told.iter().map(read_python).collect()
            }
            Self::Buf(buf) => {
                let mut told = Vec::new();
                for alone in [true, false] {
                    let asked = questions.iter().enumerate();
                    let asked = asked.filter(|(_, question)| question.alone == alone);
                    let asked = asked.map(async |(number, question)| {
                        let told = buf_says(buf, of, question).await;
                        let told = told.with_context(|| format!("{question:?}"));
                        told.map(|told| (number, told))
                    });
                    let at_a_time = if alone { 1 } else { AT_A_TIME };
                    let asked = futures::stream::iter(asked).buffer_unordered(at_a_time);
                    told.extend(asked.collect::<Vec<_>>().await);
                }
                let mut told = told.into_iter().collect::<Result<Vec<_>>>()?;
                told.sort_by_key(|(number, _)| *number);
                Ok(told.into_iter().map(|(_, told)| told).collect())
            }
        }
    }
}

async fn python_says(python: &Path, of: &Served, questions: &[Question]) -> Result<Value> {
    let script = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/stories/third_party/ask.py"
    );
    let questions: Vec<Value> = questions
        .iter()
        .map(|it| {
            json!({
                "method": it.method,
                "request": it.request,
                "until": it.until,
                "unknown": it.unknown,
                "alone": it.alone,
            })
        })
        .collect();
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("questions.json");
    std::fs::write(&file, Value::from(questions).to_string())?;
    let address = of.address.trim_start_matches("http://");
    let file = file.to_str().context("the folder is not UTF-8")?;
    let line = [script, address, of.name, file];
    let said = program::run(python, &line).await?.ok()?;
    serde_json::from_str(&said).with_context(|| said.clone())
}

fn read_python(told: &Value) -> Result<Told> {
    let answers = told["answers"].as_array().context("no answers")?.clone();
    let refused = match told["code"].as_i64() {
        None => None,
        Some(code) => {
            let details: Vec<u8> = serde_json::from_value(told["details"].clone())?;
            let message = told["message"].as_str().unwrap_or_default();
            let code = Code::from(i32::try_from(code)?);
            Some(Refused::of(&Status::with_details(
                code,
                message,
                details.into(),
            )))
        }
    };
    Ok(Told { answers, refused })
}

/// What stands before the address and the method.
fn curl<'a>(more: &[&'a str]) -> Vec<&'a str> {
    let mut arguments = vec!["curl", "--protocol", "grpc", "--http2-prior-knowledge"];
    arguments.extend(["--reflect", "--reflect-protocol", "grpc-v1"]);
    arguments.extend(more);
    arguments
}

/// The methods of a service at an address.
pub(crate) async fn buf_lists(buf: &Path, address: &str, service: &str) -> Result<Vec<String>> {
    let listed = program::run(buf, &curl(&["--list-methods", address])).await?;
    let listed = listed.ok()?;
    let prefix = format!("tiendo.v1.{service}/");
    let methods = listed
        .lines()
        .filter_map(|line| line.trim().strip_prefix(&prefix));
    Ok(methods.map(ToOwned::to_owned).collect())
}

/// What buf prints when it asks, and how it ends.
pub(crate) async fn buf_prints(
    buf: &Path,
    of: &Served,
    method: &str,
    request: &Value,
) -> Result<program::Output> {
    let (url, request) = (of.url(method), request.to_string());
    program::run(buf, &curl(&["--data", &request, &url])).await
}

async fn buf_says(buf: &Path, of: &Served, question: &Question) -> Result<Told> {
    ensure!(!question.unknown, "buf sends only what it knows");
    let Question {
        method, request, ..
    } = question;
    if let Some(until) = question.until {
        let printed = buf_prints_until(buf, of, question, until);
        let printed = tokio::time::timeout(STREAM_MAX, printed).await;
        let (answers, said) = printed.with_context(|| format!("no {until} in time"))??;
        let refused = match said.as_str() {
            "" => None,
            said => Some(read_buf(said)?),
        };
        return Ok(Told { answers, refused });
    }
    let output = buf_prints(buf, of, method, request).await?;
    let answers = serde_json::Deserializer::from_str(&output.stdout).into_iter();
    let answers = answers.collect::<Result<_, _>>()?;
    let refused = match output.code {
        0 => None,
        _ => Some(read_buf(&output.stderr)?),
    };
    Ok(Told { answers, refused })
}

/// The messages of a stream up to the one with a field; or up to its end, and what was said then.
async fn buf_prints_until(
    buf: &Path,
    of: &Served,
    question: &Question,
    until: &str,
) -> Result<(Vec<Value>, String)> {
    let url = of.url(&question.method);
    let request = question.request.to_string();
    let mut child = Command::new(buf)
        .args(curl(&["--data", &request, &url]))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let (mut printed, mut part) = (Vec::new(), vec![0; 64 * 1024]);
    let mut stdout = child.stdout.take().context("no stdout")?;
    loop {
        let bytes = stdout.read(&mut part).await?;
        printed.extend_from_slice(&part[..bytes]);
        // A message that is not whole yet ends the list with an error.
        let whole = serde_json::Deserializer::from_slice(&printed).into_iter::<Value>();
        let whole: Vec<Value> = whole.map_while(Result::ok).collect();
        let marked = whole.last().is_some_and(|last| last.get(until).is_some());
        if marked {
            return Ok((whole, String::new()));
        }
        if bytes == 0 {
            let mut said = String::new();
            let mut stderr = child.stderr.take().context("no stderr")?;
            stderr.read_to_string(&mut said).await?;
            return Ok((whole, said));
        }
    }
}

/// A refusal as buf prints it: its details are still encoded.
fn read_buf(said: &str) -> Result<Refused> {
    let said: Value = serde_json::from_str(said).with_context(|| said.to_owned())?;
    let code = code_of(said["code"].as_str().context("no code")?);
    let message = said["message"].as_str().unwrap_or_default();
    let details = said["details"].as_array().into_iter().flatten();
    let details = details.map(|detail| {
        let name = detail["type"].as_str().context("no type")?;
        let value = detail["value"].as_str().context("no value")?;
        Ok(prost_types::Any {
            type_url: format!("type.googleapis.com/{name}"),
            value: STANDARD_NO_PAD.decode(value)?,
        })
    });
    let status = tonic_types::pb::Status {
        code: code as i32,
        message: message.to_owned(),
        details: details.collect::<Result<_>>()?,
    };
    let encoded = status.encode_to_vec().into();
    Ok(Refused::of(&Status::with_details(code, message, encoded)))
}

/// A code by the name that buf gives it, such as `invalid_argument`.
fn code_of(name: &str) -> Code {
    let all = (0..=16).map(Code::from);
    let is_named = |code: &Code| format!("{code:?}").eq_ignore_ascii_case(&name.replace('_', ""));
    all.into_iter().find(is_named).unwrap_or(Code::Unknown)
}
