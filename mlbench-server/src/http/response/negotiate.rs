//! Accept to media type (RFC 9110, section 12.5.1), and the one parser of quality values.
//!
//! Every type gets the quality of the most specific range that covers it. The highest quality wins; of equal ones, a type
//! that is named in full beats one that a wildcard covers. Between types that are equal in both, a client that names
//! `text/javascript` as highly as JSON gets `text/javascript`, as in the specification's example (`Accept:
//! application/json, text/javascript`); one that only sends `*/*` or `application/*`, like curl and browsers, gets
//! `application/json`.

use hyper::HeaderMap;
use hyper::header::ACCEPT;
use mlbench_core::api::Format;
use mlbench_core::{Error, ErrorCode, Result};

/// The media type of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum MediaType {
    /// JSON under the name that the specification's examples have.
    Javascript,
    /// JSON.
    Json,
    /// An archive of JSON files.
    Zip,
    /// A JSON object per line.
    NdJson,
    /// A table as text.
    Csv,
    /// A table as a stream of Apache Arrow record batches.
    Arrow,
    /// A table as an Apache Parquet file.
    Parquet,
    /// A stream of events.
    EventStream,
}

impl MediaType {
    /// Types of every response with a body.
    pub(in crate::http) const JSON: &'static [Self] = &[Self::Javascript, Self::Json];
    /// Types of metrics.
    pub(in crate::http) const METRICS: &'static [Self] =
        &[Self::Javascript, Self::Json, Self::Zip, Self::NdJson, Self::Csv, Self::Arrow, Self::Parquet];

    /// The type of a stream of events.
    pub(in crate::http) const EVENTS: &'static [Self] = &[Self::EventStream];

    /// Returns the type of a format.
    pub(in crate::http) const fn of(format: Format) -> Self {
        match format {
            Format::Json => Self::Json,
            Format::NdJson => Self::NdJson,
            Format::Csv => Self::Csv,
            Format::Arrow => Self::Arrow,
            Format::Parquet => Self::Parquet,
            Format::Zip => Self::Zip,
        }
    }

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Javascript => "text/javascript",
            Self::Json => "application/json",
            Self::Zip => "application/zip",
            Self::NdJson => "application/x-ndjson",
            Self::Csv => "text/csv",
            Self::Arrow => "application/vnd.apache.arrow.stream",
            Self::Parquet => "application/vnd.apache.parquet",
            Self::EventStream => "text/event-stream",
        }
    }

    /// Returns the type with its parameters, the value of `Content-Type`.
    pub(super) const fn content_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8; header=present",
            other => other.as_str(),
        }
    }

    /// Returns whether compression makes it smaller.
    pub(super) fn is_compressible(self) -> bool {
        !matches!(self, Self::Zip | Self::Parquet | Self::EventStream)
    }

    /// Returns the preference for a type that a range of this specificity covers.
    fn rank(self, specificity: u8) -> u8 {
        match self {
            _ if specificity == EXACT => 2,
            Self::Json => 1,
            Self::Javascript
            | Self::Zip
            | Self::NdJson
            | Self::Csv
            | Self::Arrow
            | Self::Parquet
            | Self::EventStream => 0,
        }
    }
}

/// Specificity of a range without a wildcard.
const EXACT: u8 = 2;

/// Returns the best of `offered`. The first of equals.
///
/// # Errors
/// [`ErrorCode::NotAcceptable`] naming the types on offer.
pub(in crate::http) fn negotiate(headers: &HeaderMap, offered: &[MediaType]) -> Result<MediaType> {
    let ranges: Vec<Range<'_>> = ranges(headers).collect();
    if ranges.is_empty() {
        return Ok(if offered == MediaType::EVENTS { MediaType::EventStream } else { MediaType::Json });
    }
    let mut best: Option<((u16, u8), MediaType)> = None;
    for &media in offered {
        let covering = ranges.iter().filter_map(|range| Some((range.covers(media.as_str())?, range.quality)));
        let Some((specificity, quality)) = covering.max_by_key(|(specificity, _)| *specificity) else {
            continue;
        };
        let merit = (quality, media.rank(specificity));
        if quality > 0 && best.is_none_or(|(other, _)| merit > other) {
            best = Some((merit, media));
        }
    }
    best.map(|(_, media)| media).ok_or_else(|| {
        let names: Vec<&str> = offered.iter().map(|media| media.as_str()).collect();
        let detail = format!("Accept: no acceptable type; available: {}", names.join(", "));
        Error::new(ErrorCode::NotAcceptable, detail)
    })
}

