//! The wall between the modules: one package has none of its own.
//!
//! The table says which module may import which. The scan reads tokens, so that comments and texts do not count; it
//! sees `crate::x`, groups of imports, and `super::` that leaves the module. Below it are the words that have no
//! place in a module. If a test here fails, the design is the question, not the table.

#![expect(clippy::disallowed_methods, reason = "the test reads the source")]

use std::fs;
use std::path::{Path, PathBuf};

/// Which modules a module may import, itself apart.
struct Rule {
    module: &'static str,
    may: &'static [&'static str],
    /// What of `may` is excluded: the adapters behind a port.
    but_not: &'static [&'static str],
    why: &'static str,
}

/// The longest matching `module` rules.
const RULES: &[Rule] = &[
    Rule { module: "model", may: &[], but_not: &[], why: "the vocabulary knows none of its speakers" },
    Rule { module: "spec", may: &["model"], but_not: &[], why: "reading a spec depends on its text alone" },
    Rule { module: "plan", may: &["model"], but_not: &[], why: "a plan follows from its inputs alone" },
    Rule {
        module: "provider",
        may: &["model"],
        but_not: &["provider::runpod"],
        why: "the port knows no adapter",
    },
    Rule {
        module: "provider::runpod",
        may: &["model", "provider"],
        but_not: &[],
        why: "an adapter sends each request once and decides nothing",
    },
    Rule { module: "state", may: &["model"], but_not: STATE_ADAPTERS, why: "the port knows no adapter" },
    Rule {
        module: "state::sqlite",
        may: &["model", "state"],
        but_not: &["state::memory", "state::postgres", "state::object_log", "state::planfile"],
        why: "an adapter stores what it is given",
    },
    Rule {
        module: "state::postgres",
        may: &["model", "state"],
        but_not: &["state::sqlite", "state::object_log", "state::memory", "state::planfile"],
        why: "an adapter stores what it is given",
    },
    Rule {
        module: "state::object_log",
        may: &["model", "state"],
        but_not: &["state::sqlite", "state::postgres", "state::memory", "state::planfile"],
        why: "an adapter stores what it is given",
    },
    Rule {
        module: "state::memory",
        may: &["model", "state"],
        but_not: &["state::sqlite", "state::postgres", "state::object_log", "state::planfile"],
        why: "an adapter stores what it is given",
    },
    Rule {
        module: "state::planfile",
        may: &["model", "state"],
        but_not: &["state::sqlite", "state::postgres", "state::object_log", "state::memory"],
        why: "the plan file is a format, not a store",
    },
    Rule {
        module: "apply",
        may: &["model", "provider", "state"],
        but_not: &[
            "provider::runpod",
            "state::sqlite",
            "state::postgres",
            "state::object_log",
            "state::memory",
            "state::planfile",
        ],
        why: "the engine sees ports only, and never plans",
    },
    Rule { module: "render", may: &["model"], but_not: &[], why: "what is shown follows from values alone" },
    Rule {
        module: "simulator",
        may: &["state::whole"],
        but_not: &[],
        why: "simulator and client are written apart, so that each catches the other's mistakes",
    },
    Rule {
        module: "cli",
        may: &["model", "spec", "plan", "provider", "state", "apply", "render"],
        but_not: &[],
        why: "only single commands know the simulator",
    },
    Rule {
        module: "cli::commands",
        may: &["cli", "model", "spec", "plan", "provider", "state", "apply", "render", "simulator"],
        but_not: &[],
        why: "a command joins what it needs",
    },
    Rule { module: "main", may: &["cli"], but_not: &[], why: "the binary only starts the command line" },
    Rule { module: "lib", may: &[], but_not: &[], why: "the crate's root only names the modules" },
];

const STATE_ADAPTERS: &[&str] =
    &["state::sqlite", "state::postgres", "state::object_log", "state::memory", "state::planfile"];

/// Words that have no place in a module, in code. The longest matching module of `except` lifts a ban.
struct Ban {
    module: &'static str,
    except: &'static [&'static str],
    words: &'static [&'static [&'static str]],
    why: &'static str,
}

