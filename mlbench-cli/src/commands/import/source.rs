//! A file that is imported, and how far.

use std::fs;
use std::io;
use std::path::PathBuf;

use super::batch::{Batch, Position, Stop};
use super::csv_file::{self, Header};
use super::discover::{Found, Kind};
use super::events::{self, Plugins};

/// A file, and the position up to which it was read.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) path: PathBuf,
    kind: Reader,
    /// Where the next batch begins.
    pub(super) at: Position,
    /// What keeps the rest of the file from being read.
    pub(super) damage: Option<String>,
    /// Whether the file ended within a record when it was last read.
    pub(super) is_torn: bool,
    /// Length when it was last read to its end.
    length: u64,
}

#[derive(Debug)]
enum Reader {
    Events(Plugins),
    Csv(Option<Header>),
}

impl Source {
    pub(super) fn new(found: &Found, at: Position) -> Self {
        let kind = match found.kind {
            Kind::Events => Reader::Events(Plugins::new()),
            Kind::Csv => Reader::Csv(None),
        };
        Self { path: found.path.clone(), kind, at, damage: None, is_torn: false, length: 0 }
    }

    /// Returns whether the file has grown since it was read to its end.
    pub(super) fn has_grown(&self) -> bool {
        self.damage.is_none() && fs::metadata(&self.path).is_ok_and(|file| file.len() != self.length)
    }

    /// Reads the next batch, and notes why nothing can follow it. The position stays until it is stored.
    ///
    /// With `is_last`, nothing is to come, and a last line counts without its end.
    pub(super) fn read(&mut self, is_last: bool) -> Batch {
        let batch = self.try_read(is_last).unwrap_or_else(|error| {
            let mut batch = Batch::at(self.at);
            batch.stop = Stop::Damaged(format!("cannot be read: {error}"));
            batch
        });
        self.is_torn = batch.stop == Stop::Incomplete;
        if let Stop::Damaged(problem) = &batch.stop {
            self.damage = Some(match self.kind {
                Reader::Events(_) => format!("byte {}: {problem}", batch.end.byte),
                Reader::Csv(_) => problem.clone(),
            });
        }
        batch
    }

    fn try_read(&mut self, is_last: bool) -> io::Result<Batch> {
        let length = fs::metadata(&self.path)?.len();
        self.length = length;
        if length < self.at.byte {
            let imported = self.at.byte;
            return Ok(damaged(
                self.at,
                format!(
                    "has {length} bytes, but {imported} were imported before; delete the run to import it anew"
                ),
            ));
        }
        match &mut self.kind {
            Reader::Events(plugins) => events::read(&self.path, self.at, plugins),
            Reader::Csv(Some(header)) => csv_file::read(&self.path, header, self.at, is_last),
            Reader::Csv(none) => match csv_file::read_header(&self.path, is_last) {
                Err(problem) => Ok(damaged(self.at, problem)),
                Ok(None) => Ok(ended(self.at)),
                Ok(Some(header)) => {
                    let begin = self.at.max(header.rows);
                    let mut batch = csv_file::read(&self.path, &header, begin, is_last)?;
                    header.left_out.iter().for_each(|column| batch.leave_out(column));
                    *none = Some(header);
                    Ok(batch)
                }
            },
        }
    }

    /// Goes on at a position up to which another import has stored the file.
    pub(super) fn resume(&mut self, at: Position) {
        (self.at, self.length) = (at, 0);
    }

    /// Returns how much of the file is behind the position, in percent.
    pub(super) fn percent(&self) -> u64 {
        self.at.byte.saturating_mul(100).checked_div(self.length).unwrap_or(100)
    }
}

fn damaged(at: Position, problem: String) -> Batch {
    Batch { stop: Stop::Damaged(problem), ..Batch::at(at) }
}

fn ended(at: Position) -> Batch {
    Batch { stop: Stop::End, ..Batch::at(at) }
}
