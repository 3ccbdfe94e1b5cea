//! What a run asks of its pods: variables from Secrets, volumes, nodes and rights.

use k8s_openapi::api::core::v1::{
    ConfigMapVolumeSource, EmptyDirVolumeSource, EnvVar, EnvVarSource, HostPathVolumeSource,
    LocalObjectReference, PersistentVolumeClaimVolumeSource, PodSpec, SecretKeySelector, SecretVolumeSource,
    Toleration, Volume, VolumeMount,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use mlbench_core::needs::{self, RunNeeds, VolumeSource};

use crate::cluster::kubernetes::options::Options;

/// Returns the variables whose values the kubelet takes from Secrets. It starts no container without them.
pub(super) fn variables(needs: &RunNeeds) -> impl Iterator<Item = EnvVar> {
    needs.env_from_secrets.iter().map(|(name, reference)| {
        let key = SecretKeySelector {
            name: reference.secret.to_string(),
            key: reference.key.clone(),
            ..SecretKeySelector::default()
        };
        let source = EnvVarSource { secret_key_ref: Some(key), ..EnvVarSource::default() };
        EnvVar { name: name.to_owned(), value_from: Some(source), ..EnvVar::default() }
    })
}

/// Returns the volumes of a run.
pub(super) fn volumes(needs: &RunNeeds) -> impl Iterator<Item = Volume> {
    needs.volumes.iter().map(volume)
}

fn volume(volume: &needs::Volume) -> Volume {
    let mut made = Volume { name: volume.name.clone(), ..Volume::default() };
    match &volume.source {
        VolumeSource::Pvc(claim) => {
            // Read-only where it is mounted: here it would also decide how the storage attaches it.
            made.persistent_volume_claim = Some(PersistentVolumeClaimVolumeSource {
                claim_name: claim.to_string(),
                ..PersistentVolumeClaimVolumeSource::default()
            });
        }
        VolumeSource::ConfigMap(name) => {
            let name = name.to_string();
            made.config_map = Some(ConfigMapVolumeSource { name, ..ConfigMapVolumeSource::default() });
        }
        VolumeSource::Secret(name) => {
            let secret_name = Some(name.to_string());
            made.secret = Some(SecretVolumeSource { secret_name, ..SecretVolumeSource::default() });
        }
        VolumeSource::HostPath(path) => {
            let type_ = Some("Directory".to_owned());
            made.host_path = Some(HostPathVolumeSource { path: path.clone(), type_ });
        }
        VolumeSource::EmptyDir(dir) => {
            let size_limit = dir.size.map(|size| Quantity(size.to_string()));
            made.empty_dir = Some(EmptyDirVolumeSource { size_limit, ..EmptyDirVolumeSource::default() });
        }
    }
    made
}

/// Returns where a container mounts the volumes of a run.
pub(super) fn mounts(needs: &RunNeeds) -> impl Iterator<Item = VolumeMount> {
    needs.volumes.iter().map(|volume| VolumeMount {
        name: volume.name.clone(),
        mount_path: volume.mount_path.clone(),
        read_only: volume.read_only.then_some(true),
        ..VolumeMount::default()
    })
}

/// Sets on which nodes and as whom the pods of a run execute.
pub(super) fn place(pod: &mut PodSpec, needs: &RunNeeds, options: &Options) {
    let selector = needs.node_selector.iter().map(|(key, value)| (key.to_owned(), value.to_owned()));
    pod.node_selector = (!needs.node_selector.is_empty()).then(|| selector.collect());
    let tolerations: Vec<Toleration> = needs.tolerations.iter().map(toleration).collect();
    pod.tolerations = (!tolerations.is_empty()).then_some(tolerations);
    pod.priority_class_name = needs.priority_class.as_ref().map(ToString::to_string);
    let of_run = needs.service_account.as_ref().map(ToString::to_string);
    pod.service_account_name = of_run.or_else(|| options.worker_service_account.clone());
    pod.automount_service_account_token = Some(pod.service_account_name.is_some());
    let of_run = needs.image_pull_secrets.iter().map(ToString::to_string);
    let of_run = of_run.filter(|name| !options.image_pull_secrets.contains(name));
    let names = options.image_pull_secrets.iter().cloned().chain(of_run);
    pod.image_pull_secrets = Some(names.map(|name| LocalObjectReference { name }).collect());
}

fn toleration(toleration: &needs::Toleration) -> Toleration {
    let operator = if toleration.value.is_some() { "Equal" } else { "Exists" };
    Toleration {
        key: Some(toleration.key.clone()),
        operator: Some(operator.to_owned()),
        value: toleration.value.clone(),
        effect: toleration.effect.map(|effect| effect.as_str().to_owned()),
        ..Toleration::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::kubernetes::testing::options;
    use mlbench_core::needs::{NodeSelector, SecretEnvironment};
    use serde_json::{json, to_value};

    fn with_volumes(texts: &[&str]) -> RunNeeds {
        RunNeeds { volumes: texts.iter().map(|text| text.parse().unwrap()).collect(), ..RunNeeds::default() }
    }

    #[test]
    fn variables_from_secrets_are_references() {
        let variable = SecretEnvironment::parse_variable("TOKEN=hub/key").unwrap();
        let needs =
            RunNeeds { env_from_secrets: SecretEnvironment::new([variable]).unwrap(), ..RunNeeds::default() };
        let expected = json!([
            {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "hub", "key": "key"}}}
        ]);
        assert_eq!(to_value(variables(&needs).collect::<Vec<_>>()).unwrap(), expected);
    }

    #[test]
    fn every_kind_of_volume_is_mounted_where_the_run_says() {
        let needs = with_volumes(&[
            "a:/a:pvc/sets:ro",
            "b:/b:config_map/train",
            "c:/c:secret/hub",
            "d:/d:host_path/mnt/d",
            "e:/e:empty_dir/1Gi",
            "f:/f:empty_dir",
        ]);
        let expected = json!([
            {"name": "a", "persistentVolumeClaim": {"claimName": "sets"}},
            {"name": "b", "configMap": {"name": "train"}},
            {"name": "c", "secret": {"secretName": "hub"}},
            {"name": "d", "hostPath": {"path": "/mnt/d", "type": "Directory"}},
            {"name": "e", "emptyDir": {"sizeLimit": "1Gi"}},
            {"name": "f", "emptyDir": {}},
        ]);
        assert_eq!(to_value(volumes(&needs).collect::<Vec<_>>()).unwrap(), expected);
        let mounts: Vec<_> = mounts(&needs).map(|mount| to_value(mount).unwrap()).collect();
        assert_eq!(mounts[0], json!({"name": "a", "mountPath": "/a", "readOnly": true}));
        assert_eq!(mounts[4], json!({"name": "e", "mountPath": "/e"}));
    }

    #[test]
    fn nodes_and_rights_are_those_of_the_run_or_of_the_settings() {
        let options = Options {
            worker_service_account: Some("worker".to_owned()),
            image_pull_secrets: vec!["hub".to_owned()],
            ..options()
        };
        let placed = |needs: &RunNeeds| {
            let mut pod = PodSpec::default();
            place(&mut pod, needs, &options);
            to_value(pod).unwrap()
        };
        let expected = json!({
            "containers": [], "automountServiceAccountToken": true, "serviceAccountName": "worker",
            "imagePullSecrets": [{"name": "hub"}],
        });
        assert_eq!(placed(&RunNeeds::default()), expected);
        let needs = RunNeeds {
            node_selector: NodeSelector::new([("gpu".to_owned(), "a100".to_owned())]).unwrap(),
            tolerations: ["gpu:NoSchedule", "a=b"].map(|text| text.parse().unwrap()).to_vec(),
            priority_class: Some("low".parse().unwrap()),
            service_account: Some("me".parse().unwrap()),
            image_pull_secrets: ["hub", "other"].map(|text| text.parse().unwrap()).to_vec(),
            ..RunNeeds::default()
        };
        let expected = json!({
            "containers": [], "automountServiceAccountToken": true, "serviceAccountName": "me",
            "imagePullSecrets": [{"name": "hub"}, {"name": "other"}], "nodeSelector": {"gpu": "a100"},
            "priorityClassName": "low",
            "tolerations": [
                {"key": "gpu", "operator": "Exists", "effect": "NoSchedule"},
                {"key": "a", "operator": "Equal", "value": "b"},
            ],
        });
        assert_eq!(placed(&needs), expected);
    }
}
