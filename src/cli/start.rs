//! How a command starts: configuration, form of the output, and the database where it needs one.

use std::io::ErrorKind;
use std::path::Path;

use clap::ValueEnum;

use super::call::Call;
use super::failure::Failure;
use super::output::{self, Format};
use super::program::Program;
use super::prompt::{Asking, Prompt};
use super::{Globals, migrate, operator};
use crate::app::{Missing, OpenError, Opened, Parts};
use crate::config::layers::Layers;
use crate::config::{Config, Flags, OUTPUT};
use crate::service::{Env, Office};

/// What a command starts with, before any database is opened.
pub(super) struct Start {
    pub(super) config: Config,
    pub(super) layers: Layers,
    pub(super) format: Format,
    pub(super) prompt: Prompt,
    pub(super) program: Program,
}

impl Start {
    /// The start of a command that has no log.
    pub(super) fn command(globals: &Globals, program: &Program) -> Result<Self, Failure> {
        let (start, warnings) = Self::new(globals, program, Flags::default())?;
        warn(&warnings);
        Ok(start)
    }

    /// The start of any command, and what there is to warn of before it.
    pub(super) fn new(globals: &Globals, program: &Program, flags: Flags) -> Result<(Self, Vec<String>), Failure> {
        let flags = Flags {
            db: globals.db.clone(),
            master_key_file: globals.master_key_file.clone(),
            smtp_password_file: globals.smtp_password_file.clone(),
            config: globals.config.clone(),
            ..flags
        };
        let environment = Box::new(|name: &str| std::env::var_os(name));
        let layers = Layers::load(Path::new("."), environment, flags.config.as_deref())?;
        let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
        let warnings = layers.misspelt(names);
        let asking = if globals.no_input { Asking::Never } else { Asking::Ask };
        let format = globals.output.map_or_else(|| format(&layers), Ok);
        let resolved = format.and_then(|format| Ok((format, Config::resolve(&flags, &layers)?)));
        let (format, config) = resolved.inspect_err(|_| warn(&warnings))?;
        let prompt = Prompt { asking, yes: globals.yes };
        Ok((Self { config, layers, format, prompt, program: program.clone() }, warnings))
    }

    /// Whether opening would make the database: a folder is there, and no file in it or an empty one.
    pub(super) fn is_new(&self) -> bool {
        match self.config.db.metadata() {
            Ok(file) => file.len() == 0,
            Err(error) => {
                error.kind() == ErrorKind::NotFound && self.config.db.parent().is_some_and(|folder| folder.is_dir())
            }
        }
    }

    /// Opens the database.
    pub(super) fn open(&self, missing: Missing) -> Result<(Env, Opened), OpenError> {
        Parts::real(&self.config.db, &self.config.master_key_file)?.open(missing)
    }

    /// Opens the database for a command, and says so if that has upgraded it.
    pub(super) fn call(&self, missing: Missing) -> Result<Call, OpenError> {
        let (env, opened) = self.open(missing)?;
        if let Some(text) = migrate::told(&opened, self) {
            output::note(&text);
        }
        Ok(self.call_on(env))
    }

    /// A call on an open database.
    pub(super) fn call_on(&self, env: Env) -> Call {
        let mail = Office::new(self.config.smtp_password_file.clone());
        let proxies = self.config.trusted_proxies.clone();
        let env = Env { default_url: self.config.url(self.config.listen), mail, proxies, ..env };
        let (actor, origin) = (operator::actor(), operator::origin());
        Call { env, actor, origin, prompt: self.prompt, format: self.format, program: self.program.clone() }
    }
}

/// Tells what there is to warn of, where there is no log.
pub(super) fn warn(warnings: &[String]) {
    warnings.iter().for_each(|text| output::note(&format!("warning: {text}")));
}

fn format(layers: &Layers) -> Result<Format, Failure> {
    let Some(raw) = layers.find(OUTPUT, None) else { return Ok(Format::default()) };
    let text = raw.value.to_string_lossy();
    Format::from_str(&text, true)
        .map_err(|_| Failure::usage(format!("{text:?} ({}) is not table, json or plain", raw.source)))
}
