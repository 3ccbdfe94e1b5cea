//! Errors on the wire: RFC 9457 problem documents.

use serde::{Deserialize, Serialize};

use crate::error::ErrorCode;

/// The body of every 4xx and 5xx, `application/problem+json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// `about:blank`: the status says what kind of problem it is (RFC 9457, section 4.2.1).
    #[serde(rename = "type")]
    pub kind: String,
    /// The status in words.
    pub title: String,
    /// The status.
    pub status: u16,
    /// What is wrong and what would be right.
    pub detail: String,
    /// The path that was asked for.
    pub instance: String,
    /// The kind of error, for programs.
    pub code: ErrorCode,
    /// Names this request in the server's log.
    pub request_id: String,
    /// `detail` again: existing clients print this member.
    pub message: String,
}

impl Problem {
    /// The media type of a problem document.
    pub const MEDIA_TYPE: &'static str = "application/problem+json";
}
