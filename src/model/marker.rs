//! Creation tokens and the marks that carry one into the account.
//!
//! RunPod has neither an idempotency key nor tags, so the only proof that a create happened is something that the
//! create itself carried. Pods carry a [`Marker`] in their environment, network volumes a [`VolumeMark`] as their name,
//! credentials for registries a [`RegistryMark`] as theirs, secrets of the account a [`SecretMark`] as their description.
//! A mark has one reading: its parts are separated by what none of them may hold, and all of them are compared. It
//! shows where an object came from and is no proof of ownership, as cloning a pod copies it; what it proves is decided
//! in [`provenance`](super::provenance).

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

use super::address::{Address, Key};
use super::clock::Timestamp;
use super::id::{Lineage, ProjectName, RunNonce, Serial};

/// The environment variable of a pod that holds its [`Marker`].
pub const MARKER_KEY: &str = "PODFORM_MARK";

/// The longest name of a project.
const PROJECT_LENGTH: usize = 40;

/// The token of one attempt to create one object: 16 lower-case hexadecimal digits.
///
/// Of what was found again by its name there are only the eight that stand in it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Token(String);

impl Token {
    const LENGTH: usize = 16;
    const SHORT: usize = 8;

    /// Derives the token of one attempt. Equal inputs give the same token, so that a plan needs no randomness.
    pub fn derive(lineage: &Lineage, nonce: &RunNonce, address: &Address, attempt: u32) -> Self {
        let mut hash = Sha256::new();
        for part in [lineage.as_str(), nonce.as_str(), &address.to_string(), &attempt.to_string()] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        let start = hash.finalize().into_iter().take(Self::LENGTH / 2);
        // All at once: a plan of many creates has several tokens for each.
        Self(format!("{:016x}", start.fold(0_u64, |number, byte| number << 8 | u64::from(byte))))
    }

    /// Returns all digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the eight digits that stand in a name.
    pub fn short(&self) -> &str {
        &self.0[..Self::SHORT]
    }
}

impl FromStr for Token {
    type Err = NoMarker;

    fn from_str(text: &str) -> Result<Self, NoMarker> {
        let hexadecimal = |c: u8| matches!(c, b'0'..=b'9' | b'a'..=b'f');
        ([Self::LENGTH, Self::SHORT].contains(&text.len()) && text.bytes().all(hexadecimal))
            .then(|| Self(text.to_owned()))
            .ok_or(NoMarker)
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Says what a pod was created for, by which state and when:
/// `<project>/<address>/<token>/<lineage>/<serial>/<created>`, with a final `/p` if it was protected.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Marker {
    /// The project of the spec.
    pub project: ProjectName,
    /// The address when the mark was written: at the create, or with a later update of the environment.
    pub address: Address,
    /// The attempt.
    pub token: Token,
    /// The state that the create was recorded in.
    pub lineage: Lineage,
    /// The version of that state when the mark was written.
    pub serial: Serial,
    /// RunPod's time shortly before the request to create it, in whole seconds; `-` stands for a time that no answer
    /// told.
    pub created: Option<Timestamp>,
    /// Whether it was protected when the mark was written.
    pub protected: bool,
}

impl fmt::Display for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { project, address, token, lineage, serial, created, protected } = self;
        write!(f, "{project}/{address}/{token}/{lineage}/{serial}/")?;
        match created {
            Some(created) => write!(f, "{created:.0}")?,
            None => f.write_str("-")?,
        }
        if *protected { f.write_str("/p") } else { Ok(()) }
    }
}

impl FromStr for Marker {
    type Err = NoMarker;

    fn from_str(text: &str) -> Result<Self, NoMarker> {
        let (parts, protected) = match text.strip_suffix("/p") {
            Some(parts) => (parts, true),
            None => (text, false),
        };
        let parts: Vec<&str> = parts.split('/').collect();
        let [project, address, token, lineage, serial, created] = parts[..] else { return Err(NoMarker) };
        let marker = Self {
            project: read_project(project)?,
            address: address.parse().map_err(|_| NoMarker)?,
            token: token.parse()?,
            lineage: Lineage::new(lineage),
            serial: Serial(serial.parse().map_err(|_| NoMarker)?),
            created: match created {
                "-" => None,
                told => Some(told.parse().map_err(|_| NoMarker)?),
            },
            protected,
        };
        // One reading: what would be written otherwise was not written by podform.
        let is_a_pods = marker.address.is_pod() && marker.token.0.len() == Token::LENGTH;
        (is_a_pods && !lineage.is_empty() && marker.to_string() == text).then_some(marker).ok_or(NoMarker)
    }
}

