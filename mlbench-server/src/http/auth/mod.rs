//! Who may send a request: Host and Origin checks, and the bearer token.

mod bearer;
mod host;

pub(super) use bearer::authorize;
pub(super) use host::{HostPolicy, check_same_site};
