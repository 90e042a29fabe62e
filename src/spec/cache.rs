//! A spec that was read before, so that the next run need not parse it: the content of one cache file.
//!
//! A file is named by a hash over all that a load depends on but the variables: the bytes and names of the spec files,
//! the profiles, and the program. It repeats that hash, so that a file under a wrong name is not taken, and holds a
//! hash of itself, so that a damaged one is not. Whatever is odd about it, the spec is read as if it were not there.
//!
//! It holds what a state holds too, and never a secret: a spec with a remark is not kept, and each literal that looks
//! like a secret is remarked on. The values of variables are in it where the spec put them into what is wanted. That
//! they are the same in the next run is told by one hash over those that the spec asks for; a variable of the
//! environment that it does not ask for leaves no trace.

use std::collections::BTreeSet;
use std::sync::Arc;

use postcard::{take_from_bytes, to_extend};
use sha2::{Digest, Sha256};

use super::diagnostic::Collector;
use super::positions::{AllPlaces, Places, Positions};
use super::source::{Sources, Span};
use super::{Input, Loaded, Settings, read_text};
use crate::model::secret::Secrets;
use crate::model::stored::{As, stored_structs};

// The form needs no version of its own: a file is only ever read by the program that wrote it.
stored_structs! {
    Settings { project, kind, api, state }
    AllPlaces { secrets, registries, volumes, pods }
    Places { whole, fields }
    Span { file, start, end }
}

const MAGIC: &[u8] = b"podform spec 1\n";

/// The length of a SHA-256.
const HASH: usize = 32;

/// What a load depends on beside the variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheKey([u8; HASH]);

impl CacheKey {
    /// Returns the key of a load by this program; two programs that may read a spec differently have different names.
    pub fn of(input: &Input<'_>, program: &str) -> Self {
        let mut hash = Sha256::new();
        let mut part = |bytes: &[u8]| {
            hash.update((bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        };
        part(program.as_bytes());
        part(&(input.profiles.len() as u64).to_le_bytes());
        input.profiles.iter().for_each(|profile| part(profile.as_bytes()));
        for file in input.files {
            part(file.name.as_bytes());
            part(file.bytes);
        }
        Self(hash.finalize().into())
    }

    /// Returns the name of the file that keeps what was read.
    pub fn file_name(&self) -> String {
        let Self(hash) = self;
        hash[..16].iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Returns the content of the file for a spec, or nothing for one that is not kept.
pub fn write(key: &CacheKey, input: &Input<'_>, loaded: &Loaded) -> Option<Vec<u8>> {
    let Loaded { settings, desired, literal_secrets, warnings, positions, variables } = loaded;
    // A value that only a deselected pod uses is in nothing that is kept, so a hash of it must not be either.
    let may_be_hashed =
        desired.out_of_scope.is_empty() || variables.iter().all(|name| given(input, name).is_none());
    if !warnings.is_empty() || !literal_secrets.is_empty() || !may_be_hashed {
        return None;
    }
    let CacheKey(key) = key;
    let bytes = [MAGIC, key, &[0; HASH]].concat();
    let mut bytes = to_extend(&As(variables), bytes).ok()?;
    bytes.extend_from_slice(&values(input, variables));
    let mut bytes = to_extend(&(As(settings), As(desired), As(positions.places())), bytes).ok()?;
    let start = MAGIC.len() + HASH;
    let hash = Sha256::digest(&bytes[start + HASH..]);
    bytes[start..start + HASH].copy_from_slice(&hash);
    Some(bytes)
}

/// Reads a spec from the content of its file; nothing if it is not what [`super::load`] would make of the input.
pub fn read(key: &CacheKey, input: &Input<'_>, bytes: &[u8]) -> Option<Loaded> {
    let CacheKey(key) = key;
    let rest = bytes.strip_prefix(MAGIC)?.strip_prefix(key)?;
    let (hash, rest) = rest.split_at_checked(HASH)?;
    if hash != &*Sha256::digest(rest) {
        return None;
    }
    let (As(variables), rest) = take_from_bytes::<As<BTreeSet<String>>>(rest).ok()?;
    let (expected, body) = rest.split_at_checked(HASH)?;
    // A variable that was given and that nothing uses has to be remarked on.
    if *expected != values(input, &variables) || input.vars.keys().any(|name| !variables.contains(name)) {
        return None;
    }
    let (As(settings), As(desired), As(places)) = postcard::from_bytes(body).ok()?;
    let mut sources = Sources::default();
    let mut log = Collector::default();
    for file in input.files {
        read_text(file, &mut sources, &mut log)?;
    }
    let sources = Arc::new(sources);
    Some(Loaded {
        settings,
        desired,
        literal_secrets: Secrets::default(),
        warnings: log.finish(Arc::clone(&sources)),
        positions: Positions::new(places, sources),
        variables,
    })
}

/// Returns the value that this run gives a variable; it goes before what the spec says under `vars`.
fn given<'a>(input: &Input<'a>, name: &str) -> Option<&'a String> {
    input.vars.get(name).or_else(|| input.environment_vars.get(name))
}

/// Returns the hash of the values that this run gives the variables.
fn values(input: &Input<'_>, variables: &BTreeSet<String>) -> [u8; HASH] {
    let mut hash = Sha256::new();
    for name in variables {
        let value = given(input, name);
        hash.update([u8::from(value.is_some())]);
        for text in [Some(name), value].into_iter().flatten() {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text);
        }
    }
    hash.finalize().into()
}
