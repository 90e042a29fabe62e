//! The account that a spec is about: RunPod's, or one in a simulated world.

use super::clock::{AccountClock, HostClock};
use super::commands::simulator::{self, Served};
use super::env::Environment;
use super::failure::Failure;
use super::names::Names;
use crate::model::clock::Clock;
use crate::model::prior::{Binding, ProviderKind};
use crate::model::secret::{Secret, Secrets};
use crate::provider::Observe;
use crate::provider::logs::ReadLogs;
use crate::provider::probe::Probe;
use crate::provider::reach::AskPods;
use crate::provider::runpod::{Origins, Runpod};
use crate::provider::speed::Speed;
use crate::spec::Settings;

/// An account, ready to be asked.
pub struct Account {
    client: Runpod,
    pub clock: AccountClock,
    pub names: Names,
    /// What a state must belong to.
    pub binding: Binding,
}

impl Account {
    /// Returns what looks at the account. Its type has no way to change anything.
    pub fn reader(&self) -> &impl Observe {
        &self.client
    }

    /// Returns what reads logs. Its type has no way to change anything either.
    pub fn log_reader(&self) -> &impl ReadLogs {
        &self.client
    }

    /// Returns what examines the way to the account.
    pub fn probe(&self) -> &impl Probe {
        &self.client
    }

    /// Returns what asks pods whether they are ready.
    pub fn pods(&self) -> &dyn AskPods {
        &self.client
    }

    /// Returns how fast the account's time goes beside that of this computer, as far as answers have told it.
    pub fn speed(&self) -> Speed {
        match self.clock {
            AccountClock::System => self.client.speed(),
            // Its time is read where it is kept.
            AccountClock::World { .. } => Speed::REAL,
        }
    }

    /// Returns what changes the account. Only `apply` and `destroy` may ask for it, once they hold the lock.
    pub fn writer(&self) -> &Runpod {
        &self.client
    }

    /// Makes known which values no text of the account may show, and which the spec shows anyway.
    pub fn hide(&self, secrets: &Secrets, open: impl IntoIterator<Item = String>) {
        self.client.hide(secrets.values(), open);
    }

    /// Prepares the account of a spec; nothing is asked of RunPod yet.
    pub async fn open(settings: &Settings, env: &Environment) -> Result<Self, Failure> {
        match settings.kind {
            ProviderKind::Runpod => Self::at_runpod(settings, env),
            ProviderKind::Simulator => Self::in_simulator(settings).await,
        }
    }

    fn at_runpod(settings: &Settings, env: &Environment) -> Result<Self, Failure> {
        let origins = env.api_base_url().map_or_else(|| Ok(Origins::public()), Origins::at)?;
        let key = env.api_key().ok_or(Failure::NoKey)?;
        let binding = Binding {
            project: settings.project.clone(),
            kind: ProviderKind::Runpod,
            origin: origins.origin(),
        };
        let client = Runpod::over_http(settings.api, origins, key, || HostClock.now())?;
        Ok(Self { client, clock: AccountClock::System, names: Names::Random, binding })
    }

    /// A simulated account is reached as the real one is, over HTTP with the ordinary client, so that a trial takes
    /// the path of production.
    async fn in_simulator(settings: &Settings) -> Result<Self, Failure> {
        let Served { url, clock, began } = simulator::serve_or_find().await?;
        // Any key will do: the world has one account.
        let key = Secret::new("simulated".to_owned());
        let client = Runpod::over_http(settings.api, Origins::at(&url)?, &key, || HostClock.now())?;
        let project = settings.project.clone();
        let names = Names::Derived { project: project.clone(), began };
        let origin = simulator::STORE.to_owned();
        Ok(Self { client, clock, names, binding: Binding { project, kind: ProviderKind::Simulator, origin } })
    }
}
