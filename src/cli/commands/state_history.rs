//! `podform state history`: the runs that wrote the state, and the events of one.

use serde_json::json;

use crate::cli::exit::{self, Exit};
use crate::cli::failure::Failure;
use crate::cli::json::{self, VERSION, printed};
use crate::cli::session::Session;
use crate::cli::shell::Shell;
use crate::cli::table::Table;
use crate::model::journal::{Entry, Event};
use crate::model::plan::Approval;
use crate::render::escape::visible;
use crate::state::Store;
use crate::state::place::Place;
use crate::state::{Approved, CUT_SHORT, PastRun, Run, Source};

/// How much of a run's id the table shows; enough to name it.
const SHORT_ID: usize = 8;
/// How much of a commit's id it shows.
const SHORT_COMMIT: usize = 12;

/// List the runs that wrote the state, or the events of one
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  podform state history\n  podform state history 3f2a")]
pub struct Args {
    /// How the id of a run begins
    #[arg(value_name = "RUN")]
    run: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub async fn run(shell: &Shell, args: &Args) -> Result<Exit, Failure> {
    let Args { run, json } = args;
    let session = Session::of_spec(shell).await?;
    session.tell_in_progress(&session.state.load().await?).await?;
    let past = session.state.history().await?;
    let chosen = match run {
        Some(id) => vec![find(&past, id)?],
        None => past.iter().collect(),
    };
    if *json {
        let runs: Vec<_> = chosen.iter().map(|past| as_json(past, run.is_some())).collect();
        shell.output.data(&printed(&json!({ "version": VERSION, "runs": runs })));
    } else if let (Some(_), [only]) = (run, &chosen[..]) {
        shell.output.data(&events(only));
    } else {
        shell.output.data(&table(&chosen));
    }
    Ok(exit::DONE)
}

/// Returns the run whose id begins so.
fn find<'a>(past: &'a [PastRun], id: &str) -> Result<&'a PastRun, Failure> {
    let mut named = past.iter().filter(|past| past.run.id.as_str().starts_with(id));
    match (named.next(), named.next()) {
        (Some(only), None) => Ok(only),
        (Some(_), Some(_)) => Err(Failure::SeveralRuns { id: id.to_owned() }),
        (None, _) => Err(Failure::NoRun { id: id.to_owned() }),
    }
}

fn table(runs: &[&PastRun]) -> String {
    let mut table = Table::new(["RUN", "BEGAN", "TOOK", "WHO", "COMMAND", "PLAN", "ENDED"]);
    for PastRun { run, ended_at, summary, entries: _ } in runs {
        let Run { id, at, command, plan_digest, who: _, nonce: _, approved: _ } = run;
        // When a run was cut short nobody knows, and who settled it may have had another clock.
        let is_cut_short = summary.as_ref().is_some_and(|summary| summary.starts_with(CUT_SHORT));
        let end = ended_at.filter(|_| !is_cut_short);
        let took = end.map(|end| end.duration_since(*at).as_secs()).filter(|seconds| *seconds >= 0);
        let took = took.map_or_else(String::new, |seconds| format!("{seconds}s"));
        let short: String = id.as_str().chars().take(SHORT_ID).collect();
        let ended = summary.clone().unwrap_or_else(|| "not ended".to_owned());
        table.row([short, at.to_string(), took, who(run), command.clone(), plan_digest.clone(), ended]);
    }
    table.to_string()
}

/// Returns who answers for a run, and what continuous integration ran for.
fn who(run: &Run) -> String {
    let Some(Approved { how: _, by, source: Source { commit, pull_request, url: _ } }) = &run.approved else {
        return run.who.clone();
    };
    let commit = commit.as_ref().map(|commit| commit.chars().take(SHORT_COMMIT).collect());
    let pull_request = pull_request.as_ref().map(|number| format!("#{number}"));
    let parts: Vec<String> = [Some(by.clone()), commit, pull_request].into_iter().flatten().collect();
    parts.join(" ")
}

