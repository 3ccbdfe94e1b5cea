//! [`Cores`]: the cores that a benchmark runs on, so that its ranks do not move between cores or share one.

use std::io::Write;
use std::str::FromStr;

use mlbench_core::number::whole;
use rustix::thread::{CpuSet, sched_setaffinity};

/// Cores to run on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cores {
    /// All cores that this process may use.
    All,
    /// These cores, by their numbers.
    Only(Vec<usize>),
}

impl FromStr for Cores {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "all" {
            return Ok(Self::All);
        }
        let core = |text: &str| whole(text.trim()).filter(|core| *core < CpuSet::MAX_CPU);
        let cores: Option<Vec<usize>> = text.split(',').map(core).collect();
        cores.map(Self::Only).ok_or("must be core numbers such as 0 or 2,3, or all")
    }
}

/// Restricts this thread, and those that it starts, to `cores`, and prints which cores the rank runs on.
///
/// A rank that cannot be pinned runs all the same: its times vary more.
pub(super) fn pin(cores: Option<&Cores>, rank: usize, console: &mut dyn Write) -> std::io::Result<()> {
    let cores = match cores {
        Some(Cores::Only(cores)) => cores,
        Some(Cores::All) => return writeln!(console, "rank {rank} is not pinned: --cores is all"),
        None => return writeln!(console, "rank {rank} is not pinned: no core was set aside for it"),
    };
    let mut set = CpuSet::new();
    cores.iter().for_each(|core| set.set(*core));
    let names: Vec<String> = cores.iter().map(ToString::to_string).collect();
    match sched_setaffinity(None, &set) {
        Ok(()) => writeln!(console, "rank {rank} is pinned to core {}", names.join(", ")),
        Err(error) => writeln!(console, "rank {rank} is not pinned to core {}: {error}", names.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use rustix::thread::sched_getaffinity;

    use super::*;

    #[test]
    fn cores_are_numbers_or_all() {
        assert_eq!("all".parse(), Ok(Cores::All));
        assert_eq!("0".parse(), Ok(Cores::Only(vec![0])));
        assert_eq!("2, 3".parse(), Ok(Cores::Only(vec![2, 3])));
        for wrong in ["", "x", "-1", "0,", "100000"] {
            assert!(wrong.parse::<Cores>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_rank_runs_on_its_core_and_says_so() {
        let allowed = sched_getaffinity(None).unwrap();
        let core = (0..CpuSet::MAX_CPU).rfind(|core| allowed.is_set(*core)).unwrap();
        let pinned = std::thread::spawn(move || {
            let mut console = Vec::new();
            pin(Some(&Cores::Only(vec![core])), 3, &mut console).unwrap();
            let now = sched_getaffinity(None).unwrap();
            (String::from_utf8(console).unwrap(), now.count(), now.is_set(core))
        });
        assert_eq!(pinned.join().unwrap(), (format!("rank 3 is pinned to core {core}\n"), 1, true));
    }

    #[test]
    fn a_rank_without_a_core_of_its_own_runs_and_says_why() {
        let said = |cores: Option<Cores>| {
            let mut console = Vec::new();
            pin(cores.as_ref(), 0, &mut console).unwrap();
            String::from_utf8(console).unwrap()
        };
        assert_eq!(said(None), "rank 0 is not pinned: no core was set aside for it\n");
        assert_eq!(said(Some(Cores::All)), "rank 0 is not pinned: --cores is all\n");
        let absent = Cores::Only(vec![CpuSet::MAX_CPU - 1]);
        assert!(said(Some(absent)).starts_with("rank 0 is not pinned to core "));
    }
}
