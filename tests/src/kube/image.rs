//! Builds and imports the test image.
//!
//! The image holds the programs under test, a shell with the usual small tools, and their shared libraries, all copied
//! from this machine: a test downloads nothing. Where Open MPI is installed, the image has it, too. It is a
//! docker-archive with one layer, which the program in `MLBENCH_TEST_KUBE_IMPORT` imports.

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

/// A program of users that `mpirun` starts.
const MPI_PROGRAM: &str = include_str!("mpi.py");
/// Prints the standard library, mpi4py, its module with MPI, and the program of Python.
const MPI_PATHS: &str = "import mpi4py, mpi4py.MPI, os, sys, sysconfig; print(sysconfig.get_path('stdlib'), \
                         os.path.dirname(mpi4py.__file__), mpi4py.MPI.__file__, os.path.realpath(sys.executable))";

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
    let mpi = mpi_programs(&root);
    let programs: Vec<_> = ours.chain(tools).chain(mpi).collect();
    for (from, to) in programs.iter().filter(|(from, to)| from != to) {
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
        "config": {"Env": ["PATH=/usr/local/bin:/usr/bin:/bin"], "Cmd": ["/bin/sh"]},
        "rootfs": {"type": "layers", "diff_ids": [format!("sha256:{digest}")]}});
    fs::write(parts.join("config.json"), config.to_string()).unwrap();
    let manifest = json!([{"Config": "config.json", "RepoTags": [IMAGE], "Layers": ["layer.tar"]}]);
    fs::write(parts.join("manifest.json"), manifest.to_string()).unwrap();
    let archive = dir.path().join("image.tar");
    tar(&parts, &archive);
    archive
}

/// Copies what Open MPI and Python open at run time, and `mpi.py`, and returns their programs and libraries.
///
/// Returns none where they are not installed.
fn mpi_programs(root: &Path) -> Vec<(PathBuf, PathBuf)> {
    let Some(python) = crate::tools::python_of_mpi() else { return Vec::new() };
    let shown = run(Command::new(&python).args(["-c", MPI_PATHS]));
    let paths: Vec<PathBuf> = shown.split_whitespace().map(PathBuf::from).collect();
    let [standard, mpi4py, module, python] = &paths[..] else { panic!("{shown}") };
    let library = libraries(module).into_iter().find(|path| path.to_string_lossy().contains("/libmpi.so"));
    let folder = fs::canonicalize(library.expect("libmpi")).unwrap().with_file_name("");
    let of_mpi =
        [folder.join("openmpi"), folder.join("pmix2"), "/usr/share/openmpi".into(), "/etc/openmpi".into()];
    let mut plugins = Vec::new();
    for from in of_mpi.iter().chain([standard, mpi4py]).filter(|from| from.is_dir()) {
        let to = root.join(from.strip_prefix("/").unwrap());
        let without = ["test", "idlelib", "dist-packages", "ensurepip", "config-*"]
            .map(|name| format!("--exclude=./{name}"));
        fs::create_dir_all(&to).unwrap();
        let copy = "tar -C \"$1\" -ch \"${@:3}\" . | tar -C \"$2\" -x";
        run(Command::new("bash").args(["-c", copy, "bash"]).args([from, &to]).args(without));
        plugins.extend(run(Command::new("find").arg(&to).args(["-name", "*.so"])).lines().map(PathBuf::from));
    }
    fs::create_dir_all(root.join("usr/bin")).unwrap();
    fs::write(root.join("usr/local/bin/mpi.py"), MPI_PROGRAM).unwrap();
    let programs = ["mpirun", "orted"].map(|name| (on_path(name), root.join("usr/bin").join(name)));
    let python = (python.clone(), root.join("usr/bin/python3"));
    // Copied onto themselves, for their libraries.
    let plugins = plugins.into_iter().map(|plugin| (plugin.clone(), plugin));
    programs.into_iter().chain([python]).chain(plugins).collect()
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
