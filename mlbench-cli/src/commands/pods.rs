use std::io::Write;

use mlbench_client::{Client, Pod};

use crate::failure::Failure;
use crate::output::Printer;

/// `mlbench pods`
pub(crate) async fn list(client: &Client, mut printer: Printer<impl Write>) -> Result<(), Failure> {
    let pods = client.pods().list().await?;
    Ok(printer.print(&pods, ["name", "phase", "ip", "labels"], pods.iter().map(row))?)
}

fn row(pod: &Pod) -> [String; 4] {
    let labels: Vec<String> = pod.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    [pod.name.to_string(), pod.phase.to_string(), pod.ip.clone(), labels.join(",")]
}

#[cfg(test)]
mod tests {
    use super::*;
    use mlbench_client::{PodName, PodPhase};

    #[test]
    fn labels_are_printed_as_key_value_pairs() {
        let pod = Pod {
            name: PodName::new("w-0").unwrap(),
            labels: [("app", "mlbench"), ("component", "worker")]
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .into(),
            phase: PodPhase::Running,
            ip: String::new(),
        };
        assert_eq!(row(&pod), ["w-0", "Running", "", "app=mlbench,component=worker"]);
    }
}