const BANS: &[Ban] = &[
    Ban {
        module: "model",
        except: &["model::stored"],
        words: &[&["serde"], &["Serialize"], &["Deserialize"], &["rusqlite"], &["reqwest"], &["tokio"]],
        why: "formats belong to the borders, so that a rename here changes no file",
    },
    Ban {
        module: "plan",
        except: &[],
        words: &[&["HashMap"], &["HashSet"], &["fastrand"], &["tokio"], &["reqwest"], &["rusqlite"]],
        why: "equal inputs must give equal plans",
    },
    Ban {
        module: "provider",
        except: &["provider::runpod"],
        words: &[&["reqwest"], &["serde"], &["serde_json"], &["axum"]],
        why: "the port speaks the model's vocabulary only",
    },
    Ban {
        module: "state",
        except: &["state::sqlite"],
        words: &[&["rusqlite"]],
        why: "only the SQLite state knows SQLite",
    },
    Ban {
        module: "state",
        except: &["state::postgres"],
        words: &[&["tokio_postgres"]],
        why: "only the PostgreSQL state knows PostgreSQL",
    },
    Ban {
        module: "state",
        except: &["state::postgres", "state::object_log"],
        words: &[&["rustls"]],
        why: "only what reaches another computer knows how that is done",
    },
    Ban {
        module: "",
        except: &["state::object_log", "cli"],
        words: &[&["object_store"]],
        why: "only the state in object storage knows its crate",
    },
    Ban {
        module: "cli",
        except: &["cli::account", "cli::rounds"],
        words: &[&["writer", "("]],
        why: "only what holds the lock and an approval may change the account",
    },
    Ban {
        module: "",
        // The limiter stands before a port and waits for the port's quota.
        except: &["apply::driver", "apply::limiter", "provider", "state", "simulator", "cli", "main"],
        words: &[&["async"]],
        why: "what decides does not wait",
    },
    Ban {
        module: "",
        except: &[],
        words: &[&["todo", "!"], &["unimplemented", "!"], &["#", "[", "ignore"]],
        why: "what is not done yet is not in the source",
    },
];

