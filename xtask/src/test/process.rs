//! Runs cargo and shows its output.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;

use crate::repo;

/// Returns whether cargo finds the plugin of a command.
pub(super) fn is_installed(command: &[&str]) -> Result<bool, String> {
    let plugin: Vec<&str> = command.iter().take(1).copied().chain(["--version"]).collect();
    repo::succeeds(repo::cargo(&plugin).stdout(Stdio::null()).stderr(Stdio::null()))
}

/// Runs a command, prints its output line by line, and returns its success and the lines.
pub(super) fn run_and_show(
    mut command: Command,
    env: &[(&str, String)],
) -> Result<(bool, Vec<String>), String> {
    let failed = |error| format!("cannot run cargo: {error}");
    command.envs(env.iter().map(|(name, value)| (name, value)));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(failed)?;
    let (sender, lines) = mpsc::channel();
    for pipe in [child.stdout.take().map(boxed), child.stderr.take().map(boxed)].into_iter().flatten() {
        let sender = sender.clone();
        thread::spawn(move || {
            for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
                if sender.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                    return;
                }
            }
        });
    }
    drop(sender);
    let output: Vec<String> = lines.iter().inspect(|line| println!("{line}")).collect();
    Ok((child.wait().map_err(failed)?.success(), output))
}

fn boxed(pipe: impl Read + Send + 'static) -> Box<dyn Read + Send> {
    Box::new(pipe)
}
