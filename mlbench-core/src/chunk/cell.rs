//! The two types of numbers in columns, and their bytes.

use super::error::ChunkError;
use super::line::Line;
use super::wire::{Reader, put_varint};

/// A number that a column holds.
pub(super) trait Cell: pco::data_types::Number + Copy + Default {
    /// Returns whether two numbers have the same bits.
    fn is_same(self, other: Self) -> bool;

    /// Returns the difference between all neighbours, if it is the same everywhere.
    fn common_difference(cells: &[Self]) -> Option<Self>;

    /// Returns the number `index` places after `self` in a column of equal differences.
    fn after(self, difference: Self, index: usize) -> Self;

    /// Returns a line that the numbers are near.
    fn line(cells: &[Self]) -> Option<Line>;

    /// Returns the distance from a line in a row.
    fn beside(self, line: Line, row: usize) -> Self;

    /// Returns the number at this distance from a line in a row.
    fn onto(self, line: Line, row: usize) -> Self;

    /// Appends one number.
    fn put(self, out: &mut Vec<u8>);

    /// Reads one number.
    fn take(reader: &mut Reader<'_>) -> Result<Self, ChunkError>;

    /// Chooses how to write numbers of a fixed width so that all stay exact.
    fn fixed(cells: &[Self]) -> Fixed<Self>;

    /// Appends numbers of a fixed width.
    fn put_all(cells: &[Self], fixed: Fixed<Self>, out: &mut Vec<u8>);

    /// Reads as many numbers of a fixed width as `out` takes.
    fn take_all(bytes: &[u8], fixed: Fixed<Self>, out: &mut [Self]);
}

/// How numbers of a fixed width are written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fixed<T> {
    /// Bytes per number: 1, 2, 4 or 8.
    pub(super) width: usize,
    /// The number of decimal places plus 1 of floats that are written as integers, else 0.
    pub(super) scale: usize,
    /// The number that the integers are added to.
    pub(super) base: T,
}

impl<T: Cell> Fixed<T> {
    /// Appends width, scale and base.
    pub(super) fn put(self, out: &mut Vec<u8>) {
        out.push((self.width | self.scale << 4).to_le_bytes()[0]);
        self.base.put(out);
    }

    /// Reads width, scale and base.
    pub(super) fn take(reader: &mut Reader<'_>) -> Result<Self, ChunkError> {
        let byte = usize::from(reader.byte()?);
        let (width, scale) = (byte & 0xf, byte >> 4);
        if !matches!(width, 1 | 2 | 4 | 8) || scale > POWERS.len() {
            return Err(reader.error(format!("has numbers of the unknown width {byte}")));
        }
        Ok(Self { width, scale, base: T::take(reader)? })
    }
}

