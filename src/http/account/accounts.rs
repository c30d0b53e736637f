//! The views.

use axum::Json;

use super::failure::{Answer, Failure};
use super::wire::{AccountOut, Create, Dates, RootOut, Update};
use crate::domain::error::{Entity, Error, FieldError};
use crate::domain::ids::UserId;
use crate::domain::rights::action;
use crate::http::answers::{Created, Gone};
use crate::http::call::Call;
use crate::http::drf::Form;
use crate::http::drf::lists::{Asked, Listed};
use crate::http::drf::metadata::Action;
use crate::http::fault::Result;
use crate::http::ids::{self, PathIds};
use crate::service::{Ctx, registration, settings, users};

fn dates(ctx: &Ctx) -> Result<Dates> {
    Ok(if settings::in_force(ctx.env)?.account_zoned_dates() { Dates::Zoned } else { Dates::Naive })
}

/// `GET /api/v1/`
pub async fn root(call: Call, asked: Asked) -> Answer<Json<RootOut>> {
    Ok(Json(call.run(move |ctx| Ok(RootOut { account: asked.below(ctx, "account")? })).await?))
}

/// `GET account/`
pub async fn list(call: Call, asked: Asked) -> Answer<Listed<AccountOut>> {
    let listed = call.listing().run(move |ctx| {
        let dates = dates(ctx)?;
        asked.list(ctx, |listing| users::seen(ctx, listing), |account| AccountOut::of(&account.user, dates))
    });
    Ok(listed.await?)
}

/// `POST account/`
pub async fn create(call: Call, form: Form<Create>) -> Answer<Created<AccountOut>> {
    let created = call.run_hashing(|ctx| {
        registration::knock(ctx)?;
        let new = form.parse_judged::<Create>(taken(ctx))?.into_command()?;
        let user = registration::register(ctx, new, None)?.into_user();
        Ok(AccountOut::of(&user, dates(ctx)?))
    });
    Ok(Created(created.await?))
}

/// Complains of an address and a username that somebody has.
fn taken<'a>(ctx: &'a Ctx) -> impl Fn(&str, &str) -> Result<Option<FieldError>, Error> + 'a {
    move |name, text| {
        let taken = registration::tells_taken(ctx.env, name, text)?;
        Ok(taken.then(|| unique(name)))
    }
}

fn unique(name: &str) -> FieldError {
    FieldError::new(name, "unique", format!("account with this {name} already exists."))
}

/// The account that the path names.
fn named(ids: &PathIds) -> Result<UserId> {
    ids::user(ids.text(0, Entity::User)?)
}

/// What OPTIONS lists of an account that the caller may change.
pub fn put_action(ctx: &Ctx, arguments: &[String]) -> Option<Action> {
    let id = ids::user(arguments.first()?).ok()?;
    users::may(ctx, id, action::UPDATE).ok()?;
    Some(Action { method: "PUT", fields: super::fields() })
}

/// `GET account/{id}/`
pub async fn get(call: Call, ids: PathIds) -> Answer<Json<AccountOut>> {
    let found = call.run(move |ctx| Ok(AccountOut::of(&users::see(ctx, named(&ids)?)?.user, dates(ctx)?)));
    Ok(Json(found.await?))
}

/// `PUT account/{id}/`
pub async fn replace(call: Call, ids: PathIds, form: Form<Create>) -> Answer<Json<AccountOut>> {
    change(call, ids, |form: Form<Create>, judge: Judge| Ok(form.parse_judged::<Create>(judge)?.into_update()), form)
        .await
}

/// `PATCH account/{id}/`
pub async fn update(call: Call, ids: PathIds, form: Form<Update>) -> Answer<Json<AccountOut>> {
    change(call, ids, |form: Form<Update>, judge: Judge| form.parse_judged(judge), form).await
}

/// What complains of a value that another account has.
type Judge<'a> = &'a dyn Fn(&str, &str) -> Result<Option<FieldError>, Error>;

async fn change<T: Send + 'static>(
    call: Call,
    ids: PathIds,
    read: fn(Form<T>, Judge) -> Result<Update>,
    form: Form<T>,
) -> Answer<Json<AccountOut>> {
    let changed = call.run_hashing(move |ctx| {
        let id = named(&ids)?;
        users::may(ctx, id, action::UPDATE)?;
        let judge = |name: &str, text: &str| {
            let taken = users::is_anothers(ctx.env, id, (name, text))?;
            Ok(taken.then(|| unique(name)))
        };
        let (profile, password) = read(form, &judge)?.into_patch()?;
        let account = users::change_all(ctx, id, users::AccountPatch { profile, password, roles: None })?;
        Ok(AccountOut::of(&account.user, dates(ctx)?))
    });
    Ok(Json(changed.await?))
}

fn end(ctx: &Ctx, ids: &PathIds) -> Result<()> {
    Ok(users::erase(ctx, named(ids)?)?)
}

/// `DELETE account/{id}/`, `DELETE account/{id}/remove/` (S0-18)
pub async fn delete(call: Call, ids: PathIds) -> Answer<Gone> {
    call.run(move |ctx| end(ctx, &ids)).await?;
    Ok(Gone)
}

/// `DELETE account/remove/{id}/` (S0-19)
pub async fn remove(call: Call, ids: PathIds) -> Answer<Gone> {
    call.run(move |ctx| end(ctx, &ids)).await.map_err(Failure::bare)?;
    Ok(Gone)
}
