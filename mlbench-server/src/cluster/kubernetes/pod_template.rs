//! The operator's changes to the pods of runs.

use k8s_openapi::DeepMerge as _;
use k8s_openapi::api::core::v1::{Container, PodSpec, PodTemplateSpec};
use mlbench_core::needs::RunNeeds;
use serde_json::Value;

/// The container of the command in the pods of runs.
pub(super) const WORKER: &str = "worker";

/// A pod template that is merged over the one of each run.
///
/// Fields replace those of the run. Containers, their variables, volumes and their mounts are merged by their names or
/// paths, as Kubernetes merges patches; nothing can be removed.
#[derive(Debug, Clone, Default)]
pub struct PodTemplate(Box<PodTemplateSpec>);

impl PodTemplate {
    /// Reads a template of YAML or JSON, with the fields `metadata` and `spec`.
    ///
    /// # Errors
    /// The position that is not valid YAML, or the first field that no pod template has.
    pub fn parse(text: &str) -> Result<Self, String> {
        let value: Value = serde_saphyr::from_str(text).map_err(|error| error.to_string())?;
        let template: PodTemplateSpec =
            serde_json::from_value(value.clone()).map_err(|error| error.to_string())?;
        let known = serde_json::to_value(&template).map_err(|error| error.to_string())?;
        match unknown(&value, &known, "") {
            Some(field) => Err(format!("{field}: no field of a pod template; correct or remove it")),
            None => Ok(Self(Box::new(template))),
        }
    }

    /// Returns whether the template has a volume of this name, or mounts one into the worker at this path.
    pub(super) fn has_volume(&self, name: &str, mount_path: &str) -> bool {
        let Some(spec) = &self.0.spec else { return false };
        let mounts = self.worker().and_then(|worker| worker.volume_mounts.as_ref());
        let is_taken = |path: &str| path.trim_end_matches('/') == mount_path.trim_end_matches('/');
        spec.volumes.iter().flatten().any(|volume| volume.name == name)
            || mounts.is_some_and(|mounts| mounts.iter().any(|mount| is_taken(&mount.mount_path)))
    }

    /// Returns whether the template sets this variable of the worker.
    pub(super) fn has_variable(&self, name: &str) -> bool {
        let variables = self.worker().and_then(|worker| worker.env.as_ref());
        variables.is_some_and(|variables| variables.iter().any(|variable| variable.name == name))
    }

    /// Returns the field of a run that the template decides already, if the run asks for anything else there.
    pub(super) fn decides(&self, needs: &RunNeeds) -> Option<&'static str> {
        let spec = self.0.spec.as_ref()?;
        let selector = spec.node_selector.as_ref();
        let is_other = |(key, value): (&str, &str)| {
            selector.and_then(|selector| selector.get(key)).is_some_and(|decided| decided != value)
        };
        [
            (needs.node_selector.iter().any(is_other), "node_selector"),
            (needs.service_account.is_some() && spec.service_account_name.is_some(), "service_account"),
            (needs.priority_class.is_some() && spec.priority_class_name.is_some(), "priority_class"),
        ]
        .into_iter()
        .find_map(|(decides, field)| decides.then_some(field))
    }

    fn worker(&self) -> Option<&Container> {
        self.0.spec.as_ref()?.containers.iter().find(|container| container.name == WORKER)
    }

    /// Merges the template over that of a run, but not over its labels, by which the server finds its pods.
    pub(super) fn merge_over(&self, template: &mut PodTemplateSpec) {
        let own = template.metadata.as_ref().and_then(|metadata| metadata.labels.clone());
        let mut merged = PodTemplateSpec::clone(&self.0);
        if let (Some(run), Some(spec)) = (&template.spec, &mut merged.spec) {
            keep_place(run, spec);
        }
        template.merge_from(merged);
        if let Some(own) = own {
            template.metadata.get_or_insert_default().labels.get_or_insert_default().extend(own);
        }
    }
}

/// Adds the places of a run to those of the template, which a merge would put in their place.
fn keep_place(run: &PodSpec, spec: &mut PodSpec) {
    if let (Some(of_run), Some(selector)) = (&run.node_selector, &mut spec.node_selector) {
        for (key, value) in of_run {
            selector.entry(key.clone()).or_insert_with(|| value.clone());
        }
    }
    if let (Some(of_run), Some(tolerations)) = (&run.tolerations, &mut spec.tolerations) {
        let missing: Vec<_> = of_run.iter().filter(|one| !tolerations.contains(one)).cloned().collect();
        tolerations.extend(missing);
    }
}

