//! The command line as a person types it: every command, every flag, its help and an example.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::builder::PossibleValue;
use clap::{Args, Parser, Subcommand, ValueEnum};

use super::commands::init::examples::Example;
use super::tolerance::PriceTolerance;
use crate::model::address::Address;
use crate::model::desired::MemoryRange;
use crate::model::id::DataCenterId;
use crate::model::money::Hourly;
use crate::render::Format;
use crate::render::graph::GraphFormat;
use crate::spec;

/// Plan and apply for GPU pods on RunPod.
#[derive(Debug, Parser)]
#[command(
    name = "podform",
    version,
    about,
    disable_help_subcommand = true,
    max_term_width = 100,
    after_help = "Environment: RUNPOD_API_KEY, RUNPOD_API_BASE_URL, PODFORM_STATE, PODFORM_VAR_<NAME>, NO_COLOR.\n\
                  Exit codes: 0 done, 1 failed, 2 changes (with --detailed-exitcode), 3 invalid, 4 blocked, \
                  5 locked, 6 stale, 7 incomplete, 8 API not usable, 130 interrupted."
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Where to find things and how much to say.
    #[command(flatten)]
    pub global: Global,
}

/// Flags that every command takes.
#[derive(Args, Debug, Default)]
pub struct Global {
    /// Run as if started in this directory; paths in the spec are relative to it
    #[arg(short = 'C', value_name = "DIR", global = true, help_heading = "Global options")]
    pub directory: Option<PathBuf>,
    /// Spec file, `-` for standard input; several are merged in order [default: pods.yaml]
    #[arg(short, long = "file", value_name = "FILE", global = true, help_heading = "Global options")]
    pub files: Vec<PathBuf>,
    /// Set a variable of the spec
    #[arg(long = "var", value_name = "NAME=VALUE", global = true, help_heading = "Global options")]
    pub variables: Vec<Assignment>,
    /// Select pods that belong to this profile
    #[arg(long = "profile", value_name = "NAME", global = true, help_heading = "Global options")]
    pub profiles: Vec<String>,
    /// State file [default: state_file of the spec, or state/PROJECT.db]
    #[arg(long, value_name = "PATH", global = true, help_heading = "Global options")]
    pub state: Option<PathBuf>,
    /// When to use colours
    #[arg(long, value_name = "WHEN", default_value = "auto", global = true, help_heading = "Global options")]
    pub color: ColorWhen,
    /// Say more
    #[arg(short, long, global = true, conflicts_with = "quiet", help_heading = "Global options")]
    pub verbose: bool,
    /// Say only what was asked for, and errors
    #[arg(short, long, global = true, help_heading = "Global options")]
    pub quiet: bool,
}