/// The powers of ten that make decimals whole.
const POWERS: [f64; 10] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];

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

    fn line(cells: &[Self]) -> Option<Line> {
        Line::through(cells)
    }

    fn beside(self, line: Line, row: usize) -> Self {
        self.wrapping_sub(line.at(row))
    }

    fn onto(self, line: Line, row: usize) -> Self {
        self.wrapping_add(line.at(row))
    }

    fn put(self, out: &mut Vec<u8>) {
        put_varint(out, ((self << 1) ^ (self >> 63)).cast_unsigned());
    }

    fn take(reader: &mut Reader<'_>) -> Result<Self, ChunkError> {
        let folded = reader.varint()?;
        Ok((folded >> 1).cast_signed() ^ -(folded & 1).cast_signed())
    }

    fn fixed(cells: &[Self]) -> Fixed<Self> {
        let low = cells.iter().copied().min().unwrap_or(0);
        let high = cells.iter().copied().max().unwrap_or(0);
        let width = match high.wrapping_sub(low).cast_unsigned() {
            0..=0xff => 1,
            0x100..=0xffff => 2,
            0x1_0000..=0xffff_ffff => 4,
            _ => 8,
        };
        Fixed { width, scale: 0, base: low }
    }

    fn put_all(cells: &[Self], Fixed { width, base, .. }: Fixed<Self>, out: &mut Vec<u8>) {
        match width {
            1 => put_low::<1>(cells, base, out),
            2 => put_low::<2>(cells, base, out),
            4 => put_low::<4>(cells, base, out),
            _ => put_low::<8>(cells, base, out),
        }
    }

    fn take_all(bytes: &[u8], Fixed { width, base, .. }: Fixed<Self>, out: &mut [Self]) {
        fill_integers(bytes, width, out, |integer| base.wrapping_add(integer));
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

    fn line(_: &[Self]) -> Option<Line> {
        None
    }

    fn beside(self, _: Line, _: usize) -> Self {
        self
    }

    fn onto(self, _: Line, _: usize) -> Self {
        self
    }

    fn put(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_le_bytes());
    }

    fn take(reader: &mut Reader<'_>) -> Result<Self, ChunkError> {
        reader.array().map(Self::from_le_bytes)
    }

    fn fixed(cells: &[Self]) -> Fixed<Self> {
        let single = |cell: &Self| Self::from(narrow(*cell)).is_same(*cell);
        let width = if cells.iter().all(single) { 4 } else { 8 };
        let plain = Fixed { width, scale: 0, base: 0.0 };
        let is_whole = |power: &Self| cells.iter().all(|cell| whole(*cell, *power).is_some());
        let Some(place) = POWERS.iter().position(is_whole) else {
            return plain;
        };
        let fixed = i64::fixed(&integers(cells, POWERS[place]));
        if fixed.width >= width {
            return plain;
        }
        Fixed { width: fixed.width, scale: place + 1, base: float(fixed.base) }
    }

    fn put_all(cells: &[Self], Fixed { width, scale, base }: Fixed<Self>, out: &mut Vec<u8>) {
        match (power(scale), width) {
            (Some(power), _) => {
                let base = whole(base, 1.0).unwrap_or(0);
                i64::put_all(&integers(cells, power), Fixed { width, scale: 0, base }, out);
            }
            (None, 4) => out.extend(cells.iter().flat_map(|cell| narrow(*cell).to_le_bytes())),
            (None, _) => out.extend(cells.iter().flat_map(|cell| cell.to_le_bytes())),
        }
    }

    fn take_all(bytes: &[u8], Fixed { width, scale, base }: Fixed<Self>, out: &mut [Self]) {
        match (power(scale), width) {
            (Some(power), _) => {
                let base = whole(base, 1.0).unwrap_or(0);
                fill_integers(bytes, width, out, |integer| float(base.wrapping_add(integer)) / power);
            }
            (None, 4) => fill(bytes, out, |bytes| Self::from(f32::from_le_bytes(bytes))),
            (None, _) => fill(bytes, out, Self::from_le_bytes),
        }
    }
}

/// Returns the power of ten of a scale.
fn power(scale: usize) -> Option<f64> {
    POWERS.get(scale.checked_sub(1)?).copied()
}

fn integers(cells: &[f64], power: f64) -> Vec<i64> {
    cells.iter().map(|cell| whole(*cell, power).unwrap_or(0)).collect()
}

/// Returns the integer that divided by `power` is exactly this number.
fn whole(number: f64, power: f64) -> Option<i64> {
    // Much faster than rounding, and only a candidate.
    #[expect(clippy::cast_possible_truncation, reason = "compared here")]
    let integer = (number * power + 0.5_f64.copysign(number)) as i64;
    (float(integer) / power).is_same(number).then_some(integer)
}

#[expect(clippy::cast_precision_loss, reason = "callers check that the number stays the same")]
fn float(integer: i64) -> f64 {
    integer as f64
}

#[expect(clippy::cast_possible_truncation, reason = "callers check that the number stays the same")]
fn narrow(number: f64) -> f32 {
    number as f32
}

/// Appends the lowest `N` bytes of the differences to `base`.
fn put_low<const N: usize>(cells: &[i64], base: i64, out: &mut Vec<u8>) {
    out.reserve(cells.len() * N);
    for cell in cells {
        let bytes = cell.wrapping_sub(base).to_le_bytes();
        out.extend_from_slice(bytes.first_chunk::<N>().unwrap_or(&[0; N]));
    }
}

/// Reads an integer from each `width` bytes.
fn fill_integers<T>(bytes: &[u8], width: usize, out: &mut [T], convert: impl Fn(i64) -> T) {
    match width {
        1 => fill(bytes, out, |[byte]| convert(byte.into())),
        2 => fill(bytes, out, |bytes| convert(u16::from_le_bytes(bytes).into())),
        4 => fill(bytes, out, |bytes| convert(u32::from_le_bytes(bytes).into())),
        _ => fill(bytes, out, |bytes| convert(i64::from_le_bytes(bytes))),
    }
}

/// Reads a number from each `N` bytes.
fn fill<const N: usize, T>(bytes: &[u8], out: &mut [T], read: impl Fn([u8; N]) -> T) {
    for (cell, bytes) in out.iter_mut().zip(bytes.as_chunks::<N>().0) {
        *cell = read(*bytes);
    }
}
