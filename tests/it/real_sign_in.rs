//! Signing in at an OAuth server that others wrote, and what comes of it: npm's oidc-provider, with
//! chromium as the browser.
//!
//! Where they are not installed the tests say so and pass, unless `POSTROOM_REAL_SERVERS` is 1.

use std::fs;

use crate::support::provider::{self, PERSON, Provider, SmallBrowser, kept, login};
use crate::support::servers::or_skip;
use crate::support::{Ran, TestBatch};

const DONE: &str = "Your sign-in has reached postroom.";

/// Signs in by the browser flow; `browse` opens the page and gives the text of the last one.
#[track_caller]
fn sign_in_with(batch: &TestBatch, browse: impl FnOnce(&str) -> String) -> (Ran, String) {
    let (running, said) = login(batch, "browser");
    let url = said.line_with("http://127.0.0.1:");
    let page = browse(url.trim());
    (running.ended("the end of login", said), page)
}

#[track_caller]
fn signed_in(provider: &Provider) -> Signed {
    let batch = provider.batch(PERSON);
    let (ran, page) = sign_in_with(&batch, |url| SmallBrowser::new().open(url));
    assert!(page.contains(DONE), "{page}");
    ran.expect(0);
    Signed(batch)
}

/// A batch whose sign-in is forgotten in the end, for it lies beside the batch's folder.
struct Signed(TestBatch);

impl Signed {
    /// What is kept of the sign-in.
    fn record(&self) -> String {
        provider::record(&self.0)
    }
}

impl Drop for Signed {
    fn drop(&mut self) {
        let file = kept(&self.0);
        let _ = fs::remove_file(file.with_extension("json.lock"));
        let _ = fs::remove_file(file);
    }
}

#[track_caller]
fn can_send_by_both(ran: Ran) {
    let shown = ran.expect(0).json();
    assert_eq!(shown["account"], PERSON);
    for (number, ability) in ["send from your own mailbox", "send over SMTP"]
        .iter()
        .enumerate()
    {
        let resource = &shown["resources"][number];
        assert!(resource["error"].is_null(), "{shown}");
        assert!(
            resource["abilities"].to_string().contains(ability),
            "{shown}"
        );
        let good_for = resource["expires_in_seconds"].as_u64().unwrap_or(0);
        assert!((3_500..=3_600).contains(&good_for), "{shown}");
    }
}

#[test]
fn chromium_signs_in_and_shows_the_closing_page() {
    let Some(provider) = or_skip(Provider::start()) else {
        return;
    };
    if or_skip(provider::chromium_version()).is_none() {
        return;
    }
    let signed = Signed(provider.batch(PERSON));
    let (ran, page) = sign_in_with(&signed.0, |url| provider::chromium(url).unwrap());
    assert!(page.contains(DONE), "{page}");
    let ran = ran.expect(0);
    assert!(
        ran.stdout.contains("signed in as ann@study.example"),
        "{ran:?}"
    );
    can_send_by_both(signed.0.run("whoami", &["--json"]));
}

#[test]
fn a_client_that_follows_redirects_signs_in_too() {
    let Some(provider) = or_skip(Provider::start()) else {
        return;
    };
    let signed = signed_in(&provider);
    can_send_by_both(signed.0.run("whoami", &["--json"]));
}

#[test]
fn a_code_typed_on_another_device_signs_in() {
    let Some(provider) = or_skip(Provider::start()) else {
        return;
    };
    let signed = Signed(provider.batch(PERSON));
    let (running, said) = login(&signed.0, "device");
    // Open ADDRESS on any device, type the code CODE and sign in as …
    let line = said.line_with("type the code ");
    let mut words = line.split_whitespace();
    let address = words.nth(1).unwrap();
    let code = line.split_once("type the code ").unwrap().1;
    let code = code.split(' ').next().unwrap();
    let further = [("user_code", code), ("confirm", "yes")];
    let page = SmallBrowser::new().fill_in(address, &further);
    assert!(page.contains("The device is signed in."), "{page}");
    running.ended("the end of login", said).expect(0);
    can_send_by_both(signed.0.run("whoami", &["--json"]));
}

#[test]
fn every_renewal_brings_another_refresh_token_and_the_newest_is_kept() {
    let Some(provider) = or_skip(Provider::start()) else {
        return;
    };
    let signed = signed_in(&provider);
    let first = signed.record();
    can_send_by_both(signed.0.run("whoami", &["--json"]));
    let second = signed.record();
    can_send_by_both(signed.0.run("whoami", &["--json"]));
    let third = signed.record();
    assert!(first != second && second != third && first != third);
    // The server takes an older one for a theft, so the newest was used each time.
    fs::write(kept(&signed.0), first).unwrap();
    let refused = signed.0.run("whoami", &["--json"]).expect(6);
    let refused = refused.says("next: ");
    fs::write(kept(&signed.0), third).unwrap();
    signed.0.run("whoami", &["--json"]).expect(6);
    assert!(!refused.output().contains("refresh_token"), "{refused:?}");
}

#[test]
fn runs_at_the_same_time_renew_one_after_another() {
    let Some(provider) = or_skip(Provider::start()) else {
        return;
    };
    let signed = signed_in(&provider);
    // To use a refresh token twice would end the sign-in for all of them.
    for _ in 0..3 {
        let runs = [(); 4].map(|()| provider::start(&signed.0, "whoami", &["--json"]));
        for (running, said) in runs {
            can_send_by_both(running.ended("the end of whoami", said));
        }
    }
    can_send_by_both(signed.0.run("whoami", &["--json"]));
}

#[test]
fn a_person_who_declines_is_not_signed_in() {
    let Some(provider) = or_skip(Provider::start()) else {
        return;
    };
    let signed = Signed(provider.batch("declines@study.example"));
    let (ran, page) = sign_in_with(&signed.0, |url| SmallBrowser::new().open(url));
    assert!(page.contains("The sign-in did not succeed."), "{page}");
    ran.expect(6).says("no, says the person");
    assert!(!kept(&signed.0).exists());
}

#[test]
fn another_account_than_the_one_in_the_secrets_file_is_refused_and_not_kept() {
    let Some(provider) = or_skip(Provider::start()) else {
        return;
    };
    let signed = Signed(provider.batch("bob@study.example"));
    let (ran, page) = sign_in_with(&signed.0, |url| SmallBrowser::new().open(url));
    assert!(page.contains("The sign-in did not succeed."), "{page}");
    ran.expect(6).says(PERSON);
    assert!(!kept(&signed.0).exists());
}
