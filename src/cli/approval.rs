//! Whether a plan may run: a person said so, or a flag that a person gave.

use super::env::Environment;
use super::failure::Failure;
use super::flags::RunArgs;
use super::output::Output;
use super::prompt;
use super::tolerance::PriceTolerance;
use crate::model::plan::{Approval, ApprovedPlan, Digest, NoDigest, Plan};

/// Who approves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Approver {
    /// A person at the terminal.
    Person,
    Flag,
    /// `--approved DIGEST`.
    Digest {
        approved: String,
        tolerance: PriceTolerance,
    },
}

impl Approver {
    /// Finds out who approves, before anything is locked or sent.
    pub fn find(args: &RunArgs, env: &Environment) -> Result<Self, Failure> {
        match (&args.approved, args.auto_approve) {
            (Some(digest), _) => Ok(Self::Digest {
                approved: digest.clone(),
                tolerance: args.price_tolerance.unwrap_or_default(),
            }),
            (None, _) if args.price_tolerance.is_some() => Err(Failure::ToleranceOfNothing),
            (None, true) => Ok(Self::Flag),
            (None, false) if args.json => Err(Failure::NobodyToAsk { why: "`--json` is for programs" }),
            (None, false) if env.stdin_is_terminal => Ok(Self::Person),
            (None, false) => Err(Failure::NobodyToAsk { why: "standard input is no terminal" }),
        }
    }

    /// Gets the approval for a plan that was shown.
    pub async fn approve(
        &self,
        plan: Plan,
        question: &str,
        output: &Output,
    ) -> Result<ApprovedPlan, Failure> {
        let approval = match self {
            Self::Flag => Approval::Flag,
            Self::Digest { approved, tolerance } => {
                ensure_approved(approved, &plan.digest, *tolerance)?;
                Approval::Digest
            }
            Self::Person => {
                output.alarm(&format!("\n{question} Only `yes` is accepted."));
                if !prompt::is_approved().await {
                    return Err(Failure::Declined);
                }
                Approval::Prompt
            }
        };
        Ok(ApprovedPlan::new(plan, approval))
    }
}

fn ensure_approved(approved: &str, found: &Digest, tolerance: PriceTolerance) -> Result<(), Failure> {
    match approved.parse() {
        Ok(Digest { hash, monthly }) if hash == found.hash => {
            if tolerance.admits(monthly, found.monthly) {
                return Ok(());
            }
            Err(Failure::OtherPrice { approved: monthly, found: found.monthly })
        }
        Ok(_) | Err(NoDigest) => {
            Err(Failure::OtherDigest { approved: approved.to_owned(), found: found.to_string() })
        }
    }
}
