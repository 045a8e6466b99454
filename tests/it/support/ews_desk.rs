//! A person who is signed in and sends through the fake Exchange Web Services.

use super::ews::EwsServer;
use super::ews_schema::assert_valid;
use super::exchange::Exchange;
use super::graph_desk::{PERSON, SHARED};
use super::oauth::{self, OauthServer};
use super::signing_in::Desk;

/// A desk with a batch, the sign-in, and Exchange Web Services over two mailboxes.
pub struct EwsDesk {
    // Ends first: its sessions ask the sign-in service of the desk.
    pub ews: EwsServer,
    pub exchange: Exchange,
    pub desk: Desk,
}

impl EwsDesk {
    /// A batch of so many schools, signed in.
    pub fn new(schools: usize) -> Self {
        Self::at(OauthServer::builder(), schools)
    }

    /// The same, with a sign-in service of its own.
    pub fn at(server: oauth::Builder, schools: usize) -> Self {
        let desk = Desk::for_schools(server, schools);
        let exchange = Exchange::new(&[SHARED, PERSON]);
        let ews = EwsServer::start(&exchange, &desk.server);
        let this = Self {
            ews,
            exchange,
            desk,
        };
        this.configure("");
        this.desk.keep_sign_in();
        this
    }

    /// The same with a server on premises, which takes the password `correct horse`.
    pub fn on_premises(schools: usize) -> Self {
        Self::certified(schools, false)
    }

    /// The same, whose server has a certificate that was good once, or is.
    pub fn certified(schools: usize, has_expired: bool) -> Self {
        let desk = Desk::for_schools(OauthServer::builder(), schools);
        let exchange = Exchange::new(&[SHARED, PERSON]);
        let password = "correct horse";
        let ews = EwsServer::on_premises(&exchange, PERSON, "STUDY\\ann", password, has_expired);
        desk.keep_secret(password);
        let ca = desk.write_elsewhere("ca.pem", ews.ca_pem());
        let this = Self {
            ews,
            exchange,
            desk,
        };
        this.configure("");
        this.secrets(&format!(
            "ews_auth = \"basic\"\news_username = 'STUDY\\ann'\news_password = \"{password}\"\n\
             ews_ca_file = '{}'\n",
            ca.display()
        ));
        this
    }

    /// Sends through Exchange Web Services, as fast as it goes, with further lines of `[dispatch]`.
    pub fn configure(&self, dispatch: &str) {
        self.desk.batch.configure(&format!(
            "[dispatch]\ntransport = \"ews\"\nmessages_per_minute = 100000\n\
             recipients_per_day = 1000000\nbackoff = \"10ms\"\n{dispatch}"
        ));
        self.secrets("");
    }

    /// Writes the secrets file with the sign-in, the address of the server, and further lines.
    pub fn secrets(&self, further: &str) {
        let url = self.ews.url();
        self.desk
            .secrets(&format!("ews_url = \"{url}\"\n{further}"));
    }

    /// Fails the test when the server or the sign-in service saw a breach of the protocol, or a
    /// request was not as the schema has it.
    #[track_caller]
    pub fn assert_proper(&self) {
        self.ews.assert_proper();
        self.desk.assert_proper();
        let requests = self.ews.requests();
        assert_valid(requests.iter().map(|request| &*request.operation));
    }
}
