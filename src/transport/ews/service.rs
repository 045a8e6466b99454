//! Authorised requests to Exchange Web Services.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use reqwest::Request;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderValue};

use super::answer::{self, EwsCredential, Whole};
use super::codes::EwsError;
use super::reading::Element;
use super::soap::{MESSAGES, Tag, envelope};
use super::words;
use crate::address::Address;
use crate::config::{EwsLogin, EwsPlace};
use crate::http::{Http, HttpError, HttpReply};
use crate::secret::Secret;
use crate::transport::call::{Step, Trail, authorise, silence, unauthorised};
use crate::transport::{Answer, Bearer, Cause, SendError};

/// The service, asked in the name of one account.
pub(super) struct EwsService {
    http: Http,
    pub place: EwsPlace,
    login: EwsLogin,
    bearer: Arc<dyn Bearer>,
    /// What the server last said of its version.
    pub version: Option<String>,
}

impl EwsService {
    pub(super) fn new(
        http: Http,
        place: EwsPlace,
        login: EwsLogin,
        bearer: &Arc<dyn Bearer>,
    ) -> Self {
        Self {
            http,
            place,
            login,
            bearer: Arc::clone(bearer),
            version: None,
        }
    }

    /// The same, which takes answers of so many bytes.
    pub(super) fn taking(self, largest: u64) -> Self {
        Self {
            http: self.http.taking(largest),
            ..self
        }
    }

    /// The mailbox to name in a request; none for that of whoever asks.
    pub(super) fn mailbox(&self, own: bool) -> Option<&Address> {
        self.place.mailbox.as_ref().filter(|_| !own)
    }

    pub(super) fn with(&self) -> EwsCredential {
        match self.login {
            EwsLogin::Token => EwsCredential::Token,
            EwsLogin::Password(..) => EwsCredential::Password,
        }
    }

    /// Asks. What is not a success comes back as what it means for the letter.
    pub(super) fn ask(
        &mut self,
        operation: Tag,
        step: Step,
        trail: &mut Trail<'_>,
    ) -> Result<Vec<Element>, SendError> {
        let messages = self.answers(operation, step, trail)?.into_iter();
        messages
            .map(|message| message.map_err(|said| said.meaning(step)))
            .collect()
    }

    /// Asks about one item that may not be there.
    pub(super) fn look(
        &mut self,
        operation: Tag,
        trail: &mut Trail<'_>,
    ) -> Result<Option<Element>, SendError> {
        match self.answers(operation, Step::Prepare, trail)?.pop() {
            Some(Ok(message)) => Ok(Some(message)),
            Some(Err(said)) if said.is_item_missing() => Ok(None),
            Some(Err(said)) => Err(said.meaning(Step::Prepare)),
            None => Err(words::incomplete()),
        }
    }

    fn answers(
        &mut self,
        operation: Tag,
        step: Step,
        trail: &mut Trail<'_>,
    ) -> Result<Vec<Result<Element, EwsError>>, SendError> {
        let action = format!("\"{MESSAGES}/{}\"", operation.operation());
        let body = envelope(operation).map_err(|illegal| words::not_written(&illegal))?;
        let reply = match &self.login {
            EwsLogin::Token => self.with_token(&action, &body, step, trail)?,
            EwsLogin::Password(username, password) => {
                let value = basic(username, password);
                self.once(&action, body, &value, step, trail)?
            }
        };
        let Whole { version, messages } = answer::read(&reply, step, self.with())?;
        self.version = version.or(self.version.take());
        Ok(messages)
    }

    /// Asks with a token, and with a fresh one if the first is no longer taken.
    fn with_token(
        &self,
        action: &str,
        body: &[u8],
        step: Step,
        trail: &mut Trail<'_>,
    ) -> Result<HttpReply, SendError> {
        let token = |refused: Option<&Secret>| {
            let refused = refused.map(Secret::expose);
            let token = self.bearer.for_outlook(refused);
            token.map_err(|error| unauthorised(&error))
        };
        let bearer = |token: &Secret| format!("Bearer {}", token.expose());
        let first = token(None)?;
        let reply = self.once(action, body.to_vec(), &bearer(&first), step, trail)?;
        if reply.status != 401 {
            return Ok(reply);
        }
        // A token that was refused did nothing: asking again cannot send twice.
        let second = token(Some(&first))?;
        self.once(action, body.to_vec(), &bearer(&second), step, trail)
    }

    fn once(
        &self,
        action: &str,
        body: Vec<u8>,
        authorisation: &str,
        step: Step,
        trail: &mut Trail<'_>,
    ) -> Result<HttpReply, SendError> {
        let mut request = Request::new(Method::POST, self.place.url.clone());
        let headers = request.headers_mut();
        authorise(headers, authorisation)?;
        headers.insert(ACCEPT, HeaderValue::from_static("text/xml"));
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("text/xml; charset=utf-8"),
        );
        // SOAP 1.1 section 6.1.1.
        if let Ok(action) = HeaderValue::from_str(action) {
            headers.insert("SOAPAction", action);
        }
        // Routes the request to the server that has the mailbox (Microsoft, "Impersonation and EWS
        // in Exchange"); delegates may send it too.
        let anchor = self.place.anchor.as_deref();
        if let Some(Ok(anchor)) = anchor.map(HeaderValue::from_str) {
            headers.insert("X-AnchorMailbox", anchor);
        }
        trail.name(headers);
        let reply = self
            .http
            .call(request, body)
            .map_err(|error| broken(&error, step))?;
        trail.answered(&reply);
        Ok(reply)
    }
}

/// RFC 7617 section 2.
fn basic(username: &str, password: &Secret) -> String {
    let pair = format!("{username}:{}", password.expose());
    format!("Basic {}", STANDARD.encode(pair))
}

/// A request without an answer. A certificate that is not trusted does not get better by waiting.
fn broken(error: &HttpError, step: Step) -> SendError {
    match error {
        HttpError::NotSent(error) if error.kind.lasts() => {
            SendError::Unusable(Answer::new(Cause::Tls, &error.text).with(
                "if the server's authority is a private one, name its PEM file in ews_ca_file",
            ))
        }
        HttpError::NotSent(_) | HttpError::NoAnswer(_) => silence(error, step),
    }
}
