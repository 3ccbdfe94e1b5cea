//! The table of endpoints: what the server routes, what OPTIONS answers, what the client has a method for.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// The methods of the API. HEAD answers as GET without the body, OPTIONS from the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// Read.
    Get,
    /// Create or act.
    Post,
    /// Remove.
    Delete,
}

impl Method {
    /// The method's name in a request line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Delete => "DELETE",
        }
    }
}

/// One endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Endpoint {
    /// Its name in logs and tests: `resource.action`.
    pub name: &'static str,
    /// Its method.
    pub method: Method,
    /// Its path with a trailing slash where the specification has one; `{…}` stands for one segment. Every path is
    /// served with and without the slash.
    pub path: &'static str,
    /// The status of success.
    pub status: u16,
}

impl Endpoint {
    /// The path with `segments`, encoded, for its `{…}`, in order.
    #[must_use]
    pub fn path_of(&self, segments: &[&str]) -> String {
        let mut segments = segments.iter();
        let parts = self.path.split('/').map(|part| match part.starts_with('{') {
            true => encode_segment(segments.next().copied().unwrap_or_default()),
            false => Cow::Borrowed(part),
        });
        parts.collect::<Vec<_>>().join("/")
    }

    /// Whether this endpoint's path is meant by `path`, with or without a slash at its end.
    #[must_use]
    pub fn is_at(&self, path: &str) -> bool {
        let whole = |path| str::strip_suffix(path, "/").unwrap_or(path);
        let (mut pattern, mut segments) = (whole(self.path).split('/'), whole(path).split('/'));
        loop {
            match (pattern.next(), segments.next()) {
                (None, None) => return true,
                (Some(part), Some(segment)) if part == segment => {}
                (Some(part), Some(segment)) if part.starts_with('{') && !segment.is_empty() => {}
                _ => return false,
            }
        }
    }
}

const fn endpoint(name: &'static str, method: Method, path: &'static str, status: u16) -> Endpoint {
    Endpoint { name, method, path, status }
}

/// Every endpoint of the server.
pub const ENDPOINTS: &[Endpoint] = &[
    endpoint("pods.list", Method::Get, "/api/pods/", 200),
    endpoint("pods.series", Method::Get, "/api/pods/{name}/series/", 200),
    endpoint("metrics.list", Method::Get, "/api/metrics/", 200),
    endpoint("metrics.get", Method::Get, "/api/metrics/{pod_name_or_run_id}/", 200),
    endpoint("metrics.create", Method::Post, "/api/metrics/", 201),
    endpoint("metrics.create_batch", Method::Post, "/api/metrics/batch/", 200),
    endpoint("runs.list", Method::Get, "/api/runs/", 200),
    endpoint("runs.create", Method::Post, "/api/runs/", 200),
    endpoint("runs.get", Method::Get, "/api/runs/{id}/", 200),
    endpoint("runs.delete", Method::Delete, "/api/runs/{id}/", 204),
    endpoint("runs.stop", Method::Post, "/api/runs/{id}/stop/", 200),
    endpoint("runs.logs", Method::Get, "/api/runs/{id}/logs/", 200),
    endpoint("runs.series", Method::Get, "/api/runs/{id}/series/", 200),
    endpoint("health.live", Method::Get, "/healthz", 200),
    endpoint("health.ready", Method::Get, "/readyz", 200),
    endpoint("health.metrics", Method::Get, "/metrics", 200),
];

/// What RFC 3986 leaves unreserved stays; everything else, `/` and `%` too, is encoded.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A text as one segment of a path.
#[must_use]
pub fn encode_segment(text: &str) -> Cow<'_, str> {
    utf8_percent_encode(text, SEGMENT).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_survives_any_text() {
        assert_eq!(encode_segment("worker-0"), "worker-0");
        assert_eq!(encode_segment("a/b c%@ü"), "a%2Fb%20c%25%40%C3%BC");
    }

    #[test]
    fn a_path_takes_its_segments_in_order() {
        let path = |name: &str, segments: &[&str]| {
            ENDPOINTS.iter().find(|endpoint| endpoint.name == name).unwrap().path_of(segments)
        };
        assert_eq!(path("runs.logs", &["7"]), "/api/runs/7/logs/");
        assert_eq!(path("metrics.get", &["a/b"]), "/api/metrics/a%2Fb/");
        assert_eq!(path("health.live", &[]), "/healthz");
    }

    #[test]
    fn a_path_is_told_from_its_neighbours() {
        let at = |method: Method, path: &str| {
            let found: Vec<&str> =
                ENDPOINTS.iter().filter(|e| e.method == method && e.is_at(path)).map(|e| e.name).collect();
            found.join(" ")
        };
        assert_eq!(at(Method::Get, "/api/runs/7/logs"), "runs.logs");
        assert_eq!(at(Method::Get, "/api/runs/7/"), "runs.get");
        assert_eq!(at(Method::Delete, "/api/runs/7"), "runs.delete");
        assert_eq!(at(Method::Post, "/api/metrics"), "metrics.create");
        assert_eq!(at(Method::Get, "/metrics"), "health.metrics");
        for path in ["/", "", "/api/runs//", "/api", "/healthz/x", "/metrics//"] {
            assert_eq!(at(Method::Get, path), "", "{path}");
        }
    }

    #[test]
    fn no_endpoint_is_listed_twice() {
        for (i, a) in ENDPOINTS.iter().enumerate() {
            for b in &ENDPOINTS[i + 1..] {
                assert!(a.name != b.name && (a.method, a.path) != (b.method, b.path), "{}", a.name);
            }
        }
    }
}
