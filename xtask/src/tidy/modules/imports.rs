//! Every import of a file from another file of its crate.

use std::collections::BTreeSet;

use super::map::{ModuleMap, Resolved, Target};
use super::syntax::Use;
use crate::tidy::tree::Tree;

/// A name that a file takes from another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Import {
    /// The file that names it.
    pub(crate) from: String,
    /// The file that defines it.
    pub(crate) to: String,
    /// The name, `*` for all.
    pub(crate) name: String,
    /// Whether the module in `to` contains the module in `from`.
    pub(crate) from_ancestor: bool,
    /// The first line in `from` that names it.
    pub(crate) line: usize,
    /// The file of a module around `from` whose re-export the import uses.
    pub(crate) detour: Option<String>,
}

/// The imports among the files of each crate, without tests, sorted.
///
/// A re-export counts as the file that defines the item.
pub(crate) fn imports(tree: &Tree) -> Vec<Import> {
    let map = ModuleMap::read(tree);
    let mut found = BTreeSet::new();
    for (number, module) in map.modules() {
        let mut add = |to: usize, name: &str, line: usize, through: usize| {
            if map.file(to) != module.file {
                let detour = through != to && map.contains(through, number);
                found.insert(Import {
                    from: module.file.clone(),
                    to: map.file(to).to_owned(),
                    name: name.to_owned(),
                    from_ancestor: map.contains(to, number),
                    line,
                    detour: detour.then(|| map.file(through).to_owned()).filter(|file| *file != module.file),
                });
            }
        };
        let is_used_in_paths = |leaf: &Use| module.paths().iter().any(|path| path.segments[0] == leaf.name);
        for leaf in module.uses() {
            let Some(Resolved { target, through }) = map.resolve(number, &leaf.path.segments) else {
                continue;
            };
            match target {
                Target::Item(to, name) => add(to, &name, leaf.path.line, through),
                Target::Module(to) if leaf.name == "*" => add(to, "*", leaf.path.line, to),
                // The paths through an imported module name what the file takes from it.
                Target::Module(to) if !is_used_in_paths(leaf) => add(to, &leaf.name, leaf.path.line, to),
                Target::Module(_) => {}
            }
        }
        for path in module.paths() {
            if let Some(Resolved { target: Target::Item(to, name), through }) =
                map.resolve(number, &path.segments)
            {
                add(to, &name, path.line, through);
            }
        }
    }
    let mut imports: Vec<Import> = found.into_iter().collect();
    imports.dedup_by(|later, first| {
        let same = (&later.from, &later.to, &later.name) == (&first.from, &first.to, &first.name);
        if same && first.detour.is_none() {
            first.detour = later.detour.take();
        }
        same
    });
    imports
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let files = files.iter().map(|(path, text)| (format!("x/src/{path}"), (*text).to_owned()));
        let short = |path: &str| path.trim_start_matches("x/src/").to_owned();
        let show =
            |import: &Import| format!("{} <- {}: {}", short(&import.from), short(&import.to), import.name);
        imports(&Tree::from_texts(files)).iter().map(show).collect()
    }

    #[test]
    fn a_reexport_leads_to_the_file_that_defines_the_item() {
        let files = [
            ("lib.rs", "mod a;\nmod b;\npub use a::Thing as Other;\n"),
            ("a/mod.rs", "mod deep;\npub(crate) use deep::*;\n"),
            ("a/deep.rs", "pub struct Thing;\n"),
            ("b.rs", "use crate::Other;\nfn f() { crate::a::Thing; super::a::Thing; }\n"),
        ];
        let expected = ["a/mod.rs <- a/deep.rs: *", "b.rs <- a/deep.rs: Thing", "lib.rs <- a/deep.rs: Thing"];
        assert_eq!(found(&files), expected);
    }

    #[test]
    fn a_module_counts_by_what_is_taken_from_it() {
        let files = [
            ("main.rs", "mod a;\nmod b;\nmod c;\n"),
            ("a.rs", "use super::{b, c as see};\nfn f() { b::g(); see::inner::H; }\n"),
            ("b.rs", "pub use super::c::g;\n"),
            ("c.rs", "pub fn g() {}\npub mod inner { pub struct H; }\n"),
        ];
        assert_eq!(found(&files), ["a.rs <- c.rs: H", "a.rs <- c.rs: g", "b.rs <- c.rs: g"]);
    }

    #[test]
    fn a_name_can_be_module_and_function() {
        let files = [
            ("lib.rs", "mod train;\nmod user;\nuse train::train;\n"),
            ("train.rs", "pub fn train() {}\npub struct T;\n"),
            ("user.rs", "use crate::train;\nfn f() { train(); train::T; }\n"),
        ];
        assert_eq!(
            found(&files),
            ["lib.rs <- train.rs: train", "user.rs <- train.rs: T", "user.rs <- train.rs: train"]
        );
    }

    #[test]
    fn a_detour_through_a_module_around_the_file_is_marked() {
        let files = [
            ("x/src/lib.rs", "mod a;\nmod c;\n"),
            ("x/src/a/mod.rs", "mod b;\nmod d;\npub use b::B;\n"),
            ("x/src/a/b.rs", "pub struct B;\n"),
            ("x/src/a/d.rs", "use super::b;\nfn f() { crate::a::B; b::B; super::b::B; }\n"),
            ("x/src/c.rs", "use crate::a::B;\n"),
        ];
        let files = files.map(|(path, text)| (path.to_owned(), text.to_owned()));
        let imports = imports(&Tree::from_texts(files));
        let detours =
            imports.iter().filter_map(|import| Some((import.from.as_str(), import.detour.as_deref()?)));
        assert_eq!(detours.collect::<Vec<_>>(), [("x/src/a/d.rs", "x/src/a/mod.rs")]);
    }

    #[test]
    fn tests_and_other_crates_are_left_out() {
        let files = [
            ("lib.rs", "mod a;\n#[cfg(test)]\nmod tests;\nuse serde::a;\n"),
            (
                "a.rs",
                "use std::fmt;\nuse x::a::b;\n#[cfg(test)]\nuse crate::root;\nfn f() { tokio::spawn(); T::new(); }\n",
            ),
            ("tests.rs", "use crate::a::f;\n"),
        ];
        assert!(found(&files).is_empty(), "{:?}", found(&files));
    }

    #[test]
    fn an_import_from_an_ancestor_is_marked() {
        let files = [
            ("x/src/lib.rs".to_owned(), "mod a;\npub struct S;\n".to_owned()),
            ("x/src/a/mod.rs".to_owned(), "mod b;\n".to_owned()),
            ("x/src/a/b.rs".to_owned(), "use crate::S;\n".to_owned()),
        ];
        let found = imports(&Tree::from_texts(files));
        assert!(matches!(found.as_slice(), [Import { from_ancestor: true, line: 1, .. }]), "{found:?}");
    }
}
