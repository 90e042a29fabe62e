//! How far each action of the journal came. Pure; every store goes through it.

use std::collections::BTreeMap;

use crate::model::id::RunId;
use crate::model::journal::{ActionStatus, Entry, Event, IllegalEvent};
use crate::model::plan::ActionId;
use crate::model::prior::OpenIntent;

/// An action that was begun.
#[derive(Clone, Debug)]
pub(super) struct Begun {
    /// Where its first event stands in the journal.
    pub(super) number: usize,
    pub(super) intent: OpenIntent,
}

/// Returns how far an action is after one more event; `number` is where it stands in the
/// journal.
///
/// # Errors
/// An event that cannot follow the one before it.
pub(super) fn advance(
    earlier: Option<&Begun>,
    number: usize,
    entry: &Entry,
) -> Result<Begun, Box<IllegalEvent>> {
    let Entry { at, run, action, event } = entry;
    let mut begun = earlier.cloned().unwrap_or_else(|| Begun {
        number,
        intent: OpenIntent {
            run: run.clone(),
            action: action.clone(),
            status: ActionStatus::Pending,
            token: None,
            since: *at,
            server_time: None,
        },
    });
    let intent = &mut begun.intent;
    intent.status = std::mem::take(&mut intent.status).next(event)?;
    intent.since = *at;
    if let Event::Intended { attempt: _, token, asked: _, server_time } = event {
        intent.token = token.clone();
        intent.server_time = *server_time;
    }
    Ok(begun)
}

/// Returns the actions that did not come to an end, in the order in which they were begun.
///
/// A create is open until it is final, as its object may exist without being recorded. Any other action names an
/// object that the next plan looks at anyway, so it is open only where its request may still be on its way, where it
/// happened but was not read back, or where it is not known whether it happened.
pub(super) fn open<'a>(begun: impl IntoIterator<Item = &'a Begun>) -> Vec<OpenIntent> {
    let mut open: Vec<&Begun> = begun.into_iter().filter(|begun| is_open(&begun.intent)).collect();
    open.sort_by_key(|begun| begun.number);
    open.into_iter().map(|begun| begun.intent.clone()).collect()
}

/// Returns what the events of a journal leave open.
///
/// # Errors
/// An event that cannot follow the one before it.
pub(super) fn open_intents(
    entries: impl IntoIterator<Item = Entry>,
) -> Result<Vec<OpenIntent>, Box<IllegalEvent>> {
    let mut actions: BTreeMap<(RunId, ActionId), Begun> = BTreeMap::new();
    for (number, entry) in entries.into_iter().enumerate() {
        let key = (entry.run.clone(), entry.action.clone());
        let begun = advance(actions.get(&key), number, &entry)?;
        actions.insert(key, begun);
    }
    Ok(open(actions.values()))
}

/// Tells whether the next run must look after an action.
fn is_open(intent: &OpenIntent) -> bool {
    match intent.status {
        ActionStatus::Pending | ActionStatus::Succeeded | ActionStatus::Failed | ActionStatus::Skipped => {
            false
        }
        ActionStatus::Refused => intent.token.is_some(),
        ActionStatus::Intended
        | ActionStatus::Started
        | ActionStatus::Accepted { .. }
        | ActionStatus::Unknown { .. } => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::id::{PodId, RemoteId};
    use crate::model::plan::Step;

    fn entry(second: i64, action: &str, step: Step, event: Event) -> Entry {
        Entry {
            at: jiff::Timestamp::from_second(second).unwrap(),
            run: RunId::new("r1"),
            action: ActionId { address: action.parse().unwrap(), step },
            event,
        }
    }

    fn intended(token: Option<&str>) -> Event {
        let token = token.map(|token| token.parse().unwrap());
        Event::Intended { attempt: 0, token, asked: None, server_time: None }
    }

    fn open(entries: Vec<Entry>) -> Vec<String> {
        let shown = |intent: OpenIntent| {
            let token = intent.token.map_or("-".to_owned(), |token| token.to_string());
            format!("{} {:?} {token} @{}", intent.action, intent.status, intent.since.as_second())
        };
        open_intents(entries).unwrap().into_iter().map(shown).collect()
    }

    #[test]
    fn creates_stay_open_until_they_are_final() {
        let why = || "no capacity".to_owned();
        let entries = vec![
            entry(1, "z", Step::Create, intended(Some("00000000000000aa"))),
            entry(2, "a", Step::Create, intended(Some("00000000000000ab"))),
            entry(3, "a", Step::Create, Event::Started),
            entry(4, "b", Step::Create, intended(Some("00000000000000ac"))),
            entry(5, "b", Step::Create, Event::Refused { why: why() }),
            entry(6, "b", Step::Create, intended(Some("00000000000000ad"))),
            entry(7, "c", Step::Create, intended(Some("00000000000000ae"))),
            entry(8, "c", Step::Create, Event::Refused { why: why() }),
            entry(9, "c", Step::Create, Event::Failed { why: why() }),
        ];
        assert_eq!(
            open(entries),
            [
                "z:create Intended 00000000000000aa @1",
                "a:create Started 00000000000000ab @3",
                "b:create Intended 00000000000000ad @6"
            ]
        );
    }

    #[test]
    fn other_actions_are_open_only_where_something_may_have_happened_unseen() {
        let accepted = Event::Accepted { id: Some(RemoteId::Pod(PodId::new("p1"))) };
        let entries = vec![
            entry(1, "a", Step::Stop, intended(None)),
            entry(1, "b", Step::Stop, intended(None)),
            entry(2, "b", Step::Stop, Event::Started),
            entry(3, "b", Step::Stop, accepted),
            entry(4, "c", Step::Start, intended(None)),
            entry(5, "c", Step::Start, Event::Unknown { why: "timeout".into() }),
            entry(6, "d", Step::Stop, intended(None)),
            entry(7, "d", Step::Stop, Event::Refused { why: "conflict".into() }),
        ];
        assert_eq!(
            open(entries),
            [
                "a:stop Intended - @1",
                "b:stop Accepted { id: Some(Pod(PodId(\"p1\"))) } - @3",
                "c:start Unknown { id: None } - @5"
            ]
        );
    }

    #[test]
    fn an_impossible_order_is_an_error() {
        let entries = vec![entry(1, "a", Step::Stop, Event::Succeeded)];
        assert_eq!(open_intents(entries).unwrap_err().to_string(), "the journal has Succeeded after Pending");
    }
}
