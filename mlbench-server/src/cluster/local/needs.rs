//! What a run asks for that only pods can have.

use mlbench_core::Error;
use mlbench_core::needs::{RunNeeds, VolumeSource};
use mlbench_core::run::RunSpec;

use crate::cluster::provision::of_pods;

/// Returns what of a run local workers cannot have, so that no program runs without what it needs.
pub(super) fn refusal(spec: &RunSpec) -> Option<Error> {
    let is_empty_dir = |source: &VolumeSource| matches!(source, VolumeSource::EmptyDir(_));
    if let Some(volume) = spec.needs.volumes.iter().find(|volume| !is_empty_dir(&volume.source)) {
        let (name, kind) = (&volume.name, volume.source.kind());
        let rule = format_args!(
            "\"{name}\" is a {kind}, and local workers have only empty_dir; use a server with --cluster kubernetes"
        );
        return Some(Error::invalid("volumes", rule));
    }
    let field = of_pods(&RunNeeds { volumes: Vec::new(), ..spec.needs.clone() })?;
    Some(Error::invalid(
        field,
        "local workers are no pods; use a server with --cluster kubernetes, or leave it out",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use mlbench_core::needs::SecretEnvironment;

    fn refused(needs: RunNeeds) -> Option<String> {
        let spec = RunSpec { needs, ..RunSpec::running("true") };
        refusal(&spec).map(|error| error.detail().to_owned())
    }

    #[test]
    fn only_empty_directories_are_taken() {
        let volume = |text: &str| RunNeeds { volumes: vec![text.parse().unwrap()], ..RunNeeds::default() };
        assert_eq!(refused(volume("a:/a:empty_dir")), None);
        let expected = "volumes: \"a\" is a pvc, and local workers have only empty_dir; use a server with --cluster \
                        kubernetes";
        assert_eq!(refused(volume("a:/a:pvc/b")).as_deref(), Some(expected));
        let variable = SecretEnvironment::parse_variable("A=db/password").unwrap();
        let secrets =
            RunNeeds { env_from_secrets: SecretEnvironment::new([variable]).unwrap(), ..RunNeeds::default() };
        let expected = "env_from_secrets: local workers are no pods; use a server with --cluster kubernetes, or \
                        leave it out";
        assert_eq!(refused(secrets).as_deref(), Some(expected));
        assert_eq!(refused(RunNeeds::default()), None);
    }
}
