//! What runs may use of the namespace and the nodes, by kind and name.
//!
//! A pod gets what its template names, whatever the service account of the server may read. So without such a list,
//! everybody who may start a run could read every Secret beside the workers, and act as any service account.

use std::fmt;
use std::str::FromStr;

use mlbench_core::needs::{ObjectName, VolumeSource};

/// The name that means all names.
const ALL: &str = "*";

/// A kind of thing that a run may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessKind {
    /// A Secret, whose values become variables or files.
    Secret,
    /// A ConfigMap, whose entries become files.
    ConfigMap,
    /// A persistent volume claim, with all that its volume holds.
    Pvc,
    /// A directory of the nodes, with all that is in it.
    HostPath,
    /// A service account, as which the run may use the API server.
    ServiceAccount,
    /// A priority class, before whose pods others may have to go.
    PriorityClass,
    /// A Secret for pulling images, which the run cannot read.
    ImagePullSecret,
}

impl AccessKind {
    const ALL: [Self; 7] = [
        Self::Secret,
        Self::ConfigMap,
        Self::Pvc,
        Self::HostPath,
        Self::ServiceAccount,
        Self::PriorityClass,
        Self::ImagePullSecret,
    ];

    /// Returns the word in settings.
    const fn word(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::ConfigMap => "config_map",
            Self::Pvc => "pvc",
            Self::HostPath => "host_path",
            Self::ServiceAccount => "service_account",
            Self::PriorityClass => "priority_class",
            Self::ImagePullSecret => "image_pull_secret",
        }
    }
}

impl fmt::Display for AccessKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// Allows runs to use one thing, or all things of a kind: `KIND/NAME`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessRule {
    kind: AccessKind,
    name: String,
}

impl AccessRule {
    /// Returns whether it is about this kind.
    #[must_use]
    pub fn is_of(&self, kind: AccessKind) -> bool {
        self.kind == kind
    }

    fn allows(&self, kind: AccessKind, name: &str) -> bool {
        // Not what is below a directory either: a run could put a link to elsewhere there, which the node follows.
        self.kind == kind && (self.name == ALL || self.name == name)
    }
}

impl FromStr for AccessRule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (word, name) = text.split_once('/').ok_or("must be KIND/NAME, such as secret/db")?;
        let kind = AccessKind::ALL.into_iter().find(|kind| kind.word() == word).ok_or_else(|| {
            let words = AccessKind::ALL.map(AccessKind::word).join(", ");
            format!("{word:?} is not a kind; use one of {words}")
        })?;
        let name = match kind {
            _ if name == ALL => name.to_owned(),
            // A path begins with the slash behind the kind.
            AccessKind::HostPath => match VolumeSource::named(word, &text[word.len()..]) {
                Ok(VolumeSource::HostPath(path)) => path,
                Ok(_) => return Err("must be host_path/PATH, such as host_path/data".to_owned()),
                Err(error) => return Err(error.detail().to_owned()),
            },
            _ => name.parse::<ObjectName>()?.to_string(),
        };
        Ok(Self { kind, name })
    }
}

/// All that runs may use. Nothing by default.
#[derive(Debug, Clone, Default)]
pub struct RunAccess(Vec<AccessRule>);

impl RunAccess {
    /// Creates it from rules.
    #[must_use]
    pub const fn new(rules: Vec<AccessRule>) -> Self {
        Self(rules)
    }

    /// Returns whether a run may use something.
    #[must_use]
    pub fn allows(&self, kind: AccessKind, name: &str) -> bool {
        self.0.iter().any(|rule| rule.allows(kind, name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_allows_one_name_or_all_of_its_kind() {
        let access =
            |rules: &[&str]| RunAccess::new(rules.iter().map(|rule| rule.parse().unwrap()).collect());
        assert!(!access(&[]).allows(AccessKind::Secret, "db"));
        assert!(access(&["secret/db"]).allows(AccessKind::Secret, "db"));
        assert!(!access(&["secret/db"]).allows(AccessKind::Secret, "db2"));
        assert!(access(&["secret/*"]).allows(AccessKind::Secret, "db2"));
        assert!(!access(&["secret/*"]).allows(AccessKind::ImagePullSecret, "db2"));
        let data = access(&["host_path/data/sets/"]);
        assert!(data.allows(AccessKind::HostPath, "/data/sets"));
        let others = ["/data", "/data/sets2", "/data/sets/link", "/"];
        assert!(others.iter().all(|path| !data.allows(AccessKind::HostPath, path)));
        assert!(access(&["host_path/*"]).allows(AccessKind::HostPath, "/etc"));
    }

    #[test]
    fn what_is_no_rule_is_refused() {
        let refusal = |text: &str| text.parse::<AccessRule>().unwrap_err();
        assert_eq!(refusal("db"), "must be KIND/NAME, such as secret/db");
        assert!(
            refusal("secrets/db")
                .starts_with("\"secrets\" is not a kind; use one of secret, config_map, pvc")
        );
        assert!(refusal("host_path/a/..").starts_with("host_path: must be an absolute path"));
        assert!(refusal("secret/").contains("is not the name of an object"));
    }
}
