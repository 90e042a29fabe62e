//! Every fault of the simulator, and what the client makes of it.

use podform::simulator::{QuotaSetting, Settings, Simulation};

use super::*;

/// What came of one call under one fault: the certainty in a word, and how many pods there are.
fn create_under(api: Api, fault: &str) -> (String, usize) {
    let faults = format!("create={fault}").parse().unwrap();
    let settings = Settings { quota: QuotaSetting::Unlimited, faults, ..Settings::default() };
    let simulation = Simulation::new(settings);
    let client = Runpod::in_process(api, simulation.router(), &Secret::new(KEY.to_owned())).unwrap();
    let request = pod_request_for(GpuTypeId::new("NVIDIA L4"), None, Storage::None);
    let word = match run(client.create_pod(&request)) {
        Ok(_) => "done".to_owned(),
        Err(error) => word(&error.certainty),
    };
    (word, simulation.inspect(|world| world.all_pods().count()))
}

fn word(certainty: &Certainty) -> String {
    match certainty {
        Certainty::Rejected(rejection) => format!("{rejection:?}"),
        Certainty::Throttled { retry_after: _ } => "Throttled".to_owned(),
        Certainty::NotDone => "NotDone".to_owned(),
        Certainty::Unknown => "Unknown".to_owned(),
    }
}

#[test]
fn a_create_is_never_taken_for_refused_when_it_made_a_pod() {
    let table = [
        ("refused", "Invalid", 0),
        ("no-capacity", "NoCapacity", 0),
        ("throttled:7", "Throttled", 0),
        ("unavailable", "Unknown", 0),
        ("done-but-500", "Unknown", 1),
        ("done-but-timeout", "Unknown", 1),
        ("not-done-timeout", "Unknown", 0),
        ("slow:8", "done", 1),
        ("balance", "NoFunds", 0),
        ("key-refused", "KeyRefused", 0),
        ("forbidden", "Forbidden", 0),
        ("waf", "Forbidden", 0),
        ("malformed", "Unknown", 1),
        ("truncated", "Unknown", 1),
        ("wrong-content-type", "Unknown", 1),
        ("redirect", "Unknown", 0),
    ];
    for api in simulated::SPOKEN {
        let seen = table.map(|(fault, _, _)| create_under(api, fault));
        let seen: Vec<_> = table
            .iter()
            .zip(&seen)
            .map(|((fault, _, _), (word, pods))| (*fault, word.as_str(), *pods))
            .collect();
        assert_eq!(seen, table, "{api:?}");
    }
}

#[test]
fn a_start_on_a_full_host_is_told_from_other_failures() {
    let certainty = |api, fault: &str| {
        let settings = Settings { quota: QuotaSetting::Unlimited, ..Settings::default() };
        let simulation = Simulation::new(settings);
        let client = Runpod::in_process(api, simulation.router(), &Secret::new(KEY.to_owned())).unwrap();
        run(async {
            let id = client.create_pod(&small_request()).await.unwrap();
            simulated::wait_for(&client, &id, PodStatus::Running).await;
            client.stop_pod(&id).await.unwrap();
            simulation.set_faults(format!("start={fault}").parse().unwrap());
            client
                .start_pod(&id, 1, None)
                .await
                .err()
                .map_or("done".to_owned(), |error| word(&error.certainty))
        })
    };
    for api in simulated::SPOKEN {
        for (fault, word) in [
            ("host-full", "NoCapacity"),
            ("host-lost", "NoCapacity"),
            ("zero-gpu", "done"),
            ("unavailable", "Unknown"),
            ("did-nothing", "done"),
        ] {
            assert_eq!(certainty(api, fault), word, "{api:?} {fault}");
        }
    }
}

