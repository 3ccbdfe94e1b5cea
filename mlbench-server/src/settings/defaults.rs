//! Defaults that depend on this machine or on the cluster.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use super::flags::Settings;
use super::given::Surroundings;
use super::values::ClusterKind;
use crate::cluster::kubernetes::MpiDaemons;

impl Settings {
    /// Returns the named cluster, or the one that `auto` finds.
    ///
    /// That is Kubernetes inside a pod, or with a context or a kubeconfig, and otherwise this machine.
    #[must_use]
    pub fn cluster_kind(&self) -> ClusterKind {
        let variable = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let in_pod = variable("KUBERNETES_SERVICE_HOST") && Path::new(SERVICE_ACCOUNT).exists();
        let configured = self.kubernetes.kube_context.is_some() || variable("KUBECONFIG");
        match self.cluster {
            ClusterKind::Auto if in_pod || configured => ClusterKind::Kubernetes,
            ClusterKind::Auto => ClusterKind::Local,
            named => named,
        }
    }

    /// Returns the name of this machine, which marks the database as its own.
    ///
    /// A pod may move between machines with its volume. Its namespace and release stand for the machine.
    #[must_use]
    pub fn machine(&self) -> String {
        let first_line = |file: &str| {
            let text = std::fs::read_to_string(file).ok()?;
            text.lines().next().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty())
        };
        if Path::new(SERVICE_ACCOUNT).exists() {
            let namespace = first_line(NAMESPACE).unwrap_or_default();
            return format!("pod/{namespace}/{}", self.kubernetes.release_name.as_str());
        }
        ["/etc/machine-id", "/var/lib/dbus/machine-id"].into_iter().find_map(first_line).unwrap_or_default()
    }

    /// Returns the sampling interval. A kubelet itself samples every 10 to 15 s.
    #[must_use]
    pub fn sample_interval(&self) -> Duration {
        let default = if self.cluster_kind() == ClusterKind::Kubernetes { 10 } else { 2 };
        self.sample_interval.unwrap_or(Duration::from_secs(default))
    }

    /// Returns the number of local workers.
    #[must_use]
    pub fn workers(&self) -> u32 {
        let cores =
            || std::thread::available_parallelism().map_or(2, |n| u32::try_from(n.get()).unwrap_or(2));
        self.workers.unwrap_or_else(|| cores().max(2))
    }

    /// Returns the prefix of commands with the mpi backend.
    #[must_use]
    pub fn mpirun(&self) -> String {
        if let Some(prefix) = &self.mpirun {
            return prefix.clone();
        }
        if self.cluster_kind() == ClusterKind::Kubernetes {
            let over_ssh = self.kubernetes.mpi_daemons == MpiDaemons::Ssh;
            return if over_ssh { OFFICIAL_MPIRUN } else { "mpirun --oversubscribe --host {hosts}" }
                .to_owned();
        }
        let root = if rustix::process::geteuid().is_root() { " --allow-run-as-root" } else { "" };
        format!("mpirun{root} --oversubscribe --host {{hosts}}")
    }

    /// Returns the command of a run that names none.
    ///
    /// # Errors
    /// A message that names both places where the server searched for the `mlbench` program.
    pub fn default_command(&self) -> Result<String, String> {
        if let Some(command) = &self.default_command {
            return Ok(command.clone());
        }
        if self.cluster_kind() == ClusterKind::Kubernetes {
            return Ok(format!("mlbench {BENCHMARK}"));
        }
        let own = std::env::current_exe().ok();
        let next_to = own.as_deref().and_then(Path::parent).map(|folder| folder.join("mlbench"));
        let path = std::env::var_os("PATH").unwrap_or_default();
        let on_path = std::env::split_paths(&path).map(|folder| folder.join("mlbench"));
        let program = next_to.into_iter().chain(on_path).find(|file| is_program(file)).ok_or_else(|| {
            "the program mlbench is neither next to the server's program nor on its PATH; send \
             custom_image_command, or start the server with --default-command"
                .to_owned()
        })?;
        let program = program.to_string_lossy();
        Ok(format!("{} {BENCHMARK}", shell_words::quote(&program)))
    }

    /// Returns the host names that requests may use.
    ///
    /// They are the allowed ones and, in a pod, those of the server's service.
    #[must_use]
    pub fn host_names(&self) -> Vec<String> {
        self.host_names_in(namespace().as_deref())
    }

    /// Returns what decides which settings have an effect.
    pub(super) fn surroundings(&self) -> Surroundings {
        Surroundings {
            cluster: self.cluster_kind(),
            in_pod: Path::new(SERVICE_ACCOUNT).exists(),
            has_namespace: namespace().is_some(),
        }
    }

    /// Returns the host names that requests may use in a pod of this namespace.
    pub(super) fn host_names_in(&self, namespace: Option<&str>) -> Vec<String> {
        let (mut names, service) = (self.allowed_hosts.clone(), &self.service_name);
        if let Some(namespace) = namespace.map(str::trim) {
            names.push(service.clone());
            names.extend(["", ".svc", ".svc.cluster.local"].map(|end| format!("{service}.{namespace}{end}")));
        }
        names
    }

    /// Returns the URL at which workers reach a server that listens on `address`.
    #[must_use]
    pub fn server_url(&self, address: SocketAddr) -> String {
        let reachable = match address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => SocketAddr::from(([127, 0, 0, 1], address.port())),
            IpAddr::V6(ip) if ip.is_unspecified() => {
                SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], address.port()))
            }
            _ => address,
        };
        self.server_url.clone().unwrap_or_else(|| format!("http://{reachable}"))
    }
}

/// Returns the namespace of the pod that this server is in.
fn namespace() -> Option<String> {
    let variable = std::env::var("POD_NAMESPACE").ok().filter(|namespace| !namespace.is_empty());
    variable.or_else(|| std::fs::read_to_string(NAMESPACE).ok())
}

/// File with the token of a pod's service account.
const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";

/// File with the namespace of a pod's service account.
const NAMESPACE: &str = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";

/// The built-in benchmark, with the arguments that every official image takes.
const BENCHMARK: &str =
    "benchmark logistic-regression --run_id {run_id} --rank {rank} --hosts {hosts} --backend {backend}";

/// Prefix of commands with the mpi backend in the official images over ssh, which keeps no variable.
const OFFICIAL_MPIRUN: &str = "/.openmpi/bin/mpirun --mca btl_tcp_if_exclude docker0,lo \
    -x KUBERNETES_SERVICE_HOST -x KUBERNETES_SERVICE_PORT -x LD_LIBRARY_PATH=/usr/local/nvidia/lib64 --host {hosts}";

fn is_program(file: &Path) -> bool {
    rustix::fs::access(file, rustix::fs::Access::EXEC_OK).is_ok() && file.is_file()
}
