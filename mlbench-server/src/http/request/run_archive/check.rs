//! Checks an archive as a whole: its files, their checksums, and the facts of the run.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, Read};

use mlbench_core::carried::{FACTS_FILE, RunFacts, SUMMED_FILES, SUMS_FILE};
use mlbench_core::quote::quote;
use mlbench_core::{Error, ErrorCode, Result};
use sha2::{Digest as _, Sha256};
use zip::ZipArchive;

use super::end_record;

/// The archive, ready to be read file by file.
pub(super) type Archive = ZipArchive<BufReader<File>>;

/// Most bytes of the facts of a run, and of the checksums.
const MAX_SMALL_FILE: u64 = 4 << 20;
/// Bytes of content from which on [`MAX_RATIO`] applies.
const RATIO_APPLIES_FROM: u64 = 1 << 30;
/// Largest ratio of content to archive.
///
/// Points and lines reach 10 to 40, an archive made to exhaust a disk 1,000.
const MAX_RATIO: u64 = 200;

/// Opens and checks an archive of `length` bytes.
///
/// # Errors
/// [`ErrorCode::Malformed`] naming the file that is damaged, missing or superfluous,
/// [`ErrorCode::InvalidField`] for the facts, [`ErrorCode::PayloadTooLarge`].
pub(super) fn check(mut file: File, length: u64) -> Result<(Archive, RunFacts)> {
    let files = SUMMED_FILES.len() + 1;
    if !end_record::ends_with(&mut file, files).map_err(Error::internal)? {
        let detail = format!(
            "archive: is not the whole export of a run, a zip archive of {files} files; export the run again, with \
             mlbench runs export"
        );
        return Err(Error::new(ErrorCode::Malformed, detail));
    }
    let mut archive = ZipArchive::new(BufReader::new(file))
        .map_err(|error| malformed(format_args!("archive: cannot be read ({error})")))?;
    check_names(&archive)?;
    let sums = sums(&read_small(&mut archive, SUMS_FILE)?)?;
    let (mut content, most) = (0, length.saturating_mul(MAX_RATIO).max(RATIO_APPLIES_FROM));
    for name in SUMMED_FILES {
        let sum = sum_of(&mut archive, name, &mut content, most)?;
        if sums.get(name) != Some(&sum) {
            let problem = "does not have the SHA-256 that SHA256SUMS names: it was damaged or changed";
            return Err(malformed(format_args!("{name}: {problem}")));
        }
    }
    let facts = RunFacts::parse(&read_small(&mut archive, FACTS_FILE)?)?;
    Ok((archive, facts))
}

fn check_names(archive: &Archive) -> Result<()> {
    let expected = || SUMMED_FILES.into_iter().chain([SUMS_FILE]);
    for name in archive.file_names() {
        let name =
            name.map_err(|error| malformed(format_args!("archive: a name cannot be read ({error})")))?;
        if expected().all(|expected| expected != name) {
            return Err(malformed(format_args!("archive: {} is no file of an exported run", quote(&name))));
        }
    }
    match expected().find(|name| archive.index_for_name(name).is_none()) {
        Some(missing) => Err(malformed(format_args!("archive: {missing} is missing"))),
        None => Ok(()),
    }
}

/// Reads the lines of `sha256sum`.
fn sums(text: &[u8]) -> Result<HashMap<String, [u8; 32]>> {
    let text = std::str::from_utf8(text).unwrap_or_default();
    let line = |line: &str| {
        let (hex, name) = line.split_once("  ")?;
        let digits = hex.as_bytes();
        let mut sum = [0; 32];
        if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        for (byte, at) in sum.iter_mut().zip((0..).step_by(2)) {
            *byte = u8::from_str_radix(&hex[at..at + 2], 16).ok()?;
        }
        Some((name.to_owned(), sum))
    };
    let all: Option<HashMap<_, _>> = text.lines().map(line).collect();
    all.ok_or_else(|| malformed(format_args!("{SUMS_FILE}: is not written as sha256sum writes it")))
}

fn sum_of(archive: &mut Archive, name: &str, content: &mut u64, most: u64) -> Result<[u8; 32]> {
    let mut file = archive.by_name(name).map_err(|error| malformed(format_args!("{name}: {error}")))?;
    let (mut sum, mut buffer) = (Sha256::new(), vec![0; 64 << 10]);
    loop {
        let read = file.read(&mut buffer).map_err(|error| damaged(name, &error))?;
        if read == 0 {
            return Ok(sum.finalize().into());
        }
        *content += read as u64;
        if *content > most {
            let detail = format!("archive: expands to more than {MAX_RATIO} times its size");
            return Err(Error::new(ErrorCode::PayloadTooLarge, detail));
        }
        sum.update(&buffer[..read]);
    }
}

fn read_small(archive: &mut Archive, name: &str) -> Result<Vec<u8>> {
    let file = archive.by_name(name).map_err(|error| malformed(format_args!("{name}: {error}")))?;
    let mut text = Vec::new();
    file.take(MAX_SMALL_FILE + 1).read_to_end(&mut text).map_err(|error| damaged(name, &error))?;
    if text.len() as u64 > MAX_SMALL_FILE {
        return Err(malformed(format_args!("{name}: larger than {MAX_SMALL_FILE} bytes")));
    }
    Ok(text)
}

pub(super) fn damaged(name: &str, error: &io::Error) -> Error {
    malformed(format_args!("{name}: damaged ({error}); export the run again"))
}

fn malformed(detail: std::fmt::Arguments<'_>) -> Error {
    Error::new(ErrorCode::Malformed, detail.to_string())
}
