use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::mpsc::channel;
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::testing::{LONG_TIMEOUTS, in_ring, in_ring_with, worlds};
use super::{Error, Ring, Timeouts, listen};
use crate::benchmarks::clock::Clock;
use crate::benchmarks::clock::manual::Manual;

/// Returns the vector of a rank: small whole numbers, so that sums are exact in any order.
fn vector(length: usize, rank: usize, seed: u64) -> Vec<f64> {
    let number =
        |index: usize| ((index as u64 + 7 * rank as u64 + seed) * 2_654_435_761 % 2001) as f64 - 1000.0;
    (0..length).map(number).collect()
}

fn plain_sum(length: usize, size: usize, seed: u64) -> Vec<f64> {
    (0..length).map(|index| (0..size).map(|rank| vector(length, rank, seed)[index]).sum()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn every_rank_gets_the_sum(
        size in prop::sample::select(vec![1_usize, 2, 3, 5, 8]),
        lengths in prop::collection::vec(prop_oneof![0..20_usize, 0..3000_usize], 1..6),
        seed in 0..1000_u64,
    ) {
        let sums = in_ring(size, |mut ring| {
            let sum = |length: &usize| {
                let mut values = vector(*length, ring.rank(), seed);
                ring.all_reduce(&mut values).unwrap();
                values
            };
            lengths.iter().map(sum).collect::<Vec<_>>()
        });
        let expected: Vec<_> = lengths.iter().map(|length| plain_sum(*length, size, seed)).collect();
        for of_rank in sums {
            prop_assert_eq!(&of_rank, &expected);
        }
    }
}

#[test]
fn vectors_may_be_shorter_than_the_world_size() {
    for size in [1, 2, 3, 5, 8] {
        let sums = in_ring(size, |mut ring| {
            (0..size)
                .map(|length| {
                    let mut values = vector(length, ring.rank(), 0);
                    ring.all_reduce(&mut values).unwrap();
                    values
                })
                .collect::<Vec<_>>()
        });
        let expected: Vec<_> = (0..size).map(|length| plain_sum(length, size, 0)).collect();
        assert!(sums.iter().all(|of_rank| *of_rank == expected), "{size} ranks: {sums:?}");
    }
}

#[test]
fn sums_are_bitwise_equal_and_reproducible() {
    let run = || {
        in_ring(3, |mut ring| {
            let mut values: Vec<f32> =
                (0..100_u8).map(|index| 0.1 + f32::from(index) / (ring.rank() as f32 + 3.0)).collect();
            ring.all_reduce(&mut values).unwrap();
            values.into_iter().map(f32::to_bits).collect::<Vec<_>>()
        })
    };
    let sums = run();
    assert_eq!(sums[0], sums[1]);
    assert_eq!(sums[0], sums[2]);
    assert_eq!(sums, run());
}

#[test]
fn chunks_larger_than_socket_buffers_do_not_deadlock() {
    // 12 MiB per neighbour. The system buffers at most 4 MiB for sending, and grows a receive buffer only for
    // a reader.
    let length = 3 * 1024 * 1024;
    for sums in in_ring(2, |mut ring| {
        let mut values = vec![ring.rank() as f64 + 1.0; length];
        ring.all_reduce(&mut values).unwrap();
        values
    }) {
        assert!(sums.iter().all(|sum| *sum == 3.0));
    }
}

/// Returns the error of each of five ranks when `lost` leaves after the first of three sums.
fn after_losing(lost: usize, length: usize) -> Vec<Option<Error>> {
    in_ring(5, |mut ring| {
        let mut values = vec![1.0_f64; length];
        ring.all_reduce(&mut values).unwrap();
        if ring.rank() == lost {
            return None;
        }
        (0..2).find_map(|_| ring.all_reduce(&mut values).err())
    })
}

#[test]
fn all_ranks_name_the_rank_that_died() {
    for length in [10, 200_000] {
        let started = Instant::now();
        for (rank, error) in after_losing(2, length).into_iter().enumerate() {
            if rank == 2 {
                continue;
            }
            let error = error.expect("no rank can continue without rank 2");
            assert!(matches!(error, Error::Lost { rank: 2, .. }), "rank {rank}, {length} numbers: {error}");
        }
        assert!(started.elapsed() < LONG_TIMEOUTS.idle, "a rank waited for a timeout");
    }
}

#[test]
fn a_rank_that_dies_during_a_sum_is_named() {
    // Rank 1 joins the ring and dies during the first sum.
    let mut worlds = worlds(2);
    let (listener, dying) = worlds.pop().unwrap();
    let (own_listener, world) = worlds.pop().unwrap();
    let error = std::thread::scope(|scope| {
        scope.spawn(move || {
            let mut ring = Ring::form(&listener, &dying, LONG_TIMEOUTS).unwrap();
            // Sends half of its chunk of the first step.
            let link = ring.link.as_mut().unwrap();
            link.send(&[0.0_f64; 512]);
        });
        let mut ring = Ring::form(&own_listener, &world, LONG_TIMEOUTS).unwrap();
        ring.all_reduce(&mut [1.0_f64; 1024]).unwrap_err()
    });
    assert_eq!(error.to_string(), "lost rank 1: it closed the connection early");
}

#[test]
fn a_rank_that_sends_nothing_is_named_at_the_timeout() {
    let timeouts = Timeouts { idle: Duration::from_millis(200), ..LONG_TIMEOUTS };
    let done = Barrier::new(2);
    let errors = in_ring_with(2, timeouts, |ring| {
        let mut ring = ring.unwrap();
        let error = (ring.rank() == 0).then(|| ring.all_reduce(&mut [1.0_f64; 4]).unwrap_err().to_string());
        done.wait();
        error
    });
    assert_eq!(errors[0].as_deref(), Some("no data from rank 1 for 0.2 s; it or a rank before it is stuck"));
}

#[test]
fn vectors_of_different_lengths_are_an_error() {
    let errors = in_ring(2, |mut ring| {
        let mut values = vec![1.0_f64; 4 + 4 * ring.rank()];
        ring.all_reduce(&mut values).unwrap_err()
    });
    assert!(
        errors
            .iter()
            .any(|error| error.to_string().contains("all ranks must reduce vectors of the same length")),
        "{errors:?}"
    );
}

#[test]
fn a_rank_that_is_held_up_shows_as_waiting_of_the_other() {
    let late = Duration::from_millis(300);
    let manual = || Arc::new(Manual::default());
    let clocks = [manual(), manual()];
    let (entering, entered) = channel();
    let mut worlds = worlds(2);
    let (second, first) = (worlds.pop().unwrap(), worlds.pop().unwrap());
    let form = |(listener, world), rank: usize| {
        let clock = Clock::Manual(Arc::clone(&clocks[rank]));
        Ring::form_with_clock(&listener, &world, LONG_TIMEOUTS, clock).unwrap()
    };
    std::thread::scope(|scope| {
        let (form, clocks) = (&form, &clocks);
        let held_up = scope.spawn(move || {
            let mut ring = form(first, 0);
            // The other rank reads its clock before it waits for the first byte.
            clocks[1].wait_for_more_than(entered.recv().unwrap());
            clocks.iter().for_each(|clock| clock.advance(late));
            ring.all_reduce(&mut [1.0_f64; 100]).unwrap();
            ring.take_waiting()
        });
        let mut ring = form(second, 1);
        let start = ring.clock().now();
        entering.send(clocks[1].reads()).unwrap();
        ring.all_reduce(&mut [1.0_f64; 100]).unwrap();
        assert_eq!((ring.clock().now() - start, ring.take_waiting()), (late, late));
        assert_eq!(ring.take_waiting(), Duration::ZERO);
        assert_eq!(held_up.join().unwrap(), Duration::ZERO);
    });
}

#[test]
fn a_missing_neighbour_is_named_at_the_deadline() {
    let (listener, world) = worlds(3).remove(1);
    let timeouts = Timeouts { connect: Duration::from_millis(100), ..LONG_TIMEOUTS };
    let error = Ring::form(&listener, &world, timeouts).err().unwrap();
    assert!(error.to_string().starts_with("cannot connect to rank 2 at 127.0.0.1:"), "{error}");
}

#[test]
fn a_stranger_is_refused_and_the_ring_still_forms() {
    let mut worlds = worlds(2);
    let address = worlds[0].1.addresses[0].clone();
    let mut stranger = TcpStream::connect(&address).unwrap();
    stranger.write_all(b"GET / HTTP/1.1\r\nHost: worker\r\n\r\n").unwrap();
    let mut silent_stranger = TcpStream::connect(&address).unwrap();
    silent_stranger.write_all(b"ML").unwrap();
    silent_stranger.shutdown(std::net::Shutdown::Write).unwrap();
    let (second, first) = (worlds.pop().unwrap(), worlds.pop().unwrap());
    std::thread::scope(|scope| {
        let form = |(listener, world)| {
            let mut ring = Ring::form(&listener, &world, LONG_TIMEOUTS).unwrap();
            let mut values = [1.0_f32];
            ring.all_reduce(&mut values).unwrap();
            values
        };
        let workers = [scope.spawn(move || form(first)), scope.spawn(move || form(second))];
        for worker in workers {
            assert_eq!(worker.join().unwrap(), [2.0]);
        }
    });
    let mut response = Vec::new();
    // The stranger gets at most the handshake without the confirmation. Its connection may also be reset.
    let _ = stranger.read_to_end(&mut response);
    assert!(response.len() <= 24, "{response:?}");
}

#[test]
fn workers_of_different_runs_refuse_each_other() {
    let mut worlds = worlds(2);
    worlds[1].1.run_id = 2;
    // Long enough for one exchange of handshakes on any machine.
    let timeouts = Timeouts { connect: Duration::from_secs(5), ..LONG_TIMEOUTS };
    let errors: Vec<_> = std::thread::scope(|scope| {
        let form = |(listener, world)| Ring::form(&listener, &world, timeouts).err().unwrap().to_string();
        let workers: Vec<_> = worlds.into_iter().map(|world| scope.spawn(move || form(world))).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).collect()
    });
    assert!(errors[0].contains("the peer belongs to run 2, this worker to run 1"), "{errors:?}");
    assert!(errors[1].contains("the peer belongs to run 1, this worker to run 2"), "{errors:?}");
}

#[test]
fn a_worker_listens_on_its_own_address() {
    assert_eq!(
        listen("127.0.0.1:0", LONG_TIMEOUTS).unwrap().local_addr().unwrap().ip().to_string(),
        "127.0.0.1"
    );
    // A pod's name need not be an address of this machine.
    let everywhere = listen("worker-0.workers.example:0", LONG_TIMEOUTS).unwrap().local_addr().unwrap();
    assert!(everywhere.ip().is_unspecified(), "{everywhere}");
    assert!(matches!(listen("127.0.0.1", LONG_TIMEOUTS), Err(Error::Address(_))));
    let taken = listen("127.0.0.1:0", LONG_TIMEOUTS).unwrap();
    let timeouts = Timeouts { connect: Duration::from_millis(50), ..LONG_TIMEOUTS };
    let error = listen(&taken.local_addr().unwrap().to_string(), timeouts).unwrap_err().to_string();
    assert!(error.starts_with("cannot listen on 127.0.0.1:"), "{error}");
}
