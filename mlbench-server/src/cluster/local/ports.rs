//! Ports for the ranks of runs, which no other program gets by chance before a rank listens there.
//!
//! A port that the kernel gave this server and that the server closed may be the next one that the kernel gives
//! another program, as the local port of a connection. So these ports lie outside the range from which the kernel
//! chooses.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::ops::RangeInclusive;

use mlbench_core::run::RunKey;

/// The ports to choose from, above those of most services.
const PORTS: RangeInclusive<u16> = 20_000..=u16::MAX;
/// Default ports of services on Kubernetes nodes, on which no socket listens.
const NODE_PORTS: RangeInclusive<u16> = 30_000..=32_767;

/// The ports of all workers.
#[derive(Debug)]
pub(super) struct Ports {
    candidates: Vec<u16>,
    workers: usize,
}

impl Ports {
    /// Reads the range from which the kernel chooses.
    pub(super) fn read(workers: usize) -> Self {
        let range = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").ok();
        Self::outside(range.as_deref().and_then(parse).as_ref(), workers)
    }

    /// Chooses from the ports outside `ephemeral`, or from all where none is outside.
    fn outside(ephemeral: Option<&RangeInclusive<u16>>, workers: usize) -> Self {
        let is_fixed = |port: &u16| !ephemeral.is_some_and(|range| range.contains(port));
        let preferred = || PORTS.filter(|port| !NODE_PORTS.contains(port));
        let mut candidates: Vec<u16> = preferred().filter(is_fixed).collect();
        if candidates.len() < workers {
            candidates = (1024..=u16::MAX).filter(is_fixed).collect();
        }
        if candidates.len() < workers {
            tracing::warn!(
                ?ephemeral,
                "ip_local_port_range leaves no ports for runs; another program may take theirs"
            );
            candidates = preferred().collect();
        }
        Self { candidates, workers: workers.max(1) }
    }

    /// Returns a port on 127.0.0.1 on which no program listens, for the worker with this number.
    ///
    /// Two workers never have the same port, although their ranks may begin to listen late. The ports of a worker
    /// differ from run to run, because a connection of the last run may still occupy its port.
    ///
    /// # Errors
    /// When all ports of the worker are taken.
    pub(super) fn free(&self, run: RunKey, worker: usize) -> io::Result<u16> {
        let of_worker: Vec<u16> =
            self.candidates.iter().copied().skip(worker).step_by(self.workers).collect();
        let first = run.job_id.as_u128() as usize % of_worker.len().max(1);
        let (before, from) = of_worker.split_at(first);
        let is_free = |port: &&u16| TcpListener::bind((Ipv4Addr::LOCALHOST, **port)).is_ok();
        let free = from.iter().chain(before).find(is_free);
        free.copied().ok_or_else(|| io::ErrorKind::AddrInUse.into())
    }
}

fn parse(range: &str) -> Option<RangeInclusive<u16>> {
    let (first, last) = range.trim().split_once(char::is_whitespace)?;
    Some(first.parse().ok()?..=last.trim().parse().ok()?)
}

#[cfg(test)]
mod tests {
    use mlbench_core::RunId;
    use uuid::Uuid;

    use super::*;

    fn key(job: u128) -> RunKey {
        RunKey { id: RunId::new(1).unwrap(), job_id: Uuid::from_u128(job) }
    }

    #[test]
    fn ports_lie_outside_the_range_of_the_kernel() {
        let ephemeral = parse("32768\t60999\n").unwrap();
        assert_eq!(ephemeral, 32_768..=60_999);
        for range in [ephemeral, 10_000..=65_535, 1024..=64_000] {
            let ports = Ports::outside(Some(&range), 4);
            for worker in 0..4 {
                let port = ports.free(key(7), worker).unwrap();
                assert!(!range.contains(&port) && !NODE_PORTS.contains(&port), "{port} in {range:?}");
            }
        }
    }

    #[test]
    fn a_range_of_all_ports_still_leaves_some() {
        assert!(Ports::outside(Some(&(1024..=65_535)), 2).free(key(1), 1).is_ok());
    }

    #[test]
    fn a_port_on_which_somebody_listens_is_not_chosen() {
        let ports = Ports::outside(parse("32768 60999").as_ref(), 2);
        let port = ports.free(key(7), 1).unwrap();
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
        assert_ne!(ports.free(key(7), 1).unwrap(), port);
        drop(taken);
        let everywhere = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).unwrap();
        assert_ne!(ports.free(key(7), 1).unwrap(), port);
        drop(everywhere);
    }

    #[test]
    fn workers_and_runs_have_different_ports() {
        let ports = Ports::outside(parse("32768 60999").as_ref(), 3);
        let chosen: Vec<u16> = (0..3).map(|worker| ports.free(key(9), worker).unwrap()).collect();
        let of = |worker: usize| ports.candidates.iter().skip(worker).step_by(3).collect::<Vec<_>>();
        for (worker, port) in chosen.iter().enumerate() {
            assert!((0..3).all(|other| of(other).contains(&port) == (other == worker)), "{chosen:?}");
        }
        assert_ne!(chosen[0], ports.free(key(5000), 0).unwrap());
    }
}
