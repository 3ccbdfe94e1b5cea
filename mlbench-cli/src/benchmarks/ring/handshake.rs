//! [`Handshake`]: the first bytes on every connection between two neighbours.

/// First bytes of every handshake, which tell workers from other programs.
const MAGIC: [u8; 8] = *b"MLBRING1";

/// How a worker identifies itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Handshake {
    /// Id of the run, or 0 without one.
    pub(super) run_id: i64,
    /// Number of workers of the run.
    pub(super) world_size: u32,
    /// Rank of the worker.
    pub(super) rank: u32,
}

impl Handshake {
    /// Bytes on the wire.
    pub(super) const BYTES: usize = 24;

    pub(super) fn encode(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..16].copy_from_slice(&self.run_id.to_le_bytes());
        bytes[16..20].copy_from_slice(&self.world_size.to_le_bytes());
        bytes[20..].copy_from_slice(&self.rank.to_le_bytes());
        bytes
    }

    /// Decodes a handshake. Returns `None` for bytes that no worker sends.
    pub(super) fn decode(bytes: &[u8; Self::BYTES]) -> Option<Self> {
        let rest = bytes.strip_prefix(&MAGIC)?;
        let (run_id, rest) = rest.split_first_chunk()?;
        let (world_size, rest) = rest.split_first_chunk()?;
        let (rank, _) = rest.split_first_chunk()?;
        Some(Self {
            run_id: i64::from_le_bytes(*run_id),
            world_size: u32::from_le_bytes(*world_size),
            rank: u32::from_le_bytes(*rank),
        })
    }

    /// Returns why `peer` is not rank `rank` of the same run, or `None` if it is.
    pub(super) fn mismatch(self, peer: Option<Self>, rank: u32) -> Option<String> {
        let Some(peer) = peer else {
            return Some("the peer is not a worker of this benchmark".to_owned());
        };
        if peer.run_id != self.run_id {
            return Some(format!(
                "the peer belongs to run {}, this worker to run {}",
                peer.run_id, self.run_id
            ));
        }
        if peer.world_size != self.world_size {
            return Some(format!(
                "the peer has world size {}, this worker {}",
                peer.world_size, self.world_size
            ));
        }
        (peer.rank != rank).then(|| format!("the peer is rank {}", peer.rank))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handshake_survives_encoding() {
        let handshake = Handshake { run_id: 7, world_size: 4, rank: 3 };
        assert_eq!(Handshake::decode(&handshake.encode()), Some(handshake));
        assert_eq!(Handshake::decode(b"GET / HTTP/1.1\r\nHost: x\r"), None);
    }

    #[test]
    fn only_the_expected_rank_of_the_same_run_matches() {
        let own = Handshake { run_id: 7, world_size: 4, rank: 3 };
        let mismatch = |peer| own.mismatch(peer, 2);
        assert_eq!(mismatch(Some(Handshake { rank: 2, ..own })), None);
        assert_eq!(mismatch(None).unwrap(), "the peer is not a worker of this benchmark");
        assert_eq!(
            mismatch(Some(Handshake { run_id: 6, rank: 2, ..own })).unwrap(),
            "the peer belongs to run 6, this worker to run 7"
        );
        assert_eq!(
            mismatch(Some(Handshake { world_size: 2, rank: 2, ..own })).unwrap(),
            "the peer has world size 2, this worker 4"
        );
        assert_eq!(mismatch(Some(Handshake { rank: 1, ..own })).unwrap(), "the peer is rank 1");
    }
}
