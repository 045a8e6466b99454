//! The one way to the identity platform: no redirects, short patience, small answers.

use std::io::Read;
use std::time::Duration;

use oauth2::{HttpRequest, HttpResponse};
use reqwest::blocking::{Client, Request};
use reqwest::redirect::Policy;

/// A request that got no answer. Its text holds no part of the request.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct HttpError(String);

/// Answers beyond this size are not the identity platform's.
const LARGEST: u64 = 1 << 20;

/// A client that never follows a redirect: the form it posts holds secrets.
pub(super) fn client() -> Result<Client, HttpError> {
    Client::builder()
        .redirect(Policy::none())
        .timeout(Duration::from_secs(30))
        .user_agent(concat!("postroom/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| HttpError(cause(&error)))
}

/// Sends one request of the oauth2 crate.
pub(super) fn call(client: &Client, request: HttpRequest) -> Result<HttpResponse, HttpError> {
    let request = Request::try_from(request).map_err(|error| HttpError(cause(&error)))?;
    let response = client
        .execute(request)
        .map_err(|error| HttpError(cause(&error)))?;
    let mut builder = oauth2::http::Response::builder().status(response.status());
    for (name, value) in response.headers() {
        builder = builder.header(name, value);
    }
    let mut body = Vec::new();
    response
        .take(LARGEST)
        .read_to_end(&mut body)
        .map_err(|error| HttpError(error.to_string()))?;
    builder
        .body(body)
        .map_err(|error| HttpError(error.to_string()))
}

/// The innermost cause, without the URL.
fn cause(error: &reqwest::Error) -> String {
    let mut source: &dyn std::error::Error = error;
    while let Some(inner) = source.source() {
        source = inner;
    }
    if error.is_timeout() {
        "no answer in 30 s".to_owned()
    } else {
        source.to_string()
    }
}
