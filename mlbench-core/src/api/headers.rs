//! Names of the API's own headers, in lowercase.

/// The request header with the key under which a client repeats a request.
pub const IDEMPOTENCY_KEY_HEADER: &str = "idempotency-key";

/// The response header that is `true` if the response repeats that of an earlier request with the same key.
pub const IDEMPOTENCY_REPLAYED_HEADER: &str = "idempotency-replayed";

/// The response header with the version of the server and its commit: `0.1.0 (1a2b3c4d5 2026-11-27)`.
pub const VERSION_HEADER: &str = "mlbench-version";
