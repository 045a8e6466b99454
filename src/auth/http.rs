//! The one way to the identity platform.

use std::time::Duration;

use oauth2::{HttpRequest, HttpResponse};
use reqwest::Request;

use crate::http::{Http, HttpError};
use crate::network::{NetworkError, NetworkKind};

/// A client for the identity platform.
pub(super) fn client() -> Result<Http, HttpError> {
    Http::new(Duration::from_secs(30))
}

/// Sends one request of the oauth2 crate.
pub(super) fn call(http: &Http, request: HttpRequest) -> Result<HttpResponse, HttpError> {
    let (head, body) = request.into_parts();
    let request = oauth2::http::Request::from_parts(head, Vec::new());
    let cannot = |text: String| HttpError::NotSent(NetworkError::new(NetworkKind::Other, text));
    let request = Request::try_from(request).map_err(|error| cannot(error.to_string()))?;
    let reply = http.call(request, body)?;
    let mut builder = oauth2::http::Response::builder().status(reply.status);
    for (name, value) in &reply.headers {
        builder = builder.header(name, value);
    }
    builder
        .body(reply.body)
        .map_err(|error| cannot(error.to_string()))
}
