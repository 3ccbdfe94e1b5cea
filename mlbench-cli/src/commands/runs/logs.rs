use std::collections::VecDeque;
use std::io::{self, Write};
use std::time::Duration;

use mlbench_client::{
    Change, Changes, Client, Event, EventData, LogLine, LogsQuery, Run, RunId, Timestamp, Topic, now,
};
use tokio::time::{Instant, timeout_at};

use crate::args::LogsArgs;
use crate::commands::resolve::resolve_run;
use crate::failure::Failure;
use crate::output::{Layout, Printer, above, eprint_message};

/// How often a terminal shows the newest state of unfinished lines, about which the server sends no events.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// `mlbench runs logs`
pub(crate) async fn logs(client: &Client, args: &LogsArgs) -> Result<(), Failure> {
    let mut run = resolve_run(client, &args.run.run).await?;
    let ranks = if run.run_all_nodes { run.num_workers } else { 1 };
    if let Some(rank) = args.rank.iter().copied().find(|rank| *rank >= ranks) {
        return Err(Failure::UnknownRank { rank, run: run.id, ranks });
    }
    let one_rank = match args.rank.as_slice() {
        [rank] => Some(*rank),
        _ => None,
    };
    let mut reader = Reader {
        client,
        id: run.id,
        query: LogsQuery { rank: one_rank, stream: args.stream.map(Into::into), ..LogsQuery::default() },
        ranks: args.rank.clone(),
        since: args.since.map(|since| since.resolve(now())),
        style: Style { has_rank: one_rank.is_none(), has_date: args.timestamps },
        is_followed: args.follow,
        unfinished: Vec::new(),
        shows_unfinished: true,
        look_at: Instant::now() + LOOK_EVERY,
    };
    let format = args.output.output;
    let mut printer = if args.follow { Printer::stdout(format) } else { Printer::paged(format) };
    print_head(&mut printer)?;
    if args.tail.is_some() || args.since.is_some() {
        for line in reader.begin(args.tail).await? {
            reader.style.print(&mut printer, &line)?;
        }
    }
    reader.print_all(&mut printer).await?;
    if args.follow {
        run = reader.follow(run, &mut printer).await?;
        let reason = run.job_metadata.reason.map(|reason| format!(": {reason}")).unwrap_or_default();
        eprint_message(format_args!("run {} ({:?}) {}{reason}", run.id, run.name.as_str(), run.state));
    }
    Ok(())
}

/// Prints all output of a run until it ends, below which the run itself may be shown.
pub(super) async fn follow_all(client: &Client, run: Run) -> Result<(), Failure> {
    let mut reader = Reader {
        client,
        id: run.id,
        query: LogsQuery::default(),
        ranks: Vec::new(),
        since: None,
        style: Style { has_rank: true, has_date: false },
        is_followed: true,
        unfinished: Vec::new(),
        shows_unfinished: false,
        look_at: Instant::now() + LOOK_EVERY,
    };
    reader.follow(run, &mut Printer::stdout(None)).await?;
    Ok(())
}

/// Reads the output of a run from where it stopped, so that it prints no line twice.
struct Reader<'a> {
    client: &'a Client,
    id: RunId,
    query: LogsQuery,
    /// The ranks whose output is printed. Empty for all.
    ranks: Vec<u32>,
    /// The date before which no line is printed.
    since: Option<Timestamp>,
    style: Style,
    /// Whether the run is active and followed: then an unfinished line is printed once it has its end.
    is_followed: bool,
    /// The unfinished lines when the server was asked last.
    unfinished: Vec<LogLine>,
    /// Whether a terminal shows them.
    shows_unfinished: bool,
    /// When a terminal asks for them again.
    look_at: Instant,
}

