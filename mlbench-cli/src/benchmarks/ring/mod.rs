//! Ring all-reduce over TCP: sums a vector over all ranks.
//!
//! The algorithm is that of Patarasuk and Yuan, *Bandwidth optimal all-reduce algorithms for clusters of
//! workstations* (2009). The vector is split into one chunk per rank. In `n - 1` steps of reduce-scatter,
//! every chunk travels once around the ring and collects its sum. In `n - 1` steps of all-gather, the sums
//! travel around the ring. Each rank sends `2 (n - 1) / n` times the vector, whatever the world size.
//!
//! A chunk is summed in the order of the ring, from a rank that depends only on the index of the chunk. The
//! result is therefore bitwise equal on all ranks, and reproducible for the same world size.
//!
//! Every wait has a timeout. A rank that loses its previous neighbour reports to the next one which rank it lost
//! and why, so that all ranks fail with the name of the rank that died rather than of a neighbour that failed
//! because of it. For the same reason, a rank whose write fails reads from its previous neighbour before it
//! reports the failure.

mod all_reduce;
mod connect;
mod element;
mod error;
mod frame;
mod handshake;
mod link;
mod sender;
#[cfg(test)]
pub(super) mod testing;
#[cfg(test)]
mod tests;
mod waiting;
mod world;

pub(super) use all_reduce::Ring;
pub(super) use connect::listen;
pub(super) use error::Error;
pub(super) use world::{Timeouts, World};
