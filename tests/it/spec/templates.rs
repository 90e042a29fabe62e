//! What a pod takes from a template: what was found in, what is wanted after it or why it is not known out.

use std::collections::{BTreeMap, BTreeSet};

use podform::model::desired::Wanted;
use podform::model::id::{EnvKey, TemplateId};
use podform::model::pod::EnvValue;
use podform::model::secret::Secret;
use podform::model::settings::{Container, Field, PodSettings};
use podform::model::size::Gigabytes;
use podform::model::template::{FromTemplate, Template};

use super::load_text;

fn template(image: &str, command: &[&str], env: &[(&str, &str)]) -> Template {
    let env = env.iter().map(|(key, value)| (EnvKey::new(*key), Secret::new((*value).to_owned())));
    Template {
        name: "shared".to_owned(),
        settings: PodSettings {
            image: Some(image.to_owned()),
            command: Some(command.iter().map(|word| (*word).to_owned()).collect()),
            disk: Some(Gigabytes(7)),
            env: env.collect(),
            ..PodSettings::default()
        },
        is_serverless: false,
        is_cpu: false,
        ssh: true,
        jupyter: true,
        cuda: BTreeSet::new(),
    }
}

/// Loads a pod of this text and says what is wanted of it once its template is known.
fn wanted(pod: &str, found: Result<Template, String>) -> String {
    let text = format!("version: 1\nproject: acme\npods:\n  a: {{ template: t, gpu: L4{pod} }}\n");
    let mut loaded = load_text(&text).expect("a spec");
    loaded.fill(&BTreeMap::from([(TemplateId::new("t"), found)]));
    let Some(Wanted::Pod(pod)) = loaded.desired.wanted.values().next() else { panic!("no pod") };
    let FromTemplate { fields, missing, .. } = pod.template.as_ref().expect("a template");
    if let Some(why) = missing {
        return format!("held: {why}");
    }
    let Container { image, command, env, disk, .. } = &pod.container;
    let given: Vec<String> = fields.iter().map(Field::to_string).collect();
    let env = env.iter().map(|(key, value)| match value {
        EnvValue::Plain(text) => format!("{key}={text}"),
        EnvValue::Secret(name) => {
            assert!(loaded.literal_secrets.get(name).is_some(), "the value of {name} is not known");
            format!("{key}=({name})")
        }
    });
    let env: Vec<String> = env.collect();
    format!("{image} {command:?} {disk} [{}]; given: {}", env.join(" "), given.join(" "))
}

