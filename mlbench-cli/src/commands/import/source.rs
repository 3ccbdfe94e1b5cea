//! A file that is imported, and how far.

use std::fs;
use std::io;
use std::path::PathBuf;

use super::batch::{Batch, Look, Position, Stop};
use super::csv_file::{self, Header};
use super::discover::{Found, Kind};
use super::events::{self, Plugins};
use super::journal::Mark;
use super::open::checksum_before;

/// A file, and the position up to which it was read.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) path: PathBuf,
    kind: Reader,
    /// Where the next batch begins, and what is before it.
    pub(super) at: Mark,
    /// What keeps the rest of the file from being read.
    pub(super) damage: Option<String>,
    /// Whether the file ended within a record or row when it was last read.
    pub(super) is_torn: bool,
    /// Length when it was last read.
    length: u64,
    /// Whether it was read up to this length.
    is_read: bool,
}

#[derive(Debug)]
enum Reader {
    Events(Plugins),
    Csv(Option<Header>),
}

impl Source {
    pub(super) fn new(found: &Found, at: Mark) -> Self {
        let kind = match found.kind {
            Kind::Events => Reader::Events(Plugins::new()),
            Kind::Csv => Reader::Csv(None),
        };
        let path = found.path.clone();
        Self { path, kind, at, damage: None, is_torn: false, length: 0, is_read: true }
    }

    /// Returns whether the next batch may have something.
    pub(super) fn has_more(&self, look: Look) -> bool {
        let has_grown = || fs::metadata(&self.path).is_ok_and(|file| file.len() != self.length);
        self.damage.is_none() && (look != Look::Growing || !self.is_read || has_grown())
    }

    /// Reads the next batch, and notes why nothing can follow it. The position stays until it is stored.
    ///
    /// Returns the mark behind the batch, too.
    pub(super) fn read(&mut self, look: Look) -> (Batch, Mark) {
        let batch = self.try_read(look).and_then(|batch| {
            let checksum = if batch.end == self.at.end {
                self.at.checksum
            } else {
                Some(checksum_before(&self.path, batch.end)?)
            };
            let mark = Mark { end: batch.end, checksum };
            Ok((batch, mark))
        });
        let (batch, mark) = batch.unwrap_or_else(|error| {
            let mut batch = Batch::at(self.at.end);
            batch.stop = Stop::Damaged(format!("cannot be read: {error}"));
            (batch, self.at)
        });
        self.is_torn = batch.stop == Stop::Incomplete;
        self.is_read = batch.stop != Stop::Full;
        if let Stop::Damaged(problem) = &batch.stop {
            self.damage = Some(match self.kind {
                Reader::Events(_) => format!("byte {}: {problem}", batch.end.byte),
                Reader::Csv(_) => problem.clone(),
            });
        }
        (batch, mark)
    }

    fn try_read(&mut self, look: Look) -> io::Result<Batch> {
        self.length = fs::metadata(&self.path)?.len();
        let at = self.at.end;
        if let Some(problem) = self.replaced()? {
            // A program that writes the whole file anew may not be done.
            let waits = look == Look::Growing && self.length < at.byte;
            return Ok(if waits { ended(at) } else { damaged(at, problem) });
        }
        match &mut self.kind {
            Reader::Events(plugins) => events::read(&self.path, at, plugins),
            Reader::Csv(Some(header)) => csv_file::read(&self.path, header, at, look),
            Reader::Csv(none) => match csv_file::read_header(&self.path, look) {
                Err(problem) => Ok(damaged(at, problem)),
                Ok(None) => Ok(ended(at)),
                Ok(Some(header)) => {
                    let begin = at.max(header.rows);
                    let mut batch = csv_file::read(&self.path, &header, begin, look)?;
                    header.left_out.iter().for_each(|column| batch.leave_out(column));
                    *none = Some(header);
                    Ok(batch)
                }
            },
        }
    }

    /// Returns why what is before the position is not what was imported, if it is not.
    fn replaced(&self) -> io::Result<Option<String>> {
        let (length, Mark { end, checksum }) = (self.length, self.at);
        let fix = "import it under another --name, or delete the run to import it anew";
        if length < end.byte {
            let imported = end.byte;
            return Ok(Some(format!("has {length} bytes, but {imported} were imported before; {fix}")));
        }
        let is_same = match checksum {
            Some(checksum) => checksum_before(&self.path, end)? == checksum,
            None => true,
        };
        Ok((!is_same).then(|| format!("was replaced: what was imported is not in it; {fix}")))
    }

    /// Returns what the file consists of.
    pub(super) const fn unit(&self) -> &'static str {
        match self.kind {
            Reader::Events(_) => "record",
            Reader::Csv(_) => "row",
        }
    }

    /// Goes on at a position up to which another import has stored the file.
    pub(super) fn resume(&mut self, at: Mark) {
        (self.at, self.is_read, self.damage) = (at, false, None);
    }

    /// Returns how much of the file is behind the position, in percent.
    pub(super) fn percent(&self) -> u64 {
        self.at.end.byte.saturating_mul(100).checked_div(self.length).unwrap_or(100)
    }
}

fn damaged(at: Position, problem: String) -> Batch {
    Batch { stop: Stop::Damaged(problem), ..Batch::at(at) }
}

fn ended(at: Position) -> Batch {
    Batch { stop: Stop::End, ..Batch::at(at) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn following(path: &std::path::Path) -> Source {
        Source::new(&Found { path: path.to_owned(), kind: Kind::Csv }, Mark::default())
    }

    /// Reads the rest of the file, as if it were stored, and returns the number of points.
    fn look(source: &mut Source) -> usize {
        let mut points = 0;
        while source.has_more(Look::Growing) {
            let (batch, mark) = source.read(Look::Growing);
            points += batch.points.len();
            source.at = mark;
        }
        points
    }

    #[test]
    fn a_look_at_a_growing_file_takes_all_that_is_there() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let rows: String = (0..100_000).map(|step| format!("{step},1\n")).collect();
        fs::write(file.path(), format!("step,loss\n{rows}")).unwrap();
        let mut source = following(file.path());
        assert_eq!((look(&mut source), look(&mut source)), (100_000, 0));
    }

    #[test]
    fn a_file_that_is_written_anew_goes_on_where_it_is_the_same() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut source = following(file.path());
        let mut now = |text: &str| {
            fs::write(file.path(), text).unwrap();
            (look(&mut source), source.damage.clone().unwrap_or_default())
        };
        let none = String::new;
        assert_eq!(now("step,loss\n1,0.5\n2,0.25\n"), (2, none()));
        assert_eq!(now("step,lo"), (0, none()));
        assert_eq!(now("step,loss\n1,0.5\n2,0.25\n3,0.1\n"), (1, none()));
        let (points, damage) = now("step,loss\n1,0.5\n2,0.75\n3,0.1\n4,0.1\n");
        assert!(points == 0 && damage.starts_with("was replaced: "), "{damage}");
    }
}
