//! Tools that some tests need and some machines lack.
//!
//! A test without its tool passes and reports that it was skipped: `let Some(tool) = tools::mpirun() else { return };`.
//! The line `SKIPPED test: reason` bypasses the capture of test output, so that it shows even if all tests pass, and
//! `cargo xtask test` counts it as skipped.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// The published Python client and what it imports are there: the Python that has them.
#[must_use]
pub fn python() -> Option<PathBuf> {
    let needs = "needs a Python with requests, kubernetes and the published client: run .ci/python-client, or name one \
                 in MLBENCH_PYTHON";
    let python = std::env::var_os("MLBENCH_PYTHON").map_or_else(|| "python3".into(), PathBuf::from);
    let imports = "import importlib.util as u, sys; \
                   sys.exit(not all(map(u.find_spec, ('requests', 'kubernetes', 'mlbench_core'))))";
    available(succeeds(Command::new(&python).args(["-c", imports])), needs).then_some(python)
}

/// Returns the Python that has pyarrow.
#[must_use]
pub fn pyarrow() -> Option<PathBuf> {
    let needs = "needs a Python with pyarrow: run .ci/python-client, or name one in MLBENCH_PYTHON";
    let python = std::env::var_os("MLBENCH_PYTHON").map_or_else(|| "python3".into(), PathBuf::from);
    available(succeeds(Command::new(&python).args(["-c", "import pyarrow.parquet"])), needs).then_some(python)
}

/// Returns the Python that has MLflow's client and scikit-learn.
#[must_use]
pub fn mlflow_client() -> Option<PathBuf> {
    let needs = "needs a Python with mlflow-skinny, pandas and scikit-learn: run .ci/python-client, or name one in \
                 MLBENCH_PYTHON";
    let python = std::env::var_os("MLBENCH_PYTHON").map_or_else(|| "python3".into(), PathBuf::from);
    let imports = "import importlib.util as u, sys; \
                   sys.exit(not all(map(u.find_spec, ('mlflow', 'pandas', 'sklearn'))))";
    available(succeeds(Command::new(&python).args(["-c", imports])), needs).then_some(python)
}

/// Returns the Python that writes event files of TensorBoard.
#[must_use]
pub fn tensorboard() -> Option<PathBuf> {
    let needs = "needs a Python with tensorboard and tensorboardX: run .ci/python-client, or name one in MLBENCH_PYTHON";
    let python = std::env::var_os("MLBENCH_PYTHON").map_or_else(|| "python3".into(), PathBuf::from);
    let imports = "import importlib.util as u, sys; sys.exit(not all(map(u.find_spec, ('tensorboard', 'tensorboardX'))))";
    available(succeeds(Command::new(&python).args(["-c", imports])), needs).then_some(python)
}

/// Returns the Python that has PyTorch with its `gloo` backend, and NumPy.
#[must_use]
pub fn torch() -> Option<PathBuf> {
    let needs = "needs a Python with torch and numpy: install them (Debian: apt-get install python3-torch)";
    available_python("import numpy, torch.distributed as d, sys; sys.exit(not d.is_gloo_available())", needs)
}

/// Returns the Python that has mpi4py and NumPy.
#[must_use]
pub fn mpi4py() -> Option<PathBuf> {
    let needs = "needs a Python with mpi4py and numpy: install them (Debian: apt-get install python3-mpi4py)";
    available_python("import numpy, mpi4py.MPI", needs)
}

/// Returns `systemd-analyze`, which also checks units where systemd does not run.
#[must_use]
pub fn systemd_analyze() -> Option<PathBuf> {
    let needs = "needs systemd-analyze of systemd 252 or newer: install it (Debian: apt-get install systemd)";
    let security = ["security", "--offline=true", "--help"];
    available(succeeds(Command::new("systemd-analyze").args(security)), needs)
        .then(|| "systemd-analyze".into())
}

/// Returns the Python that has Helm's SDK, which needs no program `helm`.
#[must_use]
pub fn helm() -> Option<PathBuf> {
    let needs = "needs a Python with helm-python-sdk: run .ci/python-client, or name one in MLBENCH_PYTHON";
    let python = std::env::var_os("MLBENCH_PYTHON").map_or_else(|| "python3".into(), PathBuf::from);
    available(succeeds(Command::new(&python).args(["-c", "import helm_python"])), needs).then_some(python)
}

/// Returns `kubectl`, for what needs no cluster.
#[must_use]
pub fn kubectl() -> Option<PathBuf> {
    let needs = "needs kubectl on PATH";
    available(succeeds(Command::new("kubectl").args(["version", "--client"])), needs)
        .then(|| "kubectl".into())
}

