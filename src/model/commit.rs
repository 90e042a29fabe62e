//! The name of a commit: what continuous integration says that it runs for.

use std::fmt;
use std::str::FromStr;

/// A commit by its full id. It is given to a program as an argument, so it is nothing but hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitId(String);

/// Something that is no full id of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a commit is named by all its 40 or 64 hexadecimal digits")]
pub struct NoCommit;

impl CommitId {
    /// Returns all digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns enough of it to be recognised.
    pub fn short(&self) -> &str {
        &self.0[..12]
    }
}

impl FromStr for CommitId {
    type Err = NoCommit;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let is_id = matches!(text.len(), 40 | 64) && text.bytes().all(is_digit);
        if is_id { Ok(Self(text.to_owned())) } else { Err(NoCommit) }
    }
}

impl fmt::Display for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_full_id_names_a_commit() {
        let digits = "0123456789abcdef".repeat(4);
        for length in [40, 64] {
            let id: CommitId = digits[..length].parse().unwrap();
            assert_eq!((id.to_string(), id.short()), (digits[..length].to_owned(), "0123456789ab"));
        }
        let upper = digits[..40].to_uppercase();
        let option = format!("--upload-pack={}", &digits[..26]);
        for wrong in ["", "main", &digits[..39], &digits[..41], &upper, &option] {
            assert_eq!(wrong.parse::<CommitId>(), Err(NoCommit), "{wrong}");
        }
    }
}
