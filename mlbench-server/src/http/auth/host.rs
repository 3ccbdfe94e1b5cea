//! Host and Origin checks: protects a local server from DNS rebinding and cross-site requests.

use std::net::{Ipv4Addr, Ipv6Addr};

use hyper::header::{HOST, HeaderName, ORIGIN};
use hyper::http::request::Parts;
use hyper::http::uri::Authority;
use hyper::{HeaderMap, Method};
use mlbench_core::{Error, ErrorCode, Result};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The host names that requests may be addressed to.
#[derive(Debug)]
pub(in crate::http) struct HostPolicy {
    allowed: Vec<String>,
}

impl HostPolicy {
    /// Allows IP literals, `localhost` and these names.
    pub(in crate::http) fn new(allowed_hosts: &[String]) -> Self {
        let name =
            |host: &String| host.parse().map_or_else(|_| normal(host), |a: Authority| normal(a.host()));
        Self { allowed: allowed_hosts.iter().map(name).collect() }
    }

    /// Checks the head of a request.
    ///
    /// # Errors
    /// [`ErrorCode::ForbiddenHost`], [`ErrorCode::ForbiddenOrigin`].
    pub(in crate::http) fn check(&self, request: &Parts) -> Result<()> {
        let host = self.host(&request.headers)?;
        if let Some(authority) = request.uri.authority() {
            self.check_host(authority.host())?;
        }
        match request.method {
            Method::GET | Method::HEAD | Method::OPTIONS => Ok(()),
            _ => same_site(&request.headers, &host, MAY_ONLY_READ),
        }
    }

    fn host(&self, headers: &HeaderMap) -> Result<Authority> {
        let text = only(headers, HOST).map_err(forbidden_host)?;
        let text = text.ok_or_else(|| forbidden_host("missing"))?;
        let host: Authority = text.parse().map_err(|_| forbidden_host("not a host name"))?;
        if host.as_str().contains('@') {
            return Err(forbidden_host("not a host name"));
        }
        self.check_host(host.host())?;
        Ok(host)
    }

    fn check_host(&self, host: &str) -> Result<()> {
        let host = normal(host);
        let literal = host.parse::<Ipv4Addr>().is_ok() || is_ipv6_literal(&host);
        if literal || host == "localhost" || self.allowed.contains(&host) {
            return Ok(());
        }
        Err(forbidden_host(
            "name not allowed; use localhost or an IP address, or start the server with --allowed-hosts NAME",
        ))
    }
}

/// Normalizes a name: lower case, without the final dot of a fully qualified name.
fn normal(host: &str) -> String {
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

fn is_ipv6_literal(host: &str) -> bool {
    let Some(inner) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) else { return false };
    inner.split('%').next().is_some_and(|address| address.parse::<Ipv6Addr>().is_ok())
}

/// What a page of another site may do.
const MAY_ONLY_READ: &str = "may only read";
/// What a page of another site may do where a response never ends.
const GETS_NO_STREAM: &str = "get no stream of events";

/// Refuses a request for a stream that a page of another site may have sent.
///
/// Such a page could read nothing, but its streams would keep out others.
///
/// # Errors
/// [`ErrorCode::ForbiddenOrigin`].
pub(in crate::http) fn check_same_site(headers: &HeaderMap) -> Result<()> {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).and_then(|host| host.parse().ok());
    same_site(headers, &host.ok_or_else(|| forbidden_host("missing"))?, GETS_NO_STREAM)
}

/// Refuses a request that a page of another site may have sent.
fn same_site(headers: &HeaderMap, host: &Authority, rule: &str) -> Result<()> {
    let forbidden = |detail: String| Err(Error::new(ErrorCode::ForbiddenOrigin, detail));
    match only(headers, SEC_FETCH_SITE) {
        Ok(None | Some("same-origin" | "none")) => {}
        _ => {
            return forbidden(format!(
                "Sec-Fetch-Site: cross-site requests {rule}; send the request from this server's own page"
            ));
        }
    }
    match only(headers, ORIGIN) {
        Ok(None) => Ok(()),
        Ok(Some(origin)) if is_same_origin(origin, host) => Ok(()),
        _ => forbidden(format!(
            "Origin: requests from other origins {rule}; send the request from this server's own page"
        )),
    }
}

