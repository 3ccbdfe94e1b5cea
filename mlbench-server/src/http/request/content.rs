//! Content-Type and Content-Encoding of a request.

use hyper::HeaderMap;
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE};
use mlbench_core::quote::quote;
use mlbench_core::{Error, ErrorCode, Result};

/// What a body is written in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ContentType {
    /// No `Content-Type`.
    Unlabelled,
    Json,
    /// `application/x-www-form-urlencoded`, as `curl -d` also labels JSON.
    Form,
    Multipart {
        boundary: String,
    },
    Ndjson,
    /// Any other type, in lower case.
    Other(String),
}

impl ContentType {
    /// Reads the header.
    ///
    /// # Errors
    /// [`ErrorCode::Malformed`] for multipart without a boundary.
    pub(super) fn of(headers: &HeaderMap) -> Result<Self> {
        let Some(value) = headers.get(CONTENT_TYPE) else { return Ok(Self::Unlabelled) };
        let text = String::from_utf8_lossy(value.as_bytes());
        let (essence, parameters) = text.split_once(';').unwrap_or((&text, ""));
        let essence = essence.trim().to_ascii_lowercase();
        Ok(match essence.as_str() {
            "" => Self::Unlabelled,
            "application/json" | "text/json" => Self::Json,
            "application/x-www-form-urlencoded" => Self::Form,
            "application/x-ndjson"
            | "application/ndjson"
            | "application/jsonl"
            | "application/x-jsonlines" => Self::Ndjson,
            "multipart/form-data" => {
                let boundary = multer::parse_boundary(format!("{essence};{parameters}"));
                let missing = "Content-Type: multipart/form-data without a boundary; add boundary=…";
                Self::Multipart { boundary: boundary.map_err(|_| Error::new(ErrorCode::Malformed, missing))? }
            }
            other if other.ends_with("+json") => Self::Json,
            _ => Self::Other(essence),
        })
    }

    /// Refuses this type where only `supported` ones are read.
    pub(super) fn unsupported(&self, supported: &str) -> Error {
        let name = match self {
            Self::Unlabelled => "",
            Self::Json => "application/json",
            Self::Form => "application/x-www-form-urlencoded",
            Self::Multipart { .. } => "multipart/form-data",
            Self::Ndjson => "application/x-ndjson",
            Self::Other(name) => name,
        };
        let detail = format!("Content-Type: unsupported {}; use {supported}", quote(name));
        Error::new(ErrorCode::UnsupportedMediaType, detail)
    }
}

/// How a body is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ContentEncoding {
    Identity,
    Gzip,
}

impl ContentEncoding {
    /// Reads the header.
    ///
    /// # Errors
    /// [`ErrorCode::UnsupportedMediaType`] naming what is supported.
    pub(super) fn of(headers: &HeaderMap) -> Result<Self> {
        let names: Vec<String> = headers
            .get_all(CONTENT_ENCODING)
            .iter()
            .map(|value| String::from_utf8_lossy(value.as_bytes()).trim().to_ascii_lowercase())
            .collect();
        match names.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            [] | ["" | "identity"] => Ok(Self::Identity),
            ["gzip" | "x-gzip"] => Ok(Self::Gzip),
            _ => Err(unsupported_encoding(&names.join(", "), "use gzip, or send the body uncompressed")),
        }
    }

    /// Refuses a compressed body.
    ///
    /// # Errors
    /// [`ErrorCode::UnsupportedMediaType`].
    pub(super) fn identity_only(headers: &HeaderMap) -> Result<()> {
        match headers.get(CONTENT_ENCODING) {
            Some(value) if !value.as_bytes().eq_ignore_ascii_case(b"identity") => {
                let name = String::from_utf8_lossy(value.as_bytes());
                Err(unsupported_encoding(&name, "send the body uncompressed"))
            }
            _ => Ok(()),
        }
    }
}

fn unsupported_encoding(name: &str, advice: &str) -> Error {
    let detail = format!("Content-Encoding: unsupported {}; {advice}", quote(name));
    Error::new(ErrorCode::UnsupportedMediaType, detail)
}
