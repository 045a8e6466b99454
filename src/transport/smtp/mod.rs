//! A mail server over SMTP (RFC 5321), one connection that is kept between messages.

mod connection;
mod conversation;
mod data;
mod dsn;
mod offers;
mod reply;
mod reply_reader;
mod tls;

use std::sync::Arc;

use lettre::transport::smtp::commands::{Mail, Rcpt};

use self::connection::{Connection, Connector};
use self::data::Stuffed;
use self::reply::{Phase, SmtpFailure};
use super::{
    Answer, Bearer, Cause, Doubt, Largest, LookUp, NotTakenFor, Receipt, SendError, Survey,
    Transport, TransportAttempt,
};
use crate::address::Address;
use crate::config::Secrets;
use crate::finding::Finding;
use crate::message::{Encoded, Message};
use crate::network::NetworkError;

/// What a reply means at each step.
pub(super) fn tried(code: u16, text: &str) -> [SendError; 5] {
    Phase::ALL.map(|phase| {
        let text = text.to_owned();
        SmtpFailure::Reply { code, text }.refused_at(phase)
    })
}

/// What a server's bytes are taken for that arrive in pieces of one length: code and words of each
/// whole reply, what came instead of one, and the most that was held at once.
pub(super) fn tried_bytes(
    bytes: &[u8],
    piece: usize,
) -> (Vec<(u16, String)>, Option<NetworkError>, usize) {
    let (replies, error, most) = reply_reader::tried(bytes, piece);
    let replies = replies.iter().map(|reply| (reply.code, reply.text()));
    (replies.collect(), error, most)
}

pub(super) fn open(
    secrets: &Secrets,
    bearer: &Arc<dyn Bearer>,
) -> Result<Box<dyn Transport>, Finding> {
    let settings = secrets.smtp.get()?.as_ref().ok_or_else(|| {
        Finding::fault(
            "there is no mail server to send through",
            "fill in [smtp] of .secrets.toml (.example-secrets.toml explains it), or set POSTROOM_SMTP_HOST",
        )
    })?;
    Ok(Box::new(Smtp {
        connector: Connector::new(settings, bearer)?,
        connection: None,
    }))
}

struct Smtp {
    connector: Connector,
    connection: Option<Connection>,
}

impl Transport for Smtp {
    fn describe(&self) -> String {
        format!("smtp {}", self.connector.server())
    }

    fn send(
        &mut self,
        message: &Message,
        attempt: &mut TransportAttempt<'_>,
    ) -> Result<Receipt, SendError> {
        let reused = self.connection.is_some();
        match self.try_send(message, attempt) {
            // A server may close an idle connection between two messages: nothing was offered yet.
            Err(SendError::Transient { everyone: true, .. })
                if reused && self.connection.is_none() =>
            {
                self.try_send(message, attempt)
            }
            other => other,
        }
    }

    fn look_up(&mut self, _: &Doubt<'_>) -> Result<LookUp, SendError> {
        Ok(LookUp::Unknown)
    }

    fn survey(&mut self) -> Result<Survey, SendError> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.connector.connect()?,
        };
        let server = self.connector.server();
        let largest = connection.size.map(|bytes| Largest {
            bytes,
            who: "the server",
            remedy: format!(
                "make the report smaller, or ask who runs {server} whether it may take more"
            ),
        });
        self.connection = Some(connection);
        Ok(Survey {
            facts: vec![("server", format!("{server} accepts the connection"))],
            largest,
            ..Survey::default()
        })
    }
}

impl Smtp {
    fn try_send(
        &mut self,
        message: &Message,
        attempt: &mut TransportAttempt<'_>,
    ) -> Result<Receipt, SendError> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.connector.connect()?,
        };
        let sent = offer(&mut connection, message).and_then(|not_taken_for| {
            attempt.narrow(&not_taken_for)?;
            transmit(&mut connection, message).map(|text| Receipt {
                text,
                not_taken_for,
                wait: None,
            })
        });
        // A refusal leaves the conversation in order; anything else and the connection is dropped.
        let in_order = match &sent {
            Ok(_) => true,
            Err(_) => connection.in_order() && connection.reset(),
        };
        if in_order {
            self.connection = Some(connection);
        }
        sent
    }
}

