use std::io::{self, Write};
use std::time::Duration;

use mlbench_client::{Client, LogLine, LogsQuery, RunId};

use super::find::find;
use crate::args::LogsArgs;
use crate::failure::Failure;
use crate::output::{Form, Printer, say};

/// The pause between two looks at a run: the API tells what there is, and has no way to tell that there is more.
const PAUSE: Duration = Duration::from_millis(300);

/// `mlbench runs logs`
pub(crate) async fn logs(client: &Client, args: &LogsArgs) -> Result<(), Failure> {
    let mut run = find(client, &args.run.run).await?;
    let mut reader = Reader {
        client,
        id: run.id,
        query: LogsQuery { rank: args.rank, stream: args.stream.map(Into::into), ..LogsQuery::default() },
    };
    let mut printer = Printer::stdout(args.output.output);
    head(&mut printer)?;
    loop {
        // Looked at before the lines are read: when it had ended by then, these are the last.
        let ended = !run.state.is_active();
        reader.print_all(&mut printer).await?;
        if !args.follow || ended {
            break;
        }
        tokio::time::sleep(PAUSE).await;
        run = client.with_retries(|| client.runs().get(run.id)).await?;
    }
    if args.follow {
        let reason = run.job_metadata.reason.map(|reason| format!(": {reason}")).unwrap_or_default();
        say(format_args!("run {} ({:?}) {}{reason}", run.id, run.name.as_str(), run.state));
    }
    Ok(())
}

/// Reads on from where it stopped, so that no line comes twice.
struct Reader<'a> {
    client: &'a Client,
    id: RunId,
    query: LogsQuery,
}

impl Reader<'_> {
    async fn print_all(&mut self, printer: &mut Printer<impl Write>) -> Result<(), Failure> {
        loop {
            let page = self.client.with_retries(|| self.client.runs().logs(self.id, &self.query)).await?;
            for line in &page.lines {
                print(printer, line, self.query.rank.is_some())?;
            }
            printer.flush()?;
            self.query.after = Some(page.next);
            if page.lines.is_empty() {
                return Ok(());
            }
        }
    }
}

fn head(printer: &mut Printer<impl Write>) -> io::Result<()> {
    match printer.form() {
        Form::Csv => printer.csv_row(&["seq", "date", "rank", "stream", "text"]),
        _ => Ok(()),
    }
}

/// A line with its rank; `alone` when all lines are of one rank.
fn print(printer: &mut Printer<impl Write>, line: &LogLine, alone: bool) -> io::Result<()> {
    match printer.form() {
        Form::Json => printer.json_line(line),
        Form::Csv => {
            let rank = line.rank.map(|rank| rank.to_string()).unwrap_or_default();
            let (seq, date) = (line.seq.to_string(), line.date.to_string());
            printer.csv_row(&[&seq, &date, &rank, line.stream.as_str(), &line.text])
        }
        Form::Table { .. } | Form::Tabs if alone => printer.line(&line.text),
        Form::Table { .. } | Form::Tabs => printer.line(line.labelled()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mlbench_client::{OutputStream, Timestamp};

    fn printed(form: Form, rank: Option<u32>, alone: bool) -> String {
        let text = "a, b".to_owned();
        let line = LogLine { seq: 7, date: Timestamp::EPOCH, rank, stream: OutputStream::Stdout, text };
        let mut to = Vec::new();
        let mut printer = Printer::new(form, &mut to);
        head(&mut printer).unwrap();
        print(&mut printer, &line, alone).unwrap();
        String::from_utf8(to).unwrap()
    }

    #[test]
    fn a_line_bears_its_rank_unless_all_are_of_one() {
        assert_eq!(printed(Form::Tabs, Some(1), false), "[1] a, b\n");
        assert_eq!(printed(Form::Tabs, None, false), "[mlbench] a, b\n");
        assert_eq!(printed(Form::Tabs, Some(1), true), "a, b\n");
    }

    #[test]
    fn lines_are_records_for_programs() {
        let json =
            r#"{"seq":7,"date":"1970-01-01T00:00:00.000000Z","rank":1,"stream":"stdout","text":"a, b"}"#;
        assert_eq!(printed(Form::Json, Some(1), true), format!("{json}\n"));
        assert_eq!(
            printed(Form::Csv, None, false),
            "seq,date,rank,stream,text\n7,1970-01-01T00:00:00.000000Z,,stdout,\"a, b\"\n"
        );
    }
}
