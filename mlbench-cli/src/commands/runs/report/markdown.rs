//! The report as Markdown, with tables and references to the charts.

use mlbench_client::Comparison;

use super::charts::{Chart, Words};
use crate::commands::runs::comparison::{
    ALL_REDUCE_HEAD, PHASE_HEAD, TIME_HEAD, all_reduce_rows, notes, phase_rows, time_row, title,
};

/// Returns the report.
pub(super) fn markdown(comparison: &Comparison, charts: &[Chart]) -> String {
    let runs = comparison.groups.iter().map(|group| group.runs.len()).sum::<usize>();
    let mut text = format!("# Comparison of {runs} runs\n\nThis is the {}.\n\n", cell(&title(comparison)));
    let times = comparison.groups.iter().map(|group| time_row(comparison, group));
    table(&mut text, TIME_HEAD, &times.collect::<Vec<_>>());
    table(&mut text, PHASE_HEAD, &phase_rows(comparison).collect::<Vec<_>>());
    let all_reduce: Vec<_> = comparison.groups.iter().flat_map(all_reduce_rows).collect();
    table(&mut text, ALL_REDUCE_HEAD, &all_reduce);
    for note in notes(comparison) {
        text.push_str(&format!("- {}\n", cell(&note)));
    }
    for Words { name, title, .. } in charts.iter().map(|chart| &chart.words) {
        text.push_str(&format!("\n## {}\n\n![{}]({name}.svg)\n", cell(title), cell(title)));
    }
    text
}

/// Appends a table, unless it has no rows.
fn table<const N: usize>(text: &mut String, head: [&str; N], rows: &[[String; N]]) {
    if rows.is_empty() {
        return;
    }
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    text.push_str(&line(&head.map(str::to_owned)));
    text.push_str(&format!("|{}\n", "---|".repeat(N)));
    rows.iter().for_each(|row| text.push_str(&line(&row.each_ref().map(|text| cell(text)))));
    text.push('\n');
}

/// Returns a text that Markdown shows as it is.
fn cell(text: &str) -> String {
    let mut cell = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '|' | '*' | '_' | '`' | '<' | '>' | '[' | ']' | '\\' | '#' | '&' | '~' | '$') {
            cell.push('\\');
        }
        cell.push(if c.is_control() { ' ' } else { c });
    }
    cell
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_others_change_no_table() {
        let mut text = String::new();
        table(&mut text, ["a", "b"], &[["x | <b>".to_owned(), "l\ni*ne".to_owned()]]);
        assert_eq!(text, "| a | b |\n|---|---|\n| x \\| \\<b\\> | l i\\*ne |\n\n");
        assert_eq!(cell("<script>&lt;$x$~"), "\\<script\\>\\&lt;\\$x\\$\\~");
    }
}
