//! Reads filters and orders.

use mlbench_core::quote::quote;
use mlbench_core::{Error, Result};

use super::condition::{Condition, Filter, Key, Test};
use super::order::Order;
use super::tokens::{Token, split, unexpected};

/// An attribute that a search knows.
#[derive(Debug, Clone, Copy)]
pub(in crate::app::mlflow) struct Attribute {
    /// Its name.
    pub(in crate::app::mlflow) name: &'static str,
    /// Another name.
    pub(in crate::app::mlflow) alias: &'static str,
    /// Whether its values are numbers.
    pub(in crate::app::mlflow) number: bool,
}

/// Most conditions of a filter, and most texts of a list.
const MAX_ITEMS: usize = 1_000;
/// Most keys of an order: each one is kept for all that is found.
const MAX_ORDERS: usize = 20;
/// Most characters of all patterns of a filter. Their time grows with their length and with that of the text.
const MAX_PATTERN: usize = 500;
const FIELD: &str = "filter";
const ORDER_BY: &str = "order_by";

/// Reads a filter.
///
/// # Errors
/// [`InvalidField`](mlbench_core::ErrorCode::InvalidField) naming what cannot be read.
pub(in crate::app::mlflow) fn parse_filter(text: &str, attributes: &[Attribute]) -> Result<Filter> {
    let mut tokens =
        Tokens { field: FIELD, tokens: split(FIELD, text)?, next: 0, in_patterns: 0, attributes };
    let mut conditions = Vec::new();
    while tokens.peek().is_some() {
        if !conditions.is_empty() {
            tokens.keyword("AND")?;
        }
        if conditions.len() == MAX_ITEMS {
            return Err(Error::invalid(FIELD, format_args!("has more than {MAX_ITEMS} conditions")));
        }
        conditions.push(tokens.condition()?);
    }
    Ok(Filter(conditions))
}

/// Reads the keys of an order, the items of `order_by`.
///
/// # Errors
/// [`InvalidField`](mlbench_core::ErrorCode::InvalidField) naming what cannot be read, and for too many.
pub(in crate::app::mlflow) fn parse_orders(texts: &[&str], attributes: &[Attribute]) -> Result<Vec<Order>> {
    if texts.len() > MAX_ORDERS {
        let rule = format_args!("has {} keys; use at most {MAX_ORDERS}", texts.len());
        return Err(Error::invalid(ORDER_BY, rule));
    }
    texts.iter().map(|text| parse_order(text, attributes)).collect()
}

/// Reads a key with its direction.
fn parse_order(text: &str, attributes: &[Attribute]) -> Result<Order> {
    let field = ORDER_BY;
    let mut tokens = Tokens { field, tokens: split(field, text)?, next: 0, in_patterns: 0, attributes };
    let (key, _) = tokens.key()?;
    let descending = match tokens.take() {
        None => false,
        Some(token) if token.is("ASC") => false,
        Some(token) if token.is("DESC") => true,
        Some(token) => return Err(unexpected(field, &shown(&token))),
    };
    match tokens.take() {
        None => Ok(Order { key, descending }),
        Some(token) => Err(unexpected(field, &shown(&token))),
    }
}

struct Tokens<'a> {
    field: &'static str,
    tokens: Vec<Token>,
    next: usize,
    /// Characters of the patterns so far.
    in_patterns: usize,
    attributes: &'a [Attribute],
}

