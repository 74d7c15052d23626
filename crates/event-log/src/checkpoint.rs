//! Signed tree heads: what the log puts its name to, the key it does so with, and those it has given out.
//!
//! A tree head is a C2SP *checkpoint* (c2sp.org/tlog-checkpoint), a text that people and other programs read:
//!
//! ```text
//! tiendo/khanh-hoa                                  the origin: which log
//! 26274                                             its size in events
//! CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=      the root over so many events, base64
//!
//! — tiendo/khanh-hoa Az3grlgt…                      key id (4 bytes) and Ed25519 signature (64), base64
//! ```
//!
//! The lines up to the empty one are what is signed (c2sp.org/signed-note).
//! The public key is told as a *vkey*, `<name>+<key id>+<base64>`, and its name is the origin.
//!
//! Two files lie in the log's directory:
//!
//! - `signing-key`, mode 0600: one line `PRIVATE+KEY+<name>+<key id>+<base64 of 0x01 and the seed>`, the form that
//!   Go's `note` package and the tools built on it read.
//!   It is made at the first open, from the system's random numbers; written beside, synced and renamed, so that
//!   there is a whole key or none.
//!   It holds the origin: a log keeps the name under which it first signed.
//! - `checkpoints`: the checkpoints that were given out, newest last, each synced before anybody sees it.
//!   A log whose head lies before the newest, or that has another root at its size, was cut short or rewritten.
//!   What a crash left half written at the end was never given out, and is dropped.
//!   Past [`KEPT_BYTES_MAX`] the older half goes, since the newest commits to all of them.
//!
//! Whoever can write into the directory can replace both files: against that only a checkpoint helps that somebody
//! else kept, and every proof is checked against one.
//! A key is never made anew where checkpoints were signed: a lost key is an event that people must decide about.
//!
//! What was left out: times (they are no part of a checkpoint, the events carry theirs), more than one signature on
//! what we write (witnesses may add theirs, and [`Checkpoint::verify`] passes over them).

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Seek, SeekFrom, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};

use crate::Error;
use crate::chunk::Hash;

/// Longest origin, in bytes.
const ORIGIN_BYTES_MAX: usize = 255;
/// Longest checkpoint that is read, in bytes; room for the signatures of many witnesses.
const CHECKPOINT_BYTES_MAX: usize = 128 * 1024;
/// Bytes of the file of given checkpoints before the older half is removed: about five thousand of them.
const KEPT_BYTES_MAX: u64 = 1024 * 1024;
/// The signature type of signed-note's Ed25519.
const ED25519: u8 = 1;
/// Before each signature, by the format of a signed note.
const SIGNATURE_MARK: &str = "— ";
const KEY_FILE: &str = "signing-key";
pub(crate) const KEPT_FILE: &str = "checkpoints";

/// A tree head: a log said that it had `size` events, and that `root` is the root of the tree over them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log.
    pub origin: String,
    /// How many events.
    pub size: u64,
    /// The RFC 6962 root over them.
    pub root: [u8; 32],
}

impl Checkpoint {
    /// Reads what `text` says, without asking who signed it.
    ///
    /// # Errors
    /// [`Error::CheckpointRefused`] if it is no checkpoint in the form of a signed note.
    pub fn parse(text: &str) -> Result<Checkpoint, Error> {
        Note::parse(text)?.checkpoint()
    }

    /// Reads a checkpoint that was signed by the key `vkey`, whose name is the origin.
    ///
    /// Other signatures are passed over, as the format demands; lines after the root have no meaning here.
    ///
    /// # Errors
    /// [`Error::CheckpointRefused`] if the text or the vkey is malformed, or the key has not signed the text.
    pub fn verify(text: &str, vkey: &str) -> Result<Checkpoint, Error> {
        let (key, note) = (PublicKey::parse(vkey)?, Note::parse(text)?);
        key.verify(&note)?;
        let checkpoint = note.checkpoint()?;
        if checkpoint.origin == key.name {
            Ok(checkpoint)
        } else {
            Err(refused("it is signed by the key of another log"))
        }
    }

    /// The signed part.
    fn text(&self) -> String {
        let root = STANDARD.encode(self.root);
        format!("{}\n{}\n{root}\n", self.origin, self.size)
    }
}

/// A signed note, taken apart.
struct Note<'a> {
    /// What is signed, its last newline included.
    text: &'a str,
    /// Name, and key id with signature, of each signature.
    signatures: Vec<(&'a str, Vec<u8>)>,
}

