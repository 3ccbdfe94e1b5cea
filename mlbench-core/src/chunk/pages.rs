//! Decoding of single pages.

use super::columns::{Absent, Columns};
use super::constants::PAGE_POINTS;
use super::decode::{Main, parse_numbers};
use super::error::ChunkError;
use super::header::Header;

/// Decodes single pages of a chunk, and keeps what they share.
pub struct PageReader<'a> {
    main: Main<'a>,
    points: usize,
    /// The page in `columns`.
    page: Option<usize>,
    columns: Columns,
}

impl<'a> PageReader<'a> {
    /// Checks the body and reads what all pages share.
    ///
    /// # Errors
    ///
    /// When the body is damaged or belongs to another header.
    pub fn new(header: &Header, body: &'a [u8]) -> Result<Self, ChunkError> {
        let main = Main::parse(header, body)?;
        let columns = Columns { details: Absent(None), ..Columns::default() };
        Ok(Self { main, points: header.count(), page: None, columns })
    }

    /// Decodes dates and values of a page, counted from 0.
    ///
    /// # Errors
    ///
    /// When the page is damaged or does not exist.
    pub fn page(&mut self, page: usize) -> Result<&Columns, ChunkError> {
        if self.page != Some(page) {
            self.page = None;
            self.read(page)?;
            self.page = Some(page);
        }
        Ok(&self.columns)
    }

    fn read(&mut self, page: usize) -> Result<(), ChunkError> {
        if page >= self.points.div_ceil(PAGE_POINTS) {
            return Err(ChunkError::new("pages", format!("do not include number {page}")));
        }
        let start = page * PAGE_POINTS;
        let end = (start + PAGE_POINTS).min(self.points);
        let columns = &mut self.columns;
        columns.dates.clear();
        columns.numbers.clear();
        columns.texts = super::texts::Texts::default();
        self.main.dates.read_page(page, &mut columns.dates)?;
        self.main.numbers.read_page(page, &mut columns.numbers)?;
        columns.texts.append_from(0, &self.main.texts, start..end);
        parse_numbers(&mut columns.numbers, &columns.texts);
        Ok(())
    }
}
