//! The sum over a plan file: its last value, over every byte before it.
//!
//! Over bytes and not over values, so that no two readings of one file can differ in anything that the sum is about.

use std::cell::RefCell;
use std::io::{self, Write};

use serde::{Serialize, Serializer};
use sha2::{Digest, Sha256};

use super::PlanFileError;
use crate::model::text::values;

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

/// Writes on, and fails once it is more than would be read again.
pub(super) struct Readable<W> {
    pub(super) writer: W,
    pub(super) left: usize,
    pub(super) values_left: usize,
}

impl<W: Write> Write for Readable<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.writer.write(bytes)?;
        let values = values(&bytes[..written]);
        match (self.left.checked_sub(written), self.values_left.checked_sub(values)) {
            (Some(left), Some(values_left)) => {
                (self.left, self.values_left) = (left, values_left);
                Ok(written)
            }
            (None, _) | (_, None) => {
                Err(io::Error::other("it is too large to be read again; `--target` plans a part of it"))
            }
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_written_that_would_not_be_read_again() {
        let write = |left, values_left| {
            let mut written = Vec::new();
            let mut writer = Readable { writer: &mut written, left, values_left };
            let result = writer.write_all(b"[1,2,").and_then(|()| writer.write_all(b"3]"));
            result.map_err(|error| error.to_string())
        };
        let too_large = || Err("it is too large to be read again; `--target` plans a part of it".to_owned());
        assert_eq!(write(7, 3), Ok(()));
        assert_eq!(write(6, 3), too_large());
        assert_eq!(write(7, 2), too_large());
    }
}