impl<'a> Note<'a> {
    fn parse(note: &'a str) -> Result<Note<'a>, Error> {
        if note.len() > CHECKPOINT_BYTES_MAX {
            return Err(refused("it is too long"));
        }
        if note.chars().any(|char| char < ' ' && char != '\n') {
            return Err(refused("it holds control characters"));
        }
        let split = note.rfind("\n\n").ok_or(refused("it has no signature"))?;
        let (text, lines) = (&note[..=split], &note[split + 2..]);
        let lines = lines
            .strip_suffix('\n')
            .ok_or(refused("its last line is cut short"))?;
        let signature = |line: &'a str| {
            let (name, signature) = line.strip_prefix(SIGNATURE_MARK)?.split_once(' ')?;
            let signature = STANDARD.decode(signature).ok()?;
            (is_name(name) && signature.len() > 4).then_some((name, signature))
        };
        let signatures = lines.split('\n').map(signature).collect::<Option<Vec<_>>>();
        let signatures = signatures.ok_or(refused("a line of its signatures is malformed"))?;
        Ok(Note { text, signatures })
    }

    fn checkpoint(&self) -> Result<Checkpoint, Error> {
        let mut lines = self.text.split_terminator('\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next())
        else {
            return Err(refused("it has fewer than three lines"));
        };
        if origin.is_empty() || lines.any(str::is_empty) {
            return Err(refused("it has an empty line"));
        }
        let parsed = size.parse::<u64>().ok();
        // Only the one way to write a number: no sign, no leading zero.
        let size = parsed
            .filter(|parsed| parsed.to_string() == size)
            .ok_or(refused("its second line is no number of events"))?;
        let root = STANDARD.decode(root).ok();
        let root = root
            .and_then(|root| Hash::try_from(root).ok())
            .ok_or(refused("its third line is no root"))?;
        Ok(Checkpoint {
            origin: origin.to_owned(),
            size,
            root,
        })
    }
}

/// A key by which checkpoints are verified.
struct PublicKey {
    name: String,
    key: VerifyingKey,
}

impl PublicKey {
    fn parse(vkey: &str) -> Result<PublicKey, Error> {
        let malformed = "the key is not of the form name+id+base64";
        let mut parts = vkey.trim().splitn(3, '+');
        let (Some(name), Some(id), Some(encoded)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(refused(malformed));
        };
        let decoded = STANDARD.decode(encoded).map_err(|_| refused(malformed))?;
        let Some((&ED25519, key)) = decoded.split_first() else {
            return Err(refused("the key is not an Ed25519 key"));
        };
        let key = <[u8; 32]>::try_from(key).map_err(|_| refused("the key has another length"))?;
        let key = VerifyingKey::from_bytes(&key)
            .map_err(|_| refused("the key is no point on the curve"))?;
        let key = PublicKey {
            name: name.to_owned(),
            key,
        };
        if is_name(name) && key.id_digits() == id {
            Ok(key)
        } else {
            Err(refused("the key's id is not that of its name and bytes"))
        }
    }

    /// `SHA-256(name || 0x0A || 0x01 || public key)[:4]`.
    fn id(&self) -> [u8; 4] {
        let mut hash = Sha256::new();
        hash.update(&self.name);
        hash.update([b'\n', ED25519]);
        hash.update(self.key.as_bytes());
        let hash: Hash = hash.finalize().into();
        [hash[0], hash[1], hash[2], hash[3]]
    }

    fn id_digits(&self) -> String {
        crate::types::hex(&self.id())
    }

    fn vkey(&self) -> String {
        let bytes = typed(self.key.as_bytes());
        format!(
            "{}+{}+{}",
            self.name,
            self.id_digits(),
            STANDARD.encode(bytes)
        )
    }

    fn verify(&self, note: &Note<'_>) -> Result<(), Error> {
        let id = self.id();
        let mut signed = false;
        for (name, signature) in &note.signatures {
            let (key_id, signature) = signature.split_at(4);
            if *name != self.name || key_id != id {
                continue;
            }
            let signature = Signature::from_slice(signature);
            let signature = signature.map_err(|_| refused("its signature has another length"))?;
            self.key
                .verify_strict(note.text.as_bytes(), &signature)
                .map_err(|_| refused("its signature does not fit what it says"))?;
            signed = true;
        }
        if signed {
            Ok(())
        } else {
            Err(refused("it is not signed by the given key"))
        }
    }
}

/// A key's bytes after the byte that says which kind it is.
fn typed(key: &[u8; 32]) -> Vec<u8> {
    let mut bytes = vec![ED25519];
    bytes.extend_from_slice(key);
    bytes
}

/// A name of a key; it is also the origin.
fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= ORIGIN_BYTES_MAX
        && !name.contains(|c: char| c == '+' || c.is_whitespace() || c.is_control())
}

fn refused(problem: &'static str) -> Error {
    Error::CheckpointRefused { problem }
}

/// Signs tree heads.
pub(crate) struct Signer {
    key: SigningKey,
    public: PublicKey,
}

impl fmt::Debug for Signer {
    /// The public part alone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Signer").field(&self.vkey()).finish()
    }
}

