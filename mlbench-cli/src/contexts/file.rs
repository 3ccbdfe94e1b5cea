//! [`ContextFile`]: the file of all contexts, which only its user can read.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use mlbench_core::quote::shorten;
use serde::{Deserialize, Serialize};

/// How long another program may take to change the contexts.
const LOCK_TIMEOUT: Duration = Duration::from_secs(10);
/// Pause between two attempts to lock the contexts.
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// All contexts.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Contexts {
    /// Name of the context that counts when none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) current: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) contexts: BTreeMap<String, Context>,
}

/// A server with a name. Nothing prints its token.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Context {
    pub(crate) url: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) token: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) token_file: Option<PathBuf>,
}

/// The error of a file of contexts. The path comes first, with the line where there is one.
#[derive(Debug, thiserror::Error)]
#[error("{}{}: {problem}; {fix}", shorten(&.path.to_string_lossy()), line.map(|line| format!(":{line}")).unwrap_or_default())]
pub(crate) struct FileProblem {
    path: PathBuf,
    line: Option<usize>,
    problem: String,
    fix: &'static str,
}

/// Where the contexts are.
#[derive(Debug, Clone)]
pub(crate) struct ContextFile {
    path: PathBuf,
}

impl ContextFile {
    /// Returns the file in a directory for settings of programs.
    pub(crate) fn in_directory(config: &Path) -> Self {
        Self { path: config.join("mlbench").join("config.toml") }
    }

    /// Returns the path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads all contexts. There are none without a file.
    ///
    /// # Errors
    /// If the file cannot be read or is not valid.
    pub(crate) fn read(&self) -> Result<Contexts, FileProblem> {
        let text = match fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Contexts::default()),
            Err(error) => return Err(self.problem(None, &error, "make it readable")),
        };
        let contexts: Contexts = toml::from_str(&text).map_err(|error| {
            let line = error.span().map(|span| 1 + text[..span.start].matches('\n').count());
            self.problem(line, &error.message(), "correct the file, or remove it and add the contexts anew")
        })?;
        match &contexts.current {
            Some(name) if !contexts.contexts.contains_key(name) => {
                let line = text.lines().position(|line| line.starts_with("current")).map(|line| line + 1);
                let problem = format!("current: no context is named {name:?}");
                Err(self.problem(line, &problem, "choose one with `mlbench context use NAME`"))
            }
            _ => Ok(contexts),
        }
    }

    /// Changes the contexts, and writes them if the change succeeds. Programs do so one after another.
    pub(crate) fn change<T, E: From<FileProblem>>(
        &self,
        change: impl FnOnce(&mut Contexts) -> Result<T, E>,
    ) -> Result<T, E> {
        let unwritable = |error: io::Error| self.problem(None, &error, "make its directory writable");
        let target = self.target().map_err(unwritable)?;
        let _lock = self.lock(&target)?;
        let mut contexts = self.read_for_change()?;
        let result = change(&mut contexts)?;
        write(&target, &contexts).map_err(unwritable)?;
        Ok(result)
    }

    /// Returns the file behind symbolic links, in a directory that is there.
    fn target(&self) -> io::Result<PathBuf> {
        let path = fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        if let Some(directory) = path.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        }
        Ok(path)
    }

    /// Locks the directory of the file, which stays when the file is replaced, until the lock is dropped.
    fn lock(&self, target: &Path) -> Result<Option<File>, FileProblem> {
        let Some(Ok(directory)) = target.parent().map(File::open) else { return Ok(None) };
        let deadline = Instant::now() + LOCK_TIMEOUT;
        loop {
            match directory.try_lock() {
                Ok(()) => return Ok(Some(directory)),
                // The system has no lock with a deadline.
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => thread::sleep(LOCK_PAUSE),
                Err(TryLockError::WouldBlock) => {
                    let problem = format!("another program has locked it for {} s", LOCK_TIMEOUT.as_secs());
                    return Err(self.problem(None, &problem, "end that program, and try again"));
                }
                // A file system without locks.
                Err(TryLockError::Error(_)) => return Ok(None),
            }
        }
    }

    /// Reads all contexts, of which the current one need not exist.
    fn read_for_change(&self) -> Result<Contexts, FileProblem> {
        self.read().or_else(|problem| {
            let text = fs::read_to_string(&self.path).unwrap_or_default();
            toml::from_str(&text).map_err(|_| problem)
        })
    }

    fn problem(&self, line: Option<usize>, problem: &impl ToString, fix: &'static str) -> FileProblem {
        FileProblem { path: self.path.clone(), line, problem: problem.to_string(), fix }
    }
}

