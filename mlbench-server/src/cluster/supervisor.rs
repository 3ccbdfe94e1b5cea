//! How a server talks to `supervisor.sh`, whose head describes the protocol.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::error::ClusterError;
use super::rank::{RankRef, Task};

/// The script, to be written to the standard input of a `sh` before a verb.
pub const SCRIPT: &str = include_str!("supervisor.sh");

/// The variable by which every process of a rank is known.
pub const WORKER_ID: &str = "MLBENCH_WORKER_ID";

/// The value of [`WORKER_ID`]: unique in the world, as two servers may both have a run 3.
#[must_use]
pub fn worker_id(at: &RankRef) -> String {
    format!("{}/{}", at.run.job_id, at.rank)
}

/// What to write to `sh` so that it starts `task` with its files in `dir`.
///
/// # Errors
/// [`ClusterError::Refused`] when the task cannot be said to any operating system: no program, a NUL byte in an
/// argument, a variable whose name is none.
pub fn launch_input(dir: &Path, task: &Task) -> Result<Vec<u8>, ClusterError> {
    let mut input = format!("{SCRIPT}\n{}mlbench_launch ", exports(task)?).into_bytes();
    quote(dir.as_os_str().as_bytes(), &mut input)?;
    input.extend_from_slice(launch_arguments(task)?.as_bytes());
    input.extend_from_slice(b"\nexit\n");
    Ok(input)
}

/// The environment of a task, a line for each variable.
///
/// # Errors
/// [`ClusterError::Refused`] for a variable whose name is none, and for a NUL byte.
pub fn exports(task: &Task) -> Result<String, ClusterError> {
    let mut lines = String::new();
    for (name, value) in &task.env {
        if !is_name(name) {
            return Err(ClusterError::Refused(format!("{name:?} cannot be the name of a variable")));
        }
        lines.push_str(&format!("export {name}={}\n", quoted(value)?));
    }
    Ok(lines)
}

/// What stands behind `mlbench_launch DIR`: the worker id and the command.
///
/// # Errors
/// [`ClusterError::Refused`] when there is no program, and for a NUL byte.
pub fn launch_arguments(task: &Task) -> Result<String, ClusterError> {
    if task.argv.is_empty() {
        return Err(ClusterError::Refused("the command is empty".to_owned()));
    }
    let mut arguments = String::new();
    for word in std::iter::once(&worker_id(&task.at)).chain(&task.argv) {
        arguments.push(' ');
        arguments.push_str(&quoted(word)?);
    }
    Ok(arguments)
}

/// A word in single quotes, in which a shell interprets nothing.
///
/// # Errors
/// [`ClusterError::Refused`] for a NUL byte.
pub fn quoted(word: &str) -> Result<String, ClusterError> {
    let mut bytes = Vec::with_capacity(word.len() + 2);
    quote(word.as_bytes(), &mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn is_name(name: &str) -> bool {
    !name.starts_with(|c: char| c.is_ascii_digit())
        && !name.is_empty()
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Appends a word in single quotes, in which a shell interprets nothing.
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
        }
    }

    #[test]
    fn a_shell_interprets_nothing_of_a_task() {
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
    fn what_no_system_can_start_is_refused() {
        let refused = |task: &Task| launch_input(Path::new("/w"), task).unwrap_err().to_string();
        assert_eq!(refused(&task(&[], &[])), "the command is empty");
        assert_eq!(refused(&task(&["a\0b"], &[])), "the command contains a NUL byte");
        assert_eq!(refused(&task(&["a"], &[("A=B", "")])), "\"A=B\" cannot be the name of a variable");
        assert_eq!(refused(&task(&["a"], &[("1A", "")])), "\"1A\" cannot be the name of a variable");
    }
}
