//! `mlbench runs report`

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use mlbench_client::{Client, Comparison};

use super::charts::{charts, png, svg};
use super::markdown::markdown;
use crate::args::ReportArgs;
use crate::commands::runs::compare::{fetch, print};
use crate::commands::runs::groups::columns;
use crate::failure::Failure;
use crate::output::{Layout, List, ListOptions, Printer, eprint_message};

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
        ("comparison.csv".to_owned(), csv),
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
        files.iter().try_for_each(|(name, content)| fs::write(directory.join(name), content))
    };
    write().map_err(|error| failed(error.to_string()))?;
    let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    eprint_message(format_args!("wrote {}: {}", directory.display(), names.join(", ")));
    Ok(())
}
