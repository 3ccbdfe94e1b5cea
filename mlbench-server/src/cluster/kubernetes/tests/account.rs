//! The service account of a deployed server, with the rights of its manifests and no others.

use std::path::{Path, PathBuf};

use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::ServiceAccount;
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, Role, RoleBinding};
use kube::api::{DeleteParams, PostParams};
use kube::config::{AuthInfo, Kubeconfig};
use kube::{Api, Client};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::object::object;

const ROLE: &str = include_str!("../../../../../deploy/kubernetes/base/rbac.yaml");
const CLUSTER_ROLE: &str = include_str!("../../../../../deploy/kubernetes/kubelet-metrics/cluster-role.yaml");
const NAME: &str = "mlbench-server";

/// A service account in the namespace of a test, and a kubeconfig with its token.
pub(super) struct Account {
    directory: tempfile::TempDir,
}

impl Account {
    pub(super) async fn new(client: &Client, admin: &Path, namespace: &str) -> Self {
        let create = PostParams::default();
        let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), namespace);
        accounts.create(&create, &of_kind(ROLE, "ServiceAccount", namespace)).await.unwrap();
        let roles: Api<Role> = Api::namespaced(client.clone(), namespace);
        roles.create(&create, &of_kind(ROLE, "Role", namespace)).await.unwrap();
        let bindings: Api<RoleBinding> = Api::namespaced(client.clone(), namespace);
        bindings.create(&create, &of_kind(ROLE, "RoleBinding", namespace)).await.unwrap();
        let roles: Api<ClusterRole> = Api::all(client.clone());
        roles.create(&create, &of_kind(CLUSTER_ROLE, "ClusterRole", namespace)).await.unwrap();
        let bindings: Api<ClusterRoleBinding> = Api::all(client.clone());
        bindings.create(&create, &of_kind(CLUSTER_ROLE, "ClusterRoleBinding", namespace)).await.unwrap();
        let request = TokenRequest { spec: TokenRequestSpec::default(), ..TokenRequest::default() };
        let response: TokenRequest =
            accounts.create_subresource("token", NAME, &create, &request).await.unwrap();
        let mut config = Kubeconfig::read_from(admin).unwrap();
        let auth: AuthInfo = object(json!({"token": response.status.unwrap().token}));
        for user in &mut config.auth_infos {
            user.auth_info = Some(auth.clone());
        }
        let account = Self { directory: tempfile::tempdir().unwrap() };
        std::fs::write(account.kubeconfig(), serde_json::to_string(&config).unwrap()).unwrap();
        account
    }

    pub(super) fn kubeconfig(&self) -> PathBuf {
        self.directory.path().join("kubeconfig")
    }

    /// Deletes the objects that the deletion of the namespace does not.
    pub(super) async fn delete(client: &Client, namespace: &str) {
        let gone = DeleteParams::default();
        let _missing = Api::<ClusterRoleBinding>::all(client.clone()).delete(namespace, &gone).await;
        let _missing = Api::<ClusterRole>::all(client.clone()).delete(namespace, &gone).await;
    }
}

/// Returns the object of a kind in a manifest, for another namespace, which also names cluster-wide objects.
fn of_kind<K: DeserializeOwned>(manifest: &str, kind: &str, namespace: &str) -> K {
    let mut all: Vec<Value> = serde_saphyr::from_multiple(manifest).unwrap();
    let at = all.iter().position(|object| object["kind"] == kind).unwrap();
    let mut found = all.swap_remove(at);
    if kind.starts_with("Cluster") {
        found["metadata"]["name"] = json!(namespace);
    }
    if kind.ends_with("Binding") {
        found["subjects"][0]["namespace"] = json!(namespace);
    }
    if kind == "ClusterRoleBinding" {
        found["roleRef"]["name"] = json!(namespace);
    }
    object(found)
}
