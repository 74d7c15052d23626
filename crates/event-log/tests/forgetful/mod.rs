//! A file system that forgets, in memory and mounted with FUSE: what was not synced is gone when the power is cut.
//!
//! # What is durable
//!
//! Every file has a present and a durable content in pages of 4 KiB, every directory present and durable names.
//! `fsync` and `fdatasync` of a file make its pages and its size durable, and nothing else: not its name.
//! `fsync` of a directory makes the changes of its names durable; a rename is one change, so that its end in
//! another directory comes along, as in every file system with a journal.
//! ext4 would also keep the name of a new file that was synced; the stricter rule of POSIX holds here.
//! `sync_file_range` never reaches a FUSE file system, and makes nothing durable on a disk either.
//! Files are opened for direct I/O, so that each read and write arrives at once and in order.
//!
//! # A power cut
//!
//! [`Forgetful::freeze`] keeps the present moment, [`Forgetful::at_change`] the moment before a change to come.
//! An [`Image`] of it is what would be found afterwards:
//!
//! - [`Mode::Synced`]: the durable content under the durable names.
//! - [`Mode::Torn`]: each unsynced page may also be as it was at some time since its last sync, each size anything
//!   between the durable and the present one, and some changes of names survive: either the first few, as with a
//!   journal of names, or any of them.
//!   A page is never torn within, and a name never leads to nothing: it leads to a file, though perhaps an empty one.
//!
//! [`Mode::All`] is what a machine leaves that was shut down in good order.
//! A process that dies while the machine goes on leaves the present state, unsynced as it is:
//! [`Forgetful::going_on`].
//!
//! # Failures
//!
//! [`Forgetful::fail`] lets one call fail, or all from one on.
//! A page that was read or written stays in memory, as with Linux: reading it again neither counts nor fails, until
//! [`Forgetful::forget_pages`].
//! After a failed sync the pages count as clean, as with Linux: a later sync succeeds and does not write them.
//! [`Forgetful::leave_pages`] fills the disk: writes into existing pages succeed, new ones get ENOSPC, and removing
//! a file gives its pages back.
//! [`Forgetful::lie_about_sync`] answers syncs and does nothing.
//!
//! # Left out
//!
//! Links, permissions, times, holes punched, whole-system `sync`: the log uses none of them.

#![expect(clippy::unwrap_used, reason = "a test panics")]
#![expect(dead_code, reason = "each story uses its part")]

pub(crate) mod backup;
pub(crate) mod disk;
mod file;
pub(crate) mod image;
pub(crate) mod promises;
mod server;
pub(crate) mod trial;
mod watch;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fuser::{BackgroundSession, Config, MountOption, SessionACL};

use disk::Disk;
pub(crate) use disk::Trouble;
pub(crate) use image::{Frozen, Image, Mode};
use watch::Watch;

/// What a call does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Of a directory, or of a page of a file that is not in memory yet.
    Read,
    /// Also a change of a file's size.
    Write,
    /// Of a file or a directory.
    Sync,
    /// Of a file or a directory.
    Create,
    Rename,
    /// Of a file or a directory.
    Unlink,
}

/// Which calls are to fail.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Calls {
    /// The n-th from now of this kind, once.
    Nth(Kind, u64),
    /// The n-th from now of this kind and all later ones, until lifted.
    From(Kind, u64),
    /// The n-th change from now (anything but a read), once.
    NthChange(u64),
    /// The n-th change from now and all later ones, until lifted.
    FromChange(u64),
}

struct Fault {
    /// All but reads when there is none.
    kind: Option<Kind>,
    at: u64,
    lasts: bool,
    trouble: Trouble,
}

type Hook = Box<dyn FnOnce(Frozen) + Send>;

/// The disk, and what is to happen on it.
struct World {
    disk: Disk,
    calls: [u64; 6],
    completed: [u64; 6],
    changes: u64,
    faults: Vec<Fault>,
    failed: u64,
    hooks: BTreeMap<u64, Hook>,
    lies: bool,
    /// Pages of files that are in memory.
    cached: BTreeSet<(u64, u64)>,
}

