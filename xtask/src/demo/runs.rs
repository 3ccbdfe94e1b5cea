//! Starts the runs of the demo and follows them.

use std::io::{IsTerminal as _, Write as _, stdout};
use std::time::{Duration, Instant};

use super::api::{PointsByMetric, Run};
use super::mlbench::Mlbench;
use super::scenario::DemoRun;
use super::usage::Usage;

/// Starts a run, shows its accuracy while it trains, and returns its id and what it used once it has ended.
pub(super) async fn train(mlbench: &Mlbench, demo: &DemoRun) -> Result<(u64, Usage), String> {
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
    Ok((run.id, Usage::read(mlbench, &run).await?))
}

/// Shows the state and the accuracy of a run until it has ended.
async fn follow(mlbench: &Mlbench, id: u64, name: &str) -> Result<Run, String> {
    let number = id.to_string();
    let accuracy = ["metrics", "--run", &number, "--metric", "val_global_Prec@1 @ 0", "--last", "1"];
    let begin = Instant::now();
    let mut line = LiveLine::default();
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    loop {
        ticks.tick().await;
        let run: Run = mlbench.json(&["runs", "show", &number]).await?;
        // The run has no accuracy before its first evaluation.
        let points: PointsByMetric = mlbench.json_if_found(&accuracy).await?.unwrap_or_default();
        let newest = points.values().flatten().next_back().and_then(|point| point.value.parse::<f64>().ok());
        let newest = newest.map_or_else(String::new, |percent| format!("  accuracy {percent:.2} %"));
        line.show(&format!("{name:<26} {:>4} s  {:<11}{newest}", begin.elapsed().as_secs(), run.state));
        if run.finished_at.is_some() {
            line.end();
            return Ok(run);
        }
    }
}

/// A status line that a terminal overwrites. Elsewhere, each new text is a line.
#[derive(Default)]
struct LiveLine {
    shown: String,
}

impl LiveLine {
    fn show(&mut self, text: &str) {
        if stdout().is_terminal() {
            print!("\r\x1b[K{text}");
            // It does not matter that the terminal is gone.
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
