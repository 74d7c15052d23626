//! `tiendo log prove`, `tiendo log checkpoint`, and `tiendo log verify --proof`, which asks no service.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use event_log::{Checkpoint, Error, Inclusion, Record, verify_consistency};
use prost::Message;
use serde_json::{Value, json};
use tonic::transport::Channel;
use wire::v1;
use wire::v1::log_service_client::LogServiceClient;

use super::told;
use crate::Failure;
use crate::cli::Prove;
use crate::client::Clients;
use crate::fail::{REFUSED, REFUTED, USAGE};
use crate::output::{Cell, Format, Output, Table, message_json, message_of_json, number, text};

/// Largest proof or checkpoint that is read from a file, in bytes; an event has at most 32 KiB.
const FILE_BYTES_MAX: u64 = 1024 * 1024;
const INCLUSION: &str = "GetInclusionProofResponse";
const CONSISTENCY: &str = "GetConsistencyProofResponse";

/// What a proof that holds has shown.
enum Shown {
    /// The event stands in the log of this checkpoint.
    Inclusion(Record, Checkpoint),
    /// The log of the first checkpoint is the beginning of that of the second.
    Consistency(Checkpoint, Checkpoint),
}

/// `tiendo log checkpoint`.
pub(super) async fn checkpoint(
    size: u64,
    clients: &Clients,
    output: Output,
) -> Result<(), Failure> {
    let answer = ask_checkpoint(size, &mut clients.log().await?, output).await?;
    if output.format == Format::Table {
        // As it is, so that it can be kept in a file.
        let key = output.lang.pick("Khóa công khai", "Public key");
        remark(&format!("{key}: {}", answer.verifying_key));
        return output.text(answer.checkpoint.trim_end());
    }
    let checkpoint = Checkpoint::parse(&answer.checkpoint).map_err(refuted(output, REFUSED))?;
    let mut table = Table::raw(["origin", "size", "root", "key"]);
    table.row([
        checkpoint.origin.as_str().into(),
        checkpoint.size.to_string().into(),
        hex::encode(checkpoint.root).into(),
        answer.verifying_key.as_str().into(),
    ]);
    output.answer("GetCheckpointResponse", &answer, "", &table)
}

async fn ask_checkpoint(
    tree_size: u64,
    log: &mut LogServiceClient<Channel>,
    output: Output,
) -> Result<v1::GetCheckpointResponse, Failure> {
    let request = v1::GetCheckpointRequest { tree_size };
    let answer = log.get_checkpoint(request).await;
    Ok(answer.map_err(told(output))?.into_inner())
}

async fn ask_inclusion(
    log: &mut LogServiceClient<Channel>,
    position: u64,
    tree_size: u64,
    output: Output,
) -> Result<v1::GetInclusionProofResponse, Failure> {
    let request = v1::GetInclusionProofRequest {
        position,
        tree_size,
    };
    let answer = log.get_inclusion_proof(request).await;
    Ok(answer.map_err(told(output))?.into_inner())
}

/// Events as one checkpoint of the log proves them, for an answer that names positions.
pub(super) struct Prover {
    log: LogServiceClient<Channel>,
    key: String,
    checkpoint: Checkpoint,
    output: Output,
}

impl Prover {
    /// Over everything that is on record now; the signature holds with the key that the service tells.
    pub(super) async fn new(clients: &Clients, output: Output) -> Result<Self, Failure> {
        let mut log = clients.log().await?;
        let told = ask_checkpoint(0, &mut log, output).await?;
        let checkpoint = Checkpoint::verify(&told.checkpoint, &told.verifying_key)
            .map_err(refuted(output, REFUTED))?;
        Ok(Self {
            log,
            key: told.verifying_key,
            checkpoint,
            output,
        })
    }

    /// The event at a position, byte for byte as it is in the log of the checkpoint.
    pub(super) async fn event(&mut self, position: u64) -> Result<Record, Failure> {
        let size = self.checkpoint.size;
        let refuted = refuted(self.output, REFUTED);
        if position > size {
            return Err(refuted(malformed("the log ends before the position")));
        }
        let proof = ask_inclusion(&mut self.log, position, size, self.output).await?;
        let shown = check_inclusion(&proof, &self.key).map_err(refuted)?;
        let compared = shown.compare(&self.checkpoint, self.output);
        compared.map_err(|failure| Failure::new(REFUTED, failure.text()))?;
        match shown {
            Shown::Inclusion(record, _) if record.position == position => Ok(record),
            _ => Err(refuted(malformed("it is about another position"))),
        }
    }

    /// What the events are proved against.
    pub(super) fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }
}

