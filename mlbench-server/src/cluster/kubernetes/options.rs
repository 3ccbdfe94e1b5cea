//! Options of a Kubernetes cluster.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use clap::ValueEnum;
use mlbench_core::needs::ByteSize;

use super::pod_template::PodTemplate;
use super::run_access::RunAccess;

/// Options of a Kubernetes cluster.
#[derive(Debug, Clone)]
pub struct Options {
    /// The kubeconfig, or `None` for that of `kubectl`.
    pub kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig, or `None` for the current one, or inside a pod its service account.
    pub context: Option<String>,
    /// The namespace of the workers, or `None` for that of the context or the service account.
    pub namespace: Option<String>,
    /// The value of the label `release` of this server's workers.
    pub release: ReleaseName,
    /// The label value that marks the worker sets of this server.
    ///
    /// Servers that share namespace and release need different values: each deletes the worker sets with its own value
    /// whose runs it does not know.
    pub instance: Instance,
    /// The name of this server as the holder of the lease of its database.
    ///
    /// It differs from that of a server on a copy, and stays when the server is started again.
    pub holder: String,
    /// The earlier values of a copied database. What has them belongs to the server on the original.
    pub former: Vec<Instance>,
    /// Maximum number of workers of a run.
    pub max_workers: u32,
    /// Maximum CPU of a worker, and its limit when the run requests none.
    pub worker_max_cpu: Option<Cpu>,
    /// Memory request and limit of a worker in a worker set whose run names none.
    pub worker_memory: Option<ByteSize>,
    /// Maximum number of GPUs per worker, and their number in a run with `gpu_enabled` that names none.
    pub max_gpu_per_worker: u32,
    /// Name under which nodes offer their GPUs.
    pub gpu_resource: String,
    /// How the workers of a run address each other.
    pub worker_hosts: WorkerHosts,
    /// Whether two workers may share a node.
    pub anti_affinity: AntiAffinity,
    /// When nodes pull the image of a worker set.
    pub image_pull_policy: ImagePullPolicy,
    /// Names of the Secrets for pulling images.
    pub image_pull_secrets: Vec<String>,
    /// Service account of the pods of worker sets, or `None` for pods without its token.
    pub worker_service_account: Option<String>,
    /// The standard of pod security that the pods of worker sets meet.
    pub pod_security: PodSecurity,
    /// User and group of the pods of worker sets, or `None` for those of the image.
    pub run_as_user: Option<u32>,
    /// Template that is merged over that of worker sets.
    pub pod_template: PodTemplate,
    /// How a command like `mpirun` starts its daemons in the other pods.
    pub mpi_daemons: MpiDaemons,
    /// What runs may use of the namespace and the nodes.
    pub run_access: RunAccess,
    /// MiB of each output stream of a rank that its pod keeps.
    pub output_limit: u32,
    /// Whether to read the kubelets' metrics through the API server.
    ///
    /// This requires the right `nodes/proxy`, which also grants the exec of the kubelets.
    pub kubelet_via_apiserver: bool,
}

impl Options {
    /// Returns the default options for a release.
    #[must_use]
    pub fn new(release: ReleaseName) -> Self {
        Self {
            kubeconfig: None,
            context: None,
            namespace: None,
            instance: Instance(release.0.clone()),
            holder: release.0.clone(),
            former: Vec::new(),
            release,
            max_workers: 8,
            output_limit: 256,
            worker_max_cpu: None,
            worker_memory: None,
            max_gpu_per_worker: 0,
            gpu_resource: "nvidia.com/gpu".to_owned(),
            worker_hosts: WorkerHosts::Dns,
            anti_affinity: AntiAffinity::Preferred,
            image_pull_policy: ImagePullPolicy::IfNotPresent,
            image_pull_secrets: Vec::new(),
            worker_service_account: None,
            pod_security: PodSecurity::Baseline,
            run_as_user: None,
            pod_template: PodTemplate::default(),
            mpi_daemons: MpiDaemons::Server,
            run_access: RunAccess::default(),
            kubelet_via_apiserver: false,
        }
    }
}

/// The release of the deployment, a DNS-1035 label of at most 20 characters.
///
/// The maximum leaves space for the name of the run in object names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleaseName(String);

impl ReleaseName {
    /// Maximum number of characters.
    pub const MAX_CHARS: usize = 20;

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ReleaseName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let alphanumeric = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        let fits = text.len() <= Self::MAX_CHARS
            && text.bytes().all(|b| alphanumeric(b) || b == b'-')
            && text.bytes().next().is_some_and(|b| b.is_ascii_lowercase())
            && text.bytes().last().is_some_and(alphanumeric);
        if fits {
            return Ok(Self(text.to_owned()));
        }
        Err(format!(
            "{text:?}: must be 1 to {} characters of a-z, 0-9 and '-', start with a letter and not end with '-'",
            Self::MAX_CHARS
        ))
    }
}

