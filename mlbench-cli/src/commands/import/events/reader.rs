//! Reads a part of an event file.

use std::io::{self, BufReader, Seek as _, SeekFrom};
use std::path::Path;

use prost::Message as _;

use super::event::{Plugins, add};
use super::messages::Event;
use super::record::{Record, read_record};
use crate::commands::import::batch::{Batch, Position, Stop};
use crate::commands::import::open::open;

/// Bytes that are read from the file at once.
const BUFFER: usize = 256 << 10;

/// Reads events from a position on, until the batch is full or the file ends.
pub(in super::super) fn read(path: &Path, begin: Position, plugins: &mut Plugins) -> io::Result<Batch> {
    let mut file = open(path)?;
    file.seek(SeekFrom::Start(begin.byte))?;
    let (mut file, mut content) = (BufReader::with_capacity(BUFFER, file), Vec::new());
    let mut batch = Batch::at(begin);
    while !batch.is_full(begin) {
        let length = match read_record(&mut file, &mut content)? {
            Record::Whole(length) => {
                match Event::decode(&content[..]) {
                    Ok(event) => add(&mut batch, plugins, event),
                    Err(error) => {
                        batch.stop = Stop::Damaged(format!("a record is no event of TensorBoard: {error}"));
                        return Ok(batch);
                    }
                }
                length
            }
            Record::Long(length) => {
                batch.leave_out("events over 64 MiB");
                length
            }
            Record::End => {
                batch.stop = Stop::End;
                return Ok(batch);
            }
            Record::Incomplete => {
                batch.stop = Stop::Incomplete;
                return Ok(batch);
            }
            Record::Damaged(problem) => {
                batch.stop = Stop::Damaged(problem);
                return Ok(batch);
            }
        };
        batch.end.byte += length;
    }
    Ok(batch)
}
