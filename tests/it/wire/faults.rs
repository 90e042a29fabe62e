//! Every fault of the simulator, and what the client makes of it.

use podform::simulator::{QuotaSetting, Settings, Simulation};

use super::*;

/// What came of one call under one fault: the certainty in a word, and how many pods there are.
fn create_under(api: Api, fault: &str) -> (String, usize) {
    let faults = format!("create={fault}").parse().unwrap();
    let settings = Settings { quota: QuotaSetting::Unlimited, faults, ..Settings::default() };
    let simulation = Simulation::new(settings);
    let client = Runpod::in_process(api, simulation.router(), &Secret::new(KEY.to_owned())).unwrap();
    let request = PodRequest {
        compute: Compute::Gpu { id: GpuTypeId::new("NVIDIA L4"), count: 1 },
        mount: Mount::None,
        registry: None,
        min_cuda: None,
        data_centers: BTreeSet::new(),
        access: Access { ssh: false, jupyter: false },
        ..pod_request()
    };
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
            let request = PodRequest {
                compute: Compute::Gpu { id: GpuTypeId::new("NVIDIA L4"), count: 1 },
                mount: Mount::Local { size: Gigabytes(20), path: "/workspace".to_owned() },
                registry: None,
                min_cuda: None,
                data_centers: BTreeSet::new(),
                access: Access { ssh: false, jupyter: false },
                ..pod_request()
            };
            let id = client.create_pod(&request).await.unwrap();
            simulated::wait_for(&client, &id, PodStatus::Running).await;
            client.stop_pod(&id).await.unwrap();
            simulation.set_faults(format!("start={fault}").parse().unwrap());
            client.start_pod(&id, 1).await.err().map_or("done".to_owned(), |error| word(&error.certainty))
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
