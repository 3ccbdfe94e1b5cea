//! The body of `PATCH /api/runs/{id}/`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::field_value::FieldValue;
use super::fields::{Fields, Member};
use super::label_fields::{params, tags_patch};
use crate::error::{Error, Result};
use crate::labels::{ParamValue, Params, TagsPatch};
use crate::number::whole;
use crate::quote::quote;
use crate::run::{RunEvent, RunState};

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
    /// How an external run ended: `FINISHED`, `FAILED` or `STOPPED`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub state: Option<RunState>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub reason: Option<String>,
    /// Its exit codes by rank.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[cfg_attr(test, ts(type = "Record<string, number>", optional))]
    pub exit_codes: BTreeMap<u32, i32>,
}

impl RunPatch {
    /// Ends an external run in this state.
    #[must_use]
    pub fn end(state: RunState) -> Self {
        Self { state: Some(state), ..Self::default() }
    }

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
        let ends = [
            ("FINISHED", RunState::Finished),
            ("FAILED", RunState::Failed),
            ("STOPPED", RunState::Stopped),
            ("finished", RunState::Finished),
            ("failed", RunState::Failed),
            ("stopped", RunState::Stopped),
        ];
        let patch = Self {
            params: params(&mut fields)?,
            tags: tags_patch(&mut fields)?,
            state: fields.one_of("state", &ends)?,
            reason: fields.text("reason")?.filter(|reason| !reason.is_empty()),
            exit_codes: exit_codes(&mut fields)?,
        };
        fields.finish()?;
        if patch.reason.is_some() && patch.state != Some(RunState::Failed) {
            return Err(Error::invalid("reason", "only a failed run has one; send it with state FAILED"));
        }
        if !patch.exit_codes.is_empty() && patch.state.is_none() {
            return Err(Error::invalid("exit_codes", "only a run that ends has some; send them with state"));
        }
        Ok(patch)
    }

    /// Returns how the run ended.
    #[must_use]
    pub fn event(&self) -> Option<RunEvent> {
        match self.state? {
            RunState::Finished => Some(RunEvent::Finish),
            RunState::Failed => Some(RunEvent::Fail),
            RunState::Stopped => Some(RunEvent::Stop),
            RunState::Initialized | RunState::Started | RunState::Unknown => None,
        }
    }
}

/// Takes exit codes: a JSON object of ranks and codes, or `exit_codes=RANK=CODE` for each.
fn exit_codes(fields: &mut Fields) -> Result<BTreeMap<u32, i32>> {
    let mut codes = BTreeMap::new();
    for member in fields.members("exit_codes")? {
        let (rank, code) = match member {
            Member::Named(rank, FieldValue::Json(code)) => (rank, code.get().to_owned()),
            Member::Named(rank, FieldValue::Text(code)) => (rank, code),
            Member::Text(text) => {
                let (rank, code) = text.split_once('=').unwrap_or((text.as_str(), ""));
                (rank.to_owned(), code.to_owned())
            }
        };
        let (Ok(rank), Some(code)) = (rank.parse(), whole(&code)) else {
            let rule =
                format_args!("must be ranks with their codes, such as {{\"0\": 1}}, not {}", quote(&rank));
            return Err(Error::invalid("exit_codes", rule));
        };
        codes.insert(rank, code);
    }
    Ok(codes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<RunPatch> {
        RunPatch::from_fields(Fields::from_json(body.as_bytes())?)
    }

    #[test]
    fn an_end_has_a_reason_and_exit_codes() {
        let patch =
            read(r#"{"state":"failed","reason":"out of memory","exit_codes":{"0":0,"1":137}}"#).unwrap();
        assert_eq!(patch.event(), Some(RunEvent::Fail));
        assert_eq!(patch.exit_codes, [(0, 0), (1, 137)].into());
        let json = serde_json::to_string(&patch).unwrap();
        assert_eq!(read(&json).unwrap(), patch, "{json}");
        let form = [("state", "STOPPED"), ("exit_codes", "0=143")].map(|(a, b)| (a.to_owned(), b.to_owned()));
        let form = RunPatch::from_fields(Fields::from_pairs(form)).unwrap();
        assert_eq!((form.event(), form.exit_codes), (Some(RunEvent::Stop), [(0, 143)].into()));
    }

    #[test]
    fn what_does_not_fit_together_is_refused() {
        let refusal = |body: &str| read(body).unwrap_err().detail().to_owned();
        assert!(refusal(r#"{"state":"STARTED"}"#).starts_with("state: must be FINISHED, FAILED, STOPPED, "));
        assert!(refusal(r#"{"reason":"x"}"#).starts_with("reason: only a failed run has one; "));
        assert!(refusal(r#"{"state":"FINISHED","reason":"x"}"#).starts_with("reason: "));
        assert_eq!(read(r#"{"state":"failed","exit_codes":{"0":3.0}}"#).unwrap().exit_codes, [(0, 3)].into());
        assert!(refusal(r#"{"exit_codes":{"0":1}}"#).starts_with("exit_codes: only a run that ends"));
        assert!(refusal(r#"{"state":"FAILED","exit_codes":{"a":1}}"#).ends_with(r#"not "a""#));
        assert!(
            refusal(r#"{"state":"FAILED","exit_codes":{"0":"x"}}"#).starts_with("exit_codes: must be ranks")
        );
    }
}
