//! Reading and writing of bytes: fixed and variable-length integers, and sections with their length.

use super::error::ChunkError;

/// Appends an integer, 7 bits per byte, lowest first.
pub(super) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

/// Appends the length of what `write` appends, and then that.
pub(super) fn put_section(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let mut section = Vec::new();
    write(&mut section);
    put_varint(out, section.len() as u64);
    out.extend_from_slice(&section);
}

/// Reads the bytes of a part of a chunk.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    /// The part, for errors.
    part: &'static str,
}

impl<'a> Reader<'a> {
    /// Reads all of a part.
    pub(super) const fn new(bytes: &'a [u8], part: &'static str) -> Self {
        Self { bytes, part }
    }

    /// Creates the error of this part.
    pub(super) fn error(&self, problem: impl Into<String>) -> ChunkError {
        ChunkError::new(self.part, problem)
    }

    /// Reads a number of bytes.
    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8], ChunkError> {
        let (head, rest) = self.bytes.split_at_checked(length).ok_or_else(|| ChunkError::short(self.part))?;
        self.bytes = rest;
        Ok(head)
    }

    /// Reads an array of bytes.
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], ChunkError> {
        let (head, rest) = self.bytes.split_first_chunk::<N>().ok_or_else(|| ChunkError::short(self.part))?;
        self.bytes = rest;
        Ok(*head)
    }

    /// Reads a byte.
    pub(super) fn byte(&mut self) -> Result<u8, ChunkError> {
        Ok(self.array::<1>()?[0])
    }

    /// Reads an integer as [`put_varint`] writes it.
    pub(super) fn varint(&mut self) -> Result<u64, ChunkError> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(self.error("has an integer of more than 64 bits"))
    }

    /// Reads a length of at most `most`.
    pub(super) fn length(&mut self, most: usize) -> Result<usize, ChunkError> {
        let length = self.varint()?;
        match usize::try_from(length) {
            Ok(length) if length <= most => Ok(length),
            _ => Err(self.error(format!("has a length of {length}, above {most}"))),
        }
    }

    /// Reads a section as [`put_section`] writes it, and names it.
    pub(super) fn section(&mut self, part: &'static str) -> Result<Self, ChunkError> {
        let length = self.length(self.bytes.len())?;
        Ok(Self::new(self.take(length)?, part))
    }

    /// Returns the bytes that are not read.
    pub(super) const fn rest(&self) -> &'a [u8] {
        self.bytes
    }

    /// Checks that all is read.
    pub(super) fn finish(self) -> Result<(), ChunkError> {
        if self.bytes.is_empty() { Ok(()) } else { Err(self.error("has bytes after its end")) }
    }
}
