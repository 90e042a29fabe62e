//! Templates as REST v2 takes and shows them.

use serde::Serialize;

use super::body::{self, Fields};
use super::page::List;
use super::read::{is_release, persistent};
use super::settings::{self, Command, ContainerBody};
use super::show::MountsBody;
use super::{Answer, Problem, json, ok};
use crate::simulator::exchange::{Contract, Request, Twist};
use crate::simulator::world::World;
use crate::simulator::world::facts::facts;
use crate::simulator::world::moment::Moment;
use crate::simulator::world::pod::Mount;
use crate::simulator::world::settings::SettingsChange;
use crate::simulator::world::template::Template;

/// What is asked of one template, or of all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TemplateCall {
    List,
    /// RunPod's own.
    ListPublic,
    Create,
    Get(String),
    Update(String),
    Delete(String),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TemplateBody {
    id: String,
    #[serde(flatten)]
    container: ContainerBody,
    mounts: MountsBody,
    serverless: bool,
    public: bool,
    category: String,
    start_ssh: bool,
    start_jupyter: bool,
    allowed_cuda_versions: Vec<String>,
}

pub(super) fn answer(
    world: &mut World,
    call: &TemplateCall,
    request: &Request,
    twist: Twist,
) -> Result<Answer, Problem> {
    let shown = |template| shown(template, twist);
    match call {
        TemplateCall::List => {
            let templates = world.templates();
            List::page(world.seed(), (request, twist), "templates", templates, |one| Some(shown(one)))
                .map(|list| ok(&list))
        }
        TemplateCall::ListPublic => {
            let public = public(request)?.into_iter().map(shown).collect();
            Ok(ok(&List::whole("templates", public)))
        }
        TemplateCall::Create => {
            let given = body::read(&request.body, |fields| {
                fields.require("name");
                fields.require("image");
                given(fields, twist.contract)
            })?;
            let template = given.over(empty())?;
            world.create_template(template).map(|made| json(201, &shown(made))).map_err(Problem::from)
        }
        TemplateCall::Get(id) => Ok(ok(&shown(world.template(id)?))),
        TemplateCall::Update(id) => {
            let given = body::read(&request.body, |fields| given(fields, twist.contract))?;
            let changed = given.over(own(world, id)?)?;
            world.update_template(id, |_| changed).map(|changed| ok(&shown(changed))).map_err(Problem::from)
        }
        TemplateCall::Delete(id) => {
            world.delete_template(id)?;
            Ok(Answer::empty(204))
        }
    }
}

/// Returns a template of the account: somebody else's can be read, and not changed.
fn own(world: &World, id: &str) -> Result<Template, Problem> {
    let found = world.templates().into_iter().find(|template| template.id == id);
    found.ok_or_else(|| Problem::new(404, "template not found"))
}

/// Returns the public templates; all that are known are RunPod's own.
fn public(request: &Request) -> Result<Vec<Template>, Problem> {
    match request.parameter("source") {
        None | Some("official") => Ok(facts().templates.iter().map(Template::of_fact).collect()),
        Some("verified" | "community") => Ok(Vec::new()),
        Some(_) => {
            let text = "source: value must be one of 'official', 'verified', 'community'";
            Err(Problem::invalid(vec![text.to_owned()]))
        }
    }
}

/// What a body says of a template.
struct Given {
    settings: SettingsChange,
    command: Command,
    mount: Option<(u32, String)>,
    serverless: Option<bool>,
    public: Option<bool>,
    category: Option<&'static str>,
    ssh: Option<bool>,
    jupyter: Option<bool>,
    cuda: Option<Vec<String>>,
}

fn given(fields: &mut Fields<'_>, contract: Contract) -> Given {
    let (settings, command) = settings::of_create(fields, contract);
    // A pod has it, a template has not.
    fields.disown(&["globalNetworking"]);
    let given = Given {
        settings,
        command,
        mount: fields.object("mounts", |mounts| mounts.object("persistent", persistent).flatten()).flatten(),
        serverless: fields.flag("serverless"),
        public: fields.flag("public"),
        category: fields.one_of("category", &[("CPU", "CPU"), ("NVIDIA", "NVIDIA"), ("AMD", "AMD")]),
        ssh: fields.flag("startSsh"),
        jupyter: fields.flag("startJupyter"),
        cuda: fields.texts("allowedCudaVersions"),
    };
    for version in given.cuda.iter().flatten().filter(|version| !is_release(version)) {
        fields.wrong(&format!("'{version}' does not match pattern '^\\d+\\.\\d+$'"));
    }
    given
}

impl Given {
    fn over(self, template: Template) -> Result<Template, Problem> {
        let Given { settings, command, mount, serverless, public, category, ssh, jupyter, cuda } = self;
        let settings = command.under(settings)?;
        Ok(Template {
            settings: template.settings.with(settings),
            mount: mount.map_or(template.mount, |(size, path)| Mount::Persistent { size, path }),
            serverless: serverless.unwrap_or(template.serverless),
            public: public.unwrap_or(template.public),
            category: category.map_or(template.category, str::to_owned),
            ssh: ssh.unwrap_or(template.ssh),
            jupyter: jupyter.unwrap_or(template.jupyter),
            cuda: cuda.unwrap_or(template.cuda),
            ..template
        })
    }
}

/// Returns a template of which nothing is said.
fn empty() -> Template {
    Template {
        id: String::new(),
        settings: settings::usual(),
        mount: Mount::Nothing,
        serverless: false,
        public: false,
        category: "NVIDIA".to_owned(),
        ssh: true,
        jupyter: true,
        cuda: Vec::new(),
        created_at: Moment::EPOCH,
    }
}

fn shown(template: Template, twist: Twist) -> TemplateBody {
    let Template { id, settings, mount, serverless, public, category, ssh, jupyter, cuda, created_at: _ } =
        template;
    TemplateBody {
        id,
        container: settings::container(settings, twist),
        mounts: MountsBody::of(&mount),
        serverless,
        public,
        category,
        start_ssh: ssh,
        start_jupyter: jupyter,
        allowed_cuda_versions: cuda,
    }
}
