//! `cargo xtask test`: runs all checks and lists those that this machine cannot run.

mod counts;
mod features;
mod process;
mod report;
mod semver;
mod step;

use std::path::PathBuf;
use std::process::ExitCode;

use report::Row;
use step::{Kind, Step};

use crate::repo;

const STEPS: &[Step] = &[
    Step { name: "fmt", kind: Kind::Cargo(&["fmt", "--all", "--check"]) },
    // Before every step that compiles the server, which embeds the page.
    Step { name: "page", kind: Kind::Page },
    Step {
        name: "clippy",
        kind: Kind::Cargo(&["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"]),
    },
    Step { name: "tidy", kind: Kind::Tidy },
    Step {
        name: "deny",
        // Without advisories, which change without a change of the code.
        kind: Kind::Plugin {
            command: &["deny", "check", "--hide-inclusion-graph", "bans", "licenses", "sources"],
            missing: "needs cargo-deny; install it with `cargo install --locked cargo-deny`",
        },
    },
    Step { name: "features", kind: Kind::Features },
    Step { name: "semver", kind: Kind::Semver },
    Step { name: "build", kind: Kind::Cargo(&["build", "--workspace", "--bins"]) },
    Step {
        name: "unit",
        kind: Kind::Tests(&[
            "test",
            "--workspace",
            "--lib",
            "--bins",
            "--no-fail-fast",
            "--",
            "--skip",
            "kubernetes::tests::",
        ]),
    },
    Step {
        name: "end-to-end",
        kind: Kind::Tests(&[
            "test",
            "--workspace",
            "--test",
            "*",
            "--no-fail-fast",
            "--",
            "--skip",
            "python_client::",
            "--skip",
            "schemathesis::",
            "--skip",
            "mpirun::",
            "--skip",
            "kubernetes::",
            "--skip",
            "browser::",
        ]),
    },
    Step { name: "doc", kind: Kind::Tests(&["test", "--workspace", "--doc", "--no-fail-fast"]) },
    Step {
        name: "python-client",
        kind: Kind::Tests(&["test", "--workspace", "--test", "it", "--", "python_client::"]),
    },
    Step {
        name: "schemathesis",
        kind: Kind::Tests(&["test", "--workspace", "--test", "it", "--", "schemathesis::"]),
    },
    Step {
        name: "browser",
        // One flow at a time: two would wait for each other's browser on a small machine.
        kind: Kind::Tests(&["test", "--workspace", "--test", "it", "--", "--test-threads", "1", "browser::"]),
    },
    Step { name: "mpirun", kind: Kind::Tests(&["test", "--workspace", "--test", "it", "--", "mpirun::"]) },
    Step {
        name: "cluster",
        // With one package only, dependencies would have other features, and cargo would build them again.
        kind: Kind::Tests(&[
            "test",
            "--workspace",
            "--lib",
            "--",
            "--test-threads",
            "3",
            "kubernetes::tests::",
        ]),
    },
    Step {
        name: "kubernetes",
        // With four at once, the kubelet of a machine with two cores stopped responding.
        kind: Kind::Tests(&[
            "test",
            "--workspace",
            "--test",
            "it",
            "--",
            "--test-threads",
            "3",
            "kubernetes::",
        ]),
    },
];

/// The options of the command.
#[derive(Debug, Default, PartialEq, Eq)]
struct Options {
    kube: bool,
    strict: bool,
    only: Vec<String>,
}

