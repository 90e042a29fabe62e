//! Stories as a user lives them: `tests/scripts/NAME.txt` holds commands and why, `NAME.out` all that they print.
//!
//! Each script runs the real binary in a folder of its own that holds a copy of `examples/`. Nothing is redacted:
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
    api_limits,
    api_switch,
    approval,
    by_hand,
    changes,
    drift,
    events,
    example_comfyui_studio,
    example_data_prep,
    example_finetune_fleet,
    example_llm_pool,
    example_team,
    example_training,
    exit_codes,
    import_all,
    fault_account,
    fault_answers,
    fault_listing,
    fault_pods,
    faults,
    init,
    protect,
    quickstart,
    replicas,
    secrets,
    spec_files,
    spec_hardware,
    spec_keys,
    spec_references,
    spec_values,
    stale,
    state_commands,
    state_files,
    tools,
    usage,
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
    listed.push("readme");
    listed.sort_unstable();
    assert_eq!(found, listed);
}

/// The README shows two parts of a script's output; it is checked, and written anew, with the script.
#[test]
fn readme() {
    check("readme");
    let printed = fs::read_to_string(folder().join("tests/scripts/readme.out")).unwrap();
    let said = |line: &&str| !(line.starts_with('[') && line.ends_with(']'));
    let printed: String = printed.lines().filter(said).flat_map(|line| [line, "\n"]).collect();
    let stories = ["$ podform apply", "$ podform plan"].map(|start| {
        let story = &printed[printed.find(start).unwrap()..];
        &story[..story.find("\n$ ").map_or(story.len(), |end| end + 1)]
    });
    let path = folder().join("README.md");
    let readme = fs::read_to_string(&path).unwrap();
    let mut blocks = readme.split("```console\n");
    let mut expected = blocks.next().unwrap().to_owned();
    for (story, block) in stories.iter().zip(blocks.by_ref()) {
        let (_, rest) = block.split_once("```").unwrap();
        write!(expected, "```console\n{story}```{rest}").unwrap();
    }
    assert_eq!(blocks.next(), None, "a session of the README that no script plays");
    if is_update() {
        fs::write(path, expected).unwrap();
    } else {
        assert_eq!(readme, expected);
    }
}

/// The stories with the most steps of a plan are the same over every API: the same plans in the same order, and the
/// same ends.
#[test]
fn stories_are_the_same_over_rest_v1() {
    check_over("quickstart", "v1");
    check_over("drift", "v1");
}

#[test]
fn stories_are_the_same_over_graphql() {
    check_over("quickstart", "graphql");
    check_over("drift", "graphql");
}

/// Plays a script over another API than the one that its expectations were written with.
fn check_over(name: &str, api: &str) {
    let file = |ending: &str| folder().join("tests/scripts").join(format!("{name}.{ending}"));
    let stage = Stage::set(name);
    // On the line where it stands, so that no other line moves.
    let over = format!("s/  kind: simulator/  {{ kind: simulator, api: {api} }}/");
    stage.edit("examples/quickstart.yaml", &over);
    let printed = common_story(&play(stage, &fs::read_to_string(file("txt")).unwrap()));
    let expected = common_story(&fs::read_to_string(file("out")).unwrap());
    if printed != expected {
        let diff = similar::TextDiff::from_lines(&expected, &printed);
        panic!("{name} over {api}:\n{}", diff.unified_diff().header("v2", api));
    }
}

/// Returns what a story tells whatever the API: all but new ids and digests, findings, what was seen while waiting,
/// and what only some APIs show, which is the age of pods, the proxy for SSH and the stock of CPUs by place.
fn common_story(printed: &str) -> String {
    let mut told = String::new();
    let mut in_findings = false;
    for line in printed.lines() {
        in_findings = line == "Findings" || in_findings && (line.is_empty() || line.starts_with("  "));
        if in_findings || line.contains(": waiting for ") || line.starts_with("Digest: ") {
            continue;
        }
        let cuts = [", stock ", ", no stock", "  https://", "  ssh ", "  no way in", "(by-hand), ", "  URL"];
        let end = cuts.iter().filter_map(|cut| line.find(cut)).min().unwrap_or(line.len());
        told.push_str(&without_ids(line[..end].trim_end()));
        told.push('\n');
    }
    told
}

/// Writes `ID` for the ids of pods, which are 14 letters and digits.
fn without_ids(line: &str) -> String {
    let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let mut rest = line;
    let mut told = String::new();
    while let Some(start) = rest.find(is_part) {
        let word = &rest[start..];
        let length = word.find(|c| !is_part(c)).unwrap_or(word.len());
        let is_id = length == 14 && word[..length].contains(|c: char| c.is_ascii_digit());
        told.push_str(&rest[..start]);
        told.push_str(if is_id { "ID" } else { &word[..length] });
        rest = &word[length..];
    }
    told + rest
}

/// Tells whether expectations are to be written anew.
fn is_update() -> bool {
    std::env::var_os("UPDATE_SCRIPTS").is_some()
}

/// Runs a script and compares all that it prints.
fn check(name: &str) {
    let file = |ending: &str| folder().join("tests/scripts").join(format!("{name}.{ending}"));
    let script = fs::read_to_string(file("txt")).unwrap();
    let printed = play(Stage::set(name), &script);
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
