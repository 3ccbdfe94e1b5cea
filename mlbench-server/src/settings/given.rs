//! The settings that were given, as opposed to their defaults, and those of them that have no effect.

use clap::parser::ValueSource;
use clap::{ArgMatches, Command};

use super::kubernetes::HEADING;
use super::values::ClusterKind;

/// A setting that was given.
#[derive(Debug, Clone)]
pub(super) struct Given {
    id: String,
    /// The flag or the variable, whichever gave it.
    name: String,
    /// Whether it is about workers in Kubernetes.
    is_of_kubernetes: bool,
}

/// Where the server runs, as far as settings depend on it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Surroundings {
    pub(super) cluster: ClusterKind,
    /// Whether the server is itself in a pod.
    pub(super) in_pod: bool,
    /// Whether the namespace of the server is known, as it is in a pod.
    pub(super) has_namespace: bool,
}

/// Finds the settings that were given. An empty variable counts as unset.
pub(super) fn find(command: &Command, matches: &ArgMatches) -> Vec<Given> {
    let given = command.get_arguments().filter_map(|arg| {
        let id = arg.get_id().as_str();
        let name = match matches.value_source(id)? {
            ValueSource::CommandLine => format!("--{}", arg.get_long()?),
            ValueSource::EnvVariable if matches.get_raw(id)?.any(|value| !value.is_empty()) => {
                arg.get_env()?.to_string_lossy().into_owned()
            }
            _ => return None,
        };
        let is_of_kubernetes = arg.get_help_heading() == Some(HEADING);
        Some(Given { id: id.to_owned(), name, is_of_kubernetes })
    });
    given.collect()
}

/// Refuses a setting that has no effect.
///
/// # Errors
/// A message that names it.
pub(super) fn check(given: &[Given], at: Surroundings) -> Result<(), String> {
    given.iter().find_map(|setting| setting.problem(at)).map_or(Ok(()), Err)
}

impl Given {
    /// Returns the flag, unless a variable has given it or it is that of `id`.
    pub(super) fn flag_besides(&self, id: &str) -> Option<&str> {
        Some(self.name.as_str()).filter(|name| name.starts_with("--") && self.id != id)
    }

    fn problem(&self, at: Surroundings) -> Option<String> {
        let is_local = at.cluster != ClusterKind::Kubernetes;
        let problem = match self.id.as_str() {
            "workers" if !is_local => {
                "no effect on workers in Kubernetes; use --max-workers, or --cluster local"
            }
            "service_name" if !at.has_namespace => "no effect outside a pod; leave it out",
            // It names the machine of a server in a pod.
            "release_name" if at.in_pod => return None,
            "max_workers" if is_local => "no effect on local workers; use --workers, or --cluster kubernetes",
            _ if self.is_of_kubernetes && is_local => {
                "no effect on local workers; leave it out, or use --cluster kubernetes"
            }
            _ => return None,
        };
        Some(format!("{}: {problem}", self.name))
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::settings::Settings;

    const LOCAL: Surroundings =
        Surroundings { cluster: ClusterKind::Local, in_pod: false, has_namespace: false };
    const KUBERNETES: Surroundings = Surroundings { cluster: ClusterKind::Kubernetes, ..LOCAL };

    fn checked(words: &[&str], at: Surroundings) -> Result<(), String> {
        let command = Settings::command();
        let words = std::iter::once("mlbench-server").chain(words.iter().copied());
        check(&find(&command, &command.clone().try_get_matches_from(words).unwrap()), at)
    }

    #[test]
    fn settings_of_the_other_cluster_are_refused() {
        assert_eq!(
            checked(&["--workers", "2"], KUBERNETES).unwrap_err(),
            "--workers: no effect on workers in Kubernetes; use --max-workers, or --cluster local"
        );
        assert_eq!(
            checked(&["--max-workers", "2"], LOCAL).unwrap_err(),
            "--max-workers: no effect on local workers; use --workers, or --cluster kubernetes"
        );
        assert_eq!(
            checked(&["--kubelet-via-apiserver"], LOCAL).unwrap_err(),
            "--kubelet-via-apiserver: no effect on local workers; leave it out, or use --cluster kubernetes"
        );
        for (words, at) in [(["--workers", "2"], LOCAL), (["--max-workers", "2"], KUBERNETES)] {
            assert_eq!(checked(&words, at), Ok(()));
        }
        assert_eq!((checked(&[], LOCAL), checked(&[], KUBERNETES)), (Ok(()), Ok(())));
    }

    #[test]
    fn every_setting_of_kubernetes_is_refused_with_local_workers() {
        let command = Settings::command();
        let of_kubernetes = command.get_arguments().filter(|arg| arg.get_help_heading() == Some(HEADING));
        let names: Vec<String> = of_kubernetes.map(|arg| format!("--{}", arg.get_long().unwrap())).collect();
        assert!(names.len() >= 13, "{names:?}");
        for name in names {
            let value = match name.as_str() {
                "--max-workers" | "--max-gpu-per-worker" | "--worker-max-cpu" => "=1",
                "--worker-memory" => "=4Gi",
                "--gpu-resource" => "=amd.com/gpu",
                "--worker-hosts" => "=ip",
                "--pod-security" => "=restricted",
                "--mpi-daemons" => "=ssh",
                "--run-as-user" => "=1000",
                "--run-access" => "=secret/db",
                "--anti-affinity" => "=required",
                "--image-pull-policy" => "=always",
                "--kubelet-via-apiserver" => "",
                _ => "=x",
            };
            let word = format!("{name}{value}");
            let refusal = checked(&[&word], LOCAL).unwrap_err();
            assert!(refusal.starts_with(&format!("{name}: no effect on local workers; ")), "{refusal}");
        }
    }

    #[test]
    fn settings_of_a_pod_are_refused_outside() {
        let in_pod = Surroundings { in_pod: true, has_namespace: true, ..LOCAL };
        assert_eq!(
            checked(&["--service-name", "x"], KUBERNETES).unwrap_err(),
            "--service-name: no effect outside a pod; leave it out"
        );
        assert_eq!(checked(&["--service-name", "x", "--release-name", "y"], in_pod), Ok(()));
    }
}
