//! Everything that can end a command early: one row each, with what is said, the exit code and the hint.
//!
//! A text says what this level was doing; the source says what went wrong below, and the hint what a person can do about
//! it. The modules below need not know who reads them, so what their errors mean for a person stands here too.

mod states;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::error::Error;
use std::io;

use super::exit::{API, Exit, FAILED, INCOMPLETE, INTERRUPTED, INVALID, STALE};
use super::files::FileError;
use crate::model::address::{Address, AddressError, Key, Kind};
use crate::model::attribute::Attribute;
use crate::model::clock::{Age, SignedDuration, Timestamp};
use crate::model::commit::{CommitId, NoCommit};
use crate::model::id::{PodId, ProjectName};
use crate::model::live::{PodStatus, Unreadable};
use crate::model::location::LocationError;
use crate::model::money::Amount;
use crate::model::prior::Api;
use crate::provider::runpod::SetupError;
use crate::provider::{Certainty, ProviderError, Rejection};
use crate::render::escape::visible;
use crate::render::money::AMonth;
use crate::render::words::count;
use crate::spec::Diagnostics;
use crate::state::StateError;
use crate::state::edit::EditError;
use crate::state::moving::MoveError;
use crate::state::planfile::PlanFileError;
use states::{migrate, of_left_behind, of_move, of_state, way_of_state, way_on};

/// What helps whoever typed something that is no use of a command.
const HELP: &str = "`podform COMMAND --help` shows what the command takes, with an example";

