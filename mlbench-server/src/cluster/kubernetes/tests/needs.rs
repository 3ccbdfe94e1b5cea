//! What runs ask of their pods.

use k8s_openapi::api::core::v1::{ConfigMap, Pod, Secret, ServiceAccount};
use kube::api::PostParams;
use mlbench_core::needs::SecretEnvironment;
use mlbench_core::run::Run;
use serde_json::json;

use super::super::connection::KubernetesCluster;
use super::super::options::{Options, PodSecurity};
use super::super::pod_template::PodTemplate;
use super::super::run_access::RunAccess;
use super::harness::{
    Harness, IMAGE, eventually, followed, harness, image_run, launch, pending_reason, provisioned, rank,
    released,
};
use super::object::object;
use crate::cluster::interface::Cluster;
use crate::cluster::provision::ProvisionRequest;

/// Returns the standard output of a command on the only rank of a run.
async fn output(cluster: &KubernetesCluster, run: &Run, command: &str) -> String {
    launch(cluster, rank(run, 0), command).await;
    let seen = followed(cluster, &rank(run, 0)).await;
    assert_eq!(seen.end, Some(Ok(0)), "{command}");
    String::from_utf8(seen.stdout.clone()).unwrap()
}

fn allow(harness: &mut Harness, rules: &[&str]) {
    let run_access = RunAccess::new(rules.iter().map(|rule| rule.parse().unwrap()).collect());
    harness.options = Options { run_access, ..harness.options.clone() };
}

#[tokio::test(flavor = "multi_thread")]
async fn restricted_pods_have_secrets_volumes_and_the_template_of_the_operator() {
    let Some(mut harness) = harness().await else { return };
    let create = PostParams::default();
    let data = json!({"metadata": {"name": "db"}, "stringData": {"password": "s3cret"}});
    harness.api::<Secret>().create(&create, &object(data)).await.unwrap();
    let data = json!({"metadata": {"name": "train"}, "data": {"epochs": "50"}});
    harness.api::<ConfigMap>().create(&create, &object(data)).await.unwrap();
    let account = json!({"metadata": {"name": "trainer"}});
    harness.api::<ServiceAccount>().create(&create, &object(account)).await.unwrap();
    allow(&mut harness, &["secret/db", "config_map/train", "service_account/trainer"]);
    let template = "spec: {containers: [{name: worker, env: [{name: PROXY, value: http://proxy}]}]}";
    harness.options = Options {
        pod_security: PodSecurity::Restricted,
        run_as_user: Some(1000),
        pod_template: PodTemplate::parse(template).unwrap(),
        ..harness.options.clone()
    };
    let cluster = harness.cluster().await;
    let mut run = image_run(1, "needs", 1, IMAGE);
    let needs = &mut run.spec.needs;
    let variable = SecretEnvironment::parse_variable("PASSWORD=db/password").unwrap();
    needs.env_from_secrets = SecretEnvironment::new([variable]).unwrap();
    let volumes = ["c:/etc/conf:config_map/train", "s:/etc/db:secret/db", "e:/scratch:empty_dir/10Mi"];
    needs.volumes = volumes.map(|text| text.parse().unwrap()).to_vec();
    needs.tolerations = vec!["gpu:NoSchedule".parse().unwrap()];
    needs.service_account = Some("trainer".parse().unwrap());
    assert!(cluster.refusal(&run.spec).is_none());
    provisioned(&cluster, &mut run).await;
    let shown = "id -u; id -G; echo $PASSWORD $PROXY; cat /etc/conf/epochs; echo; cat /etc/db/password; echo; \
                 echo x >/scratch/x && ls /scratch; grep -E 'CapEff|NoNewPrivs|Seccomp:' /proc/self/status | tr -d '\\t'";
    let text = output(&cluster, &run, shown).await;
    let expected =
        "1000\n1000\ns3cret http://proxy\n50\ns3cret\nx\nCapEff:0000000000000000\nNoNewPrivs:1\nSeccomp:2\n";
    assert_eq!(text, expected);
    let pod = harness.api::<Pod>().get(run.workers[0].pod.as_str()).await.unwrap().spec.unwrap();
    assert_eq!(pod.service_account_name.as_deref(), Some("trainer"));
    assert!(pod.tolerations.unwrap().iter().any(|one| one.key.as_deref() == Some("gpu")));
    released(&cluster, &run).await;
    assert_eq!(harness.leftovers().await, (0, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_root_image_under_the_restricted_standard_fails_with_the_way_out() {
    let Some(mut harness) = harness().await else { return };
    harness.options = Options { pod_security: PodSecurity::Restricted, ..harness.options.clone() };
    let cluster = harness.cluster().await;
    let run = image_run(1, "root", 1, IMAGE);
    let refusal =
        eventually("the refusal", || async { cluster.provision(&ProvisionRequest::of(&run)).await.err() })
            .await;
    assert!(refusal.to_string().contains("--run-as-user"), "{refusal}");
    released(&cluster, &run).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_secret_is_named_while_the_run_waits() {
    let Some(mut harness) = harness().await else { return };
    allow(&mut harness, &["secret/*"]);
    let cluster = harness.cluster().await;
    let mut run = image_run(1, "x", 1, IMAGE);
    let variable = SecretEnvironment::parse_variable("A=no-such/key").unwrap();
    run.spec.needs.env_from_secrets = SecretEnvironment::new([variable]).unwrap();
    // The event that names the Secret may come before the state of the container.
    let missing = pending_reason(&cluster, &run, &["CreateContainerConfigError"]).await;
    assert!(missing.contains("no-such"), "{missing}");
    released(&cluster, &run).await;
}
