//! A plan's numbers as lines of `name=value`, the way continuous integration takes the outputs of a step.
//!
//! A value is one word of ASCII, so a shell may append the text to a file of outputs or `read` it as it is. Names are
//! kept once they are published. So what is held or warned of is counted here, and its words, which may hold names from
//! anywhere, stand in the other formats.

use std::fmt::{self, Write};

use crate::model::money::Monthly;
use crate::model::plan::{Planned, Severity};

use super::view::{Verdict, View, view};

/// Writes a plan as lines of `name=value`.
pub fn write_outputs(out: &mut dyn Write, planned: &Planned) -> fmt::Result {
    let view = view(planned);
    let View { plan, verdict, counts, lost, .. } = &view;
    let (changes, blocked) = match verdict {
        Verdict::Changes => (true, false),
        Verdict::NoChanges => (false, false),
        Verdict::Blocked(_) => (false, true),
    };
    let in_progress = plan.in_progress.is_some();
    let warnings = plan.findings.iter().filter(|finding| finding.severity == Severity::Warning).count();
    writeln!(out, "changes={changes}\nblocked={blocked}\nin_progress={in_progress}")?;
    let numbers = [
        ("to_create", counts.create),
        ("to_start", counts.start),
        ("to_stop", counts.stop),
        ("to_update", counts.update),
        ("to_replace", counts.replace),
        ("to_destroy", counts.destroy),
        ("to_reset", counts.reset),
        ("to_import", counts.import),
        ("to_forget", counts.forget),
        ("losing_data", counts.losing),
        ("wiping_disks", lost.container_disks.0),
        ("unchanged", counts.unchanged),
        ("held", counts.held),
        ("warnings", warnings),
    ];
    for (name, number) in numbers {
        writeln!(out, "{name}={number}")?;
    }
    let (now, after) = (plan.cost.now.total().exact(), plan.cost.after.total().exact());
    let delta = now.zip(after).map(|(now, after)| after - now);
    writeln!(out, "monthly={}\nmonthly_delta={}", Dollars(after), Dollars(delta))?;
    // There is nothing to approve.
    if view.is_without_a_plan() { Ok(()) } else { writeln!(out, "digest={}", plan.digest) }
}

/// Dollars and cents without a sign for the currency, for programs: `1234.50`, `-0.07`, `unknown`.
struct Dollars(Option<Monthly>);

impl fmt::Display for Dollars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(Monthly(micro)) = self.0 else { return f.write_str("unknown") };
        let cents = (micro.unsigned_abs() + 5_000) / 10_000;
        let sign = if micro < 0 && cents > 0 { "-" } else { "" };
        write!(f, "{sign}{}.{:02}", cents / 100, cents % 100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::sample;

    #[test]
    fn every_number_has_its_line() {
        let mut text = String::new();
        write_outputs(&mut text, &sample::full()).unwrap();
        insta::assert_snapshot!(text, @"
        changes=true
        blocked=false
        in_progress=false
        to_create=2
        to_start=1
        to_stop=1
        to_update=5
        to_replace=2
        to_destroy=3
        to_reset=3
        to_import=1
        to_forget=2
        losing_data=3
        wiping_disks=8
        unchanged=3
        held=3
        warnings=2
        monthly=5052.00
        monthly_delta=-458.00
        digest=3f2a9c4be01d77863f2a9c4be01d7786-5490000000
        ");
    }

    #[test]
    fn dollars_have_cents_and_no_thousands() {
        let shown = [1_234_500_000, -70_000, -1, 0].map(|micro| Dollars(Some(Monthly(micro))).to_string());
        assert_eq!(shown, ["1234.50", "-0.07", "0.00", "0.00"]);
        assert_eq!(Dollars(None).to_string(), "unknown");
    }
}
