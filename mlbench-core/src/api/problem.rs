//! Problem documents (RFC 9457).

use serde::{Deserialize, Serialize};

use crate::error::ErrorCode;

/// The body of every response with status 4xx or 5xx.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct Problem {
    /// Always `about:blank`, because the status describes the problem (RFC 9457, section 4.2.1).
    #[serde(rename = "type")]
    pub kind: String,
    /// Reason phrase of the status.
    pub title: String,
    /// HTTP status code.
    pub status: u16,
    /// Description of the problem, usually with a fix.
    pub detail: String,
    /// Path of the request.
    pub instance: String,
    /// Machine-readable error code.
    pub code: ErrorCode,
    /// Id of the request in the server log.
    pub request_id: String,
    /// Copy of `detail`, because existing clients print this member.
    pub message: String,
}

impl Problem {
    /// Media type of problem documents.
    pub const MEDIA_TYPE: &'static str = "application/problem+json";
}
