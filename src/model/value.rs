//! Typed values of fields, as plans keep them: policies compute with them, and text is made of them in `render` only.

use super::address::Address;
use super::desired::Lifecycle;
use super::id::VolumeId;
use super::pod::Storage;
use super::size::Gigabytes;

/// The value of a field as it may be shown. Secrets never come here by value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// There is none.
    Absent,
    /// Text that somebody typed; can have several lines.
    Text(String),
    /// A word or a phrase of podform's or RunPod's own, such as `secure` or `any of L40S, A40`.
    Word(String),
    /// The words of a command line.
    Command(Vec<String>),
    /// Several, in their order.
    List(Vec<String>),
    /// A number of things.
    Number(u32),
    Size(Gigabytes),
    /// On or off.
    Switch(bool),
    /// What is to be mounted, or a disk on the host that is.
    Mount(Storage<Address>),
    /// A network volume that is mounted.
    Mounted {
        volume: VolumeId,
        path: String,
    },
    /// What podform may do to an object.
    Lifecycle(Lifecycle),
    Secret,
    /// A live value that is neither the wanted nor the recorded one and could be anybody's secret.
    OtherValue,
    /// Only the provider's answer tells.
    KnownAfterApply,
    /// Text that refers to pods whose ids are not known yet, as a spec has it.
    Referring(String),
}

impl Value {
    /// Returns the value of what prints as a word of podform's or RunPod's own.
    pub fn word(value: impl ToString) -> Self {
        Self::Word(value.to_string())
    }

    /// Returns a list, or nothing for an empty one.
    pub fn list<T: ToString>(items: impl IntoIterator<Item = T>) -> Self {
        let items: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
        if items.is_empty() { Self::Absent } else { Self::List(items) }
    }
}

impl From<&Storage<Address>> for Value {
    fn from(storage: &Storage<Address>) -> Self {
        if *storage == Storage::None { Self::Absent } else { Self::Mount(storage.clone()) }
    }
}

impl From<&Storage<VolumeId>> for Value {
    fn from(storage: &Storage<VolumeId>) -> Self {
        match storage {
            Storage::None => Self::Absent,
            Storage::Local { size, path } => Self::Mount(Storage::Local { size: *size, path: path.clone() }),
            Storage::Network { volume, path } => Self::Mounted { volume: volume.clone(), path: path.clone() },
        }
    }
}
