//! What is done when nothing is free: who waits, what is noted of it, and what is never taken for a lack of capacity.

use super::*;
use crate::model::pod::Cloud;
use crate::model::retry::Patience;
use crate::model::seconds::Seconds;

const FULL: Reply = Reply::No(Certainty::Rejected(Rejection::NoCapacity));

/// A create that waits, and one behind it.
fn waiting(after: Option<u32>) -> Plan {
    let mut plan = plan(
        [("llm:create", action("llm:create")), ("web:create", action("web:create"))],
        [("llm:create", "web:create")],
    );
    let create = plan.actions.get_mut(&id("llm:create")).unwrap();
    let Operation::CreatePod(creation) = &mut create.operation else { panic!("no create") };
    creation.retry = Some(Patience { within: Seconds(600), every: Seconds(60) });
    creation.attempts[1].after = after.map(Seconds);
    plan
}

async fn run_waiting(plan: Plan, waits: Waits, provider: &Provider) -> Ran {
    let (_keep, interrupt) = watch::channel(Interrupt::None);
    run_waited((plan, waits), prior(), provider, Notebook::default(), interrupt).await
}

#[tokio::test(start_paused = true)]
async fn what_waits_leaves_nothing_open_and_what_stands_behind_it_is_not_noted() {
    let provider = Provider::default().replies([FULL, FULL]);
    let ran = run_waiting(waiting(None), Waits::default(), &provider).await;
    let why = "no candidate of the plan could be created".to_owned();
    assert_eq!(ran.result("llm:create"), EndResult::NoCapacity(why));
    assert!(matches!(ran.result("web:create"), EndResult::Skipped(_)));
    assert_eq!(ran.calls, ["create secure", "create community"]);
    assert_eq!(
        ran.lines(),
        [
            "llm:create intended 0 with a token",
            "llm:create started",
            "llm:create refused",
            "llm:create intended 1 with a token",
            "llm:create started",
            "llm:create refused",
            "llm:create failed",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_accepted_later_is_tried_once_so_much_was_waited() {
    for (waited, calls) in [(0, &["create secure"][..]), (299, &["create secure", "create community"])] {
        let provider = Provider::default().replies([FULL, FULL]);
        let waited = [("llm".parse().unwrap(), Duration::from_secs(waited))].into();
        let ran = run_waiting(waiting(Some(300)), Waits { waited, ..Waits::default() }, &provider).await;
        assert!(matches!(ran.result("llm:create"), EndResult::NoCapacity(_)));
        assert_eq!(ran.calls, calls);
    }
}

/// Whether a create without an answer was made is found out by looking for it, however patient a run is.
#[tokio::test(start_paused = true)]
async fn a_create_without_an_answer_is_never_taken_for_one_without_capacity() {
    let provider = Provider::default().replies([Reply::Done(Certainty::Unknown)]);
    let ran = run_waiting(waiting(None), Waits::default(), &provider).await;
    assert_eq!((ran.result("llm:create"), ran.result("web:create")), (DONE, DONE));
    assert_eq!(provider.names(), ["made-1", "made-2"]);
    // Where it certainly did not happen, another token is tried at once, and only a refusal is waited out.
    let no_answer = Reply::No(Certainty::Unknown);
    let provider = Provider::default().replies([no_answer.clone(), no_answer.clone(), FULL]);
    let ran = run_waiting(waiting(None), Waits::default(), &provider).await;
    assert!(matches!(ran.result("llm:create"), EndResult::NoCapacity(_)));
    let provider =
        Provider::default().replies([no_answer.clone(), no_answer.clone(), no_answer.clone(), no_answer]);
    let ran = run_waiting(waiting(None), Waits::default(), &provider).await;
    assert!(matches!(ran.result("llm:create"), EndResult::Failed(_)));
}

#[tokio::test(start_paused = true)]
async fn only_a_lack_of_capacity_is_waited_out() {
    for rejection in [Rejection::Invalid, Rejection::Forbidden, Rejection::NoFunds] {
        let refused = Reply::No(Certainty::Rejected(rejection));
        let provider = Provider::default().replies([refused.clone(), refused]);
        let ran = run_waiting(waiting(None), Waits::default(), &provider).await;
        assert!(matches!(ran.result("llm:create"), EndResult::Failed(_)), "{rejection:?}: {:?}", ran.outcome);
    }
}

/// Whether a wait helps does not depend on what was refused last.
#[tokio::test(start_paused = true)]
async fn what_was_full_is_waited_for_whichever_was_tried_last() {
    let refused = |rejection| Reply::No(Certainty::Rejected(rejection));
    let waits = |ran: &Ran| matches!(ran.result("llm:create"), EndResult::NoCapacity(_));
    let in_cloud = |cloud: Cloud| {
        let mut plan = waiting(None);
        let create = plan.actions.get_mut(&id("llm:create")).unwrap();
        let Operation::CreatePod(creation) = &mut create.operation else { panic!("no create") };
        creation.attempts.iter_mut().for_each(|attempt| attempt.candidate.placement.cloud = cloud);
        plan
    };
    let both = [FULL, refused(Rejection::Forbidden)];
    let [full, forbidden] = both.clone();
    for replies in [both, [forbidden, full]] {
        // The key may not create in one cloud, and in the other there is no capacity.
        let provider = Provider::default().replies(replies.clone());
        assert!(waits(&run_waiting(waiting(None), Waits::default(), &provider).await));
        // Where it may not create, none will do.
        let provider = Provider::default().replies(replies);
        assert!(!waits(&run_waiting(in_cloud(Cloud::Secure), Waits::default(), &provider).await));
    }
}

/// A flag is for every pod, and for hosts as well.
#[tokio::test(start_paused = true)]
async fn who_asks_for_it_waits_with_every_pod() {
    let waits = || Waits { at_least: Some(Seconds(600)), ..Waits::default() };
    let provider = Provider::default().replies([FULL, FULL]);
    let ran = run_waiting(create("llm"), waits(), &provider).await;
    assert!(matches!(ran.result("llm:create"), EndResult::NoCapacity(_)));
    let provider = Provider::default().replies([FULL, FULL]);
    let ran = run_waiting(create("llm"), Waits::default(), &provider).await;
    assert!(matches!(ran.result("llm:create"), EndResult::Failed(_)));
    let (_keep, interrupt) = watch::channel(Interrupt::None);
    let provider = Provider::with([live_pod("p", PodStatus::Exited)]).replies([FULL]);
    let start = plan([("llm:start", start("p"))], []);
    let prior = prior_with("llm", "p");
    let ran = run_waited((start, waits()), prior, &provider, Notebook::default(), interrupt).await;
    assert!(matches!(ran.result("llm:start"), EndResult::NoCapacity(_)));
}
