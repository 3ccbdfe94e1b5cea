//! [`Inlet`]: the receiving half of a link, which measures how long this rank waits for others.
//!
//! A rank waits while it is blocked and no byte reaches it: from when it could go on until the first byte of a frame
//! arrives, and in pauses within a frame. All other time of an all-reduce is transfer: sending, receiving and summing.
//! The way of a byte through the network counts as transfer, too, so the wait for a first byte only counts beyond the
//! time that one byte took when the ring was formed.

use std::io::{self, Read};
use std::time::Duration;

use crate::benchmarks::clock::Clock;

/// Longest pause within a frame that a slow network explains.
const PAUSE: Duration = Duration::from_millis(50);

/// Sums the time that a rank waits for others.
#[derive(Debug)]
pub(super) struct WaitMeter {
    clock: Clock,
    /// Time of one byte from one rank to the next.
    latency: Duration,
    waited: Duration,
}

impl WaitMeter {
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock, latency: Duration::ZERO, waited: Duration::ZERO }
    }

    pub(super) fn set_latency(&mut self, latency: Duration) {
        self.latency = latency;
    }

    pub(super) fn now(&self) -> Duration {
        self.clock.now()
    }

    /// Counts the time since `since`, in which this rank was blocked for the first byte of a frame.
    fn first_byte_came(&mut self, since: Duration) {
        self.waited += (self.now() - since).saturating_sub(self.latency);
    }

    /// Counts the time since `since`, in which this rank was blocked within a frame, if it is a pause.
    pub(super) fn went_on(&mut self, since: Duration) {
        let blocked = self.now() - since;
        if blocked > PAUSE {
            self.waited += blocked;
        }
    }

    /// Returns the time waited since the last call.
    pub(super) fn take(&mut self) -> Duration {
        std::mem::take(&mut self.waited)
    }
}

/// Reads from the previous rank.
#[derive(Debug)]
pub(super) struct Inlet<R> {
    stream: R,
    pub(super) meter: WaitMeter,
    /// Whether the next byte is the first of a frame.
    at_first_byte: bool,
}

impl<R> Inlet<R> {
    pub(super) fn new(stream: R, meter: WaitMeter) -> Self {
        Self { stream, meter, at_first_byte: false }
    }

    pub(super) fn stream(&self) -> &R {
        &self.stream
    }

    /// Marks the next byte as the first of a frame.
    pub(super) fn expect_frame(&mut self) {
        self.at_first_byte = true;
    }
}

impl<R: Read> Read for Inlet<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let since = self.meter.now();
        let outcome = self.stream.read(buffer);
        if self.at_first_byte {
            self.meter.first_byte_came(since);
        } else {
            self.meter.went_on(since);
        }
        // A read that a signal interrupted brought no byte.
        self.at_first_byte &= outcome.is_err();
        outcome
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::sync::Arc;

    use super::*;
    use crate::benchmarks::clock::manual::Manual;

    /// A connection on which each read takes some milliseconds and brings some bytes.
    struct Script {
        clock: Arc<Manual>,
        reads: VecDeque<(u64, usize)>,
    }

    impl Read for Script {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let (millis, bytes) = self.reads.pop_front().unwrap();
            self.clock.advance(Duration::from_millis(millis));
            buffer[..bytes].fill(0);
            Ok(bytes)
        }
    }

    /// Returns the milliseconds waited and all milliseconds of reading two frames of 4 bytes.
    fn waited(latency: u64, reads: &[(u64, usize)]) -> (u128, u128) {
        let clock = Arc::new(Manual::default());
        let mut meter = WaitMeter::new(Clock::Manual(Arc::clone(&clock)));
        meter.set_latency(Duration::from_millis(latency));
        let mut inlet = Inlet::new(Script { clock, reads: reads.to_vec().into() }, meter);
        for _ in 0..2 {
            inlet.expect_frame();
            inlet.read_exact(&mut [0; 4]).unwrap();
        }
        (inlet.meter.take().as_millis(), inlet.meter.now().as_millis())
    }

    #[test]
    fn a_late_first_byte_is_waiting_and_slow_bytes_are_transfer() {
        assert_eq!(waited(0, &[(300, 1), (20, 3), (0, 4)]), (300, 320));
        assert_eq!(waited(0, &[(0, 1), (40, 1), (40, 2), (0, 1), (40, 3)]), (0, 120));
    }

    #[test]
    fn a_pause_within_a_frame_is_waiting() {
        assert_eq!(waited(0, &[(0, 2), (300, 2), (0, 4)]), (300, 300));
    }

    #[test]
    fn the_way_through_the_network_is_transfer() {
        assert_eq!(waited(30, &[(30, 4), (25, 4)]), (0, 55));
        assert_eq!(waited(30, &[(330, 4), (31, 4)]), (301, 361));
    }
}
