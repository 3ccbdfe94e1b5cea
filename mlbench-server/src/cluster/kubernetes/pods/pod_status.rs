//! The meaning of a pod's status: why it is not ready yet, and why it was lost.

use k8s_openapi::api::core::v1::{ContainerState, ContainerStateTerminated, ContainerStatus, Pod};

use crate::cluster::kubernetes::objects::manifest::CONTAINER;

/// Returns the name of a pod.
pub(crate) fn name(pod: &Pod) -> &str {
    pod.metadata.name.as_deref().unwrap_or_default()
}

/// Returns the container that executes runs: the one named `worker`, or the first.
pub(crate) fn worker_container(pod: &Pod) -> Option<&str> {
    let containers = &pod.spec.as_ref()?.containers;
    let worker = containers.iter().find(|container| container.name == CONTAINER);
    worker.or(containers.first()).map(|container| container.name.as_str())
}

/// Returns a text that differs for every pod and every start of its worker container.
pub(crate) fn incarnation(pod: &Pod) -> String {
    let worker = worker_container(pod);
    let mut statuses = pod.status.iter().flat_map(|status| status.container_statuses.iter().flatten());
    let status = statuses.find(|status| Some(status.name.as_str()) == worker);
    let restarts = status.map_or(0, |status| status.restart_count);
    format!("{}/{restarts}", pod.metadata.uid.as_deref().unwrap_or_default())
}

/// Returns whether a pod is being deleted.
pub(crate) fn is_deleting(pod: &Pod) -> bool {
    pod.metadata.deletion_timestamp.is_some()
}

/// Returns whether a pod can execute commands.
pub(crate) fn is_ready(pod: &Pod) -> bool {
    let Some(status) = &pod.status else { return false };
    let ready = status.conditions.iter().flatten().any(|c| c.type_ == "Ready" && c.status == "True");
    ready && status.phase.as_deref() == Some("Running") && !is_deleting(pod) && status.pod_ip.is_some()
}

/// Returns why a pod is not ready yet, or `None` when only events can explain it.
pub(crate) fn pending_reason(pod: &Pod) -> Option<String> {
    if is_deleting(pod) {
        return Some("an earlier pod of this name is still being deleted".to_owned());
    }
    let status = pod.status.as_ref()?;
    let unscheduled =
        status.conditions.iter().flatten().find(|c| c.type_ == "PodScheduled" && c.status == "False");
    if let Some(condition) = unscheduled {
        return Some(sentence(
            condition.reason.as_deref().unwrap_or("Unschedulable"),
            condition.message.as_deref(),
        ));
    }
    let waiting = |container: &ContainerStatus| {
        let waiting = container.state.as_ref()?.waiting.as_ref()?;
        let reason = waiting
            .reason
            .as_deref()
            .filter(|reason| *reason != "ContainerCreating" && *reason != "PodInitializing")?;
        let before = container
            .last_state
            .as_ref()
            .and_then(terminated)
            .map(|end| format!("; last exit: {}", exit(end)));
        Some(sentence(reason, waiting.message.as_deref()) + before.as_deref().unwrap_or_default())
    };
    let init = status.init_container_statuses.iter().flatten();
    init.chain(status.container_statuses.iter().flatten()).find_map(waiting)
}

/// Returns why a pod will never be ready, or `None` while it may become so.
pub(crate) fn permanent_failure(pod: &Pod) -> Option<String> {
    let statuses = pod.status.as_ref()?.container_statuses.iter().flatten();
    let reason = |container: &ContainerStatus| {
        let waiting = container.state.as_ref()?.waiting.as_ref()?;
        let message = waiting.message.as_deref();
        match waiting.reason.as_deref()? {
            name @ "InvalidImageName" => Some(sentence(name, message)),
            name @ "CreateContainerConfigError" if message?.contains("runAsNonRoot") => {
                let advice = "use an image with another user, or start the server with --run-as-user";
                Some(format!("{}; {advice}", sentence(name, message)))
            }
            _ => None,
        }
    };
    statuses.into_iter().find_map(reason)
}

/// Returns whether the worker container of a pod is running, as far as the API server knows.
pub(crate) fn is_running(pod: &Pod) -> bool {
    let Some(status) = &pod.status else { return false };
    let container = worker_container(pod);
    let mut statuses = status.container_statuses.iter().flatten();
    let worker = statuses.find(|status| Some(status.name.as_str()) == container);
    let running = worker.and_then(|status| status.state.as_ref()?.running.as_ref()).is_some();
    running && status.phase.as_deref() == Some("Running")
}

/// Returns why the worker container of a pod stopped, or `None` when the status gives no reason.
pub(crate) fn loss_reason(pod: &Pod) -> Option<String> {
    let status = pod.status.as_ref()?;
    let named = |reason: &str, message: Option<&str>| {
        format!("worker pod {} was lost: {}", name(pod), sentence(reason, message))
    };
    if status.reason.as_deref() == Some("NodeLost") || is_unreachable(pod) {
        let node = pod.spec.as_ref().and_then(|spec| spec.node_name.as_deref()).unwrap_or("its node");
        return Some(named("NodeLost", Some(&format!("{node} does not respond"))));
    }
    if status.phase.as_deref() == Some("Failed") {
        return Some(named(status.reason.as_deref().unwrap_or("Failed"), status.message.as_deref()));
    }
    if is_deleting(pod) {
        return Some(format!("worker pod {} was deleted during the run", name(pod)));
    }
    let container = worker_container(pod)?;
    let container = status.container_statuses.iter().flatten().find(|c| c.name == container)?;
    let end = [&container.state, &container.last_state].into_iter().flatten().find_map(terminated)?;
    Some(format!("the container of worker pod {} ended during the run: {}", name(pod), exit(end)))
}

