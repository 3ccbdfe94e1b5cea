//! Embeds the page: lists the files of `dashboard/dist/`, packed, for `src/http/page/assets.rs`.
//!
//! `cargo xtask dashboard` fills that folder. Without it the server builds all the same, and says how to get the page.

use std::error::Error;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
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
