//! Builds and imports the test image.
//!
//! The image holds the programs under test, a shell with the usual small tools, and their shared libraries, all copied
//! from this machine: a test downloads nothing. It is a docker-archive with one layer, which the program in
//! `MLBENCH_TEST_KUBE_IMPORT` imports.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;
use tempfile::TempDir;

use crate::binaries::binary;

/// Name of the image in the cluster.
pub const IMAGE: &str = "localhost/mlbench-test:1";

const OURS: &[&str] = &["mlbench", "mlbench-server"];
const TOOLS: &[&str] = &[
    "sh", "setsid", "cat", "dd", "head", "tail", "tr", "sed", "ls", "ln", "mv", "rm", "mkdir", "sleep",
    "seq", "env", "grep", "true", "curl",
];

/// Builds the image and imports it.
///
/// `importer` is a program and its arguments, separated by blanks. The path of the archive is appended.
///
/// # Panics
/// If a tool is missing or the import fails.
pub(super) fn import(importer: &str) {
    let dir = tempfile::tempdir().unwrap();
    let archive = assemble(&dir);
    let mut words = importer.split_whitespace();
    run(Command::new(words.next().expect("a program")).args(words).arg(archive));
}

fn assemble(dir: &TempDir) -> PathBuf {
    let (root, parts) = (dir.path().join("root"), dir.path().join("parts"));
    for folder in ["bin", "usr/local/bin", "etc", "tmp", "data", "proc", "sys", "dev", "root"] {
        fs::create_dir_all(root.join(folder)).unwrap();
    }
    fs::set_permissions(root.join("tmp"), fs::Permissions::from_mode(0o1777)).unwrap();
    fs::write(root.join("etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n").unwrap();
    fs::create_dir(&parts).unwrap();
    let ours = OURS.iter().map(|name| (binary(name), root.join("usr/local/bin").join(name)));
    let tools = TOOLS.iter().map(|name| (on_path(name), root.join("bin").join(name)));
    let programs: Vec<_> = ours.chain(tools).collect();
    for (from, to) in &programs {
        fs::copy(from, to).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
    }
    for name in OURS {
        // A smaller binary is imported faster. Without `strip` it stays as it is.
        let _ =
            Command::new("strip").arg("--strip-debug").arg(root.join("usr/local/bin").join(name)).status();
    }
    for library in programs.iter().flat_map(|(from, _)| libraries(from)).collect::<BTreeSet<_>>() {
        let to = root.join(library.strip_prefix("/").unwrap());
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(&library, &to).unwrap();
    }
    let layer = parts.join("layer.tar");
    tar(&root, &layer);
    let digest = run(Command::new("sha256sum").arg(&layer));
    let digest = digest.split_whitespace().next().unwrap();
    let config = json!({"architecture": architecture(), "os": "linux", "created": "2020-01-01T00:00:00Z",
        "config": {"Env": ["PATH=/usr/local/bin:/bin"], "Cmd": ["/bin/sh"]},
        "rootfs": {"type": "layers", "diff_ids": [format!("sha256:{digest}")]}});
    fs::write(parts.join("config.json"), config.to_string()).unwrap();
    let manifest = json!([{"Config": "config.json", "RepoTags": [IMAGE], "Layers": ["layer.tar"]}]);
    fs::write(parts.join("manifest.json"), manifest.to_string()).unwrap();
    let archive = dir.path().join("image.tar");
    tar(&parts, &archive);
    archive
}

/// Returns the name that images use for the architecture of this machine.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

fn on_path(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file());
    found.unwrap_or_else(|| panic!("{name} is not on PATH"))
}

/// Returns the shared libraries of a program, including its loader.
fn libraries(program: &Path) -> Vec<PathBuf> {
    let text = run(Command::new("ldd").arg(program));
    let paths = text.split_whitespace().filter(|word| word.starts_with('/'));
    paths.map(PathBuf::from).collect()
}

fn tar(folder: &Path, archive: &Path) {
    let owner = ["--owner=0", "--group=0", "--numeric-owner"];
    run(Command::new("tar").arg("-C").arg(folder).args(owner).arg("-cf").arg(archive).arg("."));
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}
