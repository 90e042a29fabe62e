//! The sum over a plan file: its last value, over every byte before it.
//!
//! Over bytes and not over values, so that no two readings of one file can differ in anything that the sum is about.

use std::cell::RefCell;
use std::io::{self, Write};

use serde::{Serialize, Serializer};
use sha2::{Digest, Sha256};

use super::PlanFileError;

/// What stands directly before the sum.
const KEY: &str = "\n  \"content\": ";
/// What stands directly after it.
const END: &str = "\n}\n";

/// Writes on, and sums what passes.
pub(super) struct Summed<'a, W> {
    pub(super) writer: W,
    pub(super) sum: &'a RefCell<Sha256>,
}

impl<W: Write> Write for Summed<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.writer.write(bytes)?;
        self.sum.borrow_mut().update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// The sum over what was written until this is.
pub(super) struct Content<'a>(pub(super) &'a RefCell<Sha256>);

impl Serialize for Content<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let sum = self.0.borrow().clone();
        serializer.serialize_str(&hexadecimal(sum))
    }
}

/// Makes sure that a text ends with the sum over what stands before it.
pub(super) fn check(text: &str) -> Result<(), PlanFileError> {
    let end = text.rfind(KEY).ok_or(PlanFileError::NoContent)? + KEY.len();
    let (before, after) = text.split_at(end);
    let sum = after.strip_suffix(END).ok_or(PlanFileError::NoContent)?;
    if sum == format!("\"{}\"", hexadecimal(Sha256::new_with_prefix(before))) {
        Ok(())
    } else {
        Err(PlanFileError::OtherContent)
    }
}

fn hexadecimal(sum: Sha256) -> String {
    sum.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