/// Writes a new file in place of the old one, so that it is never incomplete or readable for others.
fn write(path: &Path, contexts: &Contexts) -> io::Result<()> {
    let text = toml::to_string(contexts).map_err(io::Error::other)?;
    let part = path.with_file_name(format!(".config-{}.part", std::process::id()));
    // One that was killed, with the same id, may have left it. A write says what else is wrong.
    let _ = fs::remove_file(&part);
    let written =
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part).and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&part, path)
        });
    if written.is_err() {
        // The error of the write counts.
        let _ = fs::remove_file(&part);
    }
    written
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn lab() -> Context {
        Context { url: "http://lab:8000".to_owned(), token: Some("secret".to_owned()), token_file: None }
    }

    fn add(file: &ContextFile, name: &str) -> Result<(), FileProblem> {
        file.change(|contexts| {
            contexts.contexts.insert(name.to_owned(), lab());
            contexts.current = Some(name.to_owned());
            Ok(())
        })
    }

    #[test]
    fn only_the_user_reads_the_contexts() {
        let folder = tempfile::tempdir().unwrap();
        let file = ContextFile::in_directory(&folder.path().join("new"));
        assert!(file.read().unwrap().contexts.is_empty());
        add(&file, "lab").unwrap();
        fs::set_permissions(file.path(), fs::Permissions::from_mode(0o644)).unwrap();
        add(&file, "other one").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(file.path()), mode(file.path().parent().unwrap())), (0o600, 0o700));
        let contexts = file.read().unwrap();
        assert_eq!(contexts.current.as_deref(), Some("other one"));
        assert_eq!(contexts.contexts["lab"].token.as_deref(), Some("secret"));
        assert_eq!(fs::read_dir(file.path().parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn changes_at_the_same_time_are_all_kept() {
        let folder = tempfile::tempdir().unwrap();
        let file = ContextFile::in_directory(folder.path());
        let names: Vec<String> = (0..16).map(|number| format!("lab-{number:02}")).collect();
        thread::scope(|scope| {
            names.iter().for_each(|name| drop(scope.spawn(|| add(&file, name).unwrap())));
        });
        assert_eq!(file.read().unwrap().contexts.into_keys().collect::<Vec<_>>(), names);
    }

    #[test]
    fn what_a_killed_program_has_left_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let file = ContextFile::in_directory(folder.path());
        let part = file.path().with_file_name(format!(".config-{}.part", std::process::id()));
        fs::create_dir_all(part.parent().unwrap()).unwrap();
        fs::write(&part, "half").unwrap();
        add(&file, "lab").unwrap();
        assert!(!part.exists() && file.read().unwrap().contexts.contains_key("lab"));
    }

    #[test]
    fn a_bad_file_is_named_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let file = ContextFile::in_directory(folder.path());
        fs::create_dir(file.path().parent().unwrap()).unwrap();
        for (text, line, problem) in [
            ("current = \"lab\"\n[contexts.lab]\nurl = 7\n", 3, "expected a string"),
            ("current = \"lab\"\n[contexts.lab]\nurl = \"x\"\ntokn = \"y\"\n", 4, "unknown field `tokn`"),
            ("[contexts.lab]\ntoken = \"y\"\n", 1, "missing field `url`"),
            ("[contexts.lab\n", 1, ""),
            ("current = \"lba\"\n[contexts.lab]\nurl = \"x\"\n", 1, "current: no context is named \"lba\""),
        ] {
            fs::write(file.path(), text).unwrap();
            let refused = file.read().map(|_| ()).unwrap_err().to_string();
            assert!(refused.starts_with(&format!("{}:{line}: ", file.path().display())), "{refused}");
            assert!(refused.contains(problem) && !refused.contains('\n'), "{refused}");
        }
        add(&file, "lab").unwrap();
        assert_eq!(file.read().unwrap().current.as_deref(), Some("lab"), "another choice mends it");
    }
}
