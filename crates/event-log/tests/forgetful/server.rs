//! The kernel's calls, carried out on the disk.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fuser::{
    BsdFileFlags, Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags, Generation,
    INodeNo, LockOwner, OpenFlags, RenameFlags, ReplyAttr, ReplyCreate, ReplyData, ReplyDirectory,
    ReplyEmpty, ReplyEntry, ReplyOpen, ReplyStatfs, ReplyWrite, Request, TimeOrNow, WriteFlags,
};

use super::disk::{Disk, Names, Node, Trouble};
use super::file::{File, PAGE_BYTES};
use super::{Kind, Shared, World};

/// The kernel asks each time.
const TTL: Duration = Duration::ZERO;
const GENERATION: Generation = Generation(0);

/// What a directory held when it was opened.
type Listing = Vec<(u64, FileType, OsString)>;

/// The kernel's side of the file system.
pub(super) struct Server {
    shared: Shared,
    /// Directories that are being read.
    listings: Mutex<BTreeMap<u64, Listing>>,
}

fn errno(trouble: Trouble) -> Errno {
    match trouble {
        Trouble::Io => Errno::EIO,
        Trouble::NoSpace => Errno::ENOSPC,
        Trouble::Missing => Errno::ENOENT,
        Trouble::Exists => Errno::EEXIST,
        Trouble::NotEmpty => Errno::ENOTEMPTY,
        Trouble::IsDirectory => Errno::EISDIR,
        Trouble::NotDirectory => Errno::ENOTDIR,
        Trouble::Invalid => Errno::EINVAL,
    }
}

fn kind(node: &Node) -> FileType {
    match node {
        Node::File(_) => FileType::RegularFile,
        Node::Directory { .. } => FileType::Directory,
    }
}

fn attributes(disk: &Disk, number: u64, caller: &Request) -> Result<FileAttr, Trouble> {
    let node = disk.node(number)?;
    let (size, pages, perm) = match node {
        Node::File(file) => (file.now.size, file.now.pages.len() as u64, 0o644),
        Node::Directory { .. } => (0, 0, 0o755),
    };
    Ok(FileAttr {
        ino: INodeNo(number),
        size,
        blocks: pages * (PAGE_BYTES as u64 / 512),
        atime: UNIX_EPOCH,
        mtime: UNIX_EPOCH,
        ctime: UNIX_EPOCH,
        crtime: UNIX_EPOCH,
        kind: kind(node),
        perm,
        nlink: 1,
        uid: caller.uid(),
        gid: caller.gid(),
        rdev: 0,
        blksize: PAGE_BYTES as u32,
        flags: 0,
    })
}

impl Server {
    pub(super) fn new(shared: Shared) -> Server {
        Server {
            shared,
            listings: Mutex::default(),
        }
    }

    /// Counts the call, has it fail if it is to fail, or carries it out.
    fn carry_out<T>(
        &self,
        kind: Kind,
        act: impl FnOnce(&mut World) -> Result<T, Trouble>,
    ) -> Result<T, Errno> {
        let mut world = self.shared.world();
        let done = world.admit(kind).and_then(|()| act(&mut world));
        if done.is_ok() {
            world.completed[kind as usize] += 1;
        }
        done.map_err(errno)
    }

    /// What is neither counted nor made to fail.
    fn look<T>(&self, act: impl FnOnce(&mut Disk) -> Result<T, Trouble>) -> Result<T, Errno> {
        act(&mut self.shared.world().disk).map_err(errno)
    }
}

fn empty(reply: ReplyEmpty, done: Result<(), Errno>) {
    match done {
        Ok(()) => reply.ok(),
        Err(errno) => reply.error(errno),
    }
}

impl Filesystem for Server {
    fn lookup(&self, caller: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        match self.look(|disk| attributes(disk, disk.look_up(parent.0, name)?, caller)) {
            Ok(attributes) => reply.entry(&TTL, &attributes, GENERATION),
            Err(errno) => reply.error(errno),
        }
    }

    fn getattr(
        &self,
        caller: &Request,
        number: INodeNo,
        _handle: Option<FileHandle>,
        reply: ReplyAttr,
    ) {
        match self.look(|disk| attributes(disk, number.0, caller)) {
            Ok(attributes) => reply.attr(&TTL, &attributes),
            Err(errno) => reply.error(errno),
        }
    }

