//! On which nodes, and as whom, the pods of a run execute.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::quote::quote;

/// Labels that a node must have.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(transparent)]
pub struct NodeSelector(BTreeMap<String, String>);

impl NodeSelector {
    /// Maximum number of labels.
    pub const MAX_LABELS: usize = 32;

    /// Collects and checks labels.
    ///
    /// # Errors
    /// [`InvalidField`](crate::error::ErrorCode::InvalidField) for the field `node_selector`, naming the label.
    pub fn new(labels: impl IntoIterator<Item = (String, String)>) -> Result<Self> {
        let mut all = BTreeMap::new();
        for (key, value) in labels {
            check_label(&key, &value)?;
            if all.contains_key(&key) {
                return Err(invalid(format_args!("{} is there twice; remove one", quote(&key))));
            }
            if all.len() == Self::MAX_LABELS {
                return Err(invalid(format_args!("must have at most {} labels", Self::MAX_LABELS)));
            }
            all.insert(key, value);
        }
        Ok(Self(all))
    }

    /// Splits the text `LABEL=VALUE` and checks both.
    ///
    /// # Errors
    /// [`InvalidField`](crate::error::ErrorCode::InvalidField) for the field `node_selector`.
    pub fn parse_label(text: &str) -> Result<(String, String)> {
        let (key, value) = text
            .split_once('=')
            .ok_or_else(|| invalid(format_args!("must be LABEL=VALUE, not {}", quote(text))))?;
        check_label(key, value)?;
        Ok((key.to_owned(), value.to_owned()))
    }

    /// Returns whether any node will do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the labels by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }
}

fn check_label(key: &str, value: &str) -> Result<()> {
    if !is_label_key(key) {
        let rule = "is not the key of a label; use one like accelerator or example.com/gpu";
        return Err(invalid(format_args!("{} {rule}", quote(key))));
    }
    if !is_label_value(value) {
        let rule = "must have a value of at most 63 letters, digits, '-', '_' and '.'";
        return Err(invalid(format_args!("{} {rule}, not {}", quote(key), quote(value))));
    }
    Ok(())
}

fn invalid(rule: fmt::Arguments<'_>) -> Error {
    Error::invalid("node_selector", rule)
}

/// A taint that the pods of a run tolerate: `KEY`, `KEY=VALUE`, each also with `:EFFECT`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct Toleration {
    /// Key of the taint.
    pub key: String,
    /// Its value. Absent for any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub value: Option<String>,
    /// Its effect: `NoSchedule`, `PreferNoSchedule` or `NoExecute`. Absent for any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub effect: Option<TaintEffect>,
}

/// What a taint does to pods that do not tolerate it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub enum TaintEffect {
    /// They are not scheduled to the node.
    NoSchedule,
    /// They are scheduled there only when no other node has room.
    PreferNoSchedule,
    /// They are also evicted from it.
    NoExecute,
}

impl TaintEffect {
    const ALL: [Self; 3] = [Self::NoSchedule, Self::PreferNoSchedule, Self::NoExecute];

    /// Returns the name in Kubernetes.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoSchedule => "NoSchedule",
            Self::PreferNoSchedule => "PreferNoSchedule",
            Self::NoExecute => "NoExecute",
        }
    }
}

impl Toleration {
    /// Maximum number of tolerations of a run.
    pub const MAX_TOLERATIONS: usize = 32;

    /// Creates a toleration.
    ///
    /// # Errors
    /// [`InvalidField`](crate::error::ErrorCode::InvalidField) for `key`, `value` or `effect`.
    pub fn new(key: &str, value: Option<&str>, effect: Option<&str>) -> Result<Self> {
        if !is_label_key(key) {
            let rule = "is not the key of a taint; use one like dedicated or example.com/gpu";
            return Err(Error::invalid("key", format_args!("{} {rule}", quote(key))));
        }
        if let Some(value) = value.filter(|value| !is_label_value(value)) {
            let rule = "must be at most 63 letters, digits, '-', '_' and '.'";
            return Err(Error::invalid("value", format_args!("{rule}, not {}", quote(value))));
        }
        let known = |text: &str| TaintEffect::ALL.into_iter().find(|effect| effect.as_str() == text);
        let effect = effect.map(|text| {
            known(text).ok_or_else(|| {
                let rule = "must be NoSchedule, PreferNoSchedule or NoExecute";
                Error::invalid("effect", format_args!("{rule}, not {}", quote(text)))
            })
        });
        Ok(Self { key: key.to_owned(), value: value.map(str::to_owned), effect: effect.transpose()? })
    }
}

