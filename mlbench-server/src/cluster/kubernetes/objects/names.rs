//! Names of the objects of a run, and the labels by which the server finds them.
//!
//! Names are for people: the server finds and deletes objects by their labels only.

use std::collections::BTreeMap;

use kube::Resource;
use mlbench_core::run::{Run, RunKey};
use uuid::Uuid;

use crate::cluster::kubernetes::options::{Instance, Options};

/// The label with the job id of the run that owns an object, globally unique.
pub(crate) const RUN_LABEL: &str = "mlbench.run-id";
/// The label with the server that created an object.
pub(crate) const INSTANCE_LABEL: &str = "mlbench.instance";
/// The annotation with the number of the run, for people.
pub(crate) const NUMBER_ANNOTATION: &str = "mlbench.run-number";

/// Maximum length of the name of a StatefulSet.
///
/// The controller appends `-` and a hash of ten characters, and the result must fit a label value of 63 characters.
const MAX_OBJECT_NAME: usize = 52;
const MIDDLE: &str = "-mlbench-worker-";

/// Returns the possible names of a run's objects, the preferred one first.
///
/// The slug of the last one always ends with the number of the run. Numbers above 10^13 would not leave space for a
/// release of 20 characters, but run numbers start at 1.
pub(crate) fn object_names(run: &Run, release: &str) -> Vec<String> {
    let available = MAX_OBJECT_NAME - MIDDLE.len() - release.len();
    let slug = slug(run.name.as_str());
    let suffix = format!("-{}", run.id);
    let kept = available.saturating_sub(suffix.len()).min(slug.len());
    let numbered = format!("{}{suffix}", slug[..kept].trim_end_matches('-'));
    let whole = (slug != "run" && slug.len() <= available).then_some(slug);
    whole.into_iter().chain([numbered]).map(|slug| format!("{slug}{MIDDLE}{release}")).collect()
}

/// Returns the name of a run as the start of a DNS-1035 label.
///
/// Replaces everything but ASCII letters and digits with `-`, and starts with a letter. An empty name becomes `run`,
/// which the number of the run always follows.
fn slug(name: &str) -> String {
    let dashed: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    match dashed.trim_matches('-') {
        "" => "run".to_owned(),
        slug if slug.starts_with(|c: char| c.is_ascii_digit()) => format!("run-{slug}"),
        slug => slug.to_owned(),
    }
}

