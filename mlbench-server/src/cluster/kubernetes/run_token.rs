//! What the workers of a run with an image show when they post metrics: a Secret, read into their environment.
//!
//! It belongs to the run's Service and selected with it, so that the server needs the one right to make Secrets: it can
//! neither read nor list those of others. Its name holds the run's job, unique in the harness: one that is there is ours.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{EnvVar, EnvVarSource, Secret, SecretKeySelector};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use kube::api::PostParams;
use mlbench_core::run::{Run, RunKey};

use super::names::run_labels;
use super::options::Options;
use super::{KubernetesCluster, unreachable};
use crate::cluster::ClusterError;
use crate::token::Token;

/// The variable that a worker has its token in.
pub(super) const VARIABLE: &str = "MLBENCH_TOKEN";
const KEY: &str = "token";

impl KubernetesCluster {
    /// Makes the Secret of a run unless it is there; says why it cannot be made now.
    pub(super) async fn create_token(
        &self,
        run: &Run,
        service: &str,
        token: &Token,
    ) -> Result<Option<String>, ClusterError> {
        let owner = self.services.get_opt(service).await.map_err(|error| unreachable(&error))?;
        let Some(uid) = owner.and_then(|service| service.metadata.uid) else {
            return Ok(Some(format!("Service {service} was removed a moment ago")));
        };
        let secret = secret(run, Owner { service, uid }, token, &self.options);
        match self.secrets.create(&PostParams::default(), &secret).await {
            Ok(_) => Ok(None),
            Err(kube::Error::Api(status)) => match status.code {
                // From an earlier life of this server, whose token stays good.
                409 => Ok(None),
                401 | 403 => Ok(Some(status.message)),
                _ => Err(ClusterError::Unreachable(status.message)),
            },
            Err(error) => Err(unreachable(&error)),
        }
    }
}

/// The Service that a Secret selected with.
struct Owner<'a> {
    service: &'a str,
    uid: String,
}

fn secret(run: &Run, owner: Owner<'_>, token: &Token, options: &Options) -> Secret {
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

/// The variable of a worker's container.
pub(super) fn variable(run: &Run) -> EnvVar {
    let key = SecretKeySelector { name: name(run), key: KEY.to_owned(), ..SecretKeySelector::default() };
    let source = EnvVarSource { secret_key_ref: Some(key), ..EnvVarSource::default() };
    EnvVar { name: VARIABLE.to_owned(), value_from: Some(source), ..EnvVar::default() }
}

fn name(run: &Run) -> String {
    format!("mlbench-run-{}", run.job_id)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{options, run};
    use super::*;

    #[test]
    fn the_secret_goes_with_the_service_of_the_run_and_the_container_refers_to_it() {
        let (run, token) = (run(1, "x"), Token::random().unwrap());
        let secret = secret(&run, Owner { service: "x", uid: "1-2".to_owned() }, &token, &options());
        let owner = &secret.metadata.owner_references.as_ref().unwrap()[0];
        assert_eq!((owner.kind.as_str(), owner.name.as_str(), owner.uid.as_str()), ("Service", "x", "1-2"));
        assert_eq!(secret.string_data.unwrap()[KEY], token.reveal());
        let reference = variable(&run).value_from.unwrap().secret_key_ref.unwrap();
        assert_eq!(Some(reference.name), secret.metadata.name);
    }
}
