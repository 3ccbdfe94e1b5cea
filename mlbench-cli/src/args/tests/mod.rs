mod help;

use clap::CommandFactory;

use super::Cli;

#[test]
fn the_definition_of_the_arguments_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn every_command_and_argument_has_a_help_text() {
    fn check(command: &clap::Command) {
        for sub in command.get_subcommands() {
            assert!(sub.get_about().is_some(), "{}", sub.get_name());
            check(sub);
        }
        for arg in command.get_arguments() {
            assert!(arg.get_help().is_some(), "{} {}", command.get_name(), arg.get_id());
        }
    }
    check(&Cli::command());
}

#[test]
fn flags_without_effect_are_refused() {
    let refusal = |line: &str| {
        let words = line.split_whitespace();
        Cli::from_words(std::iter::once("mlbench").chain(words)).map_err(|error| error.to_string())
    };
    for (line, flag) in [
        ("--kube --url http://x pods", "--url"),
        ("pods --url http://x --kube", "--url"),
        ("--url http://x benchmark all-reduce", "--url"),
        ("benchmark all-reduce --url http://x", "--url"),
        ("benchmark all-reduce --token-file x", "--token-file"),
        ("benchmark all-reduce --kube", "--kube"),
        ("pods --context lab --url http://x", "--url"),
        ("pods --context lab --kube", "--context"),
        ("benchmark all-reduce --context lab", "--context"),
        ("context list --context lab", "--context"),
        ("context add lab --url http://x --kube", "--kube"),
        ("context add lab --url http://x --context other", "--context"),
        ("login --kube", "--kube"),
        ("logout --token-file x", "--token-file"),
        ("benchmark all-reduce --kube --kube-context x", "--kube"),
    ] {
        let error = refusal(line).unwrap_err();
        assert!(error.contains(&format!("{flag}: no effect")), "{line}: {error}");
    }
    for line in [
        "--kube pods",
        "--url http://x pods",
        "benchmark all-reduce --report-to http://x",
        "login --context lab",
    ] {
        assert!(refusal(line).is_ok(), "{line}");
    }
    let error = refusal("runs download 3 -o x.zip").unwrap_err();
    assert!(error.contains("unexpected argument '-o' found"), "{error}");
}

#[test]
fn errors_repeat_only_the_beginning_of_a_long_argument() {
    let long = "x".repeat(100_000);
    for words in [
        ["mlbench", "metrics", "--since", &long].as_slice(),
        &["mlbench", "metrics", "--last", &long],
        &["mlbench", "pods", "-o", &long],
        &["mlbench", &long],
        &["mlbench", "pods", &format!("--{long}")],
    ] {
        let error = Cli::from_words(words).unwrap_err().to_string();
        assert!(error.len() < 1_000, "{} bytes for {}", error.len(), words[1]);
    }
}

#[test]
fn values_without_a_meaning_are_refused_by_name() {
    let long = "x".repeat(600);
    for (words, refusal) in [
        (["runs", "start", "--name", "x", "--command", ""].as_slice(), "must not be empty"),
        (&["runs", "start", "--name", "x", "--image", " "], "must not be empty"),
        (&["runs", "start", "--name", "x", "--backend", ""], "must not be empty"),
        (&["runs", "start", "--name", "x", "--workers", "-1"], "a whole number of at least 1"),
        (&["runs", "start", "--name", "x", "--cpus", "-0.5"], "a number above 0"),
        (&["runs", "logs", "x", "--rank", "-1"], "a whole number of at least 0"),
        (&["runs", "wait", "x", "--timeout", "-1"], "must be a duration"),
        (&["runs", "set", "x"], "changes nothing; add --param, --tag or --remove-tag"),
        (&["runs", "compare", "1", "--metric", &long], "must have 1 to 512 bytes"),
    ] {
        let error = Cli::from_words(std::iter::once("mlbench").chain(words.iter().copied())).unwrap_err();
        assert!(error.to_string().contains(refusal), "{words:?}: {error}");
    }
    for words in
        ["metrics post --run x --name y --value -1", "runs compare 1 --goal -2", "runs set x --tag a=b"]
    {
        Cli::from_words(std::iter::once("mlbench").chain(words.split(' '))).unwrap();
    }
}
