//! The order of points: by date, then by arrival number.

/// Returns the rows in sorted order, or `None` if they are sorted.
///
/// Rows without arrival numbers keep their order within a date.
pub(super) fn sorting(dates: &[i64], seqs: &[i64]) -> Option<Vec<u32>> {
    let sorted = match seqs.len() == dates.len() {
        true => dates.iter().zip(seqs).is_sorted(),
        false => dates.is_sorted(),
    };
    if sorted {
        return None;
    }
    let mut order: Vec<u32> = (0..u32::try_from(dates.len()).unwrap_or(u32::MAX)).collect();
    let seq = |row: u32| seqs.get(row as usize).copied().unwrap_or(0);
    order.sort_by_key(|row| (dates[*row as usize], seq(*row)));
    Some(order)
}

/// Puts the rows of a column into another order. Leaves an absent column alone.
pub(super) fn gather<T: Copy>(column: &mut Vec<T>, order: &[u32]) {
    if !column.is_empty() {
        *column = order.iter().map(|row| column[*row as usize]).collect();
    }
}