impl Signer {
    /// Reads the key of the log in `directory`, or makes one if the log has never signed.
    ///
    /// # Errors
    /// [`Error::SigningKey`] if the key is malformed, was made for another origin, or is missing where checkpoints
    /// were signed; [`Error::Options`] for an origin that cannot be a name; what the disk says.
    pub(crate) fn open(directory: &Path, origin: &str) -> Result<Signer, Error> {
        if !is_name(origin) {
            return Err(Error::Options {
                problem: "origin must be 1 to 255 bytes without spaces and plus signs",
            });
        }
        let path = directory.join(KEY_FILE);
        match fs::read_to_string(&path) {
            Ok(line) => {
                warn_if_readable_by_others(&path);
                let signer = Signer::parse(&line)?;
                if signer.public.name == origin {
                    return Ok(signer);
                }
                let of = &signer.public.name;
                Err(signing_key(format!(
                    "it was made for the origin {of:?}, but the log is opened as {origin:?}"
                )))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Signer::make(directory, origin),
            Err(error) => Err(Error::io("read the signing key")(error)),
        }
    }

    /// A new key, once it is safely on the disk.
    fn make(directory: &Path, origin: &str) -> Result<Signer, Error> {
        let kept = fs::metadata(directory.join(KEPT_FILE));
        if kept.is_ok_and(|metadata| metadata.len() > 0) {
            return Err(signing_key(format!(
                "{KEY_FILE} is missing although tree heads were signed; put it back from its copy, \
                 or remove {KEPT_FILE} to begin with a new key, and tell those who hold the old one"
            )));
        }
        let mut seed = [0; 32];
        getrandom::fill(&mut seed)
            .map_err(|error| signing_key(format!("the system gives no random numbers: {error}")))?;
        let signer = Signer::of(origin, &seed);
        let writing = Error::io("write the signing key");
        replace_file(directory, KEY_FILE, signer.line().as_bytes()).map_err(writing)?;
        let vkey = signer.vkey();
        tracing::info!(vkey, "made the key that signs tree heads: {vkey}");
        Ok(signer)
    }

    fn of(name: &str, seed: &[u8; 32]) -> Signer {
        let key = SigningKey::from_bytes(seed);
        let public = PublicKey {
            name: name.to_owned(),
            key: key.verifying_key(),
        };
        Signer { key, public }
    }

    /// The line of the key file.
    fn line(&self) -> String {
        let seed = STANDARD.encode(typed(self.key.as_bytes()));
        let (name, id) = (&self.public.name, self.public.id_digits());
        format!("PRIVATE+KEY+{name}+{id}+{seed}\n")
    }

    fn parse(line: &str) -> Result<Signer, Error> {
        let malformed = || {
            signing_key(format!(
                "{KEY_FILE} is malformed; put it back from its copy"
            ))
        };
        let line = line.strip_prefix("PRIVATE+KEY+").ok_or_else(malformed)?;
        let mut parts = line.trim_end().splitn(3, '+');
        let (Some(name), Some(id), Some(encoded)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(malformed());
        };
        let decoded = STANDARD.decode(encoded).map_err(|_| malformed())?;
        let Some((&ED25519, seed)) = decoded.split_first() else {
            return Err(malformed());
        };
        let seed = <[u8; 32]>::try_from(seed).map_err(|_| malformed())?;
        let signer = Signer::of(name, &seed);
        if is_name(name) && signer.public.id_digits() == id {
            Ok(signer)
        } else {
            Err(malformed())
        }
    }

    /// The signed tree head of `size` events with the root `root`.
    pub(crate) fn sign(&self, size: u64, root: Hash) -> String {
        let origin = self.public.name.clone();
        let text = Checkpoint { origin, size, root }.text();
        let mut signature = self.public.id().to_vec();
        signature.extend_from_slice(&self.key.sign(text.as_bytes()).to_bytes());
        let (name, signature) = (&self.public.name, STANDARD.encode(signature));
        format!("{text}\n{SIGNATURE_MARK}{name} {signature}\n")
    }

    /// The public key, `<name>+<key id>+<base64>`.
    pub(crate) fn vkey(&self) -> String {
        self.public.vkey()
    }
}

fn signing_key(problem: String) -> Error {
    Error::SigningKey { problem }
}

fn warn_if_readable_by_others(path: &Path) {
    let mode = fs::metadata(path).map_or(0, |metadata| metadata.permissions().mode());
    if mode & 0o077 != 0 {
        let path = path.display();
        tracing::warn!(%path, "others may read {path}: give it mode 0600");
    }
}

/// The checkpoints that were given out.
#[derive(Debug)]
pub(crate) struct Checkpoints {
    directory: Arc<Path>,
    file: File,
    bytes: u64,
    newest: Option<(Checkpoint, String)>,
}

impl Checkpoints {
    /// Reads the checkpoints kept in `directory`, which were signed by the key `vkey`.
    ///
    /// # Errors
    /// What the disk says.
    pub(crate) fn open(directory: &Path, vkey: &str) -> Result<Checkpoints, Error> {
        let opening = Error::io("read the signed tree heads");
        let cutting = |error| Error::io("cut the signed tree heads")(error);
        let (mut file, text) = open_kept(directory).map_err(opening)?;
        let (mut whole, mut newest) = (0, None);
        for (end, note) in notes(&text) {
            match Checkpoint::verify(note, vkey) {
                Ok(checkpoint) => {
                    whole = end;
                    newest = Some((checkpoint, note.to_owned()));
                }
                Err(error) => {
                    tracing::warn!(%error, "a tree head that was kept is passed over: {error}");
                }
            }
        }
        let bytes = whole as u64;
        if file.metadata().map_err(cutting)?.len() != bytes {
            file.set_len(bytes).map_err(cutting)?;
        }
        file.seek(SeekFrom::Start(bytes)).map_err(cutting)?;
        Ok(Checkpoints {
            directory: directory.into(),
            file,
            bytes,
            newest,
        })
    }

