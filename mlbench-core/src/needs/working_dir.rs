//! Where a command starts.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::quote::quote;

/// The directory in which the command of a run starts: an absolute path of at most 4095 bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(transparent)]
pub struct WorkingDir(String);

impl WorkingDir {
    /// Longest path in bytes, that of Linux.
    pub const MAX_BYTES: usize = 4095;

    /// Returns the path.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for WorkingDir {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for WorkingDir {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if !text.starts_with('/') || text.contains('\0') {
            return Err(format!("must be an absolute path like /data/job, not {}", quote(text)));
        }
        if text.len() > Self::MAX_BYTES {
            let most = Self::MAX_BYTES;
            return Err(format!("must have at most {most} bytes, not {}", text.len()));
        }
        Ok(Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_absolute_paths_are_taken() {
        assert_eq!("/a b/-c".parse::<WorkingDir>().unwrap().as_str(), "/a b/-c");
        for text in ["", "data", "./data", "~/data", "/a\0b"] {
            let expected = format!("must be an absolute path like /data/job, not {}", quote(text));
            assert_eq!(text.parse::<WorkingDir>().unwrap_err(), expected);
        }
        let longest = format!("/{}", "x".repeat(4094));
        assert!(longest.parse::<WorkingDir>().is_ok());
        assert_eq!(
            format!("{longest}x").parse::<WorkingDir>().unwrap_err(),
            "must have at most 4095 bytes, not 4096"
        );
    }
}
