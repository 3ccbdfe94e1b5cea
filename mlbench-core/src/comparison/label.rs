//! Labels of groups: what differs between them.

use std::collections::{BTreeSet, HashMap};

use super::result::Parameters;
use crate::needs::{ByteSize, NodeSelector, Volume, WorkingDir};

/// The most characters of a command, or of the value of a parameter, in a label.
const MAX_TEXT: usize = 40;

/// How many parameters and variables with names are in a label, unless it needs more to be unique.
const MAX_NAMED: usize = 4;

/// Returns a label for each group: its workers, and every other parameter that is not the same in all groups.
///
/// A run that executes elsewhere need not say how many workers it has.
pub(super) fn labels(groups: &[&Parameters]) -> Vec<String> {
    let commands = differing_words(&groups.iter().map(|group| group.command.as_str()).collect::<Vec<_>>());
    let columns: [Vec<String>; 12] = [
        groups.iter().map(|group| image(group.image.as_deref())).collect(),
        commands,
        groups.iter().map(|group| group.backend.clone().unwrap_or_else(|| "no backend".to_owned())).collect(),
        groups.iter().map(|group| number(group.num_cpus, "CPU", "no CPU limit")).collect(),
        groups.iter().map(|group| number(group.max_bandwidth, "Mbit/s", "no bandwidth limit")).collect(),
        groups.iter().map(|group| gpus(group)).collect(),
        groups.iter().map(|group| memory(group.memory)).collect(),
        groups.iter().map(|group| directory(group.working_dir.as_ref())).collect(),
        groups.iter().map(|group| volumes(&group.volumes)).collect(),
        groups.iter().map(|group| nodes(&group.node_selector)).collect(),
        groups.iter().map(|group| either(group.light_target, "light", "full")).collect(),
        groups.iter().map(|group| either(group.use_horovod, "Horovod", "no Horovod")).collect(),
    ];
    let started: Vec<String> =
        groups.iter().map(|group| either(group.run_all_nodes, "all workers", "first worker")).collect();
    let params = param_names(groups).map(|name| param(groups, name));
    let variables = variable_names(groups).map(|name| variable(groups, name));
    let named: Vec<Vec<String>> = params.chain(variables).collect();
    let plain = columns.iter().chain([&started]).filter(|column| differs(column));
    let differing = distinguishing(groups, plain.collect(), &named);
    let label = |(index, group): (usize, &&Parameters)| {
        let workers = match group.num_workers {
            1 if group.external => None,
            1 => Some("1 worker".to_owned()),
            many => Some(format!("{many} workers")),
        };
        let others = differing.iter().map(|column| column[index].clone());
        let parts: Vec<String> = workers.into_iter().chain(others).collect();
        if parts.is_empty() { "external".to_owned() } else { parts.join(", ") }
    };
    groups.iter().enumerate().map(label).collect()
}

/// Returns the names of all parameters of these groups, in order.
fn param_names<'a>(groups: &[&'a Parameters]) -> impl Iterator<Item = &'a str> {
    let names: BTreeSet<&str> =
        groups.iter().flat_map(|group| group.params.iter().map(|(name, _)| name)).collect();
    names.into_iter()
}

/// Returns what each group has of a parameter.
fn param(groups: &[&Parameters], name: &str) -> Vec<String> {
    let text = |group: &&Parameters| match group.params.get(name) {
        Some(value) => format!("{name} {}", cut(&value.to_string())),
        None => format!("no {name}"),
    };
    groups.iter().map(text).collect()
}

/// Returns the names of all variables of these groups, in order.
fn variable_names<'a>(groups: &[&'a Parameters]) -> impl Iterator<Item = &'a str> {
    let names: BTreeSet<&str> =
        groups.iter().flat_map(|group| group.environment.iter().map(|(name, _)| name)).collect();
    names.into_iter()
}

/// Returns what each group has of a variable.
fn variable(groups: &[&Parameters], name: &str) -> Vec<String> {
    let text = |group: &&Parameters| match group.environment.iter().find(|(known, _)| *known == name) {
        Some((_, value)) => format!("{name}={}", cut(value)),
        None => format!("no {name}"),
    };
    groups.iter().map(text).collect()
}