    fn setattr(
        &self,
        caller: &Request,
        number: INodeNo,
        _mode: Option<u32>,
        _uid: Option<u32>,
        _gid: Option<u32>,
        size: Option<u64>,
        _atime: Option<TimeOrNow>,
        _mtime: Option<TimeOrNow>,
        _ctime: Option<SystemTime>,
        _handle: Option<FileHandle>,
        _crtime: Option<SystemTime>,
        _chgtime: Option<SystemTime>,
        _bkuptime: Option<SystemTime>,
        _flags: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let resized = match size {
            Some(size) => self.carry_out(Kind::Write, |world| world.disk.resize(number.0, size)),
            None => Ok(()),
        };
        let attributes =
            resized.and_then(|()| self.look(|disk| attributes(disk, number.0, caller)));
        match attributes {
            Ok(attributes) => reply.attr(&TTL, &attributes),
            Err(errno) => reply.error(errno),
        }
    }

    fn mkdir(
        &self,
        caller: &Request,
        parent: INodeNo,
        name: &OsStr,
        _mode: u32,
        _umask: u32,
        reply: ReplyEntry,
    ) {
        let made = self.carry_out(Kind::Create, |world| {
            let (now, durable) = (Names::new(), Names::new());
            let node = Node::Directory { now, durable };
            let number = world.disk.create(parent.0, name, node)?;
            attributes(&world.disk, number, caller)
        });
        match made {
            Ok(attributes) => reply.entry(&TTL, &attributes, GENERATION),
            Err(errno) => reply.error(errno),
        }
    }

    fn create(
        &self,
        caller: &Request,
        parent: INodeNo,
        name: &OsStr,
        _mode: u32,
        _umask: u32,
        _flags: i32,
        reply: ReplyCreate,
    ) {
        let made = self.carry_out(Kind::Create, |world| {
            let node = Node::File(File::default());
            let number = world.disk.create(parent.0, name, node)?;
            world.disk.opened(number);
            attributes(&world.disk, number, caller)
        });
        match made {
            Ok(attributes) => {
                let (handle, flags) = (FileHandle(attributes.ino.0), FopenFlags::FOPEN_DIRECT_IO);
                reply.created(&TTL, &attributes, GENERATION, handle, flags);
            }
            Err(errno) => reply.error(errno),
        }
    }

    fn unlink(&self, _caller: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        let removed = self.carry_out(Kind::Unlink, |world| world.disk.remove(parent.0, name));
        empty(reply, removed);
    }

    fn rmdir(&self, _caller: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        let removed = self.carry_out(Kind::Unlink, |world| world.disk.remove(parent.0, name));
        empty(reply, removed);
    }

    fn rename(
        &self,
        _caller: &Request,
        parent: INodeNo,
        name: &OsStr,
        parent_then: INodeNo,
        name_then: &OsStr,
        flags: RenameFlags,
        reply: ReplyEmpty,
    ) {
        let renamed = self.carry_out(Kind::Rename, |world| {
            if flags.is_empty() {
                world
                    .disk
                    .rename((parent.0, name), (parent_then.0, name_then))
            } else {
                Err(Trouble::Invalid)
            }
        });
        empty(reply, renamed);
    }

    fn open(&self, _caller: &Request, number: INodeNo, _flags: OpenFlags, reply: ReplyOpen) {
        let opened = self.look(|disk| {
            disk.file(number.0)?;
            disk.opened(number.0);
            Ok(())
        });
        match opened {
            Ok(()) => reply.opened(FileHandle(number.0), FopenFlags::FOPEN_DIRECT_IO),
            Err(errno) => reply.error(errno),
        }
    }

    fn release(
        &self,
        _caller: &Request,
        number: INodeNo,
        _handle: FileHandle,
        _flags: OpenFlags,
        _owner: Option<LockOwner>,
        _flush: bool,
        reply: ReplyEmpty,
    ) {
        self.shared.world().disk.closed(number.0);
        reply.ok();
    }

