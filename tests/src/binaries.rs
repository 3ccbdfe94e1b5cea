//! The binaries that the tests start.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Returns the path of a binary of this workspace.
///
/// It is in `MLBENCH_BIN_DIR` if that is set, else it is built once with the profile of the tests.
///
/// # Panics
/// If the build fails or the file does not exist.
#[must_use]
pub fn binary(name: &str) -> PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| std::env::var_os("MLBENCH_BIN_DIR").map_or_else(build, PathBuf::from));
    let path = folder.join(name);
    assert!(path.is_file(), "{} does not exist; check MLBENCH_BIN_DIR", path.display());
    path
}

/// Builds the binaries and returns their folder.
///
/// The test program is in `TARGET/PROFILE/deps`, and Cargo puts the binaries into `TARGET/PROFILE`.
fn build() -> PathBuf {
    let program = std::env::current_exe().unwrap();
    let folder = program.ancestors().nth(2).unwrap();
    let profile = match folder.file_name().and_then(|name| name.to_str()).unwrap() {
        "debug" => "dev",
        other => other,
    };
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let built = Command::new(env!("CARGO"))
        .args(["build", "--workspace", "--bins", "--profile", profile, "--target-dir"])
        .arg(folder.parent().unwrap())
        .current_dir(workspace)
        .output()
        .unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    folder.to_owned()
}
