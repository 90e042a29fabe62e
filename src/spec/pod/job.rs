//! Whether a pod is a job, and which pods it waits for.

use std::collections::BTreeSet;

use crate::model::desired::Ignored;
use crate::model::job::{Job, Then, Until};
use crate::model::settings::Field;
use crate::spec::decode::Decoder;
use crate::spec::diagnostic::{Diagnostic, Problem};
use crate::spec::interpolate::is_variable_name;
use crate::spec::sensitive::shown;
use crate::spec::source::Spanned;
use crate::spec::words;
use crate::spec::yaml::{Node, Value};

/// What a pod is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(in crate::spec) enum Purpose {
    #[default]
    Service,
    /// Its command runs once.
    Job,
}

impl Purpose {
    const WORDS: [(&'static str, Self); 2] = [("service", Self::Service), ("job", Self::Job)];
}

/// An entry of `depends_on`.
#[derive(Clone, Debug)]
pub(in crate::spec) struct Dependency {
    /// The key of the other pod.
    pub pod: String,
    /// How far a job must be; otherwise the pod must be ready.
    pub until: Option<Spanned<Until>>,
}

pub(super) fn purpose(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<Spanned<Purpose>> {
    if let Value::Scalar(scalar) = &node.value
        && scalar.text.trim().contains([' ', '\n'])
    {
        let detail = "expected service or job, found a command";
        let mistake = Diagnostic::at(Problem::InvalidValue, node.span, detail);
        decoder.report(mistake.help("a command is written `command: [bash, -c, \"first && second\"]`"));
        return None;
    }
    decoder.choice(node, &Purpose::WORDS)
}

pub(super) fn then(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<Spanned<Then>> {
    decoder.choice(node, &[Then::Stop, Then::Terminate, Then::Keep].map(|then| (then.word(), then)))
}

pub(super) fn rerun_on(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<Spanned<BTreeSet<Ignored>>> {
    let wanted = "a list of fields, such as `[image, command, env.EPOCHS]`";
    let fields = decoder.items(node, wanted, |decoder, item| {
        let name = decoder.word(item, "the name of a field")?;
        let field = name.value.parse().ok().filter(|field: &Ignored| match field {
            Ignored::All => false,
            Ignored::Variables => true,
            Ignored::Field(Field::Env(variable)) => is_variable_name(variable.as_str()),
            Ignored::Field(field) => Job::can_rerun_on(field),
        });
        if field.is_none() {
            let detail =
                format!("{} is no field whose change can make a job run again", shown(&name.value));
            let mistake = Diagnostic::at(Problem::InvalidValue, name.span, detail);
            let plain = Field::PLAIN.iter().filter(|(field, _)| Job::can_rerun_on(field));
            let near = decoder.log.closest(&name.value, plain.map(|(_, word)| *word).chain(["env"]));
            decoder.report(match near {
                Some(near) => mistake.fix(name.span, near, "did you mean"),
                None => mistake.help(
                    "name `image`, `command`, `ports`, `disk`, `registry`, `volumes`, variables such as `env.EPOCHS`, \
                     or `env` for all of them, which is `env.*` too",
                ),
            });
        }
        field
    })?;
    Some(fields.map(|fields| fields.into_iter().collect()))
}

pub(super) fn depends_on(
    decoder: &mut Decoder<'_>,
    node: &Node<'_>,
) -> Option<Spanned<Vec<Spanned<Dependency>>>> {
    decoder.items(node, "a list of pods, such as `[prep]`", dependency)
}

fn dependency(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<Spanned<Dependency>> {
    let Value::Mapping(_) = &node.value else {
        let name = decoder.word(node, "the key of a pod")?;
        return Some(name.map(|pod| Dependency { pod, until: None }));
    };
    let fields = decoder.fields(node, &words::DEPENDENCY, "the key of a pod")?;
    if fields.lacks("pod") {
        let detail = "an entry of `depends_on` needs a `pod`";
        decoder.report(Diagnostic::at(Problem::MissingKey, node.span, detail));
    }
    let until = fields.read("until", decoder, |decoder, node| {
        let words = [("ready", None), ("done", Some(Until::Done)), ("ended", Some(Until::Ended))];
        decoder.choice(node, &words)
    });
    let pod = fields.read("pod", decoder, |decoder, node| decoder.word(node, "the key of a pod"))?;
    let until = until.and_then(|until| Some(Spanned { value: until.value?, span: until.span }));
    Some(pod.map(|pod| Dependency { pod, until }))
}