impl Options {
    fn parse(args: &[String]) -> Result<Self, String> {
        let mut options = Self::default();
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--kube" => options.kube = true,
                "--strict" => options.strict = true,
                "--only" => {
                    let names = || STEPS.iter().map(|step| step.name).collect::<Vec<_>>().join(", ");
                    let step = args.next().filter(|name| STEPS.iter().any(|step| step.name == name.as_str()));
                    options.only.push(
                        step.ok_or_else(|| format!("--only: unknown step; use one of {}", names()))?.clone(),
                    );
                }
                _ => return Err(format!("cargo xtask test {arg}: unknown option; see cargo xtask help")),
            }
        }
        Ok(options)
    }

    fn wants(&self, step: &Step) -> bool {
        let build_first = step.name == "build"
            && STEPS
                .iter()
                .any(|other| other.runs_binaries() && self.only.iter().any(|name| name == other.name));
        self.only.is_empty() || build_first || self.only.iter().any(|name| name == step.name)
    }
}

/// Runs the steps in turn. If the build fails, it leaves out those that run binaries.
pub(crate) fn run(args: &[String]) -> Result<ExitCode, String> {
    let options = Options::parse(args)?;
    let env = environment(&options)?;
    let mut rows: Vec<Row> = Vec::new();
    for step in STEPS.iter().filter(|step| options.wants(step)) {
        if step.runs_binaries() && rows.iter().any(|row| row.step == "build" && row.failed()) {
            rows.push(Row::not_run(step.name, "the build failed"));
            continue;
        }
        println!("\n== {} ==", step.name);
        rows.push(step.run(&env)?);
    }
    let skipped = options.strict && rows.iter().any(Row::skipped);
    if skipped {
        println!("\n--strict: fails because tests were skipped");
    }
    print!("{}", report::render(&rows));
    let failed = skipped || rows.iter().any(Row::failed);
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// The environment of the tests, which names the binaries and the tools that they may use.
fn environment(options: &Options) -> Result<Vec<(&'static str, String)>, String> {
    let target = repo::target_dir();
    let mut env = vec![("MLBENCH_BIN_DIR", target.join("debug").display().to_string())];
    let python = target.join("python-client/bin/python");
    if std::env::var_os("MLBENCH_PYTHON").is_none() && python.exists() {
        env.push(("MLBENCH_PYTHON", python.display().to_string()));
    }
    if options.kube {
        env.push(("MLBENCH_TEST_KUBECONFIG", kubeconfig()?.display().to_string()));
        env.push(("MLBENCH_TEST_KUBE", "1".to_owned()));
    }
    Ok(env)
}

/// The kubeconfig that kubectl would use.
fn kubeconfig() -> Result<PathBuf, String> {
    let named = std::env::var_os("KUBECONFIG").map(PathBuf::from);
    let file = named.or_else(|| Some(std::env::home_dir()?.join(".kube/config")));
    let file = file.filter(|file| file.is_file());
    file.ok_or_else(|| "--kube: no kubeconfig in ~/.kube/config; set KUBECONFIG".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str]) -> Result<Options, String> {
        Options::parse(&args.iter().map(|arg| (*arg).to_owned()).collect::<Vec<_>>())
    }

    fn wanted(options: &Options) -> Vec<&'static str> {
        STEPS.iter().filter(|step| options.wants(step)).map(|step| step.name).collect()
    }

    #[test]
    fn without_arguments_every_step_runs() {
        assert_eq!(wanted(&parse(&[]).unwrap()).len(), STEPS.len());
    }

    #[test]
    fn a_step_that_runs_binaries_builds_them_first() {
        assert_eq!(wanted(&parse(&["--only", "tidy"]).unwrap()), ["tidy"]);
        assert_eq!(wanted(&parse(&["--only", "mpirun"]).unwrap()), ["build", "mpirun"]);
    }

    #[test]
    fn strict_is_an_option_of_its_own() {
        assert!(parse(&["--strict", "--kube"]).unwrap().strict && !parse(&["--kube"]).unwrap().strict);
    }

    #[test]
    fn an_unknown_step_or_option_is_refused() {
        assert!(parse(&["--only", "tydy"]).unwrap_err().contains("fmt, page, clippy, tidy"));
        assert!(parse(&["--kubernetes"]).unwrap_err().contains("--kubernetes"));
        assert!(parse(&["--only"]).is_err());
    }
}