/// Makes the type from its rows. First those that pass on what another error says: `Name(source: Error) => exit, hint;`.
/// Then those with a text of their own: `Name { fields } => exit, hint;`, without a hint where the text says what to run.
macro_rules! failures {
    (
        $($passed:ident($source:ident: $error:ty) => $its_exit:expr, $its_hint:expr;)+
        $($(#[$($text:tt)*])+ $name:ident $({ $($(#[$from:ident])? $field:ident: $type:ty),+ })?
            => $exit:expr $(, $hint:expr)?;)+
    ) => {
        /// Why a command ended early.
        #[derive(Debug, thiserror::Error)]
        pub enum Failure {
            $(#[error(transparent)] $passed { #[from] $source: $error },)+
            $($(#[$($text)*])+ $name $({ $($(#[$from])? $field: $type),+ })?,)+
        }

        #[allow(unused_variables, reason = "few exit codes and hints depend on what a failure holds")]
        impl Failure {
            pub fn exit(&self) -> Exit {
                match self {
                    $(Self::$passed { $source } => $its_exit,)+
                    $(Self::$name $({ $($field),+ })? => $exit,)+
                }
            }

            /// Returns what to do about it, where there is something to say that the text does not.
            pub fn hint(&self) -> Option<String> {
                let hint: Option<Cow<'static, str>> = match self {
                    $(Self::$passed { $source } => Some($its_hint.into()),)+
                    $(Self::$name $({ $($field),+ })? => None$(.or(Some(Cow::from($hint))))?,)+
                };
                hint.map(Cow::into_owned).filter(|hint| !hint.is_empty())
            }
        }
    };
}

failures! {
    File(source: FileError) => INVALID, of_io(&source.source);
    PlanAddress(source: AddressError) => INVALID, HELP;
    Edit(source: EditError) => INVALID, of_edit(source);
    Move(source: MoveError) => of_move(source).0, way_on(source);
    State(source: StateError) => of_state(source).0, way_of_state(source);

    // What was typed, and what is read from files.

    // Its mistakes are told with their places, and each with its own help.
    #[error("the spec is not valid")]
    Spec { diagnostics: Diagnostics } => INVALID;
    #[error("failed to enter `{path}`")]
    Directory { path: String, source: io::Error }
        => INVALID, "check the path after `-C`; `podform init DIR` makes a folder with a spec";
    #[error("the spec keeps the state in `{path}`, which is outside the working directory")]
    StateOutside { path: String }
        => INVALID, "`--state PATH` and `PODFORM_STATE` may name any file; a spec names one below its own folder";
    #[error("the spec keeps the state in the folder `{path}`, and a spec names no folder by URL")]
    FolderOfSpec { path: String }
        => INVALID, "`--state file:///PATH` and `PODFORM_STATE` may name any folder; `state_file:` names a file below the folder of the spec";
    #[error("the spec keeps the state on `{endpoint}`, which would be handed the token that opens it")]
    ServerOfSpec { endpoint: String }
        => INVALID, "`--state URL` and `PODFORM_STATE` may name any server; a spec names a bucket of the service itself";
    #[error("this podform was built without `{feature}`, which a state there needs")]
    EngineMissing { feature: &'static str }
        => INVALID, "a release of podform has it; one of your own needs `--features postgres` or `--features object-store`";
    #[error("nobody can be asked: standard input is no terminal")]
    NobodyToAnswer => INVALID, "`--auto-approve` does it without a question";
    #[error("the certificates of `sslrootcert`, `{path}`, cannot be read: {why}")]
    NoRoots { path: String, why: io::Error } => INVALID, "name a file of certificates (PEM)";
    #[error("`PGPASSFILE` names `{path}`, which cannot be read: {why}")]
    NoPassfile { path: String, why: io::Error } => INVALID, "mend the variable, or take it out";
    #[error("the backup `{backup}` is what a move left behind: the state lies at `{to}`")]
    LiesElsewhere { backup: String, to: String } => INVALID, of_left_behind(backup, to);
    #[error("the backup `{backup}` was taken while its place was being filled from `{from}`, where the state lies")]
    HalfFilled { backup: String, from: String } => INVALID, of_left_behind(backup, from);
    #[error("`{name}` is where the state lies")]
    SamePlace { name: String } => INVALID, "name another place with `--to`";
    #[error("`{name}` and `{other}` are two names of one place, and the state lies there")]
    SamePlaceTwice { name: String, other: String } => INVALID, "name another place with `--to`";
    #[error("`{below}` lies inside `{above}`, where a state keeps its own files")]
    PlaceInside { below: String, above: String } => INVALID, "name a place beside it with `--to`";
    #[error("there is no backup at `{name}`")]
    NoBackup { name: String } => INVALID, "FILE is a file that `podform state backup` wrote";
    #[error("there is nothing at `{to}`, but a path does not say on which computer, or whether a share is mounted")]
    PathIsEmpty { from: String, to: String }
        => INVALID, format!("look for it there first, and use it; if it is lost for good, `{}` goes back to what lies here", migrate(from, to, " --abandon --lost"));
    #[error("there is no state at `{name}`")]
    NoState { name: String } => FAILED, "`podform apply` makes it";
    #[error("`{name}` names no place for a state: {why}")]
    NoLocation { name: &'static str, why: LocationError }
        => INVALID, "such as `state/NAME.db`, `postgres://HOST/DATABASE` or `s3://BUCKET/PREFIX`";
    #[error("secret `{name}` would hand `{variable}` to a pod, which belongs to {owner}")]
    SecretOfOthers { name: String, variable: String, owner: &'static str }
        => INVALID, "give the pod a value of its own, in a variable of another name";
    // A checkout keeps the token of the job in the folder of git.
    #[error("secret `{name}` names `{path}`, which is in the folder of git")]
    SecretOfGit { name: String, path: String }
        => INVALID, "copy the value to a file of its own, such as one below `.secrets/`";
    // A spec may come from another person, who could otherwise have any file of this host sent to a pod.
    #[error("secret `{name}` names `{path}`, which is outside the working directory")]
    SecretOutside { name: String, path: String }
        => INVALID, "move the file below the folder of the spec, or use `env:`";
    #[error("failed to read secret `{name}` from `{path}`")]
    UnreadableSecret { name: String, path: String, source: io::Error } => INVALID, of_io(source);
    #[error("apply needs secrets that are not there: {}", .reasons.join(", "))]
    MissingSecrets { reasons: Vec<String> } => INVALID, "plan works without them; set them for apply";
    #[error("continuous integration says that it runs for the commit `{commit}`, which is none")]
    NoCommit { commit: String, source: NoCommit }
        => INVALID, "`GITHUB_SHA` or `CI_COMMIT_SHA` holds the full id of a commit";
    #[error("failed to read the plan `{path}`")]
    PlanFile { path: String, source: PlanFileError } => INVALID, "make another plan with `podform plan -o FILE`";
    #[error("the plan `{path}` is not as podform made it: {what}")]
    UnsoundPlan { path: String, what: String } => INVALID, "make another plan with `podform plan -o FILE`";
    #[error("a saved plan names its own spec files and profiles")]
    PlanNamesItsSpec => INVALID, HELP;
    #[error("the saved plan was made {}", of_variables(names))]
    OtherVariables { names: BTreeSet<String> } => INVALID, HELP;
    #[error("`{path}` is there and is no saved plan; give `-o` another name")]
    NoPlanThere { path: String } => INVALID, HELP;
    #[error("`--price-tolerance` needs what was approved: a saved plan or `--approved DIGEST`")]
    ToleranceOfNothing => INVALID, HELP;
    #[error("`destroy` plans by itself; `podform apply {path}` runs a saved plan, one of `plan --destroy` too")]
    DestroyOfPlan { path: String } => INVALID;
    #[error("there is no saved plan `{address}`, and an address stands behind `--target`")]
    BareAddress { command: &'static str, address: Address }
        => INVALID, format!("`podform {command} --target {address}`");
    #[error("the command for the pod begins with `{}`, which `ssh` would take for an option of its own", visible(word))]
    OptionOfSsh { word: String } => INVALID, HELP;
    #[error("{why}")]
    Simulation { why: String } => INVALID, HELP;
    #[error("several runs begin with `{id}`; give more of it")]
    SeveralRuns { id: String } => INVALID, HELP;
    #[error("there is no run `{id}`; `podform state history` lists them")]
    NoRun { id: String } => INVALID;
    #[error("nobody can be asked for approval: {why}")]
    NobodyToAsk { why: &'static str }
        => INVALID, "give `--auto-approve`, `--approved DIGEST` with the digest of a plan that you have read, or a saved plan";
    #[error("podform does not stop or start pods by hand: the next apply would undo it")]
    ByHand { state: &'static str, address: String } => INVALID, format!(
        "write `state: {state}` under `pods.{}` in the spec, then run `podform apply`",
        address.split('[').next().unwrap_or(address)
    );
    #[error("logs come over REST v2, and the spec has `provider.api: {}`", .api.word())]
    NoLogs { api: Api }
        => INVALID, "remove `provider.api` from the spec, or lay a file with `provider: { api: v2 }` on it with another `-f`";

    // Names.

    #[error("{}", of_unknown(*flag, name))]
    Unknown { flag: Option<&'static str>, name: String, near: Option<String>, known: String }
        => INVALID, match near {
            Some(near) => format!("did you mean `{near}`?"),
            None if known.is_empty() => "neither the spec nor the state has any address".to_owned(),
            None => format!("there is {known}"),
        };
    #[error("`{flag} {name}` can be {}", addresses.iter().map(|address| format!("`{address}`")).collect::<Vec<_>>().join(" or "))]
    Ambiguous { flag: &'static str, name: String, addresses: BTreeSet<Address> }
        => INVALID, "give the whole address".to_owned();
    #[error("`{flag} {name}` names what no chosen profile selects")]
    Deselected { flag: &'static str, name: Address, profiles: BTreeSet<String> } => INVALID, format!(
        "add {}",
        profiles.iter().map(|profile| format!("`--profile {profile}`")).collect::<Vec<_>>().join(" or ")
    );
    #[error(
        "`{address}` depends on `{dependency}`, which does not exist and is left out by `--exclude {}`",
        visible(pattern)
    )]
    LeftOut { address: Address, dependency: Address, pattern: String }
        => INVALID, format!("leave `{address}` out as well, or make `{dependency}` first");
    #[error("`{address}` is not in the state")]
    NotRecorded { address: Address, replicas: Vec<String> } => INVALID, if replicas.is_empty() {
        "`podform state list` shows what is recorded; `podform apply` creates what is only in the spec".to_owned()
    } else {
        format!("name one of its pods: {}", replicas.join(", "))
    };
    #[error("`{address}` is no job, and nothing else is done once and for all")]
    NoJob { address: Address } => INVALID;
    #[error("`{address}` is a network volume, and this needs a pod")]
    NoPod { address: Address } => INVALID, "`podform status` lists the pods of the project";

    // What cannot be taken over, or be edited in the state.

    #[error("there is a state of project `{project}` already, with {}; write a spec for it, or choose another name with \
             `--project`", count(*objects, "object"))]
    StateThere { project: String, objects: usize } => INVALID, HELP;
    #[error("pods of several states of this project are in the account; choose one: {}", choices.join(", "))]
    SeveralStates { choices: Vec<String> } => INVALID, HELP;
    #[error("a run that keeps no state runs no jobs: when their pods are gone, nobody knows that they have run; keep the state, \
             or take the jobs out of the spec: {}", jobs.join(", "))]
    JobsWithoutState { jobs: Vec<String> } => INVALID;
    #[error("`{name}` is in the state as `{known}`; {next}")]
    Taken { name: String, known: String, next: String } => INVALID;
    #[error("`{id}` is in the state already; `podform state list` shows where")]
    Managed { id: String } => INVALID;
    #[error("the {kind} `{id}` cannot be read: {why}; `podform doctor` checks the account")]
    NotReadable { kind: &'static str, id: String, why: Unreadable } => INVALID;
    #[error("`{id}` is a {other}, not a {kind}; `podform import {address} {id}` takes it over")]
    OtherKind { id: String, kind: &'static str, other: &'static str, address: Address } => INVALID;
    #[error("`{address}` cannot be taken over: {}", match address.kind() {
        Kind::Registry => "credentials that podform did not store are used by their id, with `id:` alone",
        Kind::Secret | Kind::Volume | Kind::Pod => {
            "a secret that podform did not make is used by its name, with `runpod:` alone"
        }
    })]
    NoImport { address: Address } => INVALID;
    #[error("the account shows no {kind} `{id}`; {next}")]
    NotShown { kind: &'static str, id: String, next: &'static str } => INVALID;
    #[error("`{id}` cannot be taken over: {reason}")]
    Unfit { id: String, reason: String } => INVALID, HELP;
    #[error("`{id}` belongs to project `{owner}`; `podform import --from-project {owner} {address} {id}` takes it, and \
             that project must then give it up with `podform state rm`")]
    OfProject { id: String, owner: ProjectName, address: Address } => INVALID;
    #[error("`{id}` does not belong to project `{project}`; leave out `--from-project`")]
    NotOfProject { id: String, project: ProjectName } => INVALID, HELP;
    #[error("the spec has no such replica; write `replicas` under `pods.{key}` first")]
    NoReplica { key: Key } => INVALID, HELP;

    // What was approved or read before is not so any more.

    #[error("the plan has the digest `{found}`, approved was `{approved}`; nothing was done")]
    OtherDigest { approved: String, found: String }
        => STALE, "read the plan again and approve the digest that it ends with";
    #[error("the plan is the one approved, but what it changes costs at most {} a month in place of {}; nothing was done",
            AMonth(*found), AMonth(*approved))]
    OtherPrice { approved: Amount, found: Amount }
        => STALE, "read the plan again; `--price-tolerance 5%` lets a small move of the cost pass";
    #[error("the saved plan is stale: {reasons}")]
    StalePlan { reasons: String } => STALE, "plan again and read what has changed";
    #[error("after the wait for capacity something else is needed than what was approved: {reasons}; nothing more was done")]
    MovedWhileWaiting { reasons: String } => STALE, "plan again and read what has changed";
    #[error("the run cannot go on after a wait for capacity; what it did before stands")]
    CutOff { source: Box<Failure> } => INCOMPLETE, source.hint().unwrap_or_default();
    #[error("the saved plan was used already, at {at} by {by}; nothing was done")]
    UsedPlan { at: Timestamp, by: String }
        => STALE, "a saved plan runs once, even if it did not come to its end; plan again and read what is left";
    #[error("the commit {} does not come after {}, which was applied last; nothing was done", .now.short(), .last.short())]
    EarlierCommit { last: CommitId, now: CommitId }
        => STALE, "what was approved for an older commit may undo what came later; `--accept-commit` applies it all the same, once";
    #[error("it cannot be told whether the commit {} comes after the one that was applied last: {why}; nothing was done",
            .now.short())]
    UnknownCommit { now: CommitId, why: String }
        => STALE, "check out the whole history, with `fetch-depth: 0` on GitHub; `--accept-commit` goes on without knowing, once";
    #[error("another run changed the state meanwhile; nothing was written")]
    StateMoved => STALE, "look at what the other run did with `podform plan`, then run this again";

    // The account.

    #[error("`RUNPOD_API_KEY` is not set")]
    NoKey => API, "export a key from RunPod's settings, or add `-f examples/on-simulator.yaml` to try without an account";
    #[error("failed to prepare the client")]
    Setup { #[from] source: SetupError }
        => API, "`RUNPOD_API_BASE_URL` is an origin such as `https://api.runpod.io`";
    #[error("failed to {}", source.call.verb)]
    Provider { #[from] source: ProviderError } => API, of_provider(source);
    #[error("the account has no pod `{pod}`, which is recorded for `{address}`")]
    PodGone { address: Address, pod: PodId } => FAILED, "`podform plan` shows what to do about it";
    #[error("there is no pod of `{address}`: {job}")]
    JobGone { address: Address, job: String }
        => FAILED, "`podform apply --replace ADDRESS` runs the job again, on a new pod";
    #[error("there is no way into `{address}`: it is {status}")]
    PodDown { address: Address, status: PodStatus }
        => FAILED, "write `state: running` in the spec and run `podform apply`";
    #[error("there is no way into `{address}`: the account shows a command that is not run: {}", visible(told))]
    OddWay { address: Address, told: String } => FAILED, "look at the pod in RunPod's console";
    #[error("there is no way into `{address}`: it has no public address yet")]
    NoWayYet { address: Address } => FAILED, "try again in a moment";
    #[error("there is no way into `{address}`: it has no public port for SSH")]
    NoPort { address: Address } => FAILED, "add `22/tcp` to its `ports` and run `podform apply`";
    #[error("`{address}` has no `{attribute}`: {why}")]
    NoOutput { address: Address, attribute: Attribute, why: String }
        => FAILED, "`podform output` lists everything, `podform status` what runs";
    #[error("failed to run `ssh`")]
    NoSsh { source: io::Error } => FAILED, "install OpenSSH, or copy what `--print` prints";

    // This computer, and whoever sits at it.

    #[error("failed to run the simulator")]
    Simulator { source: Box<dyn Error + Send + Sync> }
        => FAILED, "`podform simulate --store FILE` serves a world of its own; without `state/simulator.db` a new one begins";
    #[error("not approved, nothing was done")]
    Declined => FAILED, "only `yes` approves";
    #[error("interrupted before anything was done")]
    Interrupted => INTERRUPTED, "`podform plan` shows what is to be done";
    #[error("failed to receive signals")]
    Signals { source: io::Error } => FAILED, "`podform doctor` tells what can be used here";
    #[error("failed to {doing}")]
    System { doing: &'static str, source: io::Error } => FAILED, "`podform doctor` tells what can be used here";
    // What it said stands above.
    #[error("podform met a bug of its own and stopped")]
    Bug => FAILED, "please report what stands above; whatever was sent is in the journal, and the next `podform apply` \
        goes on from there";
}

impl Failure {
    /// Says that the simulator cannot run.
    pub fn simulator(source: impl Error + Send + Sync + 'static) -> Self {
        Self::Simulator { source: Box::new(source) }
    }
}

fn of_unknown(flag: Option<&'static str>, name: &str) -> String {
    match flag {
        Some(flag) if name.is_empty() => format!("`{flag}` names nothing: its address is empty"),
        Some(flag) => format!("`{flag} {}` names nothing: no address is called so", visible(name)),
        None => format!("no address is called `{}`", visible(name)),
    }
}

fn of_variables(names: &BTreeSet<String>) -> String {
    if names.is_empty() {
        return "without `--var`; leave it out".to_owned();
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    format!("with `--var` for: {}; give the same", names.join(", "))
}

fn of_edit(error: &EditError) -> &'static str {
    match error {
        EditError::Taken(_) => HELP,
        // Any other pair is told with the command that was meant.
        EditError::OtherKind { from: Address::Pod { key, replica: None }, to: Address::Volume(to) }
        | EditError::OtherKind { from: Address::Volume(key), to: Address::Pod { key: to, .. } }
            if key == to =>
        {
            HELP
        }
        EditError::HasPod { .. } => {
            "`podform plan` tells how it ended; `podform apply --replace ADDRESS` runs it again"
        }
        EditError::NotRecorded(_)
        | EditError::OtherKind { .. }
        | EditError::HasFormer { .. }
        | EditError::Open(_) => "",
    }
}

/// Returns what to do about what the system refused.
fn of_io(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AlreadyExists => {
            "give another name, or move away what is there: nothing is overwritten"
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "give a path that this user may use"
        }
        io::ErrorKind::StorageFull => "make room on the disk",
        _ => "check the path, which begins at the folder of `-C`",
    }
}

fn of_provider(error: &ProviderError) -> Cow<'static, str> {
    let hint = match &error.certainty {
        Certainty::Rejected(Rejection::KeyRefused) => "check `RUNPOD_API_KEY`: RunPod does not know this key",
        Certainty::Rejected(Rejection::Forbidden) => {
            "the key needs the permission to read and write pods, and a firewall must let this machine through"
        }
        Certainty::Rejected(Rejection::Gone) => {
            "this API is retired; remove `provider.api` from the spec to use REST v2"
        }
        Certainty::Rejected(Rejection::Broken) => {
            "RunPod's own side is broken, and nothing here mends that; try again later"
        }
        Certainty::Rejected(Rejection::NoFunds) => "add funds to the account in RunPod's console",
        Certainty::Rejected(
            Rejection::NoCapacity
            | Rejection::NotFound
            | Rejection::Conflict
            | Rejection::Invalid
            | Rejection::Migrating,
        ) => "`podform doctor` tells what can be used; `podform plan` looks again",
        Certainty::Throttled { retry_after: Some(wait) } if wait.as_secs() > 60 => {
            let wait = Age(SignedDuration::try_from(*wait).unwrap_or_default());
            return format!("try again in {wait}").into();
        }
        Certainty::Throttled { .. } => "the API's quota is used up; try again in a minute",
        Certainty::NotDone => "check the network, and `RUNPOD_API_BASE_URL` if it is set",
        Certainty::Unknown => "nothing was changed; try again",
    };
    hint.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::exit::LOCKED;

    #[test]
    fn what_another_run_changed_is_stale_and_what_it_holds_is_locked() {
        let path = || "acme.db".to_owned();
        let cases: [(Failure, Exit); 3] = [
            (Failure::StateMoved, STALE),
            (StateError::Fenced { path: path() }.into(), STALE),
            (StateError::Locked { path: path(), holder: "ada".to_owned(), is_alive: true }.into(), LOCKED),
        ];
        for (failure, exit) in cases {
            assert_eq!(failure.exit(), exit, "{failure}");
        }
    }
}