/// What the name of a network volume says: `<project>.<key>.<token8>`, for good. `.` can stand in none of the parts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct VolumeMark {
    /// The project of the spec.
    pub project: ProjectName,
    /// The key at creation.
    pub key: Key,
    /// The attempt, of which the name has the first eight digits.
    pub token: Token,
}

impl VolumeMark {
    /// Returns the address at creation.
    pub fn address(&self) -> Address {
        Address::Volume(self.key.clone())
    }
}

impl fmt::Display for VolumeMark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { project, key, token } = self;
        write!(f, "{project}.{key}.{}", token.short())
    }
}

impl FromStr for VolumeMark {
    type Err = NoMarker;

    fn from_str(text: &str) -> Result<Self, NoMarker> {
        let (project, key, token) = read_name(text)?;
        Ok(Self { project, key: key.parse().map_err(|_| NoMarker)?, token })
    }
}

/// The name of stored credentials for a registry: `<project>.<key>.<token8>`. They have no other name ever after.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RegistryMark {
    /// The project of the spec.
    pub project: ProjectName,
    /// The key at creation.
    pub key: Key,
    /// The attempt, of which the name has the first eight digits.
    pub token: Token,
}

impl RegistryMark {
    /// Returns the address at creation.
    pub fn address(&self) -> Address {
        Address::Registry(self.key.clone())
    }
}

impl fmt::Display for RegistryMark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { project, key, token } = self;
        write!(f, "{project}.{key}.{}", token.short())
    }
}

impl FromStr for RegistryMark {
    type Err = NoMarker;

    fn from_str(text: &str) -> Result<Self, NoMarker> {
        let (project, key, token) = read_name(text)?;
        Ok(Self { project, key: Key::of_name(key).map_err(|_| NoMarker)?, token })
    }
}

/// Reads a name that is a mark: a `.` can stand in none of its parts.
fn read_name(text: &str) -> Result<(ProjectName, &str, Token), NoMarker> {
    let parts: Vec<&str> = text.split('.').collect();
    let [project, key, token] = parts[..] else { return Err(NoMarker) };
    let token = token.parse().ok().filter(|_| token.len() == Token::SHORT).ok_or(NoMarker)?;
    Ok((read_project(project)?, key, token))
}

/// What the description of a secret of the account says: `podform <project>/secret.<key>/<token>`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SecretMark {
    /// The project of the spec.
    pub project: ProjectName,
    /// The key at creation.
    pub key: Key,
    /// The attempt.
    pub token: Token,
}

impl SecretMark {
    /// Returns the address at creation.
    pub fn address(&self) -> Address {
        Address::Secret(self.key.clone())
    }
}

impl fmt::Display for SecretMark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { project, key, token } = self;
        write!(f, "podform {project}/secret.{key}/{token}")
    }
}

impl FromStr for SecretMark {
    type Err = NoMarker;

    fn from_str(text: &str) -> Result<Self, NoMarker> {
        let parts: Vec<&str> = text.strip_prefix("podform ").ok_or(NoMarker)?.split('/').collect();
        let [project, address, token] = parts[..] else { return Err(NoMarker) };
        let key = address.strip_prefix("secret.").ok_or(NoMarker)?;
        let token: Token = token.parse()?;
        if token.0.len() != Token::LENGTH {
            return Err(NoMarker);
        }
        let key = Key::of_name(key).map_err(|_| NoMarker)?;
        Ok(Self { project: read_project(project)?, key, token })
    }
}

