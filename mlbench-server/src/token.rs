//! Bearer tokens: the operator's, read from a file, and those of runs, made here.
//!
//! Only hashes are kept and compared, in constant time. A token is shown by nothing: not by `Debug`, not by an error.

use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use mlbench_core::storage::TokenHash;
use mlbench_core::{Error, Result};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// The fewest characters of a token that somebody chose.
const MIN_CHARS: usize = 16;

/// A token in the clear.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

impl Token {
    /// Characters of a token of a run: 256 random bits, in hexadecimal.
    pub const OF_RUN_CHARS: usize = 64;

    /// A new token for the workers of a run.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn random() -> Result<Self> {
        let mut bits = [0; Self::OF_RUN_CHARS / 2];
        getrandom::fill(&mut bits).map_err(Error::internal)?;
        Ok(Self(bits.iter().map(|byte| format!("{byte:02x}")).collect()))
    }

    /// The token in a file, without the white space around it.
    ///
    /// # Errors
    /// One sentence for the operator, without anything of the token.
    pub fn read(file: &Path) -> Result<Self, String> {
        let name = file.display();
        let text = fs::read(file)
            .and_then(|bytes| String::from_utf8(bytes).map_err(|_| io::ErrorKind::InvalidData.into()))
            .map_err(|error| format!("--token-file {name}: cannot be read: {error}"))?;
        let token = text.trim();
        if token.len() < MIN_CHARS {
            return Err(format!(
                "--token-file {name}: the token must have at least {MIN_CHARS} characters, not {}; `openssl rand \
                 -hex 32` makes one",
                token.len()
            ));
        }
        if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(format!(
                "--token-file {name}: the token must be one word of visible ASCII characters, as it travels in a \
                 header"
            ));
        }
        if fs::metadata(file).is_ok_and(|data| data.permissions().mode() & 0o007 != 0) {
            tracing::warn!(
                "--token-file {name} can be read by everybody on this machine; `chmod o= FILE` prevents that"
            );
        }
        Ok(Self(token.to_owned()))
    }

    /// What is kept of it.
    #[must_use]
    pub fn hash(&self) -> TokenHash {
        hash(&self.0)
    }

    /// The token itself, for those who are to show it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// The hash of a token that somebody shows.
#[must_use]
pub fn hash(shown: &str) -> TokenHash {
    TokenHash(Sha256::digest(shown.as_bytes()).into())
}

/// Whether two tokens are the same, in a time that tells nothing.
#[must_use]
pub fn same(one: TokenHash, other: TokenHash) -> bool {
    one.0.ct_eq(&other.0).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content: &[u8]) -> Result<Token, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), content).unwrap();
        Token::read(file.path())
    }

    #[test]
    fn a_token_is_the_word_in_its_file() {
        assert_eq!(read(b"  correct-horse-battery \n").unwrap().reveal(), "correct-horse-battery");
    }

    #[test]
    fn a_file_that_cannot_be_a_token_is_refused_without_showing_it() {
        for content in [&b""[..], b"short", b"two words that are long enough", b"0123456789\xff0123456789"] {
            let refusal = read(content).unwrap_err();
            assert!(refusal.starts_with("--token-file "), "{refusal}");
            assert!(!refusal.contains("short") && !refusal.contains("words that"), "{refusal}");
        }
        let missing = Token::read(Path::new("/nowhere/token")).unwrap_err();
        assert!(missing.contains("/nowhere/token: cannot be read: No such file"), "{missing}");
    }

    #[test]
    fn tokens_of_runs_are_long_and_different() {
        let (one, other) = (Token::random().unwrap(), Token::random().unwrap());
        assert_eq!(one.reveal().len(), Token::OF_RUN_CHARS);
        assert!(one != other && !same(one.hash(), other.hash()) && same(one.hash(), hash(one.reveal())));
    }

    #[test]
    fn the_hash_is_sha_256() {
        // FIPS 180-4, the example "abc".
        assert_eq!(hash("abc").0[..4], [0xba, 0x78, 0x16, 0xbf]);
    }

    #[test]
    fn nothing_prints_a_token() {
        let token = Token::random().unwrap();
        assert!(!format!("{token:?}").contains(token.reveal()));
    }
}
