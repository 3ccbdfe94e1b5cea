//! The machine that is measured on: without this no figure means anything.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::Result;

/// What the figures depend on.
#[derive(Debug, Clone)]
pub(crate) struct Machine {
    /// Cores that this process may use.
    pub(crate) cores: usize,
    /// The processor, as it calls itself.
    pub(crate) processor: String,
    /// Bytes of memory.
    pub(crate) memory: u64,
    /// How often a second 4 KiB can be appended to a file and synced, one after the other.
    pub(crate) syncs_per_second: f64,
}

impl Machine {
    /// Looks at the machine, and at the disk that `folder` is on.
    pub(crate) fn measure(folder: &Path) -> Result<Self> {
        let processors = fs::read_to_string("/proc/cpuinfo")?;
        let memory = fs::read_to_string("/proc/meminfo")?;
        let kibibytes: u64 = field(&memory, "MemTotal").and_then(|text| text.parse().ok()).unwrap_or(0);
        Ok(Self {
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            processor: processors
                .lines()
                .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
                .map_or_else(|| "unknown".to_owned(), |(_, name)| name.to_owned()),
            memory: kibibytes * 1024,
            syncs_per_second: syncs_per_second(folder)?,
        })
    }

    /// As it stands in the results.
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "cores": self.cores,
            "processor": self.processor,
            "memory_bytes": self.memory,
            "syncs_per_second": self.syncs_per_second.round(),
        })
    }
}

/// The first word of a line of `/proc` that begins with `name:`.
pub(crate) fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    line.split_whitespace().next()
}

fn syncs_per_second(folder: &Path) -> Result<f64> {
    let path = folder.join("sync");
    let mut file = File::create(&path)?;
    let begin = Instant::now();
    let mut syncs = 0;
    while begin.elapsed() < Duration::from_secs(1) {
        file.write_all(&[0x5a; 4096])?;
        file.sync_data()?;
        syncs += 1;
    }
    let rate = f64::from(syncs) / begin.elapsed().as_secs_f64();
    fs::remove_file(&path)?;
    Ok(rate)
}
