//! What a file and the flags say together.

use std::collections::BTreeMap;

use mlbench_client::{SecretEnvironment, SecretKey, Volume};

/// Returns the variables of both, where those of the flags count.
pub(super) fn with_secrets(
    file: &SecretEnvironment,
    flags: &[(String, SecretKey)],
) -> mlbench_client::Result<SecretEnvironment> {
    let flags = SecretEnvironment::new(flags.iter().cloned())?;
    let kept = file.iter().filter(|(name, _)| !flags.contains(name)).chain(flags.iter());
    Ok(SecretEnvironment::new(kept.map(|(name, key)| (name.to_owned(), key.clone())))?)
}

/// Returns the volumes of both, where one of the flags replaces one of its name.
pub(super) fn with_volumes(mut file: Vec<Volume>, flags: &[Volume]) -> Vec<Volume> {
    file.retain(|volume| flags.iter().all(|flag| flag.name != volume.name));
    file.extend_from_slice(flags);
    file
}

/// Returns the items of both, each once.
pub(super) fn with_new<T: Clone + PartialEq>(mut file: Vec<T>, flags: &[T]) -> Vec<T> {
    for flag in flags {
        if !file.contains(flag) {
            file.push(flag.clone());
        }
    }
    file
}

/// Returns the entries of both, where the later ones count.
pub(super) fn merged<'a, V: ToOwned + ?Sized + 'a>(
    file: impl Iterator<Item = (&'a str, &'a V)>,
    flags: impl Iterator<Item = (&'a str, &'a V)>,
) -> BTreeMap<String, V::Owned> {
    file.chain(flags).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}
