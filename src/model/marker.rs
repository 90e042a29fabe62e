//! Creation tokens and the marker that carries one into a pod.
//!
//! RunPod has neither an idempotency key nor tags, so the only proof that a create happened is something that the
//! create itself carried. Pods carry [`Marker`] in their environment, volumes the first characters of the token in
//! their name. A marker shows where an object came from; it is no proof of ownership, as cloning a pod copies it.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

use super::address::{Address, Key};
use super::id::{Lineage, ProjectName, RunNonce};

/// The environment variable of a pod that holds its [`Marker`].
pub const MARKER_KEY: &str = "PODFORM_MARK";

/// The token of one attempt to create one object: 16 lower-case hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Token(String);

impl Token {
    const LENGTH: usize = 16;

    /// Derives the token of one attempt. Equal inputs give the same token, so that a plan needs no randomness.
    pub fn derive(lineage: &Lineage, nonce: &RunNonce, address: &Address, attempt: u32) -> Self {
        let mut hash = Sha256::new();
        for part in [lineage.as_str(), nonce.as_str(), &address.to_string(), &attempt.to_string()] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        let digits: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Self(digits[..Self::LENGTH].to_owned())
    }

    /// Returns all digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the eight digits that stand in the name of a network volume.
    pub fn short(&self) -> &str {
        &self.0[..8]
    }

    /// Returns the name that a network volume with this token has on RunPod, for good.
    pub fn volume_name(&self, project: &ProjectName, key: &Key) -> String {
        format!("{project}-{key}-{}", self.short())
    }
}

/// Returns the key in the name of a network volume of this project: `<project>-<key>-<token8>`.
pub fn volume_key_in_name(project: &ProjectName, name: &str) -> Option<Key> {
    let (key, token) = name.strip_prefix(project.as_str())?.strip_prefix('-')?.rsplit_once('-')?;
    let is_token = token.len() == 8 && token.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    key.parse().ok().filter(|_| is_token)
}

impl FromStr for Token {
    type Err = NoMarker;

    fn from_str(text: &str) -> Result<Self, NoMarker> {
        let hexadecimal = |c: u8| matches!(c, b'0'..=b'9' | b'a'..=b'f');
        (text.len() == Self::LENGTH && text.bytes().all(hexadecimal))
            .then(|| Self(text.to_owned()))
            .ok_or(NoMarker)
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Says which project, address and attempt a pod was created for: `<project>/<address>/<token>`.
///
/// The address is the one at creation; it is not rewritten when the pod is moved.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Marker {
    /// The project of the spec.
    pub project: ProjectName,
    /// The address at creation.
    pub address: Address,
    /// The attempt.
    pub token: Token,
}

impl fmt::Display for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { project, address, token } = self;
        write!(f, "{project}/{address}/{token}")
    }
}

impl FromStr for Marker {
    type Err = NoMarker;

    fn from_str(text: &str) -> Result<Self, NoMarker> {
        let mut parts = text.split('/');
        let (Some(project), Some(address), Some(token), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(NoMarker);
        };
        let address = address.parse().map_err(|_| NoMarker)?;
        Ok(Self { project: ProjectName::new(project), address, token: token.parse()? })
    }
}

/// The text is no marker or token of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a marker that podform wrote")]
pub struct NoMarker;

#[cfg(test)]
mod tests {
    use super::*;

    fn token(address: &str, attempt: u32) -> Token {
        Token::derive(&Lineage::new("line"), &RunNonce::new("nonce"), &address.parse().unwrap(), attempt)
    }

    #[test]
    fn tokens_differ_by_address_and_attempt_and_repeat() {
        assert_eq!(token("llm", 0), token("llm", 0));
        assert_ne!(token("llm", 0), token("llm", 1));
        assert_ne!(token("llm[1]", 0), token("llm[0]", 0));
    }

    #[test]
    fn a_marker_prints_as_it_is_parsed() {
        let marker = Marker {
            project: ProjectName::new("acme"),
            address: "llm[2]".parse().unwrap(),
            token: token("llm[2]", 0),
        };
        assert_eq!(marker.to_string().parse(), Ok(marker));
    }

    #[test]
    fn foreign_texts_are_no_marker() {
        for text in ["", "a/b", "a/b/c", "a/llm/0123456789abcdeg", "a/llm/0123456789abcdef/x"] {
            assert_eq!(text.parse::<Marker>(), Err(NoMarker), "{text}");
        }
    }
}
