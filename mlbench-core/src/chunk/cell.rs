//! The two types of numbers in columns, and their bytes.

use super::error::ChunkError;
use super::wire::{Reader, put_varint};

/// A number that a column holds.
pub(super) trait Cell: pco::data_types::Number + Copy + Default {
    /// Returns whether two numbers have the same bits.
    fn is_same(self, other: Self) -> bool;

    /// Returns the difference between all neighbours, if it is the same everywhere.
    fn common_difference(cells: &[Self]) -> Option<Self>;

    /// Returns the number `index` places after `self` in a column of equal differences.
    fn after(self, difference: Self, index: usize) -> Self;

    /// Appends one number.
    fn put(self, out: &mut Vec<u8>);

    /// Reads one number.
    fn take(reader: &mut Reader<'_>) -> Result<Self, ChunkError>;

    /// Chooses the number of bytes (1, 2, 4 or 8) that keeps all exact, and the number that counts as 0.
    fn width(cells: &[Self]) -> (usize, Self);

    /// Appends numbers of a width.
    fn put_all(cells: &[Self], width: usize, base: Self, out: &mut Vec<u8>);

    /// Reads as many numbers of a width as `out` takes.
    fn take_all(bytes: &[u8], width: usize, base: Self, out: &mut [Self]);
}

impl Cell for i64 {
    fn is_same(self, other: Self) -> bool {
        self == other
    }

    fn common_difference(cells: &[Self]) -> Option<Self> {
        let [first, second, ..] = cells else {
            return None;
        };
        let difference = second.wrapping_sub(*first);
        let same = cells.windows(2).all(|pair| pair[1].wrapping_sub(pair[0]) == difference);
        same.then_some(difference)
    }

    fn after(self, difference: Self, index: usize) -> Self {
        let index = Self::try_from(index).unwrap_or(Self::MAX);
        self.wrapping_add(difference.wrapping_mul(index))
    }

    fn put(self, out: &mut Vec<u8>) {
        put_varint(out, ((self << 1) ^ (self >> 63)).cast_unsigned());
    }

    fn take(reader: &mut Reader<'_>) -> Result<Self, ChunkError> {
        let folded = reader.varint()?;
        Ok((folded >> 1).cast_signed() ^ -(folded & 1).cast_signed())
    }

    fn width(cells: &[Self]) -> (usize, Self) {
        let low = cells.iter().copied().min().unwrap_or(0);
        let high = cells.iter().copied().max().unwrap_or(0);
        let width = match high.wrapping_sub(low).cast_unsigned() {
            0..=0xff => 1,
            0x100..=0xffff => 2,
            0x1_0000..=0xffff_ffff => 4,
            _ => 8,
        };
        (width, low)
    }

    fn put_all(cells: &[Self], width: usize, base: Self, out: &mut Vec<u8>) {
        for cell in cells {
            out.extend_from_slice(&cell.wrapping_sub(base).to_le_bytes()[..width]);
        }
    }

    fn take_all(bytes: &[u8], width: usize, base: Self, out: &mut [Self]) {
        match width {
            1 => fill(bytes, out, |[byte]| base.wrapping_add(Self::from(byte))),
            2 => fill(bytes, out, |bytes| base.wrapping_add(Self::from(u16::from_le_bytes(bytes)))),
            4 => fill(bytes, out, |bytes| base.wrapping_add(Self::from(u32::from_le_bytes(bytes)))),
            _ => fill(bytes, out, |bytes| base.wrapping_add(Self::from_le_bytes(bytes))),
        }
    }
}

impl Cell for f64 {
    fn is_same(self, other: Self) -> bool {
        self.to_bits() == other.to_bits()
    }

    fn common_difference(_: &[Self]) -> Option<Self> {
        None
    }

    fn after(self, _: Self, _: usize) -> Self {
        self
    }

    fn put(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_le_bytes());
    }

    fn take(reader: &mut Reader<'_>) -> Result<Self, ChunkError> {
        reader.array().map(Self::from_le_bytes)
    }

    fn width(cells: &[Self]) -> (usize, Self) {
        let single = |cell: &Self| Self::from(narrow(*cell)).is_same(*cell);
        (if cells.iter().all(single) { 4 } else { 8 }, 0.0)
    }

    fn put_all(cells: &[Self], width: usize, _: Self, out: &mut Vec<u8>) {
        match width {
            4 => out.extend(cells.iter().flat_map(|cell| narrow(*cell).to_le_bytes())),
            _ => out.extend(cells.iter().flat_map(|cell| cell.to_le_bytes())),
        }
    }

    fn take_all(bytes: &[u8], width: usize, _: Self, out: &mut [Self]) {
        match width {
            4 => fill(bytes, out, |bytes| Self::from(f32::from_le_bytes(bytes))),
            _ => fill(bytes, out, Self::from_le_bytes),
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "callers check that the number stays the same")]
fn narrow(number: f64) -> f32 {
    number as f32
}

/// Reads a number from each `N` bytes.
fn fill<const N: usize, T>(bytes: &[u8], out: &mut [T], read: impl Fn([u8; N]) -> T) {
    for (cell, bytes) in out.iter_mut().zip(bytes.as_chunks::<N>().0) {
        *cell = read(*bytes);
    }
}
