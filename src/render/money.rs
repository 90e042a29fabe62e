//! Amounts as people read them. What is unknown is said to be unknown, never left out of a sum in silence.

use std::fmt;

use crate::model::money::{Amount, Monthly, Price};
use crate::model::plan::{CostChange, CostSummary, Runs};

/// An amount a month: `$633.80`, `unknown`, `$6.00 + unknown`.
#[derive(Clone, Copy, Debug)]
pub struct AMonth(pub Amount);

impl fmt::Display for AMonth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Amount { known, unknown_parts } = self.0;
        write_amount(f, known, unknown_parts, known)
    }
}

/// An amount an hour: `$0.87/h`, `unknown`, `$0.01/h + unknown`.
#[derive(Clone, Copy, Debug)]
pub struct AnHour(pub Amount);

impl fmt::Display for AnHour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Amount { known, unknown_parts } = self.0;
        write_amount(f, known, unknown_parts, format_args!("{}/h", known.hourly()))
    }
}

fn write_amount(
    f: &mut fmt::Formatter<'_>,
    known: Monthly,
    unknown: u32,
    shown: impl fmt::Display,
) -> fmt::Result {
    match (unknown, known == Monthly::ZERO) {
        (0, _) => write!(f, "{shown}"),
        (_, true) => f.write_str("unknown"),
        (_, false) => write!(f, "{shown} + unknown"),
    }
}

/// A price of the catalog where nothing else says that it is one: `$0.86/h` or `price unknown`.
#[derive(Clone, Copy, Debug)]
pub struct PriceAnHour(pub Price);

impl fmt::Display for PriceAnHour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            price @ Price::Known(_) => price.fmt(f),
            Price::Unknown => f.write_str("price unknown"),
        }
    }
}

/// The difference between two amounts a month with its sign: `+$94.00`, `-$5.00`, `none`, `unknown`.
#[derive(Clone, Copy, Debug)]
pub struct Difference {
    pub before: Amount,
    /// The amount after.
    pub after: Amount,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { before, after } = *self;
        match (before.exact(), after.exact()) {
            (Some(before), Some(after)) if before == after => f.write_str("none"),
            (Some(before), Some(after)) if before < after => write!(f, "+{}", after - before),
            (Some(before), Some(after)) => write!(f, "{}", after - before),
            (None, _) | (_, None) if before == after => f.write_str("none"),
            (None, _) | (_, None) => f.write_str("unknown"),
        }
    }
}

/// Returns what an action changes: both totals, an hour beside a month; then compute and storage apart.
pub fn cost_lines(cost: CostChange) -> [String; 2] {
    let CostChange { before, after } = cost;
    let (total_before, total_after) = (before.total(), after.total());
    let month = arrow(AMonth(total_before), AMonth(total_after));
    let hour = arrow(AnHour(before.rate()), AnHour(after.rate()));
    let compute = arrow(AMonth(before.compute), AMonth(after.compute));
    let storage = arrow(AMonth(before.storage), AMonth(after.storage));
    let runs = [before, after].map(|split| split.runs.map(Runs::total));
    let jobs = match runs {
        [None, None] => String::new(),
        [before, after] => {
            let [before, after] = [before, after].map(|runs| AnHour(runs.unwrap_or_default()));
            format!(", {} while its job runs", arrow(before, after))
        }
    };
    [format!("{month} a month ({hour})"), format!("compute {compute}, storage {storage}{jobs}")]
}

/// Returns what a month costs, before and after, and the difference.
pub(crate) fn month(before: Amount, after: Amount) -> [String; 3] {
    [AMonth(before).to_string(), AMonth(after).to_string(), Difference { before, after }.to_string()]
}

/// Returns the rows of the table of costs, which has a row more where there is something unmanaged.
pub(crate) fn cost_rows(CostSummary { now, after, .. }: &CostSummary) -> Vec<(&'static str, [String; 3])> {
    let (total_now, total_after) = (now.total(), after.total());
    let hour = |now, after| [AnHour(now).to_string(), AnHour(after).to_string(), String::new()];
    let mut rows = vec![
        ("compute", month(now.compute, after.compute)),
        ("storage", month(now.storage, after.storage)),
        ("total", month(total_now, total_after)),
    ];
    if now.runs.is_some() || after.runs.is_some() {
        rows.push((
            "jobs an hour",
            hour(now.runs.unwrap_or_default().total(), after.runs.unwrap_or_default().total()),
        ));
    }
    rows.push(("total an hour", hour(now.rate(), after.rate())));
    rows
}

/// Returns the sentence on what a plan may cost at most, if that is not what it costs.
pub(crate) fn at_most(cost: &CostSummary) -> Option<String> {
    let (most, rate) = (cost.at_most.total(), cost.at_most.rate());
    (cost.at_most != cost.after).then(|| {
        format!(
            "At most {} a month ({}), if each pod lands on its dearest candidate.",
            AMonth(most),
            AnHour(rate)
        )
    })
}

fn arrow(before: impl fmt::Display, after: impl fmt::Display) -> String {
    let (before, after) = (before.to_string(), after.to_string());
    if before == after { after } else { format!("{before} -> {after}") }
}

/// Returns so many times what one replica costs.
pub fn times(cost: CostChange, count: usize) -> CostChange {
    std::iter::repeat_n(cost, count).fold(CostChange::default(), |sum, one| CostChange {
        before: sum.before + one.before,
        after: sum.after + one.after,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::money::Hourly;
    use crate::model::plan::Split;

    #[test]
    fn unknown_prices_are_said() {
        let storage = Amount::known(Monthly(6_000_000));
        let unknown = Amount::of(Price::Unknown);
        assert_eq!(AMonth(unknown).to_string(), "unknown");
        assert_eq!(AMonth(unknown + storage).to_string(), "$6.00 + unknown");
        assert_eq!(AnHour(unknown + storage).to_string(), "$0.0082/h + unknown");
        assert_eq!(Difference { before: storage, after: unknown }.to_string(), "unknown");
        assert_eq!(PriceAnHour(Price::Unknown).to_string(), "price unknown");
    }

    #[test]
    fn a_line_holds_both_units_and_both_parts() {
        let storage = Amount::known(Monthly(6_000_000));
        let compute = Amount::of(Price::Known(Hourly(860_000)));
        let before = Split { compute: Amount::ZERO, storage, runs: None };
        let lines = cost_lines(CostChange { before, after: Split { compute, storage, runs: None } });
        assert_eq!(
            lines,
            ["$6.00 -> $633.80 a month ($0.0082/h -> $0.8682/h)", "compute $0.00 -> $627.80, storage $6.00"]
        );
        let difference = Difference { before: storage, after: Amount::ZERO };
        assert_eq!(difference.to_string(), "-$6.00");
    }
}
