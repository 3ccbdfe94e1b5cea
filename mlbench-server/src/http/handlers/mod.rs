//! Handlers: one file per resource, one function per endpoint, no use case.

pub(super) mod batch;
pub(super) mod carry;
pub(super) mod comparison;
pub(super) mod description;
pub(super) mod events;
pub(super) mod health;
pub(super) mod metrics;
pub(super) mod pods;
pub(super) mod prometheus;
pub(super) mod runs;
pub(super) mod session;
