//! The sending half of a link: a few buffers that go to a thread and come back written.

use std::io::{self, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::mpsc::{Receiver, Sender as Queue, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::frame::Head;

/// Frames under way at once. Two would do: the argument in [`super::Ring::all_reduce`] needs one to spare.
const BUFFERS: usize = 4;
/// Up to this size a frame is written by the caller: handing it to the thread costs more than the write. No socket
/// buffer is as small, so that workers that write such frames before they read never wait for each other.
const WRITTEN_AT_ONCE: usize = 8 * 1024;

/// Writes frames to the next worker while the caller reads from the one before.
pub(super) struct Sender {
    stream: TcpStream,
    queue: Option<Queue<Vec<u8>>>,
    written: Receiver<io::Result<Vec<u8>>>,
    thread: Option<JoinHandle<()>>,
    idle: Vec<Vec<u8>>,
    under_way: usize,
    frames: u32,
    failure: Option<io::Error>,
}

impl Sender {
    /// # Errors
    /// When the stream cannot be shared with a thread, or no thread be started.
    pub(super) fn new(stream: TcpStream) -> io::Result<Self> {
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
            idle: vec![Vec::new(); BUFFERS],
            under_way: 0,
            frames: 0,
            failure: None,
        })
    }

    /// Changes how long the next worker may take nothing.
    pub(super) fn set_patience(&self, patience: Duration) -> io::Result<()> {
        self.stream.set_write_timeout(Some(patience))
    }

    /// Sends a frame with the numbers that `encode` appends. A failure is kept, not returned: what the worker before
    /// tells explains it better (see [`super::Ring`]).
    pub(super) fn send(&mut self, length: usize, encode: impl FnOnce(&mut Vec<u8>)) {
        let Some(mut frame) = self.buffer() else { return };
        frame.clear();
        Head::data(self.frames, length).encode(&mut frame);
        self.frames = self.frames.wrapping_add(1);
        encode(&mut frame);
        self.dispatch(frame);
    }

    /// Tells the next worker that the ring has ended, waits up to `patience` until that is written, and gives up what
    /// is not.
    pub(super) fn abort(&mut self, frame: Vec<u8>, patience: Duration) {
        self.collect();
        self.dispatch(frame);
        let deadline = Instant::now() + patience;
        while self.failure.is_none() && self.under_way > 0 {
            let Ok(outcome) = self.written.recv_timeout(deadline.saturating_duration_since(Instant::now()))
            else {
                break;
            };
            self.take_back(outcome);
        }
        let _ = self.stream.shutdown(Shutdown::Both);
    }

    /// Why sending failed, if it did.
    pub(super) fn failure(&mut self) -> Option<&io::Error> {
        self.collect();
        self.failure.as_ref()
    }

    /// A buffer to fill, once one is free; none after a failure.
    fn buffer(&mut self) -> Option<Vec<u8>> {
        self.collect();
        while self.failure.is_none() && self.idle.is_empty() {
            // The thread lives until it has reported a failure, so this ends with a buffer or with that.
            match self.written.recv() {
                Ok(outcome) => self.take_back(outcome),
                Err(_) => self.failure = Some(io::ErrorKind::BrokenPipe.into()),
            }
        }
        if self.failure.is_some() { None } else { self.idle.pop() }
    }

    fn dispatch(&mut self, frame: Vec<u8>) {
        if self.under_way == 0 && frame.len() <= WRITTEN_AT_ONCE {
            match self.stream.write_all(&frame) {
                Ok(()) => self.idle.push(frame),
                Err(error) => self.failure = Some(error),
            }
            return;
        }
        self.under_way += 1;
        if self.queue.as_ref().is_none_or(|queue| queue.send(frame).is_err()) {
            self.failure.get_or_insert_with(|| io::ErrorKind::BrokenPipe.into());
        }
    }

    fn collect(&mut self) {
        while let Ok(outcome) = self.written.try_recv() {
            self.take_back(outcome);
        }
    }

    fn take_back(&mut self, outcome: io::Result<Vec<u8>>) {
        self.under_way -= 1;
        match outcome {
            Ok(frame) => self.idle.push(frame),
            Err(error) => self.failure = Some(error),
        }
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            // Ends when the queue is written, or at the stream's write timeout.
            let _ = thread.join();
        }
    }
}