impl Reader<'_> {
    /// Prints new output until the run has ended, and returns the run.
    async fn follow(&mut self, mut run: Run, printer: &mut Printer<impl Write>) -> Result<Run, Failure> {
        let mut changes = self.client.changes([Topic::Run(run.id)]);
        while run.is_active() {
            // Read the state before the lines: if the run had ended by then, these lines are its last.
            match self.next(&mut changes, self.shows_unfinished && printer.is_screen()).await? {
                None => self.print_all(printer).await?,
                Some(Change::Look) => {
                    run = self.client.with_retries(|| self.client.runs().get(run.id)).await?;
                    self.print_all(printer).await?;
                }
                Some(Change::Event(Event { data: EventData::Runs(changed), .. })) => {
                    let now = changed.runs.into_iter().find(|changed| changed.id == run.id);
                    run = match now {
                        Some(now) => now,
                        // Reading a deleted run returns the error.
                        None => self.client.with_retries(|| self.client.runs().get(run.id)).await?,
                    };
                }
                Some(Change::Event(Event { data: EventData::Logs(new), .. })) => {
                    self.print_new(&new.lines, printer)?;
                }
                Some(Change::Event(_)) => {}
            }
        }
        self.is_followed = false;
        self.print_all(printer).await?;
        Ok(run)
    }

    /// Waits for the next change. Returns `None` when a terminal should show the unfinished lines anew.
    async fn next(&mut self, changes: &mut Changes, on_screen: bool) -> Result<Option<Change>, Failure> {
        if !on_screen {
            return Ok(Some(changes.next().await?));
        }
        match timeout_at(self.look_at, changes.next()).await {
            Ok(change) => Ok(Some(change?)),
            Err(_) => {
                self.look_at = Instant::now() + LOOK_EVERY;
                Ok(None)
            }
        }
    }

    /// Prints the lines of an event that belong to the query and were not printed.
    fn print_new(&mut self, lines: &[LogLine], printer: &mut Printer<impl Write>) -> io::Result<()> {
        above(|| self.print_new_lines(lines, printer))
    }

    fn print_new_lines(&mut self, lines: &[LogLine], printer: &mut Printer<impl Write>) -> io::Result<()> {
        let LogsQuery { stream, after, .. } = self.query;
        let is_new = |line: &&LogLine| {
            stream.is_none_or(|stream| stream == line.stream) && after.is_none_or(|after| after < line.seq)
        };
        for line in lines.iter().filter(is_new) {
            if self.is_wanted(line) {
                self.style.print(printer, line)?;
            }
            self.query.after = Some(line.seq);
            // A stream has one unfinished line at most, which has ended with this one.
            self.unfinished.retain(|open| (open.rank, open.stream) != (line.rank, line.stream));
        }
        self.show_unfinished(printer)?;
        printer.flush()
    }

    /// Shows the unfinished lines on a terminal.
    fn show_unfinished(&self, printer: &mut Printer<impl Write>) -> io::Result<()> {
        let is_shown = |line: &&LogLine| self.shows_unfinished && self.is_wanted(line);
        let unfinished = self.unfinished.iter().filter(is_shown);
        printer.status(unfinished.map(|line| self.style.shown(line)))
    }

    /// Returns whether the user wants a line, of which the server looks at the stream only.
    fn is_wanted(&self, line: &LogLine) -> bool {
        let is_of_rank = |rank: &u32| Some(*rank) == line.rank;
        (self.ranks.is_empty() || self.ranks.iter().any(is_of_rank))
            && self.since.is_none_or(|since| since <= line.date)
    }

    /// Walks back from the end of the output to the first line to print.
    ///
    /// With `tail`, it returns the last lines, which [`Self::print_all`] then does not print.
    async fn begin(&mut self, tail: Option<u32>) -> Result<VecDeque<LogLine>, Failure> {
        let (mut lines, mut end, mut before) = (VecDeque::new(), None, LogsQuery::END);
        let wanted = tail.map_or(usize::MAX, |tail| tail as usize);
        let limit = tail.filter(|_| self.ranks.len() < 2).unwrap_or(LogsQuery::MAX_LIMIT);
        loop {
            let query = LogsQuery { before: Some(before), limit: Some(limit), ..self.query.clone() };
            let page = self.client.with_retries(|| self.client.runs().logs(self.id, &query)).await?;
            let end = *end.get_or_insert(page.next);
            let first = page.lines.first().map(|line| line.seq);
            for line in page.lines.into_iter().rev() {
                if self.since.is_some_and(|since| line.date < since) {
                    self.query.after = Some(if tail.is_some() { end } else { line.seq });
                    return Ok(lines);
                }
                if tail.is_some() && self.is_wanted(&line) {
                    lines.push_front(line);
                }
                if lines.len() == wanted {
                    self.query.after = Some(end);
                    return Ok(lines);
                }
            }
            let Some(first) = first else {
                self.query.after = tail.map(|_| end);
                return Ok(lines);
            };
            before = first;
        }
    }

    fn print_wanted(&self, lines: &[LogLine], printer: &mut Printer<impl Write>) -> io::Result<()> {
        let mut wanted = lines.iter().filter(|line| self.is_wanted(line));
        wanted.try_for_each(|line| self.style.print(printer, line))?;
        printer.flush()
    }

    async fn print_all(&mut self, printer: &mut Printer<impl Write>) -> Result<(), Failure> {
        loop {
            let page = self.client.with_retries(|| self.client.runs().logs(self.id, &self.query)).await?;
            above(|| self.print_wanted(&page.lines, printer))?;
            self.query.after = Some(page.next);
            if page.lines.is_empty() {
                self.unfinished = page.unfinished;
                if !self.is_followed {
                    let unfinished = std::mem::take(&mut self.unfinished);
                    above(|| self.print_wanted(&unfinished, printer))?;
                }
                self.show_unfinished(printer)?;
                return Ok(printer.flush()?);
            }
        }
    }
}