#[test]
fn the_spec_goes_first_and_variables_are_merged_one_by_one() {
    let given = || {
        let env = [
            ("MODE", "dry"),
            ("OLD", "1"),
            ("EPOCHS", "3"),
            ("API_KEY", "hunter2-hunter2"),
            ("HF", "{{ RUNPOD_SECRET_hf }}"),
            ("RUNPOD_POD_ID", "x"),
            ("PUBLIC_KEY", "ssh-ed25519 AAAA somebody"),
            ("PODFORM_MARK", "acme/b/0123456789abcdef/line/7/2026-11-21T12:00:00Z"),
        ];
        Ok(template("acme/train:7", &["train", "-x"], &env))
    };
    let rows = [
        wanted("", given()),
        wanted(", image: 'own:1', disk: 9GB, command: [serve]", given()),
        wanted(", env: { MODE: wet, OLD: null, API_KEY: plain }", given()),
        wanted("", Ok(template("acme/train:7", &[], &[]))),
    ];
    insta::assert_snapshot!(rows.join("\n"), @r#"
    acme/train:7 ["train", "-x"] 7 GB [API_KEY=(a.env.API_KEY) EPOCHS=3 HF={{ RUNPOD_SECRET_hf }} MODE=dry OLD=1]; given: image command env.API_KEY env.EPOCHS env.HF env.MODE env.OLD disk
    own:1 ["serve"] 9 GB [API_KEY=(a.env.API_KEY) EPOCHS=3 HF={{ RUNPOD_SECRET_hf }} MODE=dry OLD=1]; given: env.API_KEY env.EPOCHS env.HF env.MODE env.OLD
    acme/train:7 ["train", "-x"] 7 GB [API_KEY=(a.env.API_KEY) EPOCHS=3 HF={{ RUNPOD_SECRET_hf }} MODE=wet]; given: image command env.EPOCHS env.HF disk
    acme/train:7 [] 7 GB []; given: image disk
    "#);
}

#[test]
fn what_a_spec_may_not_say_no_template_says_for_it() {
    let many: Vec<String> = (0..60).map(|number| format!("V{number}")).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|name| (&**name, "1")).collect();
    let serverless = Template { is_serverless: true, ..template("a:1", &[], &[]) };
    let rows = [
        wanted("", Err("GET failed".to_owned())),
        wanted("", Ok(serverless)),
        wanted("", Ok(template("", &[], &[]))),
        wanted("", Ok(template("a b", &[], &[]))),
        wanted("", Ok(template("acme/${NAME}:1", &[], &[]))),
        wanted("", Ok(template("https://acme/a", &[], &[]))),
        wanted("", Ok(template("a:1", &["serve", "--api-key", "hunter2-hunter2"], &[]))),
        wanted("", Ok(template("a:1", &[], &[("not a name", "1")]))),
        wanted("", Ok(template("a:1", &[], &many))),
        wanted(", env: { OWN: 1 }", Ok(template("a:1", &[], &many[..48]))),
        // What the spec has itself is not taken, whatever it is.
        wanted(", image: 'own:1'", Ok(template("a b", &[], &[]))),
        wanted(", command: [serve]", Ok(template("a:1", &["--api-key", "hunter2-hunter2"], &[]))),
    ];
    insta::assert_snapshot!(rows.join("\n"), @r#"
    held: GET failed
    held: it is for endpoints, not for pods; name another, or write its values into the pod
    held: it names no image; name another, or write its values into the pod
    held: its image is no reference that a registry can have; name another, or write its values into the pod
    held: its image is no reference that a registry can have; name another, or write its values into the pod
    held: its image is no reference that a registry can have; name another, or write its values into the pod
    held: its command holds what looks like a secret, and plans show commands; name another, or write its values into the pod
    held: it has a variable whose name a spec cannot declare; name another, or write its values into the pod
    held: its variables and those of the spec are more than a pod can have; name another, or write its values into the pod
    held: its variables and those of the spec are more than a pod can have; name another, or write its values into the pod
    own:1 [] 7 GB []; given: disk
    a:1 ["serve"] 7 GB []; given: image disk
    "#);
}

#[test]
fn nothing_is_wanted_of_a_pod_whose_template_nobody_has_read() {
    let mut loaded = load_text("version: 1\nproject: acme\npods:\n  a: { template: t, gpu: L4 }\n").unwrap();
    loaded.fill(&BTreeMap::new());
    let Some(Wanted::Pod(pod)) = loaded.desired.wanted.values().next() else { panic!("no pod") };
    let missing = pod.template.as_ref().and_then(|template| template.missing.as_deref());
    assert_eq!(missing, Some("it has not been read"));
}

/// Nothing else than the template says that the pod needs it, and the pod would boot without it.
#[test]
fn a_secret_of_runpod_that_a_template_refers_to_is_made_first() {
    let mut loaded = load_text(
        "version: 1\nproject: acme\nsecrets: { tok: { runpod: tok, from: { env: TOK } } }\npods:\n  a: { template: t, gpu: L4 }\n",
    )
    .unwrap();
    let found = template("a:1", &[], &[("AUTH_TOKEN", "Bearer {{ RUNPOD_SECRET_Tok }}")]);
    loaded.fill(&BTreeMap::from([(TemplateId::new("t"), Ok(found))]));
    let pod = loaded.desired.wanted.values().find_map(Wanted::pod).expect("a pod");
    let waits_for: Vec<String> = pod.depends_on.iter().map(ToString::to_string).collect();
    assert_eq!(waits_for, ["secret.tok"]);
    assert_eq!(
        pod.container.env.get(&EnvKey::new("AUTH_TOKEN")),
        Some(&EnvValue::Plain("Bearer {{ RUNPOD_SECRET_Tok }}".to_owned()))
    );
}
