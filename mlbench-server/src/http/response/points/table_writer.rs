//! Writes record batches as an Arrow IPC stream or as a Parquet file, in bounded memory.

use arrow_array::RecordBatch;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::SchemaRef;
use arrow_select::concat::concat_batches;
use mlbench_core::{Error, Result};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;

/// Rows that are collected before they are written, so that many small series do not make many small batches.
const BATCH_ROWS: usize = 8_192;
/// The most rows, and about the most bytes, of a row group, which is in memory until it is complete.
const GROUP_ROWS: usize = 256 * 1_024;
const GROUP_BYTES: usize = 4 << 20;

/// The format of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum TableFormat {
    /// An Arrow IPC stream.
    Arrow,
    /// A Parquet file.
    Parquet,
}

/// Writes a table into memory, from which the caller takes what is complete.
pub(super) struct TableWriter {
    schema: SchemaRef,
    pending: Vec<RecordBatch>,
    rows: usize,
    encoder: Encoder,
}

enum Encoder {
    Arrow(Box<StreamWriter<Vec<u8>>>),
    Parquet(Box<ArrowWriter<Vec<u8>>>),
}

impl TableWriter {
    pub(super) fn new(format: TableFormat, schema: SchemaRef) -> Result<Self> {
        let encoder = match format {
            TableFormat::Arrow => {
                let writer = StreamWriter::try_new(Vec::new(), &schema).map_err(Error::internal)?;
                Encoder::Arrow(Box::new(writer))
            }
            TableFormat::Parquet => {
                let properties = WriterProperties::builder()
                    .set_max_row_group_row_count(Some(GROUP_ROWS))
                    .set_max_row_group_bytes(Some(GROUP_BYTES))
                    .build();
                let writer = ArrowWriter::try_new(Vec::new(), schema.clone(), Some(properties));
                Encoder::Parquet(Box::new(writer.map_err(Error::internal)?))
            }
        };
        Ok(Self { schema, pending: Vec::new(), rows: 0, encoder })
    }

    pub(super) const fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Returns the number of bytes to take.
    pub(super) fn written(&self) -> usize {
        match &self.encoder {
            Encoder::Arrow(writer) => writer.get_ref().len(),
            Encoder::Parquet(writer) => writer.inner().len(),
        }
    }

    /// Takes the bytes that are written.
    pub(super) fn take(&mut self) -> Vec<u8> {
        // Both writers only append, and count what they have written themselves.
        std::mem::take(match &mut self.encoder {
            Encoder::Arrow(writer) => writer.get_mut(),
            Encoder::Parquet(writer) => writer.inner_mut(),
        })
    }

    pub(super) fn write(&mut self, batch: RecordBatch) -> Result<()> {
        self.rows += batch.num_rows();
        self.pending.push(batch);
        if self.rows >= BATCH_ROWS { self.write_pending() } else { Ok(()) }
    }

    /// Writes the rest and the end.
    pub(super) fn finish(&mut self) -> Result<()> {
        self.write_pending()?;
        match &mut self.encoder {
            Encoder::Arrow(writer) => writer.finish().map_err(Error::internal),
            Encoder::Parquet(writer) => writer.finish().map(drop).map_err(Error::internal),
        }
    }

    fn write_pending(&mut self) -> Result<()> {
        let pending = std::mem::take(&mut self.pending);
        self.rows = 0;
        if pending.is_empty() {
            return Ok(());
        }
        let batch = concat_batches(&self.schema, &pending).map_err(Error::internal)?;
        match &mut self.encoder {
            Encoder::Arrow(writer) => writer.write(&batch).map_err(Error::internal),
            Encoder::Parquet(writer) => writer.write(&batch).map_err(Error::internal),
        }
    }
}
