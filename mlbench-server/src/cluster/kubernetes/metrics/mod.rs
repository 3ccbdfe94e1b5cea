//! Resource metrics of pods, from the kubelet of each node.

mod exposition;
pub(super) mod kubelet;
mod usage;
