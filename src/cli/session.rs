//! What a plan is made from, gathered once: the spec, the secrets, the state file and the account.

use std::collections::{BTreeMap, BTreeSet};
use std::mem::ManuallyDrop;

use super::account::Account;
use super::clock::HostClock;
use super::failure::Failure;
use super::inside;
use super::names::run_id;
use super::naming;
use super::place::StateAt;
use super::progress::Progress;
use super::readiness;
use super::secrets;
use super::shell::Shell;
use crate::apply::{self, Limited};
use crate::model::address::Address;
use crate::model::catalog::{Catalog, StockQuery};
use crate::model::clock::{Clock, Moment, SignedDuration, Timestamp};
use crate::model::desired::{Desired, Wanted};
use crate::model::id::{Lineage, PodId, RemoteId, RunNonce, TemplateId};
use crate::model::live::Live;
use crate::model::location::{Bucket, Location, Storage};
use crate::model::plan::{ApprovedPlan, Endpoint, InProgress, Plan, Planned, Subject};
use crate::model::pod::EnvValue;
use crate::model::prior::{Prior, ProviderKind};
use crate::model::ready::Readiness;
use crate::model::secret::Secrets;
use crate::plan::{self, Flag, Inputs, Options, Refusal};
use crate::provider::observe::{self, observe};
use crate::provider::probe::Probe;
use crate::provider::{Observe, ServerTime};
use crate::render::words;
use crate::spec::Loaded;
use crate::state::lease::{Holder, Lease};
use crate::state::place::Place;
use crate::state::{Approved, Run, Store};

/// A spec and everything around it.
pub struct Session<'a> {
    pub shell: &'a Shell,
    /// Never freed: the process ends with the session, and taking a large spec apart would only make it wait.
    pub loaded: ManuallyDrop<Loaded>,
    pub secrets: Secrets,
    /// The declared secrets without a value, each with what is missing.
    pub missing: BTreeMap<String, String>,
    pub account: Account,
    pub state: StateAt,
    /// Where that is.
    pub location: Location,
}

impl<'a> Session<'a> {
    pub async fn of_spec(shell: &'a Shell) -> Result<Self, Failure> {
        Self::open(shell, shell.load_spec()?, None).await
    }

    /// Gathers everything; `lineage` is that of a saved plan, as a state that does not exist yet must get it.
    pub async fn open(shell: &'a Shell, loaded: Loaded, lineage: Option<Lineage>) -> Result<Self, Failure> {
        let read = secrets::read(&loaded.desired.secrets, &shell.env, ".".as_ref())?;
        let account = Account::open(&loaded.settings, &shell.env).await?;
        let mut values = read.values;
        values.extend(loaded.literal_secrets.clone());
        account.hide(&values, plain_values(&loaded.desired));
        let proposed = lineage.unwrap_or_else(|| account.names.lineage());
        let location = shell.state_location(&loaded)?;
        shell.output.detail(&format!("account at `{}`, state in `{location}`", account.binding.origin));
        let state = StateAt::open(&location, account.binding.clone(), proposed, &shell.env)?;
        let loaded = ManuallyDrop::new(loaded);
        Ok(Self { shell, loaded, secrets: values, missing: read.missing, account, state, location })
    }

    /// Reads the templates that pods of the spec take values from, which every plan needs that makes or changes pods. One
    /// that cannot be read holds its pods and nothing else.
    pub async fn read_templates(&mut self) {
        let named: Vec<TemplateId> = self.loaded.templates().into_iter().cloned().collect();
        if named.is_empty() {
            return;
        }
        let progress = Progress::new(&self.shell.output, self.shell.watches_progress());
        let port = Limited::new(self.account.reader(), &progress, self.account.names.seed());
        let mut found = BTreeMap::new();
        for id in named {
            let read = match port.template(&id).await {
                Ok(Some(template)) => Ok(template),
                Ok(None) => Err(
                    "the account can see no such template; name another, or write its values into the pod"
                        .to_owned(),
                ),
                Err(error) => Err(format!("{error}; the next plan looks again")),
            };
            found.insert(id, read);
        }
        self.loaded.fill(&found);
        self.secrets.extend(self.loaded.literal_secrets.clone());
        self.account.hide(&self.secrets, plain_values(&self.loaded.desired));
    }

