//! What a browser loads to show the page: its size, and the addresses in it.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// Most bytes, compressed, that the shell may load.
const MAX_BYTES: usize = 60_000;

/// Addresses that name a standard and are never requested.
const NAMES: [&str; 4] = [
    "http://www.w3.org/2000/svg",
    "http://www.w3.org/1998/Math/MathML",
    "http://www.w3.org/1999/xlink",
    "http://www.w3.org/1999/xhtml",
];

/// Checks the size of what the shell loads.
pub(super) fn size(dist: &Path) -> Result<(), String> {
    let mut total = 0;
    let mut parts = Vec::new();
    for (name, content) in loaded(dist)? {
        let bytes = gzip(&content)?;
        total += bytes;
        parts.push(format!("{name} {bytes}"));
    }
    let parts = parts.join(", ");
    if total > MAX_BYTES {
        return Err(format!("the page has {total} bytes compressed ({parts}), more than {MAX_BYTES}"));
    }
    println!("the page has {total} bytes compressed ({parts}) of {MAX_BYTES}");
    Ok(())
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
        let beside = name.starts_with('.') || name == "manifest.json" || name.ends_with(".LEGAL.txt");
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
        let beside = [("manifest.json", noise.as_slice()), ("app.js.LEGAL.txt", noise.as_slice())];
        let small = page(&[beside[0], beside[1], ("app.js", &noise[..1000])]);
        size(small.path()).unwrap();
        let large = page(&[("app.js", &noise)]);
        assert!(size(large.path()).unwrap_err().contains("app.js 60"));
        assert!(size(page(&[]).path()).unwrap_err().ends_with("is empty"));
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
