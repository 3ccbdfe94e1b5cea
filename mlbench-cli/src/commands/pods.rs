use mlbench_client::{Client, Pod, PodPhase};

use crate::args::ListOutputArgs;
use crate::failure::Failure;
use crate::output::{Cell, Column, Columns, List, Printer, Tone};

/// `mlbench pods`
pub(crate) async fn list(client: &Client, args: &ListOutputArgs) -> Result<(), Failure> {
    let options = args.options();
    let list = List::new(&options, &columns())?;
    let pods = client.pods().list().await?;
    Ok(list.print(&mut Printer::paged(options.format), pods)?)
}

/// Returns what can be shown of a pod.
fn columns() -> Columns<Pod> {
    let all = [
        Column::new("name", |pod: &Pod| Cell::text(pod.name.as_str())),
        Column::new("phase", phase),
        Column::new("ip", |pod: &Pod| Cell::text(&pod.ip)),
        Column::new("labels", |pod: &Pod| {
            let labels: Vec<String> =
                pod.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
            Cell::text(labels.join(","))
        }),
    ];
    Columns::new(|pod: &Pod| pod.name.to_string(), all).with_family("labels.NAME", |name| {
        let (column, label) = (name.to_owned(), name.strip_prefix("labels.")?.to_owned());
        Some(Column::named(column, move |pod: &Pod| Cell::of(pod.labels.get(&label).cloned(), Cell::text)))
    })
}

fn phase(pod: &Pod) -> Cell {
    let tone = match pod.phase {
        PodPhase::Running => Tone::Active,
        PodPhase::Succeeded => Tone::Good,
        PodPhase::Failed => Tone::Bad,
        PodPhase::Pending => Tone::Ended,
        PodPhase::Unknown => Tone::Unknown,
    };
    Cell::State { word: pod.phase.to_string(), more: String::new(), tone }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mlbench_client::PodName;

    use crate::output::{Layout, ListOptions};

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
        let mut to = Vec::new();
        let list = List::new(&ListOptions::default(), &columns()).unwrap();
        list.print(&mut Printer::new(Layout::Tabs, &mut to), vec![pod]).unwrap();
        let text = String::from_utf8(to).unwrap();
        assert_eq!(text, "name\tphase\tip\tlabels\nw-0\tRunning\t\tapp=mlbench,component=worker\n");
    }
}
