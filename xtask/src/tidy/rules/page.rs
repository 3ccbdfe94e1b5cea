//! The sources of the page: short files, imports that run down, and a lock file that names no host.

use std::collections::{BTreeMap, BTreeSet};

use crate::tidy::finding::Finding;
use crate::tidy::tree::Tree;

const PAGE: &str = "mlbench-server/dashboard/";
const SOURCES: &str = "mlbench-server/dashboard/src/";
const MAX_FILE_LINES: usize = 400;

/// The folders and files of the sources, the upper ones first. Places of one row may import each other.
const ORDER: [&[&str]; 7] =
    [&["main"], &["app"], &["pages"], &["parts", "charts"], &["live"], &["api"], &["lib"]];

/// The generated types, which every place may import.
const TYPES: &str = "mlbench-server/dashboard/src/api/wire.d.ts";

/// A source of the page has at most 400 lines.
pub(super) fn file_length(tree: &Tree) -> Vec<Finding> {
    let long = scripts(tree).filter(|(path, text)| *path != TYPES && text.lines().count() > MAX_FILE_LINES);
    long.map(|(path, text)| {
        let what = format!("the file has {} lines, more than {MAX_FILE_LINES}", text.lines().count());
        Finding::new(path, MAX_FILE_LINES + 1, what, "split it by responsibility")
    })
    .collect()
}

/// Imports run down the folders of the page.
pub(super) fn imports_run_down(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (from, imports) in imports(tree) {
        for (to, line) in imports {
            if let (Some(lower), Some(upper)) = (row(from), row(&to))
                && upper < lower
                && to != TYPES
            {
                let what = format!("this imports {to}, which is above");
                findings.push(Finding::new(from, line, what, "move what both need down"));
            }
        }
    }
    findings
}

/// No two files of the page import each other, directly or through others.
pub(super) fn circles(tree: &Tree) -> Vec<Finding> {
    let mut rest = imports(tree);
    // What imports nothing of the rest, and what nothing of the rest imports, is in no circle.
    loop {
        let before = rest.len();
        let files: BTreeSet<&str> = rest.keys().copied().collect();
        rest.retain(|_, to| to.iter().any(|(to, _)| files.contains(to.as_str())));
        let imported: BTreeSet<String> = rest.values().flatten().map(|(to, _)| to.clone()).collect();
        rest.retain(|from, _| imported.contains(*from));
        if rest.len() == before {
            break;
        }
    }
    let files: BTreeSet<&str> = rest.keys().copied().collect();
    let first = rest.iter().find_map(|(from, imports)| {
        let (to, line) = imports.iter().find(|(to, _)| files.contains(to.as_str()))?;
        let what = format!("this imports {to}, and that imports this, perhaps through others");
        Some(Finding::new(from, *line, what, "move what both need into a file of its own"))
    });
    first.into_iter().collect()
}

/// The lock file names versions and hashes of packages, and no host that they come from.
pub(super) fn lock_file(tree: &Tree) -> Vec<Finding> {
    let path = format!("{PAGE}package-lock.json");
    let lines = tree.text(&path).lines().enumerate().filter(|(_, line)| line.contains("\"resolved\""));
    let advice = "run npm install in the folder of the page, whose .npmrc leaves them out";
    lines.map(|(index, _)| Finding::new(&path, index + 1, "a package has an address", advice)).collect()
}

fn scripts(tree: &Tree) -> impl Iterator<Item = (&str, &str)> {
    let is_script = |path: &str| [".ts", ".tsx", ".mjs"].iter().any(|end| path.ends_with(end));
    tree.texts().filter(move |(path, _)| path.starts_with(PAGE) && is_script(path))
}

/// Returns the files that each source imports, with the line.
fn imports(tree: &Tree) -> BTreeMap<&str, Vec<(String, usize)>> {
    let sources = scripts(tree).filter(|(path, _)| path.starts_with(SOURCES));
    let of_file = |(path, text)| {
        let named = names(text).filter_map(|(name, line)| Some((resolve(tree, path, name)?, line)));
        (path, named.collect())
    };
    sources.map(of_file).collect()
}

/// Returns the relative names in quotes after `from`, `import` or `import(`, with their lines.
fn names(text: &str) -> impl Iterator<Item = (&str, usize)> {
    text.lines().enumerate().flat_map(|(index, line)| {
        let quoted = ["from \"", "import \"", "import(\""].into_iter().flat_map(move |begin| {
            line.match_indices(begin).filter_map(move |(at, _)| line[at + begin.len()..].split('"').next())
        });
        quoted.filter(|name| name.starts_with('.')).map(move |name| (name, index + 1))
    })
}

/// Returns the file that a relative name in `path` means.
fn resolve(tree: &Tree, path: &str, name: &str) -> Option<String> {
    let mut folders: Vec<&str> = path.split('/').collect();
    folders.pop();
    for part in name.split('/') {
        match part {
            "." => {}
            ".." => drop(folders.pop()),
            part => folders.push(part),
        }
    }
    let base = folders.join("/");
    let files = ["ts", "tsx", "d.ts"].map(|end| format!("{base}.{end}"));
    files.into_iter().find(|file| !tree.text(file).is_empty())
}

/// Returns the row of a file in [`ORDER`].
fn row(path: &str) -> Option<usize> {
    let place = path.strip_prefix(SOURCES)?.split(['/', '.']).next()?;
    ORDER.iter().position(|places| places.contains(&place))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::testing::check;

    const A: &str = "mlbench-server/dashboard/src/parts/a.tsx";
    const B: &str = "mlbench-server/dashboard/src/lib/b.ts";
    const C: &str = "mlbench-server/dashboard/src/lib/c.ts";

    #[test]
    fn an_import_up_is_found() {
        let down = [(A, "import { b } from \"../lib/b\";\n"), (B, "x\n")];
        assert!(check(imports_run_down, &down).is_empty());
        let up = [(A, "x\n"), (B, "// b\nimport type {\n  A,\n} from \"../parts/a\";\n")];
        assert_eq!(check(imports_run_down, &up), [format!("{B}:4")]);
        let later = [(A, "x\n"), (B, "const a = () => import(\"../parts/a\");\n")];
        assert_eq!(check(imports_run_down, &later), [format!("{B}:1")]);
        let types = [(TYPES, "x\n"), (B, "import type { Run } from \"../api/wire\";\n")];
        assert!(check(imports_run_down, &types).is_empty());
    }

    #[test]
    fn a_circle_is_found() {
        let line = |name: &str| format!("import {{ x }} from \"./{name}\";\n");
        let (to_b, to_c) = (line("b"), line("c"));
        assert!(check(circles, &[(A, "import \"../lib/b\";\n"), (B, &to_c), (C, "x\n")]).is_empty());
        let circle = [(A, "import \"../lib/b\";\n"), (B, to_c.as_str()), (C, to_b.as_str())];
        assert_eq!(check(circles, &circle), [format!("{B}:1")]);
    }

    #[test]
    fn a_long_file_and_an_address_in_the_lock_file_are_found() {
        let long = "x\n".repeat(401);
        assert_eq!(check(file_length, &[(A, &long), (TYPES, &long)]), [format!("{A}:401")]);
        let lock = "mlbench-server/dashboard/package-lock.json";
        let text = "{\n \"url\": \"https://example.org/funding\",\n \"resolved\": \"https://registry.example.org/a\"\n}\n";
        assert_eq!(check(lock_file, &[(lock, text)]), [format!("{lock}:3")]);
    }
}
