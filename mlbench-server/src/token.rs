//! Bearer tokens: the operator's token, read from a file, and run tokens, generated here.
//!
//! Only hashes are stored, and they are compared in constant time. Neither `Debug` nor an error message reveals a token.

use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use mlbench_core::storage::TokenHash;
use mlbench_core::{Error, Result};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// Minimum length of an operator's token, in characters.
const MIN_CHARS: usize = 16;

/// A token in plain text.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

impl Token {
    /// Length of a run token in characters: 256 random bits in hexadecimal.
    pub const RUN_TOKEN_CHARS: usize = 64;

    /// Generates a token for the workers of a run.
    ///
    /// # Errors
    /// `internal` when the operating system provides no random bytes.
    pub fn random() -> Result<Self> {
        let mut bits = [0; Self::RUN_TOKEN_CHARS / 2];
        getrandom::fill(&mut bits).map_err(Error::internal)?;
        Ok(Self(bits.iter().map(|byte| format!("{byte:02x}")).collect()))
    }

    /// Reads the token in the file of this flag, without the white space around it.
    ///
    /// # Errors
    /// A message for the operator that contains no part of the token.
    pub fn read(flag: &str, file: &Path) -> Result<Self, String> {
        let name = file.display();
        let text = fs::read(file)
            .and_then(|bytes| String::from_utf8(bytes).map_err(|_| io::ErrorKind::InvalidData.into()))
            .map_err(|error| format!("{flag} {name}: cannot be read: {error}"))?;
        let token = text.trim();
        if token.len() < MIN_CHARS {
            return Err(format!(
                "{flag} {name}: the token has {} characters, at least {MIN_CHARS} are required; create one \
                 with `openssl rand -hex 32`",
                token.len()
            ));
        }
        if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(format!(
                "{flag} {name}: the token contains white space, control or non-ASCII characters; use visible \
                 ASCII characters only"
            ));
        }
        if fs::metadata(file).is_ok_and(|data| data.permissions().mode() & 0o007 != 0) {
            tracing::warn!(
                "{flag} {name}: other users of this machine can read the token; run `chmod o= {name}`"
            );
        }
        Ok(Self(token.to_owned()))
    }

    /// Returns the hash that is stored and compared.
    #[must_use]
    pub fn hash(&self) -> TokenHash {
        hash(&self.0)
    }

    /// Returns the token in plain text, for the environment of the workers.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// Returns the hash of a token as received in a request.
#[must_use]
pub fn hash(token: &str) -> TokenHash {
    TokenHash(Sha256::digest(token.as_bytes()).into())
}

/// Compares two hashes in constant time.
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
        Token::read("--token-file", file.path())
    }

    #[test]
    fn a_token_is_read_without_surrounding_white_space() {
        assert_eq!(read(b"  correct-horse-battery \n").unwrap().reveal(), "correct-horse-battery");
    }

    #[test]
    fn an_invalid_token_file_is_refused_without_revealing_its_content() {
        for content in [&b""[..], b"short", b"two words that are long enough", b"0123456789\xff0123456789"] {
            let refusal = read(content).unwrap_err();
            assert!(refusal.starts_with("--token-file "), "{refusal}");
            assert!(!refusal.contains("short") && !refusal.contains("words that"), "{refusal}");
        }
        let missing = Token::read("--token-file", Path::new("/nowhere/token")).unwrap_err();
        assert!(missing.contains("/nowhere/token: cannot be read: No such file"), "{missing}");
    }

    #[test]
    fn run_tokens_are_long_and_different() {
        let (one, other) = (Token::random().unwrap(), Token::random().unwrap());
        assert_eq!(one.reveal().len(), Token::RUN_TOKEN_CHARS);
        assert!(one != other && !same(one.hash(), other.hash()) && same(one.hash(), hash(one.reveal())));
    }

    #[test]
    fn the_hash_is_sha_256() {
        // FIPS 180-4, the example "abc".
        assert_eq!(hash("abc").0[..4], [0xba, 0x78, 0x16, 0xbf]);
    }

    #[test]
    fn debug_output_does_not_reveal_a_token() {
        let token = Token::random().unwrap();
        assert!(!format!("{token:?}").contains(token.reveal()));
    }
}
