//! The worker set of a run as Kubernetes objects: a headless Service and a StatefulSet. Pure.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::{StatefulSet, StatefulSetSpec};
use k8s_openapi::api::core::v1::{
    Affinity, Capabilities, Container, EmptyDirVolumeSource, LocalObjectReference, PodAffinityTerm,
    PodAntiAffinity, PodSpec, PodTemplateSpec, ResourceRequirements, SeccompProfile, SecretVolumeSource,
    SecurityContext, Service, ServicePort, ServiceSpec, Volume, VolumeMount, WeightedPodAffinityTerm,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use mlbench_core::run::{Backend, Run, RunKey};

use super::names::{NUMBER_ANNOTATION, run_labels, worker_labels};
use super::options::{AntiAffinity, Cpu, Options};
use super::run_token;
use crate::cluster::ProvisionRequest;

/// Where the supervisor keeps its files in every worker: a volume, since the root file system may be read-only.
pub(super) const WORK_VOLUME: &str = "/mlbench";
/// The name of the container in which runs are executed.
pub(super) const CONTAINER: &str = "worker";

/// What a worker whose image has no part in it does: nothing, and ends at once when it is told to. It reaps what the
/// programs of a run leave behind, since it is the first process of its container.
const IDLE: &str = "trap 'exit 0' TERM INT; while :; do sleep 3600 & wait $!; done";
/// Requested for a worker that may use as much as it finds.
const LEAST_CPU: &str = "100m";

/// Why a worker set for this run can never be had here, in words.
pub(super) fn refusal(run: &Run, options: &Options) -> Option<String> {
    let (spec, most) = (&run.spec, options.max_workers);
    if spec.num_workers > most {
        return Some(format!("the run asks for {} workers, and there are at most {most}", spec.num_workers));
    }
    if let (Some(cores), Some(most)) = (spec.num_cpus, options.worker_max_cpu)
        && spec.image.is_some()
        && Cpu::from_cores(cores) > most
    {
        return Some(format!("the run asks for {cores} cores per worker, and a worker has at most {most}"));
    }
    if spec.gpu_enabled && spec.image.is_some() && options.max_gpu_per_worker == 0 {
        return Some("the run asks for GPUs, and the workers of this cluster are set up without".to_owned());
    }
    None
}

/// The Service that gives the workers their names.
pub(super) fn service(name: &str, run: &Run, options: &Options) -> Service {
    let labels = run_labels(options, RunKey::from(run));
    let spec = ServiceSpec {
        cluster_ip: Some("None".to_owned()),
        selector: Some(labels.clone()),
        // A name must resolve as soon as the pod has an address: ranks look each other up in their first second.
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

/// The StatefulSet: one replica per worker, all at once.
pub(super) fn stateful_set(
    name: &str,
    image: &str,
    claim: &ProvisionRequest<'_>,
    options: &Options,
) -> StatefulSet {
    let run = claim.run;
    let labels = run_labels(options, RunKey::from(run));
    let template = PodTemplateSpec {
        metadata: Some(ObjectMeta { labels: Some(labels.clone()), ..ObjectMeta::default() }),
        spec: Some(pod_spec(image, claim, options)),
    };
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

fn pod_spec(image: &str, claim: &ProvisionRequest<'_>, options: &Options) -> PodSpec {
    let run = claim.run;
    let over_ssh = run.spec.backend == Some(Backend::Mpi);
    let mut container = Container {
        name: CONTAINER.to_owned(),
        image: Some(image.to_owned()),
        env: Some(claim.token.map(|_| run_token::variable(run)).into_iter().collect()),
        image_pull_policy: Some(options.image_pull_policy.as_str().to_owned()),
        resources: Some(resources(run, options)),
        volume_mounts: Some(vec![mount("mlbench", WORK_VOLUME)]),
        security_context: Some(SecurityContext { privileged: Some(false), ..SecurityContext::default() }),
        ..Container::default()
    };
    let mut volumes = vec![Volume {
        name: "mlbench".to_owned(),
        empty_dir: Some(EmptyDirVolumeSource::default()),
        ..Volume::default()
    }];
    if over_ssh {
        // mpirun reaches the other workers by ssh: the image's own program starts its daemon, with the release's key.
        // A terminal and an open stdin keep an image alive whose own program is a shell.
        (container.stdin, container.tty) = (Some(true), Some(true));
        container.volume_mounts.get_or_insert_default().push(mount("ssh-key", "/ssh-key/root"));
        volumes.push(ssh_key(options));
    } else {
        container.command = Some(["sh", "-c", IDLE].map(str::to_owned).to_vec());
        container.security_context = Some(SecurityContext {
            privileged: Some(false),
            allow_privilege_escalation: Some(false),
            capabilities: Some(Capabilities {
                drop: Some(vec!["NET_RAW".to_owned()]),
                ..Capabilities::default()
            }),
            seccomp_profile: Some(SeccompProfile {
                type_: "RuntimeDefault".to_owned(),
                localhost_profile: None,
            }),
            ..SecurityContext::default()
        });
    }
    let secrets = options.image_pull_secrets.iter().map(|name| LocalObjectReference { name: name.clone() });
    PodSpec {
        containers: vec![container],
        volumes: Some(volumes),
        affinity: Some(affinity(options)),
        image_pull_secrets: Some(secrets.collect()),
        automount_service_account_token: Some(options.worker_service_account.is_some()),
        service_account_name: options.worker_service_account.clone(),
        enable_service_links: Some(false),
        termination_grace_period_seconds: Some(5),
        ..PodSpec::default()
    }
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
    let asked = run.spec.num_cpus.map(|cores| Cpu::from_cores(cores).to_string());
    let least = || LEAST_CPU.to_owned();
    requests.insert("cpu".to_owned(), quantity(asked.clone().unwrap_or_else(least)));
    if let Some(limit) = asked.or_else(|| options.worker_max_cpu.map(|cpu| cpu.to_string())) {
        limits.insert("cpu".to_owned(), quantity(limit));
    }
    if let Some(memory) = &options.worker_memory {
        requests.insert("memory".to_owned(), quantity(memory.to_string()));
        limits.insert("memory".to_owned(), quantity(memory.to_string()));
    }
    if run.spec.gpu_enabled {
        limits.insert("nvidia.com/gpu".to_owned(), quantity(options.max_gpu_per_worker.to_string()));
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
    let mut apart = PodAntiAffinity::default();
    match options.anti_affinity {
        AntiAffinity::Required => {
            apart.required_during_scheduling_ignored_during_execution = Some(vec![term]);
        }
        AntiAffinity::Preferred => {
            let weighted = WeightedPodAffinityTerm { pod_affinity_term: term, weight: 100 };
            apart.preferred_during_scheduling_ignored_during_execution = Some(vec![weighted]);
        }
    }
    Affinity { pod_anti_affinity: Some(apart), ..Affinity::default() }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{options, run};
    use super::*;

    fn container(run: &Run, options: &Options) -> Container {
        let set = stateful_set("name", "image:1", &ProvisionRequest::of(run), options);
        set.spec.unwrap().template.spec.unwrap().containers.remove(0)
    }

    #[test]
    fn cores_that_were_asked_for_are_requested_and_the_limit() {
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
    fn gpus_are_asked_for_only_by_runs_that_want_them() {
        let mut run = run(1, "x");
        let options = Options { max_gpu_per_worker: 2, ..options() };
        let gpus =
            |run: &Run| container(run, &options).resources.unwrap().limits.unwrap().remove("nvidia.com/gpu");
        assert_eq!(gpus(&run), None);
        run.spec.gpu_enabled = true;
        assert_eq!(gpus(&run), Some(Quantity("2".to_owned())));
    }

    #[test]
    fn what_the_cluster_can_never_give_is_refused_in_words() {
        let options = Options { max_workers: 2, worker_max_cpu: Some("8000m".parse().unwrap()), ..options() };
        let mut asked = run(1, "x");
        asked.spec.image = Some("image:1".to_owned());
        assert_eq!(refusal(&asked, &options), None);
        asked.spec.num_workers = 3;
        assert!(refusal(&asked, &options).unwrap().contains("asks for 3 workers, and there are at most 2"));
        asked.spec.num_workers = 2;
        asked.spec.num_cpus = Some(8.5);
        assert!(refusal(&asked, &options).unwrap().contains("8.5 cores"));
        asked.spec.num_cpus = Some(8.0);
        asked.spec.gpu_enabled = true;
        assert!(refusal(&asked, &options).unwrap().contains("GPUs"));
    }

    #[test]
    fn service_and_stateful_set_select_exactly_the_pods_of_the_run() {
        let run = run(7, "x");
        let set = stateful_set("name", "image:1", &ProvisionRequest::of(&run), &options()).spec.unwrap();
        let labels = set.template.metadata.unwrap().labels.unwrap();
        assert_eq!(labels["mlbench.run-id"], run.job_id.to_string());
        assert_eq!(set.selector.match_labels.unwrap(), labels);
        assert_eq!(service("name", &run, &options()).spec.unwrap().selector.unwrap(), labels);
    }

    #[test]
    fn a_worker_idles_unless_mpi_needs_the_image_s_own_daemon() {
        let mut run = run(1, "x");
        assert!(container(&run, &options()).command.is_some());
        run.spec.backend = Some(Backend::Mpi);
        let container = container(&run, &options());
        assert_eq!((container.command, container.stdin, container.tty), (None, Some(true), Some(true)));
    }

    #[test]
    fn no_worker_is_privileged_or_takes_a_port_of_its_node() {
        let container = container(&run(1, "x"), &options());
        assert_eq!(container.security_context.unwrap().privileged, Some(false));
        assert!(container.ports.is_none());
    }
}
