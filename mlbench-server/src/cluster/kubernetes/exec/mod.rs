//! Scripts in pods: their text, their execution and their output.

pub(super) mod agent;
mod agent_script;
pub(super) mod follow_output;
pub(super) mod run_script;
pub(super) mod script;
pub(super) mod stream;
#[cfg(test)]
mod testing;
