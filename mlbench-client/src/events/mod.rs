//! Events: streams that reconnect, and when to read a state again.

mod changes;
mod parser;
mod stream;
#[cfg(test)]
mod tests;

pub use changes::{Change, Changes};
pub use stream::{EventStream, Events};
