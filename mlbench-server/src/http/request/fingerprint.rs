//! Fingerprints of bodies, which distinguish a repeated request from another one.

use bytes::Bytes;
use mlbench_core::storage::{Fingerprint, IdempotencyKey, KeyHolder, KeyedRequest};
use sha2::{Digest as _, Sha256};

use super::content::ContentType;

/// Computes the fingerprint of a body that comes piece by piece.
#[derive(Default)]
pub(super) struct Fingerprinter(Sha256);

impl Fingerprinter {
    /// Adds the next piece.
    pub(super) fn update(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    pub(super) fn finish(self) -> Fingerprint {
        let hash: [u8; 32] = self.0.finalize().into();
        let (first, _) = hash.split_at(16);
        Fingerprint(first.try_into().unwrap_or_default())
    }
}

/// Returns the fingerprint of a whole body.
pub(super) fn of_bytes(body: &[u8]) -> Fingerprint {
    let mut fingerprinter = Fingerprinter::default();
    fingerprinter.update(body);
    fingerprinter.finish()
}

/// The idempotency key of a body, with its fingerprint.
pub(in crate::http) struct BodyKey {
    key: IdempotencyKey,
    fingerprint: Fingerprint,
}

impl BodyKey {
    /// Computes the fingerprint of a body of fields, and of what the path names.
    ///
    /// Clients choose a new boundary for every multipart body, also for one that they repeat.
    pub(super) fn new(
        key: IdempotencyKey,
        segments: &[String],
        content_type: &ContentType,
        body: &Bytes,
    ) -> Self {
        let mut fingerprinter = Fingerprinter::default();
        for segment in segments {
            // No segment has a slash, so that segments and body never run into each other.
            fingerprinter.update(segment.as_bytes());
            fingerprinter.update(b"/");
        }
        match content_type {
            ContentType::Multipart { boundary } => {
                fingerprinter.update(String::from_utf8_lossy(body).replace(boundary, "").as_bytes());
            }
            _ => fingerprinter.update(body),
        }
        Self { key, fingerprint: fingerprinter.finish() }
    }

    /// Returns the request under its key, which belongs to `holder`.
    pub(in crate::http) fn held_by(self, holder: KeyHolder) -> KeyedRequest {
        let Self { key, fingerprint } = self;
        KeyedRequest { holder, key, fingerprint }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn multipart(boundary: &str, value: &str) -> Fingerprint {
        let body = format!("--{boundary}\r\nname=\"value\"\r\n\r\n{value}\r\n--{boundary}--");
        let content_type = ContentType::Multipart { boundary: boundary.to_owned() };
        BodyKey::new(IdempotencyKey::new("k").unwrap(), &[], &content_type, &body.into()).fingerprint
    }

    #[test]
    fn pieces_have_the_fingerprint_of_the_whole() {
        let mut pieces = Fingerprinter::default();
        ["ab", "", "c"].into_iter().for_each(|piece| pieces.update(piece.as_bytes()));
        assert_eq!(pieces.finish(), of_bytes(b"abc"));
        assert_ne!(of_bytes(b"abc"), of_bytes(b"abd"));
    }

    #[test]
    fn the_boundary_of_a_multipart_body_does_not_count() {
        assert_eq!(multipart("first", "1"), multipart("second", "1"));
        assert_ne!(multipart("first", "1"), multipart("first", "2"));
    }
}
