//! Writes the lines of the server log on a thread of its own, as far as they can be written.
//!
//! No task of the server may depend on the reader of its log. A reader that has gone, a full disk or a full
//! pipe costs lines, which are counted and reported once lines can be written again.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

/// The most bytes of lines that wait to be written. Further lines are dropped.
const MAX_QUEUED_BYTES: usize = 1 << 20;

/// Queues lines for the thread that writes them, without blocking or failing.
///
/// It is cheap to clone.
#[derive(Debug, Clone)]
pub struct LogQueue {
    entries: Sender<Entry>,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    queued_bytes: AtomicUsize,
    /// Lines that were lost since the last report of lost lines.
    lost: AtomicU64,
}

#[derive(Debug)]
enum Entry {
    Lines(Vec<u8>),
    /// Sends when all earlier entries are written or lost.
    Flush(Sender<()>),
}

impl LogQueue {
    /// Starts the thread that writes to `output`.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub fn start(output: impl Write + Send + 'static) -> io::Result<Self> {
        let (entries, queue) = mpsc::channel();
        let shared = Arc::<Shared>::default();
        let writer = LogWriter { output, shared: Arc::clone(&shared) };
        std::thread::Builder::new().name("log".to_owned()).spawn(move || writer.run(&queue))?;
        Ok(Self { entries, shared })
    }

    /// Queues a line without its line end.
    pub fn line(&self, text: &str) {
        self.push(format!("{text}\n").into_bytes());
    }

    /// Waits until the queued lines are written or lost, at most for `timeout`.
    pub fn flush(&self, timeout: Duration) {
        let (done, flushed) = mpsc::channel();
        if self.entries.send(Entry::Flush(done)).is_ok() {
            // A reader that is too slow misses the end of the log.
            let _ = flushed.recv_timeout(timeout);
        }
    }

    fn push(&self, lines: Vec<u8>) {
        let size = lines.len();
        let queued = self.shared.queued_bytes.fetch_add(size, Relaxed);
        if queued + size > MAX_QUEUED_BYTES || self.entries.send(Entry::Lines(lines)).is_err() {
            self.shared.queued_bytes.fetch_sub(size, Relaxed);
            self.shared.lost.fetch_add(1, Relaxed);
        }
    }
}

impl<'a> MakeWriter<'a> for LogQueue {
    type Writer = QueueWriter<'a>;

    fn make_writer(&'a self) -> QueueWriter<'a> {
        QueueWriter(self)
    }
}

/// Queues what is written to it. Each write has whole lines.
#[derive(Debug)]
pub struct QueueWriter<'a>(&'a LogQueue);

impl Write for QueueWriter<'_> {
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        self.0.push(lines.to_vec());
        Ok(lines.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The thread that writes.
struct LogWriter<W> {
    output: W,
    shared: Arc<Shared>,
}

impl<W: Write> LogWriter<W> {
    /// Writes until the last [`LogQueue`] is dropped.
    fn run(mut self, queue: &Receiver<Entry>) {
        for entry in queue {
            match entry {
                Entry::Lines(lines) => {
                    self.shared.queued_bytes.fetch_sub(lines.len(), Relaxed);
                    self.write(&lines);
                }
                // The caller may have given up.
                Entry::Flush(done) => drop(done.send(())),
            }
        }
    }

    fn write(&mut self, lines: &[u8]) {
        let lost = self.shared.lost.swap(0, Relaxed);
        let written = self.report(lost).and_then(|()| self.output.write_all(lines));
        if written.is_err() {
            self.shared.lost.fetch_add(lost + 1, Relaxed);
        }
    }

    fn report(&mut self, lost: u64) -> io::Result<()> {
        if lost == 0 {
            return Ok(());
        }
        // The last line that was lost may have been written in part.
        self.output
            .write_all(format!("\nmlbench-server: {lost} lines of the log could not be written\n").as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, PoisonError};

    use super::*;

    const FOREVER: Duration = Duration::from_secs(20);

    /// An output that fails while its `error` is set.
    #[derive(Clone, Default)]
    struct Output(Arc<Mutex<State>>);

    #[derive(Default)]
    struct State {
        text: String,
        error: Option<io::ErrorKind>,
    }

    impl Output {
        fn state(&self) -> std::sync::MutexGuard<'_, State> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner)
        }
    }

    impl Write for Output {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut state = self.state();
            if let Some(kind) = state.error {
                return Err(kind.into());
            }
            state.text.push_str(std::str::from_utf8(bytes).unwrap());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_that_cannot_be_written_are_counted_and_reported() {
        for kind in [io::ErrorKind::BrokenPipe, io::ErrorKind::StorageFull] {
            let output = Output::default();
            let log = LogQueue::start(output.clone()).unwrap();
            log.line("before");
            log.flush(FOREVER);
            output.state().error = Some(kind);
            log.line("lost");
            log.line("lost too");
            log.flush(FOREVER);
            output.state().error = None;
            log.line("after");
            log.flush(FOREVER);
            let report = "\nmlbench-server: 2 lines of the log could not be written\n";
            assert_eq!(output.state().text, format!("before\n{report}after\n"));
        }
    }

    #[test]
    fn a_reader_that_stalls_delays_nobody_and_bounds_the_queue() {
        let output = Output::default();
        let stalled = output.state();
        let log = LogQueue::start(output.clone()).unwrap();
        let line = "x".repeat(1 << 10);
        (0..4_096).for_each(|_| log.line(&line));
        log.flush(Duration::ZERO);
        assert!(log.shared.queued_bytes.load(Relaxed) <= MAX_QUEUED_BYTES);
        drop(stalled);
        log.flush(FOREVER);
        log.line("after");
        log.flush(FOREVER);
        let text = output.state().text.clone();
        assert!(text.contains("lines of the log could not be written\n") && text.ends_with("\nafter\n"));
        let kept = text.lines().filter(|kept| *kept == line).count();
        assert!((1_000..1_100).contains(&kept), "{kept}");
    }
}
