//! Whether a plan may run: a person said so, or a flag that a person gave.

use super::args::RunArgs;
use super::env::Environment;
use super::failure::Failure;
use super::output::Output;
use super::prompt::{self, Answer};
use crate::model::plan::{Approval, ApprovedPlan, Plan};

/// Who approves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Approver {
    /// A person at the terminal.
    Person,
    /// `--auto-approve`.
    Flag,
    /// `--approved DIGEST`.
    Digest(String),
}

impl Approver {
    /// Finds out who approves, before anything is locked or sent.
    ///
    /// # Errors
    /// Nobody can be asked.
    pub fn find(args: &RunArgs, env: &Environment) -> Result<Self, Failure> {
        match (&args.approved, args.auto_approve) {
            (Some(digest), _) => Ok(Self::Digest(digest.clone())),
            (None, true) => Ok(Self::Flag),
            (None, false) if env.stdin_is_terminal => Ok(Self::Person),
            (None, false) => Err(Failure::NobodyToAsk),
        }
    }

    /// Gets the approval for a plan that was shown.
    ///
    /// # Errors
    /// The person did not say `yes`, or the digest is that of another plan.
    pub async fn approve(
        &self,
        plan: Plan,
        question: &str,
        output: &Output,
    ) -> Result<ApprovedPlan, Failure> {
        let approval = match self {
            Self::Flag => Approval::Flag,
            Self::Digest(approved) => {
                let found = plan.digest.to_string();
                if *approved != found {
                    return Err(Failure::OtherDigest { approved: approved.clone(), found });
                }
                Approval::Digest
            }
            Self::Person => {
                output.alarm(&format!("\n{question} Only `yes` is accepted."));
                match prompt::ask().await {
                    Answer::Yes => Approval::Prompt,
                    Answer::No => return Err(Failure::Declined),
                }
            }
        };
        Ok(ApprovedPlan::new(plan, approval))
    }
}
