//! `podform output`: where the pods of the project are reached, for scripts.
//!
//! What lasts as long as a pod follows from its id and its settings; the rest is what the account tells of it now.

use serde_json::{Map, Value, json};

use crate::cli::exit::{self, Exit};
use crate::cli::failure::Failure;
use crate::cli::json::{VERSION, printed};
use crate::cli::naming;
use crate::cli::running::ssh;
use crate::cli::session::Session;
use crate::cli::shell::Shell;
use crate::model::address::Address;
use crate::model::attribute::Attribute;
use crate::model::desired::Desired;
use crate::model::id::RemoteId;
use crate::model::job::UnseenJob;
use crate::model::live::{Live, LivePod, Seen};
use crate::model::pod::{Port, Protocol};
use crate::model::prior::{Prior, Recorded};
use crate::render::escape::visible;
use crate::state::Store;

/// Print where pods are reached and what RunPod calls things, for scripts
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  podform output\n  podform output llm.url\n  podform output llm[0].tcp.22\n  \
                  podform output volume.models.id\n  podform output --json"
)]
pub struct Args {
    /// An address, or one of its attributes: id, url, url.PORT (where there are several), host, public_ip, tcp.PORT, ssh
    #[arg(value_name = "ADDRESS[.ATTRIBUTE]")]
    name: Option<Name>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What is asked for, in the order in which that is looked for: the kind of what is no pod stands before its key, and is
/// a key that a pod may have as well.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Name {
    first: Reading,
    second: Option<Reading>,
}

/// An address, and what of it.
type Reading = (Address, Option<Attribute>);

impl std::str::FromStr for Name {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_kind = |(kind, _): &(&str, &str)| matches!(*kind, "volume" | "secret" | "registry");
        let after_kind = text.split_once('.').filter(is_kind).map(|(kind, _)| read(text, kind.len() + 1));
        let as_pod = read(text, 0);
        match (after_kind, as_pod) {
            (Some(Ok(object)), pod) => Ok(Self { first: object, second: pod.ok() }),
            (Some(Err(_)) | None, Ok(pod)) => Ok(Self { first: pod, second: None }),
            (Some(Err(why)), Err(_)) | (None, Err(why)) => Err(why),
        }
    }
}

/// Reads an address, whose key begins at this byte, and what follows it.
fn read(text: &str, key: usize) -> Result<Reading, String> {
    let (address, attribute) = match text[key..].find('.') {
        Some(dot) => (&text[..key + dot], Some(&text[key + dot + 1..])),
        None => (text, None),
    };
    let address: Address = address.parse().map_err(|error| format!("{error}"))?;
    if !address.is_pod() && attribute.is_some_and(|attribute| attribute != "id") {
        return Err(format!("`{address}` has an `id` only"));
    }
    let attribute = attribute.map(str::parse).transpose().map_err(|error| format!("{error}"))?;
    Ok((address, attribute))
}

impl Name {
    /// Returns the addresses that it stands for, and what of them.
    fn meant(&self, desired: &Desired, prior: &Prior) -> Result<(Vec<Address>, Option<Attribute>), Failure> {
        let meant = |(address, attribute): &Reading| {
            let mut meant = naming::known(desired, prior, address)?;
            if meant.len() > 1 {
                // What a lower number left behind, stopped, serves nobody.
                let retired =
                    |address: &Address| prior.objects.get(address).is_some_and(|known| known.record.retired);
                meant.retain(|address| !retired(address));
            }
            Ok((meant, *attribute))
        };
        let first = meant(&self.first);
        match (first, &self.second) {
            (Err(why), Some(second)) => meant(second).map_err(|_| why),
            (first, _) => first,
        }
    }
}