/// Returns the Python of Debian's packages or the one on PATH, whichever runs this program.
fn available_python(program: &str, needs: &str) -> Option<PathBuf> {
    let mut pythons = ["/usr/bin/python3", "python3"].into_iter().map(PathBuf::from);
    let found = pythons.find(|python| succeeds(Command::new(python).args(["-c", program])));
    available(found.is_some(), needs).then_some(found)?
}

/// The version of schemathesis, whose checks change from one to the next. `.ci/python-client` installs it.
const SCHEMATHESIS: &str = "4.32.5";

/// Returns `schemathesis`: the one beside the Python of the tests, or on PATH.
#[must_use]
pub fn schemathesis() -> Option<PathBuf> {
    let needs = "needs schemathesis 4.32.5: run .ci/python-client, or install it (pip install schemathesis==4.32.5) so that \
                 it is on PATH";
    let beside =
        std::env::var_os("MLBENCH_PYTHON").map(|python| Path::new(&python).with_file_name("schemathesis"));
    let program = beside.filter(|program| program.is_file()).unwrap_or_else(|| "schemathesis".into());
    let version = Command::new(&program).arg("--version").stdin(Stdio::null()).output();
    let has_version = |output: Output| String::from_utf8_lossy(&output.stdout).trim().ends_with(SCHEMATHESIS);
    available(version.is_ok_and(has_version), needs).then_some(program)
}

/// Returns the Python that has MLflow and can keep its points in SQLite.
#[must_use]
pub fn mlflow() -> Option<PathBuf> {
    let needs = "needs a Python with MLflow (pip install mlflow), on PATH or named in MLBENCH_PYTHON";
    let python = std::env::var_os("MLBENCH_PYTHON").map_or_else(|| "python3".into(), PathBuf::from);
    let imports = "import mlflow.store.tracking.sqlalchemy_store";
    available(succeeds(Command::new(&python).args(["-c", imports])), needs).then_some(python)
}

/// Returns `script` of util-linux.
///
/// `script -qec COMMAND /dev/null` runs a command on a terminal of its own.
#[must_use]
pub fn script() -> Option<PathBuf> {
    let needs =
        "needs script of util-linux: install it (Debian: apt-get install bsdutils) so that it is on PATH";
    available(succeeds(Command::new("script").args(["-qec", "true", "/dev/null"])), needs)
        .then(|| "script".into())
}

/// Returns `setsid` of util-linux, which gives a program a terminal.
#[must_use]
pub fn setsid() -> Option<PathBuf> {
    let needs =
        "needs setsid of util-linux: install it (Debian: apt-get install util-linux) so that it is on PATH";
    available(succeeds(Command::new("setsid").arg("true")), needs).then(|| "setsid".into())
}

/// Returns bash.
#[must_use]
pub fn bash() -> Option<PathBuf> {
    let needs = "needs bash: install it so that it is on PATH";
    available(succeeds(Command::new("bash").arg("--version")), needs).then(|| "bash".into())
}

/// Returns Open MPI's `mpirun`.
#[must_use]
pub fn mpirun() -> Option<PathBuf> {
    let needs = "needs Open MPI: install it (Debian: apt-get install openmpi-bin) so that mpirun is on PATH";
    available(succeeds(Command::new("mpirun").arg("--version")), needs).then(|| "mpirun".into())
}

/// Returns whether an image can have Open MPI and mpi4py, because they are installed here.
#[must_use]
pub fn mpi_of_image() -> bool {
    let needs =
        "needs Open MPI and mpi4py: install them (Debian: apt-get install openmpi-bin python3-mpi4py)";
    available(python_of_mpi().is_some(), needs)
}

/// Returns the Python that has mpi4py, where Open MPI is installed.
pub(crate) fn python_of_mpi() -> Option<PathBuf> {
    let imports = ["-c", "import mpi4py.MPI"];
    let mut pythons = ["/usr/bin/python3", "python3"].into_iter().map(PathBuf::from);
    pythons.find(|python| {
        succeeds(Command::new("mpirun").arg("--version")) && succeeds(Command::new(python).args(imports))
    })
}

/// Returns the program, with its arguments, that imports an image into the Kubernetes cluster to test on.
#[must_use]
pub fn kubernetes() -> Option<String> {
    let enabled = std::env::var_os("MLBENCH_TEST_KUBE").is_some();
    let needs =
        "needs a Kubernetes cluster and kubectl on PATH: cargo xtask test --kube uses the current kubeconfig";
    available(enabled && succeeds(Command::new("kubectl").args(["get", "nodes"])), needs).then_some(())?;
    let importer = std::env::var("MLBENCH_TEST_KUBE_IMPORT").ok();
    let needs = "needs MLBENCH_TEST_KUBE_IMPORT: the program, with its arguments, that imports a docker-archive into the \
                 cluster (such as `ctr -n k8s.io images import`); the file is appended";
    available(importer.is_some(), needs).then_some(importer)?
}

