//! Embeds the page: lists the files of `dashboard/dist/`, packed, for `src/http/page/assets.rs`.
//!
//! `cargo xtask dashboard` fills that folder. Without it the server builds all the same, and says how to get the page.

use std::error::Error;
use std::fmt::Write as _;
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
    let mut list = String::from("&[");
    if folder.join(MANIFEST).is_file() {
        for file in files(&folder)? {
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let packed = out.join(format!("{name}.gz"));
            fs::write(&packed, gzip(&fs::read(&file)?)?)?;
            let brotli = folder.join(format!("{name}{BROTLI}"));
            let brotli =
                if brotli.is_file() { format!("include_bytes!({brotli:?})") } else { "&[]".to_owned() };
            write!(
                list,
                "Asset {{ name: {name:?}, content: include_bytes!({file:?}), gzip: include_bytes!({packed:?}), \
                 brotli: {brotli} }},"
            )?;
        }
    } else {
        println!(
            "cargo:warning=the server is built without its page; for the page run `cargo xtask dashboard`, which needs \
             Node 20 or newer"
        );
    }
    list.push(']');
    fs::write(out.join("page.rs"), list)?;
    Ok(())
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
