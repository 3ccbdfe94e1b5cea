//! The version of this program, and how it differs from that of the server.

use mlbench_client::Client;
use mlbench_core::quote::shorten;

use crate::output::eprint_message;

/// The version with the commit of a release build and its date: `0.1.0 (1a2b3c4d5 2026-11-27)`.
pub(crate) const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), " (", env!("MLBENCH_BUILD"), ")");

/// Says that the server has another version, if it has responded and that is so.
pub(crate) fn report_difference(client: &Client) {
    if let Some(server) = client.server_version().filter(|server| differ(VERSION, server)) {
        let server = shorten(server);
        eprint_message(format_args!(
            "mlbench: this program has version {VERSION}, the server {server}; install the same version of both"
        ));
    }
}

/// Returns whether two versions have different numbers or different commits, where both commits are known.
fn differ(one: &str, other: &str) -> bool {
    let [(one, its), (other, theirs)] = [one, other].map(|text| text.split_once(" (").unwrap_or((text, "")));
    one != other || commit(its).zip(commit(theirs)).is_some_and(|(its, theirs)| its != theirs)
}

/// Returns the commit in the rest of a version, such as `1a2b3c4d5 2026-11-27)`.
fn commit(rest: &str) -> Option<&str> {
    let word = rest.split(' ').next()?;
    Some(word).filter(|word| word.len() >= 7 && word.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_differ_by_number_or_by_known_commits() {
        let own = "0.1.0 (1a2b3c4d5 2026-11-27)";
        for same in [own, "0.1.0", "0.1.0 (debug build)", "0.1.0 (unknown commit)", "0.1.0 (1a2b3c4d5"] {
            assert!(!differ(own, same), "{same}");
            assert!(!differ(same, own), "{same}");
        }
        for other in ["0.1.1", "0.2.0 (debug build)", "0.1.0 (1a2b3c4d6 2026-11-27)", ""] {
            assert!(differ(own, other), "{other}");
            assert!(differ(other, own), "{other}");
        }
        assert!(!differ("0.1.0 (debug build)", "0.1.0 (1a2b3c4d6 2026-11-27)"));
    }

    #[test]
    fn the_version_names_the_build() {
        let (number, build) = VERSION.split_once(" (").unwrap();
        assert_eq!(number, env!("CARGO_PKG_VERSION"));
        assert!(build.len() > 1 && build.ends_with(')'), "{VERSION}");
    }
}
