//! The modules, items, imports and paths that a file contains.
//!
//! This is no Rust parser. It knows where items begin and how `use` trees and paths are written, which also finds the
//! paths inside macro calls.

use std::collections::BTreeSet;

use super::tokens::{Token, tokens};
use crate::tidy::tree::Source;

/// What a module contains.
#[derive(Debug, Default)]
pub(super) struct Body {
    /// Modules in files of their own.
    pub(super) files: Vec<String>,
    /// Modules in braces.
    pub(super) inline: Vec<(String, Body)>,
    /// The names of all other items.
    pub(super) items: BTreeSet<String>,
    /// The leaves of all `use` trees.
    pub(super) uses: Vec<Use>,
    /// All paths of two segments or more, besides those in `use` trees.
    pub(super) paths: Vec<Path>,
}

/// A leaf of a `use` tree.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Use {
    /// The name it brings into scope, `*` for all names.
    pub(super) name: String,
    /// Where it comes from.
    pub(super) path: Path,
}

/// A path such as `super::Tree`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Path {
    pub(super) segments: Vec<String>,
    pub(super) line: usize,
}

/// Parses a file without its tests.
pub(super) fn parse(source: &Source) -> Body {
    Parser { tokens: tokens(source), at: 0 }.body()
}

struct Parser<'a> {
    tokens: Vec<Token<'a>>,
    at: usize,
}

impl<'a> Parser<'a> {
    fn body(&mut self) -> Body {
        let mut body = Body::default();
        let mut depth = 0_usize;
        while let Some(token) = self.next() {
            match token.text {
                "(" | "[" | "{" => depth += 1,
                ")" | "]" | "}" if depth == 0 => break,
                ")" | "]" | "}" => depth -= 1,
                "use" => self.use_tree(Vec::new(), &mut body.uses),
                "pub" => self.skip_visibility(),
                "mod" if depth == 0 => self.module(&mut body),
                "fn" | "struct" | "enum" | "union" | "trait" | "type" | "static" | "const" if depth == 0 => {
                    body.items.extend(self.item_name());
                }
                "macro_rules" if depth == 0 && self.peek("!") => {
                    self.at += 1;
                    body.items.extend(self.item_name());
                }
                "." if !self.peek(".") => self.skip_field(),
                "::" => self.skip_path(),
                _ if token.is_word() => body.paths.extend(self.path(token)),
                _ => {}
            }
        }
        body
    }

