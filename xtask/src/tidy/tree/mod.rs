//! The repository as the rules see it: text files, Rust files line by line, commit subjects.

mod commits;
mod files;
mod lexer;
mod source;

pub(crate) use commits::Commit;
pub(crate) use files::Tree;
pub(crate) use lexer::block_length;
pub(crate) use source::{Line, Source, has_word, module_folder};
