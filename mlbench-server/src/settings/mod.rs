//! The settings of the server, read once.

mod check;
mod defaults;
mod flags;
mod given;
mod kubernetes;
#[cfg(test)]
mod tests;
mod upkeep;
mod values;

pub use flags::{Settings, environment};
pub use kubernetes::KubernetesSettings;
pub use upkeep::Upkeep;
pub use values::{ClusterKind, LogFormat};