/// When output is coloured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ColorWhen {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write a first spec to edit; never overwrites
    #[command(after_help = "Examples:\n  podform init my-pods\n  podform init --example llm-pool\n  \
                      podform init --github")]
    Init(InitArgs),
    /// Show what apply would do
    #[command(after_help = "Example:\n  podform plan -f examples/quickstart.yaml --detailed-exitcode")]
    Plan(PlanArgs),
    /// Make the account as the spec wants it
    #[command(after_help = "Examples:\n  podform apply -f examples/quickstart.yaml\n  \
                      podform plan -o release.plan && podform apply release.plan\n  \
                      podform apply --auto-approve --json")]
    Apply(ApplyArgs),
    /// Terminate every managed pod and delete every managed volume, or those that are named
    #[command(after_help = "Examples:\n  podform destroy -f examples/quickstart.yaml\n  \
                      podform destroy --target train\n  podform destroy --exclude volume.*")]
    Destroy(DestroyArgs),
    /// Check the spec; needs no network, no state and no key
    #[command(after_help = "Example:\n  podform validate -f base.yaml -f prod.yaml")]
    Validate,
    /// Print the spec with files merged, variables and defaults filled in
    #[command(after_help = "Example:\n  podform config -f base.yaml -f prod.yaml --profile prod")]
    Config,
    /// Show all pods and volumes of the project: state, URL, SSH command, price
    #[command(visible_alias = "ls", after_help = "Examples:\n  podform status\n  podform status --json")]
    Status(StatusArgs),
    /// Show what others changed since the last apply; writes nothing
    #[command(after_help = "Example:\n  podform drift --detailed-exitcode")]
    Drift(DriftArgs),
    /// Show a saved plan, or all that is known of one object
    #[command(
        after_help = "Examples:\n  podform show release.plan\n  podform show llm[0]\n  podform show llm[0] --json"
    )]
    Show(ShowArgs),
    /// Print what a pod wrote; with --follow what it writes
    #[command(after_help = "Examples:\n  podform logs llm --tail 20\n  podform logs llm[0] --follow")]
    Logs(LogsArgs),
    /// Open a shell in a pod; without a terminal, print the command that does
    #[command(
        after_help = "Examples:\n  podform ssh llm\n  podform ssh llm[0] --print\n  podform ssh train -- nvidia-smi"
    )]
    Ssh(SshArgs),
    /// Check that spec, key, account and state can be used; writes nothing
    #[command(after_help = "Examples:\n  podform doctor\n  podform doctor --json")]
    Doctor(ListArgs),
    /// Print the plan's graph of actions
    #[command(after_help = "Example:\n  podform graph --format mermaid")]
    Graph(GraphArgs),
    /// List GPU types with memory, prices and stock
    #[command(after_help = "Examples:\n  podform gpus --sort price --available\n  \
                      podform gpus --memory 48GB.. --max-price 1.20\n  podform gpus --explain llm")]
    Gpus(GpusArgs),
    /// Take over pods and network volumes that were made without podform; changes none of them
    #[command(after_help = "Examples:\n  podform import --all --write imported.yaml\n  \
                      podform import llm xedezhzb9la3ye")]
    Import(ImportArgs),
    /// Look at the recorded state
    #[command(subcommand)]
    State(StateCommand),
    /// Remove the lock of a run that is gone, showing who held it
    #[command(after_help = "Example:\n  podform unlock")]
    Unlock,
    /// Print the JSON Schema of the spec file, for editors
    #[command(after_help = "Example:\n  podform schema > podform.schema.json\n  \
                      and as the first line of the spec: # yaml-language-server: $schema=podform.schema.json")]
    Schema,
    /// Print completions for a shell
    #[command(after_help = "Example:\n  podform completions bash > /etc/bash_completion.d/podform")]
    Completions(CompletionsArgs),
    /// Print the manual page, or write one for each command
    #[command(
        after_help = "Examples:\n  podform man > podform.1\n  podform man --into ~/.local/share/man/man1"
    )]
    Man(ManArgs),
    /// Serve the RunPod simulator and print its URL
    #[command(
        after_help = "Example:\n  podform simulate --store state/simulator.db --listen 127.0.0.1:8080\n  \
    podform simulate --fault 'create#2=done-but-500,list#3-5=lagging'"
    )]
    Simulate(SimulateArgs),
    /// Refused, with the key of the spec to edit
    #[command(hide = true)]
    Stop(AddressArgs),
    /// Refused, with the key of the spec to edit
    #[command(hide = true)]
    Start(AddressArgs),
}

impl Command {
    /// Tells whether standard output is a stream of events, which a failure must be part of.
    pub fn prints_events(&self) -> bool {
        let (Self::Apply(ApplyArgs { run, .. }) | Self::Destroy(DestroyArgs { run, .. })) = self else {
            return false;
        };
        run.json
    }
}

/// Flags of `init`.
#[derive(Args, Debug)]
pub struct InitArgs {
    /// Where to write it [default: the working directory]
    #[arg(value_name = "DIR")]
    pub into: Option<PathBuf>,
    /// Begin with this example in place of the shortest spec
    #[arg(long, value_name = "NAME")]
    pub example: Option<Example>,
    /// Write the pods and network volumes that an account has already: RunPod's, or the simulated one
    #[arg(
        long,
        value_name = "ACCOUNT",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "runpod",
        conflicts_with = "example"
    )]
    pub import: Option<ImportedAccount>,
    /// The project's name [default: made of the folder's]
    #[arg(long, value_name = "NAME", value_parser = project_name, conflicts_with = "example")]
    pub project: Option<String>,
    /// Also write workflows for GitHub Actions: plan, apply, drift
    #[arg(long)]
    pub github: bool,
}

