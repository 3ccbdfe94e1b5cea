//! Cycles in a graph of imports.

use std::collections::{BTreeMap, VecDeque};

use super::imports::Import;

/// Places that import each other in turn: the first from the second, …, the last from the first.
#[derive(Debug)]
pub(crate) struct Cycle<'a> {
    /// For each place its name, and what it imports from the next one.
    pub(crate) steps: Vec<(String, Vec<&'a Import>)>,
}

impl Cycle<'_> {
    /// The step with the fewest names, which is probably the one to remove.
    pub(crate) fn weakest(&self) -> usize {
        (0..self.steps.len()).rev().min_by_key(|&step| self.steps[step].1.len()).unwrap_or_default()
    }

    /// The cycle in words.
    pub(crate) fn describe(&self) -> String {
        let next = |index: usize| &self.steps[(index + 1) % self.steps.len()].0;
        let steps = self.steps.iter().enumerate().map(|(index, (place, imports))| {
            let mut names: Vec<&str> = imports.iter().map(|import| import.name.as_str()).collect();
            names.sort_unstable();
            names.dedup();
            format!("{place} imports {} from {}", names.join(", "), next(index))
        });
        steps.collect::<Vec<_>>().join(", ")
    }
}

/// Enough cycles, the shortest first, that the graph has none when the weakest step of each is removed.
///
/// `places` maps an import to its two ends, if it belongs to the graph.
pub(crate) fn cycles<'a>(
    imports: &'a [Import],
    places: impl Fn(&Import) -> Option<(String, String)>,
) -> Vec<Cycle<'a>> {
    let mut graph: BTreeMap<String, BTreeMap<String, Vec<&Import>>> = BTreeMap::new();
    for import in imports {
        if let Some((from, to)) = places(import).filter(|(from, to)| from != to) {
            graph.entry(from).or_default().entry(to).or_default().push(import);
        }
    }
    let mut cycles = Vec::new();
    while let Some(path) = shortest(&graph) {
        let next = |index: usize| &path[(index + 1) % path.len()];
        let steps =
            path.iter().enumerate().map(|(index, place)| (place.clone(), graph[place][next(index)].clone()));
        let cycle = Cycle { steps: steps.collect() };
        let weakest = cycle.weakest();
        if let Some(edges) = graph.get_mut(&path[weakest]) {
            edges.remove(next(weakest));
        }
        cycles.push(cycle);
    }
    cycles
}

fn shortest<T>(graph: &BTreeMap<String, BTreeMap<String, T>>) -> Option<Vec<String>> {
    graph.keys().filter_map(|start| back_to(graph, start)).min_by_key(Vec::len)
}

/// The shortest way from a place back to itself.
fn back_to<T>(graph: &BTreeMap<String, BTreeMap<String, T>>, start: &str) -> Option<Vec<String>> {
    let mut before: BTreeMap<&str, &str> = BTreeMap::new();
    let mut queue = VecDeque::from([start]);
    while let Some(place) = queue.pop_front() {
        for next in graph.get(place).into_iter().flat_map(BTreeMap::keys) {
            if next == start {
                let way = std::iter::successors(Some(place), |at| before.get(at).copied());
                let mut way: Vec<String> = way.map(ToOwned::to_owned).collect();
                way.reverse();
                return Some(way);
            }
            if !before.contains_key(next.as_str()) {
                before.insert(next, place);
                queue.push_back(next);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn import(from: &str, to: &str, name: &str) -> Import {
        Import {
            from: from.into(),
            to: to.into(),
            name: name.into(),
            from_ancestor: false,
            line: 1,
            detour: None,
        }
    }

    #[test]
    fn every_knot_is_described_until_none_is_left() {
        let imports = [
            import("a", "b", "B"),
            import("a", "b", "BB"),
            import("b", "a", "A"),
            import("b", "c", "C"),
            import("c", "d", "D"),
            import("d", "b", "B"),
            import("d", "b", "BBB"),
            import("e", "a", "A"),
        ];
        let found = cycles(&imports, |import| Some((import.from.clone(), import.to.clone())));
        let words: Vec<String> = found.iter().map(Cycle::describe).collect();
        assert_eq!(
            words,
            [
                "a imports B, BB from b, b imports A from a",
                "b imports C from c, c imports D from d, d imports B, BBB from b"
            ]
        );
        assert_eq!((found[0].weakest(), found[1].weakest()), (1, 1));
    }

    #[test]
    fn a_graph_without_cycle_has_none() {
        let imports =
            [import("a", "b", "B"), import("b", "c", "C"), import("a", "c", "C"), import("c", "c", "D")];
        assert!(cycles(&imports, |import| Some((import.from.clone(), import.to.clone()))).is_empty());
    }
}
