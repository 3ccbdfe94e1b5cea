//! The sum of a vector over all workers: ring all-reduce over TCP, between processes.
//!
//! The algorithm is that of Patarasuk and Yuan, *Bandwidth optimal all-reduce algorithms for clusters of
//! workstations* (2009): the vector is cut into one chunk per worker; in `n - 1` steps of reduce-scatter every chunk
//! goes once around the ring and collects its sum, in `n - 1` steps of all-gather the sums go around. Each worker sends
//! `2 (n - 1) / n` times the vector, however many workers there are.
//!
//! A chunk is summed in the order of the ring, beginning at a rank that depends on nothing but the chunk's place; so
//! the result is the same on every worker, bit by bit, and the same again with the same number of workers.
//!
//! Nothing waits for ever. A worker that loses the one before it tells the one after it whom it lost, and why; so all
//! end with the name of the one that is gone, not with that of a neighbour that merely gave up first. For the same reason a
//! failure to write is not reported before the worker before has been heard.

mod connect;
mod element;
mod frame;
mod link;
mod sender;
#[cfg(test)]
pub(super) mod testing;
#[cfg(test)]
mod tests;

use std::io;
use std::net::TcpListener;
use std::ops::Range;
use std::thread;
use std::time::{Duration, Instant};

pub(crate) use connect::listen;
pub(crate) use element::Element;

use connect::Neighbour;
use frame::Greeting;
use link::{Combine, Link, PIECE_BYTES};

/// Why a ring could not be formed, or ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// Not an address that others can connect to.
    #[error("{0:?} is not an address of a worker; write host:port")]
    Address(String),
    /// The own address cannot be listened on.
    #[error("cannot listen on {address}, this worker's own address: {cause}")]
    Bind {
        /// The address.
        address: String,
        /// What the system says.
        cause: io::Error,
    },
    /// A neighbour was not met in time.
    #[error("rank {rank} at {address} could not be met: {reason}")]
    Unmet {
        /// The neighbour.
        rank: usize,
        /// Where it should be.
        address: String,
        /// What was last seen of it.
        reason: String,
    },
    /// A worker is gone.
    #[error("rank {rank} is lost: {reason}")]
    Lost {
        /// The worker that is gone; not always a neighbour.
        rank: usize,
        /// How it was noticed.
        reason: String,
    },
    /// A worker says nothing.
    #[error("rank {rank} sent nothing for {seconds} s; it, or a rank before it, is stuck")]
    Silent {
        /// The worker before this one.
        rank: usize,
        /// How long.
        seconds: f64,
    },
    /// The workers do not sum the same vector.
    #[error("rank {rank} does not sum the same vector: {bytes} bytes were expected next")]
    Mismatch {
        /// The worker before this one.
        rank: usize,
        /// What should have come.
        bytes: usize,
    },
    /// A connection does not take its settings.
    #[error("cannot set up a connection between workers: {0}")]
    Setup(io::Error),
}

/// How long a worker waits for others.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timeouts {
    /// Until all have met.
    pub(crate) connect: Duration,
    /// For the next byte, afterwards.
    pub(crate) silence: Duration,
}

/// The place of one worker among all.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// This worker, from 0.
    pub(crate) rank: usize,
    /// `host:port` of every worker, by rank.
    pub(crate) addresses: Vec<String>,
    /// The run they belong to; 0 without one.
    pub(crate) run: i64,
}

/// One worker's end of the ring.
pub(crate) struct Ring {
    rank: usize,
    size: usize,
    link: Option<Link>,
}

impl Ring {
    /// The ring of a single worker: sums are what they are.
    pub(crate) fn alone() -> Self {
        Self { rank: 0, size: 1, link: None }
    }

