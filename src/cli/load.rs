//! Reads the spec that the global flags name.

use std::collections::BTreeMap;

use super::cache::Slot;
use super::failure::Failure;
use super::files::{
    DEFAULT_SPEC, FileError, STANDARD_INPUT, STANDARD_INPUT_NAME, SpecFile, read_spec, read_standard_input,
};
use super::shell::Shell;
use crate::spec::{self, Checked, Diagnostics, Form, Input, Loaded, SourceFile};

impl Shell {
    /// Reads and checks the spec, and shows its warnings.
    pub fn load_spec(&self) -> Result<Loaded, Failure> {
        self.load_files(&self.spec_files(), &self.global.profiles).map_err(failure)
    }

    /// Reads and checks the spec as [`Self::load_spec`] does, for what it says rather than for what is wanted.
    pub fn check_spec(&self) -> Result<Checked, Failure> {
        self.with_input(&self.spec_files(), None, &self.global.profiles, |input| self.check(input))
            .map_err(failure)
    }

    /// Reads the spec with one more layer on it, which is in memory.
    pub fn load_spec_under(&self, layer: &str) -> Result<Loaded, Failure> {
        let layer = SpecFile { name: "(imported)".to_owned(), bytes: layer.into() };
        let checked = self
            .with_input(&self.spec_files(), Some(layer), &self.global.profiles, |input| self.check(input));
        checked.map(Checked::lower).map_err(failure)
    }

    /// Returns the spec files as they were typed, or the default one.
    pub fn spec_files(&self) -> Vec<String> {
        let named = &self.global.files;
        if named.is_empty() {
            return vec![DEFAULT_SPEC.to_owned()];
        }
        named.iter().map(|path| path.display().to_string()).collect()
    }

    /// Reads and checks these files, with the variables of this run, unless an earlier run did.
    pub fn load_files(&self, files: &[String], profiles: &[String]) -> Result<Loaded, LoadError> {
        self.with_input(files, None, profiles, |input| {
            let slot = Slot::of(input, &self.env);
            match slot.as_ref().map(|slot| slot.read(input)) {
                Some(Ok(Some(loaded))) => {
                    self.output.detail("the spec is as it was read before");
                    return Ok(loaded);
                }
                Some(Err(distrusted)) => self.output.detail(&distrusted.to_string()),
                Some(Ok(None)) | None => {}
            }
            let loaded = self.check(input)?.lower();
            if let Some(slot) = slot {
                slot.keep(input, &loaded);
            }
            Ok(loaded)
        })
    }

    /// Reads files and does something with all that a spec depends on.
    fn with_input<T>(
        &self,
        files: &[String],
        last: Option<SpecFile>,
        profiles: &[String],
        act: impl FnOnce(&Input<'_>) -> Result<T, LoadError>,
    ) -> Result<T, LoadError> {
        let mut read = self.read_files(files).map_err(LoadError::File)?;
        read.extend(last);
        let sources: Vec<SourceFile<'_>> =
            read.iter().map(|file| SourceFile { name: &file.name, bytes: &file.bytes }).collect();
        let given = self.global.variables.iter().map(|given| (given.name.clone(), given.value.clone()));
        act(&Input {
            files: &sources,
            vars: &given.collect::<BTreeMap<_, _>>(),
            environment_vars: &self.env.spec_variables(),
            profiles,
        })
    }

    /// Reads files, of which one may be standard input.
    fn read_files(&self, files: &[String]) -> Result<Vec<SpecFile>, FileError> {
        let mut read = Vec::new();
        for name in files {
            if name != STANDARD_INPUT {
                read.push(read_spec(name)?);
                continue;
            }
            if read.iter().any(|file: &SpecFile| file.name == STANDARD_INPUT_NAME) {
                return Err(FileError::reading_input("it is named twice and can be read only once"));
            }
            read.push(SpecFile { name: STANDARD_INPUT_NAME.to_owned(), bytes: self.piped_in()?.clone() });
        }
        Ok(read)
    }

    fn piped_in(&self) -> Result<&Vec<u8>, FileError> {
        if let Some(bytes) = self.standard_input.get() {
            return Ok(bytes);
        }
        if self.env.stdin_is_terminal {
            return Err(FileError::reading_input("it is a terminal; pipe the spec in"));
        }
        let bytes = read_standard_input()?;
        if bytes.is_empty() {
            return Err(FileError::reading_input("nothing came"));
        }
        Ok(self.standard_input.get_or_init(|| bytes))
    }

    /// Checks a spec and shows its warnings.
    fn check(&self, input: &Input<'_>) -> Result<Checked, LoadError> {
        let checked = spec::check(input).map_err(LoadError::Spec)?;
        if !checked.warnings.is_empty() {
            let form = if self.output.is_colored() { Form::Coloured } else { Form::Plain };
            self.output.note(checked.warnings.render(form).trim_end());
        }
        Ok(checked)
    }
}

/// Tells a file that cannot be read as the spec tells its mistakes.
fn failure(error: LoadError) -> Failure {
    match error {
        LoadError::File(FileError { path, source, .. }) => {
            Failure::Spec { diagnostics: Diagnostics::unreadable(&path, &source.to_string()) }
        }
        LoadError::Spec(diagnostics) => Failure::Spec { diagnostics },
    }
}

/// Why there is no spec.
pub enum LoadError {
    File(FileError),
    Spec(Diagnostics),
}