    fn read(
        &self,
        _caller: &Request,
        number: INodeNo,
        _handle: FileHandle,
        offset: u64,
        size: u32,
        _flags: OpenFlags,
        _owner: Option<LockOwner>,
        reply: ReplyData,
    ) {
        let range = offset..offset + u64::from(size);
        match self.shared.world().read(number.0, range) {
            Ok(bytes) => reply.data(&bytes),
            Err(trouble) => reply.error(errno(trouble)),
        }
    }

    fn write(
        &self,
        _caller: &Request,
        number: INodeNo,
        _handle: FileHandle,
        offset: u64,
        data: &[u8],
        _write_flags: WriteFlags,
        _flags: OpenFlags,
        _owner: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        match self.shared.world().write(number.0, offset, data) {
            Ok(count) => reply.written(count as u32),
            Err(trouble) => reply.error(errno(trouble)),
        }
    }

    /// The kernel does not ask again, and a process that ends never waits for itself to answer.
    fn flush(
        &self,
        _caller: &Request,
        _number: INodeNo,
        _handle: FileHandle,
        _owner: LockOwner,
        reply: ReplyEmpty,
    ) {
        reply.error(Errno::ENOSYS);
    }

    fn fsync(
        &self,
        _caller: &Request,
        number: INodeNo,
        _handle: FileHandle,
        _datasync: bool,
        reply: ReplyEmpty,
    ) {
        let mut world = self.shared.world();
        let synced = match world.admit(Kind::Sync) {
            Ok(()) if world.lies => Ok(()),
            Ok(()) => world.disk.sync(number.0),
            Err(trouble) => {
                world.disk.fail_to_sync(number.0);
                Err(trouble)
            }
        };
        if synced.is_ok() {
            world.completed[Kind::Sync as usize] += 1;
        }
        drop(world);
        empty(reply, synced.map_err(errno));
    }

    fn opendir(&self, _caller: &Request, number: INodeNo, _flags: OpenFlags, reply: ReplyOpen) {
        let listed = self.carry_out(Kind::Read, |world| {
            let names = world.disk.names(number.0)?;
            let entries = names
                .iter()
                .map(|(name, number)| Ok((*number, kind(world.disk.node(*number)?), name.clone())));
            let dots = [".", ".."].map(|dots| Ok((number.0, FileType::Directory, dots.into())));
            dots.into_iter().chain(entries).collect::<Result<_, _>>()
        });
        let mut listings = self.listings.lock().unwrap_or_else(PoisonError::into_inner);
        let handle = listings.last_key_value().map_or(1, |(last, _)| last + 1);
        match listed {
            Ok(listing) => {
                listings.insert(handle, listing);
                reply.opened(FileHandle(handle), FopenFlags::empty());
            }
            Err(errno) => reply.error(errno),
        }
    }

    fn readdir(
        &self,
        _caller: &Request,
        _number: INodeNo,
        handle: FileHandle,
        offset: u64,
        mut reply: ReplyDirectory,
    ) {
        let listings = self.listings.lock().unwrap_or_else(PoisonError::into_inner);
        let listing = listings.get(&handle.0).into_iter().flatten();
        for (at, (number, kind, name)) in listing.enumerate().skip(offset as usize) {
            if reply.add(INodeNo(*number), at as u64 + 1, *kind, name) {
                break;
            }
        }
        reply.ok();
    }

    fn releasedir(
        &self,
        _caller: &Request,
        _number: INodeNo,
        handle: FileHandle,
        _flags: OpenFlags,
        reply: ReplyEmpty,
    ) {
        let mut listings = self.listings.lock().unwrap_or_else(PoisonError::into_inner);
        listings.remove(&handle.0);
        reply.ok();
    }

    fn fsyncdir(
        &self,
        _caller: &Request,
        number: INodeNo,
        _handle: FileHandle,
        _datasync: bool,
        reply: ReplyEmpty,
    ) {
        let synced = self.carry_out(Kind::Sync, |world| {
            if !world.lies {
                world.disk.sync_names(number.0);
            }
            Ok(())
        });
        empty(reply, synced);
    }

    fn statfs(&self, _caller: &Request, _number: INodeNo, reply: ReplyStatfs) {
        let world = self.shared.world();
        let disk = &world.disk;
        let (free, bytes) = (disk.free_pages(), PAGE_BYTES as u32);
        let blocks = free + disk.used_pages();
        reply.statfs(blocks, free, free, 1 << 20, 1 << 20, bytes, 255, bytes);
    }
}
