mod print;
mod request;

use std::io::Write;
use std::time::Duration;

use mlbench_client::{Client, Run, RunState};

use super::find::find;
use crate::args::{OneRunArgs, StartArgs, WaitArgs};
use crate::failure::Failure;
use crate::output::{Printer, say};
use print::{Json, print_all, print_details};
use request::new_run;

/// `mlbench runs start`
pub(crate) async fn start(client: &Client, args: &StartArgs) -> Result<(), Failure> {
    let mut run = client.runs().start(&new_run(args)).await?;
    if args.wait {
        run = until_ended(client, run, None).await?;
    } else if run.queue_position.is_some() {
        tell(&run);
    }
    print_all(&mut Printer::stdout(args.output.output), std::slice::from_ref(&run), Json::One)?;
    if args.wait { finished(run) } else { Ok(()) }
}

/// `mlbench runs list`
pub(crate) async fn list(client: &Client, mut printer: Printer<impl Write>) -> Result<(), Failure> {
    print_all(&mut printer, &client.runs().list().await?, Json::Array)
}

/// `mlbench runs show`
pub(crate) async fn show(client: &Client, args: &OneRunArgs) -> Result<(), Failure> {
    let run = find(client, &args.run.run).await?;
    print_details(&mut Printer::stdout(args.output.output), &run)
}

/// `mlbench runs wait`
pub(crate) async fn wait(client: &Client, args: &WaitArgs) -> Result<(), Failure> {
    let run = find(client, &args.run.run).await?;
    let run = until_ended(client, run, args.timeout).await?;
    print_all(&mut Printer::stdout(args.output.output), std::slice::from_ref(&run), Json::One)?;
    finished(run)
}

/// `mlbench runs stop`
pub(crate) async fn stop(client: &Client, args: &OneRunArgs) -> Result<(), Failure> {
    let run = find(client, &args.run.run).await?;
    let run = client.runs().stop(run.id).await?;
    if run.state.is_active() {
        say(format_args!(
            "run {} ({:?}) is being stopped; `mlbench runs wait {}` waits for its end",
            run.id,
            run.name.as_str(),
            run.id
        ));
    }
    print_all(&mut Printer::stdout(args.output.output), std::slice::from_ref(&run), Json::One)
}

/// `mlbench runs delete`
pub(crate) async fn delete(client: &Client, text: &str) -> Result<(), Failure> {
    let run = find(client, text).await?;
    client.runs().delete(run.id).await?;
    say(format_args!("run {} ({:?}) is deleted", run.id, run.name.as_str()));
    Ok(())
}

/// Waits for the end of a run, telling of each change until then; a restart of the server is waited for as well.
async fn until_ended(client: &Client, run: Run, timeout: Option<Duration>) -> Result<Run, Failure> {
    let id = run.id;
    let mut last = run;
    tell(&last);
    let watched = client.runs().watch(id, |run| {
        if (run.state, run.queue_position) != (last.state, last.queue_position) {
            tell(run);
        }
        last.clone_from(run);
    });
    let Some(timeout) = timeout else { return Ok(watched.await?) };
    match tokio::time::timeout(timeout, watched).await {
        Ok(run) => Ok(run?),
        Err(_) => Err(Failure::StillActive { run: Box::new(last), seconds: timeout.as_secs() }),
    }
}

fn tell(run: &Run) {
    if run.state.is_active() {
        let place = match (run.queue_position, &run.waiting_for) {
            (Some(position), Some(what)) => format!(", number {position} in the queue, waiting for {what}"),
            _ => String::new(),
        };
        say(format_args!("run {} ({:?}) {}{place}", run.id, run.name.as_str(), run.state));
    }
}

fn finished(run: Run) -> Result<(), Failure> {
    if run.state == RunState::Finished { Ok(()) } else { Err(Failure::NotFinished(Box::new(run))) }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A run as the server tells of it.
    pub(crate) fn run(id: i64, name: &str) -> Run {
        serde_json::from_value(serde_json::json!({
            "id": id, "name": name, "created_at": "2018-08-03T09:21:29.347960Z",
            "finished_at": "2018-08-03T09:21:41.847960Z", "state": "FAILED",
            "job_id": "5ec9f286-e12d-41bc-886e-0174ef2bddae",
            "job_metadata": {
                "command": "train {rank}", "master_name": "w-0", "pods": ["w-0", "w-1"],
                "exit_codes": {"0": 0, "1": 3}, "reason": "rank 1 ended with exit code 3"
            },
            "num_workers": 2, "num_cpus": 0.5, "max_bandwidth": null, "image": null, "backend": "ring",
            "run_all_nodes": false, "gpu_enabled": false, "light_target": true, "use_horovod": false
        }))
        .unwrap()
    }

    #[test]
    fn a_run_that_did_not_finish_says_why() {
        let failure = finished(run(1, "first")).unwrap_err();
        assert_eq!(failure.to_string(), "run 1 (\"first\") FAILED: rank 1 ended with exit code 3");
        assert_eq!(failure.exit_code(), 6);
        assert!(finished(Run { state: RunState::Finished, ..run(1, "first") }).is_ok());
    }
}
