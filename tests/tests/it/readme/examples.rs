//! Executes the examples of the README in order on one server.
//!
//! In a block ```` ```console ````, lines that begin with `$ ` are commands, and the other lines are their output. JSON is
//! compared by shape: everything that the README shows must exist and have the same type, and `…` means that there may be
//! more. Of any other output, the words of the first line are compared, except numbers.

use std::path::Path;

use mlbench_tests::{ServerOptions, TestServer, binary, run_program, tools};

use super::compare::matches;

struct Example {
    line: usize,
    command: String,
    output: String,
}

fn examples(text: &str) -> Vec<Example> {
    let mut examples: Vec<Example> = Vec::new();
    let mut inside = false;
    for (index, line) in text.lines().enumerate() {
        if line.starts_with("```") {
            inside = line == "```console";
        } else if let Some(command) = line.strip_prefix("$ ").filter(|_| inside) {
            examples.push(Example { line: index + 1, command: command.to_owned(), output: String::new() });
        } else if let Some(last) = examples.last_mut().filter(|_| inside) {
            // A command that ends in a backslash continues in the next line.
            let part = if last.command.ends_with('\\') { &mut last.command } else { &mut last.output };
            part.push_str(&format!("\n{line}"));
        }
    }
    examples
}

#[tokio::test]
async fn the_console_examples_work() {
    let Some(_) = tools::curl() else { return };
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md")).unwrap();
    let examples = examples(&readme);
    assert!(examples.len() > 10, "the README has {} examples", examples.len());
    let server = ServerOptions::default().workers(2).start().await;
    // Without this, curl succeeds whatever the status of the response is.
    std::fs::write(server.dir().join(".curlrc"), "fail-with-body\n").unwrap();
    for example in examples {
        run(&server, &example).await;
    }
}

async fn run(server: &TestServer, example: &Example) {
    let folder = binary("mlbench").parent().unwrap().display().to_string();
    let command = example.command.replace("http://127.0.0.1:8000", &server.url());
    let command = command.replace("127.0.0.1:8000", &server.address().to_string());
    let script = format!(
        "cd '{dir}'; PATH='{folder}':$PATH; export MLBENCH_URL={} XDG_CONFIG_HOME='{dir}/config' CURL_HOME='{dir}'; \
         {command}",
        server.url(),
        dir = server.dir().display(),
    );
    let output = run_program(Path::new("sh"), &["-c", &script]).await;
    let context =
        format!("README.md:{}: {}\n{}{}", example.line, example.command, output.stdout, output.stderr);
    // 22 is curl's exit code for a response with an error status.
    let code = if example.output.contains("\"status\": 4") { 22 } else { 0 };
    assert_eq!(output.code, code, "{context}");
    if let Err(difference) = matches(example.output.trim(), output.stdout.trim()) {
        panic!("{difference}\n{context}");
    }
}
