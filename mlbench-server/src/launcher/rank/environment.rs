//! The environment of a rank.

use mlbench_core::run::{Run, RunSpec};

use super::values::{ONLY_RANK, Values};
use crate::cluster::supervisor::{host_of, no_proxy_with};

/// Variables that give a process its place among the ranks.
pub(super) const PLACES: [&str; 6] =
    ["RANK", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "NODE_RANK", "GROUP_RANK", "PET_NODE_RANK"];

/// Sets the place of each process of an MPI run, from Open MPI, PMIx, PMI, Intel MPI or Slurm.
pub(super) const MPI_ENVIRONMENT: &str = "\
    mlbench_set() { mlbench_name=$1; shift; for mlbench_value do if [ -n \"$mlbench_value\" ]; then \
    export \"$mlbench_name=$mlbench_value\"; return; fi; done; }; \
    mlbench_set RANK \"$OMPI_COMM_WORLD_RANK\" \"$PMIX_RANK\" \"$PMI_RANK\" \"$SLURM_PROCID\"; \
    mlbench_set WORLD_SIZE \"$OMPI_COMM_WORLD_SIZE\" \"$PMI_SIZE\" \"$SLURM_NTASKS\"; \
    mlbench_set LOCAL_RANK \"$OMPI_COMM_WORLD_LOCAL_RANK\" \"$MPI_LOCALRANKID\" \"$SLURM_LOCALID\"; \
    mlbench_set LOCAL_WORLD_SIZE \"$OMPI_COMM_WORLD_LOCAL_SIZE\" \"$MPI_LOCALNRANKS\"; exec \"$@\"";

/// Returns all variables but the token, each once.
///
/// To a program every worker is a node with one rank. The variables that begin with `PET_` are the defaults of
/// torchrun's options, which the user may replace.
pub(super) fn environment(values: Values, run: &Run, server_url: &str) -> Vec<(String, String)> {
    let pairs = [
        ("RANK", values.rank.clone()),
        ("WORLD_SIZE", values.num_workers.clone()),
        ("LOCAL_RANK", ONLY_RANK.to_owned()),
        ("LOCAL_WORLD_SIZE", "1".to_owned()),
        ("NODE_RANK", values.rank.clone()),
        ("GROUP_RANK", values.rank.clone()),
        ("MASTER_ADDR", values.master_addr.clone()),
        ("MASTER_PORT", values.master_port.clone()),
        ("PET_NNODES", values.num_workers),
        ("PET_NODE_RANK", values.rank),
        ("PET_MASTER_ADDR", values.master_addr),
        ("PET_MASTER_PORT", values.master_port),
        ("MLBENCH_URL", server_url.to_owned()),
        ("MLBENCH_RUN_ID", values.run_id),
        ("MLBENCH_ADDRESSES", values.addresses),
    ];
    let of_user = variables(&run.spec, server_url);
    let secrets = &run.spec.needs.env_from_secrets;
    let is_replaced =
        |name: &str| of_user.iter().any(|(replaced, _)| replaced == name) || secrets.contains(name);
    let pairs = pairs.into_iter().filter(|(name, _)| !is_replaced(name));
    let pairs: Vec<_> = pairs.map(|(name, value)| (name.to_owned(), value)).collect();
    pairs.into_iter().chain(options(&run.spec)).chain(volumes(&run.spec)).chain(of_user).collect()
}

/// Returns the variables that the user set.
///
/// A user's list of hosts without a proxy also names the server, in both spellings, of which programs read either.
fn variables(spec: &RunSpec, server_url: &str) -> Vec<(String, String)> {
    const NO_PROXY: [&str; 2] = ["no_proxy", "NO_PROXY"];
    let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    let mut variables: Vec<_> = spec.environment.iter().map(owned).collect();
    let value =
        |wanted: &str| spec.environment.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value);
    let [lower, upper] = NO_PROXY.map(value);
    if let (Some(host), Some(lower), Some(upper)) = (host_of(server_url), lower.or(upper), upper.or(lower)) {
        variables.retain(|(name, _)| NO_PROXY.iter().all(|known| name != known));
        let both = NO_PROXY.into_iter().zip([lower, upper]);
        variables.extend(both.map(|(name, before)| (name.to_owned(), no_proxy_with(host, before))));
    }
    variables
}

/// Returns the words that set the user's variables for a command that mpirun starts, on every worker.
pub(super) fn env_command(spec: &RunSpec, server_url: &str) -> impl Iterator<Item = String> {
    let program = (!spec.environment.is_empty()).then(|| "env".to_owned());
    let variables = variables(spec, server_url).into_iter();
    program.into_iter().chain(variables.map(|(name, value)| format!("{name}={value}")))
}

/// Returns the variables with the directories of the volumes. Local workers have directories of their own.
fn volumes(spec: &RunSpec) -> impl Iterator<Item = (String, String)> {
    spec.needs.volumes.iter().map(|volume| (volume.variable(), volume.mount_path.clone()))
}

/// Returns the variables of the enabled options.
fn options(spec: &RunSpec) -> impl Iterator<Item = (String, String)> {
    let options = [
        (spec.gpu_enabled, "MLBENCH_GPU"),
        (spec.light_target, "MLBENCH_LIGHT"),
        (spec.use_horovod, "MLBENCH_HOROVOD"),
    ];
    let enabled = options.into_iter().filter(|(enabled, _)| *enabled);
    enabled.map(|(_, name)| (name.to_owned(), "1".to_owned()))
}
