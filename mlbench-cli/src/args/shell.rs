//! Arguments of `mlbench completions` and `mlbench man`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

#[derive(Debug, Args)]
#[command(after_help = "\
The Tab key then completes commands, options, and the names of runs and pods, which the server is asked for.

Examples:
  source <(mlbench completions bash)              # in ~/.bashrc
  source <(mlbench completions zsh)               # in ~/.zshrc, after compinit
  mlbench completions fish | source               # in ~/.config/fish/config.fish
  mlbench completions powershell | Out-String | Invoke-Expression  # in $PROFILE")]
pub(crate) struct CompletionsArgs {
    /// Shell that reads the script
    #[arg(value_enum, value_name = "SHELL")]
    pub(crate) shell: Shell,
}

/// A shell that can complete command lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Shell {
    Bash,
    Zsh,
    Fish,
    Powershell,
}

impl Shell {
    /// The variable with the name of the shell whose command line is to be completed.
    pub(crate) const VARIABLE: &str = "MLBENCH_COMPLETE";

    /// Returns whether a shell asks for the candidates of a command line.
    pub(crate) fn asks() -> bool {
        std::env::var_os(Self::VARIABLE).is_some_and(|shell| !shell.is_empty())
    }

    /// Returns the name that the user writes.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Bash => "bash",
            Self::Zsh => "zsh",
            Self::Fish => "fish",
            Self::Powershell => "powershell",
        }
    }
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  mlbench man ~/.local/share/man/man1 && man mlbench-runs-start")]
pub(crate) struct ManArgs {
    /// Directory for the pages, which must exist
    #[arg(value_name = "DIR")]
    pub(crate) dir: PathBuf,
}
