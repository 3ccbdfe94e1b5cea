//! Rings in one process for tests: one thread per rank.

use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use super::all_reduce::Ring;
use super::error::Error;
use super::world::{Timeouts, World};

/// Timeouts that suffice on a busy machine. No test waits for them unless it fails.
pub(crate) const LONG_TIMEOUTS: Timeouts =
    Timeouts { connect: Duration::from_secs(60), idle: Duration::from_secs(60) };

/// Returns a listener on a free port of this machine and the world of each rank.
pub(crate) fn worlds(size: usize) -> Vec<(TcpListener, World)> {
    let listeners: Vec<_> = (0..size).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    let addresses: Vec<_> =
        listeners.iter().map(|listener| listener.local_addr().unwrap().to_string()).collect();
    let world = |(rank, listener)| (listener, World { rank, addresses: addresses.clone(), run_id: 1 });
    listeners.into_iter().enumerate().map(world).collect()
}

/// Runs `worker` as every rank of a ring and returns the results by rank.
pub(crate) fn in_ring<R: Send>(size: usize, worker: impl Fn(Ring) -> R + Sync) -> Vec<R> {
    in_ring_with(size, LONG_TIMEOUTS, |ring| worker(ring.unwrap()))
}

/// Runs `worker` like [`in_ring`] with other timeouts, and also if the ring cannot be formed.
pub(crate) fn in_ring_with<R: Send>(
    size: usize,
    timeouts: Timeouts,
    worker: impl Fn(Result<Ring, Error>) -> R + Sync,
) -> Vec<R> {
    if size == 1 {
        return vec![worker(Ok(Ring::single()))];
    }
    let worker = &worker;
    thread::scope(|scope| {
        let spawn = |(listener, world): (TcpListener, World)| {
            scope.spawn(move || {
                let ring = Ring::form(&listener, &world, timeouts);
                drop(listener);
                worker(ring)
            })
        };
        let workers: Vec<_> = worlds(size).into_iter().map(spawn).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).collect()
    })
}
