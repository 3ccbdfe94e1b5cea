//! What the containers of a run may do on their nodes.

use k8s_openapi::api::core::v1::{Capabilities, PodSecurityContext, SeccompProfile, SecurityContext};

use crate::cluster::kubernetes::options::{Options, PodSecurity};

/// Returns the security context of the pods.
pub(super) fn of_pod(options: &Options) -> PodSecurityContext {
    let user = options.run_as_user.map(i64::from);
    PodSecurityContext {
        run_as_non_root: (options.pod_security == PodSecurity::Restricted).then_some(true),
        run_as_user: user,
        run_as_group: user,
        // Volumes belong to this group, so that the user can write to them.
        fs_group: user,
        // Not each time, which takes minutes for a large volume.
        fs_group_change_policy: user.map(|_| "OnRootMismatch".to_owned()),
        ..PodSecurityContext::default()
    }
}

/// Returns the security context of a container.
///
/// An ssh daemon needs capabilities and other users, so a container with one keeps what its runtime gives.
pub(super) fn of_container(options: &Options, over_ssh: bool) -> SecurityContext {
    if over_ssh && options.pod_security == PodSecurity::Baseline {
        return SecurityContext { privileged: Some(false), ..SecurityContext::default() };
    }
    let dropped = match options.pod_security {
        PodSecurity::Baseline => "NET_RAW",
        PodSecurity::Restricted => "ALL",
    };
    SecurityContext {
        privileged: Some(false),
        allow_privilege_escalation: Some(false),
        capabilities: Some(Capabilities { drop: Some(vec![dropped.to_owned()]), ..Capabilities::default() }),
        seccomp_profile: Some(SeccompProfile { type_: "RuntimeDefault".to_owned(), localhost_profile: None }),
        ..SecurityContext::default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use crate::cluster::kubernetes::testing::assert_restricted;

    #[test]
    fn the_deployed_pods_are_restricted() {
        for manifests in [
            include_str!("../../../../../deploy/kubernetes/base/server.yaml"),
            include_str!("../../../../../deploy/kubernetes/base/workers.yaml"),
        ] {
            let all: Vec<Value> = serde_saphyr::from_multiple(manifests).unwrap();
            let pods: Vec<&Value> =
                all.iter().filter_map(|object| object.pointer("/spec/template/spec")).collect();
            assert_eq!(pods.len(), 1);
            assert_restricted(pods[0]);
        }
    }
}
