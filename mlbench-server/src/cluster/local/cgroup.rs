//! A cgroup for each rank, where this process may create one.
//!
//! No process leaves it by ending its parent, clearing its environment or beginning a session, and it outlives the
//! supervisor and the server. Needs cgroup v2: a delegated one, or that of a privileged server.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::cluster::rank::RankRef;

/// How deep the cgroups lie that a command creates below that of its rank.
const MAX_DEPTH: u32 = 8;

/// Moves a process into the cgroup of a rank, and notes the cgroup in a file.
pub(super) fn enter(at: &RankRef, note: &Path, pid: u32) {
    let Some(group) = own().map(|own| own.join(name(at))) else { return };
    let entered = create(&group)
        .and_then(|()| fs::write(note, group.as_os_str().as_encoded_bytes()))
        .and_then(|()| fs::write(group.join("cgroup.procs"), pid.to_string()));
    if let Err(error) = entered {
        tracing::debug!(group = %group.display(), %error, "a rank has no cgroup");
        let _ = fs::remove_dir(&group);
    }
}

/// Returns the name of a rank's cgroup below that of the server.
pub(super) fn name(at: &RankRef) -> String {
    format!("mlbench-{}-{}", at.run.job_id, at.rank)
}

fn create(group: &Path) -> io::Result<()> {
    match fs::create_dir(group) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        created => created,
    }
}

/// Returns the server's own cgroup of version 2.
fn own() -> Option<PathBuf> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let path = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let roots = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"].map(Path::new);
    roots.into_iter().find(|root| root.join("cgroup.controllers").exists()).map(|root| root.join(path))
}

/// Returns the server's own cgroup in the hierarchy with a controller (`cpu`, `memory`).
///
/// That is cgroup v2, or the hierarchy of that controller in v1.
pub(super) fn own_with(controller: &str) -> Option<PathBuf> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let root = Path::new("/sys/fs/cgroup");
    groups.lines().find_map(|line| {
        let mut fields = line.splitn(3, ':');
        let (_, controllers, path) = (fields.next()?, fields.next()?, fields.next()?);
        let path = path.trim_start_matches('/');
        if controllers.is_empty() {
            let own = root.join(path);
            let below = fs::read_to_string(own.join("cgroup.subtree_control")).ok()?;
            return below.split_whitespace().any(|one| one == controller).then_some(own);
        }
        controllers.split(',').any(|one| one == controller).then(|| root.join(controllers).join(path))
    })
}

/// Returns the processes of a cgroup and of those below it. One that does not exist has none.
pub(super) fn members(group: &Path) -> Vec<i32> {
    let mut members = Vec::new();
    visit(group, MAX_DEPTH, &mut |group| {
        let pids = fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
        members.extend(pids.lines().filter_map(|pid| pid.parse::<i32>().ok()));
    });
    members
}

fn visit(group: &Path, depth: u32, work: &mut impl FnMut(&Path)) {
    let children = fs::read_dir(group).into_iter().flatten().filter_map(Result::ok);
    for child in children.filter(|child| child.file_type().is_ok_and(|kind| kind.is_dir())) {
        if depth > 0 {
            visit(&child.path(), depth - 1, work);
        }
    }
    work(group);
}

/// Kills all processes of a cgroup at once, where the kernel can do that (since 5.14).
pub(super) fn kill(group: &Path) {
    let _ = fs::OpenOptions::new()
        .write(true)
        .open(group.join("cgroup.kill"))
        .and_then(|mut file| io::Write::write_all(&mut file, b"1"));
}

/// Deletes the cgroup of a rank whose processes have ended, with those below it.
pub(super) fn remove(group: &Path) {
    let mut outcome = Ok(());
    for _ in 0..40 {
        visit(group, MAX_DEPTH, &mut |group| outcome = fs::remove_dir(group));
        match &outcome {
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
                // The last process is still leaving. Only version 2 has an event for that, and quotas need version 1.
                std::thread::sleep(Duration::from_millis(5));
            }
            _ => break,
        }
    }
    match outcome {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(group = %group.display(), %error, "cannot delete a cgroup");
        }
        _ => {}
    }
}
