//! Questions and decisions of AuthZEN over the wire. Members that do not matter are not listed: they are ignored as all
//! unknown ones are.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::error::{Error, FieldError, Result};
use crate::domain::ids::UserId;
use crate::domain::rights::Right;
use crate::http::body::Sent;
use crate::http::ids;
use crate::service::access::{Decision, Question};

/// The type of subjects that there are.
const USER: &str = "user";
/// Nobody has this id.
const NOBODY: UserId = UserId(0);

/// May this subject do this action on this resource?
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "AccessEvaluation", extend("additionalProperties" = true))]
pub struct Evaluation {
    subject: Subject,
    action: Action,
    resource: Resource,
}

/// Who.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "AccessSubject", extend("additionalProperties" = true))]
struct Subject {
    /// `user`.
    #[schemars(length(min = 1, max = 255))]
    r#type: String,
    /// Id of the user, in digits.
    #[schemars(length(min = 1, max = 255))]
    id: String,
}

/// What.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "AccessAction", extend("additionalProperties" = true))]
struct Action {
    /// Code name of the action.
    #[schemars(length(min = 1, max = 255))]
    name: String,
}

/// On what.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "AccessResource", extend("additionalProperties" = true))]
struct Resource {
    /// Code name of the resource.
    #[schemars(length(min = 1, max = 255))]
    r#type: String,
    /// Which one; it does not matter.
    #[schemars(length(max = 1000))]
    #[expect(dead_code, reason = "a right is on all things of a kind")]
    id: String,
}

