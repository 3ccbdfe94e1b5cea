//! The output streams of a command.

/// An output stream of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stream {
    Stdout = 0,
    Stderr = 1,
}

pub(super) const STREAMS: [Stream; 2] = [Stream::Stdout, Stream::Stderr];
