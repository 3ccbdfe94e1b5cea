//! The REST API over HTTP/1.1. Nothing outside this folder knows warp, hyper or a status code.
//!
//! ```text
//! serve      accepts connections, drains them at the end         socket     a peer that stalls, a close that lingers
//! front      around every request: access, panics, errors       access door Host, Origin; tokens
//! route      path, then method → handler                        call       what a handler reads of a request
//! pods metrics runs health prometheus: the handlers             body pairs reading bodies and query strings
//! batch      many metrics in one request                        inflate lines room  … in bounded memory
//! negotiate encoding reply points output archive: answers        problem    errors as documents; the status of each
//! watch      counts requests                                    unreadable what hyper refuses before a route sees it
//! ```
//!
//! A handler returns `Result<Response, Error>`. The error travels to [`front`] inside an empty response, where it
//! becomes the one kind of document that every error is.

mod access;
mod archive;
mod batch;
mod body;
mod call;
mod door;
mod encoding;
mod front;
mod health;
mod inflate;
mod lines;
mod metrics;
mod negotiate;
mod output;
mod pairs;
mod pods;
mod points;
mod problem;
mod prometheus;
mod reply;
mod room;
mod route;
mod runs;
mod serve;
mod socket;
mod unreadable;
mod watch;

#[cfg(test)]
mod tests;

use std::time::Duration;

use mlbench_core::storage::TokenHash;
pub use serve::serve;

/// Who comes in through a listener, and how far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AuthPolicy {
    /// Whoever reaches it may do everything.
    #[default]
    Open,
    /// Who shows the token with this hash may do everything; who shows the token of an active run may post metrics of
    /// that run; everybody may ask for the server's health.
    Bearer(TokenHash),
    /// Everybody may post metrics of active runs, and nothing else.
    Ingest,
}

/// How requests are taken.
#[derive(Debug, Clone)]
pub struct HttpConfig {
    /// Who comes in, and how far.
    pub door: AuthPolicy,
    /// Names besides `localhost` and IP literals that may stand in `Host`; a port is ignored.
    pub allowed_hosts: Vec<String>,
    /// The most bytes of a body.
    pub body_limit: usize,
    /// The most bytes of a batch that is an array, on the wire and expanded.
    pub batch_limit: usize,
    /// The most bytes of all batches that are being read.
    pub batch_room: usize,
    /// How long the head of a request may take; also how long a connection may be idle.
    pub header_timeout: Duration,
    /// How long a body may take.
    pub body_timeout: Duration,
    /// How long a client may take nothing of its answer.
    pub stall_timeout: Duration,
    /// How long answers may take that are under way when the server stops.
    pub drain_timeout: Duration,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            door: AuthPolicy::Open,
            allowed_hosts: Vec::new(),
            body_limit: 1 << 20,
            batch_limit: 64 << 20,
            batch_room: 128 << 20,
            header_timeout: Duration::from_secs(30),
            body_timeout: Duration::from_secs(30),
            stall_timeout: Duration::from_secs(30),
            drain_timeout: Duration::from_secs(10),
        }
    }
}
