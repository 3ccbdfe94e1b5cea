//! Who may send a request: Host and Origin checks, and the bearer token.

mod bearer;
mod cookie;
mod host;

pub(super) use bearer::authorize;
pub(super) use cookie::{open_session, set_cookie};
pub(super) use host::HostPolicy;
