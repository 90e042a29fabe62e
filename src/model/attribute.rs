//! What can be told of a pod to those who want to reach it.

use std::fmt;
use std::str::FromStr;

use super::id::PodId;
use super::pod::{Port, Protocol};

/// Something of a pod that others use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Attribute {
    /// What RunPod calls it.
    Id,
    /// Where RunPod's proxy shows its first HTTP port.
    Url,
    /// Where RunPod's proxy shows an HTTP port.
    UrlOf(u32),
    /// Its name in the account's private network.
    Host,
    /// Its public address. It changes at each start, as all below do.
    PublicIp,
    /// Where a TCP port is reached from outside: address and port.
    Tcp(u32),
    /// The command that opens a shell.
    Ssh,
}

impl Attribute {
    /// Tells whether it stays as it is for as long as the pod is not replaced.
    pub fn is_lasting(self) -> bool {
        match self {
            Self::Id | Self::Url | Self::UrlOf(_) | Self::Host => true,
            Self::PublicIp | Self::Tcp(_) | Self::Ssh => false,
        }
    }

    /// Returns what follows from the id and the settings of a pod; nothing of what does not last does.
    pub fn lasting(
        self,
        id: &PodId,
        mut ports: impl Iterator<Item = Port>,
        networked: bool,
    ) -> Option<String> {
        let is_http = |port: &Port| port.protocol == Protocol::Http;
        match self {
            Self::Id => Some(id.to_string()),
            Self::Url => ports.find(is_http).map(|port| proxied(id, port.number)),
            Self::UrlOf(number) => {
                ports.any(|port| is_http(&port) && port.number == number).then(|| proxied(id, number))
            }
            // The private network's names are the ids, as the pod's own `RUNPOD_POD_ID`.
            Self::Host => networked.then(|| format!("{id}.runpod.internal")),
            Self::PublicIp | Self::Tcp(_) | Self::Ssh => None,
        }
    }
}

/// Returns where RunPod's proxy shows an HTTP port of a pod.
fn proxied(id: &PodId, port: u32) -> String {
    format!("https://{id}-{port}.proxy.runpod.net")
}

impl fmt::Display for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id => f.write_str("id"),
            Self::Url => f.write_str("url"),
            Self::UrlOf(port) => write!(f, "url.{port}"),
            Self::Host => f.write_str("host"),
            Self::PublicIp => f.write_str("public_ip"),
            Self::Tcp(port) => write!(f, "tcp.{port}"),
            Self::Ssh => f.write_str("ssh"),
        }
    }
}

impl FromStr for Attribute {
    type Err = NoAttribute;

    fn from_str(text: &str) -> Result<Self, NoAttribute> {
        let number = |port: &str| {
            let canonical = !port.starts_with(['0', '+']);
            port.parse().ok().filter(|port| canonical && (1..=Port::MOST).contains(port))
        };
        match text.split_once('.') {
            None => [Self::Id, Self::Url, Self::Host, Self::PublicIp, Self::Ssh]
                .into_iter()
                .find(|attribute| attribute.to_string() == text),
            Some(("url", port)) => number(port).map(Self::UrlOf),
            Some(("tcp", port)) => number(port).map(Self::Tcp),
            Some(_) => None,
        }
        .ok_or(NoAttribute)
    }
}

/// A text that names no attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a pod has `id`, `url`, `url.PORT`, `host`, `public_ip`, `tcp.PORT` and `ssh`")]
pub struct NoAttribute;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_read_as_they_are_written() {
        for text in ["id", "url", "url.8080", "host", "public_ip", "tcp.22", "ssh"] {
            let attribute: Attribute = text.parse().unwrap();
            assert_eq!(attribute.to_string(), text);
        }
        for text in [
            "",
            "ID",
            "url.",
            "url.0",
            "url.08080",
            "url.100000",
            "url.x",
            "tcp",
            "tcp.+22",
            "id.1",
            "port.22",
        ] {
            assert_eq!(text.parse::<Attribute>(), Err(NoAttribute), "{text}");
        }
    }
}
