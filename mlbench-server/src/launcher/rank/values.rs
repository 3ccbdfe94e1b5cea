//! The placeholders of a command.

use mlbench_core::run::{Backend, Run};

/// The rank of a process on its worker, which is the only one there.
pub(super) const ONLY_RANK: &str = "0";

/// Reads the value of a placeholder.
type Read = fn(&Values) -> &str;

/// The placeholders by name, in the order in which the page offers them.
const PLACEHOLDERS: [(&str, Read); 9] = [
    ("rank", |values| &values.rank),
    ("local_rank", |_| ONLY_RANK),
    ("num_workers", |values| &values.num_workers),
    ("hosts", |values| &values.hosts),
    ("addresses", |values| &values.addresses),
    ("master_addr", |values| &values.master_addr),
    ("master_port", |values| &values.master_port),
    ("run_id", |values| &values.run_id),
    ("backend", |values| &values.backend),
];

/// The values of the placeholders.
pub(super) struct Values {
    pub(super) run_id: String,
    pub(super) rank: String,
    pub(super) num_workers: String,
    pub(super) master_addr: String,
    pub(super) master_port: String,
    hosts: String,
    pub(super) addresses: String,
    backend: String,
}

impl Values {
    /// Collects the values for `rank` of `run`.
    pub(super) fn new(run: &Run, rank: u32) -> Self {
        let hosts: Vec<&str> = run.workers.iter().map(|worker| worker.host.as_str()).collect();
        let addresses: Vec<String> = run.workers.iter().map(|w| format!("{}:{}", w.host, w.port)).collect();
        Self {
            run_id: run.id.to_string(),
            rank: rank.to_string(),
            num_workers: run.spec.num_workers.to_string(),
            master_addr: run.workers.first().map(|worker| worker.host.clone()).unwrap_or_default(),
            master_port: run.workers.first().map(|worker| worker.port.to_string()).unwrap_or_default(),
            hosts: hosts.join(","),
            addresses: addresses.join(","),
            backend: run.spec.backend.as_ref().map_or("", Backend::name).to_owned(),
        }
    }

    fn get(&self, name: &str) -> Option<&str> {
        let placeholder = PLACEHOLDERS.iter().find(|(known, _)| *known == name);
        placeholder.map(|(_, value)| value(self))
    }

    /// Splits a line into arguments, and replaces the placeholders in each.
    ///
    /// # Errors
    /// That `what`, the line, has an unclosed quote.
    pub(super) fn split(&self, line: &str, what: &str) -> Result<Vec<String>, String> {
        let words = shell_words::split(line).map_err(|_| format!("{what} has an unclosed quote: {line}"))?;
        Ok(words.iter().map(|word| self.replace(word)).collect())
    }

    /// Replaces every placeholder in one pass: placeholders within a value stay unchanged.
    fn replace(&self, argument: &str) -> String {
        let mut replaced = String::with_capacity(argument.len());
        let mut rest = argument;
        while let Some(open) = rest.find('{') {
            replaced.push_str(&rest[..open]);
            rest = &rest[open..];
            let value = rest.find('}').and_then(|close| Some((close, self.get(&rest[1..close])?)));
            match value {
                Some((close, value)) => {
                    replaced.push_str(value);
                    rest = &rest[close + 1..];
                }
                None => {
                    replaced.push('{');
                    rest = &rest[1..];
                }
            }
        }
        replaced.push_str(rest);
        replaced
    }
}

#[cfg(test)]
mod tests {
    use super::PLACEHOLDERS;

    /// `MLBENCH_WRITE_TYPES=1 cargo test -p mlbench-server placeholders` writes the file again.
    #[test]
    fn the_page_offers_the_same_placeholders() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/dashboard/src/api/placeholders.json");
        let fresh = PLACEHOLDERS.map(|(name, _)| name);
        if std::env::var_os("MLBENCH_WRITE_TYPES").is_some() {
            std::fs::write(path, format!("{}\n", serde_json::to_string_pretty(&fresh).unwrap())).unwrap();
        }
        let checked_in: Vec<String> = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        assert_eq!(checked_in, fresh);
    }
}
