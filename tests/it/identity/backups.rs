//! Old copies of a state, put back or used beside the newer one: nothing is made twice, nothing protected is ended, and
//! what is wrong is said before anything is done.

use std::fmt::Write as _;
use std::time::Duration;

use podform::model::plan::Planned;
use podform::plan::Options;
use tokio::time::sleep;

use crate::faults::lab::projects::sheet::{Pod, Sheet, Volume};
use crate::faults::lab::projects::{Account, Base, Ended, acted, told};

/// What happens to a project after its state was copied.
struct Change {
    name: &'static str,
    edit: fn(&mut Sheet),
}

/// One change of each kind. [`before`] is what they begin with.
const CHANGES: [Change; 14] = [
    Change { name: "another image", edit: |sheet| pod(sheet, "llm").image = 2 },
    Change { name: "another GPU, destroy first", edit: |sheet| pod(sheet, "llm").gpu = 1 },
    Change { name: "another GPU, create first", edit: |sheet| pod(sheet, "first").gpu = 1 },
    Change {
        name: "a pod added",
        edit: |sheet| drop(sheet.pods.insert("added".to_owned(), Pod { image: 1, ..Pod::default() })),
    },
    Change { name: "a pod removed", edit: |sheet| drop(sheet.pods.remove("llm")) },
    Change {
        name: "a volume added",
        edit: |sheet| drop(sheet.volumes.insert("added".to_owned(), Volume { size: 1, ..Volume::default() })),
    },
    Change { name: "a volume removed", edit: |sheet| drop(sheet.volumes.remove("spare")) },
    Change { name: "a pod renamed", edit: |sheet| sheet.rename("llm", "chat", true) },
    Change { name: "a volume renamed", edit: |sheet| sheet.rename("volume.spare", "volume.archive", true) },
    Change { name: "one replica more", edit: |sheet| pod(sheet, "pool").replicas = Some(3) },
    Change { name: "one replica less", edit: |sheet| pod(sheet, "pool").replicas = Some(1) },
    Change { name: "stopped", edit: |sheet| pod(sheet, "llm").is_stopped = true },
    Change { name: "protected", edit: |sheet| pod(sheet, "llm").is_protected = true },
    Change {
        name: "a volume protected, its pod replaced",
        edit: |sheet| {
            pod(sheet, "train").gpu = 1;
            sheet.volumes.get_mut("data").unwrap().is_protected = true;
        },
    },
];

fn pod<'s>(sheet: &'s mut Sheet, key: &str) -> &'s mut Pod {
    sheet.pods.get_mut(key).unwrap()
}

fn before() -> Sheet {
    let mut sheet = Sheet::of("acme");
    let mut add = |key: &str, pod: Pod| drop(sheet.pods.insert(key.to_owned(), Pod { image: 1, ..pod }));
    add("llm", Pod::default());
    add("first", Pod { creates_first: true, ..Pod::default() });
    add("kept", Pod { is_protected: true, ..Pod::default() });
    add("pool", Pod { replicas: Some(2), ..Pod::default() });
    add("train", Pod { volume: Some("data".to_owned()), ..Pod::default() });
    for key in ["data", "spare"] {
        sheet.volumes.insert(key.to_owned(), Volume { size: 1, ..Volume::default() });
    }
    sheet
}

/// Lets a project begin, and copies its state.
async fn begun(account: &mut Account<'_>) -> usize {
    let place = account.found(before());
    assert!(account.quiet(place).await, "{}", account.story());
    account.backup(place).await;
    place
}

/// Returns the exit code that a run has and the first line that it says.
fn said(ended: &Ended) -> String {
    let first = |planned: &Planned| told(planned).lines().next().unwrap_or_default().to_owned();
    match ended {
        Ended::NothingToDo(planned) => format!("0: {}", first(planned)),
        Ended::Blocked(planned) => format!("4: {}", first(planned)),
        Ended::Applied(outcome) if outcome.is_complete() => {
            let steps: Vec<String> = outcome.actions.keys().map(ToString::to_string).collect();
            format!("0: {}", steps.join(", "))
        }
        other @ (Ended::Applied(_) | Ended::Mistaken | Ended::CouldNotLook(_)) => format!("{other:?}"),
    }
}

/// Lets each change happen after a copy, puts the copy back, and applies.
#[test]
fn a_state_that_is_older_than_the_account_is_said_to_be_so() {
    let base = Base::new();
    let mut table = String::new();
    for Change { name, edit } in CHANGES {
        let violations = acted(&base, async |account| {
            let place = begun(account).await;
            edit(account.sheet(place));
            assert!(account.quiet(place).await, "{name}: {}", account.story());
            account.put_back_number(place, 0).await;
            sleep(Duration::from_secs(150)).await;
            let ended = account.apply(place, &Options::default()).await;
            writeln!(table, "{name}: {}", said(&ended)).unwrap();
            account.rebuild(place).await;
            account.quiet(place).await;
        });
        assert_eq!(violations, Vec::<String>::new(), "{name}");
    }
    insta::assert_snapshot!(table, @"
    another image: 0: llm:record
    another GPU, destroy first: 4: Blocked: from this state nothing can be planned.
    another GPU, create first: 4: Blocked: from this state nothing can be planned.
    a pod added: 4: Blocked: from this state nothing can be planned.
    a pod removed: 0: llm:forget
    a volume added: 4: Blocked: from this state nothing can be planned.
    a volume removed: 0: volume.spare:forget
    a pod renamed: 0: chat:move, chat:record
    a volume renamed: 0: volume.archive:move
    one replica more: 4: Blocked: from this state nothing can be planned.
    one replica less: 0: pool[1]:forget
    stopped: 0: llm:record
    protected: 0: llm:record
    a volume protected, its pod replaced: 4: Blocked: from this state nothing can be planned.
    ");
}

/// As above, but the newer state is not lost: somebody else goes on with the older copy.
#[test]
fn two_copies_of_a_state_used_in_turn_make_nothing_twice() {
    let base = Base::new();
    for Change { name, edit } in CHANGES {
        let violations = acted(&base, async |account| {
            let place = begun(account).await;
            let other = account.copy_to_another_computer(place).await;
            for place in [place, other] {
                edit(account.sheet(place));
                account.quiet(place).await;
            }
            account.quiet(place).await;
        });
        assert_eq!(violations, Vec::<String>::new(), "{name}");
    }
}

/// Nothing that either could look at keeps two computers apart that begin in the same moment, so pods are made twice.
/// What holds is that at the end of their runs they learn of it, and that the next plan of each does nothing.
#[test]
fn two_copies_of_a_state_used_at_once_are_said_to_be_so() {
    let base = Base::new();
    for Change { name, edit } in CHANGES {
        let mut verdicts = Vec::new();
        let mut others_made = 0;
        let violations = acted(&base, async |account| {
            let place = begun(account).await;
            let other = account.copy_to_another_computer(place).await;
            for place in [place, other] {
                edit(account.sheet(place));
            }
            account.apply_both([place, other]).await;
            for place in [place, other] {
                others_made += account.made_elsewhere(place).await;
            }
            for place in [place, other] {
                sleep(Duration::from_secs(150)).await;
                verdicts.push(said(&account.apply(place, &Options::default()).await));
            }
        });
        let is_twin = |line: &String| line.contains(" made ");
        assert!(violations.iter().all(is_twin), "{name}: {violations:?}");
        assert_eq!(violations.is_empty(), others_made == 0, "{name}");
        let is_refused = |verdict: &String| verdict.starts_with("4: Blocked");
        assert!(violations.is_empty() || verdicts.iter().all(is_refused), "{name}: {verdicts:?}");
    }
}
