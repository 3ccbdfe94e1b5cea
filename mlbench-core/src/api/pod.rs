//! Pods on the wire.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::labels::{format_labels, parse_labels};
use crate::error::Result;
use crate::name::PodName;
use crate::pod::{Labels, PodPhase};

/// A worker pod, an item of `GET /api/pods/`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct Pod {
    /// Name of the pod.
    pub name: PodName,
    /// Labels of the pod, a Python dictionary literal on the wire.
    #[serde(serialize_with = "serialize_labels", deserialize_with = "deserialize_labels")]
    #[cfg_attr(test, ts(type = "string"), schemars(with = "String"))]
    pub labels: Labels,
    /// Lifecycle phase.
    pub phase: PodPhase,
    /// IP address, empty while unknown.
    pub ip: String,
}

fn serialize_labels<S: Serializer>(labels: &Labels, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format_labels(labels))
}

fn deserialize_labels<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Labels, D::Error> {
    parse_labels(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
}

impl From<crate::pod::Pod> for Pod {
    fn from(pod: crate::pod::Pod) -> Self {
        Self { name: pod.name, labels: pod.labels, phase: pod.phase, ip: pod.ip }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_one_string_on_the_wire() {
        let wire = r#"{"name":"w-0","labels":"{'app': 'mlbench'}","phase":"Running","ip":""}"#;
        let pod: Pod = serde_json::from_str(wire).unwrap();
        assert_eq!(pod.labels["app"], "mlbench");
        assert_eq!(serde_json::to_string(&pod).unwrap(), wire);
    }
}
