//! [`Error`]: why a ring could not be formed, or failed.

use std::io;

/// Why a ring could not be formed, or failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The address of a worker is not `host:port`.
    #[error("--addresses: {0:?} is not an address; write it as host:port")]
    Address(String),
    /// The address of this worker cannot be listened on.
    #[error("cannot listen on {address}, the address of this worker: {cause}")]
    Bind {
        /// The address.
        address: String,
        /// Reason given by the system.
        cause: io::Error,
    },
    /// A neighbour did not connect in time.
    #[error("cannot connect to rank {rank} at {address}: {reason}")]
    Connect {
        /// Rank of the neighbour.
        rank: usize,
        /// Address of the neighbour.
        address: String,
        /// Reason of the last failed attempt.
        reason: String,
    },
    /// A rank is gone.
    #[error("lost rank {rank}: {reason}")]
    Lost {
        /// The rank, which need not be a neighbour.
        rank: usize,
        /// How its neighbour noticed.
        reason: String,
    },
    /// The previous neighbour sends no data.
    #[error("no data from rank {rank} for {seconds} s; it or a rank before it is stuck")]
    Stuck {
        /// Rank of the previous neighbour.
        rank: usize,
        /// The timeout in seconds.
        seconds: f64,
    },
    /// The previous neighbour sent a frame of another length.
    #[error(
        "unexpected frame from rank {rank}, expected {bytes} bytes; all ranks must reduce vectors of the same length"
    )]
    Mismatch {
        /// Rank of the previous neighbour.
        rank: usize,
        /// Expected length in bytes.
        bytes: usize,
    },
    /// A connection cannot be configured.
    #[error("cannot set up a connection between workers: {0}")]
    Setup(io::Error),
}
