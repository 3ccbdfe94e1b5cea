//! [`Ring`]: one rank's end of the ring, and the all-reduce itself.

use std::io;
use std::net::TcpListener;
use std::ops::Range;
use std::thread;
use std::time::{Duration, Instant};

use super::connect::{self, Neighbour};
use super::element::Element;
use super::error::Error;
use super::handshake::Handshake;
use super::link::{Combine, Link, SEGMENT_BYTES};
use super::world::{Timeouts, World};
use crate::benchmarks::clock::Clock;
use crate::benchmarks::partition::partition;

/// Number of all-reduces that measure the latency, of which the fastest counts.
const LATENCY_ROUNDS: usize = 16;

/// One rank's end of the ring.
pub(crate) struct Ring {
    rank: usize,
    size: usize,
    clock: Clock,
    pub(super) link: Option<Link>,
}

impl Ring {
    /// Returns the ring of a single worker, whose sums are its own values.
    pub(crate) fn single() -> Self {
        Self { rank: 0, size: 1, clock: Clock::system(), link: None }
    }

    /// Connects to both neighbours and waits until all ranks have done so.
    ///
    /// # Errors
    /// [`Error::Connect`] with the neighbour that did not connect in time or is not the expected one.
    pub(crate) fn form(listener: &TcpListener, world: &World, timeouts: Timeouts) -> Result<Self, Error> {
        Self::form_with_clock(listener, world, timeouts, Clock::system())
    }

    /// Forms a ring like [`Ring::form`], which measures with this clock.
    pub(super) fn form_with_clock(
        listener: &TcpListener,
        world: &World,
        timeouts: Timeouts,
        clock: Clock,
    ) -> Result<Self, Error> {
        let (rank, size) = (world.rank, world.size());
        let neighbour = |rank: usize| Neighbour { rank: to_wire(rank), address: &world.addresses[rank] };
        let previous = neighbour((rank + size - 1) % size);
        let next = neighbour((rank + 1) % size);
        let own = Handshake { run_id: world.run_id, world_size: to_wire(size), rank: to_wire(rank) };
        let deadline = Instant::now() + timeouts.connect;
        let (from_previous, to_next) = thread::scope(|scope| {
            let accepting = scope.spawn(|| connect::accept(listener, own, previous, deadline));
            let to_next = connect::connect(own, next, deadline);
            let panicked = |_| Error::Setup(io::Error::other("the listening thread panicked"));
            (accepting.join().map_err(panicked).flatten(), to_next)
        });
        let to_next = (next.rank as usize, to_next?);
        let from_previous = (previous.rank as usize, from_previous?);
        // Other ranks may still be connecting, so the first all-reduce has the timeout of the connections.
        let link = Link::new(from_previous, to_next, timeouts.connect, &clock).map_err(Error::Setup)?;
        let mut ring = Self { rank, size, clock, link: Some(link) };
        ring.all_reduce(&mut [0.0_f64])?;
        let latency = ring.latency()?;
        if let Some(link) = &mut ring.link {
            link.set_latency(latency);
            link.take_waiting();
            link.set_idle_timeout(timeouts.idle).map_err(Error::Setup)?;
        }
        Ok(ring)
    }

    /// Measures the time of one byte from one rank to the next, while no rank waits for another.
    fn latency(&mut self) -> Result<Duration, Error> {
        let steps = u32::try_from(2 * (self.size - 1)).unwrap_or(u32::MAX);
        let mut fastest = Duration::MAX;
        for _ in 0..LATENCY_ROUNDS {
            let started = self.clock.now();
            self.all_reduce(&mut vec![0.0_f64; self.size])?;
            fastest = fastest.min((self.clock.now() - started) / steps);
        }
        Ok(fastest)
    }

    /// Returns how long this rank has waited for others in its all-reduces since the last call.
    ///
    /// The rest of their time is transfer: sending, receiving and summing.
    pub(crate) fn take_waiting(&mut self) -> Duration {
        self.link.as_mut().map(Link::take_waiting).unwrap_or_default()
    }

    /// Returns the clock that measures the waiting.
    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Returns the rank of this worker, from 0.
    pub(crate) fn rank(&self) -> usize {
        self.rank
    }

    /// Returns the world size.
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// Replaces each value by its sum over all ranks.
    ///
    /// All ranks must call this with vectors of the same length.
    ///
    /// This cannot deadlock: each rank writes a segment, then reads one, so that all ranks together have at
    /// most one unread segment each in flight. As each rank may have several segments in flight without
    /// waiting, not all of them can wait.
    ///
    /// # Errors
    /// [`Error::Lost`], [`Error::Stuck`] or [`Error::Mismatch`] with a rank. Afterwards the ring is unusable
    /// and the content of `values` undefined.
    pub(crate) fn all_reduce<T: Element>(&mut self, values: &mut [T]) -> Result<(), Error> {
        let Some(link) = &mut self.link else { return Ok(()) };
        let outcome = reduce(link, values, self.rank, self.size).and_then(|()| link.check_writes());
        if let Err(error) = &outcome {
            link.abort(error);
        }
        outcome
    }
}

fn reduce<T: Element>(link: &mut Link, values: &mut [T], rank: usize, size: usize) -> Result<(), Error> {
    let length = values.len();
    // Returns the chunk `back` places before the rank's own chunk in the ring.
    let chunk = |back: usize| partition(length, size, (rank + 2 * size - back) % size);
    // Reduce-scatter.
    for step in 0..size - 1 {
        exchange(link, values, chunk(step), chunk(step + 1), Combine::Add)?;
    }
    // All-gather.
    for step in 0..size - 1 {
        exchange(link, values, chunk(step + size - 1), chunk(step), Combine::Replace)?;
    }
    Ok(())
}

/// Sends one chunk and receives another of about the same length, segment by segment.
fn exchange<T: Element>(
    link: &mut Link,
    values: &mut [T],
    send: Range<usize>,
    receive: Range<usize>,
    combine: Combine,
) -> Result<(), Error> {
    let length = SEGMENT_BYTES / T::BYTES;
    for offset in (0..send.len().max(receive.len())).step_by(length) {
        let segment = |chunk: &Range<usize>| {
            (chunk.start + offset).min(chunk.end)..(chunk.start + offset + length).min(chunk.end)
        };
        let (outgoing, incoming) = (segment(&send), segment(&receive));
        if !outgoing.is_empty() {
            link.send(&values[outgoing]);
        }
        if !incoming.is_empty() {
            link.receive(&mut values[incoming], combine)?;
        }
    }
    Ok(())
}

/// Converts a rank or a world size to its type on the wire, which holds any real world size.
fn to_wire(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
