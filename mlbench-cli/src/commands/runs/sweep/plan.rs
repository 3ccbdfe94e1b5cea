//! [`Plan`]: the runs of a sweep in the order in which they are started.

use std::collections::BTreeSet;

use mlbench_client::{ComparisonQuery, Run, RunName, RunRequest, Tags};
use mlbench_core::quote::quote;

use crate::args::{GoalText, SweepArgs};
use crate::commands::runs::compare::check_measure;
use crate::commands::runs::request::{check, read_base, with_flags, with_goal};
use crate::failure::Failure;

/// Tag with the name of the sweep.
pub(super) const SWEEP_TAG: &str = "sweep";
/// Tag with the plan, by which a sweep with other runs under the same name is noticed.
const PLAN_TAG: &str = "sweep-plan";
/// The most runs of a sweep: those that one comparison takes.
const MAX_RUNS: usize = ComparisonQuery::MAX_RUNS;

/// The runs of a sweep.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) name: RunName,
    /// What sets this plan apart from others of the same name.
    identity: String,
    pub(super) combinations: Vec<Combination>,
    pub(super) runs: Vec<PlannedRun>,
}

/// What the runs of a sweep differ in.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Combination {
    pub(super) workers: String,
    pub(super) backend: String,
}

/// A run of a sweep.
#[derive(Debug)]
pub(super) struct PlannedRun {
    /// Index of its combination.
    pub(super) combination: usize,
    pub(super) repeat: u32,
    pub(super) request: RunRequest,
}

impl Plan {
    /// Returns the plan of these arguments and their file.
    ///
    /// # Errors
    /// Naming the option or the field that is not valid.
    pub(super) async fn read(args: &SweepArgs) -> Result<Self, Failure> {
        let base = read_base(args.name.as_ref(), args.file.as_deref()).await?;
        Ok(Self::new(&base, args)?)
    }

    fn new(base: &RunRequest, args: &SweepArgs) -> mlbench_client::Result<Self> {
        check_count(args)?;
        // All runs would end before the comparison refuses it.
        check_measure(&args.measure)?;
        let name = base.name.clone();
        // The most workers come first: a cluster that lacks them refuses the first run.
        let mut workers: Vec<Option<u32>> = args.workers.iter().copied().map(Some).collect();
        workers.sort_unstable_by(|one, other| other.cmp(one));
        if let Some([twice, _]) = workers.array_windows().find(|[one, other]| one == other) {
            let rule = format!("{} is given twice; remove one", twice.unwrap_or_default());
            return Err(mlbench_core::Error::invalid("--workers", rule).into());
        }
        let workers = if workers.is_empty() { vec![None] } else { workers };
        let backends: Vec<Option<&str>> = match args.backend.as_slice() {
            [] => vec![None],
            given => given.iter().map(|backend| Some(backend.as_str())).collect(),
        };
        let mut combinations = Vec::new();
        let mut requests = Vec::new();
        let mut seen = BTreeSet::new();
        for workers in workers {
            for backend in &backends {
                let run = with_flags(base.clone(), &args.settings, workers, *backend)?;
                let run =
                    with_goal(run, args.measure.goal.as_ref().and_then(GoalText::whole), args.stop_at_goal);
                if let Some((tag, _)) = run.tags.iter().find(|(tag, _)| [SWEEP_TAG, PLAN_TAG].contains(tag)) {
                    return Err(taken(tag));
                }
                let named = run.backend()?.map(|backend| backend.name().to_owned());
                if !seen.insert((run.num_workers, named.clone())) {
                    let rule = format!("{} is given twice; remove one", quote(backend.unwrap_or_default()));
                    return Err(mlbench_core::Error::invalid("--backend", rule).into());
                }
                let suffix = [
                    workers.map(|workers| format!("-w{workers}")),
                    backend.and(named.clone()).map(|backend| format!("-{backend}")),
                ];
                requests.push((suffix.into_iter().flatten().collect::<String>(), run.clone()));
                combinations.push(Combination {
                    workers: run.num_workers.map_or_else(|| "all".to_owned(), |workers| workers.to_string()),
                    backend: named.unwrap_or_else(|| "-".to_owned()),
                });
            }
        }
        let identity = identity(args.repeats, &combinations, &requests)?;
        let mut runs = Vec::new();
        for repeat in 1..=args.repeats {
            for (combination, (suffix, request)) in requests.iter().enumerate() {
                let too_long = |_| {
                    let rule = "must leave room for -w2-mpi-1 and the like in 100 characters; shorten it";
                    mlbench_core::Error::invalid("--name", rule)
                };
                let own = RunName::new(format!("{name}{suffix}-{repeat}")).map_err(too_long)?;
                let tags = [(SWEEP_TAG, name.as_str()), (PLAN_TAG, identity.as_str())];
                let tags = request.tags.iter().chain(tags);
                let tags = Tags::new(tags.map(|(name, text)| (name.to_owned(), text.to_owned())))?;
                let request = RunRequest { name: own, tags, ..request.clone() };
                check(&request)?;
                runs.push(PlannedRun { combination, repeat, request });
            }
        }
        Ok(Self { name, identity, combinations, runs })
    }