impl World {
    fn of(disk: Disk) -> World {
        World {
            disk,
            calls: [0; 6],
            completed: [0; 6],
            changes: 0,
            faults: Vec::new(),
            failed: 0,
            hooks: BTreeMap::new(),
            lies: false,
            cached: BTreeSet::new(),
        }
    }

    /// Counts a call; the trouble it is to have.
    fn admit(&mut self, kind: Kind) -> Result<(), Trouble> {
        self.calls[kind as usize] += 1;
        if kind != Kind::Read {
            self.changes += 1;
            if let Some(hook) = self.hooks.remove(&self.changes) {
                hook(Frozen(self.disk.clone()));
            }
        }
        let (calls, changes) = (self.calls[kind as usize], self.changes);
        let hit = self.faults.iter().find(|fault| {
            let count = match fault.kind {
                Some(of) if of == kind => calls,
                None if kind != Kind::Read => changes,
                _ => return false,
            };
            count == fault.at || fault.lasts && count > fault.at
        });
        match hit {
            Some(fault) => {
                self.failed += 1;
                Err(fault.trouble)
            }
            None => Ok(()),
        }
    }
}

impl World {
    /// Reads from memory, else from the disk.
    fn read(&mut self, number: u64, range: Range<u64>) -> Result<Vec<u8>, Trouble> {
        let bytes = self.disk.file(number)?.now.read(range.clone());
        let pages = pages(number, range.start..range.start + bytes.len() as u64);
        if !pages.clone().all(|page| self.cached.contains(&page)) {
            self.admit(Kind::Read)?;
            self.completed[Kind::Read as usize] += 1;
            self.cached.extend(pages);
        }
        Ok(bytes)
    }

    fn write(&mut self, number: u64, at: u64, bytes: &[u8]) -> Result<usize, Trouble> {
        self.admit(Kind::Write)?;
        let count = self.disk.write(number, at, bytes)?;
        self.completed[Kind::Write as usize] += 1;
        self.cached.extend(pages(number, at..at + count as u64));
        Ok(count)
    }
}

/// The pages of a file that some of its bytes lie in.
fn pages(number: u64, bytes: Range<u64>) -> impl Iterator<Item = (u64, u64)> + Clone {
    let page = disk::PAGE_BYTES as u64;
    (bytes.start / page..bytes.end.div_ceil(page)).map(move |page| (number, page))
}

#[derive(Clone)]
struct Shared(Arc<Mutex<World>>);

impl Shared {
    fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A mounted file system; unmounted with the value, whoever still holds files open.
pub(crate) struct Forgetful {
    shared: Shared,
    session: Option<BackgroundSession>,
    mount: tempfile::TempDir,
    _watch: Watch,
}

impl Forgetful {
    /// An empty one; `None`, with a line on stderr, where nothing can be mounted.
    ///
    /// With `TIENDO_REQUIRE_FUSE=1` that is a failure instead.
    pub(crate) fn mount() -> Option<Forgetful> {
        Forgetful::holding(&Image::default())
    }

    /// One that holds `image`, as after the power came back.
    pub(crate) fn holding(image: &Image) -> Option<Forgetful> {
        Forgetful::with(Disk::holding(image))
    }

    /// One that goes on from a moment, as after a process was killed: what is unsynced is there and still unsynced.
    pub(crate) fn going_on(Frozen(mut disk): Frozen) -> Option<Forgetful> {
        disk.close_all();
        disk.pages_max = None;
        Forgetful::with(disk)
    }

