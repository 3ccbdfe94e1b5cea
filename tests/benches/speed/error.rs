//! The result type of the benchmark.

use std::error::Error;

/// Result of everything that can fail here. Errors are only printed.
pub(crate) type Result<T> = std::result::Result<T, Box<dyn Error>>;
