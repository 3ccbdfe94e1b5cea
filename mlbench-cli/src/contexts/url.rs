//! URLs without user and password, which would be stored and printed as they are.

/// Returns the part of a URL that holds a user or a password, if one does: from the scheme to the host.
fn credentials(url: &str) -> Option<(usize, usize)> {
    let scheme = url.find(':').map_or(0, |colon| colon + 1);
    let begin = scheme + url[scheme..].len() - url[scheme..].trim_start_matches(['/', '\\']).len();
    let end = url[begin..].find(['/', '\\', '?', '#']).map_or(url.len(), |length| begin + length);
    url[begin..end].rfind('@').map(|at| (begin, begin + at + 1))
}

/// Returns a URL without user and password, if it has some.
pub(crate) fn without_credentials(url: &str) -> Option<String> {
    credentials(url).map(|(begin, end)| format!("{}{}", &url[..begin], &url[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_and_passwords_are_found_wherever_a_url_takes_them() {
        for (url, without) in [
            ("http://user:password@host:8000/a", "http://host:8000/a"),
            ("https://token@host", "https://host"),
            ("http:user:p@ss@host", "http:host"),
            ("http:///\\a:b@host?x=1", "http:///\\host?x=1"),
        ] {
            assert_eq!(without_credentials(url).as_deref(), Some(without), "{url}");
        }
        for url in ["http://host:8000", "http://host/a@b", "http://[::1]:8000/", "http://host?a=@", "x y", ""]
        {
            assert_eq!(without_credentials(url), None, "{url}");
        }
    }
}
