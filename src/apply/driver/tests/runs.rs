//! How a run goes: what is sent, what is journalled, and what ends it.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_create_is_intended_before_and_recorded_directly_after_its_request() {
    let provider = Provider::default();
    let ran = run(create("llm"), prior(), &provider).await;
    assert_eq!(ran.result("llm:create"), DONE);
    assert_eq!(
        ran.commits,
        [
            vec!["llm:create intended 0 with a token"],
            vec!["llm:create started", "llm:create accepted made-1", "llm is made-1 deposed 0"],
            vec!["llm:create succeeded", "llm is made-1 deposed 0"],
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_create_without_an_answer_is_found_and_not_repeated() {
    let provider = Provider::default().replies([Reply::Done(Certainty::Unknown)]);
    let ran = run(create("llm"), prior(), &provider).await;
    assert_eq!((ran.result("llm:create"), ran.calls), (DONE, vec!["create secure".to_owned()]));
    assert_eq!(provider.names(), ["made-1"]);
}

/// How long the computer is suspended while the request waits for its connection, and the tokens of what was made.
#[tokio::test(start_paused = true)]
async fn a_request_that_waited_through_a_suspension_is_given_up_once_nobody_reckons_with_it() {
    let Settings { intent_validity, request_timeout, .. } = Settings::RUNPOD;
    let limit = intent_validity + request_timeout;
    for (suspended, attempt) in [(limit, 0), (limit + Duration::from_secs(1), 1)] {
        let connects = Duration::from_secs(1);
        let provider = Provider::default().replies([Reply::Slow(connects)]);
        let (_keep, interrupt) = watch::channel(Interrupt::None);
        let notebook = Notebook::default();
        let slept = Rc::clone(&notebook.slept);
        let suspend = async {
            sleep(connects / 2).await;
            slept.set(suspended);
        };
        let (ran, ()) =
            tokio::join!(run_with(create("llm"), prior(), &provider, notebook, interrupt), suspend);
        assert_eq!(ran.result("llm:create"), DONE);
        let made: Vec<Token> =
            provider.pods.borrow().values().map(|pod| pod.marker.clone().unwrap().token).collect();
        assert_eq!(made, [attempt_token("llm", attempt)]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_create_that_did_not_happen_is_sent_again_with_another_token() {
    let provider = Provider::default().replies([Reply::No(Certainty::Unknown)]);
    let began = tokio::time::Instant::now();
    let ran = run(create("llm"), prior(), &provider).await;
    assert!(began.elapsed() >= Settings::RUNPOD.settling);
    assert_eq!((ran.result("llm:create"), ran.calls), (DONE, vec!["create secure".to_owned(); 2]));
    let pods = provider.pods.borrow();
    let marker = pods.values().next().and_then(|pod| pod.marker.clone()).unwrap();
    assert_eq!(marker.token, attempt_token("llm", 1));
}

#[tokio::test(start_paused = true)]
async fn no_capacity_leads_to_the_next_candidate() {
    let provider = Provider::default().replies([Reply::No(Certainty::Rejected(Rejection::NoCapacity))]);
    let ran = run(create("llm"), prior(), &provider).await;
    assert_eq!(ran.result("llm:create"), DONE);
    assert_eq!(ran.calls, ["create secure", "create community"]);
    assert_eq!(ran.outcome.actions[&id("llm:create")].attempts, ["H100 x1 secure: WRITE was rejected: so"]);
}

#[tokio::test(start_paused = true)]
async fn a_throttled_create_waits_and_keeps_its_token() {
    let throttled = Certainty::Throttled { retry_after: Some(Duration::from_secs(12)) };
    let provider = Provider::default().replies([Reply::No(throttled)]);
    let ran = run(create("llm"), prior(), &provider).await;
    assert_eq!((ran.result("llm:create"), ran.calls.len()), (DONE, 2));
    let pods = provider.pods.borrow();
    assert_eq!(
        pods.values().next().and_then(|pod| pod.marker.clone()).unwrap().token,
        attempt_token("llm", 0)
    );
}

#[tokio::test(start_paused = true)]
async fn without_money_nothing_more_is_sent() {
    let provider = Provider::default().replies([Reply::No(Certainty::Rejected(Rejection::NoFunds))]);
    let plan = plan(
        [("a:create", action("a:create")), ("b:create", action("b:create"))],
        [("a:create", "b:create")],
    );
    let ran = run(plan, prior(), &provider).await;
    assert_eq!(ran.outcome.stopped_by, Some(StoppedBy::NoFunds));
    assert_eq!(ran.calls, ["create secure"]);
    assert!(matches!(ran.result("b:create"), EndResult::Skipped(_)));
}

#[tokio::test(start_paused = true)]
async fn a_panic_stops_the_run_and_leaves_its_action_open_in_the_journal() {
    let slow = Reply::Slow(Duration::from_secs(3));
    let provider = Provider::default().replies([Reply::Panics, slow]);
    let creates = ["a:create", "b:create", "c:create"].map(|name| (name, action(name)));
    let ran = run(plan(creates, [("b:create", "c:create")]), prior(), &provider).await;
    assert_eq!(ran.outcome.stopped_by, Some(StoppedBy::Bug("no such entry".to_owned())));
    assert_eq!(ran.result("a:create"), EndResult::Unknown("panicked: no such entry".to_owned()));
    assert_eq!((ran.result("b:create"), provider.names()), (DONE, vec!["made-2".to_owned()]));
    assert!(matches!(ran.result("c:create"), EndResult::Skipped(_)));
    let of_a: Vec<String> = ran.lines().into_iter().filter(|line| line.starts_with("a:")).collect();
    assert_eq!(of_a, ["a:create intended 0 with a token"]);
}

#[tokio::test(start_paused = true)]
async fn a_forbidden_cloud_is_not_asked_again() {
    let forbidden = Reply::No(Certainty::Rejected(Rejection::Forbidden));
    let provider = Provider::default().replies([forbidden]);
    let plan = plan(
        [("a:create", action("a:create")), ("b:create", action("b:create"))],
        [("a:create", "b:create")],
    );
    let ran = run(plan, prior(), &provider).await;
    assert_eq!(ran.calls, ["create secure", "create community", "create community"]);
    assert!(ran.outcome.is_complete());
}

#[tokio::test(start_paused = true)]
async fn intents_of_one_turn_share_a_commit() {
    let plan = plan(["a:create", "b:create", "c:create"].map(|name| (name, action(name))), []);
    let ran = run(plan, prior(), &Provider::default()).await;
    assert_eq!(ran.commits[0], ["a", "b", "c"].map(|name| format!("{name}:create intended 0 with a token")));
}

#[tokio::test(start_paused = true)]
async fn an_intent_that_grew_old_is_committed_again() {
    let notebook = Notebook { first_takes: Cell::new(Duration::from_secs(6)), ..Notebook::default() };
    let (_keep, interrupt) = watch::channel(Interrupt::None);
    let ran = run_with(create("llm"), prior(), &Provider::default(), notebook, interrupt).await;
    let lines = ran.lines();
    assert_eq!(
        lines[..3],
        ["llm:create intended 0 with a token", "llm:create intended 0 with a token", "llm:create started"]
    );
    assert_eq!(ran.calls, ["create secure"]);
}

/// What waiting is measured with stands still meanwhile, and the clock of the host may be set back.
#[tokio::test(start_paused = true)]
async fn an_intent_from_before_a_suspension_is_committed_again() {
    let notebook = Notebook { first_sleeps: Cell::new(Duration::from_secs(6)), ..Notebook::default() };
    let (_keep, interrupt) = watch::channel(Interrupt::None);
    let ran = run_with(create("llm"), prior(), &Provider::default(), notebook, interrupt).await;
    assert_eq!(
        ran.lines()[..3],
        ["llm:create intended 0 with a token", "llm:create intended 0 with a token", "llm:create started"]
    );
    assert_eq!(ran.calls, ["create secure"]);
}

#[tokio::test(start_paused = true)]
async fn when_the_journal_is_full_nothing_more_is_sent() {
    let (_keep, interrupt) = watch::channel(Interrupt::None);
    let notebook = Notebook { room: Some(1), ..Notebook::default() };
    let plan = plan(
        [("a:create", action("a:create")), ("b:create", action("b:create"))],
        [("a:create", "b:create")],
    );
    let ran = run_with(plan, prior(), &Provider::default(), notebook, interrupt).await;
    assert_eq!(ran.calls, ["create secure"]);
    assert!(matches!(ran.outcome.stopped_by, Some(StoppedBy::Journal(_))));
    assert!(matches!(ran.result("a:create"), EndResult::Unknown(_)));
    assert!(matches!(ran.result("b:create"), EndResult::Skipped(_)));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_without_a_durable_intent() {
    let (_keep, interrupt) = watch::channel(Interrupt::None);
    let notebook = Notebook { room: Some(0), ..Notebook::default() };
    let ran = run_with(create("llm"), prior(), &Provider::default(), notebook, interrupt).await;
    assert_eq!(ran.calls, [""; 0]);
    assert!(matches!(ran.result("llm:create"), EndResult::Skipped(_)));
}

#[tokio::test(start_paused = true)]
async fn the_first_signal_awaits_the_wire_and_the_second_gives_up() {
    let plan = || {
        plan([("a:create", action("a:create")), ("b:create", action("b:create"))], [("a:create", "b:create")])
    };
    for (signals, made, why) in
        [(1, 1, "interrupted: taken by the API, not waited for"), (2, 0, "interrupted")]
    {
        let provider = Provider::default().replies([Reply::Slow(Duration::from_secs(9))]);
        let (sender, interrupt) = watch::channel(Interrupt::None);
        let signal = async {
            sleep(Duration::from_secs(2)).await;
            sender.send(Interrupt::First).unwrap();
            sleep(Duration::from_secs(2)).await;
            if signals == 2 {
                sender.send(Interrupt::Second).unwrap();
            }
        };
        let (ran, ()) =
            tokio::join!(run_with(plan(), prior(), &provider, Notebook::default(), interrupt), signal);
        assert_eq!(provider.names().len(), made);
        assert_eq!(ran.outcome.stopped_by, Some(StoppedBy::Interrupt));
        assert_eq!(ran.result("a:create"), EndResult::Unknown(why.to_owned()));
        assert!(matches!(ran.result("b:create"), EndResult::Skipped(_)));
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_without_an_effect_is_a_failure() {
    let provider = Provider::with([live_pod("p", PodStatus::Running)]).replies([Reply::Idle]);
    let ran = run(plan([("llm:stop", stop("p"))], []), prior_with("llm", "p"), &provider).await;
    assert_eq!(
        ran.result("llm:stop"),
        EndResult::Failed("the API said yes, but it is still RUNNING".to_owned())
    );
}

#[tokio::test(start_paused = true)]
async fn a_stop_without_an_answer_is_looked_at_before_it_is_repeated() {
    for (reply, calls) in [(Reply::Done(Certainty::Unknown), 1), (Reply::No(Certainty::Unknown), 2)] {
        let provider = Provider::with([live_pod("p", PodStatus::Running)]).replies([reply]);
        let ran = run(plan([("llm:stop", stop("p"))], []), prior_with("llm", "p"), &provider).await;
        assert_eq!((ran.result("llm:stop"), ran.calls.len()), (DONE, calls));
    }
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_comes_back_without_gpus_is_stopped_at_once() {
    let provider = Provider::with([live_pod("p", PodStatus::Exited)]);
    let none = Compute::Gpu { id: GpuTypeId::new("H100"), count: 0 };
    provider.start_with.replace(Some(none));
    let ran = run(plan([("llm:start", start("p"))], []), prior_with("llm", "p"), &provider).await;
    assert_eq!(ran.calls, ["start p 1", "stop p"]);
    let EndResult::Failed(why) = ran.result("llm:start") else { panic!("{:?}", ran.outcome) };
    let (stuck, ways_out) = why.split_once("; ").unwrap();
    assert_eq!(stuck, "its host has no free GPU: it came back with H100 x0");
    assert!(
        ways_out.contains("on_stuck_resume: wait") && ways_out.contains("on_stuck_resume: replace"),
        "{why}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_stuck_pod_is_replaced_as_planned() {
    let provider = Provider::with([live_pod("p", PodStatus::Exited)])
        .replies([Reply::No(Certainty::Rejected(Rejection::NoCapacity))]);
    let operation = Operation::StartPod {
        id: PodId::new("p"),
        compute: Some(compute()),
        bid: None,
        on_stuck: OnStuck::Replace(Box::new(creation_at("llm"))),
    };
    let action = with(operation, RecordAfter::put(None, record()));
    let ran = run(plan([("llm:start", action)], []), prior_with("llm", "p"), &provider).await;
    assert_eq!(ran.calls, ["start p 1", "delete p", "create secure"]);
    assert_eq!((ran.result("llm:start"), provider.names()), (DONE, vec!["made-1".to_owned()]));
    assert_eq!(ran.lines().last().unwrap(), "llm is made-1 deposed 0");
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_is_gone_already_counts_as_deleted() {
    let provider = Provider::default().replies([Reply::No(Certainty::Rejected(Rejection::NotFound))]);
    let ran = run(plan([("llm:delete", delete("p"))], []), prior_with("llm", "p"), &provider).await;
    assert_eq!(ran.result("llm:delete"), DONE);
    assert!(ran.lines().contains(&"llm is nothing".to_owned()));
}
