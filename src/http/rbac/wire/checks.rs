//! Questions about rights, and their answers, over the wire.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::ids::UserId;
use crate::domain::rights::Right;
use crate::http::body::Sent;
use crate::service::access::{Decision, Question};

/// May somebody do this?
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "Question")]
pub struct QuestionIn {
    /// Code name of the resource.
    #[schemars(length(min = 1, max = 100))]
    resource: String,
    /// Code name of the action.
    #[schemars(length(min = 1, max = 100))]
    action: String,
    /// Id of the user; the caller, if left out.
    #[serde(default)]
    user: Sent<i64>,
}

/// One question, or up to 100.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Questions {
    /// One.
    One(QuestionIn),
    /// Several.
    Many(#[schemars(length(min = 1, max = 100))] Vec<QuestionIn>),
}

impl From<QuestionIn> for Question {
    fn from(asked: QuestionIn) -> Self {
        Question { right: Right::new(asked.resource, asked.action), user: asked.user.0.map(UserId) }
    }
}

/// The answer to one question.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Decision")]
pub struct DecisionOut {
    /// Whether it is allowed.
    allowed: bool,
    /// Why, for people.
    reason: String,
    /// Code name of the role that allows it.
    role: Option<String>,
    /// What is missing, as `resource:action`.
    missing: Option<String>,
}

/// One answer, or as many as there were questions, in their order.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Decisions {
    /// One.
    One(DecisionOut),
    /// Several.
    Many(Vec<DecisionOut>),
}

impl From<Decision> for DecisionOut {
    fn from(decision: Decision) -> Self {
        Self {
            allowed: decision.is_allowed(),
            reason: decision.reason(),
            role: decision.role().map(str::to_owned),
            missing: decision.missing().map(Right::to_string),
        }
    }
}
