//! The modules of all crates, and what a path in one of them names.

use std::collections::BTreeMap;

use super::syntax::{Body, Path, Use, parse};
use crate::tidy::tree::{Tree, module_folder};

/// A module.
#[derive(Debug)]
pub(super) struct Module {
    /// The file that contains it.
    pub(super) file: String,
    /// The module that declares it, none for the root of a crate.
    pub(super) parent: Option<usize>,
    children: BTreeMap<String, usize>,
    body: Body,
}

impl Module {
    /// The leaves of its `use` trees.
    pub(super) fn uses(&self) -> &[Use] {
        &self.body.uses
    }

    /// Its paths outside `use` trees.
    pub(super) fn paths(&self) -> &[Path] {
        &self.body.paths
    }
}

/// What a path names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// A module, by its number.
    Module(usize),
    /// An item, by the number of the module that defines it and its name.
    Item(usize, String),
}

/// The target of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Resolved {
    pub(super) target: Target,
    /// The module that the path names before the target, which defines or re-exports it.
    pub(super) through: usize,
}

/// Which of two namespaces a segment of a path is looked up in first.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Want {
    Module,
    Item,
}

/// The modules of all crates of the workspace, without tests.
#[derive(Debug, Default)]
pub(super) struct ModuleMap {
    modules: Vec<Module>,
}

/// Re-exports of re-exports end well before this. Only a circle of them does not.
const MAX_REEXPORTS: usize = 32;

impl ModuleMap {
    /// Reads every crate of the workspace.
    pub(super) fn read(tree: &Tree) -> Self {
        let mut map = Self::default();
        for source in tree.sources().filter(|source| source.product().next().is_some()) {
            if source.path.ends_with("src/lib.rs") || source.path.ends_with("src/main.rs") {
                let folder = module_folder(&source.path);
                map.add(tree, None, &source.path, &folder, parse(source));
            }
        }
        map
    }

    /// All modules with their numbers.
    pub(super) fn modules(&self) -> impl Iterator<Item = (usize, &Module)> {
        self.modules.iter().enumerate()
    }

    /// The file that contains a module.
    pub(super) fn file(&self, module: usize) -> &str {
        &self.modules[module].file
    }

    /// Whether `outer` contains `inner`, directly or not.
    pub(super) fn contains(&self, outer: usize, inner: usize) -> bool {
        std::iter::successors(self.modules[inner].parent, |&module| self.modules[module].parent)
            .any(|module| module == outer)
    }

    /// What a path in a module names, none for what other crates define.
    pub(super) fn resolve(&self, module: usize, path: &[String]) -> Option<Resolved> {
        self.resolve_within(module, path, Want::Item, MAX_REEXPORTS)
    }

    fn add(&mut self, tree: &Tree, parent: Option<usize>, file: &str, folder: &str, mut body: Body) -> usize {
        let number = self.modules.len();
        let (files, inline) = (std::mem::take(&mut body.files), std::mem::take(&mut body.inline));
        self.modules.push(Module { file: file.to_owned(), parent, children: BTreeMap::new(), body });
        let mut children = BTreeMap::new();
        for name in files {
            let candidates = [format!("{folder}{name}.rs"), format!("{folder}{name}/mod.rs")];
            if let Some(source) = candidates.iter().find_map(|path| tree.source(path)) {
                let folder = module_folder(&source.path);
                let child = self.add(tree, Some(number), &source.path, &folder, parse(source));
                children.insert(name, child);
            }
        }
        for (name, inner) in inline {
            let child = self.add(tree, Some(number), file, &format!("{folder}{name}/"), inner);
            children.insert(name, child);
        }
        self.modules[number].children = children;
        number
    }

    fn resolve_within(&self, module: usize, path: &[String], want: Want, fuel: usize) -> Option<Resolved> {
        let fuel = fuel.checked_sub(1)?;
        let mut at: Option<usize> = None;
        for (index, segment) in path.iter().enumerate() {
            let last = index + 1 == path.len();
            let want = if last { want } else { Want::Module };
            let here = at.unwrap_or(module);
            let target = match (segment.as_str(), at) {
                ("crate", None) => Target::Module(self.root(module)),
                ("self", _) => Target::Module(here),
                ("super", _) => Target::Module(self.modules[here].parent?),
                (name, None) => self.look_up(here, name, want, fuel)?,
                // What a macro generates is not seen, so the module is taken for its author.
                (name, Some(here)) => self
                    .look_up(here, name, want, fuel)
                    .unwrap_or_else(|| Target::Item(here, name.to_owned())),
            };
            match target {
                Target::Module(module) if !last => at = Some(module),
                target => return Some(Resolved { target, through: here }),
            }
        }
        None
    }

    fn look_up(&self, module: usize, name: &str, want: Want, fuel: usize) -> Option<Target> {
        let fuel = fuel.checked_sub(1)?;
        let here = &self.modules[module];
        let child = here.children.get(name).copied().map(Target::Module);
        let item = here.body.items.contains(name).then(|| Target::Item(module, name.to_owned()));
        let own = if want == Want::Module { child.or(item) } else { item.or(child) };
        let imported = || {
            let uses = here.body.uses.iter().filter(|leaf| leaf.name == name);
            let targets = uses.filter_map(|leaf| self.resolve_import(module, leaf, want, fuel));
            let targets: Vec<Target> = targets.collect();
            let wanted = |target: &&Target| matches!(target, Target::Module(_)) == (want == Want::Module);
            targets.iter().find(wanted).or(targets.first()).cloned()
        };
        // `mod train; pub use train::train;` declares two names in one.
        match own {
            Some(Target::Module(_)) if want == Want::Item => imported().or(own),
            Some(own) => Some(own),
            None => imported().or_else(|| self.look_up_in_globs(module, name, want, fuel)),
        }
    }

    fn resolve_import(&self, module: usize, leaf: &Use, want: Want, fuel: usize) -> Option<Target> {
        // `use serde;` and `use train::train;` do not name what they declare.
        let names_itself = leaf.path.segments.len() == 1 && leaf.path.segments[0] == leaf.name;
        if names_itself {
            None
        } else {
            Some(self.resolve_within(module, &leaf.path.segments, want, fuel)?.target)
        }
    }

    fn look_up_in_globs(&self, module: usize, name: &str, want: Want, fuel: usize) -> Option<Target> {
        let globs = self.modules[module].body.uses.iter().filter(|leaf| leaf.name == "*");
        globs
            .filter_map(|leaf| self.resolve_within(module, &leaf.path.segments, Want::Module, fuel))
            .find_map(|glob| match glob.target {
                Target::Module(other) if other != module => self.look_up(other, name, want, fuel),
                _ => None,
            })
    }

    fn root(&self, module: usize) -> usize {
        std::iter::successors(Some(module), |&module| self.modules[module].parent).last().unwrap_or(module)
    }
}
