//! By how much prices may have moved since somebody approved a plan.

use std::str::FromStr;

use crate::model::money::Amount;

/// A share of the approved total, in hundredths of a percent. The default is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PriceTolerance(u32);

impl PriceTolerance {
    /// Tells whether a total is close enough to the approved one, in either direction.
    ///
    /// What is unknown cannot be close: a price that came to be unknown, or known, is always another one.
    pub fn admits(self, approved: Amount, now: Amount) -> bool {
        let moved = i128::from(now.known.0) - i128::from(approved.known.0);
        approved.unknown_parts == now.unknown_parts
            && moved.abs() * 10_000 <= i128::from(approved.known.0).abs() * i128::from(self.0)
    }
}

impl FromStr for PriceTolerance {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str =
            "write a percentage from 0% to 100% with at most two decimals, such as 5% or 0.5%";
        let number = text.strip_suffix('%').ok_or(WRONG)?;
        let (whole, decimals) = number.split_once('.').unwrap_or((number, "0"));
        let is_number = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number(whole) || !is_number(decimals) || decimals.len() > 2 {
            return Err(WRONG);
        }
        let whole: u32 = whole.parse().map_err(|_| WRONG)?;
        let hundredths: u32 = format!("{decimals:0<2}").parse().map_err(|_| WRONG)?;
        let share = whole.checked_mul(100).and_then(|share| share.checked_add(hundredths));
        share.filter(|share| *share <= 10_000).map(Self).ok_or(WRONG)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::money::Monthly;

    #[test]
    fn percentages_have_at_most_two_decimals() {
        let parsed = ["5%", "0.5%", "0.25%", "100%"].map(|text| text.parse::<PriceTolerance>());
        assert_eq!(parsed, [500, 50, 25, 10_000].map(|share| Ok(PriceTolerance(share))));
        for wrong in ["5", "%", ".5%", "5.%", "-1%", "+1%", "101%", "0.125%", "5 %", "99999999999%"] {
            assert!(wrong.parse::<PriceTolerance>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_move_passes_up_to_the_share_of_what_was_approved() {
        let amount = |micro| Amount::known(Monthly(micro));
        let five: PriceTolerance = "5%".parse().unwrap();
        let none = PriceTolerance::default();
        assert!(five.admits(amount(1_000), amount(1_050)));
        assert!(!five.admits(amount(1_000), amount(1_051)));
        assert!(five.admits(amount(1_000), amount(950)));
        assert!(!five.admits(amount(0), amount(1)));
        assert!(none.admits(amount(1_000), amount(1_000)));
        assert!(!none.admits(amount(1_000), amount(1_001)));
    }

    #[test]
    fn a_price_that_came_to_be_unknown_is_no_small_move() {
        let half_known = Amount { known: Monthly(1_000), unknown_parts: 1 };
        let all: PriceTolerance = "100%".parse().unwrap();
        assert!(!all.admits(Amount::known(Monthly(1_000)), half_known));
        assert!(all.admits(half_known, half_known));
    }
}
