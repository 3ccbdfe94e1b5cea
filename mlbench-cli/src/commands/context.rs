//! `mlbench context`: names for servers. It asks no server.

use std::io::Write;
use std::path::{PathBuf, absolute};

use serde::Serialize;

use super::connect::builder;
use crate::args::{Cli, ContextCommand, context_file};
use crate::contexts::{Context, ContextFile, NoServer, without_credentials};
use crate::failure::Failure;
use crate::harmless::hide_password;
use crate::output::{Cell, Column, Columns, List, Printer, eprint_message};
use crate::unknown_name::UnknownName;

/// `mlbench context`
pub(crate) fn context(cli: &Cli, command: &ContextCommand) -> Result<(), Failure> {
    let file = context_file().ok_or(Failure::NoHome)?;
    match command {
        ContextCommand::Add(args) => add(cli, &file, &args.name),
        ContextCommand::Use(args) => choose(&file, &args.name),
        ContextCommand::Remove(args) => remove(&file, &args.name),
        ContextCommand::List(args) => {
            let options = args.options();
            let list = List::new(&options, &columns())?;
            Ok(list.print(&mut Printer::paged(options.format), rows(&file)?)?)
        }
        ContextCommand::Show(args) => {
            let rows = rows(&file)?;
            let known = || rows.iter().map(|row| row.name.clone()).collect();
            let row = match &args.name {
                Some(name) => {
                    rows.iter().find(|row| row.name == *name).ok_or_else(|| unknown(name, known()))?
                }
                None => rows.iter().find(|row| row.current).ok_or(Failure::NoContext)?,
            };
            show(&mut Printer::stdout(args.output.output), row)
        }
    }
}

fn unknown(name: &str, known: Vec<String>) -> Failure {
    Failure::UnknownName(UnknownName::context(name, known).of_option("context"))
}

fn add(cli: &Cli, file: &ContextFile, name: &str) -> Result<(), Failure> {
    cli.url_flag().ok_or(Failure::NoUrl)?;
    let url = &cli.choice().url_or_default()?;
    // The client knows what a valid URL is.
    builder(url, None).build()?;
    let unreadable = |path: &PathBuf, error| {
        Failure::Server(NoServer::TokenFile { option: "--token-file", path: path.clone(), error })
    };
    let token_file = cli.token_file.as_ref();
    let token_file =
        token_file.map(|path| absolute(path).map_err(|error| unreadable(path, error))).transpose()?;
    let is_current = file.change(|contexts| {
        if contexts.contexts.contains_key(name) {
            return Err(Failure::ContextExists(name.to_owned()));
        }
        let context = Context { url: url.clone(), token: None, token_file };
        contexts.contexts.insert(name.to_owned(), context);
        Ok(contexts.current.get_or_insert_with(|| name.to_owned()) == name)
    })?;
    let current = if is_current { ", the current one" } else { "" };
    eprint_message(format_args!("added context {name:?}{current}"));
    Ok(())
}

fn choose(file: &ContextFile, name: &str) -> Result<(), Failure> {
    let url = file.change(|contexts| match contexts.contexts.get(name) {
        Some(context) => {
            contexts.current = Some(name.to_owned());
            Ok(without_credentials(&context.url).unwrap_or_else(|| context.url.clone()))
        }
        None => Err(unknown(name, contexts.contexts.keys().cloned().collect())),
    })?;
    eprint_message(format_args!("{name:?} is the current context: {url}"));
    Ok(())
}

fn remove(file: &ContextFile, name: &str) -> Result<(), Failure> {
    file.change(|contexts| {
        if contexts.contexts.remove(name).is_none() {
            return Err(unknown(name, contexts.contexts.keys().cloned().collect()));
        }
        contexts.current = contexts.current.take().filter(|current| current != name);
        Ok(())
    })?;
    eprint_message(format_args!("removed context {name:?}"));
    Ok(())
}

/// A context as it is shown.
#[derive(Debug, Clone, Serialize)]
struct Row {
    name: String,
    current: bool,
    url: String,
    /// Where the token is: `stored`, a path, or nothing.
    token: Option<String>,
}

fn rows(file: &ContextFile) -> Result<Vec<Row>, Failure> {
    let contexts = file.read()?;
    let row = |(name, context): (String, Context)| Row {
        current: contexts.current.as_ref() == Some(&name),
        name,
        token: match (context.token, context.token_file) {
            (Some(_), _) => Some("stored".to_owned()),
            (None, file) => file.map(|file| file.display().to_string()),
        },
        url: hide_password(&context.url).into_owned(),
    };
    Ok(contexts.contexts.into_iter().map(row).collect())
}

fn columns() -> Columns<Row> {
    let all = [
        Column::new("name", |row: &Row| Cell::text(&row.name)),
        Column::new("current", |row: &Row| Cell::text(if row.current { "yes" } else { "" })),
        Column::new("url", |row: &Row| Cell::text(&row.url)),
        Column::new("token", |row: &Row| Cell::of(row.token.clone(), Cell::text)),
    ];
    Columns::new(|row: &Row| row.name.clone(), all)
}

fn show(printer: &mut Printer<impl Write>, row: &Row) -> Result<(), Failure> {
    let fields = [
        ("name", Cell::text(&row.name)),
        ("current", Cell::text(if row.current { "yes" } else { "no" })),
        ("url", Cell::text(&row.url)),
        ("token", Cell::text(row.token.as_deref().unwrap_or("none"))),
    ];
    Ok(printer.record(row, row.name.clone(), fields.into_iter())?)
}