impl From<Evaluation> for Question {
    fn from(asked: Evaluation) -> Self {
        question(&asked.subject.r#type, &asked.subject.id, asked.resource.r#type, asked.action.name)
    }
}

/// A question about a user, or about nobody where the subject is none.
fn question(kind: &str, id: &str, resource: String, action: String) -> Question {
    // An id has one spelling.
    let user = ids::number(id).filter(|number| kind == USER && number.to_string() == id).map_or(NOBODY, UserId);
    Question { user: Some(user), right: Right::new(resource, action) }
}

/// Several questions, and what they have in common; without any, one.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "AccessEvaluations", extend("additionalProperties" = true))]
pub struct Evaluations {
    #[serde(flatten)]
    common: Parts,
    /// The questions.
    #[serde(default)]
    #[schemars(length(max = 100))]
    evaluations: Sent<Vec<Parts>>,
    #[serde(default)]
    options: Sent<Options>,
}

/// How several questions are gone through.
#[derive(Default, Deserialize, JsonSchema)]
#[schemars(rename = "AccessOptions", extend("additionalProperties" = true))]
struct Options {
    /// When to stop.
    #[serde(default)]
    evaluations_semantic: Sent<Semantic>,
}

/// When to stop.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "AccessSemantic", inline)]
#[expect(missing_docs, reason = "each variant says it")]
pub enum Semantic {
    #[default]
    ExecuteAll,
    DenyOnFirstDeny,
    PermitOnFirstPermit,
}

/// What is said of a question.
#[derive(Default, Deserialize, JsonSchema)]
#[schemars(rename = "AccessParts", extend("additionalProperties" = true))]
struct Parts {
    #[serde(default)]
    subject: Sent<SubjectPart>,
    #[serde(default)]
    action: Sent<ActionPart>,
    #[serde(default)]
    resource: Sent<ResourcePart>,
}

/// Who; what is left out is as beside the questions.
#[derive(Default, Deserialize, JsonSchema)]
#[schemars(rename = "AccessSubjectPart", extend("additionalProperties" = true))]
struct SubjectPart {
    #[serde(default)]
    #[schemars(length(min = 1, max = 255))]
    r#type: Sent<String>,
    #[serde(default)]
    #[schemars(length(min = 1, max = 255))]
    id: Sent<String>,
}

/// What.
#[derive(Default, Deserialize, JsonSchema)]
#[schemars(rename = "AccessActionPart", extend("additionalProperties" = true))]
struct ActionPart {
    #[serde(default)]
    #[schemars(length(min = 1, max = 255))]
    name: Sent<String>,
}

/// On what.
#[derive(Default, Deserialize, JsonSchema)]
#[schemars(rename = "AccessResourcePart", extend("additionalProperties" = true))]
struct ResourcePart {
    #[serde(default)]
    #[schemars(length(min = 1, max = 255))]
    r#type: Sent<String>,
    #[serde(default)]
    #[schemars(length(max = 1000))]
    id: Sent<String>,
}

/// A question, or the name of what it lacks.
pub type Item = std::result::Result<Question, &'static str>;

/// What is asked.
pub enum Asked {
    /// One question.
    One(Question),
    /// Several, and when to stop.
    Several(Vec<Item>, Semantic),
}

impl Evaluations {
    /// What is asked.
    ///
    /// # Errors
    /// `Invalid` when there are no questions, and what stands there itself is none.
    pub fn into_command(self) -> Result<Asked> {
        let semantic = self.options.0.unwrap_or_default().evaluations_semantic.0.unwrap_or_default();
        let questions = self.evaluations.0.unwrap_or_default();
        if questions.is_empty() {
            let one = self.common.or(&Parts::default());
            return one
                .map(Asked::One)
                .map_err(|lacks| Error::Invalid(vec![FieldError::new(lacks, "required", "This field is required.")]));
        }
        let items = questions.into_iter().map(|question| question.or(&self.common)).collect();
        Ok(Asked::Several(items, semantic))
    }
}

impl Parts {
    /// The question that this is, with what it leaves out as in `common`.
    fn or(self, common: &Parts) -> Item {
        let (subject, action, resource) = (
            self.subject.0.unwrap_or_default(),
            self.action.0.unwrap_or_default(),
            self.resource.0.unwrap_or_default(),
        );
        let (subjects, actions, resources) = (&common.subject.0, &common.action.0, &common.resource.0);
        let kind = given(subject.r#type, subjects.as_ref().map(|one| &one.r#type)).ok_or("subject.type")?;
        let id = given(subject.id, subjects.as_ref().map(|one| &one.id)).ok_or("subject.id")?;
        let action = given(action.name, actions.as_ref().map(|one| &one.name)).ok_or("action.name")?;
        let of = given(resource.r#type, resources.as_ref().map(|one| &one.r#type)).ok_or("resource.type")?;
        given(resource.id, resources.as_ref().map(|one| &one.id)).ok_or("resource.id")?;
        Ok(question(&kind, &id, of, action))
    }
}

fn given(own: Sent<String>, common: Option<&Sent<String>>) -> Option<String> {
    own.0.or_else(|| common.and_then(|common| common.0.clone()))
}

/// A decision.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AccessDecision")]
pub struct DecisionOut {
    /// Whether it is allowed.
    decision: bool,
    context: DecisionContext,
}

/// Why so.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AccessDecisionContext")]
struct DecisionContext {
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// What the question lacks.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ItemError>,
}

/// What is wrong with one question of several.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AccessError")]
struct ItemError {
    /// The status that it alone would have got.
    status: u16,
    /// For people.
    message: String,
}

impl DecisionOut {
    /// The denial of a question that lacks this.
    pub fn lacking(what: &'static str) -> Self {
        let error = ItemError { status: 400, message: format!("{what}: This field is required.") };
        Self { decision: false, context: DecisionContext { reason: None, error: Some(error) } }
    }

    /// Whether this is the last that is told.
    pub fn ends(&self, semantic: Semantic) -> bool {
        match semantic {
            Semantic::ExecuteAll => false,
            Semantic::DenyOnFirstDeny => !self.decision,
            Semantic::PermitOnFirstPermit => self.decision,
        }
    }
}

impl From<Decision> for DecisionOut {
    fn from(decision: Decision) -> Self {
        let context = DecisionContext { reason: Some(decision.reason()), error: None };
        Self { decision: decision.is_allowed(), context }
    }
}

/// One decision, or those of several questions in their order.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "AccessDecisions")]
pub enum Decisions {
    /// One.
    One(DecisionOut),
    /// Several.
    Several {
        /// The decisions, up to the one after which to stop.
        evaluations: Vec<DecisionOut>,
    },
}

/// Metadata of the policy decision point.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "PolicyDecisionPointMetadata")]
pub struct Metadata {
    policy_decision_point: String,
    access_evaluation_endpoint: String,
    access_evaluations_endpoint: String,
}

impl Metadata {
    /// That of the server with this public URL.
    pub fn of(url: String) -> Self {
        Self {
            access_evaluation_endpoint: format!("{url}/access/v1/evaluation"),
            access_evaluations_endpoint: format!("{url}/access/v1/evaluations"),
            policy_decision_point: url,
        }
    }
}
