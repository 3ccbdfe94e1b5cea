//! The worker set of a run as Kubernetes objects: a headless Service and a StatefulSet.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::{StatefulSet, StatefulSetSpec};
use k8s_openapi::api::core::v1::{
    Affinity, Container, EmptyDirVolumeSource, PodAffinityTerm, PodAntiAffinity, PodSpec, PodTemplateSpec,
    ResourceRequirements, SecretVolumeSource, Service, ServicePort, ServiceSpec, Volume, VolumeMount,
    WeightedPodAffinityTerm,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use mlbench_core::needs::ByteSize;
use mlbench_core::run::{Backend, Run, RunKey};

use super::names::{NUMBER_ANNOTATION, run_labels, worker_labels};
use super::{needs, run_token, security};
use crate::cluster::kubernetes::options::{AntiAffinity, Cpu, MpiDaemons, Options};
use crate::cluster::kubernetes::pod_template::WORKER;
use crate::cluster::provision::ProvisionRequest;

/// Mount path of the volume with the supervisor's files, because the root file system may be read-only.
pub(crate) const WORK_VOLUME: &str = "/mlbench";
/// Name of the container that executes runs.
pub(crate) const CONTAINER: &str = WORKER;

/// Command of an idle worker, which exits immediately on SIGTERM.
///
/// As the first process of its container it also reaps the orphans of a run.
const IDLE: &str = "trap 'exit 0' TERM INT; while :; do sleep 3600 & wait $!; done";
/// CPU request of a worker without a CPU limit.
const MIN_CPU: &str = "100m";

/// Returns the Service that gives the workers their host names.
pub(crate) fn service(name: &str, run: &Run, options: &Options) -> Service {
    let labels = run_labels(options, RunKey::from(run));
    let spec = ServiceSpec {
        cluster_ip: Some("None".to_owned()),
        selector: Some(labels.clone()),
        // Ranks look each other up in their first second, before the pods count as ready.
        publish_not_ready_addresses: Some(true),
        ports: Some(vec![ServicePort {
            name: Some("worker".to_owned()),
            port: 22,
            ..ServicePort::default()
        }]),
        ..ServiceSpec::default()
    };
    Service { metadata: metadata(name, run, labels), spec: Some(spec), ..Service::default() }
}

/// Returns the StatefulSet, which starts one replica per worker in parallel.
pub(crate) fn stateful_set(
    name: &str,
    image: &str,
    request: &ProvisionRequest<'_>,
    options: &Options,
) -> StatefulSet {
    let run = request.run;
    let labels = run_labels(options, RunKey::from(run));
    let mut template = PodTemplateSpec {
        metadata: Some(ObjectMeta { labels: Some(labels.clone()), ..ObjectMeta::default() }),
        spec: Some(pod_spec(image, request, options)),
    };
    options.pod_template.merge_over(&mut template);
    let spec = StatefulSetSpec {
        replicas: Some(i32::try_from(run.spec.num_workers).unwrap_or(i32::MAX)),
        pod_management_policy: Some("Parallel".to_owned()),
        service_name: Some(name.to_owned()),
        selector: LabelSelector { match_labels: Some(labels.clone()), ..LabelSelector::default() },
        template,
        ..StatefulSetSpec::default()
    };
    StatefulSet { metadata: metadata(name, run, labels), spec: Some(spec), ..StatefulSet::default() }
}

fn metadata(name: &str, run: &Run, labels: BTreeMap<String, String>) -> ObjectMeta {
    let annotations = BTreeMap::from([(NUMBER_ANNOTATION.to_owned(), run.id.to_string())]);
    ObjectMeta {
        name: Some(name.to_owned()),
        labels: Some(labels),
        annotations: Some(annotations),
        ..ObjectMeta::default()
    }
}

fn pod_spec(image: &str, request: &ProvisionRequest<'_>, options: &Options) -> PodSpec {
    let run = request.run;
    let over_ssh = run.spec.backend == Some(Backend::Mpi) && options.mpi_daemons == MpiDaemons::Ssh;
    let of_run = needs::variables(&run.spec.needs);
    let mut container = Container {
        name: CONTAINER.to_owned(),
        image: Some(image.to_owned()),
        env: Some(request.token.map(|_| run_token::variable(run)).into_iter().chain(of_run).collect()),
        image_pull_policy: Some(options.image_pull_policy.as_str().to_owned()),
        resources: Some(resources(run, options)),
        volume_mounts: Some(vec![mount("mlbench", WORK_VOLUME), mount("shm", "/dev/shm")]),
        security_context: Some(security::of_container(options, over_ssh)),
        ..Container::default()
    };
    let mut volumes = vec![Volume {
        name: "mlbench".to_owned(),
        empty_dir: Some(EmptyDirVolumeSource {
            size_limit: Some(Quantity(format!("{}Mi", volume_mib(options)))),
            ..EmptyDirVolumeSource::default()
        }),
        ..Volume::default()
    }];
    volumes.push(shared_memory(run, options));
    if over_ssh {
        // mpirun reaches the other workers by ssh: the entrypoint of the image starts the ssh daemon with the key of the
        // release. A terminal and an open stdin keep an image alive whose entrypoint is a shell.
        (container.stdin, container.tty) = (Some(true), Some(true));
        container.volume_mounts.get_or_insert_default().push(mount("ssh-key", "/ssh-key/root"));
        volumes.push(ssh_key(options));
    } else {
        container.command = Some(["sh", "-c", IDLE].map(str::to_owned).to_vec());
    }
    container.volume_mounts.get_or_insert_default().extend(needs::mounts(&run.spec.needs));
    volumes.extend(needs::volumes(&run.spec.needs));
    let mut pod = PodSpec {
        containers: vec![container],
        volumes: Some(volumes),
        affinity: Some(affinity(options)),
        security_context: Some(security::of_pod(options)),
        enable_service_links: Some(false),
        termination_grace_period_seconds: Some(5),
        ..PodSpec::default()
    };
    needs::place(&mut pod, &run.spec.needs, options);
    pod
}

/// Returns the size of the volume for the output of a rank, above which the kubelet deletes the pod.
///
/// The supervisor keeps two streams below the output limit, which some shells count in units twice as large.
fn volume_mib(options: &Options) -> u64 {
    u64::from(options.output_limit) * 4 + 64
}

/// Returns the volume for `/dev/shm`.
///
/// The data loaders of PyTorch break with the 64 MiB that a container has without one.
/// What is written to it counts as memory of the worker.
fn shared_memory(run: &Run, options: &Options) -> Volume {
    let size = run.spec.needs.shm_size.or_else(|| memory(run, options).map(ByteSize::half));
    let empty_dir = EmptyDirVolumeSource {
        medium: Some("Memory".to_owned()),
        size_limit: size.map(|size| Quantity(size.to_string())),
    };
    Volume { name: "shm".to_owned(), empty_dir: Some(empty_dir), ..Volume::default() }
}

/// Returns the memory of each worker of a run, if anybody limits it.
fn memory(run: &Run, options: &Options) -> Option<ByteSize> {
    run.spec.needs.memory.or(options.worker_memory)
}

fn mount(volume: &str, path: &str) -> VolumeMount {
    VolumeMount { name: volume.to_owned(), mount_path: path.to_owned(), ..VolumeMount::default() }
}

fn ssh_key(options: &Options) -> Volume {
    let secret = SecretVolumeSource {
        secret_name: Some(format!("{}-ssh-key", options.release.as_str())),
        default_mode: Some(0o400),
        optional: Some(true),
        ..SecretVolumeSource::default()
    };
    Volume { name: "ssh-key".to_owned(), secret: Some(secret), ..Volume::default() }
}

fn resources(run: &Run, options: &Options) -> ResourceRequirements {
    let mut requests = BTreeMap::new();
    let mut limits = BTreeMap::new();
    let quantity = |amount: String| Quantity(amount);
    let requested = run.spec.num_cpus.map(|cores| Cpu::from_cores(cores).to_string());
    let least = || MIN_CPU.to_owned();
    requests.insert("cpu".to_owned(), quantity(requested.clone().unwrap_or_else(least)));
    if let Some(limit) = requested.or_else(|| options.worker_max_cpu.map(|cpu| cpu.to_string())) {
        limits.insert("cpu".to_owned(), quantity(limit));
    }
    if let Some(memory) = memory(run, options) {
        requests.insert("memory".to_owned(), quantity(memory.to_string()));
        limits.insert("memory".to_owned(), quantity(memory.to_string()));
    }
    if run.spec.gpu_enabled {
        let gpus = run.spec.needs.gpus.unwrap_or(options.max_gpu_per_worker);
        limits.insert(options.gpu_resource.clone(), quantity(gpus.to_string()));
    }
    ResourceRequirements { requests: Some(requests), limits: Some(limits), ..ResourceRequirements::default() }
}

fn affinity(options: &Options) -> Affinity {
    let term = PodAffinityTerm {
        label_selector: Some(LabelSelector {
            match_labels: Some(worker_labels(options.release.as_str())),
            ..LabelSelector::default()
        }),
        topology_key: "kubernetes.io/hostname".to_owned(),
        ..PodAffinityTerm::default()
    };
    let mut anti_affinity = PodAntiAffinity::default();
    match options.anti_affinity {
        AntiAffinity::Required => {
            anti_affinity.required_during_scheduling_ignored_during_execution = Some(vec![term]);
        }
        AntiAffinity::Preferred => {
            let weighted = WeightedPodAffinityTerm { pod_affinity_term: term, weight: 100 };
            anti_affinity.preferred_during_scheduling_ignored_during_execution = Some(vec![weighted]);
        }
    }
    Affinity { pod_anti_affinity: Some(anti_affinity), ..Affinity::default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::kubernetes::options::PodSecurity;
    use crate::cluster::kubernetes::pod_template::PodTemplate;
    use crate::cluster::kubernetes::testing::{assert_restricted, options, run};

    fn container(run: &Run, options: &Options) -> Container {
        let set = stateful_set("name", "image:1", &ProvisionRequest::of(run), options);
        set.spec.unwrap().template.spec.unwrap().containers.remove(0)
    }

    #[test]
    fn requested_cores_are_both_request_and_limit() {
        let mut run = run(1, "x");
        let options = Options { worker_max_cpu: Some("4".parse().unwrap()), ..options() };
        let cpu = |run: &Run| {
            let resources = container(run, &options).resources.unwrap();
            (resources.requests.unwrap()["cpu"].0.clone(), resources.limits.unwrap()["cpu"].0.clone())
        };
        assert_eq!(cpu(&run), ("100m".to_owned(), "4000m".to_owned()));
        run.spec.num_cpus = Some(1.5);
        assert_eq!(cpu(&run), ("1500m".to_owned(), "1500m".to_owned()));
    }

    #[test]
    fn only_runs_with_gpu_enabled_request_gpus() {
        let mut run = run(1, "x");
        let options = Options { max_gpu_per_worker: 2, ..options() };
        let gpus =
            |run: &Run| container(run, &options).resources.unwrap().limits.unwrap().remove("nvidia.com/gpu");
        assert_eq!(gpus(&run), None);
        run.spec.gpu_enabled = true;
        assert_eq!(gpus(&run), Some(Quantity("2".to_owned())));
        run.spec.needs.gpus = Some(1);
        assert_eq!(gpus(&run), Some(Quantity("1".to_owned())));
    }

    #[test]
    fn shared_memory_is_half_of_the_memory_unless_the_run_names_it() {
        let shown = |worker: Option<&str>, memory: Option<&str>, shm: Option<&str>| {
            let size = |text: Option<&str>| text.map(|text| text.parse().unwrap());
            let options = Options { worker_memory: size(worker), ..options() };
            let mut run = run(1, "x");
            (run.spec.needs.memory, run.spec.needs.shm_size) = (size(memory), size(shm));
            let pod = pod_spec("image:1", &ProvisionRequest::of(&run), &options);
            let volume = pod.volumes.unwrap().into_iter().find(|volume| volume.name == "shm").unwrap();
            let source = volume.empty_dir.unwrap();
            assert_eq!(source.medium.as_deref(), Some("Memory"));
            let mounts = pod.containers[0].volume_mounts.clone().unwrap();
            assert!(mounts.iter().any(|mount| mount.mount_path == "/dev/shm" && mount.name == "shm"));
            let limits = pod.containers[0].resources.clone().unwrap().limits.unwrap();
            let text = |quantity: Option<&Quantity>| quantity.map(|quantity| quantity.0.clone());
            (text(limits.get("memory")), text(source.size_limit.as_ref()))
        };
        let texts = |memory: &str, shm: &str| (Some(memory.to_owned()), Some(shm.to_owned()));
        assert_eq!(shown(None, None, None), (None, None));
        assert_eq!(shown(Some("4Gi"), None, None), texts("4Gi", "2Gi"));
        assert_eq!(shown(Some("4Gi"), Some("8Gi"), None), texts("8Gi", "4Gi"));
        assert_eq!(shown(None, Some("8Gi"), Some("1Gi")), texts("8Gi", "1Gi"));
    }

    #[test]
    fn service_and_stateful_set_select_the_pods_of_the_run() {
        let run = run(7, "x");
        let set = stateful_set("name", "image:1", &ProvisionRequest::of(&run), &options()).spec.unwrap();
        let labels = set.template.metadata.unwrap().labels.unwrap();
        assert_eq!(labels["mlbench.run-id"], run.job_id.to_string());
        assert_eq!(set.selector.match_labels.unwrap(), labels);
        assert_eq!(service("name", &run, &options()).spec.unwrap().selector.unwrap(), labels);
    }

    #[test]
    fn worker_idles_unless_mpirun_needs_the_ssh_daemon_of_the_image() {
        let mut run = run(1, "x");
        assert!(container(&run, &options()).command.is_some());
        run.spec.backend = Some(Backend::Mpi);
        assert!(container(&run, &options()).command.is_some());
        let container = container(&run, &Options { mpi_daemons: MpiDaemons::Ssh, ..options() });
        assert_eq!((container.command, container.stdin, container.tty), (None, Some(true), Some(true)));
    }

    #[test]
    fn volume_for_the_output_is_larger_than_the_output_limit_and_bounded() {
        let mut run = run(1, "x");
        run.spec.image = Some("image:1".to_owned());
        let options = Options { output_limit: 10, ..options() };
        let volumes = pod_spec("image:1", &ProvisionRequest::of(&run), &options).volumes.unwrap();
        let limits = volumes.iter().filter_map(|volume| volume.empty_dir.as_ref()?.size_limit.clone());
        assert_eq!(limits.collect::<Vec<_>>(), [Quantity("104Mi".to_owned())]);
    }

    #[test]
    fn a_restricted_pod_meets_the_standard_of_kubernetes() {
        let options = Options { pod_security: PodSecurity::Restricted, run_as_user: Some(1000), ..options() };
        let mut run = run(1, "x");
        run.spec.needs.volumes = ["a:/a:pvc/b", "b:/b:config_map/c", "c:/c:secret/d", "d:/d:empty_dir"]
            .map(|text| text.parse().unwrap())
            .to_vec();
        let set = stateful_set("name", "image:1", &ProvisionRequest::of(&run), &options);
        let pod = serde_json::to_value(set.spec.unwrap().template.spec.unwrap()).unwrap();
        assert_restricted(&pod);
        let user = serde_json::json!({"runAsNonRoot": true, "runAsUser": 1000, "runAsGroup": 1000, "fsGroup": 1000, "fsGroupChangePolicy": "OnRootMismatch"});
        assert_eq!(pod["securityContext"], user);
    }

    #[test]
    fn the_template_of_the_operator_comes_last() {
        let text = "spec: {schedulerName: other, containers: [{name: worker, env: [{name: A, value: '1'}]}]}";
        let options = Options { pod_template: PodTemplate::parse(text).unwrap(), ..options() };
        let run = run(1, "x");
        let set = stateful_set("name", "image:1", &ProvisionRequest::of(&run), &options).spec.unwrap();
        assert_eq!(set.selector.match_labels, set.template.metadata.unwrap().labels);
        let mut pod = set.template.spec.unwrap();
        assert_eq!((pod.containers.len(), pod.scheduler_name.as_deref()), (1, Some("other")));
        assert_eq!(pod.containers.remove(0).env.unwrap()[0].name, "A");
    }

    #[test]
    fn no_worker_is_privileged_or_uses_a_node_port() {
        let container = container(&run(1, "x"), &options());
        assert_eq!(container.security_context.unwrap().privileged, Some(false));
        assert!(container.ports.is_none());
    }
}
