//! Series as JSON, streamed.

use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use mlbench_core::Error;

use super::stream::ByteStream;
use crate::app::metrics::SeriesReader;

/// Writes a list of series.
pub(in crate::http) fn series_list(reader: SeriesReader) -> ByteStream {
    stream::try_unfold((Some(reader), b'['), |(reader, mut before)| async move {
        let Some(mut reader) = reader else { return Ok(None) };
        let (series, last) = reader.next().await?;
        let mut text = Vec::new();
        for one in series {
            text.push(std::mem::replace(&mut before, b','));
            serde_json::to_writer(&mut text, &one).map_err(Error::internal)?;
        }
        if last {
            text.extend_from_slice(if before == b'[' { b"[]" } else { b"]" });
        }
        Ok(Some((Bytes::from(text), ((!last).then_some(reader), before))))
    })
    .boxed()
}
