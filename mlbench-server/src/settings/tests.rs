//! Settings, as they are read, checked and completed.

use std::time::Duration;

use super::*;

fn settings(flags: &[&str]) -> Settings {
    Settings::from_flags(flags.iter().copied()).unwrap()
}

#[test]
fn the_flags_are_consistent() {
    use clap::CommandFactory;
    Settings::command().debug_assert();
}

#[test]
fn a_non_loopback_address_needs_a_token_or_a_flag() {
    assert!(settings(&[]).check().is_ok());
    assert!(settings(&["--listen", "[::1]:0"]).check().is_ok());
    let refusal = settings(&["--listen", "0.0.0.0:80"]).check().unwrap_err();
    assert!(refusal.contains("--insecure-no-auth"), "{refusal}");
    assert!(refusal.contains("--token-file"), "{refusal}");
    assert!(settings(&["--listen", "0.0.0.0:80", "--insecure-no-auth"]).check().is_ok());
    assert!(settings(&["--listen", "0.0.0.0:80", "--token-file", "t"]).check().is_ok());
    let both = settings(&["--insecure-no-auth", "--token-file", "t"]).check().unwrap_err();
    assert!(both.contains("leave one of them out"), "{both}");
}

#[test]
fn whole_numbers_have_every_spelling() {
    let read = settings(&["--workers", "2.0", "--output-limit", "1e2", "--max-workers", "+8"]);
    assert_eq!((read.workers, read.output_limit, read.kubernetes.max_workers), (Some(2), 100, 8));
    for flags in
        [["--workers", "0"], ["--workers", "2.5"], ["--max-workers", "1025"], ["--output-limit", "1.5"]]
    {
        assert!(Settings::from_flags(flags).unwrap_err().contains("use a whole number"), "{flags:?}");
    }
}

#[test]
fn a_time_needs_a_unit() {
    assert_eq!(settings(&["--grace-period", "500ms"]).grace_period, Duration::from_millis(500));
    assert_eq!(settings(&["--start-timeout", "1h 30m"]).start_timeout, Duration::from_secs(5400));
    assert_eq!(settings(&["--time-limit", "1d"]).time_limit, Some(Duration::from_secs(86_400)));
    for text in ["10", "-1s", "soon", ""] {
        let refusal = Settings::from_flags([format!("--grace-period={text}").as_str()]).unwrap_err();
        assert!(refusal.contains("grace-period"), "{refusal}");
    }
    assert!(Settings::from_flags(["--sample-interval", "1ms"]).is_err());
}

#[test]
fn workers_reach_a_wildcard_bind_over_loopback() {
    let url = |address: &str| settings(&[]).server_url(address.parse().unwrap());
    assert_eq!(url("127.0.0.1:8000"), "http://127.0.0.1:8000");
    assert_eq!(url("0.0.0.0:80"), "http://127.0.0.1:80");
    assert_eq!(url("[::]:80"), "http://[::1]:80");
}

#[test]
fn kubernetes_is_used_when_named_or_with_a_context() {
    let kind = |flags: &[&str]| settings(flags).cluster_kind();
    assert_eq!(kind(&["--kube-context", "kind-lab"]), ClusterKind::Kubernetes);
    assert_eq!(kind(&["--kube-context", "kind-lab", "--cluster", "local"]), ClusterKind::Local);
    assert_eq!(kind(&["--cluster", "kubernetes"]), ClusterKind::Kubernetes);
}

#[test]
fn each_cluster_has_its_own_defaults() {
    let (local, kubernetes) = (settings(&["--cluster", "local"]), settings(&["--cluster", "kubernetes"]));
    assert_eq!((local.sample_interval().as_secs(), kubernetes.sample_interval().as_secs()), (2, 10));
    let over_ssh = settings(&["--cluster", "kubernetes", "--mpi-daemons", "ssh"]).mpirun();
    assert!(local.mpirun().starts_with("mpirun ") && over_ssh.starts_with("/.openmpi/bin/mpirun --mca "));
    assert!(over_ssh.ends_with(" --host {hosts}") && !over_ssh.contains("  "));
    assert_eq!(kubernetes.mpirun(), "mpirun --oversubscribe --host {hosts}");
    assert!(
        kubernetes.default_command().unwrap().starts_with("mlbench benchmark logistic-regression --run_id ")
    );
    let given = ["--cluster", "kubernetes", "--sample-interval", "3s", "--mpirun", "m {hosts}"];
    assert_eq!(
        (settings(&given).sample_interval().as_secs(), settings(&given).mpirun().as_str()),
        (3, "m {hosts}")
    );
}

