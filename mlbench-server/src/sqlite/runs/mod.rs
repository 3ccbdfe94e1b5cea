//! Runs: their life, their rows, their output, their tokens, and what deletes them.

pub(super) mod lifecycle;
pub(super) mod output;
pub(super) mod purge;
pub(super) mod rows;
pub(super) mod tokens;
