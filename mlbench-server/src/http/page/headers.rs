//! The headers that confine the page in the browser.

use hyper::HeaderMap;
use hyper::header::HeaderValue;

/// Headers of every response with HTML.
///
/// The page loads scripts, styles and data from its own origin only, and turns no text into HTML or code.
pub(in crate::http) const SHELL_HEADERS: [(&str, &str); 5] = [
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
         font-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; \
         frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
    ),
    ("cross-origin-opener-policy", "same-origin"),
    ("referrer-policy", "no-referrer"),
    (
        "permissions-policy",
        "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), \
         microphone=(), midi=(), payment=(), usb=()",
    ),
    // A shell from a cache would name the assets of an older server.
    ("cache-control", "no-store"),
];

/// Adds the headers of a response with HTML.
pub(super) fn confine(headers: &mut HeaderMap) {
    for (name, value) in SHELL_HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
}
