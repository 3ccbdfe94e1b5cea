//! What a browser loads to show the page: its size, and the addresses in it.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io::Write as _;
use std::iter::Sum;
use std::path::Path;
use std::process::{Command, Stdio};

use serde::Deserialize;

/// Most bytes, compressed by Brotli, that a browser may load to show a page for the first time.
///
/// Browsers accept Brotli over TLS and, most of them, from localhost. The others load what gzip leaves, which the
/// check prints beside it.
const MAX_BYTES: usize = 60_000;

/// The end of the name of a file that the build has compressed by Brotli.
const BROTLI: &str = ".br";

/// Addresses that name a standard and are never requested.
const NAMES: [&str; 4] = [
    "http://www.w3.org/2000/svg",
    "http://www.w3.org/1998/Math/MathML",
    "http://www.w3.org/1999/xlink",
    "http://www.w3.org/1999/xhtml",
];

/// The manifest of the build.
#[derive(Debug, Deserialize)]
struct Manifest {
    /// The files that a browser loads to show each page.
    loads: BTreeMap<String, Vec<String>>,
}

/// Checks the size of what a browser loads to show each page for the first time.
pub(super) fn size(dist: &Path) -> Result<(), String> {
    let failed = |error: &dyn fmt::Display| format!("cannot read {}: {error}", dist.display());
    let text = fs::read_to_string(dist.join("manifest.json")).map_err(|error| failed(&error))?;
    let manifest: Manifest = serde_json::from_str(&text).map_err(|error| failed(&error))?;
    let mut files = BTreeMap::new();
    for (name, content) in loaded(dist)? {
        let packed = fs::read(dist.join(format!("{name}{BROTLI}"))).map_err(|error| failed(&error))?;
        files.insert(name, Size { brotli: packed.len(), gzip: gzip(&content)? });
    }
    let of_page =
        |names: &Vec<String>| names.iter().filter_map(|name| files.get(name)).copied().sum::<Size>();
    let mut largest = None;
    for (page, names) in &manifest.loads {
        let size = of_page(names);
        println!("{page} loads {size}");
        largest = largest.max(Some((size, page)));
    }
    let (size, page) = largest.ok_or("the manifest names no page")?;
    if size.brotli > MAX_BYTES {
        return Err(format!("{page} loads {size}, more than {MAX_BYTES} by Brotli"));
    }
    println!(
        "the limit is {MAX_BYTES} bytes by Brotli; all pages together have {}",
        files.values().copied().sum::<Size>()
    );
    Ok(())
}

/// The bytes of compressed files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Size {
    brotli: usize,
    gzip: usize,
}

impl Sum for Size {
    fn sum<I: Iterator<Item = Self>>(sizes: I) -> Self {
        sizes.fold(Self::default(), |all, one| Self {
            brotli: all.brotli + one.brotli,
            gzip: all.gzip + one.gzip,
        })
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes by Brotli ({} by gzip)", self.brotli, self.gzip)
    }
}

/// Checks that nothing in the page names another host.
pub(super) fn no_foreign_address(dist: &Path) -> Result<(), String> {
    for (name, content) in loaded(dist)? {
        if let Some(address) = foreign_address(&String::from_utf8_lossy(&content)) {
            return Err(format!("{name} names {address}; the page may only load from its own server"));
        }
    }
    Ok(())
}

fn foreign_address(text: &str) -> Option<&str> {
    ["http://", "https://", "ws://", "wss://"].into_iter().find_map(|scheme| {
        text.match_indices(scheme).find_map(|(at, _)| {
            let rest = &text[at..];
            let end = rest.find(|c: char| "\"'`) \\\n".contains(c)).unwrap_or(rest.len());
            let address = &rest[..end];
            // A scheme alone is part of an expression.
            (address.len() > scheme.len() && !NAMES.contains(&address)).then_some(address)
        })
    })
}

/// Returns the files that the page loads, and their content.
fn loaded(dist: &Path) -> Result<Vec<(String, Vec<u8>)>, String> {
    let failed = |error| format!("cannot read {}: {error}", dist.display());
    let mut files = Vec::new();
    for entry in fs::read_dir(dist).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let compressed = name.ends_with(BROTLI);
        let beside =
            name.starts_with('.') || name == "manifest.json" || name.contains(".LEGAL.txt") || compressed;
        if !beside {
            files.push((name, fs::read(entry.path()).map_err(failed)?));
        }
    }
    files.sort();
    match files.is_empty() {
        true => Err(format!("{} is empty", dist.display())),
        false => Ok(files),
    }
}

/// Returns the number of bytes of a file after gzip at its highest level, as the server compresses it.
fn gzip(content: &[u8]) -> Result<usize, String> {
    let failed = |error| format!("cannot run gzip: {error}");
    let mut child = Command::new("gzip")
        .args(["-9", "-c", "-n"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    let input = child.stdin.take();
    let content = content.to_vec();
    let writer = std::thread::spawn(move || input.map(|mut input| input.write_all(&content)));
    let output = child.wait_with_output().map_err(failed)?;
    match writer.join() {
        Ok(Some(Ok(()))) if output.status.success() => Ok(output.stdout.len()),
        _ => Err("gzip failed".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(files: &[(&str, &[u8])]) -> tempfile::TempDir {
        let dist = tempfile::tempdir().unwrap();
        for (name, content) in files {
            fs::write(dist.path().join(name), content).unwrap();
            fs::write(dist.path().join(format!("{name}{BROTLI}")), content).unwrap();
        }
        dist
    }

    #[test]
    fn a_page_that_is_too_large_is_found() {
        let mut state = 1_u64;
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            state.to_be_bytes()[0]
        })
        .take(MAX_BYTES)
        .collect();
        let manifest = br#"{"script":"a.js","loads":{"one":["a.js"],"two":["a.js","b.js"]}}"#;
        let beside = [("manifest.json", &manifest[..]), ("a.js.LEGAL.txt", &noise)];
        let small = page(&[beside[0], beside[1], ("a.js", &noise[..1000]), ("c.js", &noise)]);
        size(small.path()).unwrap();
        let large = page(&[beside[0], ("a.js", &noise[..1000]), ("b.js", &noise)]);
        let loads = format!("two loads {} bytes by Brotli (", MAX_BYTES + 1000);
        assert!(size(large.path()).unwrap_err().starts_with(&loads));
        fs::remove_file(small.path().join("a.js.br")).unwrap();
        assert!(size(small.path()).is_err());
        assert!(size(page(&[]).path()).is_err());
    }

    #[test]
    fn an_address_of_another_host_is_found() {
        for (text, found) in [
            ("x(\"http://www.w3.org/2000/svg\")", None),
            ("`http://${host}`.startsWith(\"https://\")", Some("http://${host}")),
            ("a.startsWith(\"https://\")", None),
            ("url(https://fonts.example.org/a)", Some("https://fonts.example.org/a")),
            ("new WebSocket('wss://a.b')", Some("wss://a.b")),
        ] {
            assert_eq!(foreign_address(text), found, "{text}");
        }
        let dist = page(&[("app.css", b"@import url(http://a.b/c)")]);
        assert!(no_foreign_address(dist.path()).unwrap_err().starts_with("app.css names http://a.b/c;"));
    }
}
