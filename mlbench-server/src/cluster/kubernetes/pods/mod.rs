//! The worker pods: which exist, what their status means, and the events about them.

pub(super) mod events;
pub(super) mod pod_status;
pub(super) mod watch;
