//! The files of the page, embedded by `build.rs`.

use hyper::HeaderMap;

use crate::http::response::{accepts_brotli, accepts_gzip};

/// A file of the page, whose name contains a hash of its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) struct Asset {
    pub(in crate::http) name: &'static str,
    pub(in crate::http) content: &'static [u8],
    pub(in crate::http) gzip: &'static [u8],
    /// The content compressed by Brotli, empty where the build of the page wrote none.
    pub(in crate::http) brotli: &'static [u8],
}

/// Everything in `dashboard/dist/` when the server was built.
pub(super) const EMBEDDED: &[Asset] = include!(concat!(env!("OUT_DIR"), "/page.rs"));

impl Asset {
    /// Returns the shortest content that the client accepts, and the value of its `Content-Encoding`.
    pub(super) fn packed(&self, headers: &HeaderMap) -> (&'static [u8], Option<&'static str>) {
        let fits = |packed: &[u8]| !packed.is_empty() && packed.len() < self.content.len();
        if fits(self.brotli) && accepts_brotli(headers) {
            (self.brotli, Some("br"))
        } else if fits(self.gzip) && accepts_gzip(headers) {
            (self.gzip, Some("gzip"))
        } else {
            (self.content, None)
        }
    }

    /// Returns the value of `Content-Type`.
    pub(super) fn content_type(&self) -> &'static str {
        match self.name.rsplit('.').next().unwrap_or_default() {
            "js" => "text/javascript; charset=utf-8",
            "css" => "text/css; charset=utf-8",
            "json" => "application/json",
            "svg" => "image/svg+xml",
            "woff2" => "font/woff2",
            "txt" => "text/plain; charset=utf-8",
            _ => "application/octet-stream",
        }
    }
}
