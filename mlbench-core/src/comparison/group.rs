//! Groups of runs with equal parameters.

use super::result::Parameters;
use crate::labels::Params;
use crate::run::{Run, RunSpec};

impl From<&Run> for Parameters {
    fn from(run: &Run) -> Self {
        Self { params: run.params.filtered(|name| !is_seed(name)), ..Self::from(&run.spec) }
    }
}

/// Returns whether a parameter or variable is what repeats of one measurement are meant to differ in.
fn is_seed(name: &str) -> bool {
    let name = name.to_lowercase();
    name.ends_with("seed") || name.ends_with("random_state")
}

impl From<&RunSpec> for Parameters {
    fn from(spec: &RunSpec) -> Self {
        Self {
            image: spec.image.clone(),
            command: spec.command.clone(),
            backend: spec.backend.as_ref().map(|backend| backend.name().to_owned()),
            run_all_nodes: spec.started_ranks() == spec.num_workers,
            num_workers: spec.num_workers,
            num_cpus: spec.num_cpus,
            max_bandwidth: spec.max_bandwidth,
            gpu_enabled: spec.gpu_enabled,
            light_target: spec.light_target,
            use_horovod: spec.use_horovod,
            params: Params::default(),
            environment: spec.environment.filtered(|name| !is_seed(name)),
            gpus: spec.needs.gpus,
            memory: spec.needs.memory,
            working_dir: spec.needs.working_dir.clone(),
            volumes: spec.needs.volumes.clone(),
            node_selector: spec.needs.node_selector.clone(),
            external: spec.external,
        }
    }
}

impl Parameters {
    /// Returns whether both run the same program to the same goal, on whatever workers.
    pub(super) fn same_program(&self, other: &Self) -> bool {
        (&self.image, &self.command, &self.working_dir, self.light_target)
            == (&other.image, &other.command, &other.working_dir, other.light_target)
    }

    /// Returns whether the workers need more cores than a machine has. Each needs at least a part of one.
    pub(super) fn oversubscribe(&self, cores: f64) -> bool {
        f64::from(self.num_workers) * self.num_cpus.unwrap_or(1.0) > cores
    }
}

/// The parameters of a group and the indexes of its runs.
pub(super) struct Members {
    pub(super) parameters: Parameters,
    pub(super) runs: Vec<usize>,
}

/// Groups runs by their parameters: programs in the order of their first runs, then by workers.
pub(super) fn groups<'a>(runs: impl Iterator<Item = &'a Run>) -> Vec<Members> {
    let mut groups: Vec<Members> = Vec::new();
    for (index, run) in runs.enumerate() {
        let parameters = Parameters::from(run);
        match groups.iter_mut().find(|group| group.parameters == parameters) {
            Some(group) => group.runs.push(index),
            None => groups.push(Members { parameters, runs: vec![index] }),
        }
    }
    let mut by_program: Vec<(usize, Members)> = Vec::new();
    for group in groups {
        let same = by_program.iter().find(|(_, other)| other.parameters.same_program(&group.parameters));
        let program = same.map_or(group.runs[0], |(program, _)| *program);
        by_program.push((program, group));
    }
    by_program.sort_by_key(|(program, group)| (*program, group.parameters.num_workers, group.runs[0]));
    by_program.into_iter().map(|(_, group)| group).collect()
}

/// Returns the index of the group that each group is compared with.
///
/// That is `named` for all of them, else the one with the fewest workers among those of the same program.
pub(super) fn baselines(groups: &[Members], named: Option<usize>) -> Vec<usize> {
    let fewest = |of: &Members| {
        // The groups of a program are sorted by their workers.
        groups.iter().position(|group| group.parameters.same_program(&of.parameters)).unwrap_or_default()
    };
    groups.iter().map(|group| named.unwrap_or_else(|| fewest(group))).collect()
}
