//! Connections: accepting, serving and draining them.

mod accept;
mod parse_error;
mod stream;

pub use accept::HttpServer;
