//! `/api/session/`

use hyper::StatusCode;
use hyper::header::SET_COOKIE;
use mlbench_core::Result;
use mlbench_core::api::SignIn;
use warp::reply::Response;

use crate::app::sessions::Sessions;
use crate::http::auth::set_cookie;
use crate::http::request::{Body, NoQuery, RequestContext};
use crate::http::response::empty;

pub(in crate::http) async fn create(
    context: RequestContext,
    _: NoQuery,
    Body { value: SignIn { token }, .. }: Body<SignIn>,
) -> Result<Response> {
    let (sessions, now) = (&context.app().sessions, context.app().clock.now());
    let secret = sessions.sign_in(context.policy(), &token, context.peer, now)?;
    let mut response = empty();
    if let Some(secret) = secret {
        response.headers_mut().insert(SET_COOKIE, set_cookie(&context.headers, Some(&secret))?);
    }
    Ok(response)
}

pub(in crate::http) async fn get(context: RequestContext, _: NoQuery) -> Result<Response> {
    let session = Sessions::describe(context.policy(), context.session().is_some());
    context.json()?.json(StatusCode::OK, &session)
}

pub(in crate::http) async fn delete(context: RequestContext, _: NoQuery) -> Result<Response> {
    if let Some(secret) = context.session() {
        context.app().sessions.sign_out(&secret);
    }
    let mut response = empty();
    response.headers_mut().insert(SET_COOKIE, set_cookie(&context.headers, None)?);
    Ok(response)
}
