//! What becomes of the actions that a dead run left open.

use super::*;

async fn settled(prior: &Prior, provider: &Provider) -> (Vec<Fate>, Vec<String>) {
    settled_with(Settings::RUNPOD, prior, provider).await
}

async fn settled_with(settings: Settings, prior: &Prior, provider: &Provider) -> (Vec<Fate>, Vec<String>) {
    let notebook = Notebook::default();
    let (_keep, interrupt) = watch::channel(Interrupt::None);
    let run = async |context: TestContext<'_>| settle(prior, context).await.unwrap();
    let recovered = with_settings(settings, provider, &notebook, interrupt, run).await;
    let fates = recovered.into_iter().map(|recovered| recovered.fate).collect();
    (fates, notebook.commits.into_inner().concat())
}

#[tokio::test(start_paused = true)]
async fn a_create_of_a_dead_run_is_adopted_with_its_record() {
    let (prior, token) = open_create(ActionStatus::Intended);
    let marker = marked(token);
    let provider = Provider::with([LivePod { marker: Some(marker), ..live_pod("p", PodStatus::Running) }]);
    let (fates, lines) = settled(&prior, &provider).await;
    let id = RemoteId::Pod(PodId::new("p"));
    assert_eq!(fates, [Fate::Adopted { id, retired: BTreeSet::new() }]);
    assert_eq!(
        lines,
        ["llm:create started", "llm:create accepted p", "llm is p deposed 0", "llm:create failed"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_duplicate_of_one_create_is_terminated() {
    let (prior, token) = open_create(ActionStatus::Unknown { id: None });
    let marker = marked(token);
    let twin = |name| LivePod {
        marker: Some(marker.clone()),
        created_at: Some(At.now()),
        ..live_pod(name, PodStatus::Running)
    };
    let provider = Provider::with([twin("p"), twin("q")]);
    let (fates, lines) = settled(&prior, &provider).await;
    let id = RemoteId::Pod(PodId::new("p"));
    assert_eq!(fates, [Fate::Adopted { id, retired: BTreeSet::from([PodId::new("q")]) }]);
    assert_eq!(provider.names(), ["p"]);
    assert_eq!(
        lines,
        [
            "llm:create accepted p",
            "llm is p deposed 0",
            "llm:create intended 0",
            "llm:create started",
            "llm:create accepted p",
            "llm:create failed"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_create_that_may_still_arrive_is_waited_for() {
    let (prior, _) = open_create(ActionStatus::Intended);
    let began = tokio::time::Instant::now();
    let (fates, lines) = settled(&prior, &Provider::default()).await;
    let Settings { intent_validity, request_timeout, settling, .. } = Settings::RUNPOD;
    assert!(began.elapsed() >= intent_validity + request_timeout + settling);
    assert_eq!(fates, [Fate::NotDone]);
    assert_eq!(lines, ["llm:create refused", "llm:create failed"]);
}

/// A clock that goes faster than that by which requests time out says nothing of when these are over.
#[tokio::test(start_paused = true)]
async fn how_long_ago_a_create_was_sent_is_told_by_a_clock_that_keeps_time() {
    let (mut prior, _) = open_create(ActionStatus::Intended);
    prior.open[0].server_time = Some(At.now() - SignedDuration::from_hours(1));
    for (settings, waits) in [(Settings::RUNPOD, false), (Settings::SIMULATOR, true)] {
        let began = tokio::time::Instant::now();
        let (fates, _) = settled_with(settings, &prior, &Provider::default()).await;
        assert_eq!(fates, [Fate::NotDone]);
        let in_flight = settings.intent_validity + settings.request_timeout;
        assert_eq!(began.elapsed() >= in_flight, waits, "{:?}", began.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_on_record_is_left_to_the_plan_at_once() {
    let (prior, _) = open_create(ActionStatus::Accepted { id: Some(RemoteId::Pod(PodId::new("p"))) });
    let began = tokio::time::Instant::now();
    let (fates, lines) = settled(&prior, &Provider::default()).await;
    assert_eq!((began.elapsed(), fates), (Duration::ZERO, vec![Fate::LeftToPlan]));
    assert_eq!(lines, ["llm:create failed"]);
}
