//! What travels between two neighbours: a greeting when they meet, then frames.

use super::Error;

/// The first bytes of every greeting: who does not say them is no worker of ours.
const MAGIC: [u8; 8] = *b"MLBRING1";

/// Who a worker says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Greeting {
    /// The run that the worker belongs to; 0 without one.
    pub(super) run: i64,
    /// Number of workers of the run.
    pub(super) world_size: u32,
    /// Rank of the worker.
    pub(super) rank: u32,
}

impl Greeting {
    /// Bytes on the wire.
    pub(super) const BYTES: usize = 24;

    pub(super) fn encode(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..16].copy_from_slice(&self.run.to_le_bytes());
        bytes[16..20].copy_from_slice(&self.world_size.to_le_bytes());
        bytes[20..].copy_from_slice(&self.rank.to_le_bytes());
        bytes
    }

    /// The greeting, unless something else than a worker of ours sent the bytes.
    pub(super) fn decode(bytes: &[u8; Self::BYTES]) -> Option<Self> {
        let rest = bytes.strip_prefix(&MAGIC)?;
        let (run, rest) = rest.split_first_chunk()?;
        let (world_size, rest) = rest.split_first_chunk()?;
        let (rank, _) = rest.split_first_chunk()?;
        Some(Self {
            run: i64::from_le_bytes(*run),
            world_size: u32::from_le_bytes(*world_size),
            rank: u32::from_le_bytes(*rank),
        })
    }

    /// Why `peer` cannot be the worker of rank `rank` in the ring of `self`.
    pub(super) fn objection(self, peer: Option<Self>, rank: u32) -> Option<String> {
        let Some(peer) = peer else {
            return Some("what answers there is not a worker of this benchmark".to_owned());
        };
        if peer.run != self.run {
            return Some(format!("it belongs to run {}, this worker to run {}", peer.run, self.run));
        }
        if peer.world_size != self.world_size {
            return Some(format!("it counts {} workers, this worker {}", peer.world_size, self.world_size));
        }
        (peer.rank != rank).then(|| format!("it says that it is rank {}", peer.rank))
    }
}

/// The head of a frame: 12 bytes before its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    kind: u32,
    number: u32,
    length: u32,
}

impl Head {
    /// Bytes on the wire.
    pub(super) const BYTES: usize = 12;
    const DATA: u32 = 1;
    const ABORT: u32 = 2;
    /// The longest reason that an abort carries, in bytes.
    const LONGEST_REASON: usize = 1024;

    /// The head of piece `number` with `length` bytes of numbers; `number` counts per connection and wraps.
    pub(super) fn data(number: u32, length: usize) -> Self {
        // Pieces are at most `PIECE_BYTES` long; were one not, the peer would name both lengths.
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

    /// The length of the reason that follows, when the frame says that the ring has ended.
    pub(super) fn abort_length(self) -> Option<usize> {
        (self.kind == Self::ABORT).then_some((self.length as usize).min(Self::LONGEST_REASON))
    }

    /// The whole frame that tells the next worker who was lost, and why.
    pub(super) fn abort_frame(lost: usize, reason: &str) -> Vec<u8> {
        let reason = &reason.as_bytes()[..reason.len().min(Self::LONGEST_REASON)];
        let mut frame = Vec::with_capacity(Self::BYTES + reason.len());
        let length = u32::try_from(reason.len()).unwrap_or(0);
        Self { kind: Self::ABORT, number: u32::try_from(lost).unwrap_or(u32::MAX), length }
            .encode(&mut frame);
        frame.extend_from_slice(reason);
        frame
    }

    /// What an abort with this head and `reason` means.
    pub(super) fn into_lost(self, reason: &[u8]) -> Error {
        Error::Lost { rank: self.number as usize, reason: String::from_utf8_lossy(reason).into_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_greeting_comes_back_as_it_was_sent() {
        let greeting = Greeting { run: 7, world_size: 4, rank: 3 };
        assert_eq!(Greeting::decode(&greeting.encode()), Some(greeting));
        assert_eq!(Greeting::decode(b"GET / HTTP/1.1\r\nHost: x\r"), None);
    }

    #[test]
    fn only_the_expected_rank_of_the_same_run_is_welcome() {
        let own = Greeting { run: 7, world_size: 4, rank: 3 };
        let check = |peer| own.objection(peer, 2);
        assert_eq!(check(Some(Greeting { rank: 2, ..own })), None);
        assert!(check(None).unwrap().contains("not a worker"));
        assert_eq!(
            check(Some(Greeting { run: 6, rank: 2, ..own })).unwrap(),
            "it belongs to run 6, this worker to run 7"
        );
        assert_eq!(
            check(Some(Greeting { world_size: 2, rank: 2, ..own })).unwrap(),
            "it counts 2 workers, this worker 4"
        );
        assert_eq!(check(Some(Greeting { rank: 1, ..own })).unwrap(), "it says that it is rank 1");
    }
}
