//! What podform may do with a pod.

use crate::model::desired::{Ignored, Lifecycle, OnRemove, OnReplace, OnStuckResume};
use crate::model::settings::Field;
use crate::spec::decode::Decoder;
use crate::spec::diagnostic::{Diagnostic, Problem};
use crate::spec::interpolate::is_variable_name;
use crate::spec::sensitive::shown;
use crate::spec::source::Spanned;
use crate::spec::words;
use crate::spec::yaml::Node;

pub(super) fn read(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<Spanned<Lifecycle>> {
    let fields = decoder.fields(node, &words::LIFECYCLE, "a map such as `{ protect: true }`")?;
    let on_remove =
        [OnRemove::Terminate, OnRemove::Stop, OnRemove::Forget].map(|choice| (choice.word(), choice));
    let on_replace = [OnReplace::DestroyFirst, OnReplace::CreateFirst].map(|choice| (choice.word(), choice));
    let on_stuck_resume = [OnStuckResume::Fail, OnStuckResume::Replace, OnStuckResume::Wait]
        .map(|choice| (choice.word(), choice));
    let ignored = fields.read("ignore_changes", decoder, |decoder, node| {
        decoder.items(node, "a list of fields, such as `[image, env.LOG_LEVEL]`", ignored_field)
    });
    let protect = fields.read("protect", decoder, |d, node| d.boolean(node));
    let on_remove = fields.read("on_remove", decoder, |d, node| d.choice(node, &on_remove));
    let on_replace = fields.read("on_replace", decoder, |d, node| d.choice(node, &on_replace));
    let on_stuck_resume = fields.read("on_stuck_resume", decoder, |d, node| d.choice(node, &on_stuck_resume));
    let lifecycle = Lifecycle {
        protect: protect.is_some_and(|protect| protect.value),
        on_remove: on_remove.map(|choice| choice.value).unwrap_or_default(),
        on_replace: on_replace.map(|choice| choice.value).unwrap_or_default(),
        on_stuck_resume: on_stuck_resume.map(|choice| choice.value).unwrap_or_default(),
        ignore_changes: ignored.map(|list| list.value.into_iter().collect()).unwrap_or_default(),
    };
    Some(Spanned { value: lifecycle, span: node.span })
}

fn ignored_field(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<Ignored> {
    let name = decoder.word(node, "the name of a field")?;
    let ignored = name.value.parse().ok().filter(|ignored: &Ignored| match ignored {
        Ignored::All | Ignored::Variables => true,
        Ignored::Field(Field::Env(variable)) => is_variable_name(variable.as_str()),
        Ignored::Field(field) => field.can_be_ignored(),
    });
    if ignored.is_some() {
        return ignored;
    }
    let mistake = Diagnostic::at(
        Problem::InvalidValue,
        name.span,
        format!("{} is no field whose differences can be left alone", shown(&name.value)),
    );
    let plain = Field::PLAIN.iter().filter(|(field, _)| field.can_be_ignored()).map(|(_, word)| *word);
    let several = Ignored::SEVERAL.iter().map(|(_, word)| *word);
    let mistake = match name.value.as_str() {
        "state" => mistake.help("a pod that others started or stopped is brought back to its `state`"),
        other => match decoder.log.closest(other, plain.chain(several)) {
            Some(field) => mistake.fix(name.span, field, "did you mean"),
            None => mistake.help(
                "name fields of the pod, such as `image`, variables, such as `env.LOG_LEVEL`, `env` for all of them, which \
                 is `env.*` too, or `all`",
            ),
        },
    };
    decoder.report(mistake);
    None
}
