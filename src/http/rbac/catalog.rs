//! `resources/…` and `actions/…`: two lists of the same form.

use axum::Json;

use super::failure::Answer;
use super::wire::NamedOut;
use super::wire::named::{NamedCreate, NamedUpdate};
use crate::domain::catalog::Kind;
use crate::http::answers::{Created, Gone};
use crate::http::body::Body;
use crate::http::call::Call;
use crate::http::ids::PathIds;
use crate::http::lists::{Asked, Envelope};
use crate::service::catalog;

/// The handlers of one list.
macro_rules! handlers {
    ($name:ident, $kind:expr, $doc:literal) => {
        #[doc = $doc]
        pub mod $name {
            use super::*;

            /// `GET` of the list.
            pub async fn list(call: Call, asked: Asked) -> Answer<Json<Envelope<NamedOut>>> {
                let page = call.listing().run(move |ctx| {
                    asked.page(ctx, catalog::ORDER, |listing| catalog::list(ctx, $kind, listing), NamedOut::from)
                });
                Ok(Json(page.await?))
            }

            /// `POST`
            pub async fn create(call: Call, body: Body<NamedCreate>) -> Answer<Created<NamedOut>> {
                let created = call.run(|ctx| Ok(catalog::create(ctx, $kind, body.parse()?.into_command()?)?));
                Ok(Created(created.await?.into()))
            }

            /// `GET`
            pub async fn get(call: Call, ids: PathIds) -> Answer<Json<NamedOut>> {
                let found = call.run(move |ctx| Ok(catalog::get(ctx, $kind, ids.id(0, $kind.entity())?)?));
                Ok(Json(found.await?.into()))
            }

            /// `PUT`
            pub async fn replace(call: Call, ids: PathIds, body: Body<NamedCreate>) -> Answer<Json<NamedOut>> {
                let updated = call.run(move |ctx| {
                    let id = ids.id(0, $kind.entity())?;
                    Ok(catalog::update(ctx, $kind, id, body.parse_for(ctx, $kind.entity(), id)?.into_patch()?)?)
                });
                Ok(Json(updated.await?.into()))
            }

            /// `PATCH`
            pub async fn update(call: Call, ids: PathIds, body: Body<NamedUpdate>) -> Answer<Json<NamedOut>> {
                let updated = call.run(move |ctx| {
                    let id = ids.id(0, $kind.entity())?;
                    Ok(catalog::update(ctx, $kind, id, body.parse_for(ctx, $kind.entity(), id)?.into_command()?)?)
                });
                Ok(Json(updated.await?.into()))
            }

            /// `DELETE`
            pub async fn delete(call: Call, ids: PathIds) -> Answer<Gone> {
                call.run(move |ctx| Ok(catalog::delete(ctx, $kind, ids.id(0, $kind.entity())?)?)).await?;
                Ok(Gone)
            }
        }
    };
}

handlers!(resources, Kind::Resource, "`resources/…`");
handlers!(actions, Kind::Action, "`actions/…`");
