//! A person who is signed in and sends through the fake Graph.

use super::exchange::Exchange;
use super::graph::GraphServer;
use super::oauth::{self, OauthServer};
use super::signing_in::Desk;

/// The shared mailbox that the letters come from.
pub const SHARED: &str = "reports@study.example";
/// The person who signs in.
pub const PERSON: &str = "ann@study.example";
/// What lets a run make drafts, find messages and delete drafts, besides sending.
pub const ALL_SCOPES: [&str; 5] = [
    "Mail.Send",
    "Mail.Send.Shared",
    "Mail.ReadWrite",
    "Mail.ReadWrite.Shared",
    "User.Read",
];

/// A desk with a batch, the sign-in, and a Graph over two mailboxes.
pub struct GraphDesk {
    // Ends first: its sessions ask the sign-in service of the desk.
    pub graph: GraphServer,
    pub exchange: Exchange,
    pub desk: Desk,
}

impl GraphDesk {
    /// A batch of so many schools, signed in, with sending alone granted.
    pub fn new(schools: usize) -> Self {
        Self::at(OauthServer::builder(), schools)
    }

    /// The same, with all that drafts and searches need granted too.
    pub fn with_all_scopes(schools: usize) -> Self {
        let server = OauthServer::builder().grant("graph", &ALL_SCOPES);
        Self::at(server, schools)
    }

    /// The same, with a sign-in service of its own.
    pub fn at(server: oauth::Builder, schools: usize) -> Self {
        let desk = Desk::for_schools(server, schools);
        let exchange = Exchange::new(&[SHARED, PERSON]);
        let graph = GraphServer::start(&exchange, &desk.server);
        let this = Self {
            graph,
            exchange,
            desk,
        };
        this.configure("");
        this.desk.keep_sign_in();
        this
    }

    /// Sends through Graph, as fast as it goes, with further lines of `[dispatch]`.
    pub fn configure(&self, dispatch: &str) {
        self.desk.batch.configure(&format!(
            "[dispatch]\ntransport = \"graph\"\nmessages_per_minute = 100000\n\
             recipients_per_day = 1000000\nbackoff = \"10ms\"\n{dispatch}"
        ));
        self.secrets("");
    }

    /// Writes the secrets file with the sign-in, the address of Graph, and further lines.
    pub fn secrets(&self, further: &str) {
        let url = self.graph.url();
        self.desk
            .secrets(&format!("graph_url = \"{url}\"\n{further}"));
    }

    /// Fails the test when Graph or the sign-in service saw a breach of the protocol.
    #[track_caller]
    pub fn assert_proper(&self) {
        self.graph.assert_proper();
        self.desk.assert_proper();
    }

    /// Every upload address is a secret: call this before the run's words are searched.
    pub fn keep_upload_urls_secret(&self) {
        for url in self.graph.upload_urls() {
            self.desk.keep_secret(&url);
        }
    }
}
