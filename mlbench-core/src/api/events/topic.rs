//! What a stream of events is about.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::name::{PodName, RunId};
use crate::quote::quote;

/// A topic that a client subscribes to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Topic {
    /// Changes of the list of runs.
    Runs,
    /// Changes of the list of worker pods.
    Pods,
    /// New points of all pods in the cluster.
    Usage,
    /// State, output and new points of one run.
    Run(RunId),
    /// New points of one pod.
    Pod(PodName),
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Runs => f.write_str("runs"),
            Self::Pods => f.write_str("pods"),
            Self::Usage => f.write_str("usage"),
            Self::Run(id) => write!(f, "run:{id}"),
            Self::Pod(name) => write!(f, "pod:{name}"),
        }
    }
}

impl FromStr for Topic {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let topic = match text.split_once(':') {
            None => [Self::Runs, Self::Pods, Self::Usage].into_iter().find(|topic| topic.to_string() == text),
            Some(("run", id)) => RunId::from_number(id).ok().map(Self::Run),
            Some(("pod", name)) => PodName::new(name).ok().map(Self::Pod),
            Some(_) => None,
        };
        topic.ok_or_else(|| {
            let rule = "unknown topic; write runs, pods, usage, run:ID or pod:NAME";
            Error::invalid("topics", format_args!("{}: {rule}", quote(text)))
        })
    }
}

impl TryFrom<String> for Topic {
    type Error = Error;
    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Topic> for String {
    fn from(topic: Topic) -> Self {
        topic.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_is_the_same_after_the_wire() {
        for text in ["runs", "pods", "usage", "run:3", "pod:w-0.x"] {
            assert_eq!(text.parse::<Topic>().unwrap().to_string(), text);
        }
        for text in ["run:3.0", "run:3e0"] {
            assert_eq!(text.parse::<Topic>().unwrap().to_string(), "run:3");
        }
        for text in ["", "run", "run:", "run:0", "run:x", "pod:A", "Runs", "runs:1", " runs"] {
            let error = text.parse::<Topic>().unwrap_err();
            assert!(error.detail().starts_with("topics: "), "{text:?}: {error}");
        }
    }
}
