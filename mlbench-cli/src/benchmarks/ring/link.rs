//! [`Link`]: one rank's connections, which receive frames from the previous rank and send frames to the next.

use std::io::{self, BufReader, Read};
use std::net::TcpStream;
use std::time::Duration;

use super::element::Element;
use super::error::Error;
use super::frame::FrameHeader;
use super::sender::Sender;
use super::waiting::{Inlet, WaitMeter};
use crate::benchmarks::clock::Clock;

/// Size of the segments of a chunk: a rank sums one segment while the next one is transferred.
pub(super) const SEGMENT_BYTES: usize = 256 * 1024;
/// How long a rank whose write failed waits for an abort frame, and tries to send its own.
const ABORT_TIMEOUT: Duration = Duration::from_secs(2);

/// What to do with the received numbers.
#[derive(Debug, Clone, Copy)]
pub(super) enum Combine {
    Add,
    Replace,
}

/// The connections of one rank in the ring.
pub(super) struct Link {
    previous: usize,
    next: usize,
    reader: BufReader<Inlet<TcpStream>>,
    sender: Sender,
    received: u32,
    body: Vec<u8>,
    idle_timeout: Duration,
}

impl Link {
    /// Creates a link from the ranks of both neighbours and the connections to them.
    ///
    /// # Errors
    /// When a connection cannot be configured.
    pub(super) fn new(
        (previous, from_previous): (usize, TcpStream),
        (next, to_next): (usize, TcpStream),
        idle_timeout: Duration,
        clock: &Clock,
    ) -> io::Result<Self> {
        to_next.set_nodelay(true)?;
        let mut link = Self {
            previous,
            next,
            reader: BufReader::with_capacity(
                64 * 1024,
                Inlet::new(from_previous, WaitMeter::new(clock.clone())),
            ),
            sender: Sender::new(to_next, WaitMeter::new(clock.clone()))?,
            received: 0,
            body: Vec::new(),
            idle_timeout,
        };
        link.set_idle_timeout(idle_timeout)?;
        Ok(link)
    }

    /// Sets how long a neighbour may send or accept no data.
    ///
    /// # Errors
    /// When a connection cannot be configured.
    pub(super) fn set_idle_timeout(&mut self, idle_timeout: Duration) -> io::Result<()> {
        self.idle_timeout = idle_timeout;
        self.reader.get_ref().stream().set_read_timeout(Some(idle_timeout))?;
        self.sender.set_write_timeout(idle_timeout)
    }

    /// Sets the time that one byte takes from one rank to the next, which does not count as waiting.
    pub(super) fn set_latency(&mut self, latency: Duration) {
        self.reader.get_mut().meter.set_latency(latency);
    }

    /// Returns how long this rank has waited for others since the last call.
    pub(super) fn take_waiting(&mut self) -> Duration {
        self.reader.get_mut().meter.take() + self.sender.meter.take()
    }

    /// Queues `values` for the next rank.
    pub(super) fn send<T: Element>(&mut self, values: &[T]) {
        self.sender.send(size_of_val(values), |frame| T::encode(values, frame));
    }

    /// Receives as many numbers as `values` has from the previous rank, and combines them with `values`.
    pub(super) fn receive<T: Element>(&mut self, values: &mut [T], combine: Combine) -> Result<(), Error> {
        let length = size_of_val(values);
        if self.reader.buffer().is_empty() {
            self.reader.get_mut().expect_frame();
        }
        let header = self.read_header()?;
        if let Some(length) = header.abort_length() {
            return Err(self.read_abort(header, length));
        }
        if header != FrameHeader::data(self.received, length) {
            return Err(Error::Mismatch { rank: self.previous, bytes: length });
        }
        self.received = self.received.wrapping_add(1);
        self.body.resize(length, 0);
        self.reader.read_exact(&mut self.body).map_err(|error| self.read_error(&error))?;
        match combine {
            Combine::Add => T::add(&self.body, values),
            Combine::Replace => T::replace(&self.body, values),
        }
        Ok(())
    }

    /// Checks that all writes so far succeeded.
    ///
    /// After a failed write it first reads from the previous rank: a rank that lost a neighbour sends an
    /// abort frame to the next one, so that the frame arrives here and names the rank that died.
    ///
    /// # Errors
    /// [`Error::Lost`] with the rank in the abort frame, or else with the next rank.
    pub(super) fn check_writes(&mut self) -> Result<(), Error> {
        let Some(failure) = self.sender.failure() else { return Ok(()) };
        let failure = Error::Lost { rank: self.next, reason: format!("write failed: {failure}") };
        self.set_idle_timeout(ABORT_TIMEOUT).map_err(Error::Setup)?;
        match self.read_header() {
            Ok(header) => {
                Err(header.abort_length().map_or(failure, |length| self.read_abort(header, length)))
            }
            Err(lost @ Error::Lost { .. }) => Err(lost),
            Err(_) => Err(failure),
        }
    }

    /// Reports to the next rank why the ring failed, so that all ranks report the same cause.
    pub(super) fn abort(&mut self, error: &Error) {
        let frame = match error {
            Error::Lost { rank, reason } if *rank != self.next => FrameHeader::abort_frame(*rank, reason),
            Error::Stuck { rank, seconds } => FrameHeader::abort_frame(
                *rank,
                &format!("it or a rank before it sent no data for {seconds} s"),
            ),
            Error::Mismatch { rank, .. } => {
                FrameHeader::abort_frame(*rank, "it reduces a vector of another length")
            }
            _ => return,
        };
        self.sender.abort(frame, ABORT_TIMEOUT);
    }

    fn read_header(&mut self) -> Result<FrameHeader, Error> {
        let mut bytes = [0; FrameHeader::BYTES];
        self.reader.read_exact(&mut bytes).map_err(|error| self.read_error(&error))?;
        Ok(FrameHeader::decode(&bytes))
    }

    fn read_abort(&mut self, header: FrameHeader, length: usize) -> Error {
        let mut reason = vec![0; length];
        match self.reader.read_exact(&mut reason) {
            Ok(()) => header.into_lost(&reason),
            Err(error) => self.read_error(&error),
        }
    }

    fn read_error(&self, error: &io::Error) -> Error {
        let rank = self.previous;
        match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                Error::Stuck { rank, seconds: self.idle_timeout.as_secs_f64() }
            }
            io::ErrorKind::UnexpectedEof => {
                Error::Lost { rank, reason: "it closed the connection early".to_owned() }
            }
            _ => Error::Lost { rank, reason: error.to_string() },
        }
    }
}
