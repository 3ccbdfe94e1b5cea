//! Which output format a command line asks for, also one that is not valid.

use std::ffi::OsString;

use clap::{ArgMatches, Command};

use super::metrics::PointsFormat;
use crate::output::Format;

/// Returns the format that the arguments of a command ask for.
pub(super) fn format_of(matches: &ArgMatches) -> Option<Format> {
    if let Some((_, matches)) = matches.subcommand() {
        return format_of(matches);
    }
    // Some commands have a file or a directory by this name.
    if let Ok(format) = matches.try_get_one::<Format>("output") {
        return format.copied();
    }
    matches.try_get_one::<PointsFormat>("output").ok()?.and_then(|format| format.printed())
}

/// Returns whether words that are no valid command line ask for JSON or YAML.
pub(super) fn asks_for_json(mut command: &Command, words: &[OsString]) -> bool {
    let words = words.iter().skip(1).map_while(|word| word.to_str().filter(|word| *word != "--"));
    let mut given = None;
    let mut is_value = false;
    for word in words {
        if let Some(inner) = command.find_subcommand(word) {
            command = inner;
        } else if is_value {
            given = Some(word);
        }
        is_value = matches!(word, "-o" | "--output");
        let joined = word.strip_prefix("--output=").or_else(|| word.strip_prefix("-o="));
        given = joined.or_else(|| word.strip_prefix("-o").filter(|value| !value.is_empty())).or(given);
    }
    let mut options = command.get_arguments();
    let output = options.find(|option| option.get_long() == Some("output"));
    let has_json = |value: &str| ["json", "yaml", "ndjson"].contains(&value);
    let Some(given) = given.filter(|value| has_json(value)) else { return false };
    match output {
        Some(output) => output.get_possible_values().iter().any(|value| value.get_name() == given),
        // The command itself is what is missing or mistyped.
        None => command.has_subcommands(),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::args::Cli;

    #[test]
    fn a_command_line_that_is_not_valid_asks_for_json() {
        let asks = |line: &str| {
            let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            asks_for_json(&Cli::command(), &words)
        };
        assert!(asks("mlbench runs list --state bad -o json"));
        assert!(asks("mlbench metrics --rnu 1 --output=yaml"));
        assert!(asks("mlbench --url http://x runs start -ojson") && asks("mlbench pods --x -o ndjson"));
        assert!(asks("mlbench runs strat -o json") && asks("mlbench -o yaml"));
        assert!(!asks("mlbench runs list --state bad") && !asks("mlbench runs list --bad -o csv"));
        assert!(!asks("mlbench runs report --output json"), "that is a directory");
        assert!(!asks("mlbench runs record --nmae x -- echo -o json"), "the command's own");
        assert!(!asks("mlbench runs list -o"));
    }
}
