//! What an approved plan and the plan of now differ in, line by line as a reviewer has read them.

use std::fmt::{self, Write};

use similar::TextDiff;

use crate::model::plan::Planned;

use super::human::write_plan;
use super::no_positions;
use super::style::Style;

/// Writes how two plans read differently, as a unified difference; nothing if they read the same.
///
/// Positions in the spec are left out of both: a line that moved is no difference in what is done.
pub fn write_difference(out: &mut dyn Write, approved: &Planned, now: &Planned) -> fmt::Result {
    let (mut before, mut after) = (String::new(), String::new());
    write_plan(&mut before, approved, &no_positions, Style::PLAIN)?;
    write_plan(&mut after, now, &no_positions, Style::PLAIN)?;
    let lines = TextDiff::from_lines(&before, &after);
    write!(out, "{}", lines.unified_diff().context_radius(3).header("approved", "now"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::plan::{Plan, Step};
    use crate::render::sample::{self, id};

    fn update(image: &str) -> Planned {
        let actions = [(id("llm", Step::Update), sample::update("pod1", image))].into();
        Planned::Changes(Plan { actions, ..sample::empty_plan() })
    }

    fn difference(approved: &Planned, now: &Planned) -> String {
        let mut text = String::new();
        write_difference(&mut text, approved, now).unwrap();
        text
    }

    #[test]
    fn a_plan_does_not_differ_from_itself() {
        assert_eq!(difference(&sample::full(), &sample::full()), "");
    }

    #[test]
    fn what_changed_stands_as_removed_and_added_lines() {
        insta::assert_snapshot!(difference(&update("tool:2"), &update("tool:3")), @r#"
        --- approved
        +++ now
        @@ -4,7 +4,7 @@
           # llm will be updated in-place
           # (id pod1)
           ~ llm
        -      ~ image:             "vllm/vllm-openai:v0.18.0" -> "tool:2"  # you changed it; resets the pod
        +      ~ image:             "vllm/vllm-openai:v0.18.0" -> "tool:3"  # you changed it; resets the pod
               ~ env.WANDB_API_KEY: (secret)  # differs, cause not attributable; resets the pod
               note:  its container disk (60 GB) is wiped
               note:  its public address and TCP ports change
        "#);
    }
}
