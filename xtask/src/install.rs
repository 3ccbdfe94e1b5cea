//! `cargo xtask install`: installs the server with its page, and the command line.

use std::process::ExitCode;

use crate::{dashboard, repo};

/// Installs both programs where `cargo install` puts them, or below `--root DIR`.
pub(crate) fn run(args: &[String]) -> Result<ExitCode, String> {
    let root = match args {
        [] => None,
        [flag, dir] if flag == "--root" => Some(dir.as_str()),
        _ => {
            return Err(format!(
                "cargo xtask install {}: unknown option; see cargo xtask help",
                args.join(" ")
            ));
        }
    };
    dashboard::build_for_server();
    for member in ["mlbench-server", "mlbench-cli"] {
        let mut command = vec!["install", "--locked", "--path", member];
        command.extend(root.iter().flat_map(|dir| ["--root", *dir]));
        if !repo::succeeds(&mut repo::cargo(&command))? {
            return Err(format!("{member} was not installed"));
        }
    }
    Ok(ExitCode::SUCCESS)
}
