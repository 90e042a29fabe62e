//! Templates: RunPod's own, which are public, and those of the account.

use serde::{Deserialize, Serialize};

use super::World;
use super::chance::letters;
use super::facts::{TemplateFact, facts};
use super::moment::Moment;
use super::order::check_settings;
use super::pod::{Mount, Status};
use super::refusal::Refusal;
use super::settings::{Settings, SettingsChange};

/// A template: what a create takes from it where it says nothing itself. A pod is a copy of it as it was then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Template {
    /// The identifier that a create names.
    pub id: String,
    /// What its pods are made with; the name is its own.
    pub settings: Settings,
    /// The storage that its pods mount, which is never a network volume.
    pub mount: Mount,
    /// Whether it is for serverless endpoints.
    pub serverless: bool,
    /// Whether everybody can read it.
    pub public: bool,
    /// Where the console lists it.
    pub category: String,
    pub ssh: bool,
    pub jupyter: bool,
    /// The CUDA versions of hosts that will do, or none for any.
    pub cuda: Vec<String>,
    /// When it was made, for one of the account.
    pub created_at: Moment,
}

impl Template {
    /// Returns one of RunPod's own.
    pub fn of_fact(fact: &TemplateFact) -> Template {
        let TemplateFact { id, name, image, category, disk, ports, env, .. } = fact;
        Template {
            id: id.clone(),
            settings: Settings {
                name: name.clone(),
                image: image.clone(),
                disk: *disk,
                ports: ports.clone(),
                env: env.clone(),
                ..Settings::default()
            },
            mount: fact.mount(),
            serverless: false,
            public: true,
            category: category.clone(),
            ssh: true,
            jupyter: true,
            cuda: Vec::new(),
            created_at: Moment::EPOCH,
        }
    }

    /// Returns what a request gives, over what the template has if it names one. Variables are merged one by one.
    pub fn under(template: Option<&Template>, given: SettingsChange) -> SettingsChange {
        let Some(Template { settings, .. }) = template else { return given };
        let mut env = settings.env.clone();
        env.extend(given.env.unwrap_or_default());
        let has_command = !settings.args.is_empty();
        let own = has_command && given.args.is_none();
        SettingsChange {
            image: given.image.or_else(|| Some(settings.image.clone())),
            env: Some(env),
            ports: given.ports.or_else(|| Some(settings.ports.clone())),
            disk: given.disk.or(Some(settings.disk)),
            listed: if own { Some(settings.listed) } else { given.listed },
            args: given.args.or_else(|| own.then(|| settings.args.clone())),
            entrypoint: given
                .entrypoint
                .or_else(|| (!settings.entrypoint.is_empty()).then(|| settings.entrypoint.clone())),
            registry: given.registry.or_else(|| settings.registry.clone().map(Some)),
            name: given.name,
            locked: given.locked,
            global_networking: given.global_networking,
        }
    }
}

impl World {
    /// Returns the account's templates, the newest first.
    pub fn templates(&self) -> Vec<Template> {
        let mut templates = self.ground.account.templates.clone();
        templates.reverse();
        templates
    }

    /// Returns a template of the account, or one of RunPod's own.
    ///
    /// # Errors
    /// [`Refusal::NoSuchTemplate`].
    pub fn template(&self, id: &str) -> Result<Template, Refusal> {
        let own = self.ground.account.templates.iter().find(|template| template.id == id).cloned();
        let public = || facts().templates.iter().find(|fact| fact.id == id).map(Template::of_fact);
        own.or_else(public).ok_or(Refusal::NoSuchTemplate)
    }

    /// Makes a template; its identifier and its time are given here.
    ///
    /// # Errors
    /// A broken rule.
    pub fn create_template(&mut self, template: Template) -> Result<Template, Refusal> {
        self.check_template(&template)?;
        let now = self.now();
        let made = (self.ground.account.templates.len() + 1).to_string();
        let id =
            letters(self.seed(), &["template", &template.settings.name, &now.rfc3339_millis(), &made], 10);
        let template = Template { id, created_at: now, ..template };
        self.ground.account.templates.push(template.clone());
        Ok(template)
    }

    /// Changes a template of the account.
    ///
    /// # Errors
    /// There is none of the account, or a broken rule; nothing is changed then.
    pub fn update_template(
        &mut self,
        id: &str,
        change: impl FnOnce(Template) -> Template,
    ) -> Result<Template, Refusal> {
        let place = self.ground.account.templates.iter().position(|template| template.id == id);
        let place = place.ok_or(Refusal::NoSuchTemplate)?;
        let changed = change(self.ground.account.templates[place].clone());
        self.check_template(&changed)?;
        self.ground.account.templates[place] = changed.clone();
        Ok(changed)
    }

    /// Deletes a template of the account.
    ///
    /// # Errors
    /// There is none of the account, or a pod is linked to it.
    pub fn delete_template(&mut self, id: &str) -> Result<(), Refusal> {
        let now = self.now();
        let is_used = self
            .pods
            .values()
            .any(|pod| pod.template.as_deref() == Some(id) && pod.status(now) != Status::Terminated);
        let templates = &mut self.ground.account.templates;
        let place = templates.iter().position(|template| template.id == id).ok_or(Refusal::NoSuchTemplate)?;
        if is_used {
            return Err(Refusal::TemplateInUse);
        }
        templates.remove(place);
        Ok(())
    }

    fn check_template(&self, template: &Template) -> Result<(), Refusal> {
        let Settings { name, image, env, ports, .. } = &template.settings;
        let is_other = |other: &&Template| other.id != template.id && other.settings.name == *name;
        if self.ground.account.templates.iter().any(|other| is_other(&other)) {
            return Err(Refusal::rule("Template name must be unique."));
        }
        check_settings(&SettingsChange {
            image: Some(image.clone()),
            env: Some(env.clone()),
            ports: Some(ports.clone()),
            ..SettingsChange::default()
        })
    }
}