fn is_same_origin(origin: &str, host: &Authority) -> bool {
    let Some((scheme, authority)) = origin.split_once("://") else { return false };
    let default_port = match scheme {
        "http" => 80,
        "https" => 443,
        _ => return false,
    };
    let port = |authority: &Authority| authority.port_u16().unwrap_or(default_port);
    authority.parse().is_ok_and(|origin: Authority| {
        normal(origin.host()) == normal(host.host()) && port(&origin) == port(host)
    })
}

/// Returns the value of a header that may be sent at most once.
fn only(headers: &HeaderMap, name: HeaderName) -> Result<Option<&str>, &'static str> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err("sent more than once");
    }
    value.to_str().map(Some).map_err(|_| "not text")
}

fn forbidden_host(rule: &str) -> Error {
    Error::new(ErrorCode::ForbiddenHost, format!("Host: {rule}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::Request;

    fn check(method: Method, uri: &str, headers: &[(&str, &str)]) -> Option<ErrorCode> {
        let policy = HostPolicy::new(&["Lab.Example.org:8000".to_owned()]);
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        policy.check(&parts).err().map(|error| error.code())
    }

    #[test]
    fn addresses_localhost_and_allowed_names_pass() {
        for host in [
            "127.0.0.1:8000",
            "192.168.1.5",
            "[::1]:8000",
            "[::1]",
            "localhost",
            "LocalHost:1",
            "localhost.",
            "lab.example.org",
            "lab.example.org:9000",
            "LAB.EXAMPLE.ORG.",
        ] {
            assert_eq!(check(Method::GET, "/", &[("host", host)]), None, "{host}");
        }
    }

    #[test]
    fn other_hosts_are_forbidden() {
        for host in [
            "example.org",
            "evil.localhost",
            "127.0.0.1.evil.org",
            "127.1",
            "2130706433",
            "user@localhost",
            "",
            "::1",
            "localhost..",
        ] {
            assert_eq!(check(Method::GET, "/", &[("host", host)]), Some(ErrorCode::ForbiddenHost), "{host}");
        }
        assert_eq!(check(Method::GET, "/", &[]), Some(ErrorCode::ForbiddenHost));
        let twice = [("host", "localhost"), ("host", "localhost")];
        assert_eq!(check(Method::GET, "/", &twice), Some(ErrorCode::ForbiddenHost));
        let absolute = check(Method::GET, "http://evil.org/", &[("host", "localhost")]);
        assert_eq!(absolute, Some(ErrorCode::ForbiddenHost));
    }

    #[test]
    fn only_the_same_origin_may_write() {
        for (host, origin, allowed) in [
            ("localhost:8000", "http://localhost:8000", true),
            ("LOCALHOST:8000", "http://localhost:8000", true),
            ("localhost", "http://localhost", true),
            ("localhost:80", "http://localhost", true),
            ("lab.example.org", "https://lab.example.org", true),
            ("[::1]:8000", "http://[::1]:8000", true),
            ("localhost:8000", "http://localhost:8001", false),
            ("localhost:8000", "http://127.0.0.1:8000", false),
            ("localhost:8000", "http://localhost", false),
            ("localhost:8000", "null", false),
            ("localhost:8000", "https://evil.org", false),
            ("localhost:8000", "file://localhost:8000", false),
        ] {
            let headers = [("host", host), ("origin", origin)];
            let expected = (!allowed).then_some(ErrorCode::ForbiddenOrigin);
            assert_eq!(check(Method::POST, "/", &headers), expected, "{headers:?}");
            assert_eq!(check(Method::DELETE, "/", &headers), expected, "{headers:?}");
            assert_eq!(check(Method::GET, "/", &headers), None, "reading is safe: {headers:?}");
        }
    }

    #[test]
    fn cross_site_fetch_metadata_is_refused() {
        for (site, allowed) in
            [("same-origin", true), ("none", true), ("same-site", false), ("cross-site", false)]
        {
            let headers = [("host", "localhost"), ("sec-fetch-site", site)];
            assert_eq!(check(Method::POST, "/", &headers).is_none(), allowed, "{site}");
        }
    }
}
