//! Lists of REST v2 in pages.

use axum::Router;
use podform::simulator::world::pod::PodId;
use podform::simulator::{Contract, QuotaSetting, Settings, Simulation};
use serde_json::{Value, json};

use super::{call, small, wait};

/// An account of five pods, the third of which is a member of a cluster, with pages of two.
async fn account(contract: Contract) -> (Simulation, Router) {
    let settings =
        Settings { quota: QuotaSetting::Unlimited, contract, page: Some(2), ..Settings::default() };
    let simulation = Simulation::new(settings);
    let router = simulation.router();
    for name in ["a", "b", "c", "d", "e"] {
        let made = call(&router, "POST", "/v2/pods", Some(small(name))).await;
        if name == "c" {
            let id = PodId(made.body["id"].as_str().unwrap().to_owned());
            simulation.try_edit(|world| world.join_cluster(&id, "cl1")).unwrap();
        }
    }
    wait(&router, 20).await;
    (simulation, router)
}

fn names(page: &Value) -> Vec<&str> {
    page["pods"].as_array().unwrap().iter().map(|pod| pod["name"].as_str().unwrap()).collect()
}

/// Reads a list from the first page to the last; returns the names on each.
async fn walk(router: &Router, query: &str) -> Vec<String> {
    let (mut pages, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = call(router, "GET", &format!("/v2/pods?{query}{cursor}"), None).await.body;
        pages.push(names(&page).join(" "));
        let pagination = &page["pagination"];
        match pagination["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => {
                assert_eq!(*pagination, json!({ "nextCursor": null, "hasNextPage": false }));
                return pages;
            }
        }
    }
}

#[tokio::test]
async fn the_newest_come_first_and_members_of_clusters_are_taken_out_after_the_cut() {
    let (_simulation, router) = account(Contract::Autumn).await;
    assert_eq!(walk(&router, "limit=1000").await, ["e d", "b", "a"]);
    assert_eq!(walk(&router, "limit=1").await, ["e", "d", "", "b", "a"]);
    assert_eq!(walk(&router, "includeClusterPods=true").await, ["e d", "c b", "a"]);
}

#[tokio::test]
async fn what_is_made_or_ended_during_a_walk_shifts_the_rest() {
    let (_simulation, router) = account(Contract::Autumn).await;
    let first = call(&router, "GET", "/v2/pods", None).await.body;
    let next = format!("/v2/pods?cursor={}", first["pagination"]["nextCursor"].as_str().unwrap());
    call(&router, "POST", "/v2/pods", Some(small("f"))).await;
    wait(&router, 20).await;
    let second = call(&router, "GET", &next, None).await.body;
    assert_eq!((names(&first), names(&second)), (vec!["e", "d"], vec!["d"]), "once more, and none new");

    let newest = call(&router, "GET", "/v2/pods", None).await.body;
    let id = newest["pods"][0]["id"].as_str().unwrap();
    let next = format!("/v2/pods?cursor={}", newest["pagination"]["nextCursor"].as_str().unwrap());
    assert_eq!(call(&router, "DELETE", &format!("/v2/pods/{id}"), None).await.status, 204);
    let second = call(&router, "GET", &next, None).await.body;
    assert_eq!((names(&newest), names(&second)), (vec!["f", "e"], vec!["b"]), "`d` is on neither page");
}

#[tokio::test]
async fn a_cursor_is_good_for_its_own_list_and_parameters() {
    let (_simulation, router) = account(Contract::Autumn).await;
    let first = call(&router, "GET", "/v2/pods?limit=2", None).await.body;
    let cursor = first["pagination"]["nextCursor"].as_str().unwrap();
    let mut answers = Vec::new();
    for query in [
        format!("limit=2&cursor={cursor}"),
        format!("limit=1&cursor={cursor}"),
        format!("limit=2&includeClusterPods=true&cursor={cursor}"),
        "cursor=".to_owned(),
        "cursor=2-0".to_owned(),
        "limit=0".to_owned(),
        "limit=1001".to_owned(),
        "limit=many".to_owned(),
    ] {
        let reply = call(&router, "GET", &format!("/v2/pods?{query}"), None).await;
        answers.push(format!("{} {}", reply.status, reply.body["errors"]));
    }
    insta::assert_snapshot!(answers.join("\n"), @r#"
    200 null
    422 ["cursor: not a cursor of this list and these parameters"]
    422 ["cursor: not a cursor of this list and these parameters"]
    422 ["cursor: minLength: got 0, want 1"]
    422 ["cursor: not a cursor of this list and these parameters"]
    422 ["limit: minimum: got 0, want 1"]
    422 ["limit: maximum: got 1001, want 1000"]
    422 ["limit: got string, want integer"]
    "#);
}

#[tokio::test]
async fn in_august_there_were_no_pages() {
    let (_simulation, router) = account(Contract::August).await;
    let reply = call(&router, "GET", "/v2/pods?limit=1", None).await.body;
    assert_eq!((names(&reply), reply.get("pagination")), (vec!["e", "d", "b", "a"], None));
}

#[tokio::test]
async fn a_member_of_a_cluster_is_changed_and_ended_by_its_cluster_alone() {
    let (_simulation, router) = account(Contract::Autumn).await;
    let all = call(&router, "GET", "/v2/pods?includeClusterPods=true", None).await.body;
    let next = format!(
        "/v2/pods?includeClusterPods=true&cursor={}",
        all["pagination"]["nextCursor"].as_str().unwrap()
    );
    let member = call(&router, "GET", &next, None).await.body["pods"][0].clone();
    assert_eq!(member["cluster"], json!({ "id": "cl1", "rank": null }));
    let path = format!("/v2/pods/{}", member["id"].as_str().unwrap());
    for (method, path, body) in [
        ("PATCH", path.clone(), Some(json!({ "name": "mine" }))),
        ("POST", format!("{path}/action"), Some(json!({ "action": "stop" }))),
        ("DELETE", path.clone(), None),
    ] {
        assert_eq!(call(&router, method, &path, body).await.status, 409, "{method} {path}");
    }
}
