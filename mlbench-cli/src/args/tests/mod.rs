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
        ("benchmark all-reduce --kube --kube-context x", "--kube"),
    ] {
        let error = refusal(line).unwrap_err();
        assert!(error.contains(&format!("{flag}: no effect")), "{line}: {error}");
    }
    for line in ["--kube pods", "--url http://x pods", "benchmark all-reduce --report-to http://x"] {
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
