//! `mlbench runs report`

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

use mlbench_client::{Client, Comparison};

use super::charts::{Chart, charts, png, svg};
use super::markdown::markdown;
use crate::args::ReportArgs;
use crate::commands::runs::compare::{fetch, print};
use crate::commands::runs::groups::columns;
use crate::failure::Failure;
use crate::output::{Layout, List, ListOptions, Printer, eprint_message};

/// Most letters that a message names.
const MAX_LETTERS: usize = 10;

/// Compares runs, prints the table and writes the files of the report.
pub(crate) async fn report(client: &Client, args: &ReportArgs) -> Result<(), Failure> {
    let comparison = fetch(client, &args.compared).await?;
    write_report(&comparison, &args.output)?;
    show(&mut Printer::stdout(None), &comparison)
}

/// Prints a comparison as `mlbench runs compare` does.
fn show(printer: &mut Printer<impl Write>, comparison: &Comparison) -> Result<(), Failure> {
    let options = ListOptions::default();
    print(printer, &options, &List::new(&options, &columns())?, comparison)
}

/// Writes the files of a report, and says which.
pub(crate) fn write_report(comparison: &Comparison, directory: &Path) -> Result<(), Failure> {
    let failed =
        |error: String| Failure::Failed(format!("--output: cannot write {}: {error}", directory.display()));
    let mut csv = Vec::new();
    show(&mut Printer::new(Layout::Csv, &mut csv), comparison)?;
    let mut json = Vec::new();
    show(&mut Printer::new(Layout::Json, &mut json), comparison)?;
    let charts = charts(comparison);
    let mut files = vec![
        ("report.md".to_owned(), markdown(comparison, &charts).into_bytes()),
        ("comparison.csv".to_owned(), without_formulas(&csv).map_err(|error| failed(error.to_string()))?),
        ("comparison.json".to_owned(), json),
    ];
    for chart in &charts {
        files.push((format!("{}.svg", chart.words.name), svg(chart).map_err(failed)?.into_bytes()));
        files.push((
            format!("{}.png", chart.words.name),
            png(chart).map_err(|error| failed(error.to_string()))?,
        ));
    }
    let write = || -> io::Result<()> {
        fs::create_dir_all(directory)?;
        files.iter().try_for_each(|(name, content)| {
            let named = |error: io::Error| io::Error::new(error.kind(), format!("{name}: {error}"));
            fs::write(directory.join(name), content).map_err(named)
        })
    };
    write().map_err(|error| failed(error.to_string()))?;
    let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    eprint_message(format_args!("wrote {}: {}", directory.display(), names.join(", ")));
    let missing: BTreeSet<char> = charts.iter().flat_map(Chart::missing_letters).collect();
    if !missing.is_empty() {
        let some: Vec<String> = missing.iter().take(MAX_LETTERS).map(char::to_string).collect();
        let more = if missing.len() > MAX_LETTERS { " …" } else { "" };
        let letters = some.join(" ");
        eprint_message(format_args!("PNG: the font has no {letters}{more}; the SVG files show them"));
    }
    Ok(())
}

/// Returns CSV whose cells a spreadsheet does not take for formulas.
fn without_formulas(csv: &[u8]) -> Result<Vec<u8>, csv::Error> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(csv);
    let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
    for row in reader.records() {
        let row = row?;
        let is_formula =
            |cell: &str| cell.starts_with(['=', '+', '-', '@', '\t']) && cell.parse::<f64>().is_err();
        let safe = row.iter().map(|cell| if is_formula(cell) { format!("'{cell}") } else { cell.to_owned() });
        writer.write_record(safe)?;
    }
    writer.into_inner().map_err(|error| csv::Error::from(io::Error::other(error.to_string())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_no_formulas_of_a_spreadsheet() {
        let csv = "label,value\n=1+1,-0.5\n\"@x, \"\"y\"\"\",2\n";
        let safe = String::from_utf8(without_formulas(csv.as_bytes()).unwrap()).unwrap();
        assert_eq!(safe, "label,value\n'=1+1,-0.5\n\"'@x, \"\"y\"\"\",2\n");
    }
}
