//! The Helm chart, rendered by Helm's own SDK.

use std::path::{Path, PathBuf};

use mlbench_tests::{helm, run_program, source, tools};
use serde_json::{Map, Value, json};

type Objects = Map<String, Value>;

async fn render(python: &Path, release: &str, values: &Value) -> Result<Objects, String> {
    let chart = source("deploy/helm/mlbench");
    let output = helm(python, &["render", &chart, release, "mlbench", &values.to_string()]).await;
    if output.code == 0 { Ok(serde_json::from_str(&output.stdout).unwrap()) } else { Err(output.stderr) }
}

/// Returns the objects of a folder of `deploy/kubernetes`.
async fn kustomized(python: &Path, kubectl: &Path, folder: &str) -> Objects {
    let output = run_program(kubectl, &["kustomize", &source(folder)]).await;
    assert_eq!(output.code, 0, "{}", output.stderr);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), output.stdout).unwrap();
    let output = helm(python, &["objects", file.path().to_str().unwrap()]).await;
    assert_eq!(output.code, 0, "{}", output.stderr);
    serde_json::from_str(&output.stdout).unwrap()
}

fn both() -> Option<(PathBuf, PathBuf)> {
    Some((tools::helm()?, tools::kubectl()?))
}

#[tokio::test]
async fn the_chart_has_the_objects_of_the_manifests() {
    let Some((python, kubectl)) = both() else { return };
    let cases = [
        ("deploy/kubernetes", json!({})),
        ("deploy/kubernetes/overlays/prometheus", json!({"prometheus": {"enabled": true}})),
        ("deploy/kubernetes/overlays/official-images", json!({"officialImages": {"enabled": true}})),
    ];
    for (folder, values) in cases {
        let mut rendered = render(&python, "mlbench", &values).await.unwrap();
        // The only difference: `helm uninstall` leaves the database, which `kubectl delete -k` deletes.
        let claim = &mut rendered["PersistentVolumeClaim mlbench-data"]["metadata"];
        let annotations = claim.as_object_mut().unwrap().remove("annotations");
        assert_eq!(annotations, Some(json!({"helm.sh/resource-policy": "keep"})));
        let manifests = kustomized(&python, &kubectl, folder).await;
        let names = |objects: &Objects| objects.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&rendered), names(&manifests), "{folder}");
        for (name, object) in &manifests {
            assert_eq!(&rendered[name], object, "{name} of {folder}");
        }
    }
}

#[tokio::test]
async fn helm_lint_finds_no_error_and_no_warning() {
    let Some(python) = tools::helm() else { return };
    let output = helm(&python, &["lint", &source("deploy/helm/mlbench"), "{}"]).await;
    let findings: Vec<Value> = serde_json::from_str(&output.stdout).unwrap();
    // 1 is an information: the chart has no icon.
    let serious: Vec<_> = findings.iter().filter(|finding| finding["severity"] != json!(1)).collect();
    assert!(serious.is_empty(), "{serious:?}");
}

