//! What the objects of a run are called, and the labels by which they are found.
//!
//! Names are for people: nothing is ever found or removed by its name, only by its labels.

use std::collections::BTreeMap;

use mlbench_core::run::{Run, RunKey};
use uuid::Uuid;

use super::options::Options;

/// The label that says whose object this is: the job of the run, unique in the harness.
pub(super) const RUN_LABEL: &str = "mlbench.run-id";
/// The label that says which server made the object.
pub(super) const INSTANCE_LABEL: &str = "mlbench.instance";
/// The annotation with the number of the run, for people.
pub(super) const NUMBER_ANNOTATION: &str = "mlbench.run-number";

/// The longest name of a StatefulSet whose pods can be made: the controller appends `-` and a hash of ten characters,
/// and the result is a label value of at most 63.
const MAX_OBJECT_NAME: usize = 52;
const MIDDLE: &str = "-mlbench-worker-";

/// The names that the objects of a run may bear, the one to try first in front.
///
/// The last always ends its slug in the number of the run. Numbers above 10^13 would not leave room for a release
/// of 20 characters; runs are counted from 1.
pub(super) fn object_names(run: &Run, release: &str) -> Vec<String> {
    let room = MAX_OBJECT_NAME - MIDDLE.len() - release.len();
    let slug = slug(run.name.as_str());
    let suffix = format!("-{}", run.id);
    let kept = room.saturating_sub(suffix.len()).min(slug.len());
    let numbered = format!("{}{suffix}", slug[..kept].trim_end_matches('-'));
    let whole = (slug != "run" && slug.len() <= room).then_some(slug);
    whole.into_iter().chain([numbered]).map(|slug| format!("{slug}{MIDDLE}{release}")).collect()
}

/// The name of a run as the beginning of a DNS-1035 label: what is no ASCII letter or digit becomes `-`, and a letter
/// comes first. An empty one is `run`, which says so little that a number always follows.
fn slug(name: &str) -> String {
    let dashed: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    match dashed.trim_matches('-') {
        "" => "run".to_owned(),
        slug if slug.starts_with(|c: char| c.is_ascii_digit()) => format!("run-{slug}"),
        slug => slug.to_owned(),
    }
}

/// The labels of every worker pod of a release.
pub(super) fn worker_labels(release: &str) -> BTreeMap<String, String> {
    let labels = [("app", "mlbench"), ("component", "worker"), ("release", release)];
    labels.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

/// The labels of what is made for one run.
pub(super) fn run_labels(options: &Options, run: RunKey) -> BTreeMap<String, String> {
    let mut labels = worker_labels(options.release.as_str());
    labels.insert(RUN_LABEL.to_owned(), run.job_id.to_string());
    labels.insert(INSTANCE_LABEL.to_owned(), options.instance.as_str().to_owned());
    labels
}

/// The selector of all worker pods of a release.
pub(super) fn worker_selector(release: &str) -> String {
    selector(&worker_labels(release))
}

/// The selector of what belongs to one run. Its job is unique in the harness, so no more is needed to own it.
pub(super) fn run_selector(job: Uuid) -> String {
    format!("{RUN_LABEL}={job}")
}

/// The selector of what this server made for any run.
pub(super) fn owned_selector(options: &Options) -> String {
    format!(
        "{},{INSTANCE_LABEL}={},{RUN_LABEL}",
        worker_selector(options.release.as_str()),
        options.instance.as_str()
    )
}

fn selector(labels: &BTreeMap<String, String>) -> String {
    labels.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(",")
}

/// Orders pods as their StatefulSet counts them: `worker-10` comes after `worker-2`.
pub(super) fn by_ordinal(pod: &str) -> (&str, u64) {
    let (stem, ordinal) = pod.rsplit_once('-').unwrap_or((pod, ""));
    ordinal.parse().map_or((pod, 0), |ordinal| (stem, ordinal))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::run;
    use super::*;

    fn is_dns_1035(name: &str) -> bool {
        let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
        name.starts_with(|c: char| c.is_ascii_lowercase())
            && edge(name.chars().last())
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    }

    #[test]
    fn a_run_s_objects_are_called_after_it() {
        let names = |name: &str, id| object_names(&run(id, name), "rel");
        assert_eq!(names("Name of the run", 3)[0], "name-of-the-run-mlbench-worker-rel");
        assert_eq!(names("2nd try", 3)[0], "run-2nd-try-mlbench-worker-rel");
        assert_eq!(names("same", 4), ["same-mlbench-worker-rel", "same-4-mlbench-worker-rel"]);
    }

    #[test]
    fn a_shortened_or_empty_slug_always_ends_in_the_number_of_the_run() {
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
    fn pods_are_ranked_by_their_ordinal() {
        let mut pods = ["w-10", "w-2", "w-0", "other"];
        pods.sort_by_key(|pod| by_ordinal(pod));
        assert_eq!(pods, ["other", "w-0", "w-2", "w-10"]);
    }
}