/// Returns the first field of a value that its type does not know.
fn unknown(value: &Value, known: &Value, path: &str) -> Option<String> {
    match (value, known) {
        (Value::Object(fields), Value::Object(found)) => fields.iter().find_map(|(name, value)| {
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            match found.get(name) {
                Some(known) => unknown(value, known, &path),
                None => (!value.is_null()).then_some(path),
            }
        }),
        (Value::Array(items), Value::Array(found)) => {
            let mut both = items.iter().zip(found).enumerate();
            both.find_map(|(index, (item, known))| unknown(item, known, &format!("{path}[{index}]")))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn lists_are_merged_by_name_and_labels_of_the_run_stay() {
        let text = "metadata: {labels: {mlbench.run-id: x, team: vision}}\nspec:\n  dnsPolicy: Default\n  containers:\n  \
                    - {name: worker, env: [{name: B, value: '2'}], volumeMounts: [{name: d, mountPath: /d}]}\n  \
                    - {name: sidecar, image: 'proxy:1'}\n  volumes: [{name: d, emptyDir: {}}]\n";
        let mut template: PodTemplateSpec = serde_json::from_value(json!({
            "metadata": {"labels": {"mlbench.run-id": "1"}},
            "spec": {
                "containers": [{
                    "name": "worker", "image": "i", "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "1"}],
                    "volumeMounts": [{"name": "shm", "mountPath": "/dev/shm"}],
                }],
                "volumes": [{"name": "shm", "emptyDir": {}}],
            },
        }))
        .unwrap();
        PodTemplate::parse(text).unwrap().merge_over(&mut template);
        let expected = json!({
            "metadata": {"labels": {"mlbench.run-id": "1", "team": "vision"}},
            "spec": {
                "dnsPolicy": "Default",
                "containers": [
                    {
                        "name": "worker", "image": "i",
                        "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
                        "volumeMounts": [
                            {"name": "shm", "mountPath": "/dev/shm"}, {"name": "d", "mountPath": "/d"},
                        ],
                    },
                    {"name": "sidecar", "image": "proxy:1"},
                ],
                "volumes": [{"name": "shm", "emptyDir": {}}, {"name": "d", "emptyDir": {}}],
            },
        });
        assert_eq!(serde_json::to_value(template).unwrap(), expected);
    }

    #[test]
    fn a_run_keeps_its_node_selector_and_tolerations() {
        let text = "spec: {nodeSelector: {pool: ml}, tolerations: [{key: ml, operator: Exists}]}";
        let mut template: PodTemplateSpec = serde_json::from_value(json!({"spec": {
            "containers": [],
            "nodeSelector": {"accelerator": "a100", "pool": "other"},
            "tolerations": [{"key": "gpu", "operator": "Exists"}, {"key": "ml", "operator": "Exists"}],
        }}))
        .unwrap();
        PodTemplate::parse(text).unwrap().merge_over(&mut template);
        let spec = serde_json::to_value(template.spec).unwrap();
        assert_eq!(spec["nodeSelector"], json!({"accelerator": "a100", "pool": "ml"}));
        let keys: Vec<&Value> =
            spec["tolerations"].as_array().unwrap().iter().map(|one| &one["key"]).collect();
        assert_eq!(keys, ["ml", "gpu"]);
    }

    #[test]
    fn a_run_does_not_ask_for_what_the_template_decides() {
        let text = "spec: {nodeSelector: {pool: ml}, serviceAccountName: x, priorityClassName: low}";
        let template = PodTemplate::parse(text).unwrap();
        let decided = |needs: Value| template.decides(&serde_json::from_value(needs).unwrap());
        assert_eq!(decided(json!({"node_selector": {"pool": "ml", "accelerator": "a100"}})), None);
        assert_eq!(decided(json!({"node_selector": {"pool": "other"}})), Some("node_selector"));
        assert_eq!(decided(json!({"service_account": "trainer"})), Some("service_account"));
        assert_eq!(decided(json!({"priority_class": "batch"})), Some("priority_class"));
    }

    #[test]
    fn a_field_that_no_pod_has_is_named() {
        let refusal = |text: &str| PodTemplate::parse(text).unwrap_err();
        let expected = "spec.containers[0].imagePulPolicy: no field of a pod template; correct or remove it";
        assert_eq!(refusal("spec: {containers: [{name: worker, imagePulPolicy: Always}]}"), expected);
        assert!(refusal("kind: Pod").starts_with("kind: no field of a pod template"));
        assert!(!refusal("spec: [").is_empty());
        assert!(!refusal("spec: 7").is_empty());
    }
}
