//! What a template of RunPod gives to pods that are made from it.
//!
//! RunPod copies a template once and keeps no link, so podform does the same: the values are read for each plan and stand
//! in it like those that the spec has itself.

use std::collections::BTreeSet;

use super::id::{CudaVersion, TemplateId};
use super::settings::{Field, Observed, PodSettings};
use super::size::Gigabytes;

/// A template as the API shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    pub name: String,
    /// What a pod takes of it, and the volume that its pods are to have, which a spec says itself.
    pub settings: PodSettings<Observed>,
    /// It is for workers of endpoints, and RunPod makes no pod from it.
    pub is_serverless: bool,
    /// It is listed among those without a GPU.
    pub is_cpu: bool,
    pub ssh: bool,
    pub jupyter: bool,
    /// The CUDA versions of hosts that will do; none for any.
    pub cuda: BTreeSet<CudaVersion>,
}

/// What a pod of the spec takes from a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FromTemplate {
    pub id: TemplateId,
    /// The fields that the spec leaves to it, and of the environment the variables that it has given.
    pub fields: BTreeSet<Field>,
    /// Why its values are not there; nothing may be done to the pod then.
    pub missing: Option<String>,
    /// The local volume that RunPod would make with it, which a spec says itself.
    pub volume: Option<TemplateVolume>,
    /// The CUDA versions that it wants of hosts, which a spec says itself; none for any.
    pub cuda: BTreeSet<CudaVersion>,
}

/// A local volume of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateVolume {
    pub size: Gigabytes,
    pub path: String,
}

impl FromTemplate {
    /// Names a template that is yet to be read.
    pub fn unread(id: TemplateId, fields: BTreeSet<Field>) -> Self {
        Self {
            id,
            fields,
            missing: Some("it has not been read".to_owned()),
            volume: None,
            cuda: BTreeSet::new(),
        }
    }

    /// Tells whether it has given the value of a field.
    pub fn gives(&self, field: &Field) -> bool {
        self.missing.is_none() && self.fields.contains(field)
    }
}
