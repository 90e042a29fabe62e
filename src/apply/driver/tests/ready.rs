//! Pods that are asked whether they are ready, and pods that never run.

use super::*;
use crate::model::live::Ran as HasRun;
use crate::model::plan::Action;
use crate::model::ready::{Boot, OnNoBoot, Ready};
use crate::model::retry::Patience;
use crate::model::seconds::Seconds;

const WITHIN: Seconds = Seconds(5 * 60);

fn ready() -> Ready {
    let probe = Probe::Http { port: 8000, path: "/health".to_owned(), statuses: BTreeSet::new() };
    Ready { probe, within: WITHIN }
}

fn asked(plan: Plan, name: &str) -> Plan {
    let mut plan = plan;
    plan.actions.get_mut(&id(name)).unwrap().ready = Some(ready());
    plan
}

/// A pod `prep` that only is asked, and one that is created after it.
fn awaited() -> Plan {
    let record = RecordAfter::put(Some(RemoteId::Pod(PodId::new("p"))), record());
    let wait = Action { ready: Some(ready()), ..with(Operation::AwaitPod { id: PodId::new("p") }, record) };
    plan([("prep:ready", wait), ("llm:create", action("llm:create"))], [("prep:ready", "llm:create")])
}

fn no(times: usize) -> RefCell<VecDeque<Readiness>> {
    RefCell::new(vec![Readiness::NotReady("answered 502".to_owned()); times].into())
}