/// Returns what is known of the approval of a run, a line each.
fn approval(run: &Run) -> String {
    let Some(Approved { how, by, source: Source { commit, pull_request, url } }) = &run.approved else {
        return String::new();
    };
    let how = match how {
        Approval::Prompt => "at the terminal",
        Approval::Flag => "with `--auto-approve`",
        Approval::Digest => "by its digest",
        Approval::SavedPlan => "as a saved plan",
    };
    let line = |name: &str, value: &Option<String>| value.as_ref().map(|value| format!("{name} {value}"));
    let told = [
        Some(format!("approved {how}, by {by}")),
        line("commit", commit),
        line("pull request", pull_request),
        line("run", url),
    ];
    told.into_iter().flatten().map(|line| format!("{}\n", visible(&line))).collect()
}

fn events(past: &PastRun) -> String {
    let mut table = Table::new(["AT", "ACTION", "EVENT", "DETAIL"]);
    for Entry { at, run: _, action, event } in &past.entries {
        let (word, detail) = told(event);
        table.row([at.to_string(), action.to_string(), word.to_owned(), detail]);
    }
    format!("{}{table}", approval(&past.run))
}

/// Returns an event as a word and what belongs to it.
fn told(event: &Event) -> (&'static str, String) {
    match event {
        Event::Intended { attempt, token, asked: _, server_time: _ } => {
            let token = token.as_ref().map_or_else(String::new, |token| format!(", token {token}"));
            ("intended", format!("attempt {attempt}{token}"))
        }
        Event::Started => ("started", String::new()),
        Event::Accepted { id } => ("accepted", id.as_ref().map_or_else(String::new, ToString::to_string)),
        Event::Refused { why } => ("refused", why.clone()),
        Event::Succeeded => ("succeeded", String::new()),
        Event::Failed { why } => ("failed", why.clone()),
        Event::Unknown { why } => ("unknown", why.clone()),
        Event::Skipped { why } => ("skipped", why.clone()),
    }
}

fn as_json(past: &PastRun, with_events: bool) -> serde_json::Value {
    let mut document = json::run(past);
    if with_events {
        let events = past.entries.iter().map(|Entry { at, run: _, action, event }| {
            let (word, detail) = told(event);
            json!({ "at": at.to_string(), "action": action.to_string(), "event": word, "detail": json::said(&detail) })
        });
        document["events"] = events.collect();
    }
    document
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit;

    use crate::model::id::{PodId, RemoteId, RunId};

    fn past(id: &str, ended: Option<i64>) -> PastRun {
        let at = kit::at;
        let entry = |event| Entry { at: at(60), run: RunId::new(id), action: kit::id("llm:create"), event };
        PastRun {
            run: Run { plan_digest: "d1-0".into(), who: "ada@lab".into(), ..kit::run(id, at(0)) },
            ended_at: ended.map(at),
            summary: ended.map(|_| "complete".to_owned()),
            entries: vec![
                entry(Event::Started),
                entry(Event::Accepted { id: Some(RemoteId::Pod(PodId::new("p1"))) }),
            ],
        }
    }

    #[test]
    fn runs_and_their_events_are_tables() {
        let runs =
            [past("0123456789ab", Some(90)), past("aaaaaaaaaaaa", None), past("cccccccccccc", Some(-3_600))];
        let summary = Some(format!("{CUT_SHORT}, settled by bob@box"));
        let cut = PastRun { summary, ..past("dddddddddddd", Some(7_200)) };
        let runs: Vec<PastRun> = runs.into_iter().chain([cut]).collect();
        insta::assert_snapshot!(table(&runs.iter().collect::<Vec<_>>()), @"
        RUN       BEGAN                 TOOK  WHO      COMMAND  PLAN  ENDED
        01234567  1970-01-01T00:00:00Z  90s   ada@lab  apply    d1-0  complete
        aaaaaaaa  1970-01-01T00:00:00Z  -     ada@lab  apply    d1-0  not ended
        cccccccc  1970-01-01T00:00:00Z  -     ada@lab  apply    d1-0  complete
        dddddddd  1970-01-01T00:00:00Z  -     ada@lab  apply    d1-0  cut short, settled by bob@box
        ");
        insta::assert_snapshot!(events(&runs[0]), @r"
        AT                    ACTION      EVENT     DETAIL
        1970-01-01T00:01:00Z  llm:create  started   -
        1970-01-01T00:01:00Z  llm:create  accepted  p1
        ");
        assert_eq!(find(&runs, "0123").unwrap().run.id.as_str(), "0123456789ab");
        assert_eq!(
            find(&runs, "b").unwrap_err().to_string(),
            "there is no run `b`; `podform state history` lists them"
        );
    }
}
