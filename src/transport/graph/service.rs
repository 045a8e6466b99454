//! Authorised requests to Microsoft Graph.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Request;
use reqwest::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use reqwest::{Method, Url};

use super::abilities::Abilities;
use super::answer;
use crate::config::GraphPlace;
use crate::http::{Http, HttpError, HttpReply};
use crate::transport::call::{Step, Trail, Unrecorded, authorise, silence, unauthorised};
use crate::transport::{Answer, Bearer, Cause, SendError, Token};

/// The service, asked in the name of the person who signed in.
pub(super) struct GraphService {
    http: Http,
    pub place: GraphPlace,
    bearer: Arc<dyn Bearer>,
    token: Option<Token>,
    /// Whether the mailbox may be read, where that had to be tried.
    may_read: Option<bool>,
}

/// A request before it is authorised.
pub(super) struct Ask<'a> {
    pub method: Method,
    pub url: Url,
    /// A body in JSON; none for a request without a body.
    pub json: Option<&'a [u8]>,
    pub step: Step,
}

impl Ask<'static> {
    /// A look at something, which changes nothing.
    pub(super) fn get(url: Url) -> Self {
        Self {
            method: Method::GET,
            url,
            json: None,
            step: Step::Prepare,
        }
    }
}

impl GraphService {
    pub(super) fn new(
        place: GraphPlace,
        bearer: &Arc<dyn Bearer>,
        silence: Duration,
    ) -> Result<Self, HttpError> {
        Ok(Self {
            http: Http::new(silence)?,
            place,
            bearer: Arc::clone(bearer),
            token: None,
            may_read: None,
        })
    }

    /// The same, which takes answers of so many bytes.
    pub(super) fn taking(self, largest: u64) -> Self {
        Self {
            http: self.http.taking(largest),
            ..self
        }
    }

    /// What the sign-in allows. Where the token does not say whether the mailbox may be read, that is tried
    /// once.
    pub(super) fn abilities(&mut self) -> Result<Abilities, SendError> {
        let own = self.place.mailbox.is_none();
        let token = self.token(None)?;
        let mut abilities = Abilities::of(&token.scopes, own, token.is_app);
        if !abilities.is_known && !abilities.read {
            abilities.read = match self.may_read {
                Some(may_read) => may_read,
                None => self.try_to_read()?,
            };
        }
        Ok(abilities)
    }

    fn try_to_read(&mut self) -> Result<bool, SendError> {
        let mut unrecorded = Unrecorded::new();
        let ask = Ask::get(self.url(false, &["mailFolders", "sentitems"]));
        let may_read = match self.ask(&ask, &mut unrecorded.trail()) {
            Ok(_) => true,
            Err(later @ (SendError::Throttled { .. } | SendError::Transient { .. })) => {
                return Err(later);
            }
            Err(_) => false,
        };
        self.may_read = Some(may_read);
        Ok(may_read)
    }

    /// Whether the sign-in has a permission by its name.
    pub(super) fn allows(&mut self, scope: &str) -> Result<bool, SendError> {
        let scopes = self.token(None)?.scopes;
        Ok(scopes.iter().any(|other| other.eq_ignore_ascii_case(scope)))
    }

    /// The address of a further page: our token goes nowhere else.
    pub(super) fn same_place(&self, link: &str) -> Result<Url, SendError> {
        Url::parse(link)
            .ok()
            .filter(|url| url.origin() == self.place.url.origin())
            .ok_or_else(|| {
                SendError::Unusable(Answer::new(
                    Cause::NoAnswer,
                    "the next page of an answer is said to be at another server",
                ))
            })
    }

    /// The address of something in the mailbox that letters go out of, or in the person's own.
    pub(super) fn url(&self, own: bool, path: &[&str]) -> Url {
        let mut url = self.place.url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty();
            match &self.place.mailbox {
                Some(mailbox) if !own => segments.extend(["users", mailbox.as_str()]),
                _ => segments.extend(["me"]),
            };
            segments.extend(path);
        }
        url
    }

    /// Asks. An answer that is not a success comes back as what it means for the letter.
    pub(super) fn ask(
        &mut self,
        ask: &Ask<'_>,
        trail: &mut Trail<'_>,
    ) -> Result<HttpReply, SendError> {
        let reply = self.answer(ask, trail)?;
        if (200..300).contains(&reply.status) {
            Ok(reply)
        } else {
            Err(answer::meaning(&reply, ask.step))
        }
    }

    /// Asks for something that may not be there.
    pub(super) fn look(
        &mut self,
        ask: &Ask<'_>,
        trail: &mut Trail<'_>,
    ) -> Result<Option<HttpReply>, SendError> {
        let reply = self.answer(ask, trail)?;
        match reply.status {
            200..300 => Ok(Some(reply)),
            400 | 404 if answer::is_item_missing(&reply) => Ok(None),
            _ => Err(answer::meaning(&reply, ask.step)),
        }
    }

    /// Asks, with a fresh token if the one in hand is no longer taken.
    fn answer(&mut self, ask: &Ask<'_>, trail: &mut Trail<'_>) -> Result<HttpReply, SendError> {
        let mut token = self.token(None)?;
        let mut reply = self.once(ask, &token, trail)?;
        // A token that was refused did nothing: asking again cannot send twice.
        if reply.status == 401 {
            token = self.token(Some(&token))?;
            reply = self.once(ask, &token, trail)?;
        }
        Ok(reply)
    }

    /// Puts bytes where an upload session wants them. Its address is authorisation enough, and the
    /// token is not shown to it (Microsoft Graph, "Attach large files to Outlook messages").
    pub(super) fn upload(
        &self,
        url: &Url,
        range: Option<String>,
        bytes: Vec<u8>,
        trail: &mut Trail<'_>,
    ) -> Result<HttpReply, HttpError> {
        let method = if range.is_some() {
            Method::PUT
        } else {
            Method::GET
        };
        let mut request = Request::new(method, url.clone());
        if let Some(range) = range.and_then(|range| HeaderValue::from_str(&range).ok()) {
            let headers = request.headers_mut();
            headers.insert("Content-Range", range);
            headers.insert(
                CONTENT_TYPE,
                HeaderValue::from_static("application/octet-stream"),
            );
        }
        let reply = self.http.call(request, bytes)?;
        trail.answered(&reply);
        Ok(reply)
    }

    fn once(
        &self,
        ask: &Ask<'_>,
        token: &Token,
        trail: &mut Trail<'_>,
    ) -> Result<HttpReply, SendError> {
        let mut request = Request::new(ask.method.clone(), ask.url.clone());
        let headers = request.headers_mut();
        authorise(headers, &format!("Bearer {}", token.secret.expose()))?;
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        // Names that stay the same when a message moves from Drafts to Sent Items (Microsoft Graph,
        // "Get immutable identifiers for Outlook resources").
        headers.insert("Prefer", HeaderValue::from_static("IdType=\"ImmutableId\""));
        trail.name(headers);
        if ask.json.is_some() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        } else if ask.method == Method::POST {
            headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        let body = ask.json.map(<[u8]>::to_vec).unwrap_or_default();
        let reply = self
            .http
            .call(request, body)
            .map_err(|failure| silence(&failure, ask.step))?;
        trail.answered(&reply);
        Ok(reply)
    }

    fn token(&mut self, refused: Option<&Token>) -> Result<Token, SendError> {
        let refused = refused.map(|token| token.secret.expose());
        let token = self
            .bearer
            .for_graph(refused)
            .map_err(|error| unauthorised(&error))?;
        self.token = Some(token.clone());
        Ok(token)
    }
}