/// MAIL and RCPT: who it is from and for. Gives the addresses that the server does not take it for, where
/// it takes it for others: these get the letter, and do not wait for those.
fn offer(connection: &mut Connection, message: &Message) -> Result<NotTakenFor, SendError> {
    begin(connection, message)?;
    let mut not_taken_for = NotTakenFor::default();
    let mut accepted = 0;
    let (mut refusal, mut deferral) = (None, None);
    let mut addresses = message.envelope.to.iter();
    while let Some(address) = addresses.next() {
        let asked = dsn::of_address(connection.takes_dsn(), message.receipts(), address);
        let rcpt = Rcpt::new(lettre_address(address)?, asked);
        let Err(failure) = connection.command(rcpt) else {
            accepted += 1;
            continue;
        };
        let is_full = accepted > 0 && failure.is_too_many_recipients();
        let refused = failure.refused_at(Phase::Rcpt);
        if is_full {
            // The others need not be offered to know.
            let others = std::iter::once(address).chain(addresses);
            let answer = refused.answer();
            let others = others.map(|address| (address.clone(), answer.clone()));
            not_taken_for.at_once = not_taken_for.deferred.is_empty();
            not_taken_for.deferred.extend(others);
            break;
        }
        let address = address.clone();
        match refused {
            SendError::Rejected(answer) => {
                not_taken_for.refused.push((address, answer.clone()));
                refusal.get_or_insert(SendError::Rejected(answer));
            }
            // A server that asks for patience at one address may take the letter for others: what is a
            // matter of policy is said of single addresses, too.
            later @ (SendError::Throttled { .. }
            | SendError::Transient {
                everyone: false, ..
            }) if connection.in_order() => {
                let answer = later.answer().clone();
                not_taken_for.deferred.push((address, answer));
                deferral.get_or_insert(later);
            }
            other => return Err(other),
        }
    }
    if accepted > 0 {
        return Ok(not_taken_for);
    }
    // Where nobody has it, an address that may be taken later leaves the letter pending.
    match deferral.or(refusal) {
        Some(refusal) => Err(refusal),
        None => Ok(not_taken_for),
    }
}

/// MAIL, with what is asked of delivery reports where the server understands it.
fn begin(connection: &mut Connection, message: &Message) -> Result<(), SendError> {
    let from = lettre_address(&message.envelope.from)?;
    let asked = dsn::of_message(connection.takes_dsn(), message);
    let mut sender = connection.command(Mail::new(Some(from.clone()), asked));
    if connection.takes_dsn() && matches!(&sender, Err(failure) if dsn::is_not_understood(failure))
    {
        connection.without_dsn();
        sender = connection.command(Mail::new(Some(from), Vec::new()));
    }
    sender.map_err(|failure| failure.refused_at(Phase::Mail))
}

/// DATA and the message. Once the final dot is on its way, silence is doubt.
fn transmit(connection: &mut Connection, message: &Message) -> Result<String, SendError> {
    let Encoded { head, body } = message.encoded();
    let data = Stuffed(&head, &body);
    // MIME is 7-bit; were it not, no data has gone out yet.
    if !(head.is_ascii() && body.is_ascii()) {
        let text = "the message has letters beyond ASCII, which it must not have";
        return Err(SendError::Rejected(Answer::new(Cause::NotSevenBit, text)));
    }
    connection
        .data()
        .map_err(|failure| failure.refused_at(Phase::Data))?;
    let sent = connection.message(&data);
    sent.map_err(|failure| match failure {
        SmtpFailure::Broken(error) if connection.is_all_on_its_way() => {
            SendError::InDoubt(Answer::new(
                Cause::NoAnswer,
                &format!("no answer came after the message was sent: {error}"),
            ))
        }
        SmtpFailure::Broken(error) => SmtpFailure::Broken(NetworkError {
            text: format!("the letter was not taken whole: {error}"),
            ..error
        })
        .refused_at(Phase::Dot),
        refused @ SmtpFailure::Reply { .. } => refused.refused_at(Phase::Dot),
    })
}

fn lettre_address(address: &Address) -> Result<lettre::Address, SendError> {
    address.as_str().parse().map_err(|_| {
        SendError::Rejected(Answer::new(
            Cause::Address,
            &format!("the SMTP client does not take {address}"),
        ))
    })
}