/// `tiendo log prove`: what is printed has been checked with the key that the service tells.
pub(super) async fn prove(wanted: Prove, clients: &Clients, output: Output) -> Result<(), Failure> {
    let mut log = clients.log().await?;
    let key = ask_checkpoint(0, &mut log, output).await?.verifying_key;
    match (wanted.position, wanted.from) {
        (Some(position), None) => {
            let proof = ask_inclusion(&mut log, position, wanted.size, output).await?;
            let shown = check_inclusion(&proof, &key).map_err(refuted(output, REFUSED))?;
            print(INCLUSION, &proof, &shown, &key, &wanted, output)
        }
        (None, Some(from_size)) => {
            let request = v1::GetConsistencyProofRequest {
                from_size,
                to_size: wanted.to,
            };
            let answer = log.get_consistency_proof(request).await;
            let proof = answer.map_err(told(output))?.into_inner();
            let shown = check_consistency(&proof, &key).map_err(refuted(output, REFUSED))?;
            print(CONSISTENCY, &proof, &shown, &key, &wanted, output)
        }
        _ => Err(Failure::new(USAGE, "name a position, or --from")),
    }
}

fn print<M: Message>(
    name: &str,
    proof: &M,
    shown: &Shown,
    key: &str,
    wanted: &Prove,
    output: Output,
) -> Result<(), Failure> {
    if let Some(file) = &wanted.save {
        let json = message_json(name, proof)?;
        std::fs::write(file, format!("{json:#}\n"))?;
        let (file, lang) = (file.display(), output.lang);
        remark(&lang.pick(
            format!("Đã lưu; kiểm tra không cần dịch vụ: tiendo log verify --proof {file} --key {key}"),
            format!("Saved; checked without any service by: tiendo log verify --proof {file} --key {key}"),
        ));
    }
    output.answer(name, proof, &shown.head(output), &shown.table(output))
}

#[expect(clippy::print_stderr, reason = "a remark beside the data")]
pub(super) fn remark(text: &str) {
    eprintln!("{text}");
}

/// `tiendo log verify --proof`.
pub(crate) fn verify(
    proof: &Path,
    key: &str,
    kept: Option<&Path>,
    output: Output,
) -> Result<(), Failure> {
    let json: Value = serde_json::from_str(&read(proof)?)
        .map_err(|error| Failure::new(REFUSED, format!("{}: {error}", proof.display())))?;
    let shown = if json.get("leaf").is_some() {
        check_inclusion(&message_of_json(INCLUSION, json)?, key)
            .map_err(refuted(output, REFUSED))?
    } else {
        check_consistency(&message_of_json(CONSISTENCY, json)?, key)
            .map_err(refuted(output, REFUSED))?
    };
    if let Some(kept) = kept {
        let kept = Checkpoint::verify(&read(kept)?, key).map_err(refuted(output, REFUSED))?;
        shown.compare(&kept, output)?;
    }
    match output.format {
        Format::Json => output.json(&shown.json()),
        _ => output.answer(
            INCLUSION,
            &v1::GetInclusionProofResponse::default(),
            &shown.head(output),
            &shown.table(output),
        ),
    }
}

fn read(file: &Path) -> Result<String, Failure> {
    let mut text = String::new();
    let read = if file == Path::new("-") {
        std::io::stdin()
            .take(FILE_BYTES_MAX)
            .read_to_string(&mut text)
    } else {
        File::open(file).and_then(|opened| opened.take(FILE_BYTES_MAX).read_to_string(&mut text))
    };
    read.map_err(|error| Failure::new(USAGE, format!("{}: {error}", file.display())))?;
    Ok(text)
}

fn check_inclusion(proof: &v1::GetInclusionProofResponse, key: &str) -> Result<Shown, Error> {
    let checkpoint = Checkpoint::verify(&proof.checkpoint, key)?;
    let leaf = proof.leaf.clone().unwrap_or_default();
    let request_id = leaf.request_id.try_into();
    let record = Record {
        position: leaf.position,
        known_micros: leaf.known_micros,
        request_id: request_id.map_err(|_| malformed("the request id has not 16 bytes"))?,
        subject: leaf.subject.into(),
        payload: leaf.payload.into(),
    };
    let inclusion = Inclusion {
        record,
        tree_size: checkpoint.size,
        hashes: hashes(&proof.hashes)?,
    };
    inclusion.verify(&checkpoint.root)?;
    Ok(Shown::Inclusion(inclusion.record, checkpoint))
}

fn check_consistency(proof: &v1::GetConsistencyProofResponse, key: &str) -> Result<Shown, Error> {
    let from = Checkpoint::verify(&proof.from_checkpoint, key)?;
    let to = Checkpoint::verify(&proof.to_checkpoint, key)?;
    let hashes = hashes(&proof.hashes)?;
    verify_consistency(from.size, to.size, &from.root, &to.root, &hashes)?;
    Ok(Shown::Consistency(from, to))
}

