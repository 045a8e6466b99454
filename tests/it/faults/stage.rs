//! A batch before a server, and a run of it that is to be killed.

use std::cell::{Cell, RefCell};
use std::os::unix::process::ExitStatusExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::faults::asked::{Ask, Asked};
use crate::faults::ews::Ews;
use crate::faults::exchange::Graph;
use crate::faults::outbox::Outbox;
use crate::faults::plan::{Plan, Way};
use crate::faults::sides::Side;
use crate::faults::smtp::Smtp;
use crate::support::ews::{EwsAction, EwsKind};
use crate::support::graph::{GraphAction, GraphKind, HeadAction};
use crate::support::graph_desk::GraphDesk;
use crate::support::oauth::{OauthAction, OauthServer};
use crate::support::smtp::Action;
use crate::support::victim::Victim;

type Hook = Arc<dyn Fn() + Send + Sync>;

/// The signal of a file that grows too large.
const SIGXFSZ: i32 = 25;

/// The transports; Graph has two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Road {
    Outbox,
    Smtp,
    /// One request for a letter.
    GraphAtOnce,
    /// A draft, which is then sent; large reports by upload sessions.
    GraphDraft,
    Ews,
}

impl Road {
    pub const ALL: [Self; 5] = [
        Self::Outbox,
        Self::Smtp,
        Self::GraphAtOnce,
        Self::GraphDraft,
        Self::Ews,
    ];

    pub fn words(self) -> &'static str {
        match self {
            Self::Outbox => "outbox",
            Self::Smtp => "smtp",
            Self::GraphAtOnce => "graph, one request",
            Self::GraphDraft => "graph, draft",
            Self::Ews => "ews",
        }
    }

    fn way(self) -> Way {
        match self {
            Self::Outbox => Way::Outbox,
            Self::Smtp => Way::Smtp,
            Self::GraphAtOnce | Self::GraphDraft => Way::Graph,
            Self::Ews => Way::Ews,
        }
    }

    pub fn state_file(self) -> &'static str {
        self.way().state_file()
    }

    /// The request of Graph by which a letter leaves.
    pub fn releases(self) -> GraphKind {
        match self {
            Self::GraphDraft => GraphKind::SendDraft,
            _ => GraphKind::SendMail,
        }
    }
}

pub enum FakeServer {
    Outbox(Outbox),
    Smtp(Smtp),
    Graph(Graph),
    Ews(Ews),
}

impl FakeServer {
    pub fn side(&self) -> &dyn Side {
        match self {
            Self::Outbox(side) => side,
            Self::Smtp(side) => side,
            Self::Graph(side) => side,
            Self::Ews(side) => side,
        }
    }
}

pub struct Scene {
    pub road: Road,
    pub plan: Plan,
    pub server: FakeServer,
    /// A renewal is played twice: nothing is given out, or a token that nobody hears of.
    pub is_second_time: bool,
    victim: RefCell<Victim>,
    pub asked: RefCell<Asked>,
    /// The verb that is killed, with its arguments.
    command: RefCell<(&'static str, Vec<String>)>,
    /// Which message of each letter it sends.
    sending: Cell<usize>,
}

impl Scene {
    /// A batch of a few letters, nothing of which was sent.
    pub fn new(road: Road, is_second_time: bool) -> Self {
        let letters = if road == Road::Outbox { 30 } else { 3 };
        Self::with_letters(road, is_second_time, letters)
    }

    /// The same, of so many letters.
    pub fn with_letters(road: Road, is_second_time: bool, letters: usize) -> Self {
        let plan = Plan {
            letters,
            connections: 1,
            trouble: 0,
            runs: 1,
            kills: Vec::new(),
            cap: None,
            may_look: true,
            pairs: false,
            ..Plan::new(road.way(), 0)
        };
        let server = match road {
            Road::Outbox => FakeServer::Outbox(Outbox::new(&plan)),
            Road::Smtp => FakeServer::Smtp(Smtp::signed_in(&plan)),
            // It may look, and make no drafts.
            Road::GraphAtOnce => {
                let grant = [
                    "Mail.Send",
                    "Mail.Send.Shared",
                    "Mail.Read.Shared",
                    "User.Read",
                ];
                let oauth = OauthServer::builder().grant("graph", &grant);
                FakeServer::Graph(Graph::at(GraphDesk::at(oauth, plan.letters)))
            }
            Road::GraphDraft => FakeServer::Graph(Graph::new(&plan)),
            Road::Ews => FakeServer::Ews(Ews::new(&plan)),
        };
        let scene = Self {
            road,
            server,
            is_second_time,
            victim: RefCell::default(),
            asked: RefCell::new(Asked::new(&plan)),
            command: RefCell::new(("send", vec!["--yes".into()])),
            sending: Cell::new(1),
            plan,
        };
        scene.configure("");
        scene
    }

    /// Writes lines of `[dispatch]`.
    pub fn configure(&self, dispatch: &str) {
        self.server.side().configure(dispatch);
    }

