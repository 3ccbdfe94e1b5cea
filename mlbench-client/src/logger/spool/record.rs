//! A batch as bytes: state, number of metrics, length of the body, checksum, key, body.

use bytes::Bytes;
use uuid::Uuid;

use crate::logger::batch::{BATCH_METRICS, Batch};

/// State of a record that waits for the server.
const WAITS: u8 = b'W';
/// State of a record that the server has stored.
pub(super) const SENT: u8 = b'S';

/// Bytes before the body.
pub(super) const HEADER: usize = 1 + 4 + 4 + 4 + 16;

/// The fixed part of a record.
#[derive(Debug, Clone, Copy)]
pub(super) struct Header {
    pub(super) is_sent: bool,
    pub(super) count: u32,
    pub(super) length: u32,
    checksum: u32,
    key: Uuid,
}

impl Header {
    /// Parses a header. `None` for bytes that are none.
    pub(super) fn parse(bytes: &[u8; HEADER]) -> Option<Self> {
        let number = |at: usize| bytes[at..at + 4].try_into().map(u32::from_le_bytes).ok();
        let is_sent = match bytes[0] {
            WAITS => false,
            SENT => true,
            _ => return None,
        };
        let key = Uuid::from_slice(&bytes[13..]).ok()?;
        let (count, length, checksum) = (number(1)?, number(5)?, number(9)?);
        let is_possible = count as usize <= BATCH_METRICS;
        is_possible.then_some(Self { is_sent, count, length, checksum, key })
    }

    /// Returns the size of the record in bytes.
    pub(super) fn size(self) -> u64 {
        HEADER as u64 + u64::from(self.length)
    }

    /// Returns the batch with this body. `None` if the record was not written to its end.
    pub(super) fn batch(self, body: Bytes) -> Option<Batch> {
        let is_whole = checksum(self.count, self.key, &body) == self.checksum;
        is_whole.then_some(Batch { key: self.key, count: self.count.into(), body })
    }
}

/// Returns a batch as a record that waits for the server. `None` if it is too large for one.
pub(super) fn encode(batch: &Batch) -> Option<Vec<u8>> {
    let (count, length) = (u32::try_from(batch.count).ok()?, u32::try_from(batch.body.len()).ok()?);
    let mut bytes = Vec::with_capacity(HEADER + batch.body.len());
    bytes.push(WAITS);
    bytes.extend(count.to_le_bytes());
    bytes.extend(length.to_le_bytes());
    bytes.extend(checksum(count, batch.key, &batch.body).to_le_bytes());
    bytes.extend(batch.key.as_bytes());
    bytes.extend(&batch.body);
    Some(bytes)
}

/// Returns the header of a record that was sent and has this size. `None` if no record has it.
pub(super) fn passed_over(size: u64) -> Option<[u8; HEADER]> {
    let length = u32::try_from(size.checked_sub(HEADER as u64)?).ok()?;
    let mut header = [0; HEADER];
    header[0] = SENT;
    header[5..9].copy_from_slice(&length.to_le_bytes());
    Some(header)
}

fn checksum(count: u32, key: Uuid, body: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&count.to_le_bytes());
    hasher.update(key.as_bytes());
    hasher.update(body);
    hasher.finalize()
}
