//! The connections of the fake Graph.

use std::collections::BTreeMap;
use std::io::{self, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Instant;

use super::super::connections::{Link, reset};
use super::super::pace::{Pace, Paced};
use super::call::{Call, Letter};
use super::http::{Message, Response};
use super::log::GraphRequest;
use super::route::{GraphKind, Route};
use super::script::{GraphAction, GraphEvent, GraphHead, HeadAction, throttled};
use super::{Hub, lock};

/// Serves one connection until either side ends it.
pub(super) fn serve(hub: &Hub, link: &Link) {
    match link.socket.try_clone() {
        Ok(own) => {
            let mut reader = BufReader::new(Paced::new(own));
            while turn(hub, link, &mut reader).is_ok() {}
        }
        Err(error) => hub.violation(format!("session {}: cannot start: {error}", link.id)),
    }
}

/// The session is over: closed by the server, or by the client.
struct End;

impl From<io::Error> for End {
    fn from(_: io::Error) -> Self {
        Self
    }
}

/// Reads one request and answers it.
fn turn(hub: &Hub, link: &Link, reader: &mut BufReader<Paced<TcpStream>>) -> Result<(), End> {
    let mut message = match Message::head(reader) {
        Ok(message) => message.ok_or(End)?,
        Err(error) => {
            if error.kind() == io::ErrorKind::InvalidData {
                hub.violation(format!("session {}: {error}", link.id));
            }
            return Err(End);
        }
    };
    let route = Route::of(&message);
    let visit = Visit::begin(hub, link, &message, &route);
    let pace = visit.ask_about_head(route.kind, reader)?;
    reader.get_mut().keep_to(pace);
    message.take_request_body(reader)?;
    reader.get_mut().keep_to(None);
    let call = Call::new(hub, visit.number, route, message);
    let event = visit.take_down(&call);
    let done = visit.decide(&call, &event);
    let close = call
        .message
        .header("Connection")
        .is_some_and(|value| value.eq_ignore_ascii_case("close"));
    let (answer, manner) = done.ok_or(End)?;
    let answer = call.signed(answer);
    visit.answer(&answer, manner, close)
}

/// How an answer is given.
enum Manner {
    Whole,
    Half,
    /// After this time.
    Late(std::time::Duration),
    /// A byte at a time.
    Crawling,
}

/// A request in flight.
struct Visit<'a> {
    hub: &'a Hub,
    link: &'a Link,
    number: usize,
    turn: usize,
    is_over_limit: bool,
}

impl<'a> Visit<'a> {
    fn begin(hub: &'a Hub, link: &'a Link, message: &Message, route: &Route) -> Self {
        let mut state = lock(&hub.state);
        state.in_flight += 1;
        let in_flight = state.in_flight;
        let number = state.log.len() + 1;
        let turn = state.turns.entry((route.kind, String::new())).or_default();
        *turn += 1;
        let turn = *turn;
        let headers: BTreeMap<String, String> = message
            .headers
            .iter()
            .map(|(name, value)| (name.to_ascii_lowercase(), value.clone()))
            .collect();
        state.log.push(GraphRequest {
            number,
            at: Instant::now(),
            connection: link.id,
            kind: route.kind,
            method: route.method.clone(),
            path: route.path.clone(),
            query: route.query.clone(),
            client_request_id: headers.get("client-request-id").cloned(),
            headers,
            body_bytes: 0,
            in_flight,
            attempt: 0,
            subject: None,
            tag: None,
            accepted: false,
            status: None,
            truncated: false,
            request_id: format!("00000000-1111-4222-8333-{number:012x}"),
        });
        let most = state.limits.concurrency;
        if in_flight > most {
            let text = format!("request {number}: more than {most} requests in flight");
            state.violations.push(text);
        }
        drop(state);
        hub.changed.notify_all();
        Self {
            hub,
            link,
            number,
            turn,
            is_over_limit: in_flight > most,
        }
    }

