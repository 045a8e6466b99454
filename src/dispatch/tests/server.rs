use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::address::Address;
use crate::clock::{Clock, ManualClock, Signal};
use crate::message::Message;
use crate::transport::{
    Answer, Code, Doubt, Earlier, LookUp, NotTakenFor, Receipt, SendError, Survey, Transport,
    TransportAttempt,
};

/// One hand-over as the server sees it.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub id: String,
    pub message_id: String,
    /// Whom it is for.
    pub to: Vec<String>,
    /// The first hand-over of all is 1.
    pub number: usize,
    /// The first hand-over of this letter is 1.
    pub attempt: usize,
    pub at: Duration,
    /// The true time, however the clock on the wall was set.
    pub wall: Timestamp,
    /// Names the try.
    pub trace: String,
    /// What is known of the try before.
    pub earlier: Option<Earlier>,
}

/// A manual clock that can be held while an answer is awaited, and set wrong.
pub(super) struct TestClock {
    pub manual: ManualClock,
    pub held: AtomicBool,
    wrong_by: Mutex<SignedDuration>,
}

impl TestClock {
    pub(super) fn new(start: Timestamp) -> Arc<Self> {
        Arc::new(Self {
            manual: ManualClock::new(start),
            held: AtomicBool::new(false),
            wrong_by: Mutex::default(),
        })
    }

    /// Sets the clock on the wall forward from the true time, or back.
    pub(super) fn set_wrong_by(&self, hours: i64) {
        *self.wrong_by.lock().unwrap() = SignedDuration::from_hours(hours);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        self.manual.now() + *self.wrong_by.lock().unwrap()
    }

    fn elapsed(&self) -> Duration {
        self.manual.elapsed()
    }

    fn wait(&self, signal: &Signal, limit: Option<Duration>) {
        let limit = limit.filter(|_| !self.held.load(Ordering::SeqCst));
        self.manual.wait(signal, limit);
    }
}

pub(super) type Answering = dyn Fn(&Call) -> Result<Receipt, SendError> + Send + Sync;

/// The scripted server, shared by all connections.
pub(super) struct Server {
    pub clock: Arc<TestClock>,
    pub answer: Box<Answering>,
    pub look_up: Result<LookUp, SendError>,
    pub calls: Mutex<Vec<Call>>,
    /// Hand-overs of each letter.
    pub attempts: Mutex<HashMap<String, usize>>,
    pub looked_up: Mutex<Vec<(String, String)>>,
    /// What is written down of each letter.
    pub note: Option<&'static str>,
}

pub(super) struct Connection(pub Arc<Server>);

impl Transport for Connection {
    fn describe(&self) -> String {
        "smtp relay.example:25".to_owned()
    }

    fn send(
        &mut self,
        message: &Message,
        attempt: &mut TransportAttempt<'_>,
    ) -> Result<Receipt, SendError> {
        let call = {
            let mut calls = self.0.calls.lock().unwrap();
            let mut attempts = self.0.attempts.lock().unwrap();
            let attempt_number = attempts.entry(message.id.clone()).or_default();
            *attempt_number += 1;
            let call = Call {
                id: message.id.clone(),
                message_id: message.message_id.clone(),
                to: message
                    .envelope
                    .to
                    .iter()
                    .map(ToString::to_string)
                    .collect(),
                number: calls.len() + 1,
                attempt: *attempt_number,
                at: self.0.clock.elapsed(),
                wall: self.0.clock.manual.now(),
                trace: attempt.trace.to_owned(),
                earlier: attempt.earlier.clone(),
            };
            calls.push(call.clone());
            call
        };
        if let Some(note) = self.0.note {
            attempt.note(&format!("{note} {}", call.number))?;
            attempt.request_ids.push(format!("request-{}", call.number));
        }
        let answered = (self.0.answer)(&call);
        if let Ok(receipt) = &answered {
            attempt.narrow(&receipt.not_taken_for)?;
        }
        answered
    }

    fn look_up(&mut self, doubt: &Doubt<'_>) -> Result<LookUp, SendError> {
        let asked = (doubt.id.to_owned(), doubt.message_id.to_owned());
        self.0.looked_up.lock().unwrap().push(asked);
        self.0.look_up.clone()
    }

    fn survey(&mut self) -> Result<Survey, SendError> {
        Ok(Survey::default())
    }
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "an answer like the others, of which this is the good one"
)]
pub(super) fn taken() -> Result<Receipt, SendError> {
    Ok(Receipt {
        text: "250 queued".into(),
        ..Receipt::default()
    })
}

/// Taken for all but some of whom it is for, who may have it later.
pub(super) fn taken_but_for(
    call: &Call,
    is_deferred: impl Fn(&str) -> bool,
) -> Result<Receipt, SendError> {
    let deferred: Vec<_> = call
        .to
        .iter()
        .filter(|address| is_deferred(address))
        .map(|address| (Address::parse(address).unwrap(), said("450")))
        .collect();
    if deferred.len() == call.to.len() {
        return transient();
    }
    Ok(Receipt {
        text: "250 queued".into(),
        not_taken_for: NotTakenFor {
            deferred,
            ..NotTakenFor::default()
        },
        wait: None,
    })
}

pub(super) fn said(code: &str) -> Answer {
    let code = code
        .parse()
        .map_or_else(|_| Code::Exchange(code.into()), Code::Smtp);
    Answer::new(code, "the words of the server")
}

pub(super) fn transient() -> Result<Receipt, SendError> {
    Err(SendError::Transient {
        answer: said("451"),
        everyone: false,
    })
}

pub(super) fn outage() -> Result<Receipt, SendError> {
    Err(SendError::Transient {
        answer: said("refused"),
        everyone: true,
    })
}

pub(super) fn throttled(wait: Option<Duration>) -> Result<Receipt, SendError> {
    Err(SendError::Throttled {
        wait,
        answer: said("421"),
    })
}

pub(super) fn rejected() -> Result<Receipt, SendError> {
    Err(SendError::Rejected(said("550")))
}

pub(super) fn in_doubt() -> Result<Receipt, SendError> {
    Err(SendError::InDoubt(said("cut")))
}
