//! The runs of the demo, started and watched.

use std::io::{IsTerminal as _, Write as _, stdout};
use std::time::{Duration, Instant};

use serde::Deserialize;

use super::figures::{Figures, PointsByMetric};
use super::mlbench::Mlbench;

/// What one run of the demo trains.
pub(super) struct DemoRun {
    /// Its name.
    pub(super) name: &'static str,
    /// Number of workers.
    pub(super) workers: usize,
    /// The benchmark's own arguments.
    arguments: &'static str,
    /// Whether it belongs to the comparison of numbers of workers.
    pub(super) compared: bool,
}

/// Big enough that a second worker pays, and that one worker takes 10 to 20 seconds.
const SYNTHETIC: &str =
    "--synthetic 50000x1000 --batch-size 20000 --learning-rate 0.75 --validate-every 20 --max-epochs 2000";

/// One after the other, as the server runs them.
pub(super) const RUNS: &[DemoRun] = &[
    DemoRun { name: "synthetic, 1 worker", workers: 1, arguments: SYNTHETIC, compared: true },
    DemoRun { name: "synthetic, 2 workers", workers: 2, arguments: SYNTHETIC, compared: true },
    DemoRun { name: "synthetic, 4 workers", workers: 4, arguments: SYNTHETIC, compared: true },
    DemoRun { name: "breast cancer, 2 workers", workers: 2, arguments: "", compared: false },
];

/// A run, as far as the demo reads it.
#[derive(Debug, Deserialize)]
pub(super) struct Run {
    /// Its number.
    pub(super) id: u64,
    /// When it was accepted.
    pub(super) created_at: String,
    /// When it ended.
    finished_at: Option<String>,
    state: String,
    /// What is known of its execution.
    pub(super) job_metadata: JobMetadata,
}

/// The execution of a run, as far as the demo reads it.
#[derive(Debug, Deserialize)]
pub(super) struct JobMetadata {
    /// Its pods.
    pub(super) pods: Vec<String>,
    reason: Option<String>,
}

/// Starts a run, shows how its accuracy grows, and reads its figures when it has ended.
pub(super) async fn train(mlbench: &Mlbench, demo: &DemoRun) -> Result<Figures, String> {
    let program = mlbench.program.display();
    let command = format!(
        "'{program}' benchmark logistic-regression --run_id {{run_id}} --rank {{rank}} --hosts {{hosts}} \
         --backend {{backend}} {}",
        demo.arguments
    );
    let workers = demo.workers.to_string();
    let start = ["runs", "start", "--name", demo.name, "--workers", &workers, "--command", &command];
    let started: Run = mlbench.json(&start).await?;
    let run = follow(mlbench, started.id, demo.name).await?;
    if run.state != "FINISHED" {
        let reason = run.job_metadata.reason.unwrap_or_default();
        return Err(format!("run {} ({}) is {}: {reason}", run.id, demo.name, run.state));
    }
    Figures::read(mlbench, demo, &run).await
}

/// Shows state and accuracy of a run until it has ended.
async fn follow(mlbench: &Mlbench, id: u64, name: &str) -> Result<Run, String> {
    let number = id.to_string();
    let accuracy = ["metrics", "--run", &number, "--metric", "val_global_Prec@1 @ 0", "--last", "1"];
    let begin = Instant::now();
    let mut line = LiveLine::default();
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    loop {
        ticks.tick().await;
        let run: Run = mlbench.json(&["runs", "show", &number]).await?;
        let points: PointsByMetric = mlbench.json(&accuracy).await?;
        let newest = points.values().flatten().next_back().and_then(|point| point.value.parse::<f64>().ok());
        let newest = newest.map_or_else(String::new, |percent| format!("  accuracy {percent:.2} %"));
        line.show(&format!("{name:<26} {:>4} s  {:<11}{newest}", begin.elapsed().as_secs(), run.state));
        if run.finished_at.is_some() {
            line.end();
            return Ok(run);
        }
    }
}

/// A line that is written over on a terminal, and written again elsewhere when what it says is new.
#[derive(Default)]
struct LiveLine {
    shown: String,
}

impl LiveLine {
    fn show(&mut self, text: &str) {
        if stdout().is_terminal() {
            print!("\r\x1b[K{text}");
            // A terminal that is gone has nobody to show it to.
            let _ = stdout().flush();
        } else if self.shown != text {
            println!("{text}");
        }
        text.clone_into(&mut self.shown);
    }

    fn end(&self) {
        if stdout().is_terminal() {
            println!();
        }
    }
}