    /// Lets the script of heads decide, and gives the pace for the body.
    fn ask_about_head(&self, kind: GraphKind, reader: &mut impl Read) -> Result<Option<Pace>, End> {
        let script = lock(&self.hub.head_script).clone();
        let head = GraphHead {
            request: self.number,
            kind,
            turn: self.turn,
        };
        let (bytes, hook) = match script.map_or(HeadAction::Proceed, |script| script(&head)) {
            HeadAction::Proceed => return Ok(None),
            HeadAction::ReadSlowly(pace) => return Ok(Some(pace)),
            HeadAction::CutBefore => (0, None),
            HeadAction::CutWhileReading(bytes) => (bytes, None),
            HeadAction::CallWhileReading(bytes, hook) => (bytes, Some(hook)),
        };
        let read = io::copy(&mut reader.take(bytes), &mut io::sink())?;
        lock(&self.hub.state).log[self.number - 1].body_bytes = read as usize;
        if let Some(hook) = hook {
            hook();
        }
        Err(End)
    }

    /// Notes what is known now that the request was read.
    fn take_down(&self, call: &Call<'_>) -> GraphEvent {
        let Letter { subject, tag } = call.letter();
        let kind = call.route.kind;
        let key = tag.clone().or_else(|| subject.clone()).unwrap_or_default();
        let mut state = lock(&self.hub.state);
        let attempt = state
            .turns
            .entry((kind, format!("letter {key}")))
            .or_default();
        *attempt += 1;
        let attempt = *attempt;
        let entry = &mut state.log[self.number - 1];
        entry.body_bytes = call.message.body.len();
        entry.attempt = attempt;
        entry.subject.clone_from(&subject);
        entry.tag.clone_from(&tag);
        GraphEvent {
            request: self.number,
            kind,
            turn: self.turn,
            attempt,
            subject,
            tag,
        }
    }

    /// Lets the script decide; no answer means that the connection is cut.
    fn decide(&self, call: &Call<'_>, event: &GraphEvent) -> Option<(Response, Manner)> {
        call.check_headers();
        if self.is_over_limit {
            return Some((throttled(Some(1)), Manner::Whole));
        }
        let script = lock(&self.hub.script).clone();
        let mut action = script.map_or(GraphAction::Proceed, |script| script(event));
        while let GraphAction::CallThen(hook, then) = action {
            hook();
            action = *then;
        }
        match action {
            GraphAction::Proceed | GraphAction::CallThen(..) => Some((call.act(), Manner::Whole)),
            GraphAction::Answer(answer) => Some((answer, Manner::Whole)),
            GraphAction::AcceptThen(answer) => {
                call.act();
                Some((answer, Manner::Whole))
            }
            GraphAction::CutBefore => None,
            GraphAction::CutAfter => {
                call.act();
                None
            }
            GraphAction::ResetBefore => {
                reset(&self.link.socket);
                None
            }
            GraphAction::ResetAfter => {
                call.act();
                reset(&self.link.socket);
                None
            }
            GraphAction::TruncatedAnswer => Some((call.act(), Manner::Half)),
            GraphAction::Slow(time) => Some((call.act(), Manner::Late(time))),
            GraphAction::Crawl => Some((call.act(), Manner::Crawling)),
        }
    }

    fn answer(self, answer: &Response, manner: Manner, close: bool) -> Result<(), End> {
        if let Manner::Late(time) = manner
            && self.link.pause(time)
        {
            return Err(End);
        }
        let (half, link) = (matches!(manner, Manner::Half), self.link);
        let crawls = matches!(manner, Manner::Crawling);
        let mut state = lock(&self.hub.state);
        let entry = &mut state.log[self.number - 1];
        (entry.status, entry.truncated) = (Some(answer.status), half);
        drop(state);
        // The client may send its next request as soon as it has read this, so it counts no more.
        drop(self);
        let bytes = answer.bytes(close);
        let shown = if half {
            &bytes[..bytes.len() / 2]
        } else {
            &bytes
        };
        if crawls {
            link.crawl(&mut &link.socket, shown)?;
        } else {
            (&link.socket).write_all(shown)?;
        }
        if half || close {
            link.socket.shutdown(Shutdown::Write)?;
            return Err(End);
        }
        Ok(())
    }
}

impl Drop for Visit<'_> {
    fn drop(&mut self) {
        lock(&self.hub.state).in_flight -= 1;
    }
}
