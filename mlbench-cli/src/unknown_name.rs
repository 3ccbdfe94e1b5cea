//! [`UnknownName`]: the message about a name that selects nothing, with the names that exist.

use std::fmt;

use mlbench_core::api::nearest;
use mlbench_core::quote::quote;

/// Names listed in a hint.
const MAX_HINTS: usize = 5;

/// A name that an argument selects and nothing has.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct UnknownName {
    /// The option, or what a positional argument names.
    argument: &'static str,
    name: String,
    problem: String,
    /// The names that exist, each once.
    known: Vec<String>,
    /// How a list of these names begins.
    has: &'static str,
    /// What to say if no name exists.
    nothing: &'static str,
}

impl UnknownName {
    /// Creates the message about the name of a run.
    pub(crate) fn run(name: &str, known: Vec<String>) -> Self {
        let nothing = "start one with `mlbench runs start --name NAME`";
        Self::new("run", name, "not found".to_owned(), known, ("there are", nothing))
    }

    /// Creates the message about the name of a pod.
    pub(crate) fn pod(name: &str, known: Vec<String>) -> Self {
        Self::new("--pod", name, "not found".to_owned(), known, ("there are", "there are no pods"))
    }

    /// Creates the message about the name of a context.
    pub(crate) fn context(name: &str, known: Vec<String>) -> Self {
        let nothing = "add one with `mlbench context add NAME --url URL`";
        Self::new("--context", name, "not found".to_owned(), known, ("there are", nothing))
    }

    /// Creates the message about the name of a metric that `owner` does not have.
    pub(crate) fn metric(name: &str, owner: &str, known: Vec<String>) -> Self {
        let problem = format!("{owner} has no such metric");
        Self::new("--metric", name, problem, known, ("it has", "it has no metrics"))
    }

    /// Creates the message about the name of a metric that none of several runs has.
    pub(crate) fn metric_of_runs(name: &str, runs: &str, known: Vec<String>) -> Self {
        let problem = format!("none of the runs {runs} has such a metric");
        Self::new("--metric", name, problem, known, ("they have", "they have no metrics"))
    }

    /// Creates the message about the name of a tag that `owner` does not have.
    pub(crate) fn tag(name: &str, owner: &str, known: Vec<String>) -> Self {
        let problem = format!("{owner} has no such tag");
        Self::new("--remove-tag", name, problem, known, ("it has", "it has no tags"))
    }

    /// Names the option, instead of what it selects.
    pub(crate) fn of_option(self, option: &'static str) -> Self {
        Self { argument: option, ..self }
    }

    fn new(
        argument: &'static str,
        name: &str,
        problem: String,
        mut known: Vec<String>,
        (has, nothing): (&'static str, &'static str),
    ) -> Self {
        known.sort_unstable();
        known.dedup();
        Self { argument, name: name.to_owned(), problem, known, has, nothing }
    }

    fn hint(&self) -> String {
        if let Some(nearest) = nearest(&self.name, self.known.iter().map(String::as_str)) {
            return format!("did you mean {}?", quote(nearest));
        }
        let listed: Vec<String> =
            self.known.iter().take(MAX_HINTS).map(|name| quote(name).to_string()).collect();
        let listed = listed.join(", ");
        match self.known.len() {
            0 => self.nothing.to_owned(),
            count if count > MAX_HINTS => format!("{} {listed} and {} more", self.has, count - MAX_HINTS),
            _ => format!("{} {listed}", self.has),
        }
    }
}

impl fmt::Display for UnknownName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}; {}", self.argument, quote(&self.name), self.problem, self.hint())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_mistyped_name_is_reported_with_a_hint() {
        let metric =
            |name: &str, known: &[&str]| UnknownName::metric(name, "run 1", names(known)).to_string();
        assert_eq!(
            metric("los", &["acc", "loss"]),
            "--metric \"los\": run 1 has no such metric; did you mean \"loss\"?"
        );
        let text = "--metric \"throughput\": run 1 has no such metric; it has \"acc\", \"loss\"";
        assert_eq!(metric("throughput", &["loss", "acc", "acc"]), text);
        assert_eq!(metric("loss", &[]), "--metric \"loss\": run 1 has no such metric; it has no metrics");
        assert_eq!(
            UnknownName::metric_of_runs("x", "1, 2", names(&["loss"])).to_string(),
            "--metric \"x\": none of the runs 1, 2 has such a metric; they have \"loss\""
        );
        let tag = UnknownName::tag("temp", "run 1", names(&["team"])).to_string();
        assert_eq!(tag, "--remove-tag \"temp\": run 1 has no such tag; did you mean \"team\"?");
        let pod = UnknownName::pod("worker-2", names(&["worker-0", "worker-1"])).to_string();
        assert_eq!(pod, "--pod \"worker-2\": not found; did you mean \"worker-0\"?");
    }

    #[test]
    fn a_hint_and_the_name_are_bounded() {
        let many: Vec<String> = (10..30).map(|number| format!("metric-{number}")).collect();
        let text = UnknownName::metric("x", "run 1", many).to_string();
        assert!(text.ends_with("\"metric-14\" and 15 more"), "{text}");
        let long = "y".repeat(1_000_000);
        let text = UnknownName::run(&long, vec!["x".repeat(100_000); 3]).to_string();
        assert!(text.starts_with("run \"yyy") && text.len() < 1_000, "{} bytes", text.len());
    }
}
