//! Tensors with one number.

use mlbench_client::MetricValue;

use super::messages::Tensor;
use crate::commands::import::number::{brain, half, single};

/// Returns the number of a tensor that has one and no other.
pub(super) fn scalar(tensor: &Tensor) -> Option<MetricValue> {
    let elements = tensor
        .shape
        .iter()
        .flat_map(|shape| &shape.dim)
        .try_fold(1_i64, |product, dim| product.checked_mul(dim.size));
    if elements != Some(1) {
        return None;
    }
    let bytes = &tensor.content;
    let value = match tensor.dtype {
        FLOAT => single(one(&tensor.float_val).or_else(|| Some(f32::from_le_bytes(exact(bytes)?)))?),
        DOUBLE => one(&tensor.double_val).or_else(|| Some(f64::from_le_bytes(exact(bytes)?)))?.into(),
        INT32 => whole(one(&tensor.int_val).or_else(|| Some(i32::from_le_bytes(exact(bytes)?)))?),
        UINT8 => whole(one(&tensor.int_val).or_else(|| Some(u8::from_le_bytes(exact(bytes)?).into()))?),
        INT16 => whole(one(&tensor.int_val).or_else(|| Some(i16::from_le_bytes(exact(bytes)?).into()))?),
        INT8 => whole(one(&tensor.int_val).or_else(|| Some(i8::from_le_bytes(exact(bytes)?).into()))?),
        UINT16 => whole(one(&tensor.int_val).or_else(|| Some(u16::from_le_bytes(exact(bytes)?).into()))?),
        INT64 => whole(one(&tensor.int64_val).or_else(|| Some(i64::from_le_bytes(exact(bytes)?)))?),
        UINT32 => whole(one(&tensor.uint32_val).or_else(|| Some(u32::from_le_bytes(exact(bytes)?)))?),
        UINT64 => whole(one(&tensor.uint64_val).or_else(|| Some(u64::from_le_bytes(exact(bytes)?)))?),
        BOOL => whole(u8::from(one(&tensor.bool_val).or_else(|| Some(exact::<1>(bytes)? != [0]))?)),
        HALF => single(half(bits(tensor)?)),
        BFLOAT16 => single(brain(bits(tensor)?)),
        _ => return None,
    };
    Some(value)
}

// The types of elements, `DataType` in TensorFlow.
pub(super) const FLOAT: i32 = 1;
pub(super) const DOUBLE: i32 = 2;
const INT32: i32 = 3;
const UINT8: i32 = 4;
const INT16: i32 = 5;
const INT8: i32 = 6;
pub(super) const INT64: i32 = 9;
const BOOL: i32 = 10;
const BFLOAT16: i32 = 14;
const UINT16: i32 = 17;
pub(super) const HALF: i32 = 19;
const UINT32: i32 = 22;
const UINT64: i32 = 23;

/// Returns the only element.
fn one<T: Copy>(values: &[T]) -> Option<T> {
    if let [value] = values { Some(*value) } else { None }
}

/// Returns the bytes of an element if there are as many.
fn exact<const N: usize>(bytes: &[u8]) -> Option<[u8; N]> {
    bytes.try_into().ok()
}

fn bits(tensor: &Tensor) -> Option<u16> {
    match one(&tensor.half_val) {
        Some(value) => u16::try_from(value).ok(),
        None => Some(u16::from_le_bytes(exact(&tensor.content)?)),
    }
}

fn whole(number: impl Into<i128>) -> MetricValue {
    MetricValue::new(number.into().to_string())
}
