//! Runs: their lifecycle, rows, output and tokens, and the purge of deleted ones.

pub(super) mod changed;
pub(super) mod external;
pub(super) mod find;
pub(super) mod goal;
pub(super) mod import;
pub(super) mod labels;
pub(super) mod lifecycle;
pub(super) mod output;
pub(super) mod purge;
pub(super) mod queue;
pub(super) mod rows;
pub(super) mod tokens;
