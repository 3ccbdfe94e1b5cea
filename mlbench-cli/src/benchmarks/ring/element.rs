//! [`Element`]: the numbers that a ring can sum. On the wire they are little-endian IEEE 754.

/// A number that the all-reduce sums.
pub(crate) trait Element: Copy {
    /// Bytes of one number on the wire.
    const BYTES: usize;

    /// Appends the values to the body of a frame.
    fn encode(values: &[Self], body: &mut Vec<u8>);

    /// Adds the numbers in the body of a frame to `values`, one to one.
    fn add(body: &[u8], values: &mut [Self]);

    /// Replaces `values` by the numbers in the body of a frame, one to one.
    fn replace(body: &[u8], values: &mut [Self]);
}

macro_rules! element {
    ($number:ty) => {
        impl Element for $number {
            const BYTES: usize = size_of::<$number>();

            fn encode(values: &[Self], body: &mut Vec<u8>) {
                let start = body.len();
                body.resize(start + size_of_val(values), 0);
                let (slots, _) = body[start..].as_chunks_mut();
                for (slot, value) in slots.iter_mut().zip(values) {
                    *slot = value.to_le_bytes();
                }
            }

            fn add(body: &[u8], values: &mut [Self]) {
                let (numbers, _) = body.as_chunks();
                for (value, bytes) in values.iter_mut().zip(numbers) {
                    *value += Self::from_le_bytes(*bytes);
                }
            }

            fn replace(body: &[u8], values: &mut [Self]) {
                let (numbers, _) = body.as_chunks();
                for (value, bytes) in values.iter_mut().zip(numbers) {
                    *value = Self::from_le_bytes(*bytes);
                }
            }
        }
    };
}

element!(f32);
element!(f64);