/// The account that a first spec is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ImportedAccount {
    /// That of the key in RUNPOD_API_KEY.
    Runpod,
    /// The simulated one of the folder.
    Simulator,
}

/// Reads the name of a project as a spec has it.
fn project_name(text: &str) -> Result<String, String> {
    let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if (1..=40).contains(&text.len()) && text.bytes().all(legal) {
        return Ok(text.to_owned());
    }
    Err("a project's name is 1 to 40 lower-case letters, digits and `-`".to_owned())
}

/// What a plan is about.
#[derive(Args, Debug, Default)]
pub struct Selection {
    /// Plan only these addresses and what must go along with them; `*` matches anything
    #[arg(long, value_name = "ADDRESS")]
    pub target: Vec<String>,
    /// Leave these addresses alone; `*` matches anything
    #[arg(long, value_name = "ADDRESS")]
    pub exclude: Vec<String>,
}

/// What narrows or bends a plan.
#[derive(Args, Debug, Default)]
pub struct Scope {
    /// What it is about.
    #[command(flatten)]
    pub selection: Selection,
    /// Replace this pod even if it is as wanted; a key without a number means all of its replicas
    #[arg(long, value_name = "ADDRESS")]
    pub replace: Vec<Address>,
    /// Go on although every recorded object is gone
    #[arg(long)]
    pub accept_vanished: bool,
    /// Lift the remembered protection of this address for this plan; a key without a number means all of its replicas
    #[arg(long, value_name = "ADDRESS")]
    pub unprotect: Vec<Address>,
}

/// Flags of `plan`.
#[derive(Args, Debug)]
pub struct PlanArgs {
    /// Save the plan, for `apply PLANFILE`
    #[arg(short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// How to print the plan
    #[arg(long, default_value = "human")]
    pub format: Format,
    /// Exit with 2 if the plan has changes
    #[arg(long)]
    pub detailed_exitcode: bool,
    /// Plan to terminate and delete everything that is managed
    #[arg(long)]
    pub destroy: bool,
    /// What is planned.
    #[command(flatten)]
    pub scope: Scope,
}

impl ValueEnum for Format {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let help = match self {
            Self::Human => "For people",
            Self::Json => "For machines",
            Self::TerraformJson => "Terraform's plan format, for tools that read it",
            Self::Markdown => "For comments on pull requests",
            Self::Outputs => "Numbers as `name=value`, for continuous integration",
            Self::Graph(GraphFormat::Dot) => "The order of the actions, for Graphviz",
            Self::Graph(GraphFormat::Mermaid) => "The order of the actions, for Markdown",
            Self::Graph(GraphFormat::Svg) => "The order of the actions, for browsers",
        };
        Some(PossibleValue::new(self.word()).help(help))
    }
}

/// Flags of `apply`.
#[derive(Args, Debug)]
pub struct ApplyArgs {
    /// A plan saved by `plan -o`; it is planned again, and runs without a question if that is the same
    #[arg(
        value_name = "PLANFILE",
        conflicts_with_all = [
            "target", "exclude", "replace", "accept_vanished", "unprotect", "auto_approve", "approved"
        ]
    )]
    pub plan_file: Option<PathBuf>,
    /// What is planned.
    #[command(flatten)]
    pub scope: Scope,
    /// How it runs.
    #[command(flatten)]
    pub run: RunArgs,
}

/// Flags of `destroy`.
#[derive(Args, Debug)]
pub struct DestroyArgs {
    /// A saved plan, as it is given to `apply`; it is refused with the command that takes it.
    #[arg(value_name = "PLANFILE", hide = true)]
    pub plan_file: Option<PathBuf>,
    /// What is destroyed.
    #[command(flatten)]
    pub selection: Selection,
    /// How it runs.
    #[command(flatten)]
    pub run: RunArgs,
}

