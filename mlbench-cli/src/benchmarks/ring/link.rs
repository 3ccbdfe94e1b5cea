//! A worker's two connections: frames come from the worker before it and go to the one after it.

use std::io::{self, BufReader, Read};
use std::net::TcpStream;
use std::time::Duration;

use super::Error;
use super::element::Element;
use super::frame::Head;
use super::sender::Sender;

/// A long chunk travels in pieces of this size, so that the sum of one runs beside the transfer of the next.
pub(super) const PIECE_BYTES: usize = 256 * 1024;
/// How long a worker that could not write waits to be told why, and tries to pass on what it knows.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// What to do with the numbers that arrive.
#[derive(Debug, Clone, Copy)]
pub(super) enum Combine {
    Add,
    Replace,
}

/// The connections of one worker in the ring.
pub(super) struct Link {
    previous: usize,
    next: usize,
    reader: BufReader<TcpStream>,
    sender: Sender,
    received: u32,
    body: Vec<u8>,
    silence: Duration,
}

impl Link {
    /// `previous` and `next` are ranks; a wait for either ends after `silence` without a byte.
    ///
    /// # Errors
    /// When the connections do not take their settings.
    pub(super) fn new(
        (previous, from_previous): (usize, TcpStream),
        (next, to_next): (usize, TcpStream),
        silence: Duration,
    ) -> io::Result<Self> {
        to_next.set_nodelay(true)?;
        let mut link = Self {
            previous,
            next,
            reader: BufReader::with_capacity(64 * 1024, from_previous),
            sender: Sender::new(to_next)?,
            received: 0,
            body: Vec::new(),
            silence,
        };
        link.set_silence(silence)?;
        Ok(link)
    }

    /// Changes how long a neighbour may be silent, or take nothing.
    ///
    /// # Errors
    /// When the connections do not take their settings.
    pub(super) fn set_silence(&mut self, silence: Duration) -> io::Result<()> {
        self.silence = silence;
        self.reader.get_ref().set_read_timeout(Some(silence))?;
        self.sender.set_patience(silence)
    }

    /// Queues `values` for the next worker.
    pub(super) fn send<T: Element>(&mut self, values: &[T]) {
        self.sender.send(size_of_val(values), |frame| T::encode(values, frame));
    }

    /// Takes as many numbers as `values` has from the worker before.
    pub(super) fn receive<T: Element>(&mut self, values: &mut [T], combine: Combine) -> Result<(), Error> {
        let length = size_of_val(values);
        let head = self.head()?;
        if let Some(length) = head.abort_length() {
            return Err(self.abort(head, length));
        }
        if head != Head::data(self.received, length) {
            return Err(Error::Mismatch { rank: self.previous, bytes: length });
        }
        self.received = self.received.wrapping_add(1);
        self.body.resize(length, 0);
        self.reader.read_exact(&mut self.body).map_err(|error| self.explain(&error))?;
        match combine {
            Combine::Add => T::add(&self.body, values),
            Combine::Replace => T::replace(&self.body, values),
        }
        Ok(())
    }

    /// Whether everything sent so far could be written. If not, the worker before is heard first: who lost a neighbour
    /// says so to its next one, so the news of a death travels along the ring and arrives here with the right name.
    pub(super) fn check_sent(&mut self) -> Result<(), Error> {
        let Some(failure) = self.sender.failure() else { return Ok(()) };
        let failure = Error::Lost { rank: self.next, reason: format!("writing to it failed: {failure}") };
        self.set_silence(LAST_WORDS).map_err(Error::Setup)?;
        match self.head() {
            Ok(head) => Err(head.abort_length().map_or(failure, |length| self.abort(head, length))),
            Err(lost @ Error::Lost { .. }) => Err(lost),
            Err(_) => Err(failure),
        }
    }

    /// Passes the end of the ring on, so that the others need not guess.
    pub(super) fn end(&mut self, error: &Error) {
        let frame = match error {
            Error::Lost { rank, reason } if *rank != self.next => Head::abort_frame(*rank, reason),
            Error::Silent { rank, seconds } => {
                Head::abort_frame(*rank, &format!("it, or a rank before it, sent nothing for {seconds} s"))
            }
            Error::Mismatch { rank, .. } => Head::abort_frame(*rank, "it does not sum the same vector"),
            _ => return,
        };
        self.sender.abort(frame, LAST_WORDS);
    }

    fn head(&mut self) -> Result<Head, Error> {
        let mut bytes = [0; Head::BYTES];
        self.reader.read_exact(&mut bytes).map_err(|error| self.explain(&error))?;
        Ok(Head::decode(&bytes))
    }

    fn abort(&mut self, head: Head, length: usize) -> Error {
        let mut reason = vec![0; length];
        match self.reader.read_exact(&mut reason) {
            Ok(()) => head.into_lost(&reason),
            Err(error) => self.explain(&error),
        }
    }

    fn explain(&self, error: &io::Error) -> Error {
        let rank = self.previous;
        match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                Error::Silent { rank, seconds: self.silence.as_secs_f64() }
            }
            io::ErrorKind::UnexpectedEof => {
                Error::Lost { rank, reason: "it closed its connection before the end".to_owned() }
            }
            _ => Error::Lost { rank, reason: error.to_string() },
        }
    }
}