/// Adds the first named columns that differ, and of the others those that separate equal labels.
fn distinguishing<'a>(
    groups: &[&Parameters],
    mut columns: Vec<&'a Vec<String>>,
    named: &'a [Vec<String>],
) -> Vec<&'a Vec<String>> {
    let workers: Vec<String> = groups.iter().map(|group| group.num_workers.to_string()).collect();
    let mut classes = columns
        .iter()
        .fold(refined(&vec![0; groups.len()], &workers), |classes, column| refined(&classes, column));
    for (index, column) in named.iter().filter(|column| differs(column)).enumerate() {
        let finer = refined(&classes, column);
        if index < MAX_NAMED || finer.iter().max() > classes.iter().max() {
            columns.push(column);
            classes = finer;
        }
    }
    columns
}

/// Numbers the groups so that two have the same number if they had before and have the same text.
fn refined(classes: &[usize], column: &[String]) -> Vec<usize> {
    let mut known: HashMap<(usize, &str), usize> = HashMap::new();
    let keys = classes.iter().zip(column).map(|(class, text)| (*class, text.as_str()));
    keys.map(|key| {
        let next = known.len();
        *known.entry(key).or_insert(next)
    })
    .collect()
}

fn differs(column: &[String]) -> bool {
    column.iter().any(|text| *text != column[0])
}

fn either(set: bool, yes: &str, no: &str) -> String {
    if set { yes } else { no }.to_owned()
}

fn number(number: Option<f64>, unit: &str, none: &str) -> String {
    number.map_or_else(|| none.to_owned(), |number| format!("{number} {unit}"))
}

fn gpus(group: &Parameters) -> String {
    match (group.gpu_enabled, group.gpus) {
        (false, _) => "no GPU".to_owned(),
        (true, None) => "GPU".to_owned(),
        (true, Some(1)) => "1 GPU".to_owned(),
        (true, Some(many)) => format!("{many} GPUs"),
    }
}

fn memory(size: Option<ByteSize>) -> String {
    size.map_or_else(|| "default memory".to_owned(), |size| size.to_string())
}

fn directory(path: Option<&WorkingDir>) -> String {
    path.map_or_else(|| "default directory".to_owned(), |path| end_of(path.as_str()))
}

fn volumes(volumes: &[Volume]) -> String {
    if volumes.is_empty() {
        return "no volumes".to_owned();
    }
    let all: Vec<String> =
        volumes.iter().map(|volume| format!("{}:{}", volume.name, volume.source)).collect();
    cut(&all.join(" "))
}

fn nodes(selector: &NodeSelector) -> String {
    if selector.is_empty() {
        return "any node".to_owned();
    }
    cut(&selector.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(" "))
}

fn image(image: Option<&str>) -> String {
    let Some(image) = image else { return "static workers".to_owned() };
    let name = image.strip_prefix("mlbench/").unwrap_or(image);
    name.strip_suffix(":latest").unwrap_or(name).to_owned()
}

