//! Checks settings that depend on each other, and finds the database.

use std::path::PathBuf;

use etcetera::BaseStrategy;
use mlbench_core::quote::quote;

use super::flags::Settings;
use super::given;
use super::upkeep::Upkeep;

impl Settings {
    /// Refuses settings that contradict each other.
    ///
    /// # Errors
    /// A message for the operator.
    pub fn check(&self) -> Result<(), String> {
        match &self.token_file {
            Some(_) if self.insecure_no_auth => {
                let rule = "--insecure-no-auth: contradicts --token-file; leave one of them out";
                return Err(rule.to_owned());
            }
            None if !self.listen.ip().is_loopback() && !self.insecure_no_auth => {
                return Err(format!(
                    "--listen {}: anyone who reaches this address could run programs; listen on 127.0.0.1, require a \
                     token with --token-file FILE, or add --insecure-no-auth if only trusted machines reach it",
                    self.listen
                ));
            }
            _ => {}
        }
        for (flag, is_given) in [
            ("--adopt", self.adopt),
            ("--purge", self.purge),
            ("--stop-runs-on-exit", self.stop_runs_on_exit),
        ] {
            if self.read_only && is_given {
                return Err(format!("--read-only: contradicts {flag}; leave one of them out"));
            }
        }
        if self.metrics_token_file.is_some() && self.token_file.is_none() {
            return Err("--metrics-token-file: no effect without --token-file; add it".to_owned());
        }
        self.kubernetes.check()?;
        let host = |name: &String| {
            name.is_empty() || !name.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'))
        };
        if host(&self.service_name) {
            let name = quote(&self.service_name);
            return Err(format!(
                "--service-name: {name} is not the name of a service; leave out the namespace"
            ));
        }
        if let Some(name) = self.allowed_hosts.iter().find(|name| host(name)) {
            return Err(format!(
                "--allowed-hosts: {} is not a host name; write each name in full, without scheme and port",
                quote(name)
            ));
        }
        given::check(&self.given, self.surroundings())
    }

    /// Refuses a flag of the server that has no effect on a command.
    ///
    /// A variable is not refused: the environment is that of a service.
    ///
    /// # Errors
    /// A message that names it.
    pub fn check_upkeep(&self, command: &Upkeep) -> Result<(), String> {
        match self.given.iter().find_map(|given| given.flag_besides("database")) {
            Some(flag) => Err(format!("{flag}: no effect on {}; leave it out", command.name())),
            None => Ok(()),
        }
    }

    /// Returns the database file, by default in the user's data directory.
    ///
    /// # Errors
    /// When the user has no data directory.
    pub fn database(&self) -> Result<PathBuf, String> {
        if let Some(file) = &self.database {
            return Ok(file.clone());
        }
        let base = etcetera::choose_base_strategy()
            .map_err(|error| format!("--database: this user has no data directory ({error}); name a file"))?;
        Ok(base.data_dir().join("mlbench").join("mlbench.sqlite3"))
    }
}
