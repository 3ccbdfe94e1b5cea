//! Turns [`WorldArgs`] into the workers of a benchmark, their ring and the destination of its metrics.

use std::io::Write;

use super::args::WorldArgs;
use super::error::Error;
use super::pin::pin;
use super::report::{Destination, print_line};
use super::ring::{Ring, Timeouts, World, listen};

impl WorldArgs {
    /// Returns the rank of this worker and the addresses of all, after checking that the arguments agree.
    ///
    /// Under mpirun, the variables of Open MPI override the arguments: every rank has the same arguments and
    /// may have inherited the environment of the first. Otherwise arguments override the environment, and a
    /// program started without either is rank 0 of 1.
    pub(super) fn world(&self) -> Result<World, Error> {
        let non_empty = |list: &[String]| -> Vec<String> {
            list.iter().map(|entry| entry.trim().to_owned()).filter(|entry| !entry.is_empty()).collect()
        };
        let (hosts, mut addresses) = (non_empty(&self.hosts), non_empty(&self.addresses));
        let (rank, size) = self.rank_and_size(hosts.len(), addresses.len())?;
        if rank >= size {
            return Err(Error::Arguments(format!(
                "--rank: {rank} is out of range; the world size is {size}, and ranks start at 0"
            )));
        }
        // A variable that another launcher left in the environment makes every worker train alone.
        if !hosts.is_empty() && hosts.len() != size {
            return Err(Error::Arguments(format!(
                "--hosts: {} hosts for {size} workers; name one host per worker",
                hosts.len()
            )));
        }
        if addresses.len() != size && (size > 1 || !addresses.is_empty()) {
            return Err(Error::Arguments(format!(
                "--addresses, MLBENCH_ADDRESSES: {} addresses for {size} workers; give one host:port per worker",
                addresses.len()
            )));
        }
        if size == 1 {
            addresses = vec![String::new()];
        }
        Ok(World { rank, addresses, run_id: self.run_id.unwrap_or(0) })
    }

    fn rank_and_size(&self, hosts: usize, addresses: usize) -> Result<(usize, usize), Error> {
        if let (Some(rank), Some(size)) = (self.ompi_rank, self.ompi_size) {
            let disagree = |what: &str, ompi: usize, other: usize| {
                let of_ompi = what.to_uppercase().replace("WORLD-", "");
                Error::Arguments(format!(
                    "--{what}: {other}, but OMPI_COMM_WORLD_{of_ompi} is {ompi}; start the program with mpirun and \
                     one process per worker, or unset OMPI_COMM_WORLD_RANK and OMPI_COMM_WORLD_SIZE"
                ))
            };
            if let Some(other) = self.world_size.filter(|other| *other != size) {
                return Err(disagree("world-size", size, other));
            }
            // Every process of mpirun may have inherited rank 0 from the one that started it.
            if let Some(other) = self.rank.filter(|other| *other != rank && *other != 0) {
                return Err(disagree("rank", rank, other));
            }
            return Ok((rank, size));
        }
        let counted = [hosts, addresses].into_iter().find(|count| *count > 0);
        let size = self.world_size.or(counted).unwrap_or(1);
        match self.rank {
            Some(rank) => Ok((rank, size)),
            None if size == 1 => Ok((0, 1)),
            None => Err(Error::Arguments(format!(
                "--rank: missing; the world has {size} workers, and each needs its rank from 0"
            ))),
        }
    }

