//! Prints plans.

use super::args::PlanFormat;
use super::output::Output;
use crate::model::plan::Planned;
use crate::render::Positions;
use crate::render::difference::write_difference;
use crate::render::graph::{GraphFormat, write_graph};
use crate::render::human::write_plan;
use crate::render::json::write_json;
use crate::render::markdown::write_markdown;
use crate::render::outputs::write_outputs;
use crate::render::terraform_json::write_terraform_json;

/// Prints a plan as data.
pub fn plan(output: &Output, planned: &Planned, format: PlanFormat, positions: Positions<'_>) {
    let mut text = String::new();
    let written = match format {
        PlanFormat::Human => write_plan(&mut text, planned, positions, output.style()),
        PlanFormat::Json => write_json(&mut text, planned, positions),
        PlanFormat::TerraformJson => write_terraform_json(&mut text, planned),
        PlanFormat::Markdown => write_markdown(&mut text, planned, positions),
        PlanFormat::Outputs => write_outputs(&mut text, planned),
        PlanFormat::Dot => write_graph(&mut text, planned.plan(), GraphFormat::Dot),
        PlanFormat::Mermaid => write_graph(&mut text, planned.plan(), GraphFormat::Mermaid),
        PlanFormat::Svg => write_graph(&mut text, planned.plan(), GraphFormat::Svg),
    };
    written.expect("a string takes every text");
    output.data(&text);
}

/// Prints what a plan that was approved and the plan of now differ in, as data.
pub fn difference(output: &Output, approved: &Planned, now: &Planned) {
    let mut text = String::new();
    write_difference(&mut text, approved, now).expect("a string takes every text");
    output.data(&text);
}