/// Returns whether the client names HTML, as browsers do for what they show.
pub(in crate::http) fn accepts_html(headers: &HeaderMap) -> bool {
    ranges(headers).any(|range| range.covers("text/html") == Some(EXACT) && range.quality > 0)
}

fn ranges(headers: &HeaderMap) -> impl Iterator<Item = Range<'_>> {
    let lists = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    lists.flat_map(|list| list.split(',')).filter_map(Range::parse)
}

/// An item of `Accept`. Parameters other than `q` are ignored.
struct Range<'a> {
    kind: &'a str,
    subtype: &'a str,
    /// In thousandths.
    quality: u16,
}

impl<'a> Range<'a> {
    fn parse(item: &'a str) -> Option<Self> {
        let mut parts = item.split(';').map(str::trim);
        let (kind, subtype) = parts.next()?.split_once('/')?;
        Some(Self { kind, subtype, quality: quality(parts)? })
    }

    /// Returns how specifically the range covers a type, or `None`.
    fn covers(&self, media: &str) -> Option<u8> {
        let (kind, subtype) = media.split_once('/')?;
        match (self.kind, self.subtype) {
            ("*", "*") => Some(0),
            (a, "*") if a.eq_ignore_ascii_case(kind) => Some(1),
            (a, b) if a.eq_ignore_ascii_case(kind) && b.eq_ignore_ascii_case(subtype) => Some(EXACT),
            _ => None,
        }
    }
}

/// Reads the quality value of an item in thousandths, 1000 without one and `None` for a bad one.
pub(super) fn quality<'a>(mut parameters: impl Iterator<Item = &'a str>) -> Option<u16> {
    let value = parameters.find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("q").then_some(value.trim())
    });
    value.map_or(Some(1000), thousandths)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number from 0 to 1000")]
fn thousandths(quality: &str) -> Option<u16> {
    let number: f32 = quality.parse().ok()?;
    (0.0..=1.0).contains(&number).then_some((number * 1000.0).round() as u16)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::HeaderValue;

    fn negotiated(accept: &str) -> Option<&'static str> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_str(accept).unwrap());
        negotiate(&headers, MediaType::METRICS).ok().map(MediaType::as_str)
    }

    #[test]
    fn the_example_of_the_specification_gets_text_javascript() {
        for accept in [
            "application/json, text/javascript",
            "text/javascript, application/json",
            "application/json, text/javascript, */*; q=0.01",
            "text/javascript",
            "Text/JavaScript;charset=utf-8",
            "text/*",
            "application/json;q=0.5, text/javascript",
        ] {
            assert_eq!(negotiated(accept), Some("text/javascript"), "{accept}");
        }
    }

    #[test]
    fn other_clients_get_json() {
        for accept in [
            "*/*",
            "application/*",
            "application/json",
            "application/json, text/plain, */*",
            "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
            "application/json, text/javascript;q=0.5",
            "application/json, text/*",
            "application/zip;q=0.9, application/json",
            "application/json, application/zip",
            "",
            "nonsense",
        ] {
            assert_eq!(negotiated(accept), Some("application/json"), "{accept}");
        }
    }

    #[test]
    fn a_zip_must_be_named() {
        assert_eq!(negotiated("application/zip"), Some("application/zip"));
        assert_eq!(negotiated("application/zip, */*;q=0.1"), Some("application/zip"));
    }

    #[test]
    fn a_type_that_is_not_offered_is_not_acceptable() {
        for accept in ["text/html", "application/xml, image/*", "application/json;q=0", "*/*;q=0"] {
            assert_eq!(negotiated(accept), None, "{accept}");
        }
    }

    #[test]
    fn the_most_specific_range_decides_whatever_the_order() {
        assert_eq!(negotiated("*/*;q=1, application/json;q=0, text/javascript;q=0"), Some("application/zip"));
        assert_eq!(negotiated("application/json;q=0.2, */*;q=0.8"), Some("text/javascript"));
    }
}
