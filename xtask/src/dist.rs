//! `cargo xtask dist`: packs the programs for machines without Rust.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use crate::{dashboard, repo};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Shells, and where their completion scripts are installed below `share/`.
const COMPLETIONS: [(&str, &str); 3] = [
    ("bash", "bash-completion/completions/mlbench"),
    ("zsh", "zsh/site-functions/_mlbench"),
    ("fish", "fish/vendor_completions.d/mlbench.fish"),
];

/// Files of `deploy/systemd/`, and where systemd finds them below `lib/`.
const SERVICE: [(&str, &str); 2] =
    [("mlbench.service", "systemd/system/mlbench.service"), ("mlbench.sysusers", "sysusers.d/mlbench.conf")];

/// Builds both programs, and writes an archive, a Debian package and their checksums to `target/dist/`.
pub(crate) fn run(args: &[String]) -> Result<ExitCode, String> {
    if !args.is_empty() {
        return Err(format!("cargo xtask dist {}: unknown option; see cargo xtask help", args.join(" ")));
    }
    dashboard::build_for_server();
    repo::build_release()?;
    let dist = repo::target_dir().join("dist");
    remove(&dist)?;
    let name = format!("mlbench-{VERSION}-{}", host()?);
    let folder = dist.join(&name);
    fill(&folder)?;
    let mut files = vec![archive(&dist, &name)?];
    match debian_package(&dist, &folder) {
        Ok(file) => files.push(file),
        Err(why) => println!("no Debian package: {why}"),
    }
    fs::write(dist.join("SHA256SUMS"), output(Command::new("sha256sum").args(&files).current_dir(&dist))?)
        .map_err(|error| format!("cannot write SHA256SUMS: {error}"))?;
    println!("{}:", dist.display());
    for file in files.iter().map(String::as_str).chain(["SHA256SUMS"]) {
        println!("  {file}");
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes what is installed below a prefix such as `/usr/local` to the folder.
fn fill(folder: &Path) -> Result<(), String> {
    let built = repo::target_dir().join("release");
    for program in ["mlbench", "mlbench-server"] {
        let to = folder.join("bin").join(program);
        copy(&built.join(program), &to)?;
        output(Command::new("strip").arg(&to)).or_else(|why| {
            println!("{program} keeps its symbols: {why}");
            Ok::<_, String>(String::new())
        })?;
    }
    let mlbench = folder.join("bin/mlbench");
    let man = folder.join("share/man/man1");
    create(&man)?;
    output(Command::new(&mlbench).arg("man").arg(&man))?;
    for (shell, place) in COMPLETIONS {
        // Found on PATH, so that the script asks the program that is installed.
        let mut command = Command::new("mlbench");
        command.args(["completions", shell]).env("PATH", folder.join("bin"));
        write(&folder.join("share").join(place), &output(&mut command)?)?;
    }
    for text in ["LICENSE", "README.md", "CHANGELOG.md"] {
        copy(&repo::root().join(text), &folder.join("share/doc/mlbench").join(text))?;
    }
    for (file, place) in SERVICE {
        copy(&repo::root().join("deploy/systemd").join(file), &folder.join("lib").join(place))?;
    }
    // Whatever the umask was.
    output(Command::new("chmod").args(["-R", "u=rwX,go=rX"]).arg(folder))?;
    Ok(())
}

/// Packs the folder. Equal folders of one commit give equal archives.
fn archive(dist: &Path, name: &str) -> Result<String, String> {
    let file = format!("{name}.tar.gz");
    let date = format!("--mtime=@{}", commit_time()?);
    let order = ["--sort=name", "--owner=0", "--group=0", "--numeric-owner", &date];
    output(
        Command::new("tar")
            .args(order)
            .args(["--use-compress-program=gzip -n", "-cf", &file, name])
            .current_dir(dist),
    )?;
    Ok(file)
}

/// Packs the folder as a package that installs it below `/usr`.
fn debian_package(dist: &Path, folder: &Path) -> Result<String, String> {
    let architecture = output(Command::new("dpkg").arg("--print-architecture"))?;
    let architecture = architecture.trim();
    let root = dist.join("deb");
    let usr = root.join("usr");
    create(&root)?;
    output(Command::new("cp").arg("-a").arg(folder).arg(&usr))?;
    let programs = ["mlbench", "mlbench-server"].map(|program| usr.join("bin").join(program));
    let libc = programs.iter().map(|path| newest_libc(path)).collect::<Result<Vec<_>, _>>()?;
    let minor = libc.into_iter().max().unwrap_or_default();
    let control = format!(
        "Package: mlbench\nVersion: {VERSION}\nArchitecture: {architecture}\nMaintainer: The mlbench authors \
         <mlbench@localhost>\nSection: science\nPriority: optional\nDepends: libc6 (>= 2.{minor}), libgcc-s1\n\
         Description: Distributed machine-learning benchmarks\n Launches benchmark runs on workers, records what they \
         measure, and shows it at once:\n a server with a page, and a command line.\n"
    );
    write(&root.join("DEBIAN/control"), &control)?;
    let file = format!("mlbench_{VERSION}_{architecture}.deb");
    let mut build = Command::new("dpkg-deb");
    build.args(["--root-owner-group", "--build", "deb", &file]).current_dir(dist);
    output(build.env("SOURCE_DATE_EPOCH", commit_time()?))?;
    remove(&root)?;
    Ok(file)
}

/// Returns the minor version of the C library that a program needs: 34 for 2.34.
fn newest_libc(program: &Path) -> Result<u32, String> {
    let bytes = fs::read(program).map_err(|error| format!("cannot read {}: {error}", program.display()))?;
    Ok(newest_libc_version(&bytes))
}

/// Returns the highest `N` of the symbol versions `GLIBC_2.N`.
fn newest_libc_version(program: &[u8]) -> u32 {
    const PREFIX: &[u8] = b"GLIBC_2.";
    let places = program.windows(PREFIX.len()).enumerate().filter(|(_, text)| *text == PREFIX);
    let versions = places.filter_map(|(place, _)| {
        let digits = program.get(place + PREFIX.len()..)?;
        let length = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
        std::str::from_utf8(digits.get(..length)?).ok()?.parse().ok()
    });
    versions.max().unwrap_or(0)
}

/// Returns the target for which this compiler builds.
fn host() -> Result<String, String> {
    let text = output(Command::new("rustc").arg("-vV"))?;
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| "rustc -vV names no host".to_owned())
}

/// Returns the time of the commit, in seconds since 1970.
fn commit_time() -> Result<String, String> {
    let time = output(Command::new("git").args(["log", "-1", "--format=%ct"]).current_dir(repo::root()))?;
    Ok(time.trim().to_owned())
}

/// Runs a command and returns what it prints.
fn output(command: &mut Command) -> Result<String, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| format!("cannot run {name}: {error}"))?;
    if !output.status.success() {
        return Err(format!("{name}: {}", String::from_utf8_lossy(&output.stderr).trim()));
    }
    String::from_utf8(output.stdout).map_err(|error| format!("{name}: {error}"))
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    create(path.parent().unwrap_or(path))?;
    fs::write(path, text).map_err(|error| format!("cannot write {}: {error}", path.display()))
}

fn copy(from: &Path, to: &PathBuf) -> Result<(), String> {
    create(to.parent().unwrap_or(to))?;
    fs::copy(from, to).map(drop).map_err(|error| format!("cannot copy {}: {error}", from.display()))
}

fn create(folder: &Path) -> Result<(), String> {
    fs::create_dir_all(folder).map_err(|error| format!("cannot create {}: {error}", folder.display()))
}

fn remove(folder: &Path) -> Result<(), String> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(format!("cannot remove {}: {error}", folder.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::newest_libc_version;

    #[test]
    fn the_newest_version_of_the_c_library_counts() {
        assert_eq!(newest_libc_version(b"\0GLIBC_2.2.5\0GLIBC_2.34\0GLIBC_2.9\0GLIBC_2."), 34);
        assert_eq!(newest_libc_version(b"static"), 0);
    }
}
