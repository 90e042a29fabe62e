//! The spec module through its public entry: text in, what is wanted or every mistake out.

mod agreement;
mod bounds;
mod examples;
mod foreign;
mod kept;
mod keys;
mod layers;
mod no_effect;
mod ready;
mod references;
mod schema;
mod secrets;
mod sense;
mod templates;
mod text;
mod turns;
mod values;
mod waits;

use std::collections::BTreeMap;

use podform::spec::{Checked, Diagnostics, Form, Input, Loaded, SourceFile, check};

/// Everything that a test may vary.
#[derive(Default)]
pub struct Case<'a> {
    pub files: Vec<(&'a str, &'a [u8])>,
    pub vars: &'a [(&'a str, &'a str)],
    pub environment_vars: &'a [(&'a str, &'a str)],
    pub profiles: &'a [&'a str],
}

impl Case<'_> {
    /// Loads the files, and checks that what was read would come back from the cache.
    pub fn load(&self) -> Result<Loaded, Diagnostics> {
        let loaded = self.check()?.lower();
        self.with_input(|input| kept::assert_comes_back(input, &loaded));
        Ok(loaded)
    }

    pub fn check(&self) -> Result<Checked, Diagnostics> {
        self.with_input(check)
    }

    pub fn with_input<T>(&self, act: impl FnOnce(&Input<'_>) -> T) -> T {
        let map = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let files: Vec<SourceFile<'_>> =
            self.files.iter().map(|(name, bytes)| SourceFile { name, bytes }).collect();
        let profiles: Vec<String> = self.profiles.iter().map(|&profile| profile.to_owned()).collect();
        act(&Input {
            files: &files,
            vars: &map(self.vars),
            environment_vars: &map(self.environment_vars),
            profiles: &profiles,
        })
    }
}

/// Loads one file.
pub fn load_text(text: &str) -> Result<Loaded, Diagnostics> {
    Case { files: vec![("pods.yaml", text.as_bytes())], ..Case::default() }.load()
}

/// Checks one file.
pub fn check_text(text: &str) -> Result<Checked, Diagnostics> {
    Case { files: vec![("pods.yaml", text.as_bytes())], ..Case::default() }.check()
}

/// Renders what is wrong with a file; warnings of a usable one too.
pub fn mistakes(text: &str) -> String {
    rendered(load_text(text))
}

/// Renders what is wrong with a load.
pub fn rendered(loaded: Result<Loaded, Diagnostics>) -> String {
    let diagnostics = match loaded {
        Ok(loaded) => loaded.warnings,
        Err(diagnostics) => {
            assert!(diagnostics.has_errors());
            diagnostics
        }
    };
    diagnostics.render(Form::Plain).trim_end().to_owned()
}

/// Renders what is wrong with a file, a line each.
pub fn lines(text: &str) -> String {
    let diagnostics = match load_text(text) {
        Ok(loaded) => loaded.warnings,
        Err(diagnostics) => diagnostics,
    };
    diagnostics.render(Form::Short).trim_end().to_owned()
}

/// Renders what is wrong with a pod that has these lines beside an image.
pub fn in_pod(lines: &str) -> String {
    mistakes(&pod(lines))
}

/// Writes a spec with one pod that has these lines beside an image.
pub fn pod(lines: &str) -> String {
    let lines: String = lines.lines().map(|line| format!("    {line}\n")).collect();
    format!("version: 1\nproject: demo\npods:\n  llm:\n    image: a/b:1\n{lines}")
}

/// Renders what is wrong with a spec that has these sections beside its head.
pub fn with_head(lines: &str) -> String {
    mistakes(&format!("version: 1\nproject: demo\n{lines}"))
}
