//! Volumes of the workers of a run.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::byte_size::ByteSize;
use super::object_name::ObjectName;
use crate::error::{Error, Result};
use crate::quote::quote;

/// Names of the volumes that mlbench adds itself.
const OWN_NAMES: [&str; 3] = ["mlbench", "shm", "ssh-key"];
/// Directories that no volume may replace or be in: those of mlbench and of the system.
const OWN_PATHS: [&str; 7] = [
    "/mlbench",
    "/dev",
    "/proc",
    "/sys",
    "/ssh-key",
    "/run/secrets/kubernetes.io",
    "/var/run/secrets/kubernetes.io",
];

/// A volume that every worker of a run mounts: `NAME:PATH:KIND/SOURCE`, with `:ro` for one that is only read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct Volume {
    /// Name of the volume in the pods of the run.
    pub name: String,
    /// Directory of the workers, which the variable `MLBENCH_VOLUME_NAME` names too.
    pub mount_path: String,
    /// Whether the workers may only read it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[cfg_attr(test, ts(as = "Option<_>", optional))]
    pub read_only: bool,
    /// What it holds.
    #[serde(flatten)]
    #[cfg_attr(test, ts(flatten))]
    pub source: VolumeSource,
}

/// What a volume holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum VolumeSource {
    /// The persistent volume of this claim.
    Pvc(#[cfg_attr(test, ts(type = "string"))] ObjectName),
    /// A file for each entry of this ConfigMap.
    ConfigMap(#[cfg_attr(test, ts(type = "string"))] ObjectName),
    /// A file for each key of this Secret.
    Secret(#[cfg_attr(test, ts(type = "string"))] ObjectName),
    /// A directory of the node, with everything in it.
    HostPath(String),
    /// A directory of each worker, empty at its start and deleted at its end.
    EmptyDir(EmptyDir),
}

/// An empty directory.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct EmptyDir {
    /// Its size in bytes, above which the kubelet ends the worker. Absent for no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional, type = "number"))]
    pub size: Option<ByteSize>,
}

impl VolumeSource {
    /// The kinds of sources, in the words of the fields.
    pub const KINDS: [&str; 5] = ["pvc", "config_map", "secret", "host_path", "empty_dir"];

    /// Creates the source of a kind that has a name or a path.
    ///
    /// # Errors
    /// [`InvalidField`](crate::error::ErrorCode::InvalidField) for the kind.
    pub fn named(kind: &str, name: &str) -> Result<Self> {
        let object = || name.parse().map_err(|error: String| Error::invalid(kind, error));
        match kind {
            "pvc" => Ok(Self::Pvc(object()?)),
            "config_map" => Ok(Self::ConfigMap(object()?)),
            "secret" => Ok(Self::Secret(object()?)),
            "host_path" => Ok(Self::HostPath(checked_path(kind, name)?)),
            "empty_dir" => {
                let size = (!name.is_empty()).then(|| name.parse()).transpose();
                let size = size.map_err(|error: String| Error::invalid("size", error))?;
                Ok(Self::EmptyDir(EmptyDir { size }))
            }
            _ => {
                let kinds = Self::KINDS.join(", ");
                Err(Error::invalid("kind", format_args!("{} is none of {kinds}", quote(kind))))
            }
        }
    }

    /// Returns the kind, in the word of its field.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Pvc(_) => "pvc",
            Self::ConfigMap(_) => "config_map",
            Self::Secret(_) => "secret",
            Self::HostPath(_) => "host_path",
            Self::EmptyDir(_) => "empty_dir",
        }
    }
}

impl fmt::Display for VolumeSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())?;
        match self {
            Self::Pvc(name) | Self::ConfigMap(name) | Self::Secret(name) => write!(f, "/{name}"),
            // A path begins with the slash.
            Self::HostPath(path) => f.write_str(path),
            Self::EmptyDir(EmptyDir { size: Some(size) }) => write!(f, "/{size}"),
            Self::EmptyDir(_) => Ok(()),
        }
    }
}

impl Volume {
    /// Maximum number of volumes of a run.
    pub const MAX_VOLUMES: usize = 32;
    /// Maximum number of characters of a name.
    pub const MAX_NAME_CHARS: usize = 40;
    /// Maximum length of a path in bytes.
    pub const MAX_PATH_BYTES: usize = 1024;

