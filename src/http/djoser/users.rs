//! The root, `users/`, `users/{id}/`.

use axum::Json;

use super::failure::{Answer, Failure};
use super::wire::{
    Addressed, Create, CreateRetype, CreatedOut, CurrentPassword, PhoneCreate, PhoneUserOut, RootOut, Twice, Update,
    UserOut,
};
use crate::domain::error::{Entity, Error, FieldError};
use crate::domain::ids::UserId;
use crate::domain::rights::action;
use crate::domain::settings::DjoserRules;
use crate::domain::users::User;
use crate::http::answers::{Created, Gone};
use crate::http::call::Call;
use crate::http::drf::Form;
use crate::http::drf::failure::USER;
use crate::http::drf::lists::{Asked, Listed};
use crate::http::fault::{Fault, Result};
use crate::http::ids::{self, PathIds};
use crate::service::registration::{self, Registration};
use crate::service::users::{self, AccountPatch};
use crate::service::{Ctx, settings};

/// The rules as they are now.
pub(super) fn rules(ctx: &Ctx) -> Result<DjoserRules> {
    Ok(settings::in_force(ctx.env)?.djoser())
}

/// What users are addressed by.
pub(super) fn addressed(rules: &DjoserRules) -> Addressed {
    if rules.by_username { Addressed::ByUsername } else { Addressed::ById }
}

/// `GET /auth/`
pub async fn root(call: Call, asked: Asked) -> Answer<Json<RootOut>> {
    Ok(Json(call.run(move |ctx| Ok(RootOut { users: asked.below(ctx, "users")? })).await?))
}

/// `GET users/`
pub async fn list(call: Call, asked: Asked) -> Answer<Listed<UserOut>> {
    let listed = call.listing().run(move |ctx| {
        let by = addressed(&rules(ctx)?);
        asked.list(ctx, |listing| users::seen(ctx, listing), |account| UserOut::of(&account.user, by))
    });
    Ok(listed.await?)
}

/// `POST users/`
pub async fn create(call: Call, form: Form<Create>) -> Answer<Created<CreatedOut>> {
    let created = call.run_hashing(|ctx| {
        registration::knock(ctx)?;
        let rules = rules(ctx)?;
        let (create, twice) = if rules.user_create_password_retype {
            form.parse_judged::<CreateRetype>(free_username(ctx, "username"))?.into_parts()
        } else {
            (form.parse_judged::<Create>(free_username(ctx, "username"))?, Twice::ONCE)
        };
        let new = create.into_command()?;
        twice.check(|| registration::check_password(ctx, &new))?;
        Ok((register(ctx, new)?, addressed(&rules)))
    });
    let (user, by) = created.await?;
    Ok(Created(CreatedOut::of(&user, by)))
}

/// `POST users/` in the manner of S1 (S1-8 … S1-12).
pub async fn create_by_phone(call: Call, form: Form<PhoneCreate>) -> Answer<Created<PhoneUserOut>> {
    let created = call.run_hashing(|ctx| {
        registration::knock(ctx)?;
        Ok(register(ctx, form.parse()?.into_command()?)?)
    });
    let user = created.await.map_err(Failure::PhoneFault)?;
    Ok(Created((&*user).into()))
}

/// Registers somebody without signing him in.
fn register(ctx: &Ctx, new: Registration) -> Result<Box<User>, Error> {
    Ok(registration::register(ctx, new, None)?.into_user())
}

/// Complains of a username in `field` that somebody has.
pub(super) fn free_username<'a>(
    ctx: &'a Ctx,
    field: &'static str,
) -> impl Fn(&str, &str) -> Result<Option<FieldError>, Error> + 'a {
    move |name, text| {
        let taken = name == field && registration::tells_taken(ctx.env, "username", text)?;
        Ok(taken.then(|| FieldError::new(field, "unique", (USER.taken)("username"))))
    }
}

/// The user that the path names.
fn named(ctx: &Ctx, ids: &PathIds) -> Result<UserId> {
    called(ctx, ids.text(0, Entity::User)?)
}

/// Whether the caller may change the user whom the path calls so.
pub(super) fn may_change(ctx: &Ctx, text: &str) -> bool {
    called(ctx, text).is_ok_and(|id| users::may(ctx, id, action::UPDATE).is_ok())
}

fn called(ctx: &Ctx, text: &str) -> Result<UserId> {
    if rules(ctx)?.by_username {
        return Ok(users::id_of(ctx.env, text)?);
    }
    ids::user(text)
}

/// Passes if the caller may do this to the user; one whom he must not know of is not there.
fn may(ctx: &Ctx, id: UserId, action: &'static str) -> Result<()> {
    match users::may(ctx, id, action) {
        Err(Error::Forbidden(_)) if rules(ctx)?.hide_users => Err(Fault::Hidden),
        other => Ok(other?),
    }
}

/// `GET users/{id}/`
pub async fn get(call: Call, ids: PathIds) -> Answer<Json<UserOut>> {
    let found = call.run(move |ctx| {
        let id = named(ctx, &ids)?;
        may(ctx, id, action::READ)?;
        Ok(UserOut::of(&users::see(ctx, id)?.user, addressed(&rules(ctx)?)))
    });
    Ok(Json(found.await?))
}

/// `PUT`, `PATCH users/{id}/`
pub async fn update(call: Call, ids: PathIds, form: Form<Update>) -> Answer<Json<UserOut>> {
    let updated = call.run(move |ctx| {
        let id = named(ctx, &ids)?;
        may(ctx, id, action::UPDATE)?;
        let patch = AccountPatch { profile: form.parse()?.into_patch()?.into(), ..AccountPatch::default() };
        Ok(UserOut::of(&users::change(ctx, id, patch)?.user, addressed(&rules(ctx)?)))
    });
    Ok(Json(updated.await?))
}

/// `DELETE users/{id}/`
pub async fn delete(call: Call, ids: PathIds, form: Form<CurrentPassword>) -> Answer<Gone> {
    call.run_hashing(move |ctx| {
        let id = named(ctx, &ids)?;
        users::may(ctx, id, action::DELETE)?;
        Ok(users::delete_by(ctx, id, &form.parse()?.current_password)?)
    })
    .await?;
    Ok(Gone)
}
