//! Settings of workers in Kubernetes, with the variable names of older servers where they had one.

use std::path::PathBuf;

use mlbench_core::needs::ByteSize;

use super::values::{amount, resource, user, workers};
use crate::cluster::kubernetes::{
    AccessKind, AccessRule, AntiAffinity, Cpu, ImagePullPolicy, Instance, MpiDaemons, Options, PodSecurity,
    ReleaseName, RunAccess, WorkerHosts,
};

/// Help section of these settings.
pub(super) const HEADING: &str = "Workers in Kubernetes";

/// Settings of workers in Kubernetes.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = HEADING)]
pub struct KubernetesSettings {
    /// Context of the kubeconfig [default: the current one, or the service account inside a pod]
    #[arg(long, value_name = "CONTEXT", env = "MLBENCH_KUBE_CONTEXT")]
    pub kube_context: Option<String>,

    /// Namespace of the workers [default: the one of the context or the pod]
    #[arg(long, value_name = "NAMESPACE", env = "MLBENCH_NAMESPACE")]
    pub namespace: Option<String>,

    /// Value of the label `release` of this server's workers, at most 20 characters
    #[arg(long, value_name = "NAME", env = "MLBENCH_KUBE_RELEASENAME", default_value = "mlbench")]
    pub release_name: ReleaseName,

    /// Maximum number of workers of a run, and of all runs together with --run-policy queue
    #[arg(long, value_name = "N", env = "MLBENCH_MAX_WORKERS", default_value_t = 8)]
    #[arg(value_parser = workers)]
    pub max_workers: u32,

    /// Maximum CPU of a worker, and its limit when a run requests none, such as 8 or 8000m [default: none]
    #[arg(long, value_name = "CPU", env = "MLBENCH_WORKER_MAX_CPU")]
    pub worker_max_cpu: Option<Cpu>,

    /// Memory request and limit of a worker of a run with an image, such as 4Gi [default: none]
    #[arg(long, value_name = "MEMORY", env = "MLBENCH_WORKER_MEMORY")]
    pub worker_memory: Option<ByteSize>,

    /// Most GPUs per worker, and their number in a run with gpu_enabled that names none
    #[arg(long, value_name = "N", env = "MLBENCH_MAX_GPU_PER_WORKER", default_value_t = 0, value_parser = amount)]
    pub max_gpu_per_worker: u32,

    /// Name under which nodes offer their GPUs
    #[arg(long, value_name = "NAME", env = "MLBENCH_GPU_RESOURCE", default_value = "nvidia.com/gpu", value_parser = resource)]
    pub gpu_resource: String,

    /// How workers of a run address each other
    #[arg(long, value_name = "KIND", env = "MLBENCH_WORKER_HOSTS", default_value = "dns")]
    pub worker_hosts: WorkerHosts,

    /// Whether two workers may share a node
    #[arg(long, value_name = "MODE", env = "MLBENCH_ANTI_AFFINITY", default_value = "preferred")]
    pub anti_affinity: AntiAffinity,

    /// When nodes pull the image of a run
    #[arg(long, value_name = "POLICY", env = "MLBENCH_IMAGE_PULL_POLICY", default_value = "if-not-present")]
    pub image_pull_policy: ImagePullPolicy,

    /// Secrets for pulling images
    #[arg(long, value_name = "NAMES", env = "MLBENCH_IMAGE_PULL_SECRETS", value_delimiter = ',')]
    pub image_pull_secrets: Vec<String>,

    /// Service account of workers of runs with an image [default: none, and no token is mounted]
    #[arg(long, value_name = "NAME", env = "MLBENCH_WORKER_SERVICE_ACCOUNT")]
    pub worker_service_account: Option<String>,

    /// Standard of pod security that the workers of runs with an image meet
    #[arg(long, value_name = "STANDARD", env = "MLBENCH_POD_SECURITY", default_value = "baseline")]
    pub pod_security: PodSecurity,

    /// User and group of workers of runs with an image, such as 1000 [default: those of the image]
    #[arg(long, value_name = "UID", env = "MLBENCH_RUN_AS_USER", value_parser = user)]
    pub run_as_user: Option<u32>,

    /// File with a pod template of YAML that is merged over that of runs with an image
    ///
    /// Containers (that of the command is worker), variables, volumes and mounts are merged by name or path.
    #[arg(long, value_name = "FILE", env = "MLBENCH_POD_TEMPLATE")]
    pub pod_template: Option<PathBuf>,

    /// What runs with an image may use by name, such as secret/db. The name * means all of a kind
    ///
    /// The kinds are secret, config_map, pvc, host_path, service_account, priority_class and image_pull_secret. A user who
    /// starts a run can read what it uses, whatever the service account of the server may read.
    #[arg(long, value_name = "KIND/NAME", env = "MLBENCH_RUN_ACCESS", value_delimiter = ',')]
    pub run_access: Vec<AccessRule>,

    /// How mpirun starts its daemons in the other pods
    ///
    /// server: this server starts them, so images need no ssh and no root. ssh: over the ssh daemon that the program of the
    /// image starts as root, with the key in the Secret RELEASE-ssh-key.
    #[arg(long, value_name = "WAY", env = "MLBENCH_MPI_DAEMONS", default_value = "server")]
    pub mpi_daemons: MpiDaemons,

    /// Read pod metrics from the kubelets through the API server
    ///
    /// This needs the permission nodes/proxy, which also grants exec through the kubelets.
    #[arg(long, env = "MLBENCH_KUBELET_VIA_APISERVER")]
    pub kubelet_via_apiserver: bool,
}

