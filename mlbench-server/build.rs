//! Embeds the page and the description of the API, packed, for `src/http/page/`.
//!
//! Passes the commit to `src/version.rs`.
//! Lists the files of `dashboard/dist/` and of `openapi/`.
//!
//! `cargo xtask dashboard` fills that folder. Without it the server builds all the same, and says how to get the page.

#[path = "../build/commit.rs"]
mod commit;

use std::error::Error;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use flate2::Compression;
use flate2::write::GzEncoder;

/// The file that names the script and the style sheet of the page. The build of the page writes it last.
const MANIFEST: &str = "manifest.json";

/// The end of the name of a file that the build of the page has compressed by Brotli.
const BROTLI: &str = ".br";

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("dashboard/dist");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    // Git keeps the folder, so that cargo can watch it before the page is built.
    println!("cargo:rerun-if-changed={}", folder.display());
    println!("cargo:rerun-if-changed=build.rs");
    pack_relocations();
    for instruction in commit::instructions() {
        println!("{instruction}");
    }
    let mut list = String::from("&[");
    if folder.join(MANIFEST).is_file() {
        for file in files(&folder)? {
            list.push_str(&asset(&file, &fs::read(&file)?, &out)?);
        }
    } else {
        println!(
            "cargo:warning=the server is built without its page; for the page run `cargo xtask dashboard`, which needs \
             Node 20 or newer"
        );
    }
    list.push(']');
    fs::write(out.join("page.rs"), list)?;
    describe(&PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("openapi"), &out)
}

/// Embeds the description of the API, without the indentation of its document.
fn describe(folder: &Path, out: &Path) -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed={}", folder.display());
    let mut list = String::from("[");
    for file in files(folder)? {
        let text = fs::read_to_string(&file)?;
        let ending = file.extension().unwrap_or_default();
        let text = if ending == "json" { text.lines().map(str::trim_start).collect() } else { text };
        list.push_str(&asset(&file, text.as_bytes(), out)?);
        let variant = match ending.to_str() {
            Some("json") => Some(("openapi-open.json", without_security(&text)?)),
            // At the address without the last slash, which a browser resolves from one folder further up.
            Some("html") => Some(("docs-bare.html", text.replace("\"../../", "\"../"))),
            _ => None,
        };
        if let Some((name, text)) = variant {
            list.push_str(&asset(&file.with_file_name(name), text.as_bytes(), out)?);
        }
    }
    list.push(']');
    fs::write(out.join("openapi.rs"), list)?;
    Ok(())
}

/// Returns the document of a server without a token, whose operations require none.
fn without_security(document: &str) -> Result<String, Box<dyn Error>> {
    let required = r#""security": [{"token": []},{"session": []}]"#;
    match document.matches(required).count() {
        1 => Ok(document.replace(required, r#""security": []"#)),
        found => {
            Err(format!("openapi.json: requires a token in {found} places; let build.rs find it").into())
        }
    }
}

/// Writes the content of a file and its compressed form, and returns the expression that embeds them.
fn asset(file: &Path, content: &[u8], out: &Path) -> Result<String, Box<dyn Error>> {
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let (plain, packed) = (out.join(&name), out.join(format!("{name}.gz")));
    fs::write(&plain, content)?;
    fs::write(&packed, gzip(content)?)?;
    let brotli = file.with_file_name(format!("{name}{BROTLI}"));
    let brotli = if brotli.is_file() { format!("include_bytes!({brotli:?})") } else { "&[]".to_owned() };
    Ok(format!(
        "Asset {{ name: {name:?}, content: include_bytes!({plain:?}), gzip: include_bytes!({packed:?}), brotli: \
         {brotli} }},"
    ))
}

/// Packs the table of addresses that the loader adjusts: 1.1 MiB less to read and to keep in memory.
///
/// The C library reads the packed form since version 2.36. A program for another machine keeps the long one.
fn pack_relocations() {
    let variable = |name: &str| env::var(name).unwrap_or_default();
    let is_native = variable("HOST") == variable("TARGET") && variable("CARGO_CFG_TARGET_ENV") == "gnu";
    let version = Command::new("getconf").arg("GNU_LIBC_VERSION").output();
    let version = version.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let minor = |text: &str| text.trim().strip_prefix("glibc 2.")?.split('.').next()?.parse::<u32>().ok();
    if is_native && version.ok().and_then(|text| minor(&text)).is_some_and(|minor| minor >= 36) {
        println!("cargo:rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}

/// Returns the files of the folder in order, without hidden and compressed ones.
fn files(folder: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type()?.is_file() && !name.starts_with('.') && !name.ends_with(BROTLI) {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}

fn gzip(content: &[u8]) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content)?;
    Ok(encoder.finish()?)
}