/// Returns the words of each command between those that all commands begin and end with.
fn differing_words(commands: &[&str]) -> Vec<String> {
    let words: Vec<Vec<&str>> = commands.iter().map(|command| command.split_whitespace().collect()).collect();
    let Some(first) = words.first() else { return Vec::new() };
    let shortest = words.iter().map(Vec::len).min().unwrap_or_default();
    let same = |at: &dyn Fn(&Vec<&str>) -> String| words.iter().all(|words| at(words) == at(first));
    let prefix = (0..shortest).take_while(|i| same(&|words| words[*i].to_owned())).count();
    let suffix =
        (0..shortest - prefix).take_while(|i| same(&|words| words[words.len() - 1 - i].to_owned())).count();
    let rest = words.iter().map(|words| words[prefix..words.len() - suffix].join(" "));
    rest.map(|text| if text.is_empty() { "default".to_owned() } else { cut(&text) }).collect()
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(MAX_TEXT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Returns the end of a path, in which paths differ.
fn end_of(path: &str) -> String {
    match path.chars().count().checked_sub(MAX_TEXT) {
        Some(left @ 1..) => format!("…{}", path.chars().skip(left).collect::<String>()),
        _ => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::Environment;
    use crate::labels::Params;
    use crate::run::RunSpec;

    fn parameters(command: &str, workers: u32) -> Parameters {
        Parameters { num_workers: workers, ..Parameters::from(&RunSpec::running(command)) }
    }

    fn labelled(groups: &[Parameters]) -> Vec<String> {
        labels(&groups.iter().collect::<Vec<_>>())
    }

    #[test]
    fn equal_programs_are_labelled_by_their_workers() {
        assert_eq!(labelled(&[parameters("train", 1), parameters("train", 16)]), ["1 worker", "16 workers"]);
        assert_eq!(labelled(&[parameters("train", 1)]), ["1 worker"]);
    }

    #[test]
    fn labels_have_the_words_in_which_commands_differ() {
        let groups = [
            parameters("train --data a --rank {rank}", 2),
            parameters("train --data b --fast --rank {rank}", 2),
            parameters("train --rank {rank}", 2),
        ];
        assert_eq!(
            labelled(&groups),
            ["2 workers, --data a", "2 workers, --data b --fast", "2 workers, default"]
        );
        let long = "x".repeat(50);
        let labels = labelled(&[parameters(&long, 2), parameters("y", 2)]);
        assert_eq!(labels[0], format!("2 workers, {}…", &long[..40]));
    }

    #[test]
    fn labels_have_the_named_parameters_that_differ() {
        let given = |pairs: &[&str]| {
            let pairs = pairs.iter().map(|pair| Params::parse_one(pair).unwrap());
            let external = Parameters { external: true, ..parameters("", 1) };
            Parameters { params: Params::new(pairs).unwrap(), ..external }
        };
        let groups =
            [given(&["lr=0.1", "model=resnet20"]), given(&["lr=0.5", "model=resnet20", "nesterov=true"])];
        assert_eq!(labelled(&groups), ["lr 0.1, no nesterov", "lr 0.5, nesterov true"]);
        assert_eq!(labelled(&groups[..1]), ["external"]);
        let long = given(&[&format!("note={}", "x".repeat(50))]);
        assert_eq!(labelled(&[long, given(&["note=y"])])[0], format!("note {}…", "x".repeat(40)));
        let many = |value: &str| {
            let pairs: Vec<String> = (0..9).map(|index| format!("p{index}={value}")).collect();
            given(&pairs.iter().map(String::as_str).collect::<Vec<_>>())
        };
        assert_eq!(labelled(&[many("1"), many("2")])[0], "p0 1, p1 1, p2 1, p3 1");
        let last = |value: &str| {
            let first = (0..5).map(|index| format!("p{index}={}", usize::from(value == "7")));
            let pairs: Vec<String> = first.chain([format!("p8={value}")]).collect();
            given(&pairs.iter().map(String::as_str).collect::<Vec<_>>())
        };
        let labels = labelled(&[last("7"), last("8"), last("9")]);
        assert_eq!(labels[1..], ["p0 0, p1 0, p2 0, p3 0, p8 8", "p0 0, p1 0, p2 0, p3 0, p8 9"]);
    }

    #[test]
    fn variables_gpus_and_memory_separate_groups_but_seeds_do_not() {
        let with = |variable: (&str, &str), gpus: Option<u32>, memory: Option<&str>| {
            let mut spec = RunSpec::running("train");
            let (name, value) = variable;
            spec.environment = Environment::new([(name.to_owned(), value.to_owned())]).unwrap();
            (spec.needs.gpus, spec.gpu_enabled) = (gpus, gpus.is_some());
            spec.needs.memory = memory.map(|text| text.parse().unwrap());
            Parameters::from(&spec)
        };
        assert_eq!(with(("SEED", "1"), None, None), with(("SEED", "2"), None, None));
        let groups = [with(("LR", "1"), None, None), with(("LR", "2"), None, None)];
        assert_eq!(labelled(&groups), ["1 worker, LR=1", "1 worker, LR=2"]);
        let groups = [with(("LR", "1"), Some(1), Some("4Gi")), with(("LR", "1"), Some(2), None)];
        assert_eq!(labelled(&groups), ["1 worker, 1 GPU, 4Gi", "1 worker, 2 GPUs, default memory"]);
    }

    #[test]
    fn every_parameter_that_differs_is_in_the_label() {
        let one = parameters("train", 2);
        let other = Parameters {
            image: Some("mlbench/pytorch-cifar10-resnet20-ddp:latest".to_owned()),
            backend: Some("gloo".to_owned()),
            num_cpus: Some(0.5),
            max_bandwidth: Some(100.0),
            gpu_enabled: true,
            light_target: true,
            use_horovod: true,
            run_all_nodes: false,
            ..one.clone()
        };
        assert_eq!(
            labelled(&[one, other]),
            [
                "2 workers, static workers, no backend, no CPU limit, no bandwidth limit, no GPU, full, no Horovod, \
                 all workers",
                "2 workers, pytorch-cifar10-resnet20-ddp, gloo, 0.5 CPU, 100 Mbit/s, GPU, light, Horovod, first worker"
            ]
        );
    }
}
