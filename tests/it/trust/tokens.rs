//! A token of the sign-in is shown to Microsoft, this machine, or a server that it is made for.

use std::io::ErrorKind;
use std::net::TcpListener;

use crate::support::TestBatch;

/// A host that is not Microsoft's: it answers, and sees whether it is asked.
struct Stranger(TcpListener);

impl Stranger {
    fn new() -> Option<Self> {
        // Not the address that this machine is known by; some systems have no other.
        let listener = TcpListener::bind("127.0.0.2:0").ok()?;
        listener.set_nonblocking(true).unwrap();
        Some(Self(listener))
    }

    fn host(&self) -> String {
        self.0.local_addr().unwrap().to_string()
    }

    #[track_caller]
    fn assert_not_asked(&self) {
        let asked = self.0.accept();
        assert!(matches!(asked, Err(error) if error.kind() == ErrorKind::WouldBlock));
    }
}

/// A batch through Exchange Web Services whose tokens come from another program.
fn batch(keys: &str) -> TestBatch {
    let batch = TestBatch::new(1);
    batch.configure("[dispatch]\ntransport = \"ews\"\nbackoff = \"1ms\"\nattempts = 1");
    batch.write("token.sh", "touch asked; echo a-token");
    batch.secrets(&format!(
        "send_emails_as = \"reports@study.example\"\nusername = \"ann@study.example\"\n\
         timeout = \"2s\"\ntoken_command = [\"sh\", \"token.sh\"]\n{keys}\n"
    ));
    batch
}

#[test]
fn exchange_tokens_go_to_no_host_that_is_not_microsofts() {
    let Some(stranger) = Stranger::new() else {
        return eprintln!("skipped: this system has no 127.0.0.2");
    };
    let host = stranger.host();
    for (key, value) in [
        ("server", host.clone()),
        ("ews_url", format!("https://{host}/EWS/Exchange.asmx")),
    ] {
        // A scope says what a sign-in's token is made for, not that of another program.
        for scope in ["", "scope = \"https://127.0.0.2/.default\"\n"] {
            let batch = batch(&format!("{scope}{key} = \"{value}\""));
            for (verb, arguments, code) in
                [("send", &["--yes"][..], 2), ("check", &["--online"], 3)]
            {
                batch
                    .run(verb, arguments)
                    .expect(code)
                    .says(&format!("`{key}` is `{value}`, which is not Microsoft's"))
                    .says("nothing was asked there")
                    .says("`ews_auth = \"basic\"`");
            }
            stranger.assert_not_asked();
            assert!(!batch.path("asked").exists(), "a token was asked for");
        }
    }
}

#[test]
fn a_slip_in_the_name_of_microsofts_server_is_reported() {
    batch("server = \"outlook.ofice365.com\"")
        .run("send", &["--yes"])
        .expect(2)
        .says("`outlook.ofice365.com`, which is not Microsoft's");
}
