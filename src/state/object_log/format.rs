//! What stands in the objects: JSON texts, each with its kind, its version and a sum over all of it.
//!
//! A text is recognised by its first bytes and judged by its last ones before anything between them is read, so that one
//! that was cut off or edited is damage and never a shorter state. The sum is no proof of who wrote it: whoever may write
//! to the bucket may write a state.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use super::requests::Object;
use crate::model::address::Address;
use crate::model::clock::Timestamp;
use crate::model::id::{Lineage, Serial};
use crate::model::job::UnseenJob;
use crate::model::journal::Entry;
use crate::model::marker::Token;
use crate::model::prior::{Binding, KnownToken, Prior, Recorded};
use crate::model::stored::form::{stored_enums, stored_structs};
use crate::model::stored::{As, Stored};
use crate::state::contents::{Contents, Write};
use crate::state::lease::Holder;
use crate::state::refused::Refused;
use crate::state::{PastRun, Standing};

/// The version of all objects, raised with every change of what stands in one.
pub(super) const VERSION: i64 = 1;

/// One object of the log.
#[derive(Clone, Debug)]
pub(super) struct Logged {
    /// That of its name.
    pub(super) number: u64,
    /// Makes the bytes of each write its writer's own, so that reading them back tells whose they are.
    pub(super) batch: String,
    /// The number of the entry that took the lock for it.
    pub(super) fence: u64,
    /// The state's, before this entry.
    pub(super) lineage: Lineage,
    /// By the writer's clock, for people; absent where the writer has none.
    pub(super) at: Option<Timestamp>,
    pub(super) change: Change,
}

/// What one object of the log does.
#[derive(Clone, Debug)]
pub(super) enum Change {
    /// The lock is taken: from nobody, or from a holder who gave no sign of life.
    Taken { holder: Holder, lease_ms: u64, takes_over: bool },
    /// Its holder gives it back.
    Released,
    /// Somebody else takes it from its holder.
    Unlocked,
    /// A write; `owner` is to whom the state belongs from here on, at its first.
    Written { owner: Option<Binding>, write: Write },
    /// Everything is replaced.
    Replaced(Box<Whole>),
    /// The standing alone changes.
    Stood { owner: Option<Binding>, standing: Standing },
}

/// Everything that a state holds, as it is written.
#[derive(Clone, Debug)]
pub(super) struct Whole {
    owner: Option<Binding>,
    standing: Standing,
    lineage: Lineage,
    serial: Serial,
    objects: BTreeMap<Address, Recorded>,
    tokens: BTreeMap<Token, KnownToken>,
    /// `None` where there is none.
    unseen: Option<BTreeMap<Address, UnseenJob>>,
    runs: Vec<PastRun>,
    entries: Vec<Entry>,
}

/// Who has the lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Holding {
    /// The number of the entry that took it.
    pub(super) number: u64,
    pub(super) holder: Holder,
    /// How long its holder may be silent, as he says himself.
    pub(super) lease_ms: u64,
    pub(super) since: Timestamp,
}

/// Everything up to one entry of the log.
#[derive(Clone, Debug)]
pub(super) struct Snapshot {
    /// The last entry that it covers, and that of its name.
    pub(super) number: u64,
    pub(super) holding: Option<Holding>,
    pub(super) whole: Whole,
}

/// A sign of life.
#[derive(Clone, Debug)]
pub(super) struct Beat {
    pub(super) number: u64,
    /// Different in each, as a store may show times and tags of a coarse grain.
    pub(super) beat: u64,
    pub(super) at: Timestamp,
    pub(super) holder: Holder,
}

/// Up to where the log may be gone.
#[derive(Clone, Debug)]
pub(super) struct Floor {
    /// The snapshot to begin with.
    pub(super) snapshot: u64,
}

stored_structs! {
    Logged { number, batch, fence, lineage, at, change }
    Whole { owner, standing, lineage, serial, objects, tokens, unseen, runs, entries }
    Holding { number, holder, lease_ms, since }
    Snapshot { number, holding, whole }
    Beat { number, beat, at, holder }
    Floor { snapshot }
}

stored_enums! {
    Change {
        "taken" = Taken { holder, lease_ms, takes_over },
        "released" = Released,
        "unlocked" = Unlocked,
        "written" = Written { owner, write },
        "replaced" = Replaced(whole),
        "stood" = Stood { owner, standing },
    }
}

