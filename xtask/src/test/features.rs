//! The features of the client, which programs combine as they like.

use std::process::{Command, Stdio};

use super::counts::Counts;
use super::process::run_and_show;
use crate::repo;

/// Each feature alone, none, and all. The workspace itself has the default ones.
const COMBINATIONS: &[&str] =
    &["", "rustls", "native-tls", "blocking", "gzip", "rustls,native-tls,blocking,gzip"];

/// Checks that each combination compiles without a warning.
pub(super) fn check(env: &[(&str, String)]) -> Result<Counts, String> {
    let mut counts = Counts::default();
    for features in COMBINATIONS {
        let name = if features.is_empty() { "no feature" } else { features };
        if features.contains("native-tls") && !has_native_tls() {
            counts.skipped += 1;
            counts.reasons =
                vec!["native-tls needs OpenSSL's headers; install libssl-dev and pkg-config".to_owned()];
            continue;
        }
        println!("mlbench-client with {name}");
        let (ok, _) = run_and_show(repo::cargo(&command(features)), env)?;
        counts.passed += usize::from(ok);
        if !ok {
            counts.failed += 1;
            counts.failures.push(name.to_owned());
        }
    }
    Ok(counts)
}

fn command(features: &'static str) -> Vec<&'static str> {
    let package = ["clippy", "--quiet", "--package", "mlbench-client", "--lib", "--no-default-features"];
    [&package[..], &["--features", features, "--", "-D", "warnings"]].concat()
}

/// Returns whether the TLS library of the system can be compiled against.
fn has_native_tls() -> bool {
    let mut pkg_config = Command::new("pkg-config");
    pkg_config.args(["--exists", "openssl"]).stdout(Stdio::null()).stderr(Stdio::null());
    !cfg!(target_os = "linux")
        || std::env::var_os("OPENSSL_DIR").is_some()
        || pkg_config.status().is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_feature_of_the_client_is_in_a_combination() {
        let manifest = std::fs::read_to_string(repo::root().join("mlbench-client/Cargo.toml")).unwrap();
        let features = manifest.split("[features]\n").nth(1).unwrap().split("\n[").next().unwrap();
        let names = features.lines().filter_map(|line| line.split_once(" = ")).map(|(name, _)| name);
        for name in names.filter(|name| *name != "default" && !name.starts_with('#')) {
            assert!(COMBINATIONS.contains(&name), "{name}");
            let all = COMBINATIONS.last().unwrap();
            assert!(all.split(',').any(|feature| feature == name), "{name}");
        }
    }
}
