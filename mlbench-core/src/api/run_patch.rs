//! The body of `PATCH /api/runs/{id}/`.

use serde::{Deserialize, Serialize};

use super::fields::Fields;
use super::label_fields::{params, tags_patch};
use crate::error::Result;
use crate::labels::{ParamValue, Params, TagsPatch};

/// Changes of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct RunPatch {
    /// Parameters to add. One that is there must have the same value.
    #[serde(default, skip_serializing_if = "Params::is_empty")]
    #[cfg_attr(test, ts(type = "Record<string, string | number | boolean>", optional))]
    pub params: Params,
    /// Tags to set, and to remove with `null`.
    #[serde(default, skip_serializing_if = "TagsPatch::is_empty")]
    #[cfg_attr(test, ts(type = "Record<string, string | null>", optional))]
    pub tags: TagsPatch,
}

impl RunPatch {
    /// Adds a parameter.
    ///
    /// # Errors
    /// Naming a parameter that has another value already, is too long or has an invalid name.
    pub fn param(mut self, name: impl Into<String>, value: impl Into<ParamValue>) -> Result<Self> {
        self.params = self.params.with(&Params::new([(name.into(), value.into())])?)?;
        Ok(self)
    }

    /// Sets a tag.
    ///
    /// # Errors
    /// Naming a tag that is too long or has an invalid name.
    pub fn tag(self, name: impl Into<String>, text: impl Into<String>) -> Result<Self> {
        self.with_tag(name.into(), Some(text.into()))
    }

    /// Removes a tag.
    ///
    /// # Errors
    /// Naming a tag that has an invalid name.
    pub fn without_tag(self, name: impl Into<String>) -> Result<Self> {
        self.with_tag(name.into(), None)
    }

    fn with_tag(mut self, name: String, text: Option<String>) -> Result<Self> {
        self.tags = self.tags.and(TagsPatch::new([(name, text)])?);
        Ok(self)
    }

    /// Parses the fields of a request.
    ///
    /// # Errors
    /// [`InvalidField`](crate::error::ErrorCode::InvalidField) or
    /// [`UnknownField`](crate::error::ErrorCode::UnknownField) for the field.
    pub fn from_fields(mut fields: Fields) -> Result<Self> {
        let patch = Self { params: params(&mut fields)?, tags: tags_patch(&mut fields)? };
        fields.finish()?;
        Ok(patch)
    }
}
