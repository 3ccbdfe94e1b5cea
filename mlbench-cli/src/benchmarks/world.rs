//! Who this process is among the workers: from the arguments of the official images, or the environment of a run.

use std::io::Write;

use super::Error;
use super::args::WorldArgs;
use super::report::Destination;
use super::ring::{Place, Ring, Timeouts, listen};

impl WorldArgs {
    /// The rank and the addresses of all, once they have been found to make sense.
    ///
    /// Under mpirun the variables of Open MPI decide, for every rank has the same arguments and may have inherited the
    /// environment of the first. Otherwise arguments come before the environment, and a program started by hand is rank
    /// 0 of 1.
    pub(crate) fn place(&self) -> Result<Place, Error> {
        let given = |list: &[String]| -> Vec<String> {
            list.iter().map(|entry| entry.trim().to_owned()).filter(|entry| !entry.is_empty()).collect()
        };
        let (hosts, mut addresses) = (given(&self.hosts), given(&self.addresses));
        let (rank, size) = match (self.ompi_rank, self.ompi_size) {
            (Some(rank), Some(size)) => (rank, size),
            _ => {
                let counted = [hosts.len(), addresses.len()].into_iter().find(|count| *count > 0);
                (self.rank.unwrap_or(0), self.world_size.or(counted).unwrap_or(1))
            }
        };
        if rank >= size {
            return Err(Error::Arguments(format!(
                "rank {rank} does not exist among {size} workers; they are counted from 0"
            )));
        }
        if size > 1 && !hosts.is_empty() && hosts.len() != size {
            return Err(Error::Arguments(format!(
                "--hosts names {} hosts, but there are {size} workers; it needs one entry for each",
                hosts.len()
            )));
        }
        if size > 1 && addresses.len() != size {
            return Err(Error::Arguments(format!(
                "{size} workers need {size} addresses host:port in --addresses or MLBENCH_ADDRESSES, there are {}",
                addresses.len()
            )));
        }
        if size == 1 {
            addresses = vec![String::new()];
        }
        Ok(Place { rank, addresses, run: self.run_id.unwrap_or(0) })
    }

    /// Where the metrics go.
    pub(crate) fn destination(&self) -> Destination<'_> {
        Destination { url: self.report_to.as_deref(), run_id: self.run_id }
    }

    /// Meets the other workers, if there are any.
    pub(crate) fn form_ring(&self, place: &Place) -> Result<Ring, Error> {
        if place.addresses.len() == 1 {
            return Ok(Ring::alone());
        }
        let timeouts = Timeouts { connect: self.connect_timeout.0, silence: self.timeout.0 };
        let listener = listen(&place.addresses[place.rank], timeouts)?;
        Ok(Ring::form(&listener, place, timeouts)?)
    }

    /// Says which of the accepted options change nothing here.
    pub(crate) fn remark(&self, console: &mut dyn Write) -> std::io::Result<()> {
        if let Some(backend) = self.backend.as_deref().filter(|name| !name.is_empty()) {
            writeln!(
                console,
                "backend {backend}: the workers talk over TCP, by the built-in ring all-reduce"
            )?;
        }
        if self.gpu {
            writeln!(console, "--gpu: this benchmark computes on the CPU")?;
        }
        if self.horovod {
            writeln!(console, "--horovod: this benchmark brings its own all-reduce")?;
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

    fn place(args: &WorldArgs) -> Result<(usize, usize), String> {
        args.place().map(|place| (place.rank, place.addresses.len())).map_err(|error| error.to_string())
    }

    #[test]
    fn by_hand_one_is_alone() {
        assert_eq!(place(&WorldArgs::default()), Ok((0, 1)));
    }

    #[test]
    fn a_rank_of_a_run_is_who_the_environment_says() {
        let args = WorldArgs {
            rank: Some(1),
            world_size: Some(2),
            hosts: list("127.0.0.1,127.0.0.1"),
            addresses: list("127.0.0.1:4000, 127.0.0.1:4001"),
            ..WorldArgs::default()
        };
        assert_eq!(place(&args), Ok((1, 2)));
        let by_hosts = WorldArgs { world_size: None, ..args.clone() };
        assert_eq!(place(&by_hosts), Ok((1, 2)));
        let by_addresses = WorldArgs { hosts: vec![], ..by_hosts };
        assert_eq!(place(&by_addresses), Ok((1, 2)));
    }

    #[test]
    fn under_mpirun_the_rank_is_that_of_mpi() {
        let args = WorldArgs {
            rank: Some(0),
            world_size: Some(2),
            addresses: list("a:1,b:2"),
            ompi_rank: Some(1),
            ompi_size: Some(2),
            ..WorldArgs::default()
        };
        assert_eq!(place(&args), Ok((1, 2)));
    }

    #[test]
    fn what_does_not_fit_together_is_said() {
        let args = WorldArgs { rank: Some(2), world_size: Some(2), ..WorldArgs::default() };
        assert_eq!(
            place(&args).unwrap_err(),
            "rank 2 does not exist among 2 workers; they are counted from 0"
        );
        let args = WorldArgs { world_size: Some(2), ..WorldArgs::default() };
        assert_eq!(
            place(&args).unwrap_err(),
            "2 workers need 2 addresses host:port in --addresses or MLBENCH_ADDRESSES, there are 0"
        );
        let args = WorldArgs { world_size: Some(2), hosts: list("a,b,c"), ..WorldArgs::default() };
        assert!(place(&args).unwrap_err().starts_with("--hosts names 3 hosts, but there are 2 workers"));
    }
}