#[tokio::test]
async fn values_reach_the_objects_of_another_release() {
    let Some(python) = tools::helm() else { return };
    let values = json!({
        "image": {"repository": "images.example/mlbench", "tag": "9", "pullSecrets": ["pull"]},
        "limits": {"workers": 8, "cpu": 16, "gpu": 2},
        "master": {"env": {"MLBENCH_RUN_POLICY": "queue"}, "nodeSelector": {"disk": "fast"}, "service": {"port": 80},
            "allowedHosts": ["bench.example"]},
        "worker": {"updateStrategy": {"type": "OnDelete"}, "tolerations": [{"operator": "Exists"}]},
        "persistence": {"storageClass": "block", "size": "5Gi", "keep": false},
        "token": {"secretName": "mine"},
        "prometheus": {"enabled": true, "serviceMonitor": {"enabled": true, "labels": {"release": "stack"}}},
        "podDisruptionBudget": {"enabled": true},
        "podTemplate": {"spec": {"runtimeClassName": "nvidia"}},
        "networkPolicy": {"serverIngress": [{"ipBlock": {"cidr": "198.51.100.0/24"}}], "restrictWorkers": true, "workerEgress": [{"to": [{"ipBlock": {"cidr": "192.0.2.0/24"}}]}]},
    });
    let objects = render(&python, "lab", &values).await.unwrap();
    let server = &objects["Deployment lab-server"]["spec"]["template"]["spec"];
    let container = &server["containers"][0];
    assert_eq!(container["image"], "images.example/mlbench:9");
    assert_eq!(server["imagePullSecrets"], json!([{"name": "pull"}]));
    assert_eq!(server["nodeSelector"], json!({"disk": "fast"}));
    assert_eq!(server["volumes"][2]["secret"]["secretName"], "mine");
    let env = |name: &str| {
        let found = container["env"].as_array().unwrap().iter().find(|variable| variable["name"] == name);
        found.map(|variable| variable["value"].as_str().unwrap().to_owned())
    };
    for (name, value) in [
        ("MLBENCH_MAX_WORKERS", "8"),
        ("MLBENCH_WORKER_MAX_CPU", "16"),
        ("MLBENCH_MAX_GPU_PER_WORKER", "2"),
        ("MLBENCH_KUBE_RELEASENAME", "lab"),
        ("MLBENCH_SERVER_URL", "http://lab:80"),
        ("MLBENCH_ALLOWED_HOSTS", "lab,bench.example"),
        ("MLBENCH_IMAGE_PULL_SECRETS", "pull"),
        ("MLBENCH_RUN_POLICY", "queue"),
        ("MLBENCH_SERVICE_NAME", "lab"),
        ("MLBENCH_POD_TEMPLATE", "/etc/mlbench-pod/template.yaml"),
    ] {
        assert_eq!(env(name).as_deref(), Some(value), "{name}");
    }
    let workers = &objects["StatefulSet lab-worker"]["spec"];
    assert_eq!((&workers["replicas"], &workers["updateStrategy"]), (&json!(8), &json!({"type": "OnDelete"})));
    assert_eq!(workers["template"]["spec"]["tolerations"], json!([{"operator": "Exists"}]));
    let claim = &objects["PersistentVolumeClaim lab-data"];
    assert_eq!(claim["spec"]["storageClassName"], "block");
    assert_eq!(claim["metadata"].get("annotations"), None);
    let monitor = &objects["ServiceMonitor lab"];
    assert_eq!(monitor["metadata"]["labels"]["release"], "stack");
    let credentials = &monitor["spec"]["endpoints"][0]["authorization"]["credentials"];
    assert_eq!(credentials, &json!({"name": "lab-metrics-token", "key": "token"}));
    assert_eq!(objects["PodDisruptionBudget lab-worker"]["spec"]["maxUnavailable"], 0);
    let policy = &objects["NetworkPolicy lab-worker"]["spec"];
    assert_eq!(policy["policyTypes"], json!(["Ingress", "Egress"]));
    assert_eq!(policy["egress"][2]["to"][0]["ipBlock"]["cidr"], "192.0.2.0/24");
    let ingress = &objects["NetworkPolicy lab-server"]["spec"]["ingress"][0];
    assert_eq!(ingress["from"][1]["ipBlock"]["cidr"], "198.51.100.0/24");
    let template = &objects["ConfigMap lab-pod-template"]["data"]["template.yaml"];
    assert_eq!(template, "spec:\n  runtimeClassName: nvidia");
}

#[tokio::test]
async fn values_that_cannot_work_are_refused_by_name() {
    let Some(python) = tools::helm() else { return };
    let wrong = [
        ("mlbench", json!({"limits": {"worker": 2}}), "'worker' not allowed"),
        ("mlbench", json!({"limits": {"workers": 0}}), "'/limits/workers'"),
        ("mlbench", json!({"master": {"env": {"MLBENCH_OUTPUT_LIMIT": 1_000_000}}}), "MLBENCH_OUTPUT_LIMIT"),
        (
            "mlbench",
            json!({"master": {"env": {"MLBENCH_MAX_WORKERS": "8"}}}),
            "master.env.MLBENCH_MAX_WORKERS: ",
        ),
        ("mlbench", json!({"prometheus": {"serviceMonitor": {"enabled": true}}}), "set that, too"),
        ("a-release-of-21-chars", json!({}), "more than 20 characters"),
    ];
    for (release, values, expected) in wrong {
        let error = render(&python, release, &values).await.unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
}
