//! Splits Rust text into code, comments and literals, each with the lines and columns of the original.

/// The three layers of a file. In each, blanks replace the other two.
#[derive(Debug)]
pub(super) struct Layers {
    /// Code. Literals keep only their first and last character: the quotes, or the prefix of a raw string.
    pub(super) code: String,
    /// Comments with their slashes.
    pub(super) comments: String,
    /// Literals with their quotes.
    pub(super) literals: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Code,
    Comment,
    Literal,
}

/// Splits a file into its layers.
pub(super) fn split(text: &str) -> Layers {
    let empty = || String::with_capacity(text.len());
    let mut layers = Layers { code: empty(), comments: empty(), literals: empty() };
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let word_before = layers.code.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let (length, kind) = match first {
            '/' if rest.starts_with("//") => (rest.find('\n').unwrap_or(rest.len()), Kind::Comment),
            '/' if rest.starts_with("/*") => (block_comment(rest), Kind::Comment),
            '"' => (quoted(rest, '"'), Kind::Literal),
            '\'' => (character(rest), Kind::Literal),
            'r' | 'b' | 'c' if !word_before => (raw_string(rest), Kind::Literal),
            _ => (0, Kind::Code),
        };
        let (length, kind) = if length == 0 { (first.len_utf8(), Kind::Code) } else { (length, kind) };
        let (piece, after) = rest.split_at(length);
        for (index, c) in piece.char_indices() {
            let is_end = index == 0 || index + c.len_utf8() == length;
            let in_code = kind == Kind::Code || (kind == Kind::Literal && is_end);
            let shown = |shown: bool| if shown || c == '\n' { c } else { ' ' };
            layers.code.push(shown(in_code));
            layers.comments.push(shown(kind == Kind::Comment));
            layers.literals.push(shown(kind == Kind::Literal));
        }
        rest = after;
    }
    layers
}

/// The length of a block that begins with `{`, up to its `}`.
pub(crate) fn block_length(code: &str) -> usize {
    let mut depth = 0_usize;
    for (at, byte) in code.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' if depth == 1 => return at,
            b'}' => depth -= 1,
            _ => {}
        }
    }
    code.len()
}

fn block_comment(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < text.len() {
        if text[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if text[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

/// The length of a character literal, 0 for a lifetime.
fn character(text: &str) -> usize {
    let mut chars = text.char_indices().skip(1);
    match (chars.next(), chars.next()) {
        (Some((_, '\\')), _) => quoted(text, '\''),
        (Some(_), Some((at, '\''))) => at + 1,
        _ => 0,
    }
}

/// The length of a raw string (`r"…"`, `br#"…"#`), 0 for anything else.
fn raw_string(text: &str) -> usize {
    let Some(after) = ["br", "cr", "r"].iter().find_map(|prefix| text.strip_prefix(prefix)) else { return 0 };
    let hashes = after.len() - after.trim_start_matches('#').len();
    if !after[hashes..].starts_with('"') {
        return 0;
    }
    let begin = text.len() - after.len() + hashes + 1;
    let end = format!("\"{}", "#".repeat(hashes));
    text[begin..].find(&end).map_or(text.len(), |at| begin + at + end.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "let a = \"x.unwrap()\\\"\"; // unwrap\n/* one\n/* two */ three */ b('\"', '\\'', &'a str)\nr#\"raw \" \"#;\n";

    #[test]
    fn code_holds_no_comment_and_no_literal() {
        let code = split(TEXT).code;
        assert!(!code.contains("unwrap") && !code.contains("three") && !code.contains("raw"), "{code}");
        assert!(code.contains("let a = \"") && code.contains("&'a str)"), "{code}");
    }

    #[test]
    fn comments_and_literals_are_layers_of_their_own() {
        let layers = split(TEXT);
        assert!(layers.comments.contains("// unwrap") && layers.comments.contains("three */"));
        assert!(!layers.comments.contains("x.unwrap()") && !layers.comments.contains("raw"));
        assert!(layers.literals.contains("\"x.unwrap()\\\"\"") && layers.literals.contains("raw"));
        assert!(!layers.literals.contains("let") && !layers.literals.contains("three"));
    }

    #[test]
    fn every_layer_keeps_the_lines() {
        let layers = split(TEXT);
        for layer in [&layers.code, &layers.comments, &layers.literals] {
            assert_eq!(layer.lines().count(), TEXT.lines().count());
        }
    }
}
