//! The client key: `Authorization: Bearer KEY`.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::http::{App, Refusal};
use crate::identity::Identity;
use crate::transport::Place;

/// The client whose key the request showed.
#[derive(Debug, Clone)]
pub(crate) struct Caller(pub(crate) Arc<Identity>);

/// Lets a request pass whose key is good.
pub(crate) async fn require(
    State(app): State<Arc<App>>,
    mut request: Request,
    next: Next,
) -> Response {
    let Some(place) = request.extensions().get::<Arc<Place>>() else {
        // Every connection has one.
        return Refusal::unauthenticated(None).into_response();
    };
    let access = app.mcp.access();
    let found = access.find(bearer(request.headers()), place.peer());
    let identity = match found {
        Ok(identity) => identity,
        Err(stranger) => {
            let stranger = access.turn_away(stranger).await;
            return Refusal::unauthenticated(Some(stranger)).into_response();
        }
    };
    if !place.belongs_to(identity.name()) {
        return Refusal::too_many_connections().into_response();
    }
    request.extensions_mut().insert(Caller(identity));
    next.run(request).await
}

/// Whether a request comes from this machine or shows a good key.
pub(super) fn is_ours(app: &App, request: &Request) -> bool {
    let place = request.extensions().get::<Arc<Place>>();
    let key = || bearer(request.headers()).and_then(|key| app.mcp.access().live().find(key));
    place.is_some_and(|place| place.peer().is_loopback()) || key().is_some()
}

/// Lets a request pass that comes from this machine or whose key is good: for pages that a monitor reads.
pub(crate) async fn require_unless_loopback(
    State(app): State<Arc<App>>,
    request: Request,
    next: Next,
) -> Response {
    let place = request.extensions().get::<Arc<Place>>();
    if place.is_some_and(|place| place.peer().is_loopback()) {
        return next.run(request).await;
    }
    require(State(app), request, next).await
}

/// The key of the one `Authorization` header; the scheme's name has no case (RFC 9110, 11.1).
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (value, None) = (values.next()?, values.next()) else {
        return None;
    };
    let (scheme, key) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim_start_matches(' '))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn check(values: &[&'static str], expected: Option<&str>) {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::AUTHORIZATION, HeaderValue::from_static(value));
        }
        assert_eq!(bearer(&headers), expected, "{values:?}");
    }

    #[test]
    fn one_bearer_key_only() {
        check(&["Bearer k"], Some("k"));
        check(&["bearer  k"], Some("k"));
        check(&["Basic k"], None);
        check(&["Bearer"], None);
        check(&["k"], None);
        check(&[], None);
        check(&["Bearer k", "Bearer k"], None);
    }
}