    /// Nothing happens any more, and nothing is held back.
    pub fn calm(&self) {
        match &self.server {
            FakeServer::Outbox(_) => {}
            FakeServer::Smtp(smtp) => smtp.server.script(|_| Action::Go),
            FakeServer::Graph(graph) => {
                graph.desk.graph.script(|_| GraphAction::Proceed);
                graph.desk.graph.script_heads(|_| HeadAction::Proceed);
            }
            FakeServer::Ews(ews) => {
                ews.desk.ews.script(|_| EwsAction::Proceed);
                ews.desk.ews.script_heads(|_| HeadAction::Proceed);
            }
        }
        if self.road != Road::Outbox {
            self.oauth().script(|_| OauthAction::Go);
        }
        self.configure("");
    }

    pub fn oauth(&self) -> Arc<OauthServer> {
        match &self.server {
            FakeServer::Outbox(_) => unreachable!("nobody signs in at a folder"),
            FakeServer::Smtp(smtp) => Arc::clone(&smtp.desk().server),
            FakeServer::Graph(graph) => Arc::clone(&graph.desk.desk.server),
            FakeServer::Ews(ews) => Arc::clone(&ews.desk.desk.server),
        }
    }

    /// Kills the next run, when it is called.
    pub fn killer(&self) -> Hook {
        let victim = Victim::default();
        self.victim.replace(victim.clone());
        Arc::new(move || victim.kill())
    }

    /// Starts a run for the killer, and waits until it was killed.
    pub fn run_until_killed(&self) {
        let victim = self.victim.borrow();
        self.begin(&victim);
        victim.wait_until_killed();
    }

    pub fn start(&self) -> Victim {
        let victim = Victim::default();
        self.begin(&victim);
        victim
    }

    fn begin(&self, victim: &Victim) {
        let command = self.command.borrow();
        let arguments: Vec<&str> = command.1.iter().map(String::as_str).collect();
        victim.verb(self.server.side().batch(), command.0, &arguments);
    }

    /// Starts a run that the system ends as soon as it has written 2 MB of any file.
    pub fn run_until_a_file_is_large(&self) {
        let (victim, command) = (Victim::default(), self.command.borrow());
        let arguments: Vec<&str> = command.1.iter().map(String::as_str).collect();
        victim.verb_with_small_files(self.server.side().batch(), command.0, &arguments, 2_000);
        assert_eq!(victim.wait().signal(), Some(SIGXFSZ), "{}", victim.said());
    }

    /// From now on it is a `resend` of these letters that is killed; all of them were sent.
    pub fn resends(&self, ask: &Ask, numbers: &[usize]) {
        self.command.replace(("resend", ask.arguments(numbers)));
        self.sending.set(2);
    }

    /// From now on it is `send` that is killed.
    pub fn sends(&self) {
        self.command.replace(("send", vec!["--yes".into()]));
    }

    /// The file of the outbox that the killed run writes of a letter.
    pub fn outbox_file(&self, id: &str) -> String {
        match self.sending.get() {
            1 => format!("outbox/{id}.eml"),
            again => format!("outbox/{id}({again}).eml"),
        }
    }

    pub fn killed_when_it_says(&self, words: &str) {
        let victim = self.start();
        victim.wait_until_it_says(words);
        victim.kill();
    }

    /// Kills the run at the second request of a kind, then does this.
    pub fn at_graph(&self, kind: GraphKind, then: fn() -> GraphAction) {
        let FakeServer::Graph(graph) = &self.server else {
            unreachable!("this is not Graph")
        };
        let (hook, seen) = (self.killer(), AtomicUsize::new(0));
        graph.desk.graph.script(move |event| {
            if event.kind == kind && seen.fetch_add(1, Ordering::SeqCst) == 1 {
                return GraphAction::CallThen(Arc::clone(&hook), Box::new(then()));
            }
            GraphAction::Proceed
        });
        self.run_until_killed();
    }

    /// The same at the first or second request of these kinds.
    pub fn at_ews(&self, kinds: &[EwsKind], turn: usize, then: fn() -> EwsAction) {
        let FakeServer::Ews(ews) = &self.server else {
            unreachable!("this is not EWS")
        };
        let (hook, kinds, seen) = (self.killer(), kinds.to_vec(), AtomicUsize::new(0));
        ews.desk.ews.script(move |event| {
            if kinds.contains(&event.kind) && seen.fetch_add(1, Ordering::SeqCst) + 1 == turn {
                return EwsAction::CallThen(Arc::clone(&hook), Box::new(then()));
            }
            EwsAction::Proceed
        });
        self.run_until_killed();
    }

    /// Kills the run when so many bytes of the request were read that carries the second letter.
    pub fn cut_body(&self, bytes: u64) {
        let (hook, seen) = (self.killer(), AtomicUsize::new(0));
        let decide = move |carries: bool| {
            if carries && seen.fetch_add(1, Ordering::SeqCst) == 1 {
                return HeadAction::CallWhileReading(bytes, Arc::clone(&hook));
            }
            HeadAction::Proceed
        };
        match &self.server {
            FakeServer::Graph(graph) => {
                let kinds = [GraphKind::SendMail, GraphKind::CreateDraft];
                let graph = &graph.desk.graph;
                graph.script_heads(move |head| decide(kinds.contains(&head.kind)));
            }
            FakeServer::Ews(ews) => {
                let ews = &ews.desk.ews;
                ews.script_heads(move |action| decide(action.contains("CreateItem")));
            }
            FakeServer::Outbox(_) | FakeServer::Smtp(_) => unreachable!("they read no heads"),
        }
        self.run_until_killed();
    }
}
