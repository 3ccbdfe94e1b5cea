//! Decoding of single pages.

use std::num::NonZero;

use super::columns::{Absent, Columns};
use super::constants::PAGE_POINTS;
use super::decode::{Fields, Main, clear_gaps};
use super::details::Details;
use super::error::ChunkError;
use super::header::Header;
use super::origins::Origins;
use super::sparse::Sparse;
use super::text_column::read_texts;
use super::texts::Texts;
use crate::downsample::Progress;

/// Decodes single pages of a chunk, and keeps what they share.
pub struct PageReader<'a> {
    main: Main<'a>,
    points: usize,
    /// What a page has besides dates and values.
    fields: Fields,
    /// What can only be read as a whole, once a page was read with it.
    shared: Option<Shared>,
    /// The page in `columns`, and whether all of its columns are there.
    page: Option<(usize, bool)>,
    columns: Columns,
    /// Steps and epochs, once one was read.
    sparse: Option<Box<Sparse<'a>>>,
    /// Arrival numbers of the points that numbers do not describe, once some were read.
    origins: Option<Box<Origins<'a>>>,
}

/// The columns of all points that can only be read as a whole.
struct Shared {
    texts: Texts,
    seqs: Vec<i64>,
    details: Option<Details>,
}

/// The points of a page as a curve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PageNumbers<'a> {
    /// Microseconds since 1970.
    pub dates: &'a [i64],
    /// `NaN` for a value that is not a finite number.
    pub numbers: &'a [f64],
}

impl<'a> PageReader<'a> {
    /// Checks the body and reads what all pages share. [`page`](Self::page) reads the `fields`, too.
    ///
    /// # Errors
    ///
    /// When the body is damaged or belongs to another header.
    pub fn new(header: &Header, body: &'a [u8], fields: Fields) -> Result<Self, ChunkError> {
        let (main, points) = (Main::parse(header, body)?, header.count());
        let columns = Columns { details: Absent(None), ..Columns::default() };
        Ok(Self { main, points, fields, shared: None, page: None, columns, sparse: None, origins: None })
    }

    /// Decodes a page, counted from 0.
    ///
    /// # Errors
    ///
    /// When the page is damaged or does not exist.
    pub fn page(&mut self, page: usize) -> Result<&Columns, ChunkError> {
        if self.page != Some((page, true)) {
            self.numbers(page)?;
            self.page = None;
            let shared = match self.shared.take() {
                Some(shared) => shared,
                None => self.read_shared()?,
            };
            let (shared, rows) = (self.shared.insert(shared), range(page, self.points));
            self.columns.texts.append_from(0, &shared.texts, rows.clone());
            self.columns.seqs.extend_from_slice(shared.seqs.get(rows.clone()).unwrap_or_default());
            self.columns.details = Absent(shared.details.as_ref().map(|all| {
                let mut details = Details::default();
                details.append_from(0, all, rows);
                details
            }));
            self.page = Some((page, true));
        }
        Ok(&self.columns)
    }

    fn read_shared(&self) -> Result<Shared, ChunkError> {
        let texts = read_texts(self.main.texts, self.points)?;
        let (seqs, details) = self.main.others(self.fields, self.points)?;
        Ok(Shared { texts, seqs, details })
    }

    /// Decodes dates and numbers of a page, counted from 0.
    ///
    /// Where values are texts, this is faster than [`page`](Self::page).
    ///
    /// # Errors
    ///
    /// When the page is damaged or does not exist.
    pub fn numbers(&mut self, page: usize) -> Result<PageNumbers<'_>, ChunkError> {
        if self.page.is_none_or(|(current, _)| current != page) {
            self.page = None;
            self.read_numbers(page)?;
            self.page = Some((page, false));
        }
        Ok(PageNumbers { dates: &self.columns.dates, numbers: &self.columns.numbers })
    }

    /// Returns step and epoch of a point, counted from 0 in the chunk.
    ///
    /// # Errors
    ///
    /// When the steps or the epochs are damaged.
    pub fn progress(&mut self, row: usize) -> Result<Progress, ChunkError> {
        let sparse = match self.sparse.take() {
            Some(sparse) => sparse,
            None => Box::new(self.main.sparse(self.points)?),
        };
        self.sparse.insert(sparse).row(row)
    }

    /// Reads the arrival numbers of a page, of those points whose number does not print as their value.
    ///
    /// `seqs` is empty if all numbers do. With `of_all`, it gets the arrival numbers of all points.
    ///
    /// # Errors
    ///
    /// When the texts or the arrival numbers are damaged.
    pub fn origins(
        &mut self,
        page: usize,
        of_all: bool,
        seqs: &mut Vec<Option<NonZero<i64>>>,
    ) -> Result<(), ChunkError> {
        let origins = match self.origins.take() {
            Some(origins) => origins,
            None => Box::new(self.main.origins(self.points)?),
        };
        seqs.clear();
        self.origins.insert(origins).read(range(page, self.points), of_all, seqs)
    }

    fn read_numbers(&mut self, page: usize) -> Result<(), ChunkError> {
        if page >= self.points.div_ceil(PAGE_POINTS) {
            return Err(ChunkError::new("pages", format!("do not include number {page}")));
        }
        let columns = &mut self.columns;
        columns.dates.clear();
        columns.numbers.clear();
        columns.seqs.clear();
        (columns.texts, columns.details) = (Texts::default(), Absent(None));
        self.main.dates.read_page(page, &mut columns.dates)?;
        self.main.numbers.read_page(page, &mut columns.numbers)?;
        let gaps = self.main.gaps.get(range(page, self.points)).unwrap_or_default();
        clear_gaps(&mut columns.numbers, gaps);
        Ok(())
    }
}

/// Returns the rows of a page.
fn range(page: usize, points: usize) -> std::ops::Range<usize> {
    let start = page * PAGE_POINTS;
    start..(start + PAGE_POINTS).min(points)
}
