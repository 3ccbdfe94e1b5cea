//! The API's own headers, in lower case.

/// Request header: the key under which a client repeats a request.
pub const IDEMPOTENCY_KEY_HEADER: &str = "idempotency-key";

/// Response header: `true` when an earlier request with the same key was answered, and nothing was stored now.
pub const IDEMPOTENCY_REPLAYED_HEADER: &str = "idempotency-replayed";
