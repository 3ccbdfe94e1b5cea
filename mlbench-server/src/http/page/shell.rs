//! [`Page`]: the shell that loads the page, or the sentence in its place.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Deserialize;

use super::assets::{Asset, EMBEDDED};
use super::description::style;

/// The file that names the script and the style sheet of the page.
const MANIFEST: &str = "manifest.json";

/// The sentence of a server that was built without its page.
pub(super) const WITHOUT_PAGE: &str = "This mlbench-server was built without its page; to get the page, install Node 20 \
                                       or newer and run `cargo xtask install` in the sources of mlbench.";

/// A rising curve, as an address that needs no request.
const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E%3Crect \
                    width='32' height='32' rx='7' fill='%230b5fc0'/%3E%3Cpath d='M6 25C11 25 11 11 17 11s4 6 9-4' \
                    fill='none' stroke='%23fff' stroke-width='3.5' stroke-linecap='round'/%3E%3C/svg%3E";

/// The page as it was embedded, or nothing where it was not built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    assets: &'static [Asset],
}

/// The entries of the manifest.
#[derive(Debug, Deserialize)]
struct Manifest<'a> {
    script: &'a str,
    style: &'a str,
    /// The script that requests what a page reads first, before the code of the page has come.
    #[serde(default)]
    early: Option<&'a str>,
    /// The files that a browser loads to show each page, by the source of the page.
    #[serde(borrow, default)]
    loads: BTreeMap<&'a str, Vec<&'a str>>,
}

impl Page {
    /// Returns the page inside this binary.
    #[must_use]
    pub const fn embedded() -> Self {
        Self { assets: EMBEDDED }
    }

    /// Returns a page with these files.
    #[cfg(test)]
    pub(in crate::http) const fn of(assets: &'static [Asset]) -> Self {
        Self { assets }
    }

    /// Returns the asset with this name.
    pub(super) fn asset(self, name: &str) -> Option<&'static Asset> {
        let built = self.assets.iter().find(|asset| asset.name == name && name != MANIFEST);
        built.or_else(|| style(name))
    }

    /// Returns the shell for an address whose path contains this number of slashes, or `None` without a page.
    ///
    /// It names its assets relative to the address, so that the page works below any path that a proxy removes.
    /// It also names all scripts of the page with this source, so that the browser loads them at once: a script names
    /// those that it imports only after it has come. First comes the script that requests data meanwhile; it is no
    /// module, as modules run later.
    pub(super) fn shell(self, slashes: usize, source: &str) -> Option<String> {
        let manifest = self.assets.iter().find(|asset| asset.name == MANIFEST)?;
        let Manifest { script, style, early, loads } = serde_json::from_slice(manifest.content).ok()?;
        let base = if slashes < 2 { "./".to_owned() } else { "../".repeat(slashes - 1) };
        let mut head = String::new();
        if let Some(early) = early {
            let _ = write!(head, r#"<script async src="{base}assets/{early}"></script>"#);
        }
        let _ = write!(head, r#"<link rel="stylesheet" href="{base}assets/{style}">"#);
        let imported = loads.get(source).into_iter().flatten();
        let own = [Some(script), early];
        for name in imported.filter(|name| name.ends_with(".js") && !own.contains(&Some(**name))) {
            let _ = write!(head, r#"<link rel="modulepreload" href="{base}assets/{name}">"#);
        }
        let _ = write!(head, r#"<script type="module" src="{base}assets/{script}"></script>"#);
        Some(document(&head, r#"<div id="app"></div><noscript>This page needs JavaScript.</noscript>"#))
    }
}

/// Returns a document with the sentence of a server without a page.
pub(super) fn without_page() -> String {
    document("", &format!("<p>{WITHOUT_PAGE}</p>"))
}

fn document(head: &str, body: &str) -> String {
    format!(
        r#"<!doctype html><html lang="en"><head><meta charset="utf-8"><title>mlbench</title><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark"><link rel="icon" href="{ICON}">{head}</head><body>{body}</body></html>"#
    )
}