/// Flags of everything that executes a plan.
#[derive(Args, Debug)]
pub struct RunArgs {
    /// Do not ask
    #[arg(long)]
    pub auto_approve: bool,
    /// Do not ask if the plan has this digest, exit with 6 otherwise
    #[arg(long, value_name = "DIGEST", conflicts_with = "auto_approve")]
    pub approved: Option<String>,
    /// Let what the changed addresses cost differ by so much from what was approved, such as 5%
    #[arg(long, value_name = "PERCENT")]
    pub price_tolerance: Option<PriceTolerance>,
    /// Apply a commit that does not come after the one applied last, this once
    #[arg(long)]
    pub accept_commit: bool,
    /// Print one JSON object a line, in the words of Terraform's machine-readable UI
    #[arg(long)]
    pub json: bool,
    /// How many actions run at once, not counting those that only wait for what they began
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=100))]
    pub parallelism: u16,
    /// How long to wait for a pod to run
    #[arg(long, value_name = "DURATION", default_value = "20m")]
    pub wait_timeout: Span,
    /// How long to wait for another run to finish
    #[arg(long, value_name = "DURATION", default_value = "0s")]
    pub lock_timeout: Span,
}

/// Flags of `drift`.
#[derive(Args, Debug)]
pub struct DriftArgs {
    /// Exit with 2 if there is drift
    #[arg(long)]
    pub detailed_exitcode: bool,
}