#[tokio::test(start_paused = true)]
async fn a_created_pod_is_asked_until_it_is_ready_and_on_record_before() {
    let provider = Provider { answers: no(2), ..Provider::default() };
    let ran = run(asked(create("llm"), "llm:create"), prior(), &provider).await;
    assert_eq!(ran.result("llm:create"), DONE);
    assert_eq!(
        ran.calls,
        [
            "create secure",
            "ask made-1 http 8000/health",
            "ask made-1 http 8000/health",
            "ask made-1 http 8000/health"
        ]
    );
    assert_eq!(
        ran.commits,
        [
            vec!["llm:create intended 0 with a token"],
            vec!["llm:create started", "llm:create accepted made-1", "llm is made-1 deposed 0"],
            vec!["llm is made-1 deposed 0"],
            vec!["llm:create succeeded"],
        ]
    );
    assert!(ran.outcome.actions[&id("llm:create")].ready_after.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_is_never_ready_is_kept_and_its_last_lines_are_told() {
    let provider = Provider { answers: no(1_000), ..Provider::default() };
    let began = tokio::time::Instant::now();
    let ran = run(asked(create("llm"), "llm:create"), prior(), &provider).await;
    assert!((WITHIN.duration()..WITHIN.duration() * 2).contains(&began.elapsed()));
    let ended = &ran.outcome.actions[&id("llm:create")];
    let why = "not ready within 5m; http 8000/health: answered 502; the pod is kept";
    assert_eq!(ended.result, EndResult::Failed(why.to_owned()));
    assert_eq!((&ended.log[..], ended.ready_after), (&["the last line".to_owned()][..], None));
    assert_eq!(ran.commits.last(), Some(&vec!["llm:create failed".to_owned()]));
    assert_eq!(provider.names(), ["made-1"]);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_begun_that_waits_for_a_pod_which_is_not_ready() {
    let provider = Provider { answers: no(1_000), ..Provider::with([live_pod("p", PodStatus::Running)]) };
    let ran = run(awaited(), prior_with("prep", "p"), &provider).await;
    assert!(matches!(ran.result("prep:ready"), EndResult::Failed(_)));
    let skipped = EndResult::Skipped("depends on `prep:ready`, which is not done".to_owned());
    assert_eq!(ran.result("llm:create"), skipped);
    assert!(ran.calls.iter().all(|call| call.starts_with("ask ")), "{:?}", ran.calls);
    // Nothing was sent, so nothing is left open.
    assert!(ran.lines().iter().all(|line| line.ends_with(" skipped")), "{:?}", ran.lines());
}

#[tokio::test(start_paused = true)]
async fn what_waits_goes_on_once_the_pod_is_ready() {
    let provider = Provider { answers: no(1), ..Provider::with([live_pod("p", PodStatus::Running)]) };
    let ran = run(awaited(), prior_with("prep", "p"), &provider).await;
    assert_eq!((ran.result("prep:ready"), ran.result("llm:create")), (DONE, DONE));
    assert_eq!(ran.calls, ["ask p http 8000/health", "ask p http 8000/health", "create secure"]);
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_ends_is_not_waited_for() {
    let provider = Provider::with([live_pod("p", PodStatus::Exited)]);
    let began = tokio::time::Instant::now();
    let ran = run(awaited(), prior_with("prep", "p"), &provider).await;
    let why = "it is EXITED before it was ready (http 8000/health); the pod is kept";
    assert_eq!(ran.result("prep:ready"), EndResult::Failed(why.to_owned()));
    assert!(began.elapsed() < Settings::RUNPOD.settling * 2);
}

#[tokio::test(start_paused = true)]
async fn a_signal_ends_the_wait_at_once_and_loses_nothing() {
    for (planned, name, ends, last) in [
        (
            asked(create("llm"), "llm:create"),
            "llm:create",
            "interrupted: taken by the API, not waited for",
            "llm is made-1 deposed 0",
        ),
        (awaited(), "prep:ready", "interrupted", "prep:ready skipped"),
    ] {
        let provider = Provider { answers: no(1_000), ..Provider::with([live_pod("p", PodStatus::Running)]) };
        let (signal, interrupt) = watch::channel(Interrupt::None);
        let interrupts = async {
            sleep(Duration::from_secs(20)).await;
            signal.send(Interrupt::First).unwrap();
        };
        let began = tokio::time::Instant::now();
        let running = run_with(planned, prior_with("prep", "p"), &provider, Notebook::default(), interrupt);
        let (ran, ()) = tokio::join!(running, interrupts);
        assert_eq!(began.elapsed(), Duration::from_secs(20));
        let why = match ran.result(name) {
            EndResult::Unknown(why) | EndResult::Skipped(why) => why,
            other => panic!("{other:?}"),
        };
        assert_eq!(why, ends);
        assert!(ran.lines().contains(&last.to_owned()), "{:?}", ran.lines());
    }
}

fn given_up(or_else: OnNoBoot) -> Plan {
    let mut plan = create("llm");
    let Operation::CreatePod(creation) = &mut plan.actions.get_mut(&id("llm:create")).unwrap().operation
    else {
        panic!("a create");
    };
    creation.boot = Some(Boot { within: WITHIN, or_else });
    plan
}

fn starting(ran: HasRun) -> RefCell<VecDeque<LivePod>> {
    RefCell::new([LivePod { ran, ..live_pod("", PodStatus::Starting) }].into())
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_never_ran_is_gone_before_the_next_one_is_created() {
    let provider = Provider { made_as: starting(HasRun::Never), ..Provider::default() };
    let ran = run(given_up(OnNoBoot::NextCandidate), prior(), &provider).await;
    assert_eq!(ran.result("llm:create"), DONE);
    assert_eq!(ran.calls, ["create secure", "delete made-1", "create community"]);
    assert_eq!(
        ran.commits,
        [
            vec!["llm:create intended 0 with a token"],
            vec!["llm:create started", "llm:create accepted made-1", "llm is made-1 deposed 0"],
            vec!["llm:create intended 1"],
            vec!["llm:create started", "llm:create accepted -"],
            vec!["llm is nothing"],
            vec!["llm:create intended 2 with a token"],
            vec!["llm:create started", "llm:create accepted made-2", "llm is made-2 deposed 0"],
            vec!["llm:create succeeded", "llm is made-2 deposed 0"],
        ]
    );
    let attempts = &ran.outcome.actions[&id("llm:create")].attempts;
    assert_eq!(attempts.len(), 1, "{attempts:?}");
    assert!(
        attempts[0].starts_with("H100 x1 secure: `made-1` did not run within 5m and was given up; "),
        "{attempts:?}"
    );
    assert_eq!(provider.names(), ["made-2"]);
}

/// Whether the place without capacity comes before the one whose pod never ran or after it, a wait may help.
#[tokio::test(start_paused = true)]
async fn a_pod_that_never_ran_does_not_hide_that_another_place_was_full() {
    let full = Reply::No(Certainty::Rejected(Rejection::NoCapacity));
    for (replies, calls) in [
        (vec![full.clone()], ["create secure", "create community", "delete made-2"]),
        (vec![Reply::Ok, Reply::Ok, full], ["create secure", "delete made-1", "create community"]),
    ] {
        let mut plan = given_up(OnNoBoot::NextCandidate);
        let create = plan.actions.get_mut(&id("llm:create")).unwrap();
        let Operation::CreatePod(creation) = &mut create.operation else { panic!("a create") };
        creation.retry = Some(Patience { within: Seconds(600), every: Seconds(60) });
        let provider = Provider { made_as: starting(HasRun::Never), ..Provider::default() }.replies(replies);
        // Whatever a request comes to, it takes one.
        provider.made_as.borrow_mut().extend(starting(HasRun::Never).take());
        let ran = run(plan, prior(), &provider).await;
        assert_eq!(ran.calls, calls);
        let ended = &ran.outcome.actions[&id("llm:create")];
        assert!(matches!(ended.result, EndResult::NoCapacity(_)), "{:?}", ended.result);
        assert_eq!((ended.attempts.len(), ended.given_up.len()), (2, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn with_fail_it_is_gone_and_no_other_is_created() {
    let provider = Provider { made_as: starting(HasRun::Never), ..Provider::default() };
    let ran = run(given_up(OnNoBoot::Fail), prior(), &provider).await;
    assert!(matches!(ran.result("llm:create"), EndResult::Failed(_)));
    assert_eq!(ran.calls, ["create secure", "delete made-1"]);
    assert_eq!(provider.names(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_may_have_run_is_kept() {
    for (ran, why) in [
        (HasRun::Once { since: None }, "it ran once"),
        (HasRun::NotTold, "the API does not tell whether it ran"),
    ] {
        let provider = Provider { made_as: starting(ran), ..Provider::default() };
        let ran = run(given_up(OnNoBoot::NextCandidate), prior(), &provider).await;
        let kept = format!("not RUNNING within 5m, is STARTING; it is kept, as {why}");
        assert_eq!(ran.result("llm:create"), EndResult::Unknown(kept));
        assert_eq!(
            (ran.calls, provider.names()),
            (vec!["create secure".to_owned()], vec!["made-1".to_owned()])
        );
    }
}
