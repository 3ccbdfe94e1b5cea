//! What a run asks of Kubernetes, and whether the settings allow it.

use mlbench_core::Error;
use mlbench_core::needs::{RunNeeds, VolumeSource};
use mlbench_core::run::{Backend, RunSpec};

use crate::cluster::kubernetes::options::{MpiDaemons, Options, PodSecurity};
use crate::cluster::kubernetes::run_access::AccessKind;
use crate::cluster::provision::of_pods;

/// Returns what of a run the settings do not allow, or that only the pods of an image can have.
pub(crate) fn refusal(spec: &RunSpec, options: &Options) -> Option<Error> {
    if spec.image.is_some()
        && spec.backend == Some(Backend::Mpi)
        && options.mpi_daemons == MpiDaemons::Ssh
        && (options.pod_security == PodSecurity::Restricted || options.run_as_user.is_some())
    {
        let rule = "--mpi-daemons ssh needs an ssh daemon of root, which --pod-security restricted or --run-as-user of this \
                    server forbids; use another backend";
        return Some(Error::invalid("backend", rule));
    }
    if spec.image.is_none()
        && let Some(field) = of_pods(&spec.needs)
    {
        let rule = "the pods of static workers exist already; name an image, or leave it out";
        return Some(Error::invalid(field, rule));
    }
    if let Some(error) = taken(&spec.needs, options) {
        return Some(error);
    }
    let denied = uses(&spec.needs).into_iter().find(|one| !options.run_access.allows(one.kind, one.name))?;
    let Use { field, kind, name } = denied;
    let thing = format!("{kind}/{}", name.trim_start_matches('/'));
    let rule =
        format_args!("this server lets no run use {thing}; its operator allows it with --run-access {thing}");
    Some(Error::invalid(field, rule))
}

/// Refuses what the operator's template of pods has: merged by name, it would be that of the template.
fn taken(needs: &RunNeeds, options: &Options) -> Option<Error> {
    let template = &options.pod_template;
    if let Some(field) = template.decides(needs) {
        return Some(Error::invalid(field, "the pod template of this server decides it; leave it out"));
    }
    let volume = needs
        .volumes
        .iter()
        .find(|volume| template.has_volume(volume.name.as_str(), volume.mount_path.as_str()));
    if let Some(volume) = volume {
        let (name, path) = (volume.name.as_str(), volume.mount_path.as_str());
        let rule = format_args!(
            "the pods of this server have a volume {name} or one at {path}; use another name and path"
        );
        return Some(Error::invalid("volumes", rule));
    }
    let mut variables = needs.env_from_secrets.iter();
    let (name, _) = variables.find(|(name, _)| template.has_variable(name))?;
    let rule = format_args!("the pods of this server set {name}; use another name");
    Some(Error::invalid("env_from_secrets", rule))
}

/// Something that a run names in one of its fields.
struct Use<'a> {
    field: &'static str,
    kind: AccessKind,
    name: &'a str,
}

