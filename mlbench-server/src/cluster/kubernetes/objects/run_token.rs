//! The Secret with the token that the workers of a worker set use to post metrics.
//!
//! The Service of the run owns the Secret, so Kubernetes deletes both together. The server therefore only needs the
//! right to create Secrets, and can neither read nor list others. The name contains the job id, which is globally
//! unique, so an existing Secret of that name belongs to the run.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{EnvVar, EnvVarSource, Secret, SecretKeySelector};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use mlbench_core::run::{Run, RunKey};

use super::names::run_labels;
use crate::cluster::kubernetes::options::Options;
use crate::token::Token;

/// Environment variable with the token of a worker.
pub(crate) const VARIABLE: &str = "MLBENCH_TOKEN";
const KEY: &str = "token";

/// The Service that owns the Secret.
pub(crate) struct SecretOwner<'a> {
    pub(crate) service: &'a str,
    pub(crate) uid: String,
}

/// Returns the Secret of a run.
pub(crate) fn secret(run: &Run, owner: SecretOwner<'_>, token: &Token, options: &Options) -> Secret {
    let owner = OwnerReference {
        api_version: "v1".to_owned(),
        kind: "Service".to_owned(),
        name: owner.service.to_owned(),
        uid: owner.uid,
        ..OwnerReference::default()
    };
    Secret {
        metadata: ObjectMeta {
            name: Some(name(run)),
            labels: Some(run_labels(options, RunKey::from(run))),
            owner_references: Some(vec![owner]),
            ..ObjectMeta::default()
        },
        string_data: Some(BTreeMap::from([(KEY.to_owned(), token.reveal().to_owned())])),
        immutable: Some(true),
        ..Secret::default()
    }
}

/// Returns the environment variable of a worker's container, which refers to the Secret.
pub(crate) fn variable(run: &Run) -> EnvVar {
    let key = SecretKeySelector { name: name(run), key: KEY.to_owned(), ..SecretKeySelector::default() };
    let source = EnvVarSource { secret_key_ref: Some(key), ..EnvVarSource::default() };
    EnvVar { name: VARIABLE.to_owned(), value_from: Some(source), ..EnvVar::default() }
}

fn name(run: &Run) -> String {
    format!("mlbench-run-{}", run.job_id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::kubernetes::testing::{options, run};

    #[test]
    fn service_owns_the_secret_and_the_container_refers_to_it() {
        let (run, token) = (run(1, "x"), Token::random().unwrap());
        let secret = secret(&run, SecretOwner { service: "x", uid: "1-2".to_owned() }, &token, &options());
        let owner = &secret.metadata.owner_references.as_ref().unwrap()[0];
        assert_eq!((owner.kind.as_str(), owner.name.as_str(), owner.uid.as_str()), ("Service", "x", "1-2"));
        assert_eq!(secret.string_data.unwrap()[KEY], token.reveal());
        let reference = variable(&run).value_from.unwrap().secret_key_ref.unwrap();
        assert_eq!(Some(reference.name), secret.metadata.name);
    }
}
