//! What an answer says about the effect of its request.
//!
//! The tables are pure and err towards [`Certainty::Unknown`]: a create that is wrongly taken for refused is sent
//! again and billed twice, one that is wrongly taken for unknown costs a look at the listing. Texts are matched
//! only where a status alone does not tell: REST v1 and GraphQL report a lack of GPUs as 500 and as 200.

use std::time::Duration;

use serde_json::Value;

use crate::model::prior::Api;
use crate::provider::{Certainty, Rejection, Verb};

/// What the body of a failure said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said {
    /// The explanation, as it was sent.
    pub(super) text: String,
    /// The machine-readable code of a GraphQL error.
    pub(super) code: Option<String>,
    /// Whether the body is one that the API itself sends: JSON, or nothing.
    pub(super) genuine: bool,
}

impl Said {
    /// Reads the body of a failure in whichever of the three APIs' shapes it has.
    pub(super) fn read(body: &[u8]) -> Self {
        if body.trim_ascii().is_empty() {
            return Self { text: "no explanation".to_owned(), code: None, genuine: true };
        }
        if let Ok(json) = serde_json::from_slice::<Value>(body) {
            return Self::from_json(&json);
        }
        let text = String::from_utf8_lossy(body);
        // Cloudflare stands in front of the API; its pages say nothing about pods.
        let text = if text.contains("error code: 1010") {
            "the firewall in front of the API refused the request (error code: 1010)".to_owned()
        } else if text.trim_start().starts_with('<') {
            "a web page instead of an answer of the API".to_owned()
        } else {
            text.into_owned()
        };
        Self { text, code: None, genuine: false }
    }

    fn from_json(json: &Value) -> Self {
        // REST v1 wraps some validation errors into a list.
        let json = json.as_array().and_then(|list| list.first()).unwrap_or(json);
        let errors = json.get("errors").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let mut texts: Vec<&str> =
            ["detail", "error", "message"].iter().filter_map(|key| json.get(key)?.as_str()).take(1).collect();
        let of_list =
            |error: &'_ Value| error.as_str().or_else(|| error.get("message")?.as_str()).map(str::to_owned);
        let mut listed: Vec<String> = errors.iter().filter_map(of_list).collect();
        // A missing field makes v2's validator call fields of the right form additional; the missing one is the cause.
        listed.sort_by_key(|text| !text.contains("missing"));
        texts.extend(listed.iter().map(String::as_str));
        let code = errors.iter().find_map(|error| error.get("extensions")?.get("code")?.as_str());
        let text = if texts.is_empty() { "no explanation".to_owned() } else { texts.join("; ") };
        Self { text, code: code.map(str::to_owned), genuine: true }
    }
}

/// Decides what a status and an explanation say about the effect of a request.
pub(super) fn certainty(
    api: Api,
    verb: Verb,
    status: u16,
    said: &Said,
    retry_after: Option<Duration>,
) -> Certainty {
    let rejection = match status {
        200..=299 => return graphql_certainty(verb, said),
        400 | 405 | 406 | 411 | 413..=415 | 422 | 431 => match known_text(&said.text) {
            Some(rejection) => rejection,
            None if api != Api::Graphql && is_about_its_own(&said.text) => Rejection::Broken,
            None => Rejection::Invalid,
        },
        401 => Rejection::KeyRefused,
        402 => Rejection::NoFunds,
        403 => Rejection::Forbidden,
        // A page of some proxy is no proof that an object is gone.
        404 if said.genuine => Rejection::NotFound,
        // A locked pod stays locked however often it is asked, so it is no matter of waiting for another status.
        409 => known_text(&said.text)
            .filter(|known| matches!(known, Rejection::Invalid | Rejection::Migrating))
            .unwrap_or(Rejection::Conflict),
        410 => Rejection::Gone,
        429 => return Certainty::Throttled { retry_after },
        // REST v1 sends 500 for refusals too; any other 500 of a create may have made a pod.
        500 if api == Api::V1 => match known_text(&said.text) {
            Some(rejection) => rejection,
            None => return Certainty::Unknown,
        },
        // Redirects are not followed, and whether a redirected request had an effect is anybody's guess.
        _ => return Certainty::Unknown,
    };
    Certainty::Rejected(rejection)
}

/// Decides the same for GraphQL's errors, which come with status 200.
fn graphql_certainty(verb: Verb, said: &Said) -> Certainty {
    if let Some(rejection) = known_text(&said.text) {
        return Certainty::Rejected(rejection);
    }
    match said.code.as_deref() {
        Some("UNAUTHENTICATED" | "UNAUTHORIZED") => Certainty::Rejected(Rejection::KeyRefused),
        Some("FORBIDDEN") => Certainty::Rejected(Rejection::Forbidden),
        Some("POD_NOT_FOUND" | "NOT_FOUND") => Certainty::Rejected(Rejection::NotFound),
        Some("BAD_USER_INPUT" | "GRAPHQL_VALIDATION_FAILED" | "GRAPHQL_PARSE_FAILED") => {
            Certainty::Rejected(Rejection::Invalid)
        }
        // RUNPOD marks what the service itself refused. A create is worth the doubt all the same.
        Some("RUNPOD") if !verb.is_read() && !verb.is_create() => Certainty::Rejected(Rejection::Conflict),
        Some(_) | None => Certainty::Unknown,
    }
}

