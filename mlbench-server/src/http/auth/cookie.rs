//! The cookie that holds the secret of a session, never the token.

use hyper::HeaderMap;
use hyper::header::{COOKIE, HOST, HeaderName, HeaderValue};
use hyper::http::uri::Authority;
use mlbench_core::{Error, Result, Timestamp};

use crate::app::sessions::Sessions;
use crate::token::Token;

const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Most cookies of one name that are read.
const MAX_COOKIES: usize = 4;

/// Returns the secret of an open session that a request shows.
pub(in crate::http) fn open_session(
    headers: &HeaderMap,
    sessions: &Sessions,
    now: Timestamp,
) -> Option<String> {
    let name = name(headers);
    let lists = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = lists.flat_map(|list| list.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let secrets = pairs.filter(|(key, _)| *key == name).map(|(_, secret)| secret).take(MAX_COOKIES);
    secrets.into_iter().find(|secret| sessions.is_open(secret, now)).map(str::to_owned)
}

/// Returns the value of `Set-Cookie` for a new session, or one that deletes the cookie.
///
/// # Errors
/// None in practice: the value is ASCII.
pub(in crate::http) fn set_cookie(headers: &HeaderMap, secret: Option<&Token>) -> Result<HeaderValue> {
    let name = name(headers);
    let secure = if is_tls(headers) { "; Secure" } else { "" };
    let (value, age) = secret.map_or(("", "; Max-Age=0"), |secret| (secret.reveal(), ""));
    let cookie = format!("{name}={value}; Path=/; HttpOnly; SameSite=Strict{age}{secure}");
    let mut cookie = HeaderValue::from_str(&cookie).map_err(Error::internal)?;
    cookie.set_sensitive(true);
    Ok(cookie)
}

/// Returns the name of the cookie, with the port that the browser sees.
///
/// A browser sends the cookies of a host to all of its ports, so that two servers on one host would sign each other out.
fn name(headers: &HeaderMap) -> String {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let port = host.and_then(|host| host.parse::<Authority>().ok()?.port_u16());
    format!("mlbench_session_{}", port.unwrap_or(if is_tls(headers) { 443 } else { 80 }))
}

/// Returns whether the proxy in front received the request over TLS, which the server itself does not speak.
fn is_tls(headers: &HeaderMap) -> bool {
    headers.get(FORWARDED_PROTO).is_some_and(|proto| proto.as_bytes().eq_ignore_ascii_case(b"https"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cookie(pairs: &[(&str, &str)], secret: Option<&Token>) -> String {
        let headers = pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        set_cookie(&headers.collect(), secret).unwrap().to_str().unwrap().to_owned()
    }

    #[test]
    fn the_cookie_is_bound_to_the_port_and_closed_to_scripts_and_other_sites() {
        let secret = Token::random().unwrap();
        let begin = format!("mlbench_session_8000={}; Path=/; HttpOnly; SameSite=Strict", secret.reveal());
        assert_eq!(cookie(&[("host", "localhost:8000")], Some(&secret)), begin);
        for (pairs, begin, end) in [
            (vec![("host", "[::1]:9000")], "mlbench_session_9000=", "Strict"),
            (vec![("host", "bench.example")], "mlbench_session_80=", "Strict"),
            (
                vec![("host", "bench.example"), ("x-forwarded-proto", "https")],
                "mlbench_session_443=",
                "Strict; Secure",
            ),
        ] {
            let cookie = cookie(&pairs, Some(&secret));
            assert!(cookie.starts_with(begin) && cookie.ends_with(end), "{cookie}");
        }
        let gone = cookie(&[("host", "localhost:8000")], None);
        assert_eq!(gone, "mlbench_session_8000=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0");
    }
}
