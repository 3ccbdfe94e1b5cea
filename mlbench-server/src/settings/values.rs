//! The types of settings, and how people write their values.

use std::time::Duration;

use clap::ValueEnum;
use clap::builder::PossibleValue;
use mlbench_core::duration::parse_duration;
use mlbench_core::number::whole;

use crate::app::RunPolicy;
use crate::sqlite::Durability;

/// Where to run workers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ClusterKind {
    /// Kubernetes inside a pod, or with --kube-context or KUBECONFIG, or else this machine
    Auto,
    /// Pods
    Kubernetes,
    /// Processes on this machine
    Local,
}

/// Log format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines for people
    Text,
    /// One JSON object per line
    Json,
}

/// Reads a number of workers, in any spelling: `2`, `2.0` or `2e0`.
///
/// # Errors
/// The numbers that it may be.
pub(super) fn workers(text: &str) -> Result<u32, &'static str> {
    whole(text).filter(|workers| (1..=1024).contains(workers)).ok_or("use a whole number from 1 to 1024")
}

/// Reads a whole number of at least 0, in any spelling.
///
/// # Errors
/// The numbers that it may be.
pub(super) fn amount(text: &str) -> Result<u32, &'static str> {
    whole(text).ok_or("use a whole number of at least 0")
}

/// Reads the id of a user in a pod.
///
/// # Errors
/// What Kubernetes takes.
pub(super) fn user(text: &str) -> Result<u32, &'static str> {
    let id = whole(text).filter(|id| i32::try_from(*id).is_ok());
    id.ok_or("use a whole number from 0 to 2147483647")
}

/// Reads the name of a resource that nodes offer, such as `nvidia.com/gpu`.
///
/// # Errors
/// An example of what to write.
pub(super) fn resource(text: &str) -> Result<String, &'static str> {
    let is_name = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphanumeric())
            && part.len() <= 63
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
    };
    let parts = text.split_once('/');
    let is_known = parts.is_some_and(|(domain, name)| is_name(domain) && is_name(name));
    is_known.then(|| text.to_owned()).ok_or("use a name with its domain, such as nvidia.com/gpu")
}

/// Reads a duration such as `10s`.
///
/// # Errors
/// An example of what to write.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text).ok_or_else(|| "use a number with a unit, such as 10s, 500ms or 2m".to_owned())
}

/// Reads a sampling interval.
///
/// # Errors
/// Those of [`duration`], or the smallest interval.
pub(super) fn interval(text: &str) -> Result<Duration, String> {
    let least = Duration::from_millis(100);
    duration(text)
        .and_then(|time| if time >= least { Ok(time) } else { Err("use at least 100ms".to_owned()) })
}

impl ValueEnum for RunPolicy {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Single, Self::Queue]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::Single => PossibleValue::new("single").help("Refuse it: one run at a time"),
            Self::Queue => PossibleValue::new("queue")
                .help("Queue it: first come, first served, as many at a time as there are workers for"),
        })
    }
}

impl ValueEnum for Durability {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Full, Self::Normal]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::Full => {
                PossibleValue::new("full").help("Once it is synced to disk: survives a power failure")
            }
            Self::Normal => PossibleValue::new("normal")
                .help("Once the operating system has it: survives a crash of the server, not of the machine"),
        })
    }
}
