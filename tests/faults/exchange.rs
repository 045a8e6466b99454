//! Exchange behind Microsoft Graph and behind Exchange Web Services.

use std::sync::Arc;
use std::time::Duration;

use crate::mischief::{Fault, Mischief, Turn, Weight, kill_later};
use crate::plan::{Moment, Plan};
use crate::sides::{Seen, Side};
use crate::support::ews::{self, EwsAction, EwsKind};
use crate::support::ews_desk::EwsDesk;
use crate::support::exchange::Exchange;
use crate::support::graph::{self, GraphAction, GraphKind, HeadAction};
use crate::support::graph_desk::{ALL_SCOPES, GraphDesk, PERSON, SHARED};
use crate::support::http::Response;
use crate::support::oauth::OauthServer;
use crate::support::{TestBatch, wait};

fn arrived(exchange: &Exchange) -> Vec<Seen> {
    let boxes = [SHARED, PERSON].map(|address| exchange.mailbox(address).outgoing());
    let letters = boxes.into_iter().flatten();
    letters
        .map(|mail| Seen {
            subject: mail.subject,
            to: [mail.to, mail.cc, mail.bcc].concat(),
            files: mail
                .attachments
                .iter()
                .map(|file| (file.name.clone(), file.sha256()))
                .collect(),
        })
        .collect()
}

fn drafts(exchange: &Exchange) -> Vec<String> {
    let boxes = [SHARED, PERSON].map(|address| exchange.mailbox(address).drafts());
    let left = boxes.into_iter().flatten();
    left.map(|mail| format!("a draft of {:?} is left", mail.subject))
        .collect()
}

/// The date of so many seconds from now, as HTTP writes it.
fn date_in(seconds: i64) -> String {
    let then = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(seconds);
    then.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

const LETTER: [Fault; 12] = [
    Fault::Cut,
    Fault::CutAfter,
    Fault::Half,
    Fault::Storm,
    Fault::Dated,
    Fault::GatewayAfter,
    Fault::ErrorAfter,
    Fault::Error,
    Fault::Slow,
    Fault::Expired,
    Fault::Revoked,
    Fault::Refused,
];

/// At requests that send nothing: the letter cannot be refused by them.
const OTHER: [Fault; 9] = [
    Fault::Cut,
    Fault::CutAfter,
    Fault::Half,
    Fault::Storm,
    Fault::ErrorAfter,
    Fault::Error,
    Fault::Slow,
    Fault::Expired,
    Fault::Revoked,
];

pub struct Graph(GraphDesk);

impl Graph {
    pub fn new(plan: &Plan) -> Self {
        let mut oauth = OauthServer::builder();
        if plan.may_look {
            oauth = oauth.grant("graph", &ALL_SCOPES);
        }
        Self(GraphDesk::at(oauth, plan.letters))
    }
}

impl Side for Graph {
    fn batch(&self) -> &TestBatch {
        &self.0.desk.batch
    }

    fn arm(&self, mischief: &Arc<Mischief>) {
        let heads = Arc::clone(mischief);
        self.0.graph.script_heads(move |head| {
            let carries = matches!(head.kind, GraphKind::SendMail | GraphKind::CreateDraft);
            if carries && let Turn::Fault(_) = heads.turn(Weight::Head, &[Fault::Reset]) {
                return HeadAction::CutWhileReading(500);
            }
            HeadAction::Proceed
        });
        let (mischief, oauth) = (Arc::clone(mischief), Arc::clone(&self.0.desk.server));
        self.0.graph.script(move |event| {
            let sends = matches!(event.kind, GraphKind::SendMail | GraphKind::SendDraft);
            let fault = match exchange_turn(turn(&mischief, sends), &oauth) {
                Ok(action) => return action,
                Err(fault) => fault,
            };
            match fault {
                Fault::Storm => GraphAction::Answer(graph::throttled(Some(0))),
                Fault::Dated => GraphAction::Answer(graph::unavailable(&date_in(2))),
                Fault::GatewayAfter => GraphAction::AcceptThen(graph::gateway_timeout()),
                Fault::ErrorAfter => GraphAction::AcceptThen(graph::html(500)),
                Fault::Error => GraphAction::Answer(graph::html(502)),
                _ => {
                    let text = "At least one recipient is not valid.";
                    GraphAction::Answer(graph::graph_error(400, "ErrorInvalidRecipients", text))
                }
            }
        });
    }

    fn configure(&self, dispatch: &str) {
        let pace = exchange_pace(dispatch);
        self.batch().configure(&format!(
            "[dispatch]\ntransport = \"graph\"\nbackoff = \"10ms\"\n{pace}{dispatch}"
        ));
    }

    fn settle(&self) {
        assert!(self.0.graph.wait_until_left(wait::LONG));
    }

    fn mailbox(&self) -> Vec<Seen> {
        arrived(&self.0.exchange)
    }

    fn sign_in(&self) {
        self.0.desk.keep_sign_in();
    }

    fn breaches(&self, connections: usize) -> Vec<String> {
        let mut breaches = [self.0.graph.violations(), self.0.desk.server.violations()].concat();
        let most = self.0.graph.max_in_flight();
        if most > connections {
            breaches.push(format!("{most} requests at once, not {connections}"));
        }
        breaches
    }

    fn leftovers(&self) -> Vec<String> {
        drafts(&self.0.exchange)
    }
}

fn turn(mischief: &Mischief, sends: bool) -> Turn {
    if sends {
        mischief.turn(Weight::Decisive, &LETTER)
    } else {
        mischief.turn(Weight::Usual, &OTHER)
    }
}

/// What all of Exchange's fronts do alike, or the fault that each has its own words for.
fn exchange_turn(turn: Turn, oauth: &Arc<OauthServer>) -> Result<GraphAction, Fault> {
    Ok(match turn {
        Turn::Go => GraphAction::Proceed,
        Turn::Kill(Moment::Before, victim) => {
            GraphAction::call(move || victim.kill(), GraphAction::CutBefore)
        }
        Turn::Kill(Moment::After, victim) => {
            GraphAction::call(move || victim.kill(), GraphAction::CutAfter)
        }
        Turn::Kill(Moment::Later(wait), victim) => {
            kill_later(wait, victim);
            GraphAction::Proceed
        }
        Turn::Fault(Fault::Cut) => GraphAction::CutBefore,
        Turn::Fault(Fault::CutAfter) => GraphAction::CutAfter,
        Turn::Fault(Fault::Half) => GraphAction::TruncatedAnswer,
        Turn::Fault(Fault::Slow) => GraphAction::Slow(Duration::from_millis(60)),
        Turn::Fault(Fault::Expired) => {
            oauth.expire_access_tokens();
            GraphAction::Proceed
        }
        Turn::Fault(Fault::Revoked) => {
            oauth.expire_access_tokens();
            oauth.revoke_refresh_tokens();
            GraphAction::Proceed
        }
        Turn::Fault(fault) => return Err(fault),
    })
}

fn exchange_pace(dispatch: &str) -> &'static str {
    if dispatch.contains("messages_per_minute") {
        "patience = \"0s\"\n"
    } else {
        "patience = \"0s\"\nmessages_per_minute = 100000\n"
    }
}