fn hashes(hashes: &[Vec<u8>]) -> Result<Vec<[u8; 32]>, Error> {
    let hash = |hash: &Vec<u8>| hash.as_slice().try_into();
    let hashes = hashes.iter().map(hash).collect::<Result<_, _>>();
    hashes.map_err(|_| malformed("a hash has not 32 bytes"))
}

fn malformed(problem: &'static str) -> Error {
    Error::ProofRefuted { problem }
}

/// Turns what does not hold into a failure in the user's language.
fn refuted(output: Output, code: u8) -> impl Fn(Error) -> Failure + Copy {
    move |error| {
        let vi = "bằng chứng không đứng vững: nó đã bị đổi, hoặc không phải của sổ có khóa này: ";
        let lead = output.lang.pick(vi, "");
        Failure::new(code, format!("{lead}{error} [{}]", error.reason()))
    }
}

impl Shown {
    /// Whether a checkpoint that was kept is one of those that the proof leads to.
    fn compare(&self, kept: &Checkpoint, output: Output) -> Result<(), Failure> {
        let told = match self {
            Shown::Inclusion(_, checkpoint) => vec![checkpoint],
            Shown::Consistency(from, to) => vec![from, to],
        };
        let same_size = told.iter().find(|told| told.size == kept.size);
        let size = output.lang.count(kept.size);
        match same_size {
            Some(told) if told.root == kept.root => Ok(()),
            Some(_) => Err(Failure::new(
                REFUSED,
                output.lang.pick(
                    format!("sổ đã ký hai gốc khác nhau cho {size} sự kiện: lịch sử đã bị viết lại [LOG_FORKED]"),
                    format!("the log signed two different roots over {size} events: history was rewritten [LOG_FORKED]"),
                ),
            )),
            None => Err(Failure::new(
                REFUSED,
                output.lang.pick(
                    format!("bằng chứng không nói về sổ có {size} sự kiện mà bạn giữ; hãy dùng log prove --from {}", kept.size),
                    format!("the proof is not about the log of {size} events that was kept; ask for log prove --from {}", kept.size),
                ),
            )),
        }
    }

    fn head(&self, output: Output) -> String {
        let lang = output.lang;
        match self {
            Shown::Inclusion(_, Checkpoint { origin, size, .. }) => {
                let size = lang.count(*size);
                lang.pick(
                    format!("Đúng: sự kiện nằm trong sổ {origin} khi sổ có {size} sự kiện"),
                    format!("It holds: the event is in the log {origin} of {size} events"),
                )
            }
            Shown::Consistency(from, to) => {
                let (origin, from, to) = (&to.origin, lang.count(from.size), lang.count(to.size));
                lang.pick(
                    format!("Đúng: sổ {origin} chỉ được ghi thêm từ {from} đến {to} sự kiện"),
                    format!("It holds: the log {origin} only grew from {from} to {to} events"),
                )
            }
        }
    }

    fn table(&self, output: Output) -> Table {
        let lang = output.lang;
        match self {
            Shown::Inclusion(record, checkpoint) => {
                let instant = wire::time::of_micros(record.known_micros);
                let known = lang.instant(Some(&wire::time::to_wire(instant)));
                let mut table = Table::new(&[
                    number("position", "Vị trí", "Position"),
                    text("known", "Ghi sổ lúc", "Known"),
                    text("subject", "Về", "Subject"),
                    text("root", "Gốc", "Root"),
                ]);
                table.row([
                    Cell::with_raw(lang.count(record.position), record.position),
                    Cell::with_raw(known, instant),
                    (&*record.subject).into(),
                    hex::encode(checkpoint.root).into(),
                ]);
                table
            }
            Shown::Consistency(from, to) => {
                let mut table = Table::new(&[
                    number("size", "Số sự kiện", "Events"),
                    text("root", "Gốc", "Root"),
                ]);
                for checkpoint in [from, to] {
                    table.row([
                        Cell::with_raw(lang.count(checkpoint.size), checkpoint.size),
                        hex::encode(checkpoint.root).into(),
                    ]);
                }
                table
            }
        }
    }

    fn json(&self) -> Value {
        let head = |checkpoint: &Checkpoint| {
            json!({
                "origin": checkpoint.origin,
                "size": checkpoint.size,
                "root": hex::encode(checkpoint.root),
            })
        };
        match self {
            Shown::Inclusion(record, checkpoint) => json!({
                "proof": "inclusion",
                "position": record.position,
                "checkpoint": head(checkpoint),
            }),
            Shown::Consistency(from, to) => json!({
                "proof": "consistency",
                "fromCheckpoint": head(from),
                "toCheckpoint": head(to),
            }),
        }
    }
}
