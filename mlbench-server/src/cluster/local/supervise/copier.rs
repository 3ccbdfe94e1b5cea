//! Copies the output of a command from its pipes into files.

use std::fs::{File, OpenOptions};
use std::io::{self, PipeWriter, Write as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{Mode, fchmod, fstatvfs};
use tokio::net::unix::pipe::Receiver;
use tokio::time::{sleep, timeout};

use super::assignment::FREE_BYTES;
use super::eagerness::{Eagerness, GATHER_PAUSE, READ_BYTES};
use super::stream::{STREAMS, Stream};
use crate::cluster::local::index::IndexWriter;
use crate::cluster::rank::Offsets;

/// The most bytes of one stream that a drain reads, the largest capacity of a pipe.
const MAX_DRAIN_BYTES: usize = 1 << 20;
/// What a stream may hold beyond the limit, so that the server sees that there is more.
const LIMIT_MARGIN: u64 = 128 * 1024;
/// How long a full disk holds up the end of a command.
const FULL_DISK_TIMEOUT: Duration = Duration::from_secs(3);
/// Pause before another attempt while the disk is full.
const FULL_DISK_PAUSE: Duration = Duration::from_millis(100);
/// Size of the file that says why output is missing.
const CUT_MARK_BYTES: usize = 16;
/// How often the copier looks whether the server wants no more of a stream, in bytes.
const STOP_CHECK_BYTES: u64 = 256 * 1024;

/// Copies both streams of a command.
pub(super) struct Copier {
    copies: [StreamCopy; 2],
    index: IndexWriter,
    eager: Eagerness,
    buffer: Box<[u8]>,
}

impl Copier {
    /// Creates the files.
    pub(super) fn open(dir: &Path, limit: u64) -> io::Result<Self> {
        let limit = limit.saturating_add(LIMIT_MARGIN);
        let copies = [StreamCopy::open(dir, "stdout", limit)?, StreamCopy::open(dir, "stderr", limit)?];
        let index = IndexWriter::open(dir)?;
        Ok(Self { copies, index, eager: Eagerness::new(), buffer: vec![0; READ_BYTES].into() })
    }

    /// Creates the pipes, and returns the ends for the command.
    pub(super) fn pipes(&mut self) -> io::Result<(PipeWriter, PipeWriter)> {
        let mut ends = Vec::new();
        for copy in &mut self.copies {
            let (reader, writer) = io::pipe()?;
            // A command that has become another user may open /dev/stdout anew.
            fchmod(&writer, Mode::from_raw_mode(0o666))?;
            copy.pipe = Some(Receiver::from_owned_fd(reader.into())?);
            ends.push(writer);
        }
        let stderr = ends.pop();
        ends.pop().zip(stderr).ok_or_else(|| io::Error::other("no pipes"))
    }

    /// Adds bytes to a stream, as if the command had written them.
    pub(super) fn push(&mut self, stream: Stream, bytes: &[u8]) {
        self.copies[stream as usize].pending.extend_from_slice(bytes);
        self.write(stream);
    }

    /// Waits for output and copies it. Loses nothing when it is dropped at an `await`.
    ///
    /// Of a stream it gathers output only while the other one is quiet, because their lines would lose their order.
    pub(super) async fn copy(&mut self) {
        if self.is_blocked() {
            sleep(FULL_DISK_PAUSE).await;
            STREAMS.into_iter().for_each(|stream| self.write(stream));
            return;
        }
        let quiet = self.eager.quiet_stream();
        if let Some(quiet) = quiet {
            tokio::select! {
                () = sleep(GATHER_PAUSE) => {}
                () = self.copies[quiet as usize].readable() => {}
            }
        }
        let [stdout, stderr] = &self.copies;
        tokio::select! {
            biased;
            () = stdout.readable() => {}
            () = stderr.readable() => {}
        }
        // What has been gathered came before that which ended the pause.
        let order = if quiet == Some(Stream::Stdout) { [Stream::Stderr, Stream::Stdout] } else { STREAMS };
        for stream in order {
            let read = self.read(stream, Receiver::try_read);
            self.eager.has_read(stream, read);
        }
    }

    /// Copies what the command has written before its end.
    ///
    /// While the disk is full it waits for room, and gives up the rest after [`FULL_DISK_TIMEOUT`].
    pub(super) async fn drain(&mut self) {
        let work = async {
            for stream in STREAMS {
                let mut total = 0;
                while total < MAX_DRAIN_BYTES {
                    while !self.copies[stream as usize].pending.is_empty() {
                        sleep(FULL_DISK_PAUSE).await;
                        self.write(stream);
                    }
                    match self.read(stream, read_now) {
                        0 => break,
                        read => total += read,
                    }
                }
            }
        };
        if timeout(FULL_DISK_TIMEOUT, work).await.is_err() {
            self.copies.iter_mut().filter(|copy| !copy.pending.is_empty()).for_each(|copy| copy.cut("disk"));
        }
    }

    /// Drops all later output: it comes from processes that the command has left behind.
    ///
    /// A reader would otherwise never reach the end of what they print.
    pub(super) fn close(&mut self) {
        for copy in &mut self.copies {
            copy.is_closed = true;
            copy.pending.clear();
        }
    }

    fn is_blocked(&self) -> bool {
        self.copies.iter().any(|copy| !copy.pending.is_empty())
    }

    /// Reads once, writes what came, and returns its size.
    fn read(&mut self, stream: Stream, read: fn(&Receiver, &mut [u8]) -> io::Result<usize>) -> usize {
        let copy = &mut self.copies[stream as usize];
        let Some(pipe) = &copy.pipe else { return 0 };
        match read(pipe, &mut self.buffer) {
            Ok(0) => copy.pipe = None,
            Ok(read) => {
                copy.pending.extend_from_slice(&self.buffer[..read]);
                self.write(stream);
                return read;
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => copy.pipe = None,
        }
        0
    }

    fn write(&mut self, stream: Stream) {
        if self.copies[stream as usize].write() {
            let [stdout, stderr] = &self.copies;
            self.index.arrived(Offsets { stdout: stdout.end, stderr: stderr.end });
        }
    }
}

/// Reads what is in a pipe, of which the runtime need not know yet.
fn read_now(pipe: &Receiver, buffer: &mut [u8]) -> io::Result<usize> {
    Ok(rustix::io::read(pipe, buffer)?)
}

/// One stream: its pipe, its file, and what did not fit on the disk.
struct StreamCopy {
    pipe: Option<Receiver>,
    file: File,
    /// Size of the file.
    end: u64,
    limit: u64,
    pending: Vec<u8>,
    is_cut: bool,
    /// Whether the command has ended.
    is_closed: bool,
    /// The file that says why output is missing, whose room is taken before the command starts.
    cut_mark: File,
    /// `<dir>/stdout`, without the suffix of a mark.
    path: PathBuf,
    next_stop_check: u64,
}

impl StreamCopy {
    fn open(dir: &Path, name: &str, limit: u64) -> io::Result<Self> {
        let path = dir.join(name);
        let file = OpenOptions::new().append(true).create(true).open(&path)?;
        let end = file.metadata()?.len();
        let mut mark = OpenOptions::new();
        let cut_mark = mark.write(true).create(true).truncate(false).open(path.with_extension("cut"))?;
        cut_mark.write_all_at(&[b' '; CUT_MARK_BYTES], 0)?;
        Ok(Self {
            pipe: None,
            file,
            end,
            limit,
            pending: Vec::new(),
            is_cut: false,
            is_closed: false,
            cut_mark,
            path,
            next_stop_check: 0,
        })
    }

    async fn readable(&self) {
        match &self.pipe {
            // An error ends the pipe at the next read.
            Some(pipe) => drop(pipe.readable().await),
            None => std::future::pending().await,
        }
    }

    /// Writes what is pending, as far as the limit and the disk allow. Returns whether anything was written.
    fn write(&mut self) -> bool {
        let before = self.end;
        while !self.pending.is_empty() {
            if self.is_closed {
                self.pending.clear();
                break;
            }
            if self.is_cut || self.is_at_limit() {
                self.cut("limit");
                break;
            }
            if self.is_disk_full() {
                if self.mark("stop").exists() {
                    self.cut("disk");
                }
                break;
            }
            match self.file.write(&self.pending) {
                Ok(written) => {
                    self.pending.drain(..written);
                    self.end += written as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // No room comes back.
                Err(error) if error.kind() == io::ErrorKind::FileTooLarge => self.cut("ulimit"),
                // A full disk, or one that fails: both may recover.
                Err(_) => break,
            }
        }
        self.end > before
    }

    /// Returns whether more output waits for the server than is allowed, or the server wants no more.
    fn is_at_limit(&mut self) -> bool {
        let wants_no_more = self.end >= self.next_stop_check && {
            self.next_stop_check = self.end + STOP_CHECK_BYTES;
            self.mark("stop").exists()
        };
        // Counts only what takes up space: the server punches holes where it has read.
        let held = self.file.metadata().map_or(self.end, |file| file.blocks() * 512);
        wants_no_more || held.saturating_add(self.pending.len() as u64) > self.limit
    }

    fn is_disk_full(&self) -> bool {
        let needed = FREE_BYTES + self.pending.len() as u64;
        fstatvfs(&self.file).is_ok_and(|disk| disk.f_bavail.saturating_mul(disk.f_frsize) < needed)
    }

    /// Drops what is pending and all later output.
    fn cut(&mut self, why: &str) {
        if !self.is_cut {
            self.is_cut = true;
            // Without the mark the log does not say that something is missing.
            let _ = self.cut_mark.write_all_at(why.as_bytes(), 0);
        }
        self.pending.clear();
    }

    fn mark(&self, suffix: &str) -> PathBuf {
        self.path.with_extension(suffix)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::super::eagerness::EAGER_READS;
    use super::*;
    use crate::cluster::local::index::arrivals;

    /// A copier, the ends of its pipes, and what it has read in order.
    struct Turns {
        dir: tempfile::TempDir,
        copier: Copier,
        ends: [PipeWriter; 2],
        started: Instant,
    }

    impl Turns {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let mut copier = Copier::open(dir.path(), 1 << 20).unwrap();
            let (stdout, stderr) = copier.pipes().unwrap();
            Self { dir, copier, ends: [stdout, stderr], started: Instant::now() }
        }

        fn print(&mut self, stream: Stream) {
            self.ends[stream as usize].write_all(b"x").unwrap();
        }

        /// Copies until something was read: the runtime may report a pipe that is empty.
        async fn copy(&mut self) {
            let copied = |copier: &Copier| copier.copies.each_ref().map(|copy| copy.end);
            let before = copied(&self.copier);
            while copied(&self.copier) == before {
                self.copier.copy().await;
            }
        }

        fn paused(&self) -> Duration {
            self.started.elapsed()
        }

        fn order(&self) -> Vec<(usize, usize)> {
            let [out, err] = self.copier.copies.each_ref().map(|copy| usize::try_from(copy.end).unwrap());
            let arrivals = arrivals(self.dir.path(), Offsets::default(), out, err);
            arrivals.iter().map(|arrival| (arrival.stdout, arrival.stderr)).collect()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn turns_of_both_streams_keep_their_order_however_many_they_are() {
        let mut turns = Turns::new();
        for _ in 0..2 * EAGER_READS {
            for stream in STREAMS {
                turns.print(stream);
                turns.copy().await;
            }
        }
        assert_eq!(turns.paused(), Duration::ZERO);
        assert_eq!(turns.order().len(), 4 * EAGER_READS as usize);
    }

    #[tokio::test(start_paused = true)]
    async fn output_of_one_stream_is_gathered_until_the_other_one_speaks() {
        for (busy, quiet) in [(Stream::Stdout, Stream::Stderr), (Stream::Stderr, Stream::Stdout)] {
            let mut turns = Turns::new();
            for _ in 0..EAGER_READS {
                turns.print(busy);
                turns.copy().await;
            }
            assert_eq!(turns.paused(), Duration::ZERO);
            turns.print(busy);
            turns.copy().await;
            assert!(turns.paused() >= GATHER_PAUSE);
            turns.print(busy);
            turns.print(quiet);
            turns.copy().await;
            let order = turns.order();
            let last = [order[order.len() - 2], order[order.len() - 1]];
            let expected = if busy == Stream::Stdout { [(1, 0), (0, 1)] } else { [(0, 1), (1, 0)] };
            assert_eq!(last, expected);
        }
    }
}
