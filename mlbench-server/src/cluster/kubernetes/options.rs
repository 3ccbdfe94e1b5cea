//! What can be set about the Kubernetes cluster.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use clap::ValueEnum;

/// How this server uses the cluster.
#[derive(Debug, Clone)]
pub struct Options {
    /// The kubeconfig; `None` looks where `kubectl` does.
    pub kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig; `None` takes its current one, or the service account when in a pod.
    pub context: Option<String>,
    /// The namespace of the workers; `None` takes that of the context or of the service account.
    pub namespace: Option<String>,
    /// Which workers are this server's: the value of their label `release`.
    pub release: ReleaseName,
    /// Names this server to its own worker sets, as a label value. Two servers that share namespace and release must
    /// differ in it: each removes the worker sets that bear its own and belong to no run it knows.
    pub instance: Instance,
    /// The most workers of a run.
    pub max_workers: u32,
    /// The most cores a worker may ask for, and what it is limited to when it asks for none.
    pub worker_max_cpu: Option<Cpu>,
    /// The memory of a worker of a worker set, requested and the limit (`4Gi`).
    pub worker_memory: Option<Memory>,
    /// GPUs of a worker whose run asks for them.
    pub max_gpu_per_worker: u32,
    /// How the workers of a run name each other.
    pub worker_hosts: WorkerHosts,
    /// Whether two workers may share a node.
    pub anti_affinity: AntiAffinity,
    /// When nodes pull the image of a worker set.
    pub image_pull_policy: ImagePullPolicy,
    /// Names of the secrets with which images are pulled.
    pub image_pull_secrets: Vec<String>,
    /// The service account of the pods of worker sets; with `None` they get no token at all.
    pub worker_service_account: Option<String>,
    /// Read the kubelets' metrics through the API server. It needs `nodes/proxy`, which also reaches the kubelets' exec.
    pub kubelet_via_apiserver: bool,
}

impl Options {
    /// The defaults for a release.
    #[must_use]
    pub fn new(release: ReleaseName) -> Self {
        Self {
            kubeconfig: None,
            context: None,
            namespace: None,
            instance: Instance(release.0.clone()),
            release,
            max_workers: 8,
            worker_max_cpu: None,
            worker_memory: None,
            max_gpu_per_worker: 0,
            worker_hosts: WorkerHosts::Dns,
            anti_affinity: AntiAffinity::Preferred,
            image_pull_policy: ImagePullPolicy::IfNotPresent,
            image_pull_secrets: Vec::new(),
            worker_service_account: None,
            kubelet_via_apiserver: false,
        }
    }
}

/// The release of the deployment: a DNS-1035 label of at most 20 characters, so that names made with it keep room for
/// the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleaseName(String);

impl ReleaseName {
    /// The most characters.
    pub const MAX_CHARS: usize = 20;

    /// The release.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ReleaseName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        let fits = text.len() <= Self::MAX_CHARS
            && text.bytes().all(|b| word(b) || b == b'-')
            && text.bytes().next().is_some_and(|b| b.is_ascii_lowercase())
            && text.bytes().last().is_some_and(word);
        if fits {
            return Ok(Self(text.to_owned()));
        }
        Err(format!(
            "{text:?} must have 1 to {} characters out of a-z, 0-9 and '-', begin with a letter and not end in '-'",
            Self::MAX_CHARS
        ))
    }
}

/// The name of a server among those of its release: a label value of 1 to 63 characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance(String);

impl Instance {
    /// The name.
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
            "{text:?} must have 1 to 63 characters out of a-z, A-Z, 0-9, '-', '_' and '.', and begin and end \
             with a letter or digit"
        ))
    }
}

/// An amount of CPU in thousandths of a core, written `8`, `0.5` or `8000m`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cpu(u64);

