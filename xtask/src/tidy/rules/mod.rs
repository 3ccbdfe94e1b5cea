//! The rules, each a function from the repository to its findings.

mod circles;
mod commits;
mod dependencies;
mod documents;
mod endpoints;
mod handlers;
mod imports;
mod page;
mod prose;
mod purity;
mod style;
mod summaries;
mod workspace;

use super::finding::Finding;
use super::tree::Tree;

/// A rule.
pub(super) type Rule = fn(&Tree) -> Vec<Finding>;

/// All rules with their names.
pub(super) const RULES: &[(&str, Rule)] = &[
    ("imports", imports::one_importer_per_library),
    ("circles", circles::between_files),
    ("folders", circles::in_folders),
    ("parents", circles::parents_own_nothing),
    ("detours", circles::no_detours),
    ("endpoints", endpoints::paths_in_one_table),
    ("environment", purity::environment),
    ("core", purity::core_is_pure),
    ("core dependencies", purity::core_dependencies),
    ("spawn", purity::spawn_in_task_groups_only),
    ("sleep", purity::no_sleep_in_tests),
    ("file length", style::file_length),
    ("handlers", handlers::short),
    ("allow", style::no_allow),
    ("unwrap", style::no_unwrap),
    ("print", style::printing),
    ("ignore", style::no_ignored_tests),
    ("skips", style::no_silent_skips),
    ("unfinished", style::nothing_unfinished),
    ("paths", style::no_paths_of_a_machine),
    ("summaries", summaries::summaries),
    ("words", prose::words),
    ("commits", commits::subjects),
    ("members", workspace::members),
    ("layers", workspace::layers),
    ("lock file", workspace::one_tls_provider),
    ("workspace dependencies", dependencies::of_the_workspace),
    ("member dependencies", dependencies::of_members),
    ("page file length", page::file_length),
    ("page imports", page::imports_run_down),
    ("page circles", page::circles),
    ("page lock file", page::lock_file),
    ("links", documents::links),
    ("code map", documents::code_map),
];