fn uses(needs: &RunNeeds) -> Vec<Use<'_>> {
    let one = |field, kind, name| Use { field, kind, name };
    let variables = needs.env_from_secrets.iter();
    let secrets = variables.map(|(_, key)| one("env_from_secrets", AccessKind::Secret, key.secret.as_str()));
    let volumes = needs.volumes.iter().filter_map(|volume| {
        let (kind, name) = match &volume.source {
            VolumeSource::Pvc(name) => (AccessKind::Pvc, name.as_str()),
            VolumeSource::ConfigMap(name) => (AccessKind::ConfigMap, name.as_str()),
            VolumeSource::Secret(name) => (AccessKind::Secret, name.as_str()),
            VolumeSource::HostPath(path) => (AccessKind::HostPath, path.as_str()),
            VolumeSource::EmptyDir(_) => return None,
        };
        Some(one("volumes", kind, name))
    });
    let named = [
        ("priority_class", AccessKind::PriorityClass, &needs.priority_class),
        ("service_account", AccessKind::ServiceAccount, &needs.service_account),
    ];
    let named =
        named.into_iter().filter_map(|(field, kind, name)| Some(one(field, kind, name.as_ref()?.as_str())));
    let pull = needs.image_pull_secrets.iter();
    let pull = pull.map(|name| one("image_pull_secrets", AccessKind::ImagePullSecret, name.as_str()));
    secrets.chain(volumes).chain(named).chain(pull).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::kubernetes::pod_template::PodTemplate;
    use crate::cluster::kubernetes::run_access::RunAccess;
    use crate::cluster::kubernetes::testing::options;
    use mlbench_core::needs::SecretEnvironment;

    fn refused(spec: &RunSpec, rules: &[&str]) -> Option<String> {
        let run_access = RunAccess::new(rules.iter().map(|rule| rule.parse().unwrap()).collect());
        refusal(spec, &Options { run_access, ..options() }).map(|error| error.detail().to_owned())
    }

    #[test]
    fn a_run_gets_no_volume_or_variable_of_the_template() {
        let text = "spec:\n  volumes: [{name: creds, emptyDir: {}}]\n  containers:\n  \
                    - {name: worker, env: [{name: PROXY, value: x}], volumeMounts: [{name: creds, mountPath: /c}]}\n";
        let pod_template = PodTemplate::parse(text).unwrap();
        let run_access = RunAccess::new(vec!["secret/*".parse().unwrap()]);
        let options = Options { pod_template, run_access, ..options() };
        let refused = |needs: RunNeeds| {
            let spec = RunSpec { image: Some("i:1".to_owned()), needs, ..RunSpec::running("true") };
            refusal(&spec, &options).map(|error| error.detail().to_owned())
        };
        let volume = |text: &str| RunNeeds { volumes: vec![text.parse().unwrap()], ..RunNeeds::default() };
        assert!(refused(volume("creds:/x:empty_dir")).unwrap().starts_with("volumes: "));
        assert!(refused(volume("mine:/c/:empty_dir")).unwrap().starts_with("volumes: "));
        assert_eq!(refused(volume("mine:/x:empty_dir")), None);
        let variable = |name: &str| {
            let one = SecretEnvironment::parse_variable(&format!("{name}=db/password")).unwrap();
            RunNeeds { env_from_secrets: SecretEnvironment::new([one]).unwrap(), ..RunNeeds::default() }
        };
        assert!(refused(variable("PROXY")).unwrap().starts_with("env_from_secrets: "));
        assert_eq!(refused(variable("PASSWORD")), None);
    }

    #[test]
    fn a_run_uses_only_what_the_operator_allows() {
        let mut spec = RunSpec { image: Some("image:1".to_owned()), ..RunSpec::running("true") };
        assert_eq!(refused(&spec, &[]), None);
        let variable = SecretEnvironment::parse_variable("A=db/password").unwrap();
        spec.needs.env_from_secrets = SecretEnvironment::new([variable]).unwrap();
        let expected = "env_from_secrets: this server lets no run use secret/db; its operator allows it with \
                        --run-access secret/db";
        assert_eq!(refused(&spec, &["secret/db2"]).as_deref(), Some(expected));
        assert_eq!(refused(&spec, &["secret/db"]), None);
        spec.image = None;
        let expected =
            "env_from_secrets: the pods of static workers exist already; name an image, or leave it out";
        assert_eq!(refused(&spec, &["secret/db"]).as_deref(), Some(expected));
    }

    #[test]
    fn restricted_pods_have_no_ssh_daemon() {
        let mut spec = RunSpec { image: Some("image:1".to_owned()), ..RunSpec::running("true") };
        spec.backend = Some(Backend::Mpi);
        let mpi_daemons = MpiDaemons::Ssh;
        assert!(refusal(&spec, &Options { mpi_daemons, ..options() }).is_none());
        let through_server = Options { pod_security: PodSecurity::Restricted, ..options() };
        assert!(refusal(&spec, &through_server).is_none());
        let restricted = Options { mpi_daemons, ..through_server };
        let refused = refusal(&spec, &restricted).unwrap();
        assert!(refused.detail().starts_with("backend: --mpi-daemons ssh needs"), "{}", refused.detail());
        spec.image = None;
        assert!(refusal(&spec, &restricted).is_none(), "static workers are made by others");
    }

    #[test]
    fn every_kind_needs_a_rule_of_its_own() {
        let image = || RunSpec { image: Some("image:1".to_owned()), ..RunSpec::running("true") };
        let volume = |text: &str| RunNeeds { volumes: vec![text.parse().unwrap()], ..RunNeeds::default() };
        let name = || Some("me".parse().unwrap());
        for (needs, field, rule) in [
            (volume("a:/a:pvc/me"), "volumes", "pvc/me"),
            (volume("a:/a:config_map/me"), "volumes", "config_map/me"),
            (volume("a:/a:secret/me"), "volumes", "secret/me"),
            (volume("a:/a:host_path/me"), "volumes", "host_path/me"),
            (
                RunNeeds { priority_class: name(), ..RunNeeds::default() },
                "priority_class",
                "priority_class/me",
            ),
            (
                RunNeeds { service_account: name(), ..RunNeeds::default() },
                "service_account",
                "service_account/me",
            ),
            (
                RunNeeds { image_pull_secrets: name().into_iter().collect(), ..RunNeeds::default() },
                "image_pull_secrets",
                "image_pull_secret/me",
            ),
        ] {
            let spec = RunSpec { needs, ..image() };
            let expected = format!("{field}: this server lets no run use {rule}; ");
            assert!(refused(&spec, &[]).unwrap().starts_with(&expected), "{:?}", refused(&spec, &[]));
            assert_eq!(refused(&spec, &[rule]), None, "{rule}");
        }
        let free = RunSpec { needs: volume("a:/a:empty_dir"), ..image() };
        assert_eq!(refused(&free, &[]), None);
        let static_workers = RunSpec { image: None, ..free };
        assert!(
            refused(&static_workers, &[]).unwrap().starts_with("volumes: the pods of static workers exist")
        );
    }
}
