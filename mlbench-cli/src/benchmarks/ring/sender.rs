//! [`Sender`]: the sending half of a link, which passes buffers to a thread and gets them back when written.

use std::io::{self, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::mpsc::{Receiver, Sender as Queue, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::frame::FrameHeader;
use super::waiting::WaitMeter;

/// Frames in flight. Two would be enough for the argument against deadlocks in `Ring::all_reduce`.
const BUFFERS: usize = 4;
/// Size up to which the caller writes a frame itself.
///
/// Passing a small frame to the thread costs more than the write. Every socket buffer is larger, so that
/// ranks which write such frames before they read never wait for each other.
const INLINE_WRITE_BYTES: usize = 8 * 1024;

/// Writes frames to the next rank while the caller reads from the previous one.
pub(super) struct Sender {
    stream: TcpStream,
    queue: Option<Queue<Vec<u8>>>,
    written: Receiver<io::Result<Vec<u8>>>,
    thread: Option<JoinHandle<()>>,
    free: Vec<Vec<u8>>,
    in_flight: usize,
    frames: u32,
    failure: Option<io::Error>,
    pub(super) meter: WaitMeter,
}

impl Sender {
    /// Starts the writing thread.
    ///
    /// # Errors
    /// When the stream cannot be cloned or the thread cannot start.
    pub(super) fn new(stream: TcpStream, meter: WaitMeter) -> io::Result<Self> {
        let mut own_stream = stream.try_clone()?;
        let (queue, frames) = channel::<Vec<u8>>();
        let (done, written) = channel();
        let thread = std::thread::Builder::new().name("ring-sender".to_owned()).spawn(move || {
            for frame in frames {
                let outcome = own_stream.write_all(&frame).map(|()| frame);
                let failed = outcome.is_err();
                if done.send(outcome).is_err() || failed {
                    return;
                }
            }
        })?;
        Ok(Self {
            stream,
            queue: Some(queue),
            written,
            thread: Some(thread),
            free: vec![Vec::new(); BUFFERS],
            in_flight: 0,
            frames: 0,
            failure: None,
            meter,
        })
    }

    /// Sets how long the next rank may accept no data.
    pub(super) fn set_write_timeout(&self, timeout: Duration) -> io::Result<()> {
        self.stream.set_write_timeout(Some(timeout))
    }

    /// Sends a frame whose body `encode` appends.
    ///
    /// [`failure`](Self::failure) returns a failure later, because an abort frame from the previous rank may
    /// explain it.
    pub(super) fn send(&mut self, length: usize, encode: impl FnOnce(&mut Vec<u8>)) {
        let Some(mut frame) = self.free_buffer() else { return };
        frame.clear();
        FrameHeader::data(self.frames, length).encode(&mut frame);
        self.frames = self.frames.wrapping_add(1);
        encode(&mut frame);
        self.dispatch(frame);
    }

    /// Sends an abort frame, waits at most `timeout` until it is written, and closes the connection.
    pub(super) fn abort(&mut self, frame: Vec<u8>, timeout: Duration) {
        self.reclaim_written();
        self.dispatch(frame);
        let deadline = Instant::now() + timeout;
        while self.failure.is_none() && self.in_flight > 0 {
            let Ok(outcome) = self.written.recv_timeout(deadline.saturating_duration_since(Instant::now()))
            else {
                break;
            };
            self.reclaim(outcome);
        }
        let _ = self.stream.shutdown(Shutdown::Both);
    }

    /// Returns the first failure to write, if any.
    pub(super) fn failure(&mut self) -> Option<&io::Error> {
        self.reclaim_written();
        self.failure.as_ref()
    }

    /// Waits for a free buffer. Returns `None` after a failure.
    fn free_buffer(&mut self) -> Option<Vec<u8>> {
        self.reclaim_written();
        while self.failure.is_none() && self.free.is_empty() {
            let since = self.meter.now();
            // The thread lives until it has reported a failure, so this ends with a buffer or a failure.
            match self.written.recv() {
                Ok(outcome) => self.reclaim(outcome),
                Err(_) => self.failure = Some(io::ErrorKind::BrokenPipe.into()),
            }
            self.meter.went_on(since);
        }
        if self.failure.is_some() { None } else { self.free.pop() }
    }

    fn dispatch(&mut self, frame: Vec<u8>) {
        if self.in_flight == 0 && frame.len() <= INLINE_WRITE_BYTES {
            match self.stream.write_all(&frame) {
                Ok(()) => self.free.push(frame),
                Err(error) => self.failure = Some(error),
            }
            return;
        }
        self.in_flight += 1;
        if self.queue.as_ref().is_none_or(|queue| queue.send(frame).is_err()) {
            self.failure.get_or_insert_with(|| io::ErrorKind::BrokenPipe.into());
        }
    }

    fn reclaim_written(&mut self) {
        while let Ok(outcome) = self.written.try_recv() {
            self.reclaim(outcome);
        }
    }

    fn reclaim(&mut self, outcome: io::Result<Vec<u8>>) {
        self.in_flight -= 1;
        match outcome {
            Ok(frame) => self.free.push(frame),
            Err(error) => self.failure = Some(error),
        }
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            // The thread ends when the queue is written, or at the write timeout of the stream.
            let _ = thread.join();
        }
    }
}
