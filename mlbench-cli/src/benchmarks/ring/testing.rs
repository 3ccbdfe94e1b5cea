//! Rings inside one process, for tests: a thread for each worker.

use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use super::{Error, Place, Ring, Timeouts};

/// Long enough for a busy machine; no test waits for it unless it fails.
pub(crate) const PATIENT: Timeouts =
    Timeouts { connect: Duration::from_secs(60), silence: Duration::from_secs(60) };

/// Listeners on free ports of this machine, and where each worker is.
pub(crate) fn places(size: usize) -> Vec<(TcpListener, Place)> {
    let listeners: Vec<_> = (0..size).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    let addresses: Vec<_> =
        listeners.iter().map(|listener| listener.local_addr().unwrap().to_string()).collect();
    let place = |(rank, listener)| (listener, Place { rank, addresses: addresses.clone(), run: 1 });
    listeners.into_iter().enumerate().map(place).collect()
}

/// Runs `worker` as every rank of a ring, and returns what each returned, by rank.
pub(crate) fn in_ring<R: Send>(size: usize, worker: impl Fn(Ring) -> R + Sync) -> Vec<R> {
    in_ring_with(size, PATIENT, |ring| worker(ring.unwrap()))
}

/// The same with other timeouts, and for workers that expect no ring to be formed.
pub(crate) fn in_ring_with<R: Send>(
    size: usize,
    timeouts: Timeouts,
    worker: impl Fn(Result<Ring, Error>) -> R + Sync,
) -> Vec<R> {
    if size == 1 {
        return vec![worker(Ok(Ring::alone()))];
    }
    let worker = &worker;
    thread::scope(|scope| {
        let spawn = |(listener, place): (TcpListener, Place)| {
            scope.spawn(move || {
                let ring = Ring::form(&listener, &place, timeouts);
                drop(listener);
                worker(ring)
            })
        };
        let workers: Vec<_> = places(size).into_iter().map(spawn).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).collect()
    })
}
