//! `check/`: may somebody do something, and why?

use axum::Json;

use super::failure::Answer;
use super::one;
use super::wire::checks::{DecisionOut, Decisions, Questions};
use crate::http::body::Body;
use crate::http::call::Call;
use crate::service::access::{self, Question};

/// `POST check/`
pub async fn check(call: Call, body: Body<Questions>) -> Answer<Json<Decisions>> {
    let decided = call.run_at_once(|ctx| match body.parse()? {
        Questions::One(question) => Ok(Decisions::One(one(access::check(ctx, &[question.into()])?)?.into())),
        Questions::Many(questions) => {
            let questions: Vec<Question> = questions.into_iter().map(Question::from).collect();
            let decided = access::check(ctx, &questions)?;
            Ok(Decisions::Many(decided.into_iter().map(DecisionOut::from).collect()))
        }
    });
    Ok(Json(decided.await?))
}