/// Returns the program that breaks a cluster.
///
/// `PROGRAM COMPONENT SECONDS` kills a component of the cluster and restarts it after that many seconds.
#[must_use]
pub fn kubernetes_restart() -> Option<PathBuf> {
    let needs = "needs MLBENCH_TEST_KUBE_RESTART: a program that kills a component of the cluster (kube-apiserver) \
                 and restarts it after some seconds";
    let program = std::env::var_os("MLBENCH_TEST_KUBE_RESTART").map(PathBuf::from);
    available(program.is_some(), needs).then_some(program)?
}

/// Returns whether a process can be started as the first one of a process namespace, as in a container.
#[must_use]
pub fn process_namespace() -> bool {
    let needs = "needs root and unshare (Debian: util-linux), to start the server as the first process of a namespace";
    available(succeeds(Command::new("unshare").args(["--pid", "--fork", "--mount-proc", "true"])), needs)
}

/// Returns `curl`, for the examples in the README.
#[must_use]
pub fn curl() -> Option<PathBuf> {
    let needs = "needs curl on PATH (Debian: apt-get install curl)";
    available(succeeds(Command::new("curl").arg("--version")), needs).then(|| "curl".into())
}

/// Returns Prometheus' `promtool`.
#[must_use]
pub fn promtool() -> Option<PathBuf> {
    let needs = "needs promtool on PATH (Debian: apt-get install prometheus)";
    available(succeeds(Command::new("promtool").arg("--version")), needs).then(|| "promtool".into())
}

/// Returns Chromium, for flows of the page, whose packages are installed and which the server has.
#[must_use]
pub fn chromium() -> Option<PathBuf> {
    let needs = "needs Node 20 or newer and the page: run cargo xtask dashboard";
    let packages = crate::dashboard().join("node_modules/playwright-core").is_dir();
    let built = crate::dashboard().join("dist/manifest.json").is_file();
    let node = succeeds(Command::new("node").arg("--version"));
    available(packages && built && node, needs).then_some(())?;
    let named = std::env::var_os("MLBENCH_CHROMIUM").map(PathBuf::from);
    let usual = ["chromium", "chromium-browser", "google-chrome"].map(PathBuf::from);
    let found = named.into_iter().chain(usual).find_map(|program| on_path(&program));
    let needs =
        "needs Chromium: install it (Debian: apt-get install chromium), or name one in MLBENCH_CHROMIUM";
    available(found.is_some(), needs).then_some(found)?
}

/// Returns the absolute path of a program.
fn on_path(program: &Path) -> Option<PathBuf> {
    if program.is_absolute() {
        return program.is_file().then(|| program.to_owned());
    }
    let folders = std::env::var_os("PATH")?;
    std::env::split_paths(&folders).map(|folder| folder.join(program)).find(|path| path.is_file())
}

/// A file system of a few megabytes, to fill.
#[must_use]
pub fn small_disk(megabytes: u32) -> Option<SmallDisk> {
    let needs = "needs to mount a tmpfs: run the tests as root";
    let directory = tempfile::tempdir().ok()?;
    let mut mount = Command::new("mount");
    mount.args(["-t", "tmpfs", "-o"]).arg(format!("size={megabytes}m")).arg("tmpfs").arg(directory.path());
    available(succeeds(&mut mount), needs).then_some(SmallDisk(directory))
}

/// A mounted file system, until it is dropped.
#[derive(Debug)]
pub struct SmallDisk(TempDir);

impl SmallDisk {
    /// Where it is mounted.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Takes all that is left of its space, until the file that is returned is removed.
    ///
    /// # Panics
    /// When the file cannot be created.
    #[must_use]
    pub fn fill(&self) -> PathBuf {
        let file = self.path().join("filler");
        let mut filler = File::create(&file).unwrap();
        for size in [64 << 10, 4 << 10] {
            while filler.write_all(&vec![1; size]).is_ok() {}
        }
        file
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a process of the test may still have a file open.
        succeeds(Command::new("umount").arg("-l").arg(self.path()));
    }
}

fn succeeds(command: &mut Command) -> bool {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

/// Returns `available`, and reports the current test as skipped if it is false.
fn available(available: bool, needs: &str) -> bool {
    if !available {
        let current = std::thread::current();
        let test = current.name().unwrap_or("a test");
        // Not `eprintln!`: the test harness captures what macros print.
        let _ = std::io::stderr().write_all(format!("SKIPPED {test}: {needs}\n").as_bytes());
    }
    available
}
