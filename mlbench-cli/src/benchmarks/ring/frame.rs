//! [`FrameHeader`]: the header of the frames that two neighbours exchange after the handshake.

use super::error::Error;

/// The header of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FrameHeader {
    kind: u32,
    number: u32,
    length: u32,
}

impl FrameHeader {
    /// Bytes on the wire.
    pub(super) const BYTES: usize = 12;
    const DATA: u32 = 1;
    const ABORT: u32 = 2;
    /// Longest reason in an abort frame, in bytes.
    const MAX_REASON: usize = 1024;

    /// Returns the header of segment `number` with a body of `length` bytes.
    ///
    /// Numbers count per connection and wrap.
    pub(super) fn data(number: u32, length: usize) -> Self {
        // A segment has at most `SEGMENT_BYTES`. If it were longer, the peer would report a mismatch.
        Self { kind: Self::DATA, number, length: u32::try_from(length).unwrap_or(u32::MAX) }
    }

    pub(super) fn encode(self, frame: &mut Vec<u8>) {
        for field in [self.kind, self.number, self.length] {
            frame.extend_from_slice(&field.to_le_bytes());
        }
    }

    pub(super) fn decode(bytes: &[u8; Self::BYTES]) -> Self {
        let (fields, _) = bytes.as_chunks::<4>();
        let field = |index: usize| u32::from_le_bytes(fields[index]);
        Self { kind: field(0), number: field(1), length: field(2) }
    }

    /// Returns the length of the reason that follows an abort header, or `None` for another kind.
    pub(super) fn abort_length(self) -> Option<usize> {
        (self.kind == Self::ABORT).then_some((self.length as usize).min(Self::MAX_REASON))
    }

    /// Returns the complete frame that reports to the next rank which rank is lost, and why.
    pub(super) fn abort_frame(lost: usize, reason: &str) -> Vec<u8> {
        let reason = &reason.as_bytes()[..reason.len().min(Self::MAX_REASON)];
        let mut frame = Vec::with_capacity(Self::BYTES + reason.len());
        let length = u32::try_from(reason.len()).unwrap_or(0);
        Self { kind: Self::ABORT, number: u32::try_from(lost).unwrap_or(u32::MAX), length }
            .encode(&mut frame);
        frame.extend_from_slice(reason);
        frame
    }

    /// Returns the error that an abort frame with this header and `reason` reports.
    pub(super) fn into_lost(self, reason: &[u8]) -> Error {
        Error::Lost { rank: self.number as usize, reason: String::from_utf8_lossy(reason).into_owned() }
    }
}