/// Returns whether the node controller has given up the node.
///
/// It then deletes the pod, which the kubelet cannot confirm.
fn is_unreachable(pod: &Pod) -> bool {
    let conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
    let mut ready = conditions.filter(|condition| condition.type_ == "Ready");
    is_deleting(pod)
        && ready.any(|condition| {
            condition.reason.as_deref() == Some("NodeStatusUnknown") || condition.status == "Unknown"
        })
}

fn terminated(state: &ContainerState) -> Option<&ContainerStateTerminated> {
    state.terminated.as_ref()
}

fn exit(end: &ContainerStateTerminated) -> String {
    let reason = end.reason.as_deref().unwrap_or("ended");
    let memory = if reason == "OOMKilled" { ", memory limit exceeded" } else { "" };
    format!("{reason} (exit code {}{memory})", end.exit_code)
}

fn sentence(reason: &str, message: Option<&str>) -> String {
    match message.map(str::trim).filter(|message| !message.is_empty()) {
        Some(message) => format!("{reason}: {message}"),
        None => reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn pod(status: &Value) -> Pod {
        let spec = json!({"containers": [{"name": "sidecar"}, {"name": "worker"}], "nodeName": "node7"});
        serde_json::from_value(json!({"metadata": {"name": "w-0"}, "spec": spec, "status": status})).unwrap()
    }

    fn worker(state: &Value, last: &Value) -> Value {
        json!({"phase": "Running", "containerStatuses": [{"name": "worker", "image": "", "imageID": "", "ready": false,
            "restartCount": 1, "state": state, "lastState": last}]})
    }

    #[test]
    fn unschedulable_pod_says_what_is_missing() {
        let status = json!({"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False",
            "reason": "Unschedulable", "message": "0/1 nodes are available: 1 Insufficient cpu."}]});
        let pending = pending_reason(&pod(&status)).unwrap();
        assert_eq!(pending, "Unschedulable: 0/1 nodes are available: 1 Insufficient cpu.");
    }

    #[test]
    fn image_that_cannot_be_pulled_is_named() {
        let status = worker(
            &json!({"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling x:1"}}),
            &json!({}),
        );
        assert_eq!(pending_reason(&pod(&status)).unwrap(), "ImagePullBackOff: Back-off pulling x:1");
        assert_eq!(permanent_failure(&pod(&status)), None);
        let status =
            worker(&json!({"waiting": {"reason": "InvalidImageName", "message": "bad"}}), &json!({}));
        assert_eq!(permanent_failure(&pod(&status)).unwrap(), "InvalidImageName: bad");
        let config = |message: &str| {
            let waiting = json!({"waiting": {"reason": "CreateContainerConfigError", "message": message}});
            permanent_failure(&pod(&worker(&waiting, &json!({}))))
        };
        let root = config("container has runAsNonRoot and image will run as root").unwrap();
        assert!(root.ends_with(
            "run as root; use an image with another user, or start the server with --run-as-user"
        ));
        assert_eq!(config("secret \"db\" not found"), None, "somebody may create it");
    }

    #[test]
    fn container_that_is_being_created_has_no_pending_reason() {
        let status = worker(&json!({"waiting": {"reason": "ContainerCreating"}}), &json!({}));
        assert_eq!(pending_reason(&pod(&status)), None);
    }

    #[test]
    fn crashing_container_reports_its_last_exit() {
        let end = json!({"terminated": {"reason": "Error", "exitCode": 3}});
        let status = worker(&json!({"waiting": {"reason": "CrashLoopBackOff"}}), &end);
        assert_eq!(
            pending_reason(&pod(&status)).unwrap(),
            "CrashLoopBackOff; last exit: Error (exit code 3)"
        );
    }

    #[test]
    fn every_way_to_lose_a_pod_has_a_reason() {
        let oom = json!({"terminated": {"reason": "OOMKilled", "exitCode": 137}});
        let lost_by = |status: &Value| loss_reason(&pod(status)).unwrap();
        let restarted = worker(&json!({"running": {}}), &oom);
        assert!(lost_by(&restarted).contains("OOMKilled (exit code 137, memory limit exceeded)"));
        let evicted =
            json!({"phase": "Failed", "reason": "Evicted", "message": "The node was low on memory."});
        assert_eq!(lost_by(&evicted), "worker pod w-0 was lost: Evicted: The node was low on memory.");
        let node = json!({"phase": "Running", "reason": "NodeLost"});
        assert_eq!(lost_by(&node), "worker pod w-0 was lost: NodeLost: node7 does not respond");
        assert_eq!(loss_reason(&pod(&worker(&json!({"running": {}}), &json!({})))), None);
    }
}
