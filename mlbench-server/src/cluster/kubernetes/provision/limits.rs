//! Limits of this cluster that no wait can change.

use mlbench_core::run::Run;

use crate::cluster::kubernetes::options::{Cpu, Options};

/// Returns why this cluster can never provide the workers of a run.
pub(crate) fn violation(run: &Run, options: &Options) -> Option<String> {
    let (spec, most) = (&run.spec, options.max_workers);
    if spec.num_workers > most {
        let wanted = spec.num_workers;
        return Some(format!("num_workers: {wanted} requested, {most} available; request at most {most}"));
    }
    if let (Some(cores), Some(most)) = (spec.num_cpus, options.worker_max_cpu)
        && spec.image.is_some()
        && Cpu::from_cores(cores) > most
    {
        return Some(format!("num_cpus: {cores} cores requested per worker; request at most {most}"));
    }
    if spec.gpu_enabled && spec.image.is_some() && options.max_gpu_per_worker == 0 {
        return Some(
            "gpu_enabled: the workers of this cluster have no GPUs; run without GPUs, or start the server with \
             --max-gpu-per-worker"
                .to_owned(),
        );
    }
    if let Some(wanted) = spec.needs.gpus.filter(|_| spec.image.is_some())
        && wanted > options.max_gpu_per_worker
    {
        let most = options.max_gpu_per_worker;
        return Some(format!("gpus: {wanted} requested per worker; request at most {most}"));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::kubernetes::testing::{options, run};

    #[test]
    fn requests_above_the_limits_of_the_cluster_are_refused() {
        let options = Options { max_workers: 2, worker_max_cpu: Some("8000m".parse().unwrap()), ..options() };
        let mut asked = run(1, "x");
        asked.spec.image = Some("image:1".to_owned());
        assert_eq!(violation(&asked, &options), None);
        asked.spec.num_workers = 3;
        assert!(violation(&asked, &options).unwrap().contains("3 requested, 2 available"));
        asked.spec.num_workers = 2;
        asked.spec.num_cpus = Some(8.5);
        assert!(violation(&asked, &options).unwrap().contains("8.5 cores"));
        asked.spec.num_cpus = Some(8.0);
        asked.spec.gpu_enabled = true;
        assert!(violation(&asked, &options).unwrap().contains("GPUs"));
        let options = Options { max_gpu_per_worker: 2, ..options };
        asked.spec.needs.gpus = Some(2);
        assert_eq!(violation(&asked, &options), None);
        asked.spec.needs.gpus = Some(3);
        assert_eq!(violation(&asked, &options).unwrap(), "gpus: 3 requested per worker; request at most 2");
    }
}
