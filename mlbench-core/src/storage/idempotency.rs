//! Idempotency keys.

use std::time::Duration;

use crate::error::{Error, Result};

/// The value of an `Idempotency-Key` header, 1 to 64 bytes of printable ASCII.
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
        let printable = text.bytes().all(|b| (0x20..0x7f).contains(&b));
        if printable && (1..=Self::MAX_BYTES).contains(&text.len()) {
            return Ok(Self(text.to_owned()));
        }
        Err(Error::invalid("Idempotency-Key", "must be 1 to 64 printable ASCII characters"))
    }

    /// Returns the key.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The key of a chunk of a batch upload.
///
/// A batch may contain points of many owners. Its key is therefore unique among all batches of the server, and
/// independent of the keys of single metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchKey {
    /// The key of the request.
    pub key: IdempotencyKey,
    /// Index of the chunk within the request, from 0. Each chunk is a transaction of its own.
    pub chunk: u32,
}