#[test]
fn a_metrics_token_needs_a_token_of_the_server() {
    assert!(settings(&["--token-file", "t", "--metrics-token-file", "m"]).check().is_ok());
    let refusal = settings(&["--metrics-token-file", "m"]).check().unwrap_err();
    assert_eq!(refusal, "--metrics-token-file: no effect without --token-file; add it");
}

#[test]
fn a_host_name_has_no_port() {
    assert!(settings(&["--allowed-hosts", "a.example,b.example"]).check().is_ok());
    assert!(settings(&["--allowed-hosts", "a.example:80"]).check().is_err());
}

#[test]
fn a_server_in_a_pod_has_the_names_of_its_service() {
    let settings = Settings::from_flags(["--allowed-hosts", "lab.example.org"]).unwrap();
    assert_eq!(settings.host_names_in(None), ["lab.example.org"]);
    assert_eq!(
        settings.host_names_in(Some("bench\n")),
        [
            "lab.example.org",
            "mlbench",
            "mlbench.bench",
            "mlbench.bench.svc",
            "mlbench.bench.svc.cluster.local"
        ]
    );
    let renamed = Settings::from_flags(["--service-name", "second"]).unwrap().host_names_in(Some("a"));
    assert_eq!(renamed, ["second", "second.a", "second.a.svc", "second.a.svc.cluster.local"]);
    let invalid = Settings::from_flags(["--service-name", "http://mlbench"]).unwrap();
    assert!(invalid.check().unwrap_err().starts_with("--service-name: "));
}

#[test]
fn only_whole_names_of_hosts_are_allowed() {
    for name in ["*", "*.example.org", "http://a", "a:80", "a b", "[::1]"] {
        let refusal = settings(&["--allowed-hosts", name]).check().unwrap_err();
        assert!(refusal.starts_with("--allowed-hosts: "), "{refusal}");
    }
    settings(&["--allowed-hosts", "lab-2.example_1.org"]).check().unwrap();
}

#[test]
fn errors_repeat_only_the_beginning_of_a_long_value() {
    let long = "x".repeat(100_000);
    for flag in ["--listen", "--workers", "--grace-period", "--cluster"] {
        let refusal = Settings::from_flags([flag, &long]).unwrap_err();
        assert!(
            refusal.contains("… (100000 characters)") && refusal.len() < 600,
            "{flag}: {}",
            refusal.len()
        );
    }
    let refusal = settings(&["--allowed-hosts", &format!("{long}:80")]).check().unwrap_err();
    assert!(refusal.len() < 600, "{}", refusal.len());
}

#[test]
fn a_command_takes_no_flag_of_the_server_besides_the_database() {
    let check = |flags: &[&str]| {
        let read = settings(flags);
        read.check_upkeep(read.upkeep.as_ref().unwrap())
    };
    for flags in [["--database", "a", "check"], ["check", "--database", "a"]] {
        assert_eq!(check(&flags), Ok(()));
        assert_eq!(settings(&flags).database().unwrap().to_str(), Some("a"), "{flags:?}");
    }
    assert_eq!(check(&["--workers", "2", "gc"]).unwrap_err(), "--workers: no effect on gc; leave it out");
    assert!(Settings::from_flags(["backup"]).unwrap_err().contains("<FILE|DIR>"));
}

#[test]
fn a_read_only_server_owns_nothing() {
    assert!(settings(&["--read-only"]).check().is_ok());
    for flag in ["--adopt", "--purge", "--stop-runs-on-exit"] {
        let expected = format!("--read-only: contradicts {flag}; leave one of them out");
        assert_eq!(settings(&["--read-only", flag]).check(), Err(expected));
    }
}