    /// Returns whether a run is of a sweep with this name.
    pub(super) fn has(&self, run: &Run) -> bool {
        run.tags.get(SWEEP_TAG) == Some(self.name.as_str())
    }

    /// Returns the index of a run of this sweep.
    pub(super) fn index_of(&self, run: &Run) -> Option<usize> {
        self.runs.iter().position(|planned| planned.request.name == run.name).filter(|_| self.has(run))
    }

    /// Checks that a run with the name of this sweep is of its plan.
    ///
    /// # Errors
    /// [`Failure::OtherPlan`] if it is not.
    pub(super) fn check(&self, run: &Run) -> Result<(), Failure> {
        match run.tags.get(PLAN_TAG) {
            Some(plan) if plan == self.identity && self.index_of(run).is_some() => Ok(()),
            plan => Err(Failure::OtherPlan {
                name: self.name.to_string(),
                run: run.id,
                plan: plan.unwrap_or("none").to_owned(),
                given: self.identity.clone(),
            }),
        }
    }
}

impl PlannedRun {
    /// Returns the key under which the run is started, another one after the run of the key was deleted.
    pub(super) fn key(&self, attempt: u32) -> mlbench_client::Result<String> {
        let name = crc32c::crc32c(self.request.name.as_str().as_bytes());
        Ok(format!("sweep-{name:08x}-{:08x}-{attempt}", checksum(&self.request)?))
    }
}

/// Checks the number of runs before there is a request for each of them.
fn check_count(args: &SweepArgs) -> mlbench_client::Result<()> {
    let combinations = args.workers.len().max(1).saturating_mul(args.backend.len().max(1));
    let repeats = usize::try_from(args.repeats).unwrap_or(usize::MAX);
    let count = combinations.saturating_mul(repeats);
    if count <= MAX_RUNS {
        return Ok(());
    }
    let rule = format!("makes {count} runs with {combinations} combinations; a sweep has at most {MAX_RUNS}");
    Err(mlbench_core::Error::invalid("--repeats", rule).into())
}

fn taken(tag: &str) -> mlbench_client::Error {
    let rule = format!("{} is set by the sweep; use another name", quote(tag));
    mlbench_core::Error::invalid("tags", rule).into()
}

fn identity(
    repeats: u32,
    combinations: &[Combination],
    requests: &[(String, RunRequest)],
) -> mlbench_client::Result<String> {
    let joined = |part: fn(&Combination) -> &str| {
        let mut parts: Vec<&str> = combinations.iter().map(part).collect();
        parts.sort_by_key(|part| (part.len(), *part));
        parts.dedup();
        parts.join(",")
    };
    let (workers, backends) = (joined(|it| &it.workers), joined(|it| &it.backend));
    let mut checksums = requests.iter().map(|(_, run)| checksum(run)).collect::<Result<Vec<_>, _>>()?;
    checksums.sort_unstable();
    let all: Vec<u8> = checksums.into_iter().flat_map(u32::to_be_bytes).collect();
    let options = crc32c::crc32c(&all);
    Ok(format!("workers {workers}, backend {backends}, repeats {repeats}, options {options:08x}"))
}