pub async fn run(shell: &Shell, args: &Args) -> Result<Exit, Failure> {
    let Args { name, json } = args;
    let session = Session::of_spec(shell).await?;
    let prior = session.state.load().await?;
    session.tell_in_progress(&prior).await?;
    let (meant, attribute) = match name {
        Some(name) => name.meant(&session.loaded.desired, &prior)?,
        None => (prior.objects.keys().cloned().collect(), None),
    };
    let live = session.look(session.account.reader(), &prior).await?;
    let told: Vec<Told<'_>> = meant
        .iter()
        .filter_map(|address| match prior.objects.get(address) {
            Some(recorded) => Some(told(address, recorded, &live)),
            None => Some(without_pod(address, prior.unseen.get(address)?)),
        })
        .collect();
    if let Some(attribute) = attribute {
        return tell_values(shell, &told, attribute, *json);
    }
    if *json {
        let outputs = told.iter().map(|told| (told.address.to_string(), told.json()));
        let document = json!({ "version": VERSION, "outputs": outputs.collect::<Map<_, _>>() });
        shell.output.data(&printed(&document));
        return Ok(exit::DONE);
    }
    for Told { address, standing, values } in &told {
        if let Standing::Gone(why) = standing {
            shell.output.note(&format!("{address}: {why}"));
        }
        for (attribute, value) in values {
            shell.output.data(&format!("{address}.{attribute} = {}\n", visible(value)));
        }
    }
    if prior.objects.is_empty() {
        shell.output.note("nothing is managed yet; `podform plan` shows what would be created");
    }
    Ok(exit::DONE)
}

/// Prints one value of each. Where some have none, the others are printed all the same; that a part is missing is said, and
/// is the exit code too, as a script that reads lines would not see it.
fn tell_values(shell: &Shell, told: &[Told<'_>], attribute: Attribute, json: bool) -> Result<Exit, Failure> {
    let (mut values, mut missing) = (Vec::new(), Vec::new());
    for value in told.iter().map(|told| told.only(attribute)) {
        match value {
            Ok(value) => values.push(Some(value)),
            Err(failure) => {
                values.push(None);
                missing.push(failure);
            }
        }
    }
    if missing.len() == told.len()
        && let Some(first) = missing.drain(..).next()
    {
        return Err(first);
    }
    let text = match (json, values.as_slice()) {
        (false, values) => values.iter().flatten().map(|value| format!("{value}\n")).collect(),
        (true, [value]) => printed(&json!(value)),
        (true, values) => printed(&json!(values)),
    };
    shell.output.data(&text);
    for failure in &missing {
        shell.output.note(&format!("error: {failure}"));
    }
    Ok(if missing.is_empty() { exit::DONE } else { exit::FAILED })
}

/// What is known of one object.
struct Told<'a> {
    address: &'a Address,
    standing: Standing,
    values: Vec<(Attribute, String)>,
}

/// Whether more may be said of an object at another time.
enum Standing {
    Up,
    /// It is a pod that does not run.
    Down,
    /// It was not found, or could not be looked at.
    Gone(String),
}

impl Told<'_> {
    /// Returns one value.
    fn only(&self, attribute: Attribute) -> Result<&str, Failure> {
        let Self { address, standing, values } = self;
        let found = values.iter().find(|(known, _)| *known == attribute);
        if let Some((_, value)) = found {
            return Ok(value);
        }
        let why = match standing {
            Standing::Gone(why) => why.clone(),
            Standing::Up | Standing::Down if matches!(attribute, Attribute::Tcp(Port::SYMMETRIC_FROM..)) => {
                "RunPod picks another number for it, under which it is listed".to_owned()
            }
            Standing::Down if !attribute.is_lasting() => "it does not run".to_owned(),
            Standing::Up if !attribute.is_lasting() => {
                "RunPod tells none, as it does not while a pod starts, and of ports that are not among `ports`".to_owned()
            }
            Standing::Up | Standing::Down if attribute == Attribute::Url && self.urls().nth(1).is_some() => {
                let forms: Vec<String> = self.urls().map(|url| format!("`{address}.{url}`")).collect();
                format!("it has {} HTTP ports, and each has a URL of its own: {}", forms.len(), forms.join(", "))
            }
            Standing::Up | Standing::Down => {
                let known: Vec<String> = values.iter().map(|(known, _)| format!("`{known}`")).collect();
                format!("it has {}", known.join(", "))
            }
        };
        Err(Failure::NoOutput { address: Address::clone(address), attribute, why })
    }

    /// Returns the attributes that are URLs of one port.
    fn urls(&self) -> impl Iterator<Item = Attribute> {
        self.values.iter().map(|(known, _)| *known).filter(|known| matches!(known, Attribute::UrlOf(_)))
    }

    fn json(&self) -> Value {
        let mut all = Map::new();
        if let Standing::Gone(why) = &self.standing {
            all.insert("missing".to_owned(), json!(why));
        }
        for (attribute, value) in &self.values {
            let text = attribute.to_string();
            match text.split_once('.') {
                // By port, beside the first of them.
                Some((name, port)) => {
                    let by_port = all.entry(format!("{name}_by_port")).or_insert_with(|| json!({}));
                    by_port[port] = json!(value);
                }
                None => drop(all.insert(text, json!(value))),
            }
        }
        all.into()
    }
}

