//! The machine, without which no measurement means anything.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::error::Result;

/// Properties of the machine that the measurements depend on.
#[derive(Debug, Clone)]
pub(crate) struct Machine {
    /// Number of cores that this process may use.
    pub(crate) cores: usize,
    /// Model name of the processor.
    pub(crate) processor: String,
    /// Memory in bytes.
    pub(crate) memory: u64,
    /// Rate of appending 4 KiB to a file and syncing it.
    pub(crate) syncs_per_second: f64,
}

impl Machine {
    /// Measures the machine, and the disk of `folder`.
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

    /// Returns the machine as it is written to the results.
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "cores": self.cores,
            "processor": self.processor,
            "memory_bytes": self.memory,
            "syncs_per_second": self.syncs_per_second.round(),
        })
    }
}

/// Processor time since the machine was booted, in clock ticks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Processors {
    all: i64,
    /// Busy ticks of programs other than this one and the servers that it has stopped.
    others: i64,
}

impl Processors {
    /// Reads the current times.
    pub(crate) fn now() -> Result<Self> {
        let stat = fs::read_to_string("/proc/stat")?;
        // Some are negative: -1 means no terminal.
        let numbers =
            |text: &str| text.split_whitespace().map_while(|n| n.parse().ok()).collect::<Vec<i64>>();
        // user nice system idle iowait irq softirq steal
        let all = numbers(stat.lines().next().and_then(|line| line.strip_prefix("cpu ")).unwrap_or_default());
        let ticks: i64 = all.iter().take(8).sum();
        let idle: i64 = all.iter().skip(3).take(2).sum();
        let own = fs::read_to_string("/proc/self/stat")?;
        // Fields 14 to 17 of proc(5): user and system time of this program, and of its children.
        let own = numbers(own.rsplit_once(") ").and_then(|(_, rest)| rest.get(2..)).unwrap_or_default());
        let own: i64 = own.iter().skip(10).take(4).sum();
        Ok(Self { all: ticks, others: ticks - idle - own })
    }

    /// Returns the percentage of processor time that other programs used since `before`.
    ///
    /// It shows how noisy the results are.
    pub(crate) fn taken_by_others_since(self, before: Self) -> f64 {
        100.0 * (self.others - before.others).max(0) as f64 / (self.all - before.all).max(1) as f64
    }
}

/// Returns the first word after `name:` in a file of `/proc`.
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
