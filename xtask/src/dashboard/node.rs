//! Finds Node, which builds the page.

use std::time::Duration;

use super::tool;

/// The oldest version of Node that the tools of the page support.
const OLDEST: u32 = 20;

const VERSION_TIMEOUT: Duration = Duration::from_secs(20);

/// Checks for Node and npm.
///
/// # Errors
/// A sentence that says what to install.
pub(super) fn find() -> Result<(), String> {
    let version = |program| tool::run(program, &["--version"], VERSION_TIMEOUT);
    let node = version("node").map_err(|_| needs("node is not on PATH"))?;
    if major(&node).is_none_or(|major| major < OLDEST) {
        return Err(needs(&format!("node is {}", node.trim())));
    }
    version("npm").map_err(|_| needs("npm is not on PATH"))?;
    Ok(())
}

fn needs(found: &str) -> String {
    format!(
        "the page needs Node {OLDEST} or newer with npm, but {found}; install it (https://nodejs.org, Debian 13: apt-get \
         install nodejs npm)"
    )
}

fn major(version: &str) -> Option<u32> {
    version.trim().strip_prefix('v')?.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_the_first_number() {
        assert_eq!(major("v20.20.2\n"), Some(20));
        assert_eq!(major("v8.0.0"), Some(8));
        assert_eq!(major("nonsense"), None);
    }
}