    /// Looks at the account and, where the spec or the state names one, at its secrets and registries.
    pub async fn look(&self, port: &impl Observe, prior: &Prior) -> Result<Live, Failure> {
        let mut live = observe(port, &prior.to_look_for(), self.account.clock.now()).await?;
        if plan::needs_ssh_keys(&self.loaded.desired, prior) {
            // A key that may not read them makes plans all the same.
            live.ssh_keys = self.account.probe().ssh_keys().await.unwrap_or_default();
        }
        if plan::names_secrets(&self.loaded.desired, prior) {
            live.secrets = observe::secrets(port).await;
        }
        if let Some(sought) = plan::sought_registries(&self.loaded.desired, prior) {
            live.registries = observe::registries(port, &sought).await;
        }
        let asked = plan::asked_of_logs(&self.loaded.desired, prior, &live);
        if !asked.is_empty() {
            let apply::Settings { log_silence, request_timeout, .. } = self.pace();
            observe::jobs(port, &mut live, asked, log_silence, request_timeout).await;
        }
        Ok(live)
    }

    /// Says what is listed and cannot be read, where no plan says it.
    pub fn tell_left_out(&self, prior: &Prior, live: &Live) {
        for finding in plan::left_out_of_listings(prior, live) {
            self.shell.output.note(&format!("warning: {}", finding.message));
        }
    }

    pub fn moment(&self) -> Moment {
        let there = self.account.reader().server_time().map(ServerTime::now);
        Moment { here: self.account.clock.now(), there }
    }

    pub async fn plan(
        &self,
        port: &impl Observe,
        prior: &Prior,
        options: &Options,
        nonce: Option<RunNonce>,
    ) -> Result<Planned, Failure> {
        let live = self.look(port, prior).await?;
        self.plan_of(port, (prior, &live), options, nonce).await
    }

    /// Reads the state and looks at the account, so that the state is not older than the look: another run may be
    /// creating what the look shows. A state that does not come to rest is taken as it is at last.
    pub async fn look_around(&self, port: &impl Observe) -> Result<(Prior, Live), Failure> {
        const LOOKS: u32 = 3;
        let mut prior = self.state.load().await?;
        for _ in 1..LOOKS {
            let live = self.look(port, &prior).await?;
            if self.state.serial().await? == prior.serial {
                return Ok((prior, live));
            }
            prior = self.state.load().await?;
        }
        let live = self.look(port, &prior).await?;
        Ok((self.state.load().await?, live))
    }

    pub(super) async fn plan_of(
        &self,
        port: &impl Observe,
        (prior, live): (&Prior, &Live),
        options: &Options,
        nonce: Option<RunNonce>,
    ) -> Result<Planned, Failure> {
        let catalog = self.known_catalog(port, &plan::stock_questions(&self.loaded.desired)).await;
        let nonce = nonce.unwrap_or_else(|| self.account.names.nonce(prior.serial));
        let endpoint = Endpoint::from(&self.account.binding);
        let in_progress = self.in_progress(prior).await?;
        let inputs = Inputs {
            desired: &self.loaded.desired,
            prior,
            live,
            catalog: &catalog,
            secrets: &self.secrets,
            endpoint: &endpoint,
            api: self.loaded.settings.api,
            nonce: &nonce,
            settling: self.settling(),
            options,
            in_progress: in_progress.as_ref(),
        };
        refused(&self.loaded, plan::refusals(&inputs))?;
        let planned = plan::plan(&inputs);
        // Only who is in waves is asked, so that a plan which takes nothing down waits for no pod.
        let unready = self.unready(&inputs, planned.plan()).await;
        let planned = if unready.is_empty() {
            planned
        } else {
            let asked = Live { unready, ..live.clone() };
            plan::plan(&Inputs { live: &asked, ..inputs })
        };
        debug_assert!(
            plan::check_bounds(&inputs, planned.plan()).is_empty(),
            "the planner made an inconsistent plan: {:?}",
            plan::check_bounds(&inputs, planned.plan())
        );
        Ok(planned)
    }

    /// Returns the pods that run and are not ready, among those whose replicas go in waves.
    async fn unready(&self, inputs: &Inputs<'_>, plan: &Plan) -> BTreeSet<PodId> {
        let Inputs { prior, live, .. } = *inputs;
        if plan.waves.is_empty() {
            return BTreeSet::new();
        }
        let in_waves = |address: &Address| address.is_pod() && plan.waves.contains_key(address.key());
        let answers = readiness::ask(self, prior, live, &plan::moves(inputs), in_waves).await;
        // Who could not be asked counts as serving: it would go down beside another one otherwise.
        let unready = answers.into_iter().filter(|(_, answer)| matches!(answer, Readiness::NotReady(_)));
        let recorded = unready.filter_map(|(address, _)| prior.objects.get(&address));
        recorded
            .filter_map(|recorded| match &recorded.id {
                RemoteId::Pod(id) => Some(id.clone()),
                RemoteId::Volume(_) | RemoteId::Secret(_) | RemoteId::Registry(_) => None,
            })
            .collect()
    }