/// What a listing meets under each fault. A read has no effect, so nothing is ever in doubt but what is there.
#[test]
fn a_listing_is_never_taken_for_an_empty_account() {
    let table = [
        ("refused", "Invalid"),
        ("throttled:7", "Throttled"),
        ("unavailable", "Unknown"),
        ("done-but-500", "Unknown"),
        ("done-but-timeout", "Unknown"),
        ("not-done-timeout", "Unknown"),
        ("slow:8", "1 pod"),
        ("key-refused", "KeyRefused"),
        ("forbidden", "Forbidden"),
        ("waf", "Forbidden"),
        ("malformed", "Unknown"),
        ("truncated", "Unknown"),
        ("wrong-content-type", "Unknown"),
        ("redirect", "Unknown"),
    ];
    for api in simulated::SPOKEN {
        let seen = table.map(|(fault, _)| {
            let settings = Settings { quota: QuotaSetting::Unlimited, ..Settings::default() };
            let simulation = Simulation::new(settings);
            let client = Runpod::in_process(api, simulation.router(), &Secret::new(KEY.to_owned())).unwrap();
            run(async {
                let id = client.create_pod(&small_request()).await.unwrap();
                simulated::wait_for(&client, &id, PodStatus::Running).await;
                simulation.set_faults(format!("list={fault}").parse().unwrap());
                match client.list_pods().await {
                    Ok(pods) => format!("{} pod", pods.len()),
                    Err(error) => word(&error.certainty),
                }
            })
        });
        let seen: Vec<_> =
            table.iter().zip(&seen).map(|((fault, _), word)| (*fault, word.as_str())).collect();
        assert_eq!(seen, table, "{api:?}");
    }
}

fn small_request() -> PodRequest {
    let storage = Storage::Local { size: Gigabytes(20), path: "/workspace".to_owned() };
    pod_request_for(GpuTypeId::new("NVIDIA L4"), None, storage)
}

/// What a pod is asked for beside its creation.
#[derive(Clone, Copy, Debug)]
enum Change {
    Update,
    Stop,
    Start,
    Delete,
}

impl Change {
    fn word(self) -> &'static str {
        match self {
            Self::Update => "update",
            Self::Stop => "stop",
            Self::Start => "start",
            Self::Delete => "terminate",
        }
    }

    async fn send(self, client: &Runpod, id: &PodId) -> Result<(), ProviderError> {
        match self {
            Self::Update => {
                let patch = PatchRequest {
                    id: id.clone(),
                    settings: PodSettings { image: Some("img:2".to_owned()), ..patch_request().settings },
                };
                client.update_pod(&patch).await
            }
            Self::Stop => client.stop_pod(id).await,
            Self::Start => client.start_pod(id, 1, None).await,
            Self::Delete => client.delete_pod(id).await,
        }
    }

    /// Tells whether it was done, by the world itself.
    fn is_done(self, simulation: &Simulation) -> bool {
        use podform::simulator::world::pod::Status;
        simulation.inspect(|world| {
            let pod = world.all_pods().next().unwrap();
            let status = pod.status(world.now());
            match self {
                Self::Update => pod.settings.image == "img:2",
                Self::Stop => status == Status::Exited,
                Self::Start => status != Status::Exited,
                Self::Delete => status == Status::Terminated,
            }
        })
    }
}

/// What came of one change under one fault, and whether it was done.
fn change_under(api: Api, change: Change, fault: &str) -> (String, bool) {
    let simulation = Simulation::new(Settings { quota: QuotaSetting::Unlimited, ..Settings::default() });
    let client = Runpod::in_process(api, simulation.router(), &Secret::new(KEY.to_owned())).unwrap();
    let word = run(async {
        let id = client.create_pod(&small_request()).await.unwrap();
        simulated::wait_for(&client, &id, PodStatus::Running).await;
        if matches!(change, Change::Start) {
            client.stop_pod(&id).await.unwrap();
        }
        simulation.set_faults(format!("{}={fault}", change.word()).parse().unwrap());
        let result = change.send(&client, &id).await;
        result.err().map_or("done".to_owned(), |error| word(&error.certainty))
    });
    (word, change.is_done(&simulation))
}

#[test]
fn a_change_is_never_taken_for_refused_when_it_was_done() {
    let table = [
        ("refused", "Invalid", false),
        ("throttled:7", "Throttled", false),
        ("unavailable", "Unknown", false),
        ("done-but-500", "Unknown", true),
        ("done-but-timeout", "Unknown", true),
        ("not-done-timeout", "Unknown", false),
        ("slow:8", "done", true),
        ("did-nothing", "done", false),
        ("key-refused", "KeyRefused", false),
        ("forbidden", "Forbidden", false),
        ("waf", "Forbidden", false),
        ("wrong-content-type", "Unknown", true),
        ("redirect", "Unknown", false),
    ];
    for api in simulated::SPOKEN {
        for change in [Change::Update, Change::Stop, Change::Start, Change::Delete] {
            let seen = table.map(|(fault, _, _)| change_under(api, change, fault));
            let seen: Vec<_> = table
                .iter()
                .zip(&seen)
                .map(|((fault, _, _), (word, is_done))| (*fault, word.as_str(), *is_done))
                .collect();
            assert_eq!(seen, table, "{change:?} over {api:?}");
        }
    }
}
