//! Kubernetes objects from JSON.

use serde::de::DeserializeOwned;

/// Converts JSON to a Kubernetes object.
pub(super) fn object<K: DeserializeOwned>(value: serde_json::Value) -> K {
    serde_json::from_value(value).unwrap()
}
