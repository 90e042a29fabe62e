//! Sizes in gigabytes, the only unit that the API takes.

use std::fmt;

/// A size in whole gigabytes, as the API counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Gigabytes(pub u32);

impl fmt::Display for Gigabytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} GB", self.0)
    }
}
