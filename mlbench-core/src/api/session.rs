//! Sessions of browsers, which stand for the token of the server.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::fields::Fields;
use crate::error::{Error, Result};

/// The response of `GET /api/session/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct Session {
    /// Whether the server requires a token.
    pub required: bool,
    /// Whether the cookie of the request names a session.
    pub signed_in: bool,
}

/// The body of `POST /api/session/`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct SignIn {
    /// The token of the server.
    pub token: String,
}

impl fmt::Debug for SignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SignIn(..)")
    }
}

impl SignIn {
    /// Parses the fields of a request. White space around the token is not part of it.
    ///
    /// # Errors
    /// [`InvalidField`](crate::error::ErrorCode::InvalidField) or
    /// [`UnknownField`](crate::error::ErrorCode::UnknownField) for the field.
    pub fn from_fields(mut fields: Fields) -> Result<Self> {
        let token = fields.text("token")?.map(|token| token.trim().to_owned());
        fields.finish()?;
        let token = token.filter(|token| !token.is_empty());
        let token =
            token.ok_or_else(|| Error::invalid("token", "missing; enter the token of this server"))?;
        Ok(Self { token })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_without_white_space_and_never_shown() {
        let read = |text: &str| SignIn::from_fields(Fields::from_json(text.as_bytes()).unwrap());
        let sign_in = read(r#"{"token":" correct-horse \n"}"#).unwrap();
        assert_eq!(sign_in.token, "correct-horse");
        assert!(!format!("{sign_in:?}").contains("horse"));
        for body in ["{}", r#"{"token":" "}"#, r#"{"token":"a","user":"b"}"#] {
            assert!(read(body).is_err(), "{body}");
        }
    }
}