fn print_head(printer: &mut Printer<impl Write>) -> io::Result<()> {
    match printer.layout() {
        Layout::Csv => printer.csv_row(&["seq", "date", "rank", "stream", "text"]),
        _ => Ok(()),
    }
}

/// What people read before the text of a line.
#[derive(Debug, Clone, Copy)]
struct Style {
    has_rank: bool,
    has_date: bool,
}

impl Style {
    fn print(self, printer: &mut Printer<impl Write>, line: &LogLine) -> io::Result<()> {
        match printer.layout() {
            Layout::Json | Layout::Ndjson => printer.json_line(line),
            Layout::Yaml => printer.document(line),
            Layout::Csv => {
                let rank = line.rank.map(|rank| rank.to_string()).unwrap_or_default();
                let (seq, date) = (line.seq.to_string(), line.date.to_string());
                printer.csv_row(&[&seq, &date, &rank, line.stream.as_str(), &line.text])
            }
            Layout::Table { .. } | Layout::Tabs | Layout::Name => printer.line(self.shown(line)),
        }
    }

    /// Returns a line as people read it.
    fn shown(self, line: &LogLine) -> String {
        let text = if self.has_rank { line.labelled() } else { line.text.clone() };
        if self.has_date { format!("{} {text}", line.date) } else { text }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mlbench_client::{OutputStream, Timestamp};

    fn printed(layout: Layout, rank: Option<u32>, has_rank: bool) -> String {
        let text = "a, b".to_owned();
        let line = LogLine { seq: 7, date: Timestamp::EPOCH, rank, stream: OutputStream::Stdout, text };
        let mut to = Vec::new();
        let mut printer = Printer::new(layout, &mut to);
        print_head(&mut printer).unwrap();
        Style { has_rank, has_date: false }.print(&mut printer, &line).unwrap();
        String::from_utf8(to).unwrap()
    }

    #[test]
    fn a_line_has_its_rank_unless_one_rank_is_selected() {
        assert_eq!(printed(Layout::Tabs, Some(1), true), "[1] a, b\n");
        assert_eq!(printed(Layout::Tabs, None, true), "[mlbench] a, b\n");
        assert_eq!(printed(Layout::Tabs, Some(1), false), "a, b\n");
    }

    #[test]
    fn lines_are_records_in_json_and_csv() {
        let json =
            r#"{"seq":7,"date":"1970-01-01T00:00:00.000000Z","rank":1,"stream":"stdout","text":"a, b"}"#;
        assert_eq!(printed(Layout::Json, Some(1), true), format!("{json}\n"));
        assert_eq!(
            printed(Layout::Csv, None, false),
            "seq,date,rank,stream,text\n7,1970-01-01T00:00:00.000000Z,,stdout,\"a, b\"\n"
        );
    }
}
