//! Which server the command line and the environment select.

use std::path::PathBuf;

use clap::ArgMatches;
use clap::parser::ValueSource;

use crate::contexts::{Choice, ContextFile, Given};

/// Returns what the command line and the environment say about the server. Empty variables count as unset.
pub(crate) fn choice_of(matches: &ArgMatches) -> Choice {
    let given = |id: &str, variable: &str| {
        let flag =
            matches.try_get_one::<String>(id).ok().flatten().filter(|value| !value.is_empty()).cloned();
        let is_flag = matches.value_source(id) == Some(ValueSource::CommandLine);
        Given { value: if is_flag { flag } else { from_env(variable) }, is_flag }
    };
    Choice {
        url: given("url", "MLBENCH_URL"),
        context: given("context", "MLBENCH_CONTEXT"),
        token_file: matches.try_get_one::<PathBuf>("token_file").ok().flatten().cloned(),
        token: token_from_env(),
        file: context_file(),
    }
}

/// Returns the token in `MLBENCH_TOKEN`.
///
/// No flag accepts a token, because other users can read the arguments of a process.
pub(crate) fn token_from_env() -> Option<String> {
    from_env("MLBENCH_TOKEN")
}

/// Returns the value of a variable. Without one that is text, it counts as unset.
fn from_env(variable: &str) -> Option<String> {
    std::env::var(variable).ok().filter(|value| !value.is_empty())
}

/// Returns where the contexts are: in `XDG_CONFIG_HOME`, else in `.config` of the home directory.
pub(crate) fn context_file() -> Option<ContextFile> {
    let directory = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let config = directory("XDG_CONFIG_HOME").or_else(|| Some(directory("HOME")?.join(".config")));
    config.map(|config| ContextFile::in_directory(&config))
}
