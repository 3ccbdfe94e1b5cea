use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::testing::{PATIENT, in_ring, in_ring_with, places};
use super::{Error, Ring, Timeouts, listen, part};

/// What rank `rank` brings: small whole numbers, so that sums are exact in any order.
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
    fn the_ring_gives_the_plain_sum_on_every_rank(
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

    #[test]
    fn parts_cover_everything_once_and_evenly(length in 0..1000_usize, parts in 1..20_usize) {
        let ranges: Vec<_> = (0..parts).map(|index| part(length, parts, index)).collect();
        prop_assert_eq!(ranges.iter().cloned().flatten().collect::<Vec<_>>(), (0..length).collect::<Vec<_>>());
        let longest = ranges.iter().map(ExactSizeIterator::len).max();
        let shortest = ranges.iter().map(ExactSizeIterator::len).min();
        prop_assert!(longest.unwrap() - shortest.unwrap() <= 1);
    }
}

#[test]
fn every_number_of_ranks_sums_vectors_shorter_than_itself() {
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
fn all_ranks_get_the_same_bits_and_get_them_again() {
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
fn chunks_larger_than_any_socket_buffer_do_not_block_each_other() {
    // 12 MiB for each neighbour, when the system lets at most 4 MiB wait to be sent and grows what waits to be read
    // only for those who read.
    let length = 3 * 1024 * 1024;
    for sums in in_ring(2, |mut ring| {
        let mut values = vec![ring.rank() as f64 + 1.0; length];
        ring.all_reduce(&mut values).unwrap();
        values
    }) {
        assert!(sums.iter().all(|sum| *sum == 3.0));
    }
}

/// One of five ranks leaves after the first of three sums; who notices what?
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
fn when_a_peer_dies_all_others_end_and_name_it() {
    for length in [10, 200_000] {
        let started = Instant::now();
        for (rank, error) in after_losing(2, length).into_iter().enumerate() {
            if rank == 2 {
                continue;
            }
            let error = error.expect("no rank can go on without rank 2");
            assert!(matches!(error, Error::Lost { rank: 2, .. }), "rank {rank}, {length} numbers: {error}");
        }
        assert!(started.elapsed() < PATIENT.silence, "they waited for a timeout");
    }
}

#[test]
fn a_peer_that_dies_in_the_middle_of_a_sum_is_named() {
    // Rank 1 is a bare socket that greets, takes part in the first sum by dying in it.
    let mut places = places(2);
    let (listener, fake) = places.pop().unwrap();
    let (own_listener, place) = places.pop().unwrap();
    let error = std::thread::scope(|scope| {
        scope.spawn(move || {
            let mut ring = Ring::form(&listener, &fake, PATIENT).unwrap();
            // One chunk of the first step, then nothing more.
            let link = ring.link.as_mut().unwrap();
            link.send(&[0.0_f64; 512]);
        });
        let mut ring = Ring::form(&own_listener, &place, PATIENT).unwrap();
        ring.all_reduce(&mut [1.0_f64; 1024]).unwrap_err()
    });
    assert_eq!(error.to_string(), "rank 1 is lost: it closed its connection before the end");
}

#[test]
fn a_peer_that_says_nothing_is_named_after_the_silence() {
    let timeouts = Timeouts { silence: Duration::from_millis(200), ..PATIENT };
    let done = Barrier::new(2);
    let errors = in_ring_with(2, timeouts, |ring| {
        let mut ring = ring.unwrap();
        let error = (ring.rank() == 0).then(|| ring.all_reduce(&mut [1.0_f64; 4]).unwrap_err().to_string());
        done.wait();
        error
    });
    assert_eq!(
        errors[0].as_deref(),
        Some("rank 1 sent nothing for 0.2 s; it, or a rank before it, is stuck")
    );
}

#[test]
fn ranks_that_disagree_about_the_vector_are_told_so() {
    let errors = in_ring(2, |mut ring| {
        let mut values = vec![1.0_f64; 4 + 4 * ring.rank()];
        ring.all_reduce(&mut values).unwrap_err()
    });
    assert!(
        errors.iter().any(|error| error.to_string().contains("does not sum the same vector")),
        "{errors:?}"
    );
}

#[test]
fn a_neighbour_that_does_not_come_is_named_at_the_deadline() {
    let (listener, place) = places(3).remove(1);
    let timeouts = Timeouts { connect: Duration::from_millis(100), ..PATIENT };
    let error = Ring::form(&listener, &place, timeouts).err().unwrap();
    assert!(error.to_string().starts_with("rank 2 at 127.0.0.1:"), "{error}");
}

#[test]
fn a_stranger_is_refused_and_the_right_peer_still_welcome() {
    let mut places = places(2);
    let address = places[0].1.addresses[0].clone();
    let mut stranger = TcpStream::connect(&address).unwrap();
    stranger.write_all(b"GET / HTTP/1.1\r\nHost: worker\r\n\r\n").unwrap();
    let mut silent_guest = TcpStream::connect(&address).unwrap();
    silent_guest.write_all(b"ML").unwrap();
    silent_guest.shutdown(std::net::Shutdown::Write).unwrap();
    let (second, first) = (places.pop().unwrap(), places.pop().unwrap());
    std::thread::scope(|scope| {
        let form = |(listener, place)| {
            let mut ring = Ring::form(&listener, &place, PATIENT).unwrap();
            let mut values = [1.0_f32];
            ring.all_reduce(&mut values).unwrap();
            values
        };
        let workers = [scope.spawn(move || form(first)), scope.spawn(move || form(second))];
        for worker in workers {
            assert_eq!(worker.join().unwrap(), [2.0]);
        }
    });
    let mut answer = Vec::new();
    // Refused: at most the greeting, without the word of welcome; the connection may be reset as well.
    let _ = stranger.read_to_end(&mut answer);
    assert!(answer.len() <= 24, "{answer:?}");
}

#[test]
fn workers_of_different_runs_refuse_each_other() {
    let mut places = places(2);
    places[1].1.run = 2;
    let timeouts = Timeouts { connect: Duration::from_millis(500), ..PATIENT };
    let errors: Vec<_> = std::thread::scope(|scope| {
        let form = |(listener, place)| Ring::form(&listener, &place, timeouts).err().unwrap().to_string();
        let workers: Vec<_> = places.into_iter().map(|place| scope.spawn(move || form(place))).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).collect()
    });
    assert!(errors[0].contains("it belongs to run 2, this worker to run 1"), "{errors:?}");
    assert!(errors[1].contains("it belongs to run 1, this worker to run 2"), "{errors:?}");
}

#[test]
fn a_workers_own_address_is_listened_on() {
    assert_eq!(listen("127.0.0.1:0", PATIENT).unwrap().local_addr().unwrap().ip().to_string(), "127.0.0.1");
    // A pod's name need not be an address of this machine.
    let everywhere = listen("worker-0.workers.example:0", PATIENT).unwrap().local_addr().unwrap();
    assert!(everywhere.ip().is_unspecified(), "{everywhere}");
    assert!(matches!(listen("127.0.0.1", PATIENT), Err(Error::Address(_))));
    let taken = listen("127.0.0.1:0", PATIENT).unwrap();
    let timeouts = Timeouts { connect: Duration::from_millis(50), ..PATIENT };
    let error = listen(&taken.local_addr().unwrap().to_string(), timeouts).unwrap_err().to_string();
    assert!(error.starts_with("cannot listen on 127.0.0.1:"), "{error}");
}
