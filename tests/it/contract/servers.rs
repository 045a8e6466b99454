//! The servers of the four transports.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::contract::{Outcome, Server};
use crate::support::ews::{self, EwsAction, EwsKind};
use crate::support::ews_desk::EwsDesk;
use crate::support::exchange::Exchange;
use crate::support::graph::{self, GraphAction, GraphKind};
use crate::support::graph_desk::{GraphDesk, SHARED};
use crate::support::http::Response;
use crate::support::smtp::{Action, SmtpServer, Step};
use crate::support::{TestBatch, accepted_by, school_of};

/// A folder.
pub struct Outbox {
    batch: TestBatch,
}

impl Server for Outbox {
    fn new() -> Self {
        Self {
            batch: TestBatch::new(3),
        }
    }

    fn batch(&self) -> &TestBatch {
        &self.batch
    }

    fn bring_about(&self, outcome: Outcome) {
        match outcome {
            Outcome::Rejected => {
                fs::create_dir(self.batch.path("outbox")).unwrap();
                let other =
                    "Message-ID: <other@study.example>\r\nTo: a@b.example\r\nSubject: x\r\n\r\n";
                self.batch.write("outbox/S002.eml", other);
            }
            Outcome::Unusable => self.batch.write("outbox", "in the way"),
            other => panic!("an outbox cannot show {other:?}"),
        }
    }

    fn calm_down(&self) {
        let _ = fs::remove_file(self.batch.path("outbox"));
        let _ = fs::remove_file(self.batch.path("outbox/S002.eml"));
    }

    fn taken(&self) -> Vec<usize> {
        let Ok(entries) = fs::read_dir(self.batch.path("outbox")) else {
            return Vec::new();
        };
        let mut files: Vec<_> = entries
            .map(|entry| entry.unwrap())
            .map(|entry| (entry.metadata().unwrap().modified().unwrap(), entry.path()))
            .collect();
        files.sort();
        let letters = files.iter().map(|(_, path)| fs::read(path).unwrap());
        letters
            .filter(|letter| !letter.starts_with(b"Message-ID: <other@"))
            .map(|letter| school_of(&letter))
            .collect()
    }

    fn assert_proper(&self) {}
}

/// A mail server.
pub struct Smtp {
    batch: TestBatch,
    server: SmtpServer,
}

impl Server for Smtp {
    fn new() -> Self {
        let server = SmtpServer::start();
        let batch = TestBatch::new(3);
        batch.use_smtp(server.port(), "");
        Self { batch, server }
    }

    fn batch(&self) -> &TestBatch {
        &self.batch
    }

    fn bring_about(&self, outcome: Outcome) {
        let done = AtomicBool::new(false);
        self.server.script(move |event| {
            let step = match outcome {
                Outcome::Unusable | Outcome::Unauthorised => {
                    matches!(event.step, Step::MailFrom(_))
                }
                _ => event.step == Step::FinalDot,
            };
            if event.message != 2 || !step || done.swap(true, Ordering::SeqCst) {
                return Action::Go;
            }
            match outcome {
                Outcome::Throttled => Action::reply(451, "4.7.500 Server busy"),
                Outcome::Transient => Action::reply(451, "4.3.0 Later"),
                Outcome::Rejected => Action::reply(554, "5.6.0 No such letters"),
                Outcome::DoubtBefore => Action::Cut,
                Outcome::DoubtAfter => Action::AcceptThenCut,
                Outcome::Unauthorised => Action::reply(530, "5.7.57 Not authenticated"),
                Outcome::Unusable => Action::reply(550, "5.7.1 Not your address"),
            }
        });
    }

    fn calm_down(&self) {
        self.server.script(|_| Action::Go);
    }

    fn taken(&self) -> Vec<usize> {
        accepted_by(&self.server)
    }

    fn assert_proper(&self) {
        let violations = self.server.violations();
        assert!(violations.is_empty(), "{violations:#?}");
    }
}

/// The numbers of the schools whose letters left the shared mailbox.
fn outgoing(exchange: &Exchange) -> Vec<usize> {
    let letters = exchange.mailbox(SHARED).outgoing();
    let number = |subject: &str| subject.replace("Report for School ", "").parse().unwrap();
    letters.iter().map(|it| number(&it.subject)).collect()
}

