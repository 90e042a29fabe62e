//! What a pod mounts.

use std::collections::BTreeSet;

use crate::model::size::Gigabytes;
use crate::spec::decode::Decoder;
use crate::spec::diagnostic::{Diagnostic, Problem};
use crate::spec::dollars;
use crate::spec::forms;
use crate::spec::interpolate::Text;
use crate::spec::source::Spanned;
use crate::spec::words;
use crate::spec::yaml::{Node, Value};

/// An entry of a pod's `volumes`.
#[derive(Clone, Debug)]
pub(in crate::spec) enum Mount {
    /// `NAME:/path`, by the key under the top-level `volumes`.
    Network { name: String, path: Text },
    /// `{ local: SIZE, path: PATH }`
    Local { size: Gigabytes, path: Text },
}

pub(super) fn read(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<Spanned<Vec<Spanned<Mount>>>> {
    let wanted = "a list such as `[models:/models]` or `[{ local: 100GB, path: /workspace }]`";
    decoder.items(node, wanted, |decoder, item| match &item.value {
        Value::Mapping(_) => local_mount(decoder, item),
        Value::Scalar(_) | Value::Sequence(_) => network_mount(decoder, item),
    })
}

fn network_mount(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<Spanned<Mount>> {
    let text = decoder.text(node, "`NAME:/path`")?;
    dollars::check(decoder, text.span, &BTreeSet::new());
    let read = forms::mount(text.value.raw()).and_then(|(name, path)| {
        forms::pod_path(path)?;
        Ok((name.to_owned(), Text::new(path)))
    });
    match read {
        Ok((name, path)) => Some(Spanned { value: Mount::Network { name, path }, span: node.span }),
        Err(misread) => {
            decoder.misread(Problem::InvalidValue, node.span, misread);
            None
        }
    }
}

fn local_mount(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<Spanned<Mount>> {
    let fields = decoder.fields(node, &words::MOUNT, "a map")?;
    let help = "write `{ local: 100GB, path: /workspace }`, or `NAME:/path` for a network volume";
    decoder.need_all(&fields, &words::MOUNT, Some(help));
    let size = fields.read("local", decoder, |decoder, node| {
        let size = decoder.form(node, "a size such as `100GB`", Problem::InvalidSize, forms::size)?;
        if size.value.0 < 10 {
            decoder.report(Diagnostic::at(
                Problem::InvalidSize,
                size.span,
                "a local volume has at least 10GB",
            ));
            return None;
        }
        Some(size.value)
    });
    let path = fields.read("path", decoder, |decoder, node| {
        let path = decoder.text(node, "an absolute path")?;
        dollars::check(decoder, path.span, &BTreeSet::new());
        if let Err(misread) = forms::pod_path(path.value.raw()) {
            decoder.misread(Problem::InvalidValue, path.span, misread);
            return None;
        }
        Some(path.value)
    });
    let (size, path) = size.zip(path)?;
    Some(Spanned { value: Mount::Local { size, path }, span: node.span })
}
