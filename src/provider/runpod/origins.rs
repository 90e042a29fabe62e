//! Where RunPod's APIs are, and which places may be given the key.

use reqwest::Url;

use crate::model::location::is_loopback;
use crate::model::prior::Api;

/// Where the three APIs are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origins {
    v2: Url,
    v1: Url,
    graphql: Url,
}

impl Origins {
    /// Returns RunPod's public hosts.
    pub fn public() -> Self {
        let url = |text| Url::parse(text).expect("a literal URL");
        Self {
            v2: url("https://api.runpod.io/v2"),
            v1: url("https://rest.runpod.io/v1"),
            graphql: url("https://api.runpod.io/graphql"),
        }
    }

    /// Returns all three APIs under one origin, such as `http://127.0.0.1:8080`.
    ///
    /// # Errors
    /// It is no origin, or one to which a key must not be sent.
    pub fn at(base: &str) -> Result<Self, SetupError> {
        let url = Url::parse(base).map_err(|_| SetupError::NoUrl)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(SetupError::Credentials);
        }
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err(SetupError::NotAnOrigin(url.origin().ascii_serialization()));
        }
        match url.scheme() {
            "https" => {}
            "http" if is_here(&url) => {}
            _ => return Err(SetupError::Unprotected(url.origin().ascii_serialization())),
        }
        let below = |path| url.join(path).map_err(|_| SetupError::NoUrl);
        Ok(Self { v2: below("/v2")?, v1: below("/v1")?, graphql: below("/graphql")? })
    }

    /// Returns the origin that a state file records, such as `https://api.runpod.io`.
    ///
    /// It is that of REST v2 whichever API is spoken: all three show the same account, so that a project can go from
    /// one to another with its state.
    pub fn origin(&self) -> String {
        self.v2.origin().ascii_serialization()
    }

    /// Tells whether one of them is this machine.
    pub(super) fn is_local(&self) -> bool {
        self.all().into_iter().any(is_here)
    }

    /// Returns the origin where all of them are, if that is this machine.
    pub(super) fn here(&self) -> Option<String> {
        self.all().into_iter().all(is_here).then(|| self.origin())
    }

    /// Tells whether none is spoken to over TLS.
    pub(super) fn is_plain(&self) -> bool {
        self.all().into_iter().all(|url| url.scheme() == "http")
    }

    fn all(&self) -> [&Url; 3] {
        [&self.v2, &self.v1, &self.graphql]
    }

    pub(super) fn of(&self, api: Api) -> &Url {
        match api {
            Api::V2 => &self.v2,
            Api::V1 => &self.v1,
            Api::Graphql => &self.graphql,
        }
    }
}

/// Tells whether the host is this machine.
fn is_here(url: &Url) -> bool {
    url.host_str().is_some_and(is_loopback)
}

/// Why no client can be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SetupError {
    /// The text is no URL. It is not repeated, since it may hold a password.
    #[error("the base URL of the API is not a URL")]
    NoUrl,
    /// The URL holds a user or a password.
    #[error("the base URL of the API holds a user name or password")]
    Credentials,
    /// The URL has a path, a query or a fragment.
    #[error("the base URL of the API has more than an origin: `{0}` is enough")]
    NotAnOrigin(String),
    /// The key would travel unprotected.
    #[error("the base URL of the API is neither https nor on this machine: `{0}`")]
    Unprotected(String),
    /// The key has characters that no header can carry, such as a line break.
    #[error("the API key has characters that no API key has")]
    Key,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_and_this_machine_are_given_the_key() {
        let origin = |base: &str| Origins::at(base).map(|origins| origins.origin());
        let refused = |text: &str| Err(SetupError::Unprotected(text.to_owned()));
        assert_eq!(Origins::public().origin(), "https://api.runpod.io");
        assert_eq!(origin("http://127.0.0.1:8080"), Ok("http://127.0.0.1:8080".to_owned()));
        assert_eq!(origin("http://127.9.9.9/"), Ok("http://127.9.9.9".to_owned()));
        assert_eq!(origin("http://[::1]:80"), Ok("http://[::1]".to_owned()));
        assert_eq!(origin("http://localhost:3000"), Ok("http://localhost:3000".to_owned()));
        assert_eq!(origin("https://mock.example"), Ok("https://mock.example".to_owned()));
        assert_eq!(origin("http://mock.example"), refused("http://mock.example"));
        assert_eq!(origin("http://127.0.0.1.mock.example"), refused("http://127.0.0.1.mock.example"));
        assert_eq!(origin("ftp://127.0.0.1"), refused("ftp://127.0.0.1"));
        assert_eq!(origin("https://a:b@mock.example"), Err(SetupError::Credentials));
        let with_path = Err(SetupError::NotAnOrigin("https://api.runpod.io".to_owned()));
        assert_eq!(origin("https://api.runpod.io/v2"), with_path);
        assert_eq!(origin("nonsense"), Err(SetupError::NoUrl));
    }
}