/// Flags of `show`.
#[derive(Args, Debug)]
pub struct ShowArgs {
    /// A plan saved by `plan -o`, or the address of a pod or volume where there is no such file
    #[arg(value_name = "PLANFILE|ADDRESS")]
    pub what: PathBuf,
    /// How to print the plan
    #[arg(long, default_value = "human", conflicts_with = "json")]
    pub format: Format,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Flags of `status`.
#[derive(Args, Debug)]
pub struct StatusArgs {
    /// List what other projects of podform have in the account as well
    #[arg(long)]
    pub all: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Flags of what prints a list.
#[derive(Args, Debug)]
pub struct ListArgs {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Flags of `ssh`.
#[derive(Args, Debug)]
pub struct SshArgs {
    /// The address of a pod
    #[arg(value_name = "ADDRESS")]
    pub address: Address,
    /// Print the command and do not run it
    #[arg(long)]
    pub print: bool,
    /// What to run there in place of a shell
    #[arg(value_name = "COMMAND", last = true)]
    pub command: Vec<String>,
}

/// Flags of `man`.
#[derive(Args, Debug)]
pub struct ManArgs {
    /// Write a page for each command into this folder
    #[arg(long, value_name = "DIR")]
    pub into: Option<PathBuf>,
}

/// Flags of `logs`.
#[derive(Args, Debug)]
pub struct LogsArgs {
    /// The address of a pod
    #[arg(value_name = "ADDRESS")]
    pub address: Address,
    /// Go on with what is being written, until Ctrl-C or until the pod stops
    #[arg(long)]
    pub follow: bool,
    /// How many lines that were written before
    #[arg(long, value_name = "LINES", default_value_t = 100, value_parser = clap::value_parser!(u16).range(0..=5000))]
    pub tail: u16,
    /// Whose lines
    #[arg(long, value_name = "SOURCE", default_value = "all")]
    pub source: LogSourceChoice,
    /// Begin each line with when it was written
    #[arg(long)]
    pub timestamps: bool,
}

/// Whose lines of a log are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogSourceChoice {
    /// Both.
    All,
    /// What the container wrote.
    Container,
    /// What the host wrote about the container, marked with `[system]` where both are shown.
    System,
}

/// Flags of `graph`.
#[derive(Args, Debug)]
pub struct GraphArgs {
    /// How to print the graph
    #[arg(long, default_value = "dot")]
    pub format: GraphFormat,
    /// Graph of terminating and deleting everything that is managed
    #[arg(long)]
    pub destroy: bool,
    /// What is planned.
    #[command(flatten)]
    pub scope: Scope,
}

impl ValueEnum for GraphFormat {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let help = match self {
            Self::Dot => "For Graphviz",
            Self::Mermaid => "For Markdown",
            Self::Svg => "For browsers",
        };
        Some(PossibleValue::new(self.word()).help(help))
    }
}

/// What to do with the recorded state.
#[derive(Debug, Subcommand)]
pub enum StateCommand {
    /// List the recorded objects
    #[command(after_help = "Examples:\n  podform state list\n  podform state list --json")]
    List(ListArgs),
    /// Show everything that is recorded of one object
    #[command(after_help = "Example:\n  podform state show llm[0] --json")]
    Show(StateShowArgs),
    /// Give recorded objects another address; `moved:` in the spec does it for everybody
    #[command(after_help = "Example:\n  podform state mv data-prep prep")]
    Mv(MoveArgs),
    /// Give objects up: they go on as they are, unmanaged
    #[command(after_help = "Example:\n  podform state rm llm[2]")]
    Rm(RemoveArgs),
    /// List the runs that wrote the state, or the events of one
    #[command(after_help = "Examples:\n  podform state history\n  podform state history 3f2a")]
    History(HistoryArgs),
    /// Recreate a lost state from the marks of the live objects
    #[command(after_help = "Example:\n  podform state rebuild && podform plan")]
    Rebuild(RebuildArgs),
    /// Copy the state to a new file, while others may be writing
    #[command(after_help = "Example:\n  podform state backup backups/monday.db")]
    Backup(BackupArgs),
}

/// Flags of `state rebuild`.
#[derive(Args, Debug)]
pub struct RebuildArgs {
    /// Take the objects of this state, where those of several are found
    #[arg(long, value_name = "ID")]
    pub lineage: Option<String>,
}

/// Flags of `state show`.
#[derive(Args, Debug)]
pub struct StateShowArgs {
    /// The recorded address
    #[arg(value_name = "ADDRESS")]
    pub address: Address,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Flags of `state mv`.
#[derive(Args, Debug)]
pub struct MoveArgs {
    /// The recorded address; without a number it stands for all replicas
    #[arg(value_name = "FROM")]
    pub from: Address,
    /// The address that it gets
    #[arg(value_name = "TO")]
    pub to: Address,
}

/// Flags of `state rm`.
#[derive(Args, Debug)]
pub struct RemoveArgs {
    /// The recorded addresses
    #[arg(value_name = "ADDRESS", required = true)]
    pub addresses: Vec<Address>,
}

/// Flags of `state history`.
#[derive(Args, Debug)]
pub struct HistoryArgs {
    /// How the id of a run begins
    #[arg(value_name = "RUN")]
    pub run: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Flags of `state backup`.
#[derive(Args, Debug)]
pub struct BackupArgs {
    /// The file to write, which must not exist yet
    #[arg(value_name = "FILE")]
    pub to: PathBuf,
}

/// Flags of `import`.
#[derive(Args, Debug)]
pub struct ImportArgs {
    /// The address that the object gets
    #[arg(value_name = "ADDRESS", requires = "id", required_unless_present = "all", conflicts_with = "all")]
    pub address: Option<Address>,
    /// The id of the pod or network volume on RunPod
    #[arg(value_name = "ID")]
    pub id: Option<String>,
    /// Take over everything that is not managed
    #[arg(long)]
    pub all: bool,
    /// The object belongs to this project of podform, which gives it up
    #[arg(long, value_name = "PROJECT", conflicts_with = "all")]
    pub from_project: Option<String>,
    /// Write the spec text to this new file instead of printing it
    #[arg(long, value_name = "FILE")]
    pub write: Option<PathBuf>,
}

/// Flags of `completions`.
#[derive(Args, Debug)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub shell: clap_complete::Shell,
}

/// Flags of `gpus`.
#[derive(Args, Debug)]
pub struct GpusArgs {
    /// Memory of one GPU: `48GB..`, `..24GB`, `48GB..80GB` or `48GB`
    #[arg(long, value_name = "RANGE", value_parser = spec::memory_range)]
    pub memory: Option<MemoryRange>,
    /// Dollars an hour for one GPU; a type whose price is unknown is left out
    #[arg(long, value_name = "DOLLARS", value_parser = spec::price)]
    pub max_price: Option<Hourly>,
    /// Only types with stock in this data center
    #[arg(long, value_name = "ID", value_parser = |text: &str| Ok::<_, std::convert::Infallible>(DataCenterId::new(text)))]
    pub data_center: Option<DataCenterId>,
    /// Only types with stock
    #[arg(long)]
    pub available: bool,
    /// In which order
    #[arg(long, value_name = "KEY", default_value = "name")]
    pub sort: GpuSort,
    /// Tell why each type is a way to place this pod of the spec, or none
    #[arg(
        long,
        value_name = "ADDRESS",
        conflicts_with_all = ["memory", "max_price", "data_center", "available", "sort"]
    )]
    pub explain: Option<Address>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// The order of GPU types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum GpuSort {
    /// By name.
    Name,
    /// The smallest memory first.
    Memory,
    /// The cheapest first, those without a known price last.
    Price,
}