impl KubernetesSettings {
    /// Returns the options of a cluster whose worker sets carry the name `instance`.
    #[must_use]
    pub fn options(&self, instance: Instance) -> Options {
        Options {
            context: self.kube_context.clone(),
            namespace: self.namespace.clone(),
            instance,
            max_workers: self.max_workers,
            worker_max_cpu: self.worker_max_cpu,
            worker_memory: self.worker_memory,
            max_gpu_per_worker: self.max_gpu_per_worker,
            gpu_resource: self.gpu_resource.clone(),
            worker_hosts: self.worker_hosts,
            anti_affinity: self.anti_affinity,
            image_pull_policy: self.image_pull_policy,
            image_pull_secrets: self.image_pull_secrets.clone(),
            worker_service_account: self.worker_service_account.clone(),
            pod_security: self.pod_security,
            run_as_user: self.run_as_user,
            mpi_daemons: self.mpi_daemons,
            run_access: RunAccess::new(self.run_access.clone()),
            kubelet_via_apiserver: self.kubelet_via_apiserver,
            ..Options::new(self.release_name.clone())
        }
    }

    /// Refuses names that the API server would refuse later for each run.
    ///
    /// # Errors
    /// A message that names the flag.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.pod_security == PodSecurity::Restricted {
            if self.run_as_user == Some(0) {
                return Err("--run-as-user: 0 is root, which --pod-security restricted forbids; use another"
                    .to_owned());
            }
            if self.run_access.iter().any(|rule| rule.is_of(AccessKind::HostPath)) {
                let rule = "--run-access: --pod-security restricted forbids host_path; leave one of them out";
                return Err(rule.to_owned());
            }
        }
        let names =
            [("--namespace", &self.namespace), ("--worker-service-account", &self.worker_service_account)];
        let secrets = self.image_pull_secrets.iter().map(|name| ("--image-pull-secrets", name));
        let mut all =
            names.into_iter().filter_map(|(flag, name)| Some((flag, name.as_ref()?))).chain(secrets);
        match all.find(|(_, name)| !is_object_name(name)) {
            Some((flag, name)) => Err(format!(
                "{flag}: {name:?} is not a Kubernetes name; use 1 to 63 characters a-z, 0-9, '-' or '.', with a letter \
                 or digit first and last"
            )),
            None => Ok(()),
        }
    }
}

fn is_object_name(name: &str) -> bool {
    let word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    (1..=63).contains(&name.len())
        && name.bytes().all(|b| word(b) || b == b'-' || b == b'.')
        && name.bytes().next().is_some_and(word)
        && name.bytes().last().is_some_and(word)
}

#[cfg(test)]
mod tests {
    use crate::settings::Settings;

    fn settings(flags: &[&str]) -> Result<Settings, String> {
        let settings = Settings::from_flags(flags.iter().copied())?;
        settings.check().map(|()| settings)
    }

    #[test]
    fn an_invalid_object_name_is_refused_naming_the_flag() {
        for flag in ["--namespace", "--worker-service-account", "--image-pull-secrets"] {
            assert!(settings(&["--cluster", "kubernetes", flag, "bench.lab-1"]).is_ok());
            let refusal = settings(&[flag, "Bench_1"]).unwrap_err();
            assert!(
                refusal.starts_with(&format!("{flag}: \"Bench_1\" is not a Kubernetes name")),
                "{refusal}"
            );
        }
        let refusal = settings(&["--release-name", "longer-than-twenty-characters"]).unwrap_err();
        assert!(refusal.contains("--release-name") && refusal.contains("1 to 20 characters"), "{refusal}");
    }

    #[test]
    fn what_restricted_pods_cannot_have_is_refused() {
        let refusal =
            |flags: &[&str]| settings(&[&["--pod-security", "restricted"], flags].concat()).unwrap_err();
        assert!(refusal(&["--run-as-user", "0"]).starts_with("--run-as-user: 0 is root, "));
        assert!(refusal(&["--run-access", "secret/a,host_path/data"]).starts_with("--run-access: "));
        let baseline = ["--cluster", "kubernetes", "--run-access", "host_path/data", "--run-as-user", "0"];
        assert!(settings(&baseline).is_ok());
    }

    #[test]
    fn every_setting_reaches_the_cluster() {
        let flags = "--cluster kubernetes --kube-context c --namespace n --release-name r --max-workers 3 --worker-max-cpu 8 --worker-memory \
                     4Gi --max-gpu-per-worker 2 --gpu-resource amd.com/gpu --worker-hosts ip --anti-affinity required --image-pull-policy always \
                     --image-pull-secrets a,b --worker-service-account s --run-access secret/db,pvc/* --pod-security restricted --run-as-user 1000 --mpi-daemons ssh --kubelet-via-apiserver";
        let flags: Vec<&str> = flags.split_whitespace().collect();
        let settings = settings(&flags).unwrap();
        let options = settings.kubernetes.options("life-1".parse().unwrap());
        let shown = format!("{options:?}");
        for part in [
            "context: Some(\"c\")",
            "namespace: Some(\"n\")",
            "ReleaseName(\"r\")",
            "Instance(\"life-1\")",
            "max_workers: 3",
            "Cpu(8000)",
            "ByteSize(4294967296)",
            "max_gpu_per_worker: 2",
            "gpu_resource: \"amd.com/gpu\"",
            "worker_hosts: Ip",
            "anti_affinity: Required",
            "image_pull_policy: Always",
            "image_pull_secrets: [\"a\", \"b\"]",
            "worker_service_account: Some(\"s\")",
            "name: \"db\"",
            "pod_security: Restricted",
            "run_as_user: Some(1000)",
            "mpi_daemons: Ssh",
            "kubelet_via_apiserver: true",
        ] {
            assert!(shown.contains(part), "{part} is not in {shown}");
        }
    }
}
