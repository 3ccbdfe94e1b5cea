//! Experiments: names under which MLflow's clients group runs.

use crate::error::{Error, Result};
use crate::labels::{Tags, TagsPatch};
use crate::time::Timestamp;

/// An experiment. Its runs carry its name as a tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Experiment {
    /// Number of the experiment, from 1.
    pub id: i64,
    /// Its name, which no other experiment has.
    pub name: String,
    /// Time when it was created.
    pub created_at: Timestamp,
    /// Time of its last change.
    pub updated_at: Timestamp,
    /// Whether it is deleted, and can be restored.
    pub deleted: bool,
    /// What people sort it by.
    pub tags: Tags,
}

/// Which experiments a reader wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExperimentQuery {
    /// The one with this number.
    Id(i64),
    /// The one of this name.
    Name(String),
    /// A page of all, after this number.
    After(i64),
}

/// A creation or a change of an experiment, in one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExperimentWrite {
    /// It is created, unless one has its name.
    Create {
        /// Its name.
        name: String,
        /// Its tags.
        tags: Tags,
    },
    /// It changes.
    Update {
        /// Its number.
        id: i64,
        /// Whether it is deleted from now on.
        deleted: Option<bool>,
        /// Tags to set or to remove.
        tags: TagsPatch,
    },
}

impl Experiment {
    /// Most experiments of a store: lists have all of them.
    pub const MAX_COUNT: i64 = 10_000;
    /// Most characters of a name.
    const MAX_CHARS: usize = 500;

    /// Checks a name.
    ///
    /// # Errors
    /// [`InvalidField`](crate::error::ErrorCode::InvalidField) for the field `name`.
    pub fn check_name(name: &str) -> Result<()> {
        let length = name.chars().count();
        if !(1..=Self::MAX_CHARS).contains(&length) {
            let rule = format_args!("must have 1 to {} characters, not {length}", Self::MAX_CHARS);
            return Err(Error::invalid("name", rule));
        }
        if let Some(c) = name.chars().find(|c| c.is_control()) {
            return Err(Error::invalid("name", format_args!("must not contain the control character {c:?}")));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_line_of_text() {
        assert!(Experiment::check_name("/Users/ü/digits").is_ok());
        let refusal = |name: &str| Experiment::check_name(name).unwrap_err().detail().to_owned();
        assert_eq!(refusal(""), "name: must have 1 to 500 characters, not 0");
        assert_eq!(refusal(&"x".repeat(501)), "name: must have 1 to 500 characters, not 501");
        assert_eq!(refusal("a\nb"), "name: must not contain the control character '\\n'");
    }
}
