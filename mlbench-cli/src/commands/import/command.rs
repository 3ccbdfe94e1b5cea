//! `mlbench import`

use std::time::{Duration, Instant};

use mlbench_client::{Client, Run};

use super::batch::{Look, Stop};
use super::discover::{Group, discover, shown};
use super::journal::Mark;
use super::run_import::RunImport;
use super::source::Source;
use super::summary::{Contents, Imported, contents_columns, imported_columns};
use crate::args::ImportArgs;
use crate::commands::resolve::resolve_run;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::output::{List, Printer, eprint_message};

/// Pause between two looks at the files.
const LOOK: Duration = Duration::from_secs(1);
/// How long the last look at the files may take after Ctrl-C.
const LAST_LOOK: Duration = Duration::from_secs(5);

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
    let mut imports = Imports { client, args, run, runs: Vec::new(), interrupt };
    let asked = if args.follow {
        // A batch on its way is never cut off: it would be unknown whether it is stored.
        let asked = imports.follow(groups).await.map_err(|failure| imports.failed(failure))?;
        let look = if asked { Look::Rest } else { Look::Last };
        let deadline = asked.then(|| Instant::now() + LAST_LOOK);
        if !imports.advance(look, deadline).await.map_err(|failure| imports.failed(failure))?.is_done {
            imports.say_how_far();
            return Ok(());
        }
        asked
    } else {
        let asked = tokio::select! {
            result = imports.import(groups) => { result.map_err(|failure| imports.failed(failure))?; false }
            _ = interrupt.asked() => true,
        };
        if asked {
            imports.say_how_far();
            return Ok(());
        }
        false
    };
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
    interrupt: &'a Interrupt,
}

/// What a look at all files has found.
struct Looked {
    /// Whether something was new.
    has_new: bool,
    /// Whether everything was read that is there.
    is_done: bool,
}

impl Imports<'_> {
    /// Imports the files as they are.
    async fn import(&mut self, groups: Vec<Group>) -> Result<(), Failure> {
        self.add(groups).await?;
        self.advance(Look::Last, None).await.map(drop)
    }

    /// Imports the files while they grow. Returns whether Ctrl-C ended it, rather than silence.
    async fn follow(&mut self, mut groups: Vec<Group>) -> Result<bool, Failure> {
        eprint_message("following; Ctrl-C ends the import and its runs");
        let (mut last_new, interrupt) = (Instant::now(), self.interrupt);
        loop {
            tokio::select! {
                added = self.add(groups) => added?,
                _ = interrupt.asked() => return Ok(true),
            }
            if self.advance(Look::Growing, None).await?.has_new {
                last_new = Instant::now();
            }
            if self.args.idle_timeout.is_some_and(|timeout| last_new.elapsed() >= timeout) {
                return Ok(false);
            }
            tokio::select! {
                biased;
                _ = interrupt.asked() => return Ok(true),
                // A file over a network has no event for its growth.
                () = tokio::time::sleep(LOOK.min(self.args.idle_timeout.unwrap_or(LOOK))) => {}
            }
            // A program may be about to write a file anew that is gone for a moment.
            groups = discover(&self.args.paths, self.args.name.as_ref()).unwrap_or_default();
            self.show_life().await?;
        }
    }

    async fn show_life(&mut self) -> Result<(), Failure> {
        for run in &mut self.runs {
            run.show_life().await?;
        }
        Ok(())
    }

    /// Returns whether the user wants to end what would go on.
    async fn is_interrupted(&self) -> bool {
        tokio::select! {
            biased;
            _ = self.interrupt.asked() => true,
            () = std::future::ready(()) => false,
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

    /// Imports what the files have now, until the deadline. Ctrl-C ends a look at growing files.
    async fn advance(&mut self, look: Look, deadline: Option<Instant>) -> Result<Looked, Failure> {
        let mut has_new = false;
        for run in 0..self.runs.len() {
            for source in 0..self.runs[run].sources() {
                while let Some(new) = self.runs[run].step(source, look).await? {
                    has_new |= new;
                    self.show_life().await?;
                    let is_late = deadline.is_some_and(|deadline| Instant::now() >= deadline);
                    if is_late || (look == Look::Growing && self.is_interrupted().await) {
                        return Ok(Looked { has_new, is_done: false });
                    }
                }
            }
        }
        Ok(Looked { has_new, is_done: true })
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
            let mut source = Source::new(found, Mark::default());
            loop {
                let (batch, mark) = source.read(Look::Last);
                let stop = batch.stop.clone();
                source.at = mark;
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
