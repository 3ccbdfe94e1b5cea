//! The tokens of a filter.

use mlbench_core::quote::quote;
use mlbench_core::{Error, Result};

/// Most bytes of a filter.
const MAX_BYTES: usize = 20_000;

/// A token, with its text.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// A name, a keyword or a number.
    Word(String),
    /// A text in single quotes.
    Text(String),
    /// A name in double quotes or backticks, or a text.
    Quoted(String),
    /// A comparison: `=`, `!=`, `<`, `<=`, `>` or `>=`.
    Compare(&'static str),
    /// `(`, `)` or `,`.
    Mark(char),
}

impl Token {
    /// Returns whether the token is this keyword in any letter case.
    pub(super) fn is(&self, keyword: &str) -> bool {
        matches!(self, Self::Word(word) if word.eq_ignore_ascii_case(keyword))
    }
}

const COMPARISONS: [&str; 6] = ["!=", "<=", ">=", "=", "<", ">"];

/// Splits a text of the argument `field`.
///
/// # Errors
/// [`InvalidField`](mlbench_core::ErrorCode::InvalidField).
pub(super) fn split(field: &str, text: &str) -> Result<Vec<Token>> {
    if text.len() > MAX_BYTES {
        let rule = format_args!("has {} bytes; use at most {MAX_BYTES}", text.len());
        return Err(Error::invalid(field, rule));
    }
    let (mut tokens, mut rest) = (Vec::new(), text.trim_start());
    while let Some(first) = rest.chars().next() {
        let (token, length) = match first {
            '(' | ')' | ',' => (Token::Mark(first), 1),
            '\'' | '"' | '`' => quoted(field, first, rest)?,
            '<' | '>' | '=' | '!' => {
                let found = COMPARISONS.into_iter().find(|comparison| rest.starts_with(comparison));
                let found = found.ok_or_else(|| unexpected(field, rest))?;
                (Token::Compare(found), found.len())
            }
            _ => {
                let length = rest.find(|c: char| c.is_whitespace() || "()'\"`,<>=!".contains(c));
                let length = length.unwrap_or(rest.len());
                (Token::Word(rest[..length].to_owned()), length)
            }
        };
        tokens.push(token);
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

/// Reads a text in quotes, in which two of them stand for one.
fn quoted(field: &str, quotes: char, rest: &str) -> Result<(Token, usize)> {
    let (mut text, mut at) = (String::new(), 1);
    while let Some(length) = rest[at..].find(quotes) {
        text.push_str(&rest[at..at + length]);
        at += length + 1;
        if !rest[at..].starts_with(quotes) {
            let token = if quotes == '\'' { Token::Text(text) } else { Token::Quoted(text) };
            return Ok((token, at));
        }
        text.push(quotes);
        at += 1;
    }
    Err(Error::invalid(field, format_args!("{} has no closing quote; add one", quote(rest))))
}

/// The error for what no condition can have here.
pub(super) fn unexpected(field: &str, rest: &str) -> Error {
    let advice = "write conditions such as metrics.loss < 0.5 AND params.model = 'resnet'";
    Error::invalid(field, format_args!("cannot read {}; {advice}", quote(rest)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(text: &str) -> Token {
        Token::Word(text.to_owned())
    }

    #[test]
    fn a_filter_is_split_without_spaces_too() {
        let tokens = split("filter", "metrics.\"val loss\">=-1e-3 and run_id IN('a','it''s')").unwrap();
        let expected = [
            word("metrics."),
            Token::Quoted("val loss".to_owned()),
            Token::Compare(">="),
            word("-1e-3"),
            word("and"),
            word("run_id"),
            word("IN"),
            Token::Mark('('),
            Token::Text("a".to_owned()),
            Token::Mark(','),
            Token::Text("it's".to_owned()),
            Token::Mark(')'),
        ];
        assert_eq!(tokens, expected);
        assert!(tokens[4].is("AND"));
    }

    #[test]
    fn what_has_no_end_is_refused() {
        for text in ["a = 'b", "a ! b", "`", "a = 'b''", &"x".repeat(20_001)] {
            assert!(split("filter", text).unwrap_err().detail().starts_with("filter: "), "{text:.9}");
        }
    }
}
