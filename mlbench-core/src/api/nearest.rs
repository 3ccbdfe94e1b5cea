//! Suggestions for misspelt names.

/// Returns the known name that most resembles `unknown`. `None` if all of them are too different.
pub fn nearest<'a>(unknown: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let with_distance = known.into_iter().map(|word| (edit_distance(word, unknown), word));
    let (distance, word) = with_distance.min_by_key(|(distance, _)| *distance)?;
    (distance <= word.len().div_ceil(2)).then_some(word)
}

/// Returns the Levenshtein distance in bytes, computed row by row.
fn edit_distance(a: &str, b: &str) -> usize {
    let b = &b.as_bytes()[..b.len().min(64)];
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let substitute = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = substitute.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
