//! Files and folders import in one direction.

use std::collections::BTreeSet;

use crate::tidy::finding::Finding;
use crate::tidy::modules::{Cycle, Import, cycles, imports};
use crate::tidy::tree::Tree;

/// No two files import each other, directly or through others.
pub(super) fn between_files(tree: &Tree) -> Vec<Finding> {
    let advice = "move what both need into a file of its own, or pass it as an argument";
    let all = imports(tree);
    let circles = cycles(&all, |import| Some((import.from.clone(), import.to.clone())));
    circles.iter().map(|circle| finding(circle, "these files import each other", advice)).collect()
}

/// In a folder, files and subfolders import each other in one direction.
///
/// A file and the folder of its submodules (`a.rs`, `a/`) count as one place. Circles of single files belong to
/// [`between_files`].
pub(super) fn in_folders(tree: &Tree) -> Vec<Finding> {
    let advice = "move what lower stages need down, or the file into the folder where it belongs";
    let all = imports(tree);
    let mut findings = Vec::new();
    for folder in folders(&all) {
        let place = |file: &str| {
            let name = file.strip_prefix(&folder)?.split('/').next()?;
            Some(format!("{folder}{}", name.trim_end_matches(".rs")))
        };
        let circles = cycles(&all, |import| Some((place(&import.from)?, place(&import.to)?)));
        for mut circle in circles {
            let is_file = |place: &str, file: &str| file.strip_suffix(".rs") == Some(place);
            let of_files = circle.steps.iter().enumerate().all(|(index, (from, imports))| {
                let to = &circle.steps[(index + 1) % circle.steps.len()].0;
                imports.iter().all(|import| is_file(from, &import.from) && is_file(to, &import.to))
            });
            if !of_files {
                for (place, _) in &mut circle.steps {
                    place.push_str(if tree.source(&format!("{place}.rs")).is_some() { ".rs" } else { "/" });
                }
                findings.push(finding(&circle, "these places import each other", advice));
            }
        }
    }
    findings
}

/// A module owns nothing that its submodules use.
///
/// Above all, a `mod.rs` only declares, re-exports and documents.
pub(super) fn parents_own_nothing(tree: &Tree) -> Vec<Finding> {
    let advice = "move what it defines into a submodule and re-export it from there";
    let from_parents: Vec<Import> = imports(tree).into_iter().filter(|import| import.from_ancestor).collect();
    let pairs = from_parents.chunk_by(|a, b| (&a.from, &a.to) == (&b.from, &b.to));
    pairs
        .map(|pair| {
            let Import { from, to, .. } = &pair[0];
            let names: Vec<&str> = pair.iter().map(|import| import.name.as_str()).collect();
            let what = format!("this imports {} from {to}, which declares this module", names.join(", "));
            Finding::new(from, first_line(pair), what, advice)
        })
        .collect()
}

/// No file imports through the re-export of a module around it, as if from above.
pub(super) fn no_detours(tree: &Tree) -> Vec<Finding> {
    let advice = "import it from the file that defines it, such as super::file::Name";
    let mut findings = Vec::new();
    for Import { from, to, name, line, detour, .. } in imports(tree) {
        if let Some(detour) = detour {
            let what = format!("this imports {name} of {to} through {detour}, which declares this module");
            findings.push(Finding::new(&from, line, what, advice));
        }
    }
    findings
}

fn first_line<'a>(imports: impl IntoIterator<Item = &'a Import>) -> usize {
    imports.into_iter().map(|import| import.line).min().unwrap_or(0)
}

fn folders(imports: &[Import]) -> BTreeSet<String> {
    let files = imports.iter().map(|import| import.from.as_str());
    files.flat_map(|file| file.match_indices('/').map(|(at, _)| file[..=at].to_owned())).collect()
}

