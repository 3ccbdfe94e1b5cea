//! What a run asks of the workers that execute it.

mod byte_size;
mod run_needs;
mod time_limit;
mod working_dir;

pub use byte_size::ByteSize;
pub use run_needs::RunNeeds;
pub use time_limit::TimeLimit;
pub use working_dir::WorkingDir;
