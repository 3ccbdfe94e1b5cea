//! A real Kubernetes cluster, with a namespace for every test.

mod deployment;
mod image;
mod kubectl;
mod namespace;

pub use self::deployment::{Deployment, Forward};
pub use self::image::IMAGE;
pub use self::namespace::{KUBE_TIMEOUT, Leftovers, Namespace, TOKEN};