    /// Returns the server and the run that the metrics go to.
    pub(super) fn destination(&self) -> Destination<'_> {
        Destination { url: self.report_to.as_deref(), run_id: self.run_id }
    }

    /// Connects to the other workers, if the world has any.
    pub(super) fn form_ring(&self, world: &World) -> Result<Ring, Error> {
        if world.size() == 1 {
            return Ok(Ring::single());
        }
        let timeouts = Timeouts { connect: self.connect_timeout.0, idle: self.timeout.0 };
        let listener = listen(&world.addresses[world.rank], timeouts)?;
        Ok(Ring::form(&listener, world, timeouts)?)
    }

    /// Pins this worker to its cores.
    ///
    /// Every thread of the benchmark starts later and therefore runs there, too.
    pub(super) fn pin(&self, world: &World, console: &mut dyn Write) -> std::io::Result<()> {
        pin(self.cores.as_ref(), world.rank, console)
    }

    /// Prints which of the arguments have no effect.
    pub(super) fn print_ignored(&self, console: &mut dyn Write) -> Result<(), Error> {
        if let Some(backend) = self.backend.as_deref().filter(|name| !name.is_empty()) {
            let effect = "no effect; the workers use the built-in ring all-reduce over TCP";
            print_line(console, format_args!("--backend {backend}: {effect}"))?;
        }
        if self.gpu {
            print_line(console, format_args!("--gpu: no effect; this benchmark computes on the CPU"))?;
        }
        if self.horovod {
            print_line(console, format_args!("--horovod: no effect; this benchmark has its own all-reduce"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> Vec<String> {
        text.split(',').map(str::to_owned).collect()
    }

    /// Returns the rank and the world size, or the text of the error.
    fn world(args: &WorldArgs) -> Result<(usize, usize), String> {
        args.world().map(|world| (world.rank, world.size())).map_err(|error| error.to_string())
    }

    #[test]
    fn without_arguments_the_world_has_one_worker() {
        assert_eq!(world(&WorldArgs::default()), Ok((0, 1)));
    }

    #[test]
    fn the_world_of_a_run_comes_from_the_environment() {
        let args = WorldArgs {
            rank: Some(1),
            world_size: Some(2),
            hosts: list("127.0.0.1,127.0.0.1"),
            addresses: list("127.0.0.1:4000, 127.0.0.1:4001"),
            ..WorldArgs::default()
        };
        assert_eq!(world(&args), Ok((1, 2)));
        let by_hosts = WorldArgs { world_size: None, ..args.clone() };
        assert_eq!(world(&by_hosts), Ok((1, 2)));
        let by_addresses = WorldArgs { hosts: vec![], ..by_hosts };
        assert_eq!(world(&by_addresses), Ok((1, 2)));
    }

    #[test]
    fn under_mpirun_the_rank_comes_from_open_mpi() {
        let args = WorldArgs {
            rank: Some(0),
            world_size: Some(2),
            addresses: list("a:1,b:2"),
            ompi_rank: Some(1),
            ompi_size: Some(2),
            ..WorldArgs::default()
        };
        assert_eq!(world(&args), Ok((1, 2)));
    }

    #[test]
    fn contradictory_arguments_are_refused() {
        let args = WorldArgs { rank: Some(2), world_size: Some(2), ..WorldArgs::default() };
        assert_eq!(
            world(&args).unwrap_err(),
            "--rank: 2 is out of range; the world size is 2, and ranks start at 0"
        );
        let args = WorldArgs { world_size: Some(2), ..WorldArgs::default() };
        assert_eq!(
            world(&args).unwrap_err(),
            "--rank: missing; the world has 2 workers, and each needs its rank from 0"
        );
        let args = WorldArgs { rank: Some(0), ..args };
        assert_eq!(
            world(&args).unwrap_err(),
            "--addresses, MLBENCH_ADDRESSES: 0 addresses for 2 workers; give one host:port per worker"
        );
        let args = WorldArgs { hosts: list("a,b,c"), ..args };
        assert_eq!(world(&args).unwrap_err(), "--hosts: 3 hosts for 2 workers; name one host per worker");
    }
    #[test]
    fn a_world_that_contradicts_that_of_the_run_is_refused() {
        let run = WorldArgs {
            rank: Some(1),
            world_size: Some(2),
            addresses: list("a:1,b:2"),
            ..WorldArgs::default()
        };
        let alone = WorldArgs { rank: Some(0), world_size: Some(1), ..run.clone() };
        assert_eq!(
            world(&alone).unwrap_err(),
            "--addresses, MLBENCH_ADDRESSES: 2 addresses for 1 workers; give one host:port per worker"
        );
        let alone = WorldArgs { addresses: vec![], hosts: list("a,b"), ..alone };
        assert_eq!(world(&alone).unwrap_err(), "--hosts: 2 hosts for 1 workers; name one host per worker");
        let left_behind = WorldArgs { ompi_rank: Some(0), ompi_size: Some(1), ..run };
        let error = world(&left_behind).unwrap_err();
        assert!(error.starts_with("--world-size: 2, but OMPI_COMM_WORLD_SIZE is 1; "), "{error}");
        let without_size = WorldArgs { world_size: None, ..left_behind.clone() };
        let error = world(&without_size).unwrap_err();
        assert!(error.starts_with("--rank: 1, but OMPI_COMM_WORLD_RANK is 0; "), "{error}");
        let only_addresses = WorldArgs { rank: None, ..without_size };
        assert!(world(&only_addresses).unwrap_err().contains("2 addresses for 1 workers"));
    }
}
