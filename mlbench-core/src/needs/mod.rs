//! What a run asks of the workers that execute it.

mod byte_size;
mod object_name;
mod placement;
mod run_needs;
mod secret_environment;
mod time_limit;
mod volume;
mod working_dir;

pub use byte_size::ByteSize;
pub use object_name::ObjectName;
pub use placement::{NodeSelector, TaintEffect, Toleration};
pub use run_needs::RunNeeds;
pub use secret_environment::{SecretEnvironment, SecretKey};
pub use time_limit::TimeLimit;
pub use volume::{EmptyDir, Volume, VolumeSource};
pub use working_dir::WorkingDir;
