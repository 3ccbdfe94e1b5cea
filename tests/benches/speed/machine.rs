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

/// How busy the processors have been since the machine was started, in clock ticks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Processors {
    all: i64,
    /// Of those, the ones in which other programs ran than this one and the servers that it has ended.
    others: i64,
}

impl Processors {
    /// Until now.
    pub(crate) fn now() -> Result<Self> {
        let stat = fs::read_to_string("/proc/stat")?;
        // Some are negative: -1 stands for no terminal.
        let numbers =
            |text: &str| text.split_whitespace().map_while(|n| n.parse().ok()).collect::<Vec<i64>>();
        // user nice system idle iowait irq softirq steal
        let all = numbers(stat.lines().next().and_then(|line| line.strip_prefix("cpu ")).unwrap_or_default());
        let ticks: i64 = all.iter().take(8).sum();
        let idle: i64 = all.iter().skip(3).take(2).sum();
        let own = fs::read_to_string("/proc/self/stat")?;
        // Behind the name and the state: the 12th to 15th are the times of this program and its children.
        let own = numbers(own.rsplit_once(") ").and_then(|(_, rest)| rest.get(2..)).unwrap_or_default());
        let own: i64 = own.iter().skip(10).take(4).sum();
        Ok(Self { all: ticks, others: ticks - idle - own })
    }

    /// The percentage of the machine that other programs took since `before`: the noise of what was measured.
    pub(crate) fn taken_by_others_since(self, before: Self) -> f64 {
        100.0 * (self.others - before.others).max(0) as f64 / (self.all - before.all).max(1) as f64
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