/// Recognises the explanations that certainly refuse, as clients have recorded them.
fn known_text(text: &str) -> Option<Rejection> {
    const TEXTS: [(&str, Rejection); 15] = [
        ("no longer any instances available", Rejection::NoCapacity),
        ("no instances currently available", Rejection::NoCapacity),
        ("no instances available", Rejection::NoCapacity),
        ("does not have the resources to deploy", Rejection::NoCapacity),
        ("not enough free gpus", Rejection::NoCapacity),
        ("balance is too low", Rejection::NoFunds),
        ("insufficient balance", Rejection::NoFunds),
        ("insufficient funds", Rejection::NoFunds),
        ("spot pods are no longer offered", Rejection::Invalid),
        ("cannot resume a spot pod", Rejection::Conflict),
        ("pod not found", Rejection::NotFound),
        ("network volume not found", Rejection::NotFound),
        // REST v2 says it with 400.
        ("registry auth not found", Rejection::NotFound),
        ("pod is locked", Rejection::Invalid),
        // Its status was never seen, so the text alone tells it.
        ("migration in progress", Rejection::Migrating),
    ];
    let lower = text.to_lowercase();
    TEXTS.iter().find(|(known, _)| lower.contains(known)).map(|(_, rejection)| *rejection)
}

/// Tells whether a refusal of REST is about what RunPod's services send each other: REST is answered by asking GraphQL,
/// which refuses a document with a field that it does not know before any of it is done. Whoever asks GraphQL sends the
/// document, so that there the same words are about the request.
fn is_about_its_own(text: &str) -> bool {
    const TEXTS: [&str; 3] = ["is not defined by type", "cannot query field", "unknown argument"];
    let lower = text.to_lowercase();
    TEXTS.iter().any(|known| lower.contains(known))
}

#[cfg(test)]
mod tests {
    use super::*;
    use Certainty::{Rejected, Throttled, Unknown};
    use Rejection::{
        Broken, Conflict, Forbidden, Gone, Invalid, KeyRefused, Migrating, NoCapacity, NoFunds, NotFound,
    };

    const MIGRATES: &str = r#"{"error":"This pod has a migration in progress. Cancel the migration before terminating.","status":500}"#;

    fn decide(api: Api, verb: Verb, status: u16, body: &str) -> Certainty {
        certainty(api, verb, status, &Said::read(body.as_bytes()), None)
    }

