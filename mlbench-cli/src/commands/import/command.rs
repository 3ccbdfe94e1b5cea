//! `mlbench import`

use std::time::{Duration, Instant};

use mlbench_client::{Client, Run};

use super::batch::Stop;
use super::discover::{Group, discover, shown};
use super::run_import::RunImport;
use super::source::Source;
use super::summary::{Contents, Imported, contents_columns, imported_columns};
use crate::args::ImportArgs;
use crate::commands::resolve::resolve_run;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::output::{List, Printer, eprint_message};

/// Pause between two looks at the files.
///
/// Not every file system has an event for a file that grows, and none over a network.
const LOOK: Duration = Duration::from_secs(1);

/// Imports files, or shows what they hold.
pub(crate) async fn import(client: &Client, args: &ImportArgs, interrupt: &Interrupt) -> Result<(), Failure> {
    let groups = discover(&args.paths, args.name.as_ref())?;
    if groups.is_empty() && !args.follow {
        let problem = "no event files (events.out.tfevents.*) in it; name files of CSV one by one";
        return Err(Failure::Failed(format!("{}: {problem}", shown(&args.paths[0]))));
    }
    if args.dry_run {
        return show_contents(args, groups);
    }
    let list = List::new(&args.output.options(), &imported_columns())?;
    let run = match &args.run {
        Some(text) => Some(resolve_run(client, text).await.map_err(|failure| failure.of_option("--run"))?),
        None => None,
    };
    let mut imports = Imports { client, args, run, runs: Vec::new() };
    let asked = tokio::select! {
        result = imports.go(groups) => { result.map_err(|failure| imports.failed(failure))?; false }
        _ = interrupt.asked() => true,
    };
    if asked && !args.follow {
        imports.say_how_far();
        return Ok(());
    }
    if args.follow {
        imports.advance(true).await.map_err(|failure| imports.failed(failure))?;
    }
    let imported = imports.end().await?;
    let checked = check(&imported);
    list.print(&mut Printer::stdout(args.output.output.output), imported)?;
    checked?;
    // Ctrl-C is how following ends.
    if asked { Err(Failure::Recorded { code: 0 }) } else { Ok(()) }
}

/// The imports of all runs.
struct Imports<'a> {
    client: &'a Client,
    args: &'a ImportArgs,
    /// The run that gets all points.
    run: Option<Run>,
    runs: Vec<RunImport<'a>>,
}

impl Imports<'_> {
    /// Imports everything, and goes on if the user wants to follow.
    async fn go(&mut self, groups: Vec<Group>) -> Result<(), Failure> {
        self.add(groups).await?;
        if !self.args.follow {
            self.advance(true).await?;
            return Ok(());
        }
        eprint_message("following; Ctrl-C ends the import and its runs");
        let mut last_new = Instant::now();
        loop {
            if self.advance(false).await? {
                last_new = Instant::now();
            }
            if self.args.idle_timeout.is_some_and(|timeout| last_new.elapsed() >= timeout) {
                return Ok(());
            }
            tokio::time::sleep(LOOK.min(self.args.idle_timeout.unwrap_or(LOOK))).await;
            self.add(discover(&self.args.paths, self.args.name.as_ref())?).await?;
            for run in &mut self.runs {
                run.show_life().await?;
            }
        }
    }

    /// Adds runs and files that are not known yet.
    async fn add(&mut self, groups: Vec<Group>) -> Result<(), Failure> {
        if self.args.run.is_some() && groups.len() > 1 {
            return Err(Failure::Failed(format!(
                "--run: the files belong to {} runs ({}, {}, …); import each by itself",
                groups.len(),
                groups[0].name,
                groups[1].name
            )));
        }
        for group in groups {
            match self.runs.iter_mut().find(|run| run.group.from == group.from) {
                Some(run) => run.add(&group.files),
                None => {
                    let begun = RunImport::begin(self.client, self.args, group, self.run.as_ref());
                    self.runs.push(begun.await?);
                }
            }
        }
        Ok(())
    }

    /// Imports what the files have now. Returns whether there was something new.
    async fn advance(&mut self, is_last: bool) -> Result<bool, Failure> {
        let mut has_new = false;
        for run in &mut self.runs {
            has_new |= run.advance(is_last).await?;
        }
        Ok(has_new)
    }

    async fn end(self) -> Result<Vec<Imported>, Failure> {
        let mut imported = Vec::new();
        for run in self.runs {
            imported.push(run.end().await?);
        }
        Ok(imported)
    }

    fn failed(&self, failure: Failure) -> Failure {
        self.say_how_far();
        failure
    }

    fn say_how_far(&self) {
        let points: u64 = self.runs.iter().map(RunImport::points).sum();
        if points > 0 {
            eprint_message(format_args!("imported {points} points; repeat the command to go on from there"));
        }
    }
}

/// Fails if something could not be read.
fn check(imported: &[Imported]) -> Result<(), Failure> {
    let damaged: usize = imported.iter().map(|one| one.damaged.len()).sum();
    let bad: u64 = imported.iter().map(|one| one.bad).sum();
    let problem = match (damaged, bad) {
        (0, 0) => return Ok(()),
        (0, bad) => format!("{bad} of the rows or cells cannot be read"),
        (damaged, 0) => format!("{damaged} of the files cannot be read to the end"),
        (damaged, bad) => {
            format!("{damaged} of the files cannot be read to the end, nor {bad} of the rows or cells")
        }
    };
    let others = if imported.iter().any(|one| one.points > 0) { "; the others are imported" } else { "" };
    Err(Failure::Failed(format!("{problem}{others}")))
}

/// Reads all files and prints what they hold.
fn show_contents(args: &ImportArgs, groups: Vec<Group>) -> Result<(), Failure> {
    let list = List::new(&args.output.options(), &contents_columns())?;
    let (mut all, mut damaged) = (Vec::new(), 0_u64);
    for group in groups {
        let mut contents =
            Contents { name: group.name.to_string(), files: group.files.len(), ..Contents::default() };
        for found in &group.files {
            let mut source = Source::new(found, super::batch::Position::default());
            loop {
                let batch = source.read(true);
                let stop = batch.stop.clone();
                source.at = batch.end;
                for report in &batch.bad.reports {
                    eprint_message(format_args!("mlbench: {}: {report}", shown(&found.path)));
                }
                damaged += batch.bad.count;
                contents.add(batch);
                if stop != Stop::Full {
                    break;
                }
            }
            if let Some(problem) = &source.damage {
                damaged += 1;
                eprint_message(format_args!("mlbench: {}: {problem}", shown(&found.path)));
            }
        }
        all.push(contents);
    }
    list.print(&mut Printer::paged(args.output.output.output), all)?;
    match damaged {
        0 => Ok(()),
        _ => Err(Failure::Failed(format!("{damaged} of the rows, cells or ends of files cannot be read"))),
    }
}