    /// The newest checkpoint that was given out, and its text.
    pub(crate) fn newest(&self) -> Option<&(Checkpoint, String)> {
        self.newest.as_ref()
    }

    /// Keeps a checkpoint of a larger tree than the newest, durably; only then may it be given out.
    ///
    /// One of a size that is not larger adds nothing and is not kept.
    ///
    /// # Errors
    /// [`Error::CheckpointRefused`] if it is none; what the disk says: then it must not be given out.
    pub(crate) fn remember(&mut self, text: &str) -> Result<(), Error> {
        let checkpoint = Checkpoint::parse(text)?;
        if let Some((newest, _)) = &self.newest
            && newest.size >= checkpoint.size
        {
            return Ok(());
        }
        let keeping = Error::io("keep a signed tree head");
        self.append(text).map_err(keeping)?;
        self.newest = Some((checkpoint, text.to_owned()));
        Ok(())
    }

    fn append(&mut self, text: &str) -> io::Result<()> {
        if self.bytes + text.len() as u64 > KEPT_BYTES_MAX {
            self.thin()?;
        }
        let written = self
            .file
            .write_all(text.as_bytes())
            .and_then(|()| self.file.sync_data());
        if written.is_err() {
            // The next one must not follow on half of this one; where even this fails, opening cuts it.
            let _ = self.file.set_len(self.bytes);
            let _ = self.file.seek(SeekFrom::Start(self.bytes));
            return written;
        }
        self.bytes += text.len() as u64;
        Ok(())
    }

    /// Keeps the newer half.
    fn thin(&mut self) -> io::Result<()> {
        let text = fs::read_to_string(self.directory.join(KEPT_FILE))?;
        let half = notes(&text)
            .map(|(end, _)| end)
            .find(|end| *end >= text.len() / 2)
            .unwrap_or(0);
        replace_file(&self.directory, KEPT_FILE, &text.as_bytes()[half..])?;
        let (file, text) = open_kept(&self.directory)?;
        self.file = file;
        self.bytes = text.len() as u64;
        Ok(())
    }
}

/// The file, at its end, and what it holds up to the first byte that is no text.
fn open_kept(directory: &Path) -> io::Result<(File, String)> {
    let path = directory.join(KEPT_FILE);
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)?;
    file.seek(SeekFrom::End(0))?;
    let mut bytes = fs::read(&path)?;
    let whole = match str::from_utf8(&bytes) {
        Ok(_) => bytes.len(),
        Err(error) => error.valid_up_to(),
    };
    bytes.truncate(whole);
    let text = String::from_utf8(bytes).map_err(io::Error::other)?;
    Ok((file, text))
}

/// Each note with the byte at which it ends; one that does not end is left out.
pub(crate) fn notes(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut begin = 0;
    let mut end = 0;
    let lines = text.split_inclusive('\n');
    lines.filter_map(move |line| {
        end += line.len();
        // We write one signature, and a signature ends a note.
        if !(line.starts_with(SIGNATURE_MARK) && line.ends_with('\n')) {
            return None;
        }
        let note = &text[begin..end];
        begin = end;
        Some((end, note))
    })
}

/// Gives a file new content: the old or the new, whatever happens; readable by its owner alone.
///
/// # Errors
/// What the file system says; the old content stands then, or the new.
pub fn replace_file(directory: &Path, name: &str, content: &[u8]) -> io::Result<()> {
    let beside = directory.join(format!("{name}.new"));
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&beside)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&beside, directory.join(name))?;
    File::open(directory)?.sync_all()
}

#[cfg(test)]
#[path = "checkpoint_tests.rs"]
mod tests;
