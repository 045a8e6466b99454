//! The connections of the fake Exchange Web Services.

use std::io::{self, BufReader, Read, Write};
use std::sync::Arc;

use rustls::{ServerConnection, StreamOwned};

use super::super::connections::{Link, reset};
use super::super::pace::{Pace, Paced};
use super::call::Call;
use super::http::{Message, Response};
use super::{EwsAction, EwsEvent, EwsRequest, HeadAction, Hub, lock};

/// Serves one connection until either side ends it.
pub(super) fn serve(hub: &Hub, link: &Link) {
    let Ok(socket) = link.socket.try_clone() else {
        hub.violation(format!("session {}: cannot start", link.id));
        return;
    };
    match &hub.tls {
        None => turns(hub, link, socket),
        Some(config) => match ServerConnection::new(Arc::clone(config)) {
            Ok(tls) => turns(hub, link, StreamOwned::new(tls, socket)),
            Err(error) => hub.violation(format!("session {}: {error}", link.id)),
        },
    }
}

fn turns(hub: &Hub, link: &Link, wire: impl Read + Write) {
    let mut wire = BufReader::new(Paced::new(wire));
    while let Ok(Some(mut message)) = Message::head(&mut wire) {
        let Some(pace) = ask_about_head(hub, &message, &mut wire) else {
            return;
        };
        wire.get_mut().keep_to(pace);
        if message.take_request_body(&mut wire).is_err() {
            return;
        }
        wire.get_mut().keep_to(None);
        let own = &mut wire.get_mut().wire;
        let written = match turn(hub, link, message) {
            Ok((bytes, Manner::Whole)) => own.write_all(&bytes),
            Ok((bytes, Manner::Crawling)) => link.crawl(own, &bytes),
            Err(half) => {
                let _ = own.write_all(&half);
                return;
            }
        };
        if written.is_err() {
            return;
        }
        if wire.get_mut().wire.flush().is_err() {
            return;
        }
    }
}

/// Lets the script of heads decide, and gives the pace for the body; none when the connection ends
/// here.
fn ask_about_head(hub: &Hub, head: &Message, wire: &mut impl Read) -> Option<Option<Pace>> {
    let script = lock(&hub.head_script).clone();
    let action = head.header("SOAPAction").unwrap_or_default();
    let (bytes, hook) = match script.map_or(HeadAction::Proceed, |script| script(action)) {
        HeadAction::Proceed => return Some(None),
        HeadAction::ReadSlowly(pace) => return Some(Some(pace)),
        HeadAction::CutBefore => (0, None),
        HeadAction::CutWhileReading(bytes) => (bytes, None),
        HeadAction::CallWhileReading(bytes, hook) => (bytes, Some(hook)),
    };
    let _ = io::copy(&mut wire.take(bytes), &mut io::sink());
    if let Some(hook) = hook {
        hook();
    }
    None
}

/// How an answer is given.
enum Manner {
    Whole,
    /// A byte at a time.
    Crawling,
}

/// The answer to a request, or what of it is given before the connection is cut.
fn turn(hub: &Hub, link: &Link, message: Message) -> Result<(Vec<u8>, Manner), Vec<u8>> {
    let call = Call::new(hub, message);
    let (number, event) = note(hub, &call);
    call.check();
    let script = lock(&hub.script).clone();
    let mut action = script.map_or(EwsAction::Proceed, |script| script(&event));
    while let EwsAction::CallThen(hook, then) = action {
        hook();
        action = *then;
    }
    let give = |answer: Response| {
        let mut state = lock(&hub.state);
        let entry = &mut state.log[number - 1];
        entry.status = Some(answer.status);
        answer
            .with("request-id", entry.request_id.clone())
            .bytes(false)
    };
    let whole = match action {
        EwsAction::Proceed | EwsAction::CallThen(..) => give(call.act()),
        EwsAction::Answer(answer) => give(answer),
        EwsAction::AcceptThen(answer) => {
            call.act();
            give(answer)
        }
        EwsAction::CutBefore => return Err(Vec::new()),
        EwsAction::CutAfter => {
            call.act();
            return Err(Vec::new());
        }
        EwsAction::ResetBefore => {
            reset(&link.socket);
            return Err(Vec::new());
        }
        EwsAction::ResetAfter => {
            call.act();
            reset(&link.socket);
            return Err(Vec::new());
        }
        EwsAction::TruncatedAnswer => {
            let bytes = give(call.act());
            return Err(bytes[..bytes.len() / 2].to_vec());
        }
        EwsAction::Slow(time) => {
            let answer = call.act();
            if link.pause(time) {
                return Err(Vec::new());
            }
            give(answer)
        }
        EwsAction::Crawl => return Ok((give(call.act()), Manner::Crawling)),
    };
    Ok((whole, Manner::Whole))
}

fn note(hub: &Hub, call: &Call<'_>) -> (usize, EwsEvent) {
    let tag = call.tag();
    let mut state = lock(&hub.state);
    let turn = state.turns.entry(call.kind).or_default();
    *turn += 1;
    let turn = *turn;
    let number = state.log.len() + 1;
    state.log.push(EwsRequest {
        kind: call.kind,
        headers: call.message.headers.clone(),
        operation: call.operation_text().to_owned(),
        tag: tag.clone(),
        status: None,
        request_id: format!("00000000-2222-4333-8444-{number:012x}"),
    });
    let event = EwsEvent {
        request: number,
        kind: call.kind,
        turn,
        tag,
    };
    (number, event)
}
