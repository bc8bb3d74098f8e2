//! SQLite's write-ahead log, read from outside the process that writes it.
//!
//! The format is <https://sqlite.org/fileformat2.html#walformat>: a header of 32 bytes, then frames of 24 bytes and
//! a page each. A frame belongs to the log when it repeats the header's salts and its checksum continues the one of
//! the frame before it; a frame ends a transaction when its second word, the database's size, isn't zero.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

const HEADER: usize = 32;
const FRAME_HEADER: usize = 24;
const BIG_ENDIAN_SUMS: u32 = 0x377f_0683;

/// How far a log goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    header: [u8; HEADER],
    /// Frames up to the end of the last transaction that is whole.
    pub(super) committed: u64,
    /// Whole frames, those of a transaction without its end among them.
    pub(super) whole: u64,
    sums: (u32, u32),
}

impl Extent {
    /// Whether the log ends in frames of a transaction whose end is missing.
    pub(super) fn is_torn(&self) -> bool {
        self.whole > self.committed
    }

    fn begin(header: [u8; HEADER]) -> Self {
        let (_, seed) = header.split_at(HEADER - 8);
        Self { header, committed: 0, whole: 0, sums: (word(seed, 0), word(seed, 1)) }
    }

    fn page_size(&self) -> usize {
        usize::try_from(word(&self.header, 2)).unwrap()
    }

    fn offset(&self, frame: u64) -> u64 {
        (HEADER as u64) + frame * (FRAME_HEADER + self.page_size()) as u64
    }

    /// Goes on over the frames that are there by now.
    fn walk(&mut self, log: &File) {
        let mut frame = vec![0; FRAME_HEADER + self.page_size()];
        while read(log, self.offset(self.whole), &mut frame) == frame.len() {
            let Some(sums) = self.continued_by(&frame) else { return };
            self.sums = sums;
            self.whole += 1;
            if word(&frame, 1) != 0 {
                self.committed = self.whole;
            }
        }
    }

    fn continued_by(&self, frame: &[u8]) -> Option<(u32, u32)> {
        if frame[8..16] != self.header[16..24] {
            return None;
        }
        let big_endian = word(&self.header, 0) == BIG_ENDIAN_SUMS;
        let sums = add(big_endian, add(big_endian, self.sums, &frame[..8]), &frame[FRAME_HEADER..]);
        (sums == (word(frame, 4), word(frame, 5))).then_some(sums)
    }
}

/// How far the log in a file goes; `None` when there is none.
pub(super) fn extent(path: &Path) -> Option<Extent> {
    extent_of(&File::open(path).ok()?)
}

fn extent_of(log: &File) -> Option<Extent> {
    let mut header = [0; HEADER];
    if read(log, 0, &mut header) < HEADER {
        return None;
    }
    let mut extent = Extent::begin(header);
    extent.walk(log);
    Some(extent)
}

/// Looks at a place where a frame will be written.
#[derive(Debug)]
pub(super) struct Lookout {
    log: File,
    extent: Extent,
    ahead: u64,
    before: [u8; FRAME_HEADER],
}

impl Lookout {
    /// Finds the end of the log, and looks so many frames ahead of it: 0 is the next frame.
    pub(super) fn ahead_of(path: &Path, ahead: u64) -> Option<Self> {
        let log = File::open(path).ok()?;
        let extent = extent_of(&log)?;
        let mut lookout = Self { log, extent, ahead, before: [0; FRAME_HEADER] };
        lookout.advance();
        Some(lookout)
    }

    /// Whether that frame has been written by now.
    pub(super) fn sees_a_frame(&mut self) -> bool {
        let mut header = [0; HEADER];
        if read(&self.log, 0, &mut header) == HEADER && header != self.extent.header {
            self.extent = Extent::begin(header);
            self.advance();
            return self.extent.whole > self.ahead;
        }
        self.look() != self.before
    }

    fn advance(&mut self) {
        self.extent.walk(&self.log);
        self.before = self.look();
    }

    fn look(&self) -> [u8; FRAME_HEADER] {
        let mut frame = [0; FRAME_HEADER];
        read(&self.log, self.extent.offset(self.extent.whole + self.ahead), &mut frame);
        frame
    }
}

/// Reads what is there, up to the buffer's length.
fn read(log: &File, at: u64, into: &mut [u8]) -> usize {
    let mut read = 0;
    while read < into.len() {
        match log.read_at(&mut into[read..], at + read as u64) {
            Ok(0) => break,
            Ok(more) => read += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => panic!("the log can't be read: {error}"),
        }
    }
    read
}

fn word(bytes: &[u8], index: usize) -> u32 {
    u32::from_be_bytes(bytes[index * 4..index * 4 + 4].try_into().unwrap())
}

fn add(big_endian: bool, (mut first, mut second): (u32, u32), bytes: &[u8]) -> (u32, u32) {
    let number = |bytes: &[u8]| {
        let bytes = bytes.try_into().unwrap();
        if big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
    };
    for pair in bytes.chunks_exact(8) {
        first = first.wrapping_add(number(&pair[..4])).wrapping_add(second);
        second = second.wrapping_add(number(&pair[4..])).wrapping_add(first);
    }
    (first, second)
}

#[test]
fn a_log_is_read_as_sqlite_writes_it() {
    use sqlx::{Connection as _, Executor as _, SqliteConnection, sqlite::SqliteConnectOptions};

    let folder = tempfile::TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let (database, log) = (folder.path().join("x.db"), folder.path().join("x.db-wal"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let options = SqliteConnectOptions::new().filename(&database).create_if_missing(true);
        let options = options.pragma("journal_mode", "WAL").pragma("cache_size", "10");
        let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
        connection.execute("CREATE TABLE t (x BLOB)").await.unwrap();
        let made = extent(&log).unwrap();
        assert!(made.committed > 0 && !made.is_torn());

        let mut lookout = Lookout::ahead_of(&log, 0).unwrap();
        assert!(!lookout.sees_a_frame());
        connection.execute("INSERT INTO t VALUES (randomblob(100))").await.unwrap();
        assert!(lookout.sees_a_frame());
        let committed = extent(&log).unwrap();
        assert!(committed.committed > made.committed && !committed.is_torn());

        connection.execute("BEGIN").await.unwrap();
        for _ in 0..100 {
            connection.execute("INSERT INTO t VALUES (randomblob(5000))").await.unwrap();
        }
        let torn = extent(&log).unwrap();
        assert!(torn.is_torn(), "the cache is too small: frames are written before the commit");
        assert_eq!(torn.committed, committed.committed);
        connection.execute("ROLLBACK").await.unwrap();

        connection.execute("PRAGMA wal_checkpoint(RESTART)").await.unwrap();
        let mut lookout = Lookout::ahead_of(&log, 0).unwrap();
        connection.execute("INSERT INTO t VALUES (1)").await.unwrap();
        assert!(lookout.sees_a_frame(), "the log begins anew");
    });
}