    /// Creates a volume.
    ///
    /// # Errors
    /// [`InvalidField`](crate::error::ErrorCode::InvalidField) for `name`, `mount_path` or `read_only`.
    pub fn new(name: &str, mount_path: &str, source: VolumeSource, read_only: bool) -> Result<Self> {
        let is_label =
            name.len() <= Self::MAX_NAME_CHARS && !name.contains('.') && name.parse::<ObjectName>().is_ok();
        if !is_label {
            let most = Self::MAX_NAME_CHARS;
            let rule =
                format_args!("{} is not valid; use 1 to {most} characters a-z, 0-9 and '-'", quote(name));
            return Err(Error::invalid("name", rule));
        }
        if OWN_NAMES.contains(&name) {
            let rule = format_args!("{} is a volume of mlbench; use another name", quote(name));
            return Err(Error::invalid("name", rule));
        }
        let mount_path = checked_path("mount_path", mount_path)?;
        let is_in = |own: &str| {
            mount_path.strip_prefix(own).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        if let Some(own) = OWN_PATHS.into_iter().find(|own| is_in(own)) {
            let rule =
                format_args!("{} is reserved, as is all of {own}; use another path", quote(&mount_path));
            return Err(Error::invalid("mount_path", rule));
        }
        if read_only && matches!(source, VolumeSource::EmptyDir(_)) {
            return Err(Error::invalid("read_only", "must be false; an empty_dir is there to be written"));
        }
        Ok(Self { name: name.to_owned(), mount_path, read_only, source })
    }

    /// Checks that no two volumes have a name or a path in common, and that they are not too many.
    ///
    /// # Errors
    /// [`InvalidField`](crate::error::ErrorCode::InvalidField) for `volumes`.
    pub fn check_all(volumes: &[Self]) -> Result<()> {
        if volumes.len() > Self::MAX_VOLUMES {
            let most = Self::MAX_VOLUMES;
            return Err(Error::invalid(
                "volumes",
                format_args!("must be at most {most}, not {}", volumes.len()),
            ));
        }
        for (index, volume) in volumes.iter().enumerate() {
            let twice = |field, text: &str| {
                Err(Error::invalid(
                    "volumes",
                    format_args!("two have the {field} {}; change one", quote(text)),
                ))
            };
            for earlier in &volumes[..index] {
                if earlier.name == volume.name {
                    return twice("name", &volume.name);
                }
                if earlier.mount_path == volume.mount_path {
                    return twice("mount_path", &volume.mount_path);
                }
            }
        }
        Ok(())
    }

    /// Returns the name of the variable that holds the directory: `MLBENCH_VOLUME_DATA_SET` for `data-set`.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("MLBENCH_VOLUME_{}", self.name.to_ascii_uppercase().replace('-', "_"))
    }
}

impl fmt::Display for Volume {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mode = if self.read_only { ":ro" } else { "" };
        write!(f, "{}:{}:{}{mode}", self.name, self.mount_path, self.source)
    }
}

impl FromStr for Volume {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let parts: Vec<&str> = text.split(':').collect();
        let (name, path, source, read_only) = match parts[..] {
            [name, path, source] => (name, path, source, false),
            [name, path, source, "ro"] => (name, path, source, true),
            _ => {
                let rule =
                    format_args!("{} must be NAME:PATH:KIND/SOURCE or NAME:PATH:KIND/SOURCE:ro", quote(text));
                return Err(Error::invalid("volumes", rule));
            }
        };
        let (kind, of) = source.split_once('/').unwrap_or((source, ""));
        let source = match kind {
            "host_path" => VolumeSource::named(kind, &source[kind.len()..]),
            _ => VolumeSource::named(kind, of),
        };
        let volume = source.and_then(|source| Self::new(name, path, source, read_only));
        volume.map_err(|error| Error::invalid("volumes", format_args!("{}: {}", quote(text), error.detail())))
    }
}

