//! The connections of the fake sign-in server.

use std::collections::BTreeMap;
use std::io::{self, BufReader};
use std::net::{Shutdown, TcpStream};

use super::super::connections::Link;
use super::flows::{self, Twist};
use super::http::{Message, Response, parse_form};
use super::refusal::Refusal;
use super::script::{OauthAction, OauthEndpoint, OauthEvent, OauthRequest};
use super::{Hub, lock};

/// Serves one connection until either side ends it.
pub(super) fn serve(hub: &Hub, link: &Link) {
    let (id, socket) = (link.id, &link.socket);
    match socket.try_clone() {
        Ok(own) => {
            let mut reader = BufReader::new(own);
            let session = Session { hub, id, socket };
            while session.turn(&mut reader).is_ok() {}
        }
        Err(error) => hub.violation(format!("session {id}: cannot start: {error}")),
    }
}

/// The session is over: closed by the server, or by the client.
struct End;

impl From<io::Error> for End {
    fn from(_: io::Error) -> Self {
        Self
    }
}

struct Session<'a> {
    hub: &'a Hub,
    id: u64,
    socket: &'a TcpStream,
}

impl Session<'_> {
    /// Reads one request and answers it.
    fn turn(&self, reader: &mut BufReader<TcpStream>) -> Result<(), End> {
        let message = match Message::request(reader) {
            Ok(message) => message.ok_or(End)?,
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                let id = self.id;
                self.hub.violation(format!("session {id}: {error}"));
                Response::page(400, "Bad request").send(&mut &*self.socket, true)?;
                return Err(End);
            }
            Err(_) => return Err(End),
        };
        let close = message
            .header("Connection")
            .is_some_and(|value| value.eq_ignore_ascii_case("close"));
        let (index, event, request) = self.receive(&message);
        let answer = self.decide(&event, &request)?;
        {
            let mut state = lock(&self.hub.state);
            state.requests[index].status = Some(answer.status);
        }
        answer.send(&mut &*self.socket, close)?;
        if close { Err(End) } else { Ok(()) }
    }

    /// Takes a request into the log.
    fn receive(&self, message: &Message) -> (usize, OauthEvent, OauthRequest) {
        let mut words = message.start.split(' ').map(str::to_owned);
        let method = words.next().unwrap_or_default();
        let target = words.next().unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let body = String::from_utf8_lossy(&message.body);
        let mut faults = Vec::new();
        let mut fields = BTreeMap::new();
        for text in [query, body.as_ref()] {
            let pairs = parse_form(text);
            if pairs.is_none() {
                faults.push("query or form with a broken encoding".to_owned());
            }
            for (name, value) in pairs.unwrap_or_default() {
                if fields.insert(name.clone(), value).is_some() {
                    faults.push(format!("{name} given twice"));
                }
            }
        }
        let (tenant, rest) = path
            .trim_start_matches('/')
            .split_once('/')
            .unwrap_or_default();
        let endpoint = match rest {
            "oauth2/v2.0/authorize" => OauthEndpoint::Authorize,
            "oauth2/v2.0/token" => OauthEndpoint::Token,
            "oauth2/v2.0/devicecode" => OauthEndpoint::DeviceCode,
            "v2.0/adminconsent" => OauthEndpoint::AdminConsent,
            "v2.0/.well-known/openid-configuration" => OauthEndpoint::OpenidConfiguration,
            _ => OauthEndpoint::Other,
        };
        if message.header("Host").is_none() {
            faults.push("request without Host".to_owned());
        }
        let grant_type = fields
            .get("grant_type")
            .filter(|_| endpoint == OauthEndpoint::Token);
        let headers = message.headers.iter();
        let request = OauthRequest {
            endpoint,
            method,
            path: path.into(),
            tenant: tenant.into(),
            grant_type: grant_type.cloned(),
            fields,
            headers: headers
                .map(|(name, value)| (name.to_ascii_lowercase(), value.clone()))
                .collect(),
            session: self.id,
            status: None,
        };
        let mut state = lock(&self.hub.state);
        if state.vault.shows_secret(&target) {
            faults.push("bearer or secret in a URL".to_owned());
        }
        state.requests.push(request.clone());
        let number = state.requests.len();
        let turn = state
            .turns
            .entry((endpoint, request.grant_type.clone()))
            .or_default();
        *turn += 1;
        let event = OauthEvent {
            endpoint,
            grant_type: request.grant_type.clone(),
            fields: request.fields.clone(),
            request: number,
            turn: *turn,
        };
        for fault in faults {
            state
                .violations
                .push(format!("request {number} ({endpoint:?}): {fault}"));
        }
        drop(state);
        (number - 1, event, request)
    }

    /// Lets the script decide on a request, and makes the answer.
    fn decide(&self, event: &OauthEvent, request: &OauthRequest) -> Result<Response, End> {
        let at_device = event.is_grant(flows::DEVICE_GRANT);
        let at_redirect = matches!(
            event.endpoint,
            OauthEndpoint::Authorize | OauthEndpoint::AdminConsent
        );
        let at_token = event.endpoint == OauthEndpoint::Token;
        let script = lock(&self.hub.script).clone();
        let mut action = script.map_or(OauthAction::Go, |script| script(event));
        let mut twist = Twist::default();
        let mut fits = true;
        let mut cut = false;
        while let OauthAction::CallThen(hook, then) = action {
            hook();
            action = *then;
        }
        match action {
            OauthAction::Go | OauthAction::CallThen(..) => {}
            OauthAction::GoThenCut => cut = true,
            OauthAction::Error {
                status,
                error,
                code,
                description,
            } => {
                let refusal = Refusal {
                    status,
                    error,
                    code,
                    text: description,
                };
                return Ok(refusal.answer(request, event.request));
            }
            OauthAction::Raw {
                status,
                content_type,
                body,
            } => return Ok(Response::new(status, &content_type, body)),
            OauthAction::Cut => {
                self.socket.shutdown(Shutdown::Both)?;
                return Err(End);
            }
            OauthAction::Pending | OauthAction::SlowDown => {
                twist.pending = true;
                twist.slow_down = matches!(action, OauthAction::SlowDown);
                fits = at_device;
            }
            OauthAction::Redirect(parameters) => {
                twist.redirect = parameters;
                fits = at_redirect;
            }
            OauthAction::Amend(members) => {
                twist.members = members;
                fits = at_token || event.endpoint == OauthEndpoint::DeviceCode;
            }
            OauthAction::Claims(claims) => {
                twist.claims = claims;
                fits = at_token;
            }
        }
        if !fits {
            let number = event.request;
            let endpoint = event.endpoint;
            self.hub.violation(format!(
                "request {number} ({endpoint:?}): the script's action does not fit"
            ));
        }
        let answer = flows::answer(self.hub, request, event.request, &twist);
        if cut {
            self.socket.shutdown(Shutdown::Both)?;
            return Err(End);
        }
        Ok(answer)
    }
}