    #[test]
    fn statuses_of_rest_v2_are_told_apart() {
        let capacity = r#"{"title":"Bad Request","status":400,"detail":"There are no longer any instances available with the requested specifications. Please refresh and try again."}"#;
        let table = [
            (400, capacity, Rejected(NoCapacity)),
            (
                400,
                r#"{"title":"Bad Request","status":400,"detail":"size must not shrink"}"#,
                Rejected(Invalid),
            ),
            (
                400,
                r#"{"title":"Bad Request","status":400,"detail":"You must either provide a template id or pod configuration parameters"}"#,
                Rejected(Invalid),
            ),
            (
                400,
                r#"{"title":"Bad Request","status":400,"detail":"There are not enough free GPUs on the host machine to start this pod."}"#,
                Rejected(NoCapacity),
            ),
            (
                400,
                r#"{"title":"Bad Request","status":400,"detail":"Field \"objectMounts\" is not defined by type \"PodFindAndDeployOnDemandInput\"."}"#,
                Rejected(Broken),
            ),
            (400, MIGRATES, Rejected(Migrating)),
            (400, r#"{"detail":"Registry auth not found"}"#, Rejected(NotFound)),
            (401, r#"{"detail":"missing bearer token"}"#, Rejected(KeyRefused)),
            (402, "", Rejected(NoFunds)),
            (403, r#"{"detail":"access denied"}"#, Rejected(Forbidden)),
            (403, "<html>error code: 1010</html>", Rejected(Forbidden)),
            (404, r#"{"detail":"pod not found"}"#, Rejected(NotFound)),
            (404, "", Rejected(NotFound)),
            (404, "<html>nginx</html>", Unknown),
            (404, "404 page not found", Unknown),
            (408, "", Unknown),
            (409, "{}", Rejected(Conflict)),
            (
                409,
                r#"{"detail":"action 'stop' is not valid for a pod in status EXITED"}"#,
                Rejected(Conflict),
            ),
            (409, r#"{"title":"Conflict","status":409,"detail":"pod is locked"}"#, Rejected(Invalid)),
            (409, MIGRATES, Rejected(Migrating)),
            (410, "gone", Rejected(Gone)),
            (
                413,
                r#"{"title":"Payload Too Large","status":413,"detail":"request body too large"}"#,
                Rejected(Invalid),
            ),
            (413, "<html>413 Request Entity Too Large</html>", Rejected(Invalid)),
            (422, r#"{"detail":"Request validation failed."}"#, Rejected(Invalid)),
            (429, "{}", Throttled { retry_after: None }),
            (301, "", Unknown),
            (307, "", Unknown),
            (500, capacity, Unknown),
            (500, MIGRATES, Unknown),
            (502, "<html>", Unknown),
            (503, "", Unknown),
            (504, "", Unknown),
        ];
        for (status, body, expected) in table {
            assert_eq!(decide(Api::V2, Verb::CreatePod, status, body), expected, "{status} {body}");
        }
    }

    #[test]
    fn refusals_that_rest_v1_sends_as_500_are_recognised() {
        let table = [
            ("create pod: There are no instances currently available", Rejected(NoCapacity)),
            (
                "create pod: This machine does not have the resources to deploy your pod. Please try a different machine",
                Rejected(NoCapacity),
            ),
            (
                "create pod: Your account balance is too low to rent a pod. Please add funds to your account.",
                Rejected(NoFunds),
            ),
            ("create pod: Spot pods are no longer offered", Rejected(Invalid)),
            (
                "start pod: There are not enough free GPUs on the host machine to start this pod.",
                Rejected(NoCapacity),
            ),
            ("create pod: Something went wrong. Please try again later or contact support.", Unknown),
        ];
        for (text, expected) in table {
            let body = serde_json::json!({ "error": text, "status": 500 }).to_string();
            assert_eq!(decide(Api::V1, Verb::CreatePod, 500, &body), expected, "{text}");
        }
        for status in [400, 409, 500] {
            assert_eq!(decide(Api::V1, Verb::StopPod, status, MIGRATES), Rejected(Migrating), "{status}");
        }
    }

    #[test]
    fn errors_of_graphql_are_told_apart_by_text_and_code() {
        let table = [
            (
                "There are no longer any instances available with enough disk space.",
                "RUNPOD",
                Rejected(NoCapacity),
            ),
            ("pod not found to terminate", "POD_NOT_FOUND", Rejected(NotFound)),
            ("Cannot resume a spot pod as an on demand pod.", "RUNPOD", Rejected(Conflict)),
            (
                "Something went wrong. Please try again later or contact support.",
                "INTERNAL_SERVER_ERROR",
                Unknown,
            ),
            ("You must be logged in", "UNAUTHENTICATED", Rejected(KeyRefused)),
            (
                "This pod has a migration in progress. Cancel the migration before terminating.",
                "RUNPOD",
                Rejected(Migrating),
            ),
            ("something nobody has seen", "RUNPOD", Unknown),
        ];
        for (text, code, expected) in table {
            let body = serde_json::json!({ "errors": [{ "message": text, "extensions": { "code": code } }] });
            assert_eq!(decide(Api::Graphql, Verb::CreatePod, 200, &body.to_string()), expected, "{text}");
        }
        let unseen = r#"{"errors":[{"message":"no","extensions":{"code":"RUNPOD"}}]}"#;
        assert_eq!(decide(Api::Graphql, Verb::StartPod, 200, unseen), Rejected(Conflict));
        let validation =
            r#"{"errors":[{"message":"Field \"x\" is not defined by type \"PodResumeInput\"."}]}"#;
        assert_eq!(decide(Api::Graphql, Verb::StartPod, 400, validation), Rejected(Invalid));
    }

    #[test]
    fn explanations_are_read_from_every_shape() {
        let table = [
            (
                r#"{"title":"Unprocessable Entity","status":422,"detail":"Request validation failed.","errors":["$: additional properties 'b' not allowed","$: missing property 'a'"]}"#,
                "Request validation failed.; $: missing property 'a'; $: additional properties 'b' not allowed",
            ),
            (r#"{"error":"pod not found","status":404}"#, "pod not found"),
            (r#"[{"error":"bad body","problems":["x"]}]"#, "bad body"),
            (r#"{"errors":[{"message":"one"},{"message":"two"}],"data":null}"#, "one; two"),
            (r#"{"message":"unauthorized"}"#, "unauthorized"),
            ("{}", "no explanation"),
            ("<!DOCTYPE html><p>hello</p>", "a web page instead of an answer of the API"),
            ("plain", "plain"),
        ];
        for (body, text) in table {
            assert_eq!(Said::read(body.as_bytes()).text, text, "{body}");
        }
    }
}
