//! Idempotency keys.

use std::time::Duration;

use crate::error::{Error, Result};
use crate::name::RunId;

/// The value of an `Idempotency-Key` header, 1 to 64 visible ASCII characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// Maximum length of a key in bytes.
    pub const MAX_BYTES: usize = 64;
    /// Minimum time for which a key is remembered.
    pub const RETENTION: Duration = Duration::from_secs(24 * 60 * 60);

    /// Validates a key.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidField`](crate::error::ErrorCode::InvalidField) for the header `Idempotency-Key`.
    pub fn new(text: &str) -> Result<Self> {
        // A space would let two headers that a proxy has joined with ", " pass as one key.
        let visible = text.bytes().all(|b| b.is_ascii_graphic());
        if visible && (1..=Self::MAX_BYTES).contains(&text.len()) {
            return Ok(Self(text.to_owned()));
        }
        Err(Error::invalid("Idempotency-Key", "must be 1 to 64 visible ASCII characters without spaces"))
    }

    /// Returns the key.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The hash of a request as it was sent, which distinguishes a repeated request from another one.
///
/// It covers the body, and what the path names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint(pub [u8; 16]);

/// To whom a key belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyHolder {
    /// Everyone who may do everything.
    Server,
    /// The run whose token the request showed.
    Run(RunId),
}

/// The key of a request, unique among the requests of one holder to one endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyedRequest {
    /// To whom the key belongs.
    pub holder: KeyHolder,
    /// The key.
    pub key: IdempotencyKey,
    /// What was sent under the key.
    pub fingerprint: Fingerprint,
}

/// The key of a chunk of a batch upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchKey {
    /// The key of the upload, with the fingerprint of the chunk.
    pub request: KeyedRequest,
    /// Index of the chunk within the upload, from 0. Each chunk is a transaction of its own.
    pub chunk: u32,
}