/// Returns the labels of every worker pod of a release.
pub(crate) fn worker_labels(release: &str) -> BTreeMap<String, String> {
    let labels = [("app", "mlbench"), ("component", "worker"), ("release", release)];
    labels.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

/// Returns the labels of the objects of one run.
pub(crate) fn run_labels(options: &Options, run: RunKey) -> BTreeMap<String, String> {
    let mut labels = worker_labels(options.release.as_str());
    labels.insert(RUN_LABEL.to_owned(), run.job_id.to_string());
    labels.insert(INSTANCE_LABEL.to_owned(), options.instance.as_str().to_owned());
    labels
}

/// Returns the name of the lease of a server's database.
pub(crate) fn lease_name(instance: &Instance) -> String {
    format!("mlbench-{}", instance.as_str().to_ascii_lowercase().replace('_', "-"))
}

/// Returns the labels of that lease.
pub(crate) fn lease_labels(options: &Options) -> BTreeMap<String, String> {
    let (release, instance) = (options.release.as_str(), options.instance.as_str());
    let labels = [("app", "mlbench"), ("release", release), (INSTANCE_LABEL, instance)];
    labels.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

/// Returns the selector of all worker pods of a release.
pub(crate) fn worker_selector(release: &str) -> String {
    selector(&worker_labels(release))
}

/// Returns the selector of the objects that this server created for one run.
///
/// The job id alone does not suffice: the server on a copy of the database has runs with the same job ids.
pub(crate) fn run_selector(options: &Options, job: Uuid) -> String {
    format!("{INSTANCE_LABEL}={},{RUN_LABEL}={job}", options.instance.as_str())
}

/// Returns the selector of all objects that a server of this release created for runs.
pub(crate) fn owned_selector(options: &Options, instance: &Instance) -> String {
    format!(
        "{},{INSTANCE_LABEL}={},{RUN_LABEL}",
        worker_selector(options.release.as_str()),
        instance.as_str()
    )
}

fn selector(labels: &BTreeMap<String, String>) -> String {
    labels.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(",")
}

/// Returns whether an object belongs to a run.
pub(crate) fn belongs_to(object: &impl Resource, job: Uuid) -> bool {
    job_label(object).is_some_and(|label| label == job.to_string())
}

/// Returns whether an object belongs to any run.
pub(crate) fn is_of_a_run(object: &impl Resource) -> bool {
    job_label(object).is_some()
}

fn job_label(object: &impl Resource) -> Option<&str> {
    object.meta().labels.as_ref()?.get(RUN_LABEL).map(String::as_str)
}

/// Returns the sort key of a pod by its ordinal in the StatefulSet: `worker-10` comes after `worker-2`.
pub(crate) fn by_ordinal(pod: &str) -> (&str, u64) {
    let (stem, ordinal) = pod.rsplit_once('-').unwrap_or((pod, ""));
    ordinal.parse().map_or((pod, 0), |ordinal| (stem, ordinal))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::cluster::kubernetes::testing::run;

    fn is_dns_1035(name: &str) -> bool {
        let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
        name.starts_with(|c: char| c.is_ascii_lowercase())
            && edge(name.chars().last())
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    }

    #[test]
    fn objects_are_named_after_their_run() {
        let names = |name: &str, id| object_names(&run(id, name), "rel");
        assert_eq!(names("Name of the run", 3)[0], "name-of-the-run-mlbench-worker-rel");
        assert_eq!(names("2nd try", 3)[0], "run-2nd-try-mlbench-worker-rel");
        assert_eq!(names("same", 4), ["same-mlbench-worker-rel", "same-4-mlbench-worker-rel"]);
    }

    #[test]
    fn shortened_or_empty_slug_ends_with_the_number_of_the_run() {
        let names = |name: &str, release: &str| object_names(&run(12, name), release);
        assert_eq!(names(&"x".repeat(100), "r"), [format!("{}-12-mlbench-worker-r", "x".repeat(32))]);
        assert_eq!(names("ü ü", "r"), ["run-12-mlbench-worker-r"]);
        assert_eq!(names("run", "r"), ["run-12-mlbench-worker-r"]);
        let cut_at_a_dash = format!("{}-{}", "a".repeat(12), "b".repeat(20));
        assert_eq!(
            names(&cut_at_a_dash, &"r".repeat(20)),
            [format!("aaaaaaaaaaaa-12-mlbench-worker-{}", "r".repeat(20))]
        );
    }

    proptest! {
        #[test]
        fn every_name_fits_a_stateful_set_and_a_service(
            name in "[^\\p{Cc}]{1,100}", id in 1_i64..10_000_000_000_000, release in "[a-z]([a-z0-9-]{0,18}[a-z0-9])?",
        ) {
            let names = object_names(&run(id, &name), &release);
            let suffix = format!("-{id}-mlbench-worker-{release}");
            prop_assert!(names.last().is_some_and(|last| last.ends_with(&suffix)));
            for name in names {
                prop_assert!(name.len() <= MAX_OBJECT_NAME && is_dns_1035(&name), "{name}");
            }
        }
    }

    #[test]
    fn pods_are_ordered_by_their_ordinal() {
        let mut pods = ["w-10", "w-2", "w-0", "other"];
        pods.sort_by_key(|pod| by_ordinal(pod));
        assert_eq!(pods, ["other", "w-0", "w-2", "w-10"]);
    }
}