    /// Meets the neighbours and waits until everybody has met theirs.
    ///
    /// # Errors
    /// [`Error::Unmet`] naming the neighbour that did not come, or was the wrong one, until the deadline.
    pub(crate) fn form(listener: &TcpListener, place: &Place, timeouts: Timeouts) -> Result<Self, Error> {
        let (rank, size) = (place.rank, place.addresses.len());
        let neighbour = |rank: usize| Neighbour { rank: wire(rank), address: &place.addresses[rank] };
        let previous = neighbour((rank + size - 1) % size);
        let next = neighbour((rank + 1) % size);
        let own = Greeting { run: place.run, world_size: wire(size), rank: wire(rank) };
        let deadline = Instant::now() + timeouts.connect;
        let (from_previous, to_next) = thread::scope(|scope| {
            let accepting = scope.spawn(|| connect::accept(listener, own, previous, deadline));
            let to_next = connect::connect(own, next, deadline);
            let lost = |_| Error::Setup(io::Error::other("the listening thread panicked"));
            (accepting.join().map_err(lost).flatten(), to_next)
        });
        let to_next = (next.rank as usize, to_next?);
        let from_previous = (previous.rank as usize, from_previous?);
        // Those further away may still be looking for theirs.
        let link = Link::new(from_previous, to_next, timeouts.connect).map_err(Error::Setup)?;
        let mut ring = Self { rank, size, link: Some(link) };
        ring.all_reduce(&mut [0.0_f64])?;
        if let Some(link) = &mut ring.link {
            link.set_silence(timeouts.silence).map_err(Error::Setup)?;
        }
        Ok(ring)
    }

    /// This worker, from 0.
    pub(crate) fn rank(&self) -> usize {
        self.rank
    }

    /// Number of workers.
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// Replaces each number by its sum over all workers, who must all call this with a vector of the same length.
    ///
    /// Every worker writes a piece, then reads one. So all of them together never have more unread pieces under way than
    /// one each, and as each may have several under way without waiting, they cannot all wait for room at once.
    ///
    /// # Errors
    /// [`Error::Lost`], [`Error::Silent`] or [`Error::Mismatch`] naming a worker; the ring is of no use afterwards, and
    /// `values` are undefined.
    pub(crate) fn all_reduce<T: Element>(&mut self, values: &mut [T]) -> Result<(), Error> {
        let Some(link) = &mut self.link else { return Ok(()) };
        let outcome = reduce(link, values, self.rank, self.size).and_then(|()| link.check_sent());
        if let Err(error) = &outcome {
            link.end(error);
        }
        outcome
    }
}

fn reduce<T: Element>(link: &mut Link, values: &mut [T], rank: usize, size: usize) -> Result<(), Error> {
    let length = values.len();
    // `back` chunks before the own one, around the ring.
    let chunk = |back: usize| part(length, size, (rank + 2 * size - back) % size);
    for step in 0..size - 1 {
        exchange(link, values, chunk(step), chunk(step + 1), Combine::Add)?;
    }
    for step in 0..size - 1 {
        exchange(link, values, chunk(step + size - 1), chunk(step), Combine::Replace)?;
    }
    Ok(())
}

/// Sends one chunk and receives another of about the same length, piece by piece.
fn exchange<T: Element>(
    link: &mut Link,
    values: &mut [T],
    send: Range<usize>,
    receive: Range<usize>,
    combine: Combine,
) -> Result<(), Error> {
    let piece = PIECE_BYTES / T::BYTES;
    for offset in (0..send.len().max(receive.len())).step_by(piece) {
        let cut = |chunk: &Range<usize>| {
            (chunk.start + offset).min(chunk.end)..(chunk.start + offset + piece).min(chunk.end)
        };
        let (outgoing, incoming) = (cut(&send), cut(&receive));
        if !outgoing.is_empty() {
            link.send(&values[outgoing]);
        }
        if !incoming.is_empty() {
            link.receive(&mut values[incoming], combine)?;
        }
    }
    Ok(())
}

/// Part `index` of `length` things dealt out to `parts`: contiguous, and none more than one longer than another.
pub(crate) fn part(length: usize, parts: usize, index: usize) -> Range<usize> {
    let start = |index: usize| index * (length / parts) + index.min(length % parts);
    start(index)..start(index + 1)
}

/// A rank or a count on the wire; nobody has four thousand million workers.
fn wire(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