/// The language of fault scripts, for whoever writes one.
pub const FAULT_HELP: &str = "\
Make requests go wrong as this script says: rules `REQUEST=FAULT`, separated by commas

REQUEST is a kind of request, over whichever API it comes, and which of them: `create#2` is the second create, `list#3-5` the third to the fifth \
listing, `create` every create. Kinds: list, get, create, update, start (or resume), stop, restart, terminate (or delete), list-volumes, \
get-volume, create-volume, update-volume, delete-volume, logs, catalog, other, any.

FAULT is one of
  refused              rejected for good
  no-capacity          nothing in stock; `no-capacity:gpu=NVIDIA L4` of one GPU, `no-capacity:dc=EU-RO-1` in one data center
  throttled            429, to be tried again in 2 seconds; `throttled:12` in 12
  unavailable          503, not done
  done-but-500         done, answered with a 500
  done-but-timeout     done, never answered
  not-done-timeout     not done, never answered
  slow                 done, answered after 5 seconds; `slow:8` after 8
  did-nothing          answered as if done, not done
  malformed, truncated, wrong-content-type
                       done, answered with broken JSON, with half of it, with a web page
  odd-entry, nameless-entry
                       done, answered with lists whose first entry cannot be understood, or has no id
  no-date, skewed-date done, the time not told, or an hour ahead; `skewed-date:-90` 90 seconds behind
  redirect             307, not done
  key-refused          401
  forbidden, waf       403 of the API, of the firewall in front of it
  stale, lagging, duplicate
                       a listing from before the last change, without the pods of the last minute, with each pod twice
  zero-gpu             the pod starts without a GPU
  host-full, host-lost the pod's host is full, or gone, from now on
  locked               somebody locked the pod
  balance              the account is empty from now on; `--balance` fills it again
  random:10            a tenth of these requests fail in ways that a patient caller survives; drawn from the seed";

/// Flags of `simulate`.
#[derive(Args, Debug)]
pub struct SimulateArgs {
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    pub listen: std::net::SocketAddr,
    /// Answer requests for this host too, beside this computer and RunPod's own names
    #[arg(long, value_name = "NAME")]
    pub host: Vec<String>,
    /// Keep the world in this file; without it the world ends with the command
    #[arg(long, value_name = "FILE")]
    pub store: Option<PathBuf>,
    /// Seed of a world that is made
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Seconds of world time that pass in a second, at most 200
    // A pod is told from a copy by the minute after its request. In a faster world answers take longer than that.
    #[arg(long, value_name = "FACTOR", default_value_t = 20, value_parser = clap::value_parser!(u32).range(0..=200))]
    pub speed: u32,
    /// Requests a minute, or `none`
    #[arg(long, value_name = "N", default_value = "600")]
    pub quota: QuotaLimit,
    /// Put so many US dollars on the account, also of a world that is there already: a top-up
    #[arg(long, value_name = "USD")]
    pub balance: Option<Dollars>,
    /// Rent spot pods over GraphQL and REST v1, as RunPod did until 2026
    #[arg(long)]
    pub spot: bool,
    /// How REST v1 answers
    #[arg(long, value_enum, value_name = "FORM", default_value_t = RestV1::Documented)]
    pub v1: RestV1,
    /// Make requests go wrong as this script says
    #[arg(long, value_name = "SCRIPT", long_help = FAULT_HELP)]
    pub fault: Option<String>,
    /// What compute costs from now on, in percent of what RunPod published
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub prices: Option<u32>,
}

