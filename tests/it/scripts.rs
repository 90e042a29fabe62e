//! Stories as a user lives them: `tests/scripts/NAME.txt` holds commands and why, `NAME.out` all that they print.
//!
//! Each script runs the real binary in a folder of its own that holds a copy of `examples/`. Nothing is redacted but
//! the ids in stories of faults:
//! the simulator's world, its clock and its ids come from a seed. `UPDATE_SCRIPTS=1` writes the `.out` files anew.
//! What a line may say stands in `stage.rs`; arguments may hold `{digest}` for the last digest that was printed and
//! `{hash}` for its part without the price.
#![expect(clippy::disallowed_methods, reason = "tests run programs in folders of their own")]

use std::fmt::Write as _;
use std::fs;

use crate::stage::{API_KEY, Stage, folder};

/// One test for each script, so that one can be run by its name.
macro_rules! scripts {
    ($($name:ident),+ $(,)?) => {
        /// Every script that has a test.
        const SCRIPTS: &[&str] = &[$(stringify!($name)),+];
        $(#[test] fn $name() { check(stringify!($name)); })+
    };
}

scripts! {
    account_secrets,
    account_templates,
    api_limits,
    api_switch,
    api_v1,
    approval,
    budget,
    by_hand,
    changes,
    clocks,
    clones,
    counts,
    deposed,
    doctor,
    drift,
    events,
    example_comfyui_studio,
    example_data_prep,
    example_finetune_fleet,
    example_llm_pool,
    example_team,
    example_training,
    exit_codes,
    import,
    import_all,
    fault_account,
    fault_answers,
    fault_balance,
    fault_boot,
    fault_boot_former,
    fault_boot_kept,
    fault_boot_killed,
    fault_boot_waits,
    fault_capacity,
    fault_image,
    fault_image_other_apis,
    fault_listing,
    fault_migration,
    fault_not_up_yet,
    fault_pods,
    fault_references,
    fault_stuck,
    fault_stuck_boot,
    fault_stuck_refers,
    fault_timeouts,
    fault_waits,
    fault_waits_cut_off,
    fault_waits_meanwhile,
    fault_waits_refers,
    fault_widened,
    faults,
    floors,
    foreign_commands,
    ignored,
    init,
    in_progress,
    init_import,
    jobs,
    jobs_approved,
    jobs_cut,
    jobs_end,
    jobs_ended_meanwhile,
    jobs_faults,
    jobs_forgotten,
    jobs_from_service,
    jobs_import,
    jobs_lost,
    jobs_marked,
    jobs_restored,
    jobs_restored_pods,
    jobs_saved,
    jobs_spec,
    jobs_told,
    jobs_until,
    left_alone,
    locked,
    logs,
    lost_move,
    lost_state,
    moved_state,
    made_registries,
    made_secrets,
    older_state,
    names,
    no_catalog,
    odd_entries,
    order,
    output,
    pages,
    places,
    profiles,
    protect,
    protect_profile,
    quickstart,
    ready,
    ready_other_apis,
    references,
    references_again,
    references_wrong,
    replicas,
    reset_cut_off,
    rollout,
    rollout_other_apis,
    saved_plans,
    secrets,
    simulate_flags,
    spec_files,
    spot,
    spec_hardware,
    spec_keys,
    spec_references,
    spec_values,
    stale,
    ssh,
    ssh_keys,
    standard_input,
    state_commands,
    state_rm_former,
    state_files,
    targets,
    targets_unknown,
    tools,
    templates,
    untold_v1,
    usage,
    volume_grows,
    volume_leaves,
    waves,
    waves_others,
    waves_moved,
    waves_json,
    whose,
}

#[test]
fn every_script_has_a_test() {
    let mut found: Vec<String> = fs::read_dir(folder().join("tests/scripts"))
        .unwrap()
        .filter_map(|entry| {
            entry.unwrap().file_name().into_string().unwrap().strip_suffix(".txt").map(str::to_owned)
        })
        .collect();
    found.sort();
    let mut listed = SCRIPTS.to_vec();
    listed.sort_unstable();
    assert_eq!(found, listed);
}

/// Stories that are the same over every API: the same plans in the same order, the same ends, and for each fault the
/// same certainty of what it did, the same exit code and the same recovery.
macro_rules! over_every_api {
    ($($name:ident),+ $(,)?) => {
        mod over_rest_v1 { $(#[test] fn $name() { super::check_over(stringify!($name), "v1"); })+ }
        mod over_graphql { $(#[test] fn $name() { super::check_over(stringify!($name), "graphql"); })+ }
    };
}

over_every_api! {
    counts,
    quickstart,
    drift,
    fault_account,
    fault_answers,
    fault_balance,
    fault_capacity,
    fault_listing,
    fault_migration,
    fault_pods,
    fault_references,
    fault_stuck,
    fault_stuck_refers,
    fault_timeouts,
    fault_waits,
    fault_widened,
    faults,
    references,
}

/// Plays a script over another API than the one that its expectations were written with.
fn check_over(name: &str, api: &str) {
    let file = |ending: &str| folder().join("tests/scripts").join(format!("{name}.{ending}"));
    let stage = Stage::set(name);
    // On the line where it stands, so that no other line moves.
    let over = format!("s/  kind: simulator/  {{ kind: simulator, api: {api} }}/");
    stage.edit("examples/quickstart.yaml", &over);
    let script = fs::read_to_string(file("txt")).unwrap();
    let over = format!("{{ kind: simulator, api: {api} }}");
    let printed = play(stage, &script.replace("{ kind: simulator }", &over));
    let printed = printed.replace(&over, "{ kind: simulator }");
    let printed = common_story(&printed);
    let expected = common_story(&fs::read_to_string(file("out")).unwrap());
    if printed != expected {
        let diff = similar::TextDiff::from_lines(&expected, &printed);
        panic!("{name} over {api}:\n{}", diff.unified_diff().header("v2", api));
    }
}

/// Returns what a story tells whatever the API: all but new ids and digests, findings, what was seen while waiting,
/// what only some APIs show, which is the age of pods, the proxy for SSH and the stock of CPUs by place, and the words
/// in which each API refuses.
fn common_story(printed: &str) -> String {
    let mut told = String::new();
    let mut in_findings = false;
    let mut in_refusal = false;
    for line in printed.lines() {
        in_findings = line == "Findings" || in_findings && (line.is_empty() || line.starts_with("  "));
        in_refusal = in_refusal && line.starts_with("      ") && !line.contains("tried ");
        if in_findings || in_refusal || line.contains(": waiting for ") || line.starts_with("Digest: ") {
            continue;
        }
        if let Some(line) = refusal(line) {
            in_refusal = true;
            told.push_str(&without_ids(&line));
            told.push('\n');
            continue;
        }
        let cuts = [
            ", stock ",
            ", no stock",
            "  https://",
            "  ssh ",
            "  no way in",
            "(by-hand), ",
            "(migration), ",
            "  URL",
        ];
        let end = cuts.iter().filter_map(|cut| line.find(cut)).min().unwrap_or(line.len());
        told.push_str(&without_ids(line[..end].trim_end()));
        told.push('\n');
    }
    told
}

/// Returns a line that tells what came of a call, without the API's name for the call and its words for the reason.
fn refusal(line: &str) -> Option<String> {
    if let Some(end) = line.find("RunPod refused the key:") {
        return Some(line[..end].to_owned() + "RunPod refused the key");
    }
    let call = ["GET /v", "POST /v", "PATCH /v", "DELETE /v", "GraphQL "].iter();
    let start = call.filter_map(|call| line.find(call)).min()?;
    let ends =
        [" was rejected", " may or may not have been done", " was not done", " was throttled", " failed"];
    let end = ends.into_iter().find(|end| line[start..].contains(end)).unwrap_or_default();
    Some(format!("{}CALL{end}", &line[..start]))
}

/// Writes `ID` for the ids of pods, which are 14 letters and digits, `REQUEST` for those of requests, which are 24, and
/// `HOST` for the end of an SSH user's name.
fn without_ids(line: &str) -> String {
    let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    // Some ids are of letters alone, as words are.
    let is_no_syllable = |part: &str| part.len() > 4 || part.contains(|c: char| c.is_ascii_digit());
    let mut rest = line;
    let mut told = String::new();
    while let Some(start) = rest.find(is_part) {
        let word = &rest[start..];
        let length = word.find(|c| !is_part(c)).unwrap_or(word.len());
        told.push_str(&rest[..start]);
        told.push_str(match length {
            14 if word[..length].split(['a', 'e', 'i', 'o', 'u', 'y']).any(is_no_syllable) => "ID",
            24 if word[..length].bytes().all(|byte| byte.is_ascii_hexdigit()) => "REQUEST",
            8 if told.ends_with("ID-") => "HOST",
            _ => &word[..length],
        });
        rest = &word[length..];
    }
    told + rest
}

/// Tells whether expectations are to be written anew.
fn is_update() -> bool {
    std::env::var_os("UPDATE_SCRIPTS").is_some()
}

/// Runs a script and compares all that it prints.
///
/// Where answers are lost, podform looks at listings until these have settled. How often it looks in that time is up
/// to the machine, and each look moves the world, so the ids that come after it are left out.
fn check(name: &str) {
    let file = |ending: &str| folder().join("tests/scripts").join(format!("{name}.{ending}"));
    let script = fs::read_to_string(file("txt")).unwrap();
    let mut printed = play(Stage::set(name), &script);
    if name.starts_with("fault") {
        printed = printed.lines().map(|line| without_ids(line) + "\n").collect();
    }
    assert!(!printed.contains(API_KEY), "{name}: the API key was printed");
    if is_update() {
        fs::write(file("out"), &printed).unwrap();
        return;
    }
    let expected = fs::read_to_string(file("out")).unwrap_or_default();
    if printed != expected {
        let diff = similar::TextDiff::from_lines(&expected, &printed);
        let diff = diff.unified_diff().context_radius(3).header("expected", "printed").to_string();
        panic!("{name}: other output than in tests/scripts/{name}.out\n{diff}");
    }
}

/// Plays all lines and returns them with what came of them.
fn play(mut stage: Stage, script: &str) -> String {
    let mut printed = String::new();
    let mut lines = script.lines().peekable();
    while let Some(line) = lines.next() {
        writeln!(printed, "{line}").unwrap();
        let Some(command) = line.strip_prefix("$ ") else {
            assert!(line.is_empty() || line.starts_with('#'), "{}: what is `{line}`?", stage.name);
            continue;
        };
        let mut text = String::new();
        while let Some(line) = lines.next_if(|line| line.starts_with('|')) {
            writeln!(printed, "{line}").unwrap();
            writeln!(text, "{}", line.strip_prefix("| ").unwrap_or_default()).unwrap();
        }
        let last_digest = printed
            .lines()
            .rev()
            .find_map(|line| line.strip_prefix("Digest: ").or_else(|| line.strip_prefix("digest=")));
        let last_digest = last_digest.unwrap_or_default();
        let hash = last_digest.split('-').next().unwrap_or_default();
        let command = command.replace("{digest}", last_digest).replace("{hash}", hash);
        printed.push_str(&stage.act(&command, &text));
    }
    let place = stage.folder.path().to_str().unwrap();
    assert!(!printed.contains(place), "{}: the output tells the folder:\n{printed}", stage.name);
    printed
}
