//! Calls to `supervisor.sh` and `follow.sh`. The head of the first one documents the protocol.

use mlbench_core::Environment;

use super::error::ClusterError;
use super::rank::{RankRef, Task};

/// The script, which a `sh` reads from its standard input before a function call.
pub const SCRIPT: &str = concat!(include_str!("supervisor.sh"), include_str!("follow.sh"));

/// The environment variable that marks every process of a rank.
pub const WORKER_ID: &str = "MLBENCH_WORKER_ID";

/// Returns the value of [`WORKER_ID`], which is globally unique because two servers may both have a run 3.
#[must_use]
pub fn worker_id(at: &RankRef) -> String {
    format!("{}/{}", at.run.job_id, at.rank)
}

/// Checks that a system can start a task.
///
/// # Errors
/// [`ClusterError::Refused`] for a missing program, a NUL byte or an invalid variable name.
pub fn check_task(task: &Task) -> Result<(), ClusterError> {
    exports(task)?;
    launch_arguments(task).map(drop)
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
    let url = task.env.iter().find(|(name, _)| name == "MLBENCH_URL");
    if let Some(host) = url.and_then(|(_, url)| host_of(url)) {
        lines.push_str(&NO_PROXY.replace("HOST", &quoted(host)?));
    }
    Ok(lines)
}

/// Adds a host to `no_proxy` and `NO_PROXY`. Programs read either spelling.
const NO_PROXY: &str = "\
m_no=${no_proxy:-${NO_PROXY:-}}
case ,$m_no, in ',*,' | *,HOST,*) ;; *) m_no=${m_no:+$m_no,}HOST ;; esac
export no_proxy=\"$m_no\" NO_PROXY=\"$m_no\"
";

/// Returns the host of a URL, without the brackets of an IPv6 address.
#[must_use]
pub fn host_of(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    let host = match host.strip_prefix('[') {
        Some(address) => address.split(']').next()?,
        None => host.split(':').next()?,
    };
    (!host.is_empty()).then_some(host)
}

/// Returns a value of `no_proxy` that also names a host, unless it does so already.
#[must_use]
pub fn no_proxy_with(host: &str, before: &str) -> String {
    if before.trim() == "*" || before.split(',').any(|known| known.trim() == host) {
        return before.to_owned();
    }
    [before, host].join(",").trim_start_matches(',').to_owned()
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
    if word.contains('\0') {
        return Err(ClusterError::Refused("the command contains a NUL byte".to_owned()));
    }
    Ok(format!("'{}'", word.replace('\'', r"'\''")))
}

fn is_variable_name(name: &str) -> bool {
    !name.starts_with(|c: char| c.is_ascii_digit())
        && !name.is_empty()
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

#[cfg(test)]
mod tests {
    use mlbench_core::run::RunKey;
    use mlbench_core::{PodName, RunId};

    use super::*;

    fn task(argv: &[&str], env: &[(&str, &str)]) -> Task {
        let run = RunKey { id: RunId::new(3).unwrap(), job_id: uuid::Uuid::nil() };
        let at = RankRef { run, rank: 1, pod: PodName::new("local-mlbench-worker-1").unwrap(), daemon: None };
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
        assert_eq!(exports(&task).unwrap(), "export RANK=''\\''1'\\'''\n");
        assert_eq!(
            launch_arguments(&task).unwrap(),
            " '00000000-0000-0000-0000-000000000000/1' 'echo' 'it'\\''s' '$HOME `ls`\n'"
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
    fn host_of_the_server_is_reached_without_a_proxy() {
        let shown = |url: &str, variables: &[(&str, &str)]| {
            let script = exports(&task(&["p"], &[("MLBENCH_URL", url)])).unwrap();
            let mut shell = std::process::Command::new("sh");
            shell.env_remove("no_proxy").env_remove("NO_PROXY").envs(variables.iter().copied());
            shell.args(["-c", &format!("{script}exec env")]);
            let shown = String::from_utf8(shell.output().unwrap().stdout).unwrap();
            let value = |name: &str| {
                let line = shown.lines().find_map(|line| line.strip_prefix(&format!("{name}=")));
                line.unwrap().to_owned()
            };
            assert_eq!(value("no_proxy"), value("NO_PROXY"));
            value("no_proxy")
        };
        assert_eq!(shown("http://10.0.0.7:8000", &[]), "10.0.0.7");
        assert_eq!(shown("http://[fd00::1]:80/x", &[("NO_PROXY", "a,b")]), "a,b,fd00::1");
        assert_eq!(
            shown("https://u:p@mlbench.lab/", &[("no_proxy", "a"), ("NO_PROXY", "b")]),
            "a,mlbench.lab"
        );
        assert_eq!(shown("http://h", &[("no_proxy", "*")]), "*");
        assert_eq!(shown("http://h", &[("no_proxy", "a,h,b")]), "a,h,b");
    }

    #[test]
    fn tasks_that_no_system_can_start_are_refused() {
        let refused = |task: &Task| check_task(task).unwrap_err().to_string();
        assert_eq!(refused(&task(&[], &[])), "the command is empty");
        assert_eq!(refused(&task(&["a\0b"], &[])), "the command contains a NUL byte");
        assert_eq!(
            refused(&task(&["a"], &[("A=B", "")])),
            "environment: \"A=B\" is not a valid variable name"
        );
        assert_eq!(refused(&task(&["a"], &[("1A", "")])), "environment: \"1A\" is not a valid variable name");
    }
}
