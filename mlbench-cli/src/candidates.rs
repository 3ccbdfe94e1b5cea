//! What a shell offers for the word under the cursor: the runs and pods of the server.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::sync::OnceLock;
use std::time::Duration;

use clap_complete::CompletionCandidate;
use mlbench_client::{Client, Pod, Run, RunSearch, RunState};

/// How long a shell waits for the server.
const TIMEOUT: Duration = Duration::from_secs(2);

/// The server that is asked. Unset when no command line is completed, or it selects no server.
static SERVER: OnceLock<Client> = OnceLock::new();

/// The contexts, with their servers. Unset when no command line is completed.
static CONTEXTS: OnceLock<Vec<(String, String)>> = OnceLock::new();

/// Makes these contexts, each with its server, those that are offered.
pub(crate) fn offer_contexts(contexts: Vec<(String, String)>) {
    // There is one command line to complete in the life of a process.
    let _ = CONTEXTS.set(contexts);
}

/// Returns the contexts whose name starts with `current`.
pub(crate) fn contexts(current: &OsStr) -> Vec<CompletionCandidate> {
    let (Some(contexts), Some(current)) = (CONTEXTS.get(), current.to_str()) else {
        return Vec::new();
    };
    let matching = contexts.iter().filter(|(name, _)| name.starts_with(current));
    matching.map(|(name, url)| CompletionCandidate::new(name).help(Some(url.clone().into()))).collect()
}

/// Makes `client` the server that is asked for candidates.
pub(crate) fn ask(client: Client) {
    // There is one command line to complete in the life of a process.
    let _ = SERVER.set(client);
}

/// Returns the newest runs that are named by a word with the beginning `current`.
pub(crate) fn runs(current: &OsStr) -> Vec<CompletionCandidate> {
    let (Some(client), Some(current)) = (SERVER.get(), current.to_str()) else {
        return Vec::new();
    };
    let newest_first = "-id".parse().ok();
    let query = RunSearch { order: newest_first, limit: Some(RunSearch::MAX_LIMIT), ..RunSearch::default() };
    let page = wait_for(async { client.runs().search(&query).await.ok() });
    page.map(|page| run_candidates(&page.runs, current)).unwrap_or_default()
}

/// Returns the pods whose name starts with `current`.
pub(crate) fn pods(current: &OsStr) -> Vec<CompletionCandidate> {
    let (Some(client), Some(current)) = (SERVER.get(), current.to_str()) else {
        return Vec::new();
    };
    let pods: Vec<Pod> = wait_for(async { client.pods().list().await.ok() }).unwrap_or_default();
    let names = pods.into_iter().map(|pod| pod.name.to_string());
    names.filter(|name| name.starts_with(current)).map(CompletionCandidate::new).collect()
}

/// Returns the states of runs.
pub(crate) fn states() -> Vec<CompletionCandidate> {
    RunState::ALL.iter().map(|state| CompletionCandidate::new(state.as_str().to_lowercase())).collect()
}

/// Waits for a response. A shell shows no errors: without one there are no candidates.
fn wait_for<T>(response: impl Future<Output = Option<T>>) -> Option<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
    let response = runtime.block_on(async { tokio::time::timeout(TIMEOUT, response).await.ok().flatten() });
    // The search for an address goes on in a thread, as long as the resolver likes.
    runtime.shutdown_background();
    response
}

/// Returns how each run is named on a command line: by its name if that is one plain word and selects it.
fn run_candidates(newest_first: &[Run], current: &str) -> Vec<CompletionCandidate> {
    let mut seen = HashSet::new();
    let word = |run: &Run, is_newest: bool| {
        let name = run.name.as_str();
        if is_newest && is_plain_word(name) { name.to_owned() } else { run.id.to_string() }
    };
    let words = newest_first.iter().enumerate().map(|(place, run)| {
        let word = word(run, seen.insert(run.name.as_str()));
        let help = format!("run {}, {}, {}", run.id, run.name.as_str().escape_debug(), run.state);
        CompletionCandidate::new(word).help(Some(help.into())).display_order(Some(place))
    });
    words.filter(|word| word.get_value().to_string_lossy().starts_with(current)).collect()
}

/// Returns whether no shell gives a character a meaning, and the command line reads no id or flag.
fn is_plain_word(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.chars().all(|character| character.is_ascii_alphanumeric() || "-_.+/".contains(character))
}

#[cfg(test)]
mod tests {
    use super::is_plain_word;

    #[test]
    fn only_plain_words_name_a_run_in_a_shell() {
        for name in ["first", "resnet-50_v1.5", "a/b+c"] {
            assert!(is_plain_word(name), "{name}");
        }
        for name in ["", "7", "-x", "two words", "$(reboot)", "a:b", "id:7", "é", "a\nb", "a'b"] {
            assert!(!is_plain_word(name), "{name}");
        }
    }
}
