//! What can be told of a pod to those who want to reach it.

use std::fmt;
use std::str::FromStr;

use super::id::PodId;
use super::pod::{Port, Protocol};

/// The end of a pod's name in the account's private network.
const INTERNAL: &str = ".runpod.internal";
/// The end of the names under which RunPod's proxy shows ports.
const PROXY: &str = ".proxy.runpod.net";

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
            Self::Host => networked.then(|| format!("{id}{INTERNAL}")),
            Self::PublicIp | Self::Tcp(_) | Self::Ssh => None,
        }
    }
}

/// Returns where RunPod's proxy shows an HTTP port of a pod.
fn proxied(id: &PodId, port: u32) -> String {
    format!("https://{id}-{port}{PROXY}")
}

/// Returns the ids of the pods whose addresses stand in a text.
pub fn addressed(text: &str) -> impl Iterator<Item = &str> {
    let before = |end: &'static str| text.match_indices(end).map(|(at, _)| &text[..at]);
    let host = |text| {
        let is_of_host = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let rest = str::trim_end_matches(text, is_of_host);
        &text[rest.len()..]
    };
    let proxied = before(PROXY).filter_map(move |text| {
        let (id, port) = host(text).rsplit_once('-')?;
        port.bytes().all(|byte| byte.is_ascii_digit()).then_some(id)
    });
    proxied.chain(before(INTERNAL).map(host)).filter(|id| !id.is_empty())
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
    fn the_ids_in_addresses_are_found() {
        let found = |text| addressed(text).collect::<Vec<_>>().join(" ");
        assert_eq!(found("a=https://abc-8000.proxy.runpod.net/v1,x1.runpod.internal:80"), "abc x1");
        assert_eq!(found("https://proxy.runpod.net https://a.proxy.runpod.net .runpod.internal abc"), "");
        assert_eq!(found("\u{e4}bc-1.proxy.runpod.net"), "bc");
    }

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