/// The name of a server within its release, a label value of 1 to 63 characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance(String);

impl Instance {
    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Instance {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let edge = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_alphanumeric());
        let inside = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
        if text.len() <= 63
            && edge(text.bytes().next())
            && edge(text.bytes().last())
            && text.bytes().all(inside)
        {
            return Ok(Self(text.to_owned()));
        }
        Err(format!(
            "{text:?}: must be 1 to 63 characters of a-z, A-Z, 0-9, '-', '_' and '.', and start and end with a letter or \
             digit"
        ))
    }
}

/// An amount of CPU in millicores, written `8`, `0.5` or `8000m`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cpu(u64);

impl Cpu {
    /// Returns the number of cores.
    #[must_use]
    pub fn cores(self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a parsed amount is below 2^53 millicores")]
        let millicores = self.0 as f64;
        millicores / 1000.0
    }

    /// Converts cores, rounded up to whole millicores and at least 1.
    #[must_use]
    pub fn from_cores(cores: f64) -> Self {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates by intention")]
        Self(((cores * 1000.0).ceil() as u64).max(1))
    }
}

impl fmt::Display for Cpu {
    /// Formats as a Kubernetes quantity.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}m", self.0)
    }
}

impl FromStr for Cpu {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let invalid = || format!("{text:?}: not an amount of CPU; use cores (8, 0.5) or millicores (8000m)");
        if let Some(millicores) = text.strip_suffix('m') {
            return millicores.parse().ok().filter(|n| *n >= 1).map(Self).ok_or_else(invalid);
        }
        let cores: f64 = text.parse().map_err(|_| invalid())?;
        if cores > 0.0 && cores < 1e6 { Ok(Self::from_cores(cores)) } else { Err(invalid()) }
    }
}

/// How the workers of a run address each other (`{hosts}`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum WorkerHosts {
    /// By `pod.service`, which the cluster's DNS resolves.
    Dns,
    /// By the IP addresses of the pods.
    Ip,
}

/// Whether two workers of a release may share a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AntiAffinity {
    /// Never: a run waits for as many nodes as it has workers.
    Required,
    /// Only when there are fewer nodes than workers.
    Preferred,
}

/// A standard of pod security, as Kubernetes defines them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PodSecurity {
    /// Images may run as root and with an ssh daemon.
    Baseline,
    /// Images may not run as root, and have no capabilities.
    Restricted,
}

/// How a command like `mpirun` starts its daemons in the other pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum MpiDaemons {
    /// Through this server.
    Server,
    /// Over the ssh daemon that the image's own program starts.
    Ssh,
}

/// When a node pulls an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ImagePullPolicy {
    /// For every pod.
    Always,
    /// When the node does not have it.
    IfNotPresent,
    /// Never: the node must have it.
    Never,
}

impl ImagePullPolicy {
    /// Returns the name in Kubernetes.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Always => "Always",
            Self::IfNotPresent => "IfNotPresent",
            Self::Never => "Never",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn release_leaves_space_for_the_name_of_the_run() {
        for release in ["r", "mlbench", "a2345678901234567890"] {
            assert_eq!(release.parse::<ReleaseName>().unwrap().as_str(), release);
        }
        for release in ["", "a23456789012345678901", "2a", "-a", "a-", "A", "a.b", "ü"] {
            let refusal = release.parse::<ReleaseName>().unwrap_err();
            assert!(refusal.contains("1 to 20 characters"), "{release:?}: {refusal}");
        }
    }

    #[test]
    fn instance_is_a_label_value_and_a_shell_word() {
        for instance in ["a", "7d9c", "A.b-c_d"] {
            assert_eq!(instance.parse::<Instance>().unwrap().as_str(), instance);
        }
        for instance in ["", "-a", "a/", "..", "a b", "$x", &"a".repeat(64)] {
            assert!(instance.parse::<Instance>().is_err(), "{instance:?}");
        }
    }

    #[test]
    fn cpu_is_parsed_in_cores_and_millicores() {
        let quantity = |text: &str| text.parse::<Cpu>().map(|cpu| cpu.to_string());
        assert_eq!(quantity("8").unwrap(), "8000m");
        assert_eq!(quantity("8000m").unwrap(), "8000m");
        assert_eq!(quantity("0.5").unwrap(), "500m");
        assert_eq!(quantity("0.0001").unwrap(), "1m");
        for text in ["", "m", "0", "0m", "-1", "8 cores", "NaN", "inf", "1e9"] {
            assert!(quantity(text).is_err(), "{text:?}");
        }
    }
}