/// What happens to a request, by Graph as by Exchange Web Services: whether it only looks, whether it
/// is the one that meets with the outcome, and what it is answered then.
fn trouble(
    outcome: Outcome,
    looks: bool,
    is_it: impl FnOnce() -> bool,
    answer: impl FnOnce() -> Response,
) -> GraphAction {
    let is_blind = matches!(outcome, Outcome::DoubtBefore | Outcome::DoubtAfter);
    if is_blind && looks {
        return GraphAction::CutBefore;
    }
    if outcome == Outcome::Unauthorised {
        return GraphAction::Answer(Response::empty(401));
    }
    if !is_it() {
        return GraphAction::Proceed;
    }
    match outcome {
        Outcome::Throttled | Outcome::Transient | Outcome::Rejected => {
            GraphAction::Answer(answer())
        }
        Outcome::DoubtAfter => GraphAction::CutAfter,
        _ => GraphAction::CutBefore,
    }
}

/// Microsoft Graph, with drafts.
pub struct Graph {
    desk: GraphDesk,
}

impl Server for Graph {
    fn new() -> Self {
        let desk = GraphDesk::with_all_scopes(3);
        desk.configure("patience = \"0s\"\n");
        Self { desk }
    }

    fn batch(&self) -> &TestBatch {
        &self.desk.desk.batch
    }

    fn bring_about(&self, outcome: Outcome) {
        if outcome == Outcome::Unusable {
            return self.desk.exchange.set_send_as(SHARED, false);
        }
        let done = AtomicBool::new(false);
        self.desk.graph.script(move |event| {
            let looks = matches!(event.kind, GraphKind::GetMessage | GraphKind::Find);
            let kind = match outcome {
                Outcome::Transient => GraphKind::CreateDraft,
                _ => GraphKind::SendDraft,
            };
            let is_it =
                || event.kind == kind && event.turn == 2 && !done.swap(true, Ordering::SeqCst);
            trouble(outcome, looks, is_it, || match outcome {
                Outcome::Throttled => graph::throttled(Some(0)),
                Outcome::Transient => graph::gateway_timeout(),
                _ => {
                    let text = "At least one recipient is not valid.";
                    graph::graph_error(400, "ErrorInvalidRecipients", text)
                }
            })
        });
    }

    fn calm_down(&self) {
        self.desk.graph.script(|_| GraphAction::Proceed);
        self.desk.exchange.set_send_as(SHARED, true);
    }

    fn taken(&self) -> Vec<usize> {
        outgoing(&self.desk.exchange)
    }

    fn assert_proper(&self) {
        assert!(self.desk.exchange.mailbox(SHARED).drafts().is_empty());
        self.desk.assert_proper();
    }
}

/// Exchange Web Services.
pub struct Ews {
    desk: EwsDesk,
}

impl Server for Ews {
    fn new() -> Self {
        let desk = EwsDesk::new(3);
        desk.configure("patience = \"0s\"\n");
        Self { desk }
    }

    fn batch(&self) -> &TestBatch {
        &self.desk.desk.batch
    }

    fn bring_about(&self, outcome: Outcome) {
        if outcome == Outcome::Unusable {
            return self.desk.exchange.set_send_as(SHARED, false);
        }
        let done = AtomicBool::new(false);
        self.desk.ews.script(move |event| {
            let looks = matches!(event.kind, EwsKind::GetItem | EwsKind::FindItem);
            let kind = match outcome {
                Outcome::Transient => EwsKind::CreateItem,
                _ => EwsKind::SendItem,
            };
            let is_it =
                || event.kind == kind && event.turn == 2 && !done.swap(true, Ordering::SeqCst);
            trouble(outcome, looks, is_it, || match outcome {
                Outcome::Throttled => ews::refusal(kind, "ErrorServerBusy", Some(10)),
                Outcome::Transient => ews::fault("ErrorInternalServerTransientError", None),
                _ => ews::refusal(kind, "ErrorInvalidRecipients", None),
            })
        });
    }

    fn calm_down(&self) {
        self.desk.ews.script(|_| EwsAction::Proceed);
        self.desk.exchange.set_send_as(SHARED, true);
    }

    fn taken(&self) -> Vec<usize> {
        outgoing(&self.desk.exchange)
    }

    fn assert_proper(&self) {
        assert!(self.desk.exchange.mailbox(SHARED).drafts().is_empty());
        self.desk.assert_proper();
    }
}
