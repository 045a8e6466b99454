//! Exchange behind Microsoft Graph, and what its two fronts have in common.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use crate::faults::mischief::{Fault, Mischief, Turn, Weight, kill_later, slow_pace};
use crate::faults::plan::{Moment, Plan};
use crate::faults::sides::{Seen, Side};
use crate::support::closed_port::ClosedPort;
use crate::support::exchange::Exchange;
use crate::support::graph::{self, GraphAction, GraphKind, HeadAction};
use crate::support::graph_desk::{ALL_SCOPES, GraphDesk, PERSON, SHARED};
use crate::support::oauth::OauthServer;
use crate::support::{TestBatch, wait};

pub fn arrived(exchange: &Exchange) -> Vec<Seen> {
    let boxes = [SHARED, PERSON].map(|address| exchange.mailbox(address).outgoing());
    let letters = boxes.into_iter().flatten();
    letters
        .map(|mail| Seen {
            message_id: mail.internet_message_id.trim_matches(['<', '>']).to_owned(),
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

pub fn drafts(exchange: &Exchange) -> Vec<String> {
    let boxes = [SHARED, PERSON].map(|address| exchange.mailbox(address).drafts());
    let left = boxes.into_iter().flatten();
    left.map(|mail| format!("a draft of {:?} is left", mail.subject))
        .collect()
}

/// The date of so many seconds from now, as HTTP writes it.
pub fn date_in(seconds: i64) -> String {
    let then = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(seconds);
    then.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

const LETTER: [Fault; 15] = [
    Fault::Cut,
    Fault::CutAfter,
    Fault::Reset,
    Fault::ResetAfter,
    Fault::Crawl,
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
const OTHER: [Fault; 12] = [
    Fault::Cut,
    Fault::CutAfter,
    Fault::Reset,
    Fault::ResetAfter,
    Fault::Crawl,
    Fault::Half,
    Fault::Storm,
    Fault::ErrorAfter,
    Fault::Error,
    Fault::Slow,
    Fault::Expired,
    Fault::Revoked,
];

/// Where a server was to be, while it is somewhere else: where nobody is.
pub type Astray = RefCell<Option<ClosedPort>>;

/// Names another server in the secrets file. A token is shown to no name but Microsoft's and this
/// machine's, so it is a port of this machine.
pub fn lead_astray(batch: &TestBatch, astray: &Astray, right: &str, path: &str) -> Fault {
    let nobody = ClosedPort::new();
    batch.replace(".secrets.toml", right, &(nobody.url() + path));
    astray.replace(Some(nobody));
    Fault::Unreachable
}

/// Names the right one again.
pub fn lead_back(batch: &TestBatch, astray: &Astray, right: &str, path: &str) {
    if let Some(nobody) = astray.take() {
        batch.replace(".secrets.toml", &(nobody.url() + path), right);
    }
}

pub struct Graph {
    pub desk: GraphDesk,
    astray: Astray,
}

impl Graph {
    pub fn new(plan: &Plan) -> Self {
        let mut oauth = OauthServer::builder();
        if plan.may_look {
            oauth = oauth.grant("graph", &ALL_SCOPES);
        }
        Self::at(GraphDesk::at(oauth, plan.letters))
    }

    pub fn at(desk: GraphDesk) -> Self {
        Self {
            desk,
            astray: Astray::default(),
        }
    }
}

impl Side for Graph {
    fn batch(&self) -> &TestBatch {
        &self.desk.desk.batch
    }

    fn arm(&self, mischief: &Arc<Mischief>) {
        self.desk.graph.narrow();
        let heads = Arc::clone(mischief);
        self.desk.graph.script_heads(move |head| {
            let carries = matches!(head.kind, GraphKind::SendMail | GraphKind::CreateDraft);
            head_action(&heads, carries)
        });
        let (mischief, oauth) = (Arc::clone(mischief), Arc::clone(&self.desk.desk.server));
        self.desk.graph.script(move |event| {
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
        assert!(self.desk.graph.wait_until_left(wait::LONG));
    }

    fn hinder(&self) -> Option<Fault> {
        let right = self.desk.graph.url();
        Some(lead_astray(self.batch(), &self.astray, &right, ""))
    }

    fn clear(&self) {
        lead_back(self.batch(), &self.astray, &self.desk.graph.url(), "");
    }

    fn mailbox(&self) -> Vec<Seen> {
        arrived(&self.desk.exchange)
    }

    fn sign_in(&self) {
        self.desk.desk.keep_sign_in();
    }

    fn breaches(&self, connections: usize) -> Vec<String> {
        let mut breaches = [
            self.desk.graph.violations(),
            self.desk.desk.server.violations(),
        ]
        .concat();
        let most = self.desk.graph.max_in_flight();
        if most > connections {
            breaches.push(format!("{most} requests at once, not {connections}"));
        }
        breaches
    }

    fn leftovers(&self) -> Vec<String> {
        drafts(&self.desk.exchange)
    }
}

pub fn turn(mischief: &Mischief, sends: bool) -> Turn {
    if sends {
        mischief.turn(Weight::Decisive, &LETTER)
    } else {
        mischief.turn(Weight::Usual, &OTHER)
    }
}

/// What happens to a request of which only the head was read, and which carries a letter or not.
pub fn head_action(mischief: &Mischief, carries: bool) -> HeadAction {
    if !carries {
        return HeadAction::Proceed;
    }
    match mischief.turn(Weight::Head, &[Fault::HalfRead, Fault::SlowRead]) {
        Turn::Fault(Fault::SlowRead) => HeadAction::ReadSlowly(slow_pace()),
        Turn::Fault(_) => HeadAction::CutWhileReading(500),
        _ => HeadAction::Proceed,
    }
}

/// What all of Exchange's fronts do alike, or the fault that each has its own words for.
pub fn exchange_turn(turn: Turn, oauth: &Arc<OauthServer>) -> Result<GraphAction, Fault> {
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
        Turn::Signal(name, victim) => {
            GraphAction::call(move || victim.signal_if_there(name), GraphAction::Proceed)
        }
        Turn::Fault(Fault::Cut) => GraphAction::CutBefore,
        Turn::Fault(Fault::CutAfter) => GraphAction::CutAfter,
        Turn::Fault(Fault::Reset) => GraphAction::ResetBefore,
        Turn::Fault(Fault::ResetAfter) => GraphAction::ResetAfter,
        Turn::Fault(Fault::Crawl) => GraphAction::Crawl,
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

pub fn exchange_pace(dispatch: &str) -> &'static str {
    if dispatch.contains("messages_per_minute") {
        "patience = \"0s\"\n"
    } else {
        "patience = \"0s\"\nmessages_per_minute = 100000\n"
    }
}
