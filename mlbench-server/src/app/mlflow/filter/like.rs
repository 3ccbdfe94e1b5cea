//! Patterns of `LIKE`.

/// Returns whether a text matches a pattern: `%` matches any characters, `_` one.
///
/// Goes back only to the last `%`. So it takes at most as many steps as the text has characters, times those of the
/// pattern, which the parser bounds.
pub(super) fn is_like(text: &str, pattern: &str) -> bool {
    let (text, pattern): (Vec<char>, Vec<char>) = (text.chars().collect(), pattern.chars().collect());
    let (mut at, mut next) = (0, 0);
    let mut last: Option<(usize, usize)> = None;
    while at < text.len() {
        match pattern.get(next) {
            Some('%') => {
                last = Some((at, next));
                next += 1;
            }
            Some(c) if *c == '_' || *c == text[at] => {
                at += 1;
                next += 1;
            }
            _ => match last {
                Some((begin, percent)) => {
                    last = Some((begin + 1, percent));
                    at = begin + 1;
                    next = percent + 1;
                }
                None => return false,
            },
        }
    }
    pattern[next..].iter().all(|c| *c == '%')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_the_whole_text() {
        for (text, pattern, expected) in [
            ("vision", "vis%", true),
            ("vision", "%ion", true),
            ("vision", "%si%", true),
            ("vision", "v_sion", true),
            ("vision", "vis", false),
            ("vision", "%x%", false),
            ("", "%", true),
            ("", "_", false),
            ("a%b", "a%b", true),
            ("é", "_", true),
            ("abcabd", "%abd", true),
        ] {
            assert_eq!(is_like(text, pattern), expected, "{text} {pattern}");
        }
    }

    #[test]
    fn the_hardest_pattern_for_the_longest_text_ends() {
        let text = "a".repeat(8_000);
        for pattern in [format!("%{}b", "a".repeat(498)), format!("{}b", "%a".repeat(249))] {
            assert!(!is_like(&text, &pattern));
            assert!(is_like(&format!("{text}b"), &pattern));
        }
    }
}
