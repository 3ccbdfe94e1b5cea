//! Every dependency has a user.

use super::imports::imports;
use crate::tidy::finding::Finding;
use crate::tidy::tree::{Source, Tree};

/// A dependency in a manifest.
struct Dependency<'a> {
    section: &'a str,
    name: &'a str,
    line: usize,
}

/// Every dependency of the workspace is a dependency of a member.
pub(super) fn of_the_workspace(tree: &Tree) -> Vec<Finding> {
    let used =
        |name: &str| manifests(tree).any(|(_, manifest)| parse(manifest).any(|entry| entry.name == name));
    parse(tree.text("Cargo.toml"))
        .filter(|entry| entry.section == "workspace.dependencies" && !used(entry.name))
        .map(|entry| {
            let what = format!("no member depends on {}", entry.name);
            Finding::new("Cargo.toml", entry.line, what, "delete the entry")
        })
        .collect()
}

/// The sources of a member name each of its dependencies.
pub(super) fn of_members(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, manifest) in manifests(tree) {
        let folder = path.trim_end_matches("Cargo.toml");
        for entry in parse(manifest) {
            let what = match (entry.section, named(tree, folder, entry.name)) {
                ("dependencies", Some(Named::InTests)) => "is named in tests only",
                ("dependencies" | "dev-dependencies", None) => "is not named in the sources",
                _ => continue,
            };
            let what = format!("the dependency {} {what}", entry.name);
            findings.push(Finding::new(
                path,
                entry.line,
                what,
                "delete it, or move it to [dev-dependencies]",
            ));
        }
    }
    findings
}

#[derive(PartialEq, Eq)]
enum Named {
    InProduct,
    InTests,
}

/// Where the sources of a member name a dependency. The member `tests/` is product to itself.
fn named(tree: &Tree, folder: &str, dependency: &str) -> Option<Named> {
    let krate = dependency.replace('-', "_");
    let in_code = |test: bool| {
        let lines = tree.sources_in(folder).flat_map(Source::lines);
        lines.filter(|line| line.test == test).any(|line| imports(&line.code, &krate))
    };
    let in_doc_test =
        || tree.sources_in(folder).flat_map(Source::lines).any(|line| imports(&line.comment, &krate));
    if in_code(false) || (folder == "tests/" && in_code(true)) {
        Some(Named::InProduct)
    } else if in_code(true) || in_doc_test() {
        Some(Named::InTests)
    } else {
        None
    }
}

fn manifests(tree: &Tree) -> impl Iterator<Item = (&str, &str)> {
    tree.texts().filter(|(path, _)| path.ends_with("/Cargo.toml"))
}

/// The entries `name = …` and `name.key = …` of all sections.
fn parse(manifest: &str) -> impl Iterator<Item = Dependency<'_>> {
    let mut section = "";
    manifest.lines().enumerate().filter_map(move |(index, line)| {
        if line.starts_with('[') {
            section = line.trim_matches(['[', ']']);
        }
        let is_entry = line.starts_with(|c: char| c.is_ascii_alphabetic()) && line.contains('=');
        let name = line.split(['.', ' ', '=']).next()?;
        let of_dependencies = section.ends_with("dependencies");
        (is_entry && of_dependencies).then_some(Dependency { section, name, line: index + 1 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::testing::check;

    #[test]
    fn a_dependency_of_no_member_is_found() {
        let root =
            "[workspace.dependencies]\n# why\nserde-x = \"1\"\ntokio = \"1\"\n\n[profile.dev]\ndebug = 1\n";
        let member = "[package]\nname = \"a\"\n[dependencies]\ntokio.workspace = true\n";
        assert_eq!(
            check(of_the_workspace, &[("Cargo.toml", root), ("a/Cargo.toml", member)]),
            ["Cargo.toml:3"]
        );
    }

    #[test]
    fn a_dependency_that_no_source_names_is_found() {
        let manifest = "[dependencies]\na-b.workspace = true\nc.workspace = true\nd = \"1\"\n[dev-dependencies]\ne = \"1\"\nf = \"1\"\n";
        let lib = "use a_b::X;\n// c::no\n#[cfg(test)]\nmod tests { use d::Y; }\n/// f::doc_test()\n";
        let found = check(of_members, &[("x/Cargo.toml", manifest), ("x/src/lib.rs", lib)]);
        assert_eq!(found, ["x/Cargo.toml:3", "x/Cargo.toml:4", "x/Cargo.toml:6"]);
    }

    #[test]
    fn the_tests_depend_on_what_tests_name() {
        let files =
            [("tests/Cargo.toml", "[dependencies]\nd = \"1\"\n"), ("tests/tests/it/a.rs", "use d::Y;\n")];
        assert!(check(of_members, &files).is_empty());
    }
}
