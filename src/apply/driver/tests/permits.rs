//! What is not sent, whatever the plan says.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_protected_pod_is_not_deleted_whatever_the_plan_says() {
    let mut prior = prior_with("llm", "p");
    prior.objects.values_mut().for_each(|recorded| recorded.record.lifecycle.protect = true);
    let provider = Provider::with([live_pod("p", PodStatus::Running)]);
    let ran = run(plan([("llm:delete", delete("p"))], []), prior, &provider).await;
    assert_eq!(ran.result("llm:delete"), EndResult::Failed("it is protected".to_owned()));
    assert_eq!(ran.calls, [""; 0]);
}

/// Nobody's business of ours: no record has it.
const NOT_OURS: &str = "`foreign` is not recorded here and no request of ours is known to have made it, so nothing is sent about it";

#[tokio::test(start_paused = true)]
async fn what_no_record_has_is_not_touched_whatever_the_plan_says() {
    let deposed = |pod: &str| {
        let ids = [PodId::new(pod)].into();
        with(Operation::DeletePods { ids }, RecordAfter::Deposed(BTreeSet::new()))
    };
    let cases = [
        ("llm:delete", delete("foreign")),
        ("llm:stop", stop("foreign")),
        ("llm:start", start("foreign")),
        ("llm:update", update("foreign", Disruption::InPlace)),
        ("llm:delete-deposed", deposed("foreign")),
    ];
    for (name, action) in cases {
        for prior in [prior(), prior_with("llm", "p")] {
            let provider =
                Provider::with([live_pod("p", PodStatus::Running), live_pod("foreign", PodStatus::Running)]);
            let ran = run(plan([(name, action.clone())], []), prior, &provider).await;
            assert_eq!(ran.result(name), EndResult::Failed(NOT_OURS.to_owned()), "{name}");
            assert_eq!(ran.calls, [""; 0], "{name}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_another_address_has_is_not_touched_from_here() {
    let provider = Provider::with([live_pod("p", PodStatus::Running)]);
    let ran = run(plan([("zz:delete", delete("p"))], []), prior_with("llm", "p"), &provider).await;
    let why = "`p` is recorded at `llm`, so nothing is sent about it from here".to_owned();
    assert_eq!(ran.result("zz:delete"), EndResult::Failed(why));
    assert_eq!(ran.calls, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn no_record_takes_over_what_another_address_has() {
    let taken = |step: &str, pod: &str| {
        let after = RecordAfter::put(Some(RemoteId::Pod(PodId::new(pod))), record());
        (format!("zz:{step}"), with(Operation::Local, after))
    };
    let why = "`p` is recorded at `llm`, so nothing is sent about it from here";
    for ((name, action), why) in
        [(taken("adopt", "p"), why), (taken("record", "p"), why), (taken("record", "foreign"), NOT_OURS)]
    {
        let provider = Provider::with([live_pod("foreign", PodStatus::Running)]);
        let ran = run(plan([(name.as_str(), action)], []), prior_with("llm", "p"), &provider).await;
        assert_eq!(ran.result(&name), EndResult::Failed(why.to_owned()), "{name}");
        assert!(ran.lines().iter().all(|line| !line.starts_with("zz is")), "{:?}", ran.lines());
    }
}

#[tokio::test(start_paused = true)]
async fn a_create_leaves_behind_only_what_its_address_had() {
    let mut action = action("llm:create");
    let RecordAfter::Put { id: _, record } = &mut action.record else { panic!("a create records its pod") };
    record.deposed = [PodId::new("foreign")].into();
    let provider = Provider::with([live_pod("foreign", PodStatus::Running)]);
    let ran = run(plan([("llm:create", action)], []), prior_with("llm", "p"), &provider).await;
    assert_eq!(ran.result("llm:create"), EndResult::Failed(NOT_OURS.to_owned()));
    assert_eq!(ran.calls, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn what_a_request_of_ours_made_and_no_record_has_may_go() {
    let (mut prior, token) = open_create(ActionStatus::Unknown { id: None });
    prior.open.clear();
    let marker = marked(token);
    let made = |created_at| LivePod {
        marker: Some(marker.clone()),
        created_at: Some(created_at),
        ..live_pod("foreign", PodStatus::Running)
    };
    let ended = async |pod: LivePod, prior: Prior| {
        let provider = Provider::with([pod, live_pod("p", PodStatus::Running)]);
        run(plan([("llm:delete", delete("foreign"))], []), prior, &provider).await.result("llm:delete")
    };
    assert_eq!(ended(made(At.now()), prior.clone()).await, DONE);
    let much_later = Timestamp::from_second(At.now().as_second() + 100_000).unwrap();
    assert_eq!(ended(made(much_later), prior.clone()).await, EndResult::Failed(NOT_OURS.to_owned()));
    // Beside a recorded one it must be one too many and nothing else.
    prior.objects.insert("llm".parse().unwrap(), recorded("p"));
    assert_eq!(ended(made(At.now()), prior.clone()).await, DONE);
    let mut differs = made(At.now());
    differs.settings.name = Some("edited".to_owned());
    let why = "`foreign` is not recorded here, and may hold something that the recorded one does not";
    assert_eq!(ended(differs, prior).await, EndResult::Failed(why.to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_volume_that_no_record_has_is_neither_grown_nor_deleted() {
    let id = VolumeId::new("foreign");
    let cases = [
        ("volume.data:delete", Operation::DeleteVolume { id: id.clone() }),
        ("volume.data:update", Operation::GrowVolume { id, size: Gigabytes(900) }),
    ];
    for (name, operation) in cases {
        let provider = Provider::default();
        let action = with(operation, RecordAfter::Remove { tombstone: false });
        let ran = run(plan([(name, action)], []), prior(), &provider).await;
        assert_eq!(ran.result(name), EndResult::Failed(NOT_OURS.to_owned()));
        assert_eq!(ran.calls, [""; 0]);
    }
}