impl Whole {
    pub(super) fn of(contents: &Contents) -> Self {
        let Contents { owner, standing, lineage, serial, objects, tokens, unseen, runs, entries, .. } =
            contents;
        Self {
            owner: owner.clone(),
            standing: standing.clone(),
            lineage: lineage.clone(),
            serial: *serial,
            objects: objects.clone(),
            tokens: tokens.clone(),
            unseen: Some(unseen.clone()).filter(|unseen| !unseen.is_empty()),
            runs: runs.clone(),
            entries: entries.clone(),
        }
    }

    /// Puts the contents together again.
    pub(super) fn contents(self) -> Result<Contents, Refused> {
        let Self { owner, standing, lineage, serial, objects, tokens, unseen, runs, entries } = self;
        let unseen = unseen.unwrap_or_default();
        let prior = Prior { lineage, serial, objects, tokens, open: Vec::new(), unseen };
        Contents::of_parts((owner, standing), prior, runs, entries)
    }
}

/// Why an object cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unfit {
    /// A newer podform wrote it.
    Newer(i64),
    /// It is nothing of podform's.
    Foreign,
    Damaged(String),
}

/// What stands directly before the sum.
const SUM: &str = ",\"sum\":\"";
/// What stands directly after it.
const END: &str = "\"}\n";
const SUM_LENGTH: usize = 64;

/// Writes an object.
///
/// # Errors
/// It cannot be written as JSON.
pub(super) fn encode<T: Stored>(object: &Object, value: &T) -> Result<Vec<u8>, serde_json::Error> {
    let mut text = beginning(object).into_bytes();
    let opened = text.len();
    serde_json::to_writer(&mut text, &As(value))?;
    // The members stand behind those of every object, in one pair of braces.
    text.remove(opened);
    text.pop();
    let sum = sum(&text);
    text.extend_from_slice(SUM.as_bytes());
    text.extend_from_slice(sum.as_bytes());
    text.extend_from_slice(END.as_bytes());
    Ok(text)
}

/// Reads an object.
pub(super) fn decode<T: Stored>(object: &Object, text: &[u8]) -> Result<T, Unfit> {
    let beginning = beginning(object);
    let Some(rest) = text.strip_prefix(beginning.as_bytes()) else { return Err(misbegun(object, text)) };
    let damaged = || Unfit::Damaged("it is cut off, or was changed after it was written".to_owned());
    let members = rest
        .len()
        .checked_sub(SUM.len() + SUM_LENGTH + END.len())
        .and_then(|length| rest.get(..length))
        .ok_or_else(damaged)?;
    let summed = text.get(..beginning.len() + members.len()).ok_or_else(damaged)?;
    if rest.get(members.len()..) != Some(format!("{SUM}{}{END}", sum(summed)).as_bytes()) {
        return Err(damaged());
    }
    let members = [b"{", members, b"}"].concat();
    let As(value) = serde_json::from_slice(&members).map_err(|error| Unfit::Damaged(error.to_string()))?;
    Ok(value)
}

fn beginning(object: &Object) -> String {
    format!("{{\"podform\":\"{}\",\"version\":{VERSION},", object.kind())
}

/// Says what a text is that does not begin as one of this version.
fn misbegun(object: &Object, text: &[u8]) -> Unfit {
    const OURS: &str = "{\"podform\":\"";
    let Some(rest) = text.strip_prefix(OURS.as_bytes()) else {
        let is_cut = OURS.as_bytes().starts_with(text);
        return if is_cut { Unfit::Damaged("it is cut off".to_owned()) } else { Unfit::Foreign };
    };
    let before_version = format!("{}\",\"version\":", object.kind());
    let digits = rest.strip_prefix(before_version.as_bytes()).unwrap_or_default();
    let digits: String =
        digits.iter().take_while(|byte| byte.is_ascii_digit()).map(|byte| char::from(*byte)).collect();
    match digits.parse() {
        Ok(version) if version > VERSION => Unfit::Newer(version),
        Ok(_) | Err(_) => Unfit::Damaged(format!("it does not begin as a {} does", object.kind())),
    }
}

fn sum(text: &[u8]) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}
