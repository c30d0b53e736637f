//! `evaluation`, `evaluations`.

use axum::Json;

use super::failure::{Answer, Failure};
use super::request_id::{Identified, RequestId};
use super::wire::{Asked, DecisionOut, Decisions, Evaluation, Evaluations, Item, Semantic};
use crate::domain::error::{Error, Result};
use crate::http::body::Body;
use crate::http::call::Call;
use crate::service::Ctx;
use crate::service::access::{self, Question};

/// `POST evaluation`
pub async fn one(call: Call, id: RequestId, body: Body<Evaluation>) -> Identified<Answer<Json<DecisionOut>>> {
    let decided = call.run_at_once(|ctx| Ok(alone(ctx, body.parse()?.into())?)).await;
    id.on(decided.map(Json).map_err(Failure::from))
}

/// `POST evaluations`
pub async fn several(call: Call, id: RequestId, body: Body<Evaluations>) -> Identified<Answer<Json<Decisions>>> {
    let decided = call.run_at_once(|ctx| match body.parse()?.into_command()? {
        Asked::One(question) => Ok(Decisions::One(alone(ctx, question)?)),
        Asked::Several(items, semantic) => Ok(Decisions::Several { evaluations: each(ctx, items, semantic)? }),
    });
    id.on(decided.await.map(Json).map_err(Failure::from))
}

fn alone(ctx: &Ctx, question: Question) -> Result<DecisionOut> {
    let decided = access::check(ctx, &[question])?.into_iter().next();
    decided.map(DecisionOut::from).ok_or_else(|| Error::internal("no answer to one question"))
}

/// The decisions in their order, all of one state of the data; a question that lacks something is denied.
fn each(ctx: &Ctx, items: Vec<Item>, semantic: Semantic) -> Result<Vec<DecisionOut>> {
    let questions: Vec<Question> = items.iter().filter_map(|item| item.as_ref().ok()).cloned().collect();
    let mut decided = access::check(ctx, &questions)?.into_iter();
    let mut told = Vec::with_capacity(items.len());
    for item in items {
        let decision = match item {
            Ok(_) => decided.next().ok_or_else(|| Error::internal("a question without an answer"))?.into(),
            Err(lacks) => DecisionOut::lacking(lacks),
        };
        let last = DecisionOut::ends(&decision, semantic);
        told.push(decision);
        if last {
            break;
        }
    }
    Ok(told)
}
