//! Event files of TensorBoard: records with checksums, each a message of protocol buffers.

mod event;
mod messages;
mod reader;
mod record;
mod tensor;
#[cfg(test)]
mod tests;
pub(super) use event::Plugins;
pub(super) use reader::read;
pub(super) use record::begins_with_record;
