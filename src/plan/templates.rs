//! Pods that take values from a template.

use super::{Context, Drafts, finding};
use crate::model::address::Address;
use crate::model::desired::{ComputeWish, CudaWish, Wanted};
use crate::model::plan::{Finding, Held, Step};
use crate::model::pod::Storage;
use crate::model::template::FromTemplate;

/// Returns what a pod of the spec takes from a template.
pub(super) fn of<'c>(context: &Context<'c>, address: &Address) -> Option<&'c FromTemplate> {
    context.wanted(address).and_then(Wanted::pod)?.template.as_ref()
}

/// Holds every pod that is wanted with values that are not known.
pub(super) fn hold_unread(context: &Context<'_>, drafts: &mut Drafts<'_>) {
    for (address, draft) in drafts {
        let Some(FromTemplate { id, missing: Some(why), .. }) = of(context, address) else { continue };
        if draft.held.is_none() {
            draft.findings.clear();
            draft.hold(Held::NoTemplate { id: id.clone(), why: why.clone() });
        }
    }
}

/// Says which pods that are made would have a volume or other hosts if RunPod made them from their templates.
pub(super) fn left(context: &Context<'_>, drafts: &Drafts<'_>) -> Vec<Finding> {
    let made = drafts.iter().filter(|(_, draft)| draft.has(Step::Create));
    let left = made.filter_map(|(address, _)| {
        let FromTemplate { id, volume, cuda, .. } = of(context, address)?;
        let pod = context.wanted(address)?.pod()?;
        let volume = volume.as_ref().filter(|_| matches!(pod.container.storage, Storage::None));
        let takes_any = match &pod.hardware.compute {
            ComputeWish::Gpu(wish) => wish.host.cuda == CudaWish::Any,
            ComputeWish::Cpu(_) => false,
        };
        let volume = volume.map(|volume| finding::volume_of_template(address, id, volume));
        let cuda = (takes_any && !cuda.is_empty()).then(|| finding::cuda_of_template(address, id, cuda));
        Some(volume.into_iter().chain(cuda))
    });
    left.flatten().collect()
}
