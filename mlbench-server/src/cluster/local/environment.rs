//! The environment that workers inherit from the server.

use std::ffi::OsString;

use crate::cluster::supervisor::{host_of, no_proxy_with};

/// Prefixes of the variables that an MPI or batch system sets for one process of a job, here the server.
const JOB_PREFIXES: [&str; 34] = [
    "OMPI_",
    "PMIX_",
    "PMI_",
    "PMI2_",
    "PRTE_",
    "HYDI_",
    "HYDRA_",
    "I_MPI_HYDRA_",
    "MV2_COMM_WORLD_",
    "MPI_LOCAL",
    "MPIRUN_",
    "SLURM_",
    "SLURMD_",
    "SRUN_",
    "PBS_",
    "LSB_",
    "LS_",
    "JSM_",
    "PET_",
    "ALPS_",
    "FLUX_",
    "PALS_",
    "TORCHELASTIC_",
    "HOROVOD_GLOO_",
    "DMLC_",
    "WATCHDOG_",
    "ORTE_",
    "MVP_COMM_WORLD_",
    "MPISPAWN_",
    "PJM_",
    "OAR_",
    "_CONDOR_",
    "PADDLE_",
    "ACCELERATE_",
];
/// Variables that a launcher or a service manager sets for one process.
const JOB_NAMES: [&str; 41] = [
    "RANK",
    "WORLD_SIZE",
    "LOCAL_RANK",
    "LOCAL_WORLD_SIZE",
    "GROUP_RANK",
    "GROUP_WORLD_SIZE",
    "ROLE_RANK",
    "ROLE_WORLD_SIZE",
    "ROLE_NAME",
    "NODE_RANK",
    "MASTER_ADDR",
    "MASTER_PORT",
    "HOROVOD_RANK",
    "HOROVOD_SIZE",
    "HOROVOD_LOCAL_RANK",
    "HOROVOD_LOCAL_SIZE",
    "HOROVOD_CROSS_RANK",
    "HOROVOD_CROSS_SIZE",
    "HOROVOD_HOSTNAME",
    "HOROVOD_CONTROLLER",
    "HOROVOD_CPU_OPERATIONS",
    "CROSS_RANK",
    "CROSS_SIZE",
    "MP_CHILD",
    "TF_CONFIG",
    "JAX_PROCESS_ID",
    "NOTIFY_SOCKET",
    "CREDENTIALS_DIRECTORY",
    "LISTEN_FDS",
    "LISTEN_PID",
    "LISTEN_FDNAMES",
    "LOCAL_SIZE",
    "JAX_COORDINATOR_ADDRESS",
    "JAX_COORDINATOR_BIND_ADDRESS",
    "JAX_NUM_PROCESSES",
    "JAX_LOCAL_DEVICE_IDS",
    "TPU_WORKER_ID",
    "CLOUD_TPU_TASK_ID",
    "PE_HOSTFILE",
    "SGE_TASK_ID",
    "NSLOTS",
];
/// Variables of other programs with these prefixes: colours of `ls`, and a setting of a Python library.
const FOREIGN_NAMES: [&str; 2] = ["LS_COLORS", "HYDRA_FULL_ERROR"];
/// Prefixes of the variables with which people configure their own `mpirun`, unless a job has set them.
const CONFIGURATION_PREFIXES: [&str; 4] = ["OMPI_MCA_", "OMPI_ALLOW_RUN_AS_ROOT", "PMIX_MCA_", "PRTE_MCA_"];
/// Variables whose presence shows that the server is itself a process of an MPI job.
const MPI_JOB: [&str; 4] = ["OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "OMPI_UNIVERSE_SIZE"];

/// Returns the environment of a worker: the server's own without settings, secrets and its place in a job.
///
/// A program that finds the rank of the server would take itself for that process: two of them would be the same rank.
pub(super) fn inherited(environment: Vec<(OsString, OsString)>) -> Vec<(OsString, OsString)> {
    let in_mpi_job = environment.iter().any(|(name, _)| MPI_JOB.iter().any(|mark| name == mark));
    let is_of_job = |name: &OsString| {
        let begins = |prefixes: &[&str]| {
            prefixes.iter().any(|prefix| name.as_encoded_bytes().starts_with(prefix.as_bytes()))
        };
        let is_set_by_people = (!in_mpi_job && begins(&CONFIGURATION_PREFIXES))
            || FOREIGN_NAMES.iter().any(|known| name == known);
        (begins(&JOB_PREFIXES) && !is_set_by_people) || JOB_NAMES.iter().any(|known| name == known)
    };
    let is_ours = |name: &OsString| name.as_encoded_bytes().starts_with(b"MLBENCH_");
    let (left_out, kept): (Vec<_>, Vec<_>) =
        environment.into_iter().filter(|(name, _)| !is_ours(name)).partition(|(name, _)| is_of_job(name));
    if !left_out.is_empty() {
        let names: Vec<_> = left_out.iter().map(|(name, _)| name.to_string_lossy()).collect();
        tracing::info!("workers do not inherit the server's place in a job: {}", names.join(" "));
    }
    kept
}

/// Adds the host of the server to `no_proxy` and `NO_PROXY`, so that workers reach it directly.
#[must_use]
pub fn without_proxy(mut environment: Vec<(OsString, OsString)>, url: &str) -> Vec<(OsString, OsString)> {
    const NAMES: [&str; 2] = ["no_proxy", "NO_PROXY"];
    let Some(host) = host_of(url) else { return environment };
    let value = |wanted: &&str| {
        let found = environment.iter().find(|(name, _)| name == wanted)?;
        found.1.to_str().filter(|value| !value.is_empty())
    };
    let before = NAMES.iter().find_map(value).unwrap_or_default();
    let after = OsString::from(no_proxy_with(host, before));
    environment.retain(|(name, _)| NAMES.iter().all(|known| name != known));
    environment.extend(NAMES.map(|name| (name.into(), after.clone())));
    environment
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(names: &[&str]) -> Vec<String> {
        let environment = names.iter().map(|name| ((*name).into(), "1".into())).collect();
        inherited(environment).into_iter().map(|(name, _)| name.into_string().unwrap()).collect()
    }

    #[test]
    fn the_place_of_the_server_in_a_job_is_not_inherited() {
        let job = [
            "OMPI_COMM_WORLD_RANK",
            "OMPI_COMM_WORLD_SIZE",
            "OMPI_MCA_ess",
            "PMIX_RANK",
            "PMI_RANK",
            "PMI_FD",
            "SLURM_PROCID",
            "SLURM_JOB_ID",
            "RANK",
            "LOCAL_RANK",
            "WORLD_SIZE",
            "MASTER_PORT",
            "GROUP_RANK",
            "TORCHELASTIC_RUN_ID",
            "HOROVOD_RANK",
            "NOTIFY_SOCKET",
            "CREDENTIALS_DIRECTORY",
            "MLBENCH_TOKEN",
            "HYDI_CONTROL_FD",
            "HYDRA_LAUNCHER",
            "I_MPI_HYDRA_HOST_FILE",
            "JSM_NAMESPACE_RANK",
            "ALPS_APP_PE",
            "PMI2_RANK",
            "SLURMD_NODENAME",
            "SRUN_DEBUG",
            "PBS_TASKNUM",
            "LSB_JOBID",
            "LS_JOBPID",
            "PET_RANK",
            "DMLC_ROLE",
            "MPIRUN_RANK",
            "MP_CHILD",
            "TF_CONFIG",
            "JAX_PROCESS_ID",
            "CROSS_RANK",
            "CROSS_SIZE",
            "HOROVOD_HOSTNAME",
            "HOROVOD_CONTROLLER",
            "HOROVOD_CPU_OPERATIONS",
            "ORTE_JOBID",
            "MVP_COMM_WORLD_RANK",
            "MPISPAWN_ID",
            "PJM_JOBID",
            "OAR_NODEFILE",
            "_CONDOR_PROCNO",
            "PADDLE_TRAINER_ID",
            "ACCELERATE_USE_FSDP",
            "LOCAL_SIZE",
            "JAX_COORDINATOR_ADDRESS",
            "JAX_NUM_PROCESSES",
            "JAX_LOCAL_DEVICE_IDS",
            "TPU_WORKER_ID",
            "CLOUD_TPU_TASK_ID",
            "PE_HOSTFILE",
            "SGE_TASK_ID",
            "NSLOTS",
        ];
        assert_eq!(kept(&job), [""; 0]);
        assert_eq!(kept(&["PATH", "RANKING", "HOROVOD_FUSION_THRESHOLD"]).len(), 3);
        assert_eq!(kept(&["LS_COLORS", "HYDRA_FULL_ERROR", "OMP_NUM_THREADS", "JAX_PLATFORMS"]).len(), 4);
    }

    #[test]
    fn the_host_of_the_server_is_reached_without_a_proxy() {
        let shown = |before: &[(&str, &str)]| {
            let before = before.iter().map(|&(name, value)| (name.into(), value.into())).collect();
            let after = without_proxy(before, "http://[::1]:8000");
            let (lower, upper) = (&after[after.len() - 2], &after[after.len() - 1]);
            assert_eq!((lower.0.to_str(), upper.0.to_str()), (Some("no_proxy"), Some("NO_PROXY")));
            assert_eq!(lower.1, upper.1);
            lower.1.to_str().unwrap().to_owned()
        };
        assert_eq!(shown(&[]), "::1");
        assert_eq!(shown(&[("NO_PROXY", "a,b"), ("PATH", "p")]), "a,b,::1");
        assert_eq!(shown(&[("NO_PROXY", "a"), ("no_proxy", "b, ::1")]), "b, ::1");
        assert_eq!(shown(&[("no_proxy", "*")]), "*");
    }

    #[test]
    fn the_configuration_of_an_mpirun_is_inherited_unless_another_mpirun_has_set_it() {
        let configuration = ["OMPI_MCA_btl", "OMPI_ALLOW_RUN_AS_ROOT", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"];
        assert_eq!(kept(&configuration), configuration);
        assert_eq!(kept(&["OMPI_COMM_WORLD_RANK", "OMPI_MCA_btl"]), [""; 0]);
    }
}