impl Tokens<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next)
    }

    fn take(&mut self) -> Option<Token> {
        let token = self.peek().cloned();
        self.next += 1;
        token
    }

    /// Takes the next token if it is this keyword.
    fn takes(&mut self, keyword: &str) -> bool {
        let found = self.peek().is_some_and(|token| token.is(keyword));
        self.next += usize::from(found);
        found
    }

    fn keyword(&mut self, keyword: &str) -> Result<()> {
        if self.takes(keyword) { Ok(()) } else { Err(self.wrong()) }
    }

    /// The error for the next token.
    fn wrong(&self) -> Error {
        match self.peek() {
            Some(token) if token.is("OR") => {
                Error::invalid(self.field, "OR is not supported; search once for each alternative")
            }
            Some(token) => unexpected(self.field, &shown(token)),
            None => Error::invalid(self.field, "ends within a condition; complete it"),
        }
    }

    fn condition(&mut self) -> Result<Condition> {
        let (key, is_number) = self.key()?;
        let test = if self.takes("IS") {
            let not = self.takes("NOT");
            self.keyword("NULL")?;
            Test::Exists(not)
        } else if is_number {
            self.number_test(&key)?
        } else {
            self.text_test()?
        };
        Ok(Condition { key, test })
    }

    /// Reads `metrics.NAME`, `params.NAME`, `tags.NAME`, `attributes.NAME` or an attribute alone.
    fn key(&mut self) -> Result<(Key, bool)> {
        let word = match self.peek() {
            Some(Token::Word(word) | Token::Quoted(word)) => word.clone(),
            _ => return Err(self.wrong()),
        };
        self.next += 1;
        let (kind, name) = word.split_once('.').unwrap_or(("", &word));
        let name = match self.peek() {
            // `metrics.` with its name in quotes.
            Some(Token::Quoted(quoted)) if name.is_empty() && !kind.is_empty() => {
                let name = quoted.clone();
                self.next += 1;
                name
            }
            _ => name.to_owned(),
        };
        match kind.to_ascii_lowercase().as_str() {
            "metrics" | "metric" => Ok((Key::Metric(name), true)),
            "params" | "param" | "parameters" | "parameter" => Ok((Key::Param(name), false)),
            "tags" | "tag" => Ok((Key::Tag(name), false)),
            "attributes" | "attribute" | "attr" | "run" | "" => self.attribute(&name),
            _ => Err(unexpected(self.field, &word)),
        }
    }

    fn attribute(&self, name: &str) -> Result<(Key, bool)> {
        let is = |other: &str| !other.is_empty() && other.eq_ignore_ascii_case(name);
        let found = self.attributes.iter().find(|attribute| is(attribute.name) || is(attribute.alias));
        found.map(|attribute| (Key::Attribute(attribute.name), attribute.number)).ok_or_else(|| {
            let names: Vec<&str> = self.attributes.iter().map(|attribute| attribute.name).collect();
            let known = format!("use metrics.X, params.X, tags.X or one of {}", names.join(", "));
            Error::invalid(self.field, format_args!("{} is no attribute; {known}", quote(name)))
        })
    }

    fn number_test(&mut self, key: &Key) -> Result<Test> {
        let Some(Token::Compare(comparison)) = self.peek() else { return Err(self.wrong()) };
        let comparison = *comparison;
        self.next += 1;
        let number = match self.peek() {
            Some(Token::Word(word)) => word.parse().ok(),
            _ => None,
        };
        let Some(number) = number else {
            let what = match key {
                Key::Metric(name) => format!("metric {}", quote(name)),
                _ => "an attribute of this kind".to_owned(),
            };
            return Err(Error::invalid(self.field, format_args!("compare {what} with a number")));
        };
        self.next += 1;
        Ok(Test::Number(comparison, number))
    }

    fn text_test(&mut self) -> Result<Test> {
        let is = match self.peek() {
            Some(Token::Compare("=")) => true,
            Some(Token::Compare("!=")) => false,
            Some(token) if ["LIKE", "ILIKE"].iter().any(|keyword| token.is(keyword)) => {
                let any_case = token.is("ILIKE");
                self.next += 1;
                return Ok(Test::Like { pattern: self.pattern(any_case)?, any_case });
            }
            _ => {
                let is = !self.takes("NOT");
                self.keyword("IN")?;
                return Ok(Test::OneOf { is, texts: self.list()? });
            }
        };
        self.next += 1;
        Ok(Test::Text { is, text: self.text()? })
    }

    /// Reads the pattern of a `LIKE`, in small letters if it matches any.
    fn pattern(&mut self, any_case: bool) -> Result<String> {
        let text = self.text()?;
        let pattern = if any_case { text.to_lowercase() } else { text };
        self.in_patterns += pattern.chars().count();
        if self.in_patterns > MAX_PATTERN {
            let length = self.in_patterns;
            let rule = format_args!("patterns have {length} characters together; use at most {MAX_PATTERN}");
            return Err(Error::invalid(self.field, rule));
        }
        Ok(pattern)
    }

    fn text(&mut self) -> Result<String> {
        let text = match self.peek() {
            Some(Token::Text(text) | Token::Quoted(text)) => text.clone(),
            Some(Token::Word(word)) => {
                let rule = format_args!("put the text {} in single quotes", quote(word));
                return Err(Error::invalid(self.field, rule));
            }
            _ => return Err(self.wrong()),
        };
        self.next += 1;
        Ok(text)
    }

    /// Reads `('a', 'b')`.
    fn list(&mut self) -> Result<Vec<String>> {
        let mut texts = Vec::new();
        let mut expected = '(';
        loop {
            match self.peek() {
                Some(Token::Mark(mark)) if *mark == expected => self.next += 1,
                Some(Token::Mark(')')) if !texts.is_empty() => {
                    self.next += 1;
                    return Ok(texts);
                }
                _ => return Err(self.wrong()),
            }
            texts.push(self.text()?);
            expected = ',';
        }
    }
}

fn shown(token: &Token) -> String {
    match token {
        Token::Word(text) | Token::Text(text) | Token::Quoted(text) => text.clone(),
        Token::Compare(text) => (*text).to_owned(),
        Token::Mark(mark) => mark.to_string(),
    }
}

#[cfg(test)]
mod tests;