/// How the simulator's REST v1 answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RestV1 {
    /// As its document says
    Documented,
    /// As it was seen live: prices as text, `null` and `{}` where the document has objects
    Loose,
    /// With 410 Gone, as after its end
    Retired,
}

/// An amount of money on an account, in micro-dollars.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dollars(pub i64);

impl FromStr for Dollars {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let dollars: Option<f64> = text.parse().ok().filter(|dollars| (0.0..=1e9).contains(dollars));
        // Within these bounds every micro-dollar is a whole number in both types.
        dollars.map(|dollars| Self((dollars * 1e6).round() as i64)).ok_or("an amount such as 25 or 0.50")
    }
}

/// The quota that a simulator announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuotaLimit {
    /// No limit.
    None,
    /// So many requests a minute.
    PerMinute(u32),
}

impl FromStr for QuotaLimit {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "none" {
            return Ok(Self::None);
        }
        let number = text.parse().ok().filter(|number| *number > 0);
        number.map(Self::PerMinute).ok_or("a number above 0, or `none`")
    }
}

/// One address.
#[derive(Args, Debug)]
pub struct AddressArgs {
    /// The address of a pod
    #[arg(value_name = "ADDRESS")]
    pub address: String,
}

/// `NAME=VALUE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The name.
    pub name: String,
    /// The value, which may be empty.
    pub value: String,
}

impl FromStr for Assignment {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
        let is_name = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !name.is_empty();
        if !is_name {
            return Err("a name is made of letters, digits and `_`");
        }
        Ok(Self { name: name.to_owned(), value: value.to_owned() })
    }
}

/// A length of time as people type it: `90s`, `20m`, `2h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span(pub Duration);

impl FromStr for Span {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "write a whole number and a unit, such as 90s, 20m or 2h";
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let number: u32 = digits.parse().map_err(|_| WRONG)?;
        let seconds = match &text[digits.len()..] {
            "s" => 1,
            "m" | "min" => 60,
            "h" => 3_600,
            _ => return Err(WRONG),
        };
        Ok(Self(Duration::from_secs(u64::from(number) * seconds)))
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_visible_command_shows_an_example() {
        let mut groups = vec![Cli::command()];
        while let Some(group) = groups.pop() {
            for command in group.get_subcommands().filter(|command| !command.is_hide_set()) {
                let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
                let is_group = command.has_subcommands();
                assert!(is_group || help.contains("podform "), "{} has no example", command.get_name());
                groups.push(command.clone());
            }
        }
    }

    #[test]
    fn spans_take_a_number_and_a_unit() {
        let parsed: Vec<_> = ["90s", "20m", "2h", "2", "h", "-1s", "1d", ""].map(str::parse::<Span>).into();
        let seconds = parsed.iter().map(|span| span.ok().map(|span| span.0.as_secs()));
        let expected = [Some(90), Some(1_200), Some(7_200), None, None, None, None, None];
        assert_eq!(seconds.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn assignments_split_at_the_first_equals_sign() {
        let assignment = Assignment { name: "TAG".into(), value: "a=b".into() };
        assert_eq!("TAG=a=b".parse(), Ok(assignment));
        assert!("TAG".parse::<Assignment>().is_err());
        assert!("=x".parse::<Assignment>().is_err());
    }
}