    #[expect(
        clippy::disallowed_methods,
        clippy::print_stderr,
        reason = "a test that cannot run says so, unless it must run"
    )]
    fn with(disk: Disk) -> Option<Forgetful> {
        match Forgetful::try_with(disk) {
            Ok(forgetful) => Some(forgetful),
            Err(error) => {
                let must = std::env::var("TIENDO_REQUIRE_FUSE").is_ok_and(|value| value == "1");
                assert!(!must, "cannot mount a FUSE file system: {error}");
                eprintln!("skipped: cannot mount a FUSE file system ({error}); install fuse3");
                None
            }
        }
    }

    fn try_with(disk: Disk) -> std::io::Result<Forgetful> {
        let shared = Shared(Arc::new(Mutex::new(World::of(Disk::elsewhere()))));
        let mount = tempfile::tempdir()?;
        let watch = Watch::over(format!("work on {}", mount.path().display()));
        let mut config = Config::default();
        config.mount_options = vec![MountOption::FSName("forgetful".into())];
        let server = || server::Server::new(shared.clone());
        // The helper that unmounts for a killed process asks for rights that not every machine gives.
        let mut helped = config.clone();
        helped.mount_options.push(MountOption::AutoUnmount);
        helped.acl = SessionACL::All;
        let session = fuser::spawn_mount(server(), mount.path(), &helped)
            .or_else(|_| fuser::spawn_mount(server(), mount.path(), &config))?;
        // The first close of a file waits to be answered; whoever is killed could wait for himself then, and for ever.
        drop(std::fs::File::create(mount.path().join("first"))?);
        *shared.world() = World::of(disk);
        Ok(Forgetful {
            shared,
            session: Some(session),
            _watch: watch,
            mount,
        })
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.shared.world()
    }

    /// Where a log may live; its parent is inside as well.
    pub(crate) fn directory(&self) -> PathBuf {
        self.mount.path().join("log")
    }

    /// Where it is mounted.
    pub(crate) fn root(&self) -> &Path {
        self.mount.path()
    }

    /// Everything as it is at this moment.
    pub(crate) fn freeze(&self) -> Frozen {
        Frozen(self.world().disk.clone())
    }

    /// What a power cut at this moment leaves, in a plain directory.
    pub(crate) fn image(&self, mode: Mode) -> std::io::Result<tempfile::TempDir> {
        self.freeze().image(mode).to_directory()
    }

    /// Calls `hook` before the n-th change from now (anything but a read), while no call can complete.
    pub(crate) fn at_change(&self, nth: u64, hook: impl FnOnce(Frozen) + Send + 'static) {
        let mut world = self.world();
        let at = world.changes + nth;
        world.hooks.insert(at, Box::new(hook));
    }

    pub(crate) fn fail(&self, calls: Calls, trouble: Trouble) {
        let mut world = self.world();
        let (kind, nth, lasts) = match calls {
            Calls::Nth(kind, nth) => (Some(kind), nth, false),
            Calls::From(kind, nth) => (Some(kind), nth, true),
            Calls::NthChange(nth) => (None, nth, false),
            Calls::FromChange(nth) => (None, nth, true),
        };
        let so_far = kind.map_or(world.changes, |kind| world.calls[kind as usize]);
        world.faults.push(Fault {
            kind,
            at: so_far + nth,
            lasts,
            trouble,
        });
    }

    /// Lets go of all pages in memory, so that reading goes to the disk.
    pub(crate) fn forget_pages(&self) {
        self.world().cached.clear();
    }

    /// Leaves room for so many new pages.
    pub(crate) fn leave_pages(&self, pages: u64) {
        let mut world = self.world();
        world.disk.pages_max = Some(world.disk.used_pages() + pages);
    }

    /// Ends all failures, also the full disk.
    pub(crate) fn lift(&self) {
        let mut world = self.world();
        world.faults.clear();
        world.disk.pages_max = None;
    }

    pub(crate) fn lie_about_sync(&self, lies: bool) {
        self.world().lies = lies;
    }

    /// Calls of this kind so far, failed ones included.
    pub(crate) fn calls(&self, kind: Kind) -> u64 {
        self.world().calls[kind as usize]
    }

    /// Calls of this kind that succeeded so far.
    pub(crate) fn completed(&self, kind: Kind) -> u64 {
        self.world().completed[kind as usize]
    }

    /// Calls of all kinds but reads so far.
    pub(crate) fn changes(&self) -> u64 {
        self.world().changes
    }

    /// Calls that were made to fail so far.
    pub(crate) fn failed(&self) -> u64 {
        self.world().failed
    }
}

impl Drop for Forgetful {
    fn drop(&mut self) {
        // Lazily, since a writer that stopped keeps its files open for ever.
        let ways: [(&str, &[&str]); 2] = [("fusermount3", &["-u", "-z"]), ("umount", &["-l"])];
        for (program, options) in ways {
            let mut command = Command::new(program);
            let command = command.args(options).arg(self.mount.path());
            let ended = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
            if ended.is_ok_and(|status| status.success()) {
                break;
            }
        }
        drop(self.session.take());
        self.world().hooks.clear();
    }
}