    fn next(&mut self) -> Option<Token<'a>> {
        let token = self.tokens.get(self.at).copied();
        self.at += 1;
        token
    }

    fn peek(&self, text: &str) -> bool {
        self.tokens.get(self.at).is_some_and(|token| token.text == text)
    }

    fn next_if(&mut self, text: &str) -> bool {
        let found = self.peek(text);
        self.at += usize::from(found);
        found
    }

    fn next_word(&mut self) -> Option<Token<'a>> {
        let word = self.tokens.get(self.at).copied().filter(Token::is_word)?;
        self.at += 1;
        Some(word)
    }

    fn module(&mut self, body: &mut Body) {
        let Some(name) = self.next_word().map(|name| name.text.to_owned()) else { return };
        if self.next_if(";") {
            body.files.push(name);
        } else if self.next_if("{") {
            let inner = self.body();
            body.inline.push((name, inner));
        }
    }

    /// The name after `fn` or the like. `const fn` has it after the next keyword.
    fn item_name(&mut self) -> Option<String> {
        let keywords = ["fn", "unsafe", "async", "extern", "mut", "const"];
        while self.tokens.get(self.at).is_some_and(|token| keywords.contains(&token.text)) {
            self.at += 1;
        }
        self.next_word().map(|name| name.text.to_owned())
    }

    /// `pub(in some::path)` names a path but imports nothing.
    fn skip_visibility(&mut self) {
        let restricted = self.tokens.get(self.at + 1).map_or("", |token| token.text);
        if self.peek("(") && ["crate", "self", "super", "in"].contains(&restricted) {
            while self.next().is_some_and(|token| token.text != ")") {}
        }
    }

    /// A field or method after a dot, but not the end of a range `a..b`.
    fn skip_field(&mut self) {
        let is_range = self.at >= 2 && self.tokens[self.at - 2].text == ".";
        if !is_range {
            self.next_word();
        }
    }

    /// The rest of a path that begins with `::` or follows `<T as Trait>`.
    fn skip_path(&mut self) {
        while self.next_word().is_some() && self.next_if("::") {}
    }

    fn path(&mut self, first: Token<'a>) -> Option<Path> {
        let mut segments = vec![first.text.to_owned()];
        while self.peek("::") && self.tokens.get(self.at + 1).is_some_and(Token::is_word) {
            segments.push(self.tokens[self.at + 1].text.to_owned());
            self.at += 2;
        }
        (segments.len() > 1).then_some(Path { segments, line: first.line })
    }

    fn use_tree(&mut self, mut segments: Vec<String>, uses: &mut Vec<Use>) {
        while let Some(token) = self.next() {
            match token.text {
                "::" => {
                    // `::name` is a crate.
                    if segments.is_empty() {
                        segments.push(String::new());
                    }
                }
                "{" => {
                    while !self.next_if("}") && self.at < self.tokens.len() {
                        self.use_tree(segments.clone(), uses);
                        self.next_if(",");
                    }
                    return;
                }
                "*" => {
                    uses.push(Use { name: "*".to_owned(), path: Path { segments, line: token.line } });
                    return;
                }
                _ if token.is_word() => {
                    segments.push(token.text.to_owned());
                    if !self.peek("::") {
                        self.use_leaf(segments, token.line, uses);
                        return;
                    }
                }
                // Not an import: `impl Trait + use<'a>`.
                _ => return,
            }
        }
    }

    fn use_leaf(&mut self, mut segments: Vec<String>, line: usize, uses: &mut Vec<Use>) {
        if segments.len() > 1 && segments.last().is_some_and(|last| last == "self") {
            segments.pop();
        }
        let alias = if self.next_if("as") { self.next_word() } else { None };
        let name = alias.map(|alias| alias.text.to_owned()).or_else(|| segments.last().cloned());
        uses.push(Use { name: name.unwrap_or_default(), path: Path { segments, line } });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tree::Tree;

    fn parsed(text: &str) -> Body {
        let tree = Tree::from_texts([("x/src/lib.rs".to_owned(), text.to_owned())]);
        parse(tree.source("x/src/lib.rs").unwrap())
    }

    fn uses(text: &str) -> Vec<String> {
        let leaf = |leaf: &Use| format!("{} = {}", leaf.name, leaf.path.segments.join("::"));
        parsed(text).uses.iter().map(leaf).collect()
    }

    fn paths(text: &str) -> Vec<String> {
        parsed(text).paths.iter().map(|path| path.segments.join("::")).collect()
    }

    #[test]
    fn every_leaf_of_a_use_tree_is_found() {
        let text = "use a::{self, b::{C, D as E}, f::*, super::G,};\npub(in crate::x) use ::h::I as _;\n";
        let expected = ["a = a", "C = a::b::C", "E = a::b::D", "* = a::f", "G = a::super::G", "_ = ::h::I"];
        assert_eq!(uses(text), expected);
    }

    #[test]
    fn paths_are_found_in_bodies_signatures_and_macro_calls() {
        let text = "fn f(x: super::X) -> crate::Y { v!({\"k\": a::b::<T>()}); x.self_::<U>(); 0..c::D; <T as e::F>::g() }";
        assert_eq!(paths(text), ["super::X", "crate::Y", "a::b", "c::D", "e::F"]);
    }

    #[test]
    fn visibility_single_names_comments_and_tests_are_no_paths() {
        let text = "pub(in crate::a) struct S(pub(super) u8);\n// b::C\n#[cfg(test)]\nmod tests {\n use d::E;\n}\nfn f() { g(); }";
        assert!(paths(text).is_empty() && uses(text).is_empty());
    }

    #[test]
    fn items_and_modules_are_told_apart_by_depth() {
        let text = "mod a;\nmod b { pub const fn c() { struct Local; } }\npub(crate) enum D {}\nstatic mut E: u8 = 0;\nmacro_rules! m { () => {}; }";
        let body = parsed(text);
        assert_eq!(body.files, ["a"]);
        assert_eq!(body.items.iter().collect::<Vec<_>>(), ["D", "E", "m"]);
        assert_eq!(body.inline[0].0, "b");
        assert_eq!(body.inline[0].1.items.iter().collect::<Vec<_>>(), ["c"]);
    }
}