pub struct Ews {
    desk: EwsDesk,
    keeps_copies: bool,
}

impl Ews {
    pub fn new(plan: &Plan) -> Self {
        Self {
            desk: EwsDesk::new(plan.letters),
            keeps_copies: plan.may_look,
        }
    }
}

impl Side for Ews {
    fn batch(&self) -> &TestBatch {
        &self.desk.desk.batch
    }

    fn arm(&self, mischief: &Arc<Mischief>) {
        if !self.keeps_copies {
            self.desk.secrets("save_in = \"none\"\n");
        }
        let (mischief, oauth) = (Arc::clone(mischief), Arc::clone(&self.desk.desk.server));
        self.desk.ews.script(move |event| {
            let sends = event.kind == EwsKind::SendItem;
            let fault = match exchange_turn(turn(&mischief, sends), &oauth) {
                Ok(action) => return action,
                Err(fault) => fault,
            };
            match fault {
                Fault::Storm => {
                    EwsAction::Answer(ews::refusal(event.kind, "ErrorServerBusy", Some(5)))
                }
                Fault::Dated => {
                    EwsAction::Answer(ews::unavailable().with("Retry-After", date_in(2)))
                }
                Fault::GatewayAfter => EwsAction::AcceptThen(Response::empty(504)),
                Fault::ErrorAfter => {
                    EwsAction::AcceptThen(ews::fault("ErrorInternalServerError", None))
                }
                Fault::Error => {
                    EwsAction::Answer(ews::fault("ErrorInternalServerTransientError", None))
                }
                _ => EwsAction::Answer(ews::refusal(event.kind, "ErrorInvalidRecipients", None)),
            }
        });
    }

    fn configure(&self, dispatch: &str) {
        let pace = exchange_pace(dispatch);
        self.batch().configure(&format!(
            "[dispatch]\ntransport = \"ews\"\nbackoff = \"10ms\"\n{pace}{dispatch}"
        ));
    }

    fn settle(&self) {
        assert!(self.desk.ews.wait_until_left(wait::LONG));
    }

    fn mailbox(&self) -> Vec<Seen> {
        arrived(&self.desk.exchange)
    }

    fn sign_in(&self) {
        self.desk.desk.keep_sign_in();
    }

    fn breaches(&self, _: usize) -> Vec<String> {
        [
            self.desk.ews.violations(),
            self.desk.desk.server.violations(),
        ]
        .concat()
    }

    fn leftovers(&self) -> Vec<String> {
        drafts(&self.desk.exchange)
    }
}
