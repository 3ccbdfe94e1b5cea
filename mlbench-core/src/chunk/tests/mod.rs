//! Tests of whole chunks.

mod columns;
mod damage;
mod round_trip;
mod row;
