//! Test data of this module.

use mlbench_core::run::{Run, RunSpec, RunState};
use mlbench_core::{RunId, RunName, Timestamp};
use serde_json::{Value, json};
use uuid::Uuid;

use super::options::Options;

/// Returns the default options of a release `rel`.
pub(super) fn options() -> Options {
    Options::new("rel".parse().unwrap())
}

/// Returns a new run of two workers without an image.
pub(super) fn run(id: i64, name: &str) -> Run {
    Run {
        id: RunId::new(id).unwrap(),
        name: RunName::new(name).unwrap(),
        created_at: Timestamp::EPOCH,
        admitted_at: Some(Timestamp::EPOCH),
        finished_at: None,
        state: RunState::Initialized,
        job_id: Uuid::new_v4(),
        spec: spec(2),
        params: mlbench_core::Params::default(),
        tags: mlbench_core::Tags::default(),
        workers: Vec::new(),
        ranks: Vec::new(),
        stop_requested_at: None,
        outcome: None,
        imported_from: None,
    }
}

/// Returns the default options of a run of `num_workers` workers.
fn spec(num_workers: u32) -> RunSpec {
    RunSpec { num_workers, ..RunSpec::running("true") }
}

/// Asserts that a pod meets the pod security standard `restricted` of Kubernetes.
pub(super) fn assert_restricted(pod: &Value) {
    for of_host in ["hostNetwork", "hostPID", "hostIPC"] {
        assert!(pod.get(of_host).is_none(), "{of_host}");
    }
    for volume in pod["volumes"].as_array().unwrap() {
        const KINDS: [&str; 4] = ["configMap", "emptyDir", "persistentVolumeClaim", "secret"];
        assert!(KINDS.iter().any(|kind| volume.get(kind).is_some()), "{volume}");
    }
    let containers =
        ["initContainers", "containers"].into_iter().filter_map(|kind| pod[kind].as_array()).flatten();
    for container in containers {
        let (of_pod, own) = (&pod["securityContext"], &container["securityContext"]);
        let either = |field: &str| own.get(field).or_else(|| of_pod.get(field)).unwrap_or(&Value::Null);
        assert_eq!(either("runAsNonRoot"), &json!(true), "{container}");
        assert_ne!(either("runAsUser"), &json!(0), "{container}");
        assert_eq!(either("seccompProfile")["type"], "RuntimeDefault", "{container}");
        assert_eq!(own["allowPrivilegeEscalation"], false, "{container}");
        assert_ne!(own["privileged"], true, "{container}");
        assert_eq!(own["capabilities"], json!({"drop": ["ALL"]}), "{container}");
        let ports = container["ports"].as_array();
        assert!(
            ports.is_none_or(|ports| ports.iter().all(|port| port.get("hostPort").is_none())),
            "{container}"
        );
    }
}
