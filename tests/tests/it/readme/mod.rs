//! The examples of the README, executed in their order on one server.
//!
//! An example is a block ```` ```console ````: lines that begin with `$ ` are typed, what follows is what they print.
//! JSON is compared by its shape: what the README shows must be there, of the same type; `…` stands for more of it.
//! Of other output the first line is compared, word by word, where the words are not numbers.

mod compare;

use std::path::Path;

use mlbench_tests::{ServerOptions, TestServer, binary, run_program, tools};

use compare::matches;

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
            // A command that ends in a backslash goes on in the next line.
            let part = if last.command.ends_with('\\') { &mut last.command } else { &mut last.output };
            part.push_str(&format!("\n{line}"));
        }
    }
    examples
}

#[tokio::test]
async fn the_examples_of_the_readme_do_what_it_says() {
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
        "cd '{dir}'; PATH='{folder}':$PATH; export MLBENCH_URL={} CURL_HOME='{dir}'; {command}",
        server.url(),
        dir = server.dir().display(),
    );
    let ended = run_program(Path::new("sh"), &["-c", &script]).await;
    let said = format!("README.md:{}: {}\n{}{}", example.line, example.command, ended.stdout, ended.stderr);
    // 22 is curl's exit code for a response with an error status.
    let code = if example.output.contains("\"status\": 4") { 22 } else { 0 };
    assert_eq!(ended.code, code, "{said}");
    if let Err(difference) = matches(example.output.trim(), ended.stdout.trim()) {
        panic!("{difference}\n{said}");
    }
}