/// Tells of a job of which no pod is on record.
fn without_pod<'a>(address: &'a Address, job: &UnseenJob) -> Told<'a> {
    let why = match job {
        UnseenJob::NotKnown => "nobody knows whether its job has run, and no pod of it is on record",
        UnseenJob::Done(_) => "its job is done, as somebody said, and no pod of it is on record",
    };
    Told { address, standing: Standing::Gone(why.to_owned()), values: Vec::new() }
}

fn told<'a>(address: &'a Address, recorded: &Recorded, live: &Live) -> Told<'a> {
    let RemoteId::Pod(id) = &recorded.id else {
        let values = vec![(Attribute::Id, recorded.id.to_string())];
        return Told { address, standing: Standing::Up, values };
    };
    let gone = |why: String| (Standing::Gone(why), Vec::new());
    let (standing, values) = match live.pods.get(id) {
        Some(Seen::Found(pod)) => {
            // The older APIs do not tell whether a pod is in the private network.
            let asked = recorded.record.object.pod().is_some_and(|pod| pod.container.global_networking);
            let networked = pod.settings.global_networking.unwrap_or(asked);
            (if pod.status.is_up() { Standing::Up } else { Standing::Down }, of_pod(pod, networked))
        }
        Some(Seen::Absent) => gone(format!("the account has no pod `{id}`")),
        Some(Seen::Unreadable(why)) => gone(why.to_string()),
        None if recorded.is_gone() => gone(format!("its job has ended, and its pod `{id}` is no more")),
        None => gone("it was not looked for".to_owned()),
    };
    Told { address, standing, values }
}

fn of_pod(pod: &LivePod, networked: bool) -> Vec<(Attribute, String)> {
    let http = pod.ports().filter(|port| port.protocol == Protocol::Http);
    let urls: Vec<Attribute> = http.map(|port| Attribute::UrlOf(port.number)).collect();
    // Of several ports none is the one, as in a reference of the spec.
    let url = (urls.len() == 1).then_some(Attribute::Url);
    let lasting = [Attribute::Id].into_iter().chain(url).chain(urls).chain([Attribute::Host]);
    let lasting = lasting.filter_map(|attribute| {
        Some((attribute, attribute.lasting(&pod.id, pod.ports().copied(), networked)?))
    });
    let mut values: Vec<(Attribute, String)> = lasting.collect();
    // The API keeps the old ways to a pod that is stopped.
    if pod.status.is_up() {
        let tcp = &pod.endpoints.tcp;
        let host = tcp.values().next().and_then(|place| Some(place.rsplit_once(':')?.0));
        values.extend(host.map(|host| (Attribute::PublicIp, host.to_owned())));
        values.extend(tcp.iter().map(|(port, place)| (Attribute::Tcp(*port), place.clone())));
        values.extend(ssh(pod).map(|command| (Attribute::Ssh, command)));
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_an_address_and_what_of_it() {
        let read = |text: &str| {
            text.parse::<Name>().map(|Name { first, second }| {
                let shown = |(address, attribute): &(Address, Option<Attribute>)| match attribute {
                    Some(attribute) => format!("{attribute} of {address}"),
                    None => address.to_string(),
                };
                [Some(first), second].iter().flatten().map(shown).collect::<Vec<_>>().join(", or ")
            })
        };
        let names = [
            ("llm", "llm"),
            ("llm.url", "url of llm"),
            ("llm[0].url.8080", "url.8080 of llm[0]"),
            ("volume.models", "volume.models"),
            ("volume.models.id", "id of volume.models"),
            // A pod may be called like a kind.
            ("volume.id", "volume.id, or id of volume"),
            ("volume.url.80", "url.80 of volume"),
            ("secret[0].ssh", "ssh of secret[0]"),
        ];
        for (text, name) in names {
            assert_eq!(read(text), Ok(name.to_owned()), "{text}");
        }
        assert_eq!(read("volume.models.url"), Err("`volume.models` has an `id` only".to_owned()));
        for text in ["", ".", "llm.", ".url", "llm.urls", "llm.url.x", "volume.", "llm[.id", "é.id"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
