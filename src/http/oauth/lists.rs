//! `status-lists/`: whether sessions are over, for whoever verifies tokens by key alone.

use std::convert::Infallible;
use std::time::Duration;

use aide::generate::GenContext;
use aide::openapi::{MediaType, Operation, Response as Documented};
use aide::operation::OperationOutput;
use axum::Json;
use axum::extract::FromRequestParts;
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use super::failure::{Answer, ErrorOut, error};
use super::wire::StatusLists;
use crate::domain::error::Entity;
use crate::domain::status_lists::ListNumber;
use crate::http::answers::{self, Published};
use crate::http::call::Call;
use crate::http::ids::PathIds;
use crate::service::status_lists::{self, SignedList};

/// Media type of a list as a signed token.
const LIST: &str = "application/statuslist+jwt";
/// How long the addresses of all lists may be kept.
const ADDRESSES_KEPT: Duration = Duration::from_secs(60);

/// How a list is asked for.
pub struct Wanted {
    /// Whether the client takes the one form that there is.
    acceptable: bool,
    /// Whether it asks for a list of the past.
    past: bool,
}

impl<S: Send + Sync> FromRequestParts<S> for Wanted {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let query = parts.uri.query().unwrap_or("");
        let past = form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == "time");
        Ok(Self { acceptable: takes_list(&parts.headers), past })
    }
}

impl aide::OperationInput for Wanted {}

/// Whether one of the media types that the client takes is that of a list, if it names any.
fn takes_list(headers: &HeaderMap) -> bool {
    let ranges: Vec<String> = headers
        .get_all(ACCEPT)
        .iter()
        .flat_map(|value| String::from_utf8_lossy(value.as_bytes()).split(',').map(str::to_owned).collect::<Vec<_>>())
        .collect();
    let fits = |range: &String| {
        let mut parts = range.split(';').map(|part| part.trim().to_ascii_lowercase());
        let named = parts.next().unwrap_or_default();
        [LIST, "application/*", "*/*"].contains(&named.as_str()) && !parts.any(|part| part == "q=0")
    };
    ranges.is_empty() || ranges.iter().any(fits)
}

/// A list, or why there is none.
pub enum ListOut {
    /// The list.
    Signed(SignedList),
    /// No session stands in it.
    Missing,
    /// The client takes no such form.
    NotAcceptable,
    /// Lists of the past are not kept.
    Past,
}

impl IntoResponse for ListOut {
    fn into_response(self) -> Response {
        match self {
            ListOut::Signed(SignedList { token, lifetime }) => {
                // Kept on the way for half of its life, it has the other half left for whoever verifies by it.
                let body = ([(CONTENT_TYPE, LIST)], token);
                Published::new(body, lifetime / 2).into_response()
            }
            ListOut::Missing => answers::not_found(),
            ListOut::NotAcceptable => {
                error(StatusCode::NOT_ACCEPTABLE, "invalid_request", format!("A list comes as {LIST}."))
            }
            ListOut::Past => error(
                StatusCode::NOT_IMPLEMENTED,
                "invalid_request",
                "Lists of the past are not kept: leave out the parameter time.",
            ),
        }
    }
}

impl OperationOutput for ListOut {
    type Inner = ();

    fn inferred_responses(context: &mut GenContext, operation: &mut Operation) -> Vec<(Option<u16>, Documented)> {
        let content = [(LIST.to_owned(), MediaType::default())].into_iter().collect();
        let list = Documented { description: "The list.".to_owned(), content, ..Documented::default() };
        let mut all = vec![(Some(200), list)];
        for status in [406, 501] {
            all.extend(answers::documented::<ErrorOut>(context, operation, status));
        }
        all.extend(answers::documented::<answers::Detail>(context, operation, 404));
        all
    }
}

/// `GET status-lists/{list}/`
pub async fn one(call: Call, ids: PathIds, wanted: Wanted) -> Answer<ListOut> {
    let made = call.listing().run(move |ctx| {
        if wanted.past {
            return Ok(ListOut::Past);
        }
        if !wanted.acceptable {
            return Ok(ListOut::NotAcceptable);
        }
        let number = ids.id(0, Entity::Page).ok().and_then(ListNumber::new);
        let list = number.map(|number| status_lists::signed(ctx, number)).transpose()?.flatten();
        Ok(list.map_or(ListOut::Missing, ListOut::Signed))
    });
    Ok(made.await?)
}

/// `GET status-lists/`
pub async fn all(call: Call) -> Answer<Published<Json<StatusLists>>> {
    let status_lists = call.run(|ctx| Ok(status_lists::addresses(ctx)?)).await?;
    Ok(Published::new(Json(StatusLists { status_lists }), ADDRESSES_KEPT))
}
