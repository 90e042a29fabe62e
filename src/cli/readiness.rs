//! Asks the pods of a project whether they are ready, each once and several at a time.

use std::collections::BTreeMap;

use futures_util::StreamExt;
use futures_util::stream::iter;

use super::running::managed_pods;
use super::session::Session;
use crate::model::address::Address;
use crate::model::live::{Live, PodStatus};
use crate::model::prior::Prior;
use crate::model::ready::Readiness;
use crate::provider::reach::Hearing;

/// How many pods are asked at once.
const AT_ONCE: usize = 16;

/// Asks the managed pods that the spec says how to ask, as far as `is_asked`. It is asked of the address that a record has
/// once it has `moved`; the answers stand at the addresses that the state has.
///
/// A pod that does not run, or is not there, is not ready; one that could not be asked is unknown.
pub async fn ask(
    session: &Session<'_>,
    prior: &Prior,
    live: &Live,
    moved: &BTreeMap<Address, Address>,
    is_asked: impl Fn(&Address) -> bool,
) -> BTreeMap<Address, Readiness> {
    let pods = managed_pods(prior, live);
    let questions = prior.objects.keys().filter_map(|address| {
        let now = moved.get(address).unwrap_or(address);
        let ready = session.loaded.desired.ready.get(now).filter(|_| is_asked(now))?;
        Some((address, ready))
    });
    let asked = questions.map(|(address, ready)| {
        let pod = pods.get(address).copied();
        async move {
            let answer = match pod {
                Some(pod) if pod.status == PodStatus::Running => {
                    session.account.pods().ask(pod, &ready.probe, &mut Hearing::default()).await
                }
                Some(pod) => Readiness::NotReady(format!("it is {}", pod.status)),
                None => Readiness::NotReady("it is not there".to_owned()),
            };
            (address.clone(), answer)
        }
    });
    iter(asked).buffer_unordered(AT_ONCE).collect().await
}
