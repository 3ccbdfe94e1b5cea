//! The token of an external run.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A token that may only report to one run, until that run has ended. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunToken(String);

impl RunToken {
    /// Wraps a token.
    #[must_use]
    pub const fn new(token: String) -> Self {
        Self(token)
    }

    /// Returns the token in plain text, for the program that reports to the run.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for RunToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RunToken(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_written_in_json_and_not_in_debug_output() {
        let token = RunToken::new("correct-horse".to_owned());
        assert_eq!(serde_json::to_string(&token).unwrap(), "\"correct-horse\"");
        assert!(!format!("{token:?}").contains("horse"));
    }
}