#[test]
fn modules_import_only_what_they_may() {
    let sources = sources();
    let wrong: Vec<String> = sources.iter().flat_map(Source::forbidden_imports).collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_module_has_a_rule() {
    let sources = sources();
    let without: Vec<String> =
        sources.iter().filter(|source| rule_of(&source.module).is_none()).map(|s| s.file.clone()).collect();
    assert_eq!(without, Vec::<String>::new());
    let files_of = |rule: &Rule| sources.iter().filter(|source| within(&source.module, rule.module)).count();
    let unused: Vec<&str> = RULES.iter().filter(|rule| files_of(rule) == 0).map(|rule| rule.module).collect();
    assert_eq!(unused, Vec::<&str>::new(), "rules for modules that are not there");
}

#[test]
fn words_stay_where_they_belong() {
    let mut wrong: Vec<String> = sources().iter().flat_map(Source::banned_words).collect();
    for folder in ["tests", "benches", "examples"] {
        for path in rust_files(&root().join(folder)) {
            // Tests wait and may use everything; what holds for them is the ban without a module of its own.
            let file = shown(&path);
            let source = Source { module: "cli".to_owned(), tokens: tokens(&read(&path)), file };
            wrong.extend(source.banned_words());
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// The engine executes an approved plan only, so whoever can make one decides what is done.
#[test]
fn only_an_approval_makes_a_plan_one_that_may_run() {
    let makes = |source: &Source| {
        let words: Vec<&str> = source.tokens.iter().map(|token| token.text.as_str()).collect();
        words.windows(3).any(|words| words == ["ApprovedPlan", "::", "new"])
    };
    let makers: Vec<String> = sources().into_iter().filter(makes).map(|source| source.module).collect();
    assert_eq!(makers, ["apply::driver::tests", "cli::approval", "cli::execution", "cli::rounds"]);
}

#[test]
fn a_forbidden_import_is_reported() {
    let text = r##"
        //! Talks of [`crate::cli`].
        use crate::model::{id::PodId, plan::{Plan, Step}};
        use crate::{model::address::Address, provider::runpod::Client};
        use super::super::state::sqlite::StateFile;
        use super::compare;
        /* crate::spec /* crate::spec */ */
        const TEXT: &str = "crate::render \" crate::render";
        const RAW: &str = r#"crate::render"#;
        fn lifetime<'a>(quote: char) -> &'a str { if quote == '"' { "" } else { crate::render::human() } }
        mod tests {
            use super::*;
            use super::super::presence;
            use super::super::super::apply::driver;
        }
    "##;
    let source =
        Source { file: "src/plan/sample.rs".into(), module: "plan::sample".into(), tokens: tokens(text) };
    let why = "`plan` may import `model` only: a plan follows from its inputs alone";
    let expected = [
        (4, "provider::runpod::Client"),
        (5, "state::sqlite::StateFile"),
        (10, "render::human"),
        (14, "apply::driver"),
    ];
    let expected = expected.map(|(line, path)| format!("src/plan/sample.rs:{line}: imports `{path}`; {why}"));
    assert_eq!(source.forbidden_imports(), expected);
}

#[test]
fn an_adapter_behind_a_port_is_reported() {
    let text = "use crate::state::{Journal, Store, memory::MemoryState};\nuse crate::provider::Mutate;";
    let source =
        Source { file: "src/apply/driver.rs".into(), module: "apply::driver".into(), tokens: tokens(text) };
    assert_eq!(
        source.forbidden_imports(),
        [
            "src/apply/driver.rs:1: imports `state::memory::MemoryState`; `apply` may import `model`, `provider`, \
          `state` only, without `provider::runpod`, `state::sqlite`, `state::postgres`, `state::object_log`, \
          `state::memory`, `state::planfile`: the engine sees ports only, and never plans"
        ]
    );
}

#[test]
fn a_banned_word_is_reported() {
    let text =
        "// async todo!()\nuse std::collections::HashMap;\nasync fn x() { todo!() }\n#[ignore]\nfn y() {}";
    let source = Source { file: "src/plan/mod.rs".into(), module: "plan".into(), tokens: tokens(text) };
    assert_eq!(
        source.banned_words(),
        [
            "src/plan/mod.rs:2: `HashMap`; equal inputs must give equal plans",
            "src/plan/mod.rs:3: `async`; what decides does not wait",
            "src/plan/mod.rs:3: `todo!`; what is not done yet is not in the source",
            "src/plan/mod.rs:4: `#[ignore`; what is not done yet is not in the source",
        ]
    );
    let driver = Source { module: "apply::driver".into(), ..source };
    assert_eq!(driver.banned_words().len(), 2);
}

/// One file of the crate.
struct Source {
    file: String,
    /// Its module, such as `state::sqlite`; `lib` and `main` for the two roots.
    module: String,
    tokens: Vec<Token>,
}

impl Source {
    fn forbidden_imports(&self) -> Vec<String> {
        let Some(rule) = rule_of(&self.module) else { return Vec::new() };
        let Rule { module, may, but_not, why } = rule;
        let is_excluded = |path: &str| but_not.iter().any(|not| within(path, not));
        let is_allowed = |path: &str| {
            (within(path, module) || may.iter().any(|may| within(path, may))) && !is_excluded(path)
                // What tests are made of; the crate itself is built without it.
                || within(path, "kit")
        };
        let forbidden = imports(&self.tokens, &self.module).into_iter().filter(|(_, path)| !is_allowed(path));
        let quoted =
            |names: &[&str]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let without =
            if but_not.is_empty() { String::new() } else { format!(", without {}", quoted(but_not)) };
        let may = if may.is_empty() { "itself".to_owned() } else { quoted(may) };
        forbidden
            .map(|(line, path)| {
                let file = &self.file;
                format!("{file}:{line}: imports `{path}`; `{module}` may import {may} only{without}: {why}")
            })
            .collect()
    }

    fn banned_words(&self) -> Vec<String> {
        let mut found = Vec::new();
        for Ban { module, except, words, why } in BANS {
            let is_excepted = except.iter().any(|except| within(&self.module, except));
            if !within(&self.module, module) || is_excepted {
                continue;
            }
            for (start, first) in self.tokens.iter().enumerate() {
                let here = |word: &&&[&str]| {
                    let rest = self.tokens[start..].iter().map(|token| token.text.as_str());
                    rest.take(word.len()).eq(word.iter().copied())
                };
                if let Some(word) = words.iter().find(here) {
                    found.push((first.line, format!("`{}`; {why}", word.concat())));
                }
            }
        }
        found.sort_by_key(|(line, _)| *line);
        found.into_iter().map(|(line, what)| format!("{}:{line}: {what}", self.file)).collect()
    }
}

/// Returns the rule with the longest module that the module is in.
fn rule_of(module: &str) -> Option<&'static Rule> {
    RULES.iter().filter(|rule| within(module, rule.module)).max_by_key(|rule| rule.module.len())
}

/// Tells whether a path is a module or in it.
fn within(path: &str, module: &str) -> bool {
    module.is_empty()
        || path == module
        || path.strip_prefix(module).is_some_and(|rest| rest.starts_with("::"))
}

/// Returns all files of the crate.
fn sources() -> Vec<Source> {
    let src = root().join("src");
    let source = |path: PathBuf| {
        let relative = path.strip_prefix(&src).unwrap().with_extension("");
        let parts: Vec<String> = relative
            .iter()
            .map(|part| part.to_string_lossy().into_owned())
            .filter(|part| part != "mod")
            .collect();
        Source { file: shown(&path), module: parts.join("::"), tokens: tokens(&read(&path)) }
    };
    let sources: Vec<Source> = rust_files(&src).into_iter().map(source).collect();
    assert!(sources.len() > 20, "the scan must find the source");
    sources
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

/// Returns all Rust files below a folder, in order; none if it is not there.
fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut files = Vec::new();
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// Returns the paths that begin with `crate::` or with a `super::` that leads out of the file, from the crate's root.
fn imports(tokens: &[Token], module: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    // Inline modules that are open, each with the depth of braces that it began at.
    let mut inline: Vec<(usize, String)> = Vec::new();
    let mut depth = 0;
    let mut at = 0;
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text.as_str());
    while at < tokens.len() {
        let begins_path = at == 0 || text(at - 1) != "::";
        match text(at) {
            "{" => {
                depth += 1;
                if at >= 2 && text(at - 2) == "mod" {
                    inline.push((depth, text(at - 1).to_owned()));
                }
            }
            "}" => {
                inline.retain(|(began, _)| *began < depth);
                depth -= 1;
            }
            "crate" | "podform" if begins_path && text(at + 1) == "::" => {
                at = tree(tokens, at + 2, &[], &mut found);
                continue;
            }
            "super" if begins_path && text(at + 1) == "::" => {
                let mut base: Vec<String> = module.split("::").map(str::to_owned).collect();
                base.extend(inline.iter().map(|(_, name)| name.clone()));
                while text(at) == "super" && text(at + 1) == "::" {
                    base.pop();
                    at += 2;
                }
                at = tree(tokens, at, &base, &mut found);
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// Reads a path, or a group of paths, from `at` on and returns where it ends.
fn tree(tokens: &[Token], mut at: usize, base: &[String], found: &mut Vec<(usize, String)>) -> usize {
    let mut path = base.to_vec();
    let line = tokens.get(at).map_or(0, |token| token.line);
    while let Some(token) = tokens.get(at) {
        if token.text == "{" {
            at += 1;
            while tokens.get(at).is_some_and(|token| token.text != "}") {
                let end = tree(tokens, at, &path, found);
                at = if end == at { at + 1 } else { end };
            }
            return at + 1;
        }
        let is_name = token.text.starts_with(|c: char| c.is_alphabetic() || c == '_') || token.text == "*";
        if !is_name {
            return at;
        }
        if token.text != "*" {
            path.push(token.text.clone());
        }
        at += 1;
        if tokens.get(at).is_none_or(|next| next.text != "::") {
            break;
        }
        at += 1;
    }
    found.push((line, path.join("::")));
    at
}

/// A word or sign of the source.
struct Token {
    line: usize,
    text: String,
}

/// Splits a source into words and signs, without comments and without the content of texts.
fn tokens(source: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = source;
    let mut line = 1;
    while let Some(first) = rest.chars().next() {
        let (length, is_token) = piece(rest, first);
        let (text, after) = rest.split_at(length);
        if is_token {
            tokens.push(Token { line, text: text.to_owned() });
        }
        line += text.matches('\n').count();
        rest = after;
    }
    tokens
}

/// Returns the length of the piece that the source begins with, and whether it is a token.
fn piece(rest: &str, first: char) -> (usize, bool) {
    let raw = rest.trim_start_matches(['b', 'c']).strip_prefix('r');
    if let Some(opened) = raw.filter(|raw| raw.trim_start_matches('#').starts_with('"')) {
        let hashes = opened.len() - opened.trim_start_matches('#').len();
        let end = format!("\"{}", "#".repeat(hashes));
        let start = rest.len() - opened.len() + hashes + 1;
        return (rest[start..].find(&end).map_or(rest.len(), |at| start + at + end.len()), false);
    }
    if rest.starts_with("//") {
        return (rest.find('\n').unwrap_or(rest.len()), false);
    }
    if rest.starts_with("/*") {
        return (block_comment(rest), false);
    }
    if first == '"' {
        return (quoted(rest, '"'), false);
    }
    // A quote begins a character if one is closed after it; otherwise a lifetime.
    if first == '\'' {
        let mut after = rest[1..].chars();
        let is_character = matches!((after.next(), after.next()), (Some('\\'), _) | (Some(_), Some('\'')));
        return (if is_character { quoted(rest, '\'') } else { 1 }, false);
    }
    if first.is_alphanumeric() || first == '_' {
        return (rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len()), true);
    }
    if rest.starts_with("::") { (2, true) } else { (first.len_utf8(), !first.is_whitespace()) }
}

/// Returns the length of a comment, inner ones included.
fn block_comment(rest: &str) -> usize {
    let (mut open, mut at) = (0, 0);
    while at < rest.len() {
        let here = &rest[at..];
        let step = here.chars().next().map_or(1, char::len_utf8);
        if here.starts_with("/*") {
            open += 1;
            at += 2;
        } else if here.starts_with("*/") {
            open -= 1;
            at += 2;
            if open == 0 {
                return at;
            }
        } else {
            at += step;
        }
    }
    rest.len()
}

/// Returns the length of a text or character with its quotes.
fn quoted(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        if !escaped && c == quote {
            return at + 1;
        }
        escaped = !escaped && c == '\\';
    }
    rest.len()
}