fn checksum(run: &RunRequest) -> mlbench_client::Result<u32> {
    let body = serde_json::to_vec(run).map_err(|error| mlbench_core::Error::invalid("run", error))?;
    Ok(crc32c::crc32c(&body))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::{Cli, Command, RunsCommand};

    fn plan(arguments: &str) -> Result<Plan, String> {
        let words =
            ["mlbench", "runs", "sweep", "--name", "s"].into_iter().chain(arguments.split_whitespace());
        let Command::Runs(RunsCommand::Sweep(args)) = Cli::try_parse_from(words).unwrap().command else {
            panic!("not a sweep")
        };
        Plan::new(&RunRequest::named(args.name.clone().unwrap()), &args).map_err(|error| error.to_string())
    }

    fn names(plan: &Plan) -> Vec<&str> {
        plan.runs.iter().map(|run| run.request.name.as_str()).collect()
    }

    #[test]
    fn combinations_take_turns_and_the_most_workers_come_first() {
        let plan = plan("--workers 1,2 --backend MPI,gloo --repeats 2 --tag team=vision").unwrap();
        let first = ["s-w2-mpi-1", "s-w2-gloo-1", "s-w1-mpi-1", "s-w1-gloo-1"];
        assert_eq!(names(&plan)[..4], first);
        assert_eq!(names(&plan)[4..], first.map(|name| name.replace("-1", "-2").replace("w-2", "w1")));
        let run = &plan.runs[5].request;
        assert_eq!((run.num_workers, run.backend.as_deref()), (Some(2), Some("gloo")));
        let tags: Vec<_> = run.tags.iter().collect();
        assert_eq!(tags[0], ("sweep", "s"));
        assert!(tags[1].1.starts_with("workers 1,2, backend mpi,gloo, repeats 2, options "), "{tags:?}");
        assert_eq!(tags[2], ("team", "vision"));
    }

    #[test]
    fn only_what_a_sweep_varies_is_in_the_names() {
        let of = |arguments: &str| names(&plan(arguments).unwrap()).join(" ");
        assert_eq!(of(""), "s-1");
        assert_eq!(of("--repeats 2"), "s-1 s-2");
        assert_eq!(of("--backend gloo"), "s-gloo-1");
        assert_eq!(of("--workers 4"), "s-w4-1");
    }

    #[test]
    fn the_same_runs_are_the_same_plan_with_the_same_keys() {
        let one = plan("--workers 1,2 --backend mpi,gloo --param lr=0.1").unwrap();
        let same = plan("--param lr=0.1 --backend gloo,mpi --workers 2,1").unwrap();
        assert_eq!(one.identity, same.identity);
        let keys = |plan: &Plan| plan.runs.iter().map(|run| run.key(0).unwrap()).collect::<BTreeSet<_>>();
        assert_eq!((keys(&one), keys(&one).len()), (keys(&same), 4));
        assert!(keys(&one).iter().all(|key| key.len() <= 64));
        assert_ne!(one.runs[0].key(0).unwrap(), one.runs[0].key(1).unwrap());
        for other in
            ["--workers 1,2 --backend mpi,gloo --param lr=0.2", "--workers 1,2", "--workers 1,2 --repeats 2"]
        {
            assert_ne!(plan(other).unwrap().identity, one.identity, "{other}");
        }
    }

    #[test]
    fn what_makes_no_plan_is_named() {
        for (arguments, problem) in [
            ("--workers 2,1,2", "--workers: 2 is given twice; remove one"),
            ("--backend mpi,MPI", "--backend: \"MPI\" is given twice; remove one"),
            ("--tag sweep=x", "tags: \"sweep\" is set by the sweep; use another name"),
            (
                "--goal val_loss<=0.1 --metric val_loss",
                "--metric: val_loss<=0.1 says it too; leave out one of them",
            ),
            (
                "--workers 1,2 --repeats 501",
                "--repeats: makes 1002 runs with 2 combinations; a sweep has at most 1000",
            ),
        ] {
            assert_eq!(plan(arguments).unwrap_err(), problem, "{arguments}");
        }
        assert!(plan("--repeats 4294967295").unwrap_err().contains("at most 1000"));
        let long = format!("--name {}", "x".repeat(99));
        let words = ["mlbench", "runs", "sweep"].into_iter().chain(long.split(' '));
        let Command::Runs(RunsCommand::Sweep(args)) = Cli::try_parse_from(words).unwrap().command else {
            panic!("not a sweep")
        };
        let base = RunRequest::named(args.name.clone().unwrap());
        assert!(Plan::new(&base, &args).unwrap_err().to_string().starts_with("--name: must leave room"));
    }
}
