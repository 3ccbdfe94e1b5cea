//! The numbers that a ring can sum, and their bytes on the wire (little-endian IEEE 754).

/// A number that [`super::Ring::all_reduce`] sums.
pub(crate) trait Element: Copy {
    /// Bytes of one number on the wire.
    const BYTES: usize;

    /// Appends the numbers to a message.
    fn encode(values: &[Self], message: &mut Vec<u8>);

    /// Adds the numbers of a message to `values`, one to one.
    fn add(message: &[u8], values: &mut [Self]);

    /// Replaces `values` by the numbers of a message, one to one.
    fn replace(message: &[u8], values: &mut [Self]);
}

macro_rules! element {
    ($number:ty) => {
        impl Element for $number {
            const BYTES: usize = size_of::<$number>();

            fn encode(values: &[Self], message: &mut Vec<u8>) {
                let start = message.len();
                message.resize(start + size_of_val(values), 0);
                let (slots, _) = message[start..].as_chunks_mut();
                for (slot, value) in slots.iter_mut().zip(values) {
                    *slot = value.to_le_bytes();
                }
            }

            fn add(message: &[u8], values: &mut [Self]) {
                let (numbers, _) = message.as_chunks();
                for (value, bytes) in values.iter_mut().zip(numbers) {
                    *value += Self::from_le_bytes(*bytes);
                }
            }

            fn replace(message: &[u8], values: &mut [Self]) {
                let (numbers, _) = message.as_chunks();
                for (value, bytes) in values.iter_mut().zip(numbers) {
                    *value = Self::from_le_bytes(*bytes);
                }
            }
        }
    };
}

element!(f32);
element!(f64);
