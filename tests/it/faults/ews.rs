//! Exchange behind Exchange Web Services.

use std::sync::Arc;

use crate::faults::exchange::{
    Astray, arrived, date_in, drafts, exchange_pace, exchange_turn, head_action, lead_astray,
    lead_back, turn,
};
use crate::faults::mischief::{Fault, Mischief};
use crate::faults::plan::Plan;
use crate::faults::sides::{Seen, Side};
use crate::support::ews::{self, EwsAction, EwsKind};
use crate::support::ews_desk::EwsDesk;
use crate::support::http::Response;
use crate::support::{TestBatch, wait};

/// Where the service is at its server.
const PATH: &str = "/EWS/Exchange.asmx";

pub struct Ews {
    pub desk: EwsDesk,
    keeps_copies: bool,
    astray: Astray,
}

impl Ews {
    pub fn new(plan: &Plan) -> Self {
        Self {
            desk: EwsDesk::new(plan.letters),
            keeps_copies: plan.may_look,
            astray: Astray::default(),
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
        self.desk.ews.narrow();
        let heads = Arc::clone(mischief);
        let script = move |action: &str| head_action(&heads, action.contains("CreateItem"));
        self.desk.ews.script_heads(script);
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

    fn hinder(&self) -> Option<Fault> {
        let right = self.desk.ews.url();
        Some(lead_astray(self.batch(), &self.astray, &right, PATH))
    }

    fn clear(&self) {
        lead_back(self.batch(), &self.astray, &self.desk.ews.url(), PATH);
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
