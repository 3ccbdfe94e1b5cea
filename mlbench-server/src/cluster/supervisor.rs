//! Calls to `supervisor.sh`, whose head documents the protocol.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use mlbench_core::Environment;

use super::error::ClusterError;
use super::rank::{RankRef, Task};

/// The script, which a `sh` reads from its standard input before a function call.
pub const SCRIPT: &str = include_str!("supervisor.sh");

/// The environment variable that marks every process of a rank.
pub const WORKER_ID: &str = "MLBENCH_WORKER_ID";

/// Returns the value of [`WORKER_ID`], which is globally unique because two servers may both have a run 3.
#[must_use]
pub fn worker_id(at: &RankRef) -> String {
    format!("{}/{}", at.run.job_id, at.rank)
}

/// Returns the input for `sh` that starts `task` with its files in `dir`.
///
/// # Errors
/// [`ClusterError::Refused`] for a missing program, a NUL byte or an invalid variable name.
pub fn launch_input(dir: &Path, task: &Task) -> Result<Vec<u8>, ClusterError> {
    let mut input = format!("{SCRIPT}\n{}mlbench_launch ", exports(task)?).into_bytes();
    quote(dir.as_os_str().as_bytes(), &mut input)?;
    input.extend_from_slice(launch_arguments(task)?.as_bytes());
    input.extend_from_slice(b"\nexit\n");
    Ok(input)
}

/// Returns the variables that mlbench sets for a task, one `export` per line.
///
/// The user's variables are arguments of the task instead, because one like `PATH` would change the supervisor, too.
///
/// # Errors
/// [`ClusterError::Refused`] for an invalid variable name or a NUL byte.
pub fn exports(task: &Task) -> Result<String, ClusterError> {
    let mut lines = String::new();
    for (name, value) in &task.env {
        if !is_variable_name(name) {
            return Err(ClusterError::Refused(format!("environment: {name:?} is not a valid variable name")));
        }
        if Environment::is_own(name) {
            lines.push_str(&format!("export {name}={}\n", quoted(value)?));
        }
    }
    Ok(lines)
}

/// Returns the arguments after `mlbench_launch DIR`: the worker id, and the command with its variables.
///
/// # Errors
/// [`ClusterError::Refused`] for a missing program or a NUL byte.
pub fn launch_arguments(task: &Task) -> Result<String, ClusterError> {
    if task.argv.is_empty() {
        return Err(ClusterError::Refused("the command is empty".to_owned()));
    }
    let mut arguments = String::new();
    let variables = task.env.iter().filter(|(name, _)| !Environment::is_own(name));
    let mut variables: Vec<String> = variables.map(|(name, value)| format!("{name}={value}")).collect();
    if !variables.is_empty() {
        variables.insert(0, "env".to_owned());
    }
    for word in std::iter::once(&worker_id(&task.at)).chain(&variables).chain(&task.argv) {
        arguments.push(' ');
        arguments.push_str(&quoted(word)?);
    }
    Ok(arguments)
}

/// Returns a word in single quotes, in which a shell interprets nothing.
///
/// # Errors
/// [`ClusterError::Refused`] for a NUL byte.
pub fn quoted(word: &str) -> Result<String, ClusterError> {
    let mut bytes = Vec::with_capacity(word.len() + 2);
    quote(word.as_bytes(), &mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn is_variable_name(name: &str) -> bool {
    !name.starts_with(|c: char| c.is_ascii_digit())
        && !name.is_empty()
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Appends a word in single quotes.
fn quote(word: &[u8], input: &mut Vec<u8>) -> Result<(), ClusterError> {
    input.push(b'\'');
    for &byte in word {
        match byte {
            0 => return Err(ClusterError::Refused("the command contains a NUL byte".to_owned())),
            b'\'' => input.extend_from_slice(br"'\''"),
            _ => input.push(byte),
        }
    }
    input.push(b'\'');
    Ok(())
}

#[cfg(test)]
mod tests {
    use mlbench_core::run::RunKey;
    use mlbench_core::{PodName, RunId};

    use super::*;

    fn task(argv: &[&str], env: &[(&str, &str)]) -> Task {
        let run = RunKey { id: RunId::new(3).unwrap(), job_id: uuid::Uuid::nil() };
        let at = RankRef { run, rank: 1, pod: PodName::new("local-mlbench-worker-1").unwrap() };
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Task {
            at,
            argv: argv.iter().map(|&word| word.to_owned()).collect(),
            env: env.iter().map(owned).collect(),
            num_cpus: None,
            ranks: None,
        }
    }

    #[test]
    fn shell_interprets_nothing_of_a_task() {
        let task = task(&["echo", "it's", "$HOME `ls`\n"], &[("RANK", "'1'")]);
        let input = launch_input(Path::new("/w/run 3"), &task).unwrap();
        let call = String::from_utf8(input).unwrap().split_off(SCRIPT.len());
        assert_eq!(
            call,
            "\nexport RANK=''\\''1'\\'''\nmlbench_launch '/w/run 3' \
             '00000000-0000-0000-0000-000000000000/1' 'echo' 'it'\\''s' '$HOME `ls`\n'\nexit\n"
        );
    }

    #[test]
    fn variables_of_the_user_do_not_reach_the_supervisor() {
        let task = task(&["p"], &[("PATH", "/it's"), ("dir", ""), ("RANK", "1"), ("MLBENCH_URL", "u")]);
        assert_eq!(exports(&task).unwrap(), "export RANK='1'\nexport MLBENCH_URL='u'\n");
        assert_eq!(
            launch_arguments(&task).unwrap(),
            " '00000000-0000-0000-0000-000000000000/1' 'env' 'PATH=/it'\\''s' 'dir=' 'p'"
        );
    }

    #[test]
    fn tasks_that_no_system_can_start_are_refused() {
        let refused = |task: &Task| launch_input(Path::new("/w"), task).unwrap_err().to_string();
        assert_eq!(refused(&task(&[], &[])), "the command is empty");
        assert_eq!(refused(&task(&["a\0b"], &[])), "the command contains a NUL byte");
        assert_eq!(
            refused(&task(&["a"], &[("A=B", "")])),
            "environment: \"A=B\" is not a valid variable name"
        );
        assert_eq!(refused(&task(&["a"], &[("1A", "")])), "environment: \"1A\" is not a valid variable name");
    }
}