    /// Plans from the recorded state without writing anything, obeying the API's quota.
    pub async fn plan_only(&self, options: &Options) -> Result<Planned, Failure> {
        let progress = Progress::new(&self.shell.output, self.shell.watches_progress());
        let port = Limited::new(self.account.reader(), &progress, self.account.names.seed());
        // Never freed: the process ends soon after its one plan.
        let (prior, live) = &*ManuallyDrop::new(self.look_around(&port).await?);
        self.plan_of(&port, (prior, live), options, None).await
    }

    /// Returns the run of somebody else that goes on, with what the state says that it has begun and not ended.
    pub async fn in_progress(&self, prior: &Prior) -> Result<Option<InProgress>, Failure> {
        let me = self.shell.env.holder("");
        let Some(lease) = self.state.who_writes(&me.host, self.best_time()).await? else { return Ok(None) };
        let Lease { holder: Holder { user, host, pid, command, .. }, since, expires_at: _, fence: _ } = lease;
        if (pid, &host) == (me.pid, &me.host) {
            return Ok(None);
        }
        Ok(Some(InProgress {
            who: format!("{user} on {host}, process {pid}"),
            command,
            since,
            addresses: prior.open.iter().map(|intent| intent.action.address.clone()).collect(),
        }))
    }

    /// Returns the time by the provider's clock where it was told, as that of this computer may be wrong.
    fn best_time(&self) -> Timestamp {
        let there = self.account.reader().server_time().map(ServerTime::now);
        let is_of_runpod = self.loaded.settings.kind == ProviderKind::Runpod;
        there.filter(|_| is_of_runpod).unwrap_or_else(|| HostClock.now())
    }

    /// Says who is at work and where, before anything else, for commands whose own output has no place for it.
    pub async fn tell_in_progress(&self, prior: &Prior) -> Result<(), Failure> {
        if let Some(running) = self.in_progress(prior).await? {
            self.shell.output.note(&words::in_progress(&running));
        }
        Ok(())
    }

    /// Reads what RunPod sells, with the stock that a plan for the spec needs.
    pub async fn catalog(&self, port: &impl Observe) -> Result<Catalog, Failure> {
        self.catalog_with(port, &plan::stock_questions(&self.loaded.desired)).await
    }

    /// Reads as much of what RunPod sells as can be read. What cannot be priced is unknown, and only what needs a price
    /// waits for it.
    pub async fn known_catalog(&self, port: &impl Observe, questions: &BTreeSet<StockQuery>) -> Catalog {
        let now = self.account.clock.now();
        match port.catalog(questions, now).await {
            Ok(catalog) => catalog,
            Err(_) => port.partial_catalog(questions, now).await,
        }
    }

    pub async fn catalog_with(
        &self,
        port: &impl Observe,
        questions: &BTreeSet<StockQuery>,
    ) -> Result<Catalog, Failure> {
        Ok(port.catalog(questions, self.account.clock.now()).await?)
    }

    /// Returns a run of a command that begins now, for the journal.
    pub fn new_run(&self, command: &str, plan_digest: String) -> Run {
        Run {
            id: run_id(),
            at: self.account.clock.now(),
            command: command.to_owned(),
            plan_digest,
            who: self.shell.env.who(),
            nonce: None,
            approved: None,
        }
    }

    /// Returns a run that executes a plan and begins now.
    pub fn approved_run(&self, command: &str, approved: &ApprovedPlan) -> Run {
        let env = &self.shell.env;
        let plan = approved.plan();
        Run {
            nonce: Some(plan.basis.nonce.clone()),
            approved: Some(Approved {
                how: approved.approval(),
                by: env.responsible(),
                source: env.source(),
            }),
            ..self.new_run(command, plan.digest.to_string())
        }
    }