fn finding(circle: &Cycle<'_>, what: &str, advice: &'static str) -> Finding {
    let imports = &circle.steps[circle.weakest()].1;
    // In a folder, the imports of one step can come from several files.
    let path = imports.first().map_or("", |import| &import.from);
    let line = first_line(imports.iter().copied().filter(|import| import.from == path));
    Finding::new(path, line, format!("{what}: {}", circle.describe()), advice)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::testing::{check, message};

    #[test]
    fn two_files_that_import_each_other_are_found() {
        let files = [
            ("x/src/lib.rs", "mod a;\nmod b;\npub use b::B;\n"),
            ("x/src/a.rs", "use crate::B;\npub struct A;\n"),
            ("x/src/b.rs", "pub struct B;\nfn f() { super::a::A; }\n"),
        ];
        assert_eq!(check(between_files, &files), ["x/src/b.rs:2"]);
        assert!(check(in_folders, &files).is_empty());
        let expected = "these files import each other: x/src/a.rs imports B from x/src/b.rs, x/src/b.rs imports A from x/src/a.rs; \
            move what both need into a file of its own, or pass it as an argument";
        assert_eq!(message(between_files, &files), expected);
    }

    #[test]
    fn a_circle_of_tests_is_free() {
        let files = [
            ("x/src/lib.rs", "mod a;\nmod b;\n"),
            ("x/src/a.rs", "use crate::b::B;\n"),
            ("x/src/b.rs", "pub struct B;\n#[cfg(test)]\nmod tests {\n use crate::a::A;\n}\n"),
        ];
        assert!(check(between_files, &files).is_empty());
    }

    #[test]
    fn folders_that_import_each_other_are_found() {
        let files = [
            ("x/src/lib.rs", "mod low;\nmod high;\n"),
            ("x/src/low/mod.rs", "pub mod a;\npub mod b;\n"),
            ("x/src/low/a.rs", "pub struct A;\n"),
            ("x/src/low/b.rs", "use crate::high::H;\n"),
            ("x/src/high.rs", "use crate::low::a::A;\npub struct H(A, crate::low::a::AA);\n"),
        ];
        assert!(check(between_files, &files).is_empty());
        assert_eq!(check(in_folders, &files), ["x/src/low/b.rs:1"]);
        let expected = "these places import each other: x/src/high.rs imports A, AA from x/src/low/, \
            x/src/low/ imports H from x/src/high.rs";
        assert!(message(in_folders, &files).starts_with(expected), "{}", message(in_folders, &files));
    }

    #[test]
    fn a_file_and_its_folder_are_one_place() {
        let files = [
            ("x/src/lib.rs", "mod a;\n"),
            ("x/src/a.rs", "pub mod b;\npub struct A;\npub struct Z(b::c::C);\n"),
            ("x/src/a/b.rs", "pub mod c;\npub struct B(super::A);\n"),
            ("x/src/a/b/c.rs", "pub struct C;\n"),
        ];
        assert!(check(in_folders, &files).is_empty());
    }

    #[test]
    fn an_import_through_the_reexport_of_a_parent_is_found() {
        let files = [
            ("x/src/lib.rs", "mod a;\nuse a::A;\n"),
            ("x/src/a/mod.rs", "mod b;\nmod c;\npub use {b::B, c::A};\n"),
            ("x/src/a/b.rs", "use super::A;\npub struct B;\n"),
            ("x/src/a/c.rs", "use super::b::B;\npub struct A;\n"),
        ];
        assert_eq!(check(no_detours, &files), ["x/src/a/b.rs:1"]);
    }

    #[test]
    fn a_type_in_a_mod_file_that_submodules_use_is_found() {
        let files = [
            ("x/src/lib.rs", "mod a;\n"),
            ("x/src/a/mod.rs", "mod b;\npub use b::B;\npub struct A;\n"),
            ("x/src/a/b.rs", "use super::A;\npub struct B;\n"),
        ];
        assert_eq!(check(parents_own_nothing, &files), ["x/src/a/b.rs:1"]);
        let moved = [
            ("x/src/lib.rs", "mod a;\n"),
            ("x/src/a/mod.rs", "mod b;\nmod c;\npub use {b::B, c::A};\n"),
            ("x/src/a/b.rs", "use super::A;\npub struct B;\n"),
            ("x/src/a/c.rs", "pub struct A;\n"),
        ];
        assert!(check(parents_own_nothing, &moved).is_empty());
    }
}