impl fmt::Display for Toleration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.key)?;
        if let Some(value) = &self.value {
            write!(f, "={value}")?;
        }
        match self.effect {
            Some(effect) => write!(f, ":{}", effect.as_str()),
            None => Ok(()),
        }
    }
}

impl FromStr for Toleration {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (taint, effect) = match text.split_once(':') {
            Some((taint, effect)) => (taint, Some(effect)),
            None => (text, None),
        };
        let (key, value) = match taint.split_once('=') {
            Some((key, value)) => (key, Some(value)),
            None => (taint, None),
        };
        Self::new(key, value, effect).map_err(|error| {
            Error::invalid("tolerations", format_args!("{}: {}", quote(text), error.detail()))
        })
    }
}

/// Returns whether a text is a key: a name, or a domain and a name.
fn is_label_key(key: &str) -> bool {
    let (domain, name) = match key.split_once('/') {
        Some((domain, name)) => (Some(domain), name),
        None => (None, key),
    };
    let is_domain = |domain: &str| domain.parse::<super::object_name::ObjectName>().is_ok();
    !name.is_empty() && is_label_value(name) && domain.is_none_or(is_domain)
}

fn is_label_value(value: &str) -> bool {
    let is_edge = |b: &u8| b.is_ascii_alphanumeric();
    value.len() <= 63
        && value.bytes().all(|b| is_edge(&b) || b"-_.".contains(&b))
        && value.as_bytes().first().is_none_or(is_edge)
        && value.as_bytes().last().is_none_or(is_edge)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selector_has_labels_of_nodes() {
        let labels =
            ["accelerator=a100", "example.com/zone="].map(|text| NodeSelector::parse_label(text).unwrap());
        let selector = NodeSelector::new(labels).unwrap();
        assert_eq!(
            serde_json::to_string(&selector).unwrap(),
            r#"{"accelerator":"a100","example.com/zone":""}"#
        );
        let refusal = |text: &str| NodeSelector::parse_label(text).unwrap_err().detail().to_owned();
        assert_eq!(refusal("a"), r#"node_selector: must be LABEL=VALUE, not "a""#);
        for key in ["", "-a", "a b", "A_/b", "a/b/c", "a/"] {
            assert!(refusal(&format!("{key}=x")).contains("is not the key of a label"), "{key}");
        }
        assert!(refusal("a=x y").starts_with(r#"node_selector: "a" must have a value of at most 63"#));
        let twice = [("a".to_owned(), String::new()), ("a".to_owned(), "b".to_owned())];
        assert_eq!(
            NodeSelector::new(twice).unwrap_err().detail(),
            r#"node_selector: "a" is there twice; remove one"#
        );
    }

    #[test]
    fn a_toleration_is_written_like_a_taint() {
        for (text, json) in [
            ("gpu", r#"{"key":"gpu"}"#),
            ("gpu:NoSchedule", r#"{"key":"gpu","effect":"NoSchedule"}"#),
            (
                "example.com/gpu=a100:NoExecute",
                r#"{"key":"example.com/gpu","value":"a100","effect":"NoExecute"}"#,
            ),
            ("gpu=", r#"{"key":"gpu","value":""}"#),
        ] {
            let toleration: Toleration = text.parse().unwrap();
            assert_eq!(toleration.to_string(), text);
            assert_eq!(serde_json::to_string(&toleration).unwrap(), json);
        }
        let refusal = |text: &str| text.parse::<Toleration>().unwrap_err().detail().to_owned();
        assert!(refusal("").starts_with(r#"tolerations: "": key: "" is not the key of a taint"#));
        assert!(refusal("a=b c").starts_with(r#"tolerations: "a=b c": value: must be at most 63"#));
        let effect = refusal("a:Never");
        assert!(
            effect.ends_with(r#"effect: must be NoSchedule, PreferNoSchedule or NoExecute, not "Never""#),
            "{effect}"
        );
    }
}