impl Cpu {
    /// What `cores` are, rounded up to a thousandth, at least one.
    #[must_use]
    pub fn from_cores(cores: f64) -> Self {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "saturates, which is meant"
        )]
        Self(((cores * 1000.0).ceil() as u64).max(1))
    }
}

impl fmt::Display for Cpu {
    /// As a Kubernetes quantity.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}m", self.0)
    }
}

impl FromStr for Cpu {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("{text:?} is no amount of CPU: write cores (8, 0.5) or thousandths of one (8000m)");
        if let Some(thousandths) = text.strip_suffix('m') {
            return thousandths.parse().ok().filter(|n| *n >= 1).map(Self).ok_or_else(wrong);
        }
        let cores: f64 = text.parse().map_err(|_| wrong())?;
        if cores > 0.0 && cores < 1e6 { Ok(Self::from_cores(cores)) } else { Err(wrong()) }
    }
}

/// An amount of memory as Kubernetes writes it: `512Mi`, `4Gi`, `1G`, or plain bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Memory(String);

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Memory {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let unit = text.trim_start_matches(|c: char| c.is_ascii_digit());
        let number = &text[..text.len() - unit.len()];
        let known = ["", "k", "M", "G", "T", "Ki", "Mi", "Gi", "Ti"].contains(&unit);
        if known && number.parse::<u64>().is_ok_and(|n| n > 0) {
            return Ok(Self(text.to_owned()));
        }
        Err(format!("{text:?} is no amount of memory: write a whole number and a unit, like 512Mi or 4Gi"))
    }
}

/// How the workers of a run name each other (`{hosts}`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum WorkerHosts {
    /// `pod.service`, resolved by the cluster's DNS.
    Dns,
    /// The addresses of the pods.
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

/// When a node pulls an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ImagePullPolicy {
    /// For every pod.
    Always,
    /// When the node does not have it.
    IfNotPresent,
    /// Not at all: it must be there.
    Never,
}

impl ImagePullPolicy {
    /// The word of Kubernetes.
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
    fn a_release_leaves_room_for_the_name_of_the_run() {
        for release in ["r", "mlbench", "a2345678901234567890"] {
            assert_eq!(release.parse::<ReleaseName>().unwrap().as_str(), release);
        }
        for release in ["", "a23456789012345678901", "2a", "-a", "a-", "A", "a.b", "ü"] {
            let refusal = release.parse::<ReleaseName>().unwrap_err();
            assert!(refusal.contains("1 to 20 characters"), "{release:?}: {refusal}");
        }
    }

    #[test]
    fn an_instance_is_a_label_value_and_a_word_for_a_shell() {
        for instance in ["a", "7d9c", "A.b-c_d"] {
            assert_eq!(instance.parse::<Instance>().unwrap().as_str(), instance);
        }
        for instance in ["", "-a", "a/", "..", "a b", "$x", &"a".repeat(64)] {
            assert!(instance.parse::<Instance>().is_err(), "{instance:?}");
        }
    }

    #[test]
    fn cpu_is_read_in_cores_and_in_thousandths() {
        let quantity = |text: &str| text.parse::<Cpu>().map(|cpu| cpu.to_string());
        assert_eq!(quantity("8").unwrap(), "8000m");
        assert_eq!(quantity("8000m").unwrap(), "8000m");
        assert_eq!(quantity("0.5").unwrap(), "500m");
        assert_eq!(quantity("0.0001").unwrap(), "1m");
        for text in ["", "m", "0", "0m", "-1", "8 cores", "NaN", "inf", "1e9"] {
            assert!(quantity(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn memory_is_a_number_with_a_unit() {
        for text in ["512Mi", "4Gi", "1G", "1000000"] {
            assert_eq!(text.parse::<Memory>().unwrap().to_string(), text);
        }
        for text in ["", "Gi", "0Gi", "4 Gi", "4GB", "-1Mi", "1.5Gi"] {
            assert!(text.parse::<Memory>().is_err(), "{text:?}");
        }
    }
}