    /// Tells where a remark's subject stands in the spec.
    pub fn position(&self, subject: &Subject) -> Option<String> {
        let Subject { address, field } = subject;
        let positions = &self.loaded.positions;
        let place = match field {
            Some(field) => positions.of_field(address, field),
            None => positions.of(address),
        };
        place.map(|place| place.to_string())
    }

    /// Returns how long after its last event a create may still show up: its request may be on the wire until its
    /// time is over, and listings lag behind that.
    fn settling(&self) -> SignedDuration {
        let apply::Settings { settling, request_timeout, .. } = self.pace();
        SignedDuration::try_from(settling + request_timeout).unwrap_or(SignedDuration::MAX)
    }

    pub fn pace(&self) -> apply::Settings {
        let pace = match self.loaded.settings.kind {
            ProviderKind::Runpod => apply::Settings::RUNPOD,
            ProviderKind::Simulator => apply::Settings::SIMULATOR,
        };
        // A holder who was asleep is overtaken once his lease is over, so what he intended must be old long before that.
        let intent_validity = pace.intent_validity.min(self.state.lease_length() / 4);
        let (seed, speed) = (self.account.names.seed(), self.account.speed());
        apply::Settings { seed, speed, intent_validity, ..pace }
    }
}

impl Shell {
    /// Returns where the state lies: the flag goes before the environment, and that before the spec.
    ///
    /// # Errors
    /// The spec, which may come from another person, names a file outside the working directory, or a server that would be
    /// handed the token of a cloud account; or what is named is no place for a state.
    fn state_location(&self, loaded: &Loaded) -> Result<Location, Failure> {
        let given = self.global.state.as_deref().map(|text| ("--state", text));
        let given = given.or_else(|| self.env.state().map(|text| ("PODFORM_STATE", text)));
        if let Some((name, text)) = given {
            return text.parse().map_err(|why| Failure::NoLocation { name, why });
        }
        let named = &loaded.settings.state;
        refused_of_spec(named).map_or_else(|| Ok(named.clone()), Err)
    }
}

/// Returns why no spec may name this place.
pub fn refused_of_spec(named: &Location) -> Option<Failure> {
    match named {
        Location::File(path) if !inside::is_inside(path.as_ref(), ".".as_ref()) => {
            Some(Failure::StateOutside { path: path.clone() })
        }
        // Its path begins at the root.
        Location::Objects(Bucket { store: Storage::Folder, name, .. }) => {
            Some(Failure::FolderOfSpec { path: name.clone() })
        }
        Location::Objects(Bucket { store, .. }) => {
            store.handed_a_token().map(|endpoint| Failure::ServerOfSpec { endpoint: endpoint.to_owned() })
        }
        Location::File(_) | Location::Postgres(_) => None,
    }
}

/// Returns the values of variables that the spec holds in the clear.
fn plain_values(desired: &Desired) -> impl Iterator<Item = String> {
    let pods = desired.wanted.values().filter_map(|wanted| match wanted {
        Wanted::Pod(pod) => Some(pod),
        Wanted::Volume(_) | Wanted::Secret(_) | Wanted::Registry(_) => None,
    });
    pods.flat_map(|pod| pod.container.env.values()).filter_map(|value| match value {
        EnvValue::Plain(text) => Some(text.clone()),
        EnvValue::Secret(_) => None,
    })
}

/// Fails with the first kind of what stands against planning; all mistakes about profiles come at once.
fn refused(loaded: &Loaded, refusals: Vec<Refusal>) -> Result<(), Failure> {
    let mut deselected = Vec::new();
    for refusal in refusals {
        match refusal {
            Refusal::Unmatched { flag, name, known } => {
                return Err(naming::unknown(Some(word(flag)), &name, &known));
            }
            Refusal::Ambiguous { flag, name, addresses } => {
                return Err(Failure::Ambiguous { flag: word(flag), name, addresses });
            }
            Refusal::Excluded { address, dependency, pattern } => {
                return Err(Failure::LeftOut { address, dependency, pattern: pattern.to_string() });
            }
            Refusal::Deselected { address, dependency, profiles } => {
                deselected.push((address, dependency, profiles));
            }
        }
    }
    if deselected.is_empty() {
        return Ok(());
    }
    Err(Failure::Spec { diagnostics: loaded.deselected(&deselected) })
}

fn word(flag: Flag) -> &'static str {
    match flag {
        Flag::Target => "--target",
        Flag::Exclude => "--exclude",
        Flag::Replace => "--replace",
        Flag::Rotate => "--rotate",
        Flag::Unprotect => "--unprotect",
    }
}