fn read_project(text: &str) -> Result<ProjectName, NoMarker> {
    let is_legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let is_name = (1..=PROJECT_LENGTH).contains(&text.len()) && text.bytes().all(is_legal);
    if is_name { Ok(ProjectName::new(text)) } else { Err(NoMarker) }
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

    const WHOLE: &str = "acme/llm[2]/0123456789abcdef/line/17/2026-11-02T09:00:01Z";

    #[test]
    fn a_mark_prints_as_it_is_parsed() {
        let protected = format!("{WHOLE}/p");
        let untold = "acme/llm/0123456789abcdef/line/17/-";
        for text in [WHOLE, &protected, untold, "acme/llm/0123456789abcdef/line/0/-/p"] {
            assert_eq!(text.parse::<Marker>().map(|mark| mark.to_string()), Ok(text.to_owned()));
        }
        for text in ["podform acme/secret.HF_token/0123456789abcdef", "podform a/secret.-/0123456789abcdef"] {
            assert_eq!(text.parse::<SecretMark>().map(|mark| mark.to_string()), Ok(text.to_owned()));
        }
        for text in ["acme.prod-models.0123abcd", "acme-prod.models.0123abcd", "4.a.01234567"] {
            assert_eq!(text.parse::<VolumeMark>().map(|mark| mark.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn foreign_texts_are_no_mark() {
        let edits = [
            ("acme", ""),
            ("acme", "Acme"),
            ("acme", "acme.x"),
            ("llm[2]", "volume.llm"),
            ("llm[2]", "llm[02]"),
            ("0123456789abcdef", "0123456789abcdeg"),
            ("0123456789abcdef", "01234567"),
            ("line", ""),
            ("/17/", "/017/"),
            ("/17/", "/-1/"),
            ("/17/", "/"),
            ("2026-11-02T09:00:01Z", "2026-11-02"),
            ("2026-11-02T09:00:01Z", "2026-11-02T09:00:01.5Z"),
            ("2026-11-02T09:00:01Z", "2026-11-02T09:00:01+00:00"),
            ("2026-11-02T09:00:01Z", "2026-11-02T09:00:01Z/p/p"),
            ("2026-11-02T09:00:01Z", "2026-11-02T09:00:01Z/x"),
        ];
        for (part, edited) in edits {
            let text = WHOLE.replace(part, edited);
            assert_eq!(text.parse::<Marker>(), Err(NoMarker), "{text}");
        }
        for text in [
            "",
            "acme/secret.hf/0123456789abcdef",
            "podform acme/hf/0123456789abcdef",
            "podform acme/volume.hf/0123456789abcdef",
            "podform acme/secret.hf/01234567",
            "podform acme/secret.h f/0123456789abcdef",
            "podform Acme/secret.hf/0123456789abcdef",
            "podform acme/secret.hf/0123456789abcdef/p",
            "podform  acme/secret.hf/0123456789abcdef",
            "podform acme/secret.hf/0123456789abcdef ",
        ] {
            assert_eq!(text.parse::<SecretMark>(), Err(NoMarker), "{text}");
        }
        for text in [
            "",
            "acme-models-0123abcd",
            "acme.models",
            "acme.models.0123abcd.x",
            ".models.0123abcd",
            "acme.Models.0123abcd",
            "acme.models.0123abcdef012345",
            "acme.models.0123ABCD",
            "a b.models.0123abcd",
        ] {
            assert_eq!(text.parse::<VolumeMark>(), Err(NoMarker), "{text}");
        }
    }

    #[test]
    fn projects_and_keys_that_share_a_prefix_never_read_alike() {
        let mark = |project: &str, key: &str| {
            let token = "0123456789abcdef".parse().unwrap();
            VolumeMark { project: ProjectName::new(project), key: key.parse().unwrap(), token }.to_string()
        };
        let read = |text: &str| text.parse::<VolumeMark>().map(|mark| (mark.project, mark.key.to_string()));
        let (left, right) = (mark("acme", "prod-models"), mark("acme-prod", "models"));
        assert_eq!(read(&left), Ok((ProjectName::new("acme"), "prod-models".to_owned())));
        assert_eq!(read(&right), Ok((ProjectName::new("acme-prod"), "models".to_owned())));
    }
}