/// Checks an absolute path, and removes a slash at its end.
fn checked_path(field: &str, path: &str) -> Result<String> {
    let trimmed = path.strip_suffix('/').unwrap_or(path);
    let is_plain = |part: &str| !matches!(part, "" | "." | "..");
    let is_path = trimmed.strip_prefix('/').is_some_and(|parts| parts.split('/').all(is_plain))
        && !trimmed.contains(|c: char| c == ':' || c.is_control());
    if !is_path {
        let rule = format_args!("must be an absolute path like /data without . and .., not {}", quote(path));
        return Err(Error::invalid(field, rule));
    }
    if trimmed.len() > Volume::MAX_PATH_BYTES {
        let most = Volume::MAX_PATH_BYTES;
        return Err(Error::invalid(
            field,
            format_args!("must have at most {most} bytes, not {}", trimmed.len()),
        ));
    }
    Ok(trimmed.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        text.parse::<Volume>().unwrap_err().detail().to_owned()
    }

    #[test]
    fn a_volume_is_written_as_it_is_read() {
        for (text, json) in [
            ("d:/data:pvc/sets:ro", r#"{"name":"d","mount_path":"/data","read_only":true,"pvc":"sets"}"#),
            ("c:/etc/c:config_map/train", r#"{"name":"c","mount_path":"/etc/c","config_map":"train"}"#),
            ("s:/etc/s:secret/hub", r#"{"name":"s","mount_path":"/etc/s","secret":"hub"}"#),
            ("h:/h:host_path/mnt/a b", r#"{"name":"h","mount_path":"/h","host_path":"/mnt/a b"}"#),
            ("e:/e:empty_dir", r#"{"name":"e","mount_path":"/e","empty_dir":{}}"#),
            ("e:/e:empty_dir/1Gi", r#"{"name":"e","mount_path":"/e","empty_dir":{"size":1073741824}}"#),
        ] {
            let volume: Volume = text.parse().unwrap();
            assert_eq!(volume.to_string(), text);
            assert_eq!(serde_json::to_string(&volume).unwrap(), json);
            assert_eq!(serde_json::from_str::<Volume>(json).unwrap(), volume);
        }
        let volume: Volume = "data-set:/d/:empty_dir".parse().unwrap();
        assert_eq!(
            (volume.mount_path.as_str(), volume.variable().as_str()),
            ("/d", "MLBENCH_VOLUME_DATA_SET")
        );
    }

    #[test]
    fn paths_of_mlbench_and_of_the_system_are_reserved() {
        for path in [
            "/dev/shm",
            "/dev",
            "/mlbench",
            "/mlbench/a",
            "/ssh-key/root",
            "/proc/1",
            "/run/secrets/kubernetes.io/x",
        ] {
            let expected = format!("mount_path: {path:?} is reserved, as is all of /");
            assert!(refusal(&format!("a:{path}:empty_dir")).contains(&expected), "{path}");
        }
        for path in ["/devices", "/mlbench2", "/var/run"] {
            assert!(format!("a:{path}:empty_dir").parse::<Volume>().is_ok(), "{path}");
        }
    }

    #[test]
    fn other_texts_are_refused_with_their_part() {
        assert_eq!(
            refusal("/data"),
            r#"volumes: "/data" must be NAME:PATH:KIND/SOURCE or NAME:PATH:KIND/SOURCE:ro"#
        );
        for (text, part) in [
            ("A:/a:empty_dir", r#"name: "A" is not valid; use 1 to 40 characters"#),
            ("shm:/a:empty_dir", r#"name: "shm" is a volume of mlbench; use another name"#),
            ("a:a:empty_dir", "mount_path: must be an absolute path like /data"),
            ("a:/:empty_dir", "mount_path: must be an absolute path like /data"),
            ("a:/a/../b:empty_dir", "mount_path: must be an absolute path like /data"),
            ("a:/a:nfs/x", r#"kind: "nfs" is none of pvc, config_map, secret, host_path, empty_dir"#),
            ("a:/a:pvc/", "pvc: \"\" is not the name of an object"),
            ("a:/a:host_path", "host_path: must be an absolute path like /data"),
            ("a:/a:empty_dir/4", r#"size: "4" is less than 1Mi"#),
            ("a:/a:empty_dir:ro", "read_only: must be false; "),
        ] {
            let expected = format!("volumes: {text:?}: {part}");
            assert!(refusal(text).starts_with(&expected), "{}", refusal(text));
        }
    }

    #[test]
    fn names_and_paths_are_there_once() {
        let check = |texts: &[&str]| {
            let volumes: Vec<Volume> = texts.iter().map(|text| text.parse().unwrap()).collect();
            Volume::check_all(&volumes).map_err(|error| error.detail().to_owned())
        };
        assert_eq!(check(&["a:/a:empty_dir", "b:/a/b:empty_dir"]), Ok(()));
        let name = check(&["a:/a:empty_dir", "a:/b:empty_dir"]).unwrap_err();
        assert_eq!(name, r#"volumes: two have the name "a"; change one"#);
        let path = check(&["a:/a:empty_dir", "b:/a/:empty_dir"]).unwrap_err();
        assert_eq!(path, r#"volumes: two have the mount_path "/a"; change one"#);
        let many: Vec<String> = (0..33).map(|i| format!("v{i}:/v{i}:empty_dir")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(check(&many).unwrap_err(), "volumes: must be at most 32, not 33");
    }
}
