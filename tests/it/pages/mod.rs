//! Pages in a real browser: they do what they say, ask for nothing, and take no value for markup.
//!
//! Without chromium these tests say that they were skipped; with `POSTROOM_REAL_SERVERS=1` they fail
//! instead. `POSTROOM_PICTURES=FOLDER` keeps pictures of the pages to look at.

mod bounced;
mod record;

use std::path::Path;

use base64::Engine;

use crate::support::chromium::{Chromium, file_url};

/// The browser, or none where there is no chromium.
fn browser() -> Option<Chromium> {
    match Chromium::start() {
        Ok(chromium) => Some(chromium),
        Err(why) => {
            let must = std::env::var_os("POSTROOM_REAL_SERVERS").is_some();
            assert!(!must, "{why}");
            eprintln!("skipped: {why}");
            None
        }
    }
}

/// The page asked for nothing but itself and complained of nothing.
#[track_caller]
fn assert_quiet(browser: &mut Chromium, page: &Path) {
    assert_eq!(browser.complaints(), Vec::<String>::new());
    let own = file_url(page);
    let others: Vec<_> = browser.requests();
    assert!(
        !others.is_empty(),
        "no request was seen, not even for the page"
    );
    for url in others {
        assert_eq!(url.split('#').next().unwrap(), own);
    }
}

/// Keeps a picture of the page as it is, in each light and at each width, where that is wanted.
fn picture(browser: &mut Chromium, name: &str) {
    let Some(folder) = std::env::var_os("POSTROOM_PICTURES") else {
        return;
    };
    for (width, dark) in [(1200, false), (1200, true), (390, false), (390, true)] {
        browser.look(width, dark);
        // A resize reaches the page before its next frame.
        browser.eval(
            "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))",
        );
        let picture = browser.picture();
        let bytes = base64::engine::general_purpose::STANDARD
            .decode(picture)
            .unwrap();
        let light = if dark { "dark" } else { "light" };
        let file = Path::new(&folder).join(format!("{name}-{width}-{light}.png"));
        std::fs::write(file, bytes).unwrap();
    }
    browser.look(1200, false);
}

#[test]
fn the_browser_sees_what_a_page_does_wrong() {
    let Some(mut browser) = browser() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("page.html");
    std::fs::write(
        &page,
        "<img src=\"http://127.0.0.1:9/x\"><script>console.error('oh'); null.x;</script>",
    )
    .unwrap();
    browser.open(&file_url(&page));
    let complaints = browser.complaints().join("\n");
    assert!(complaints.contains("\"oh\""), "{complaints}");
    assert!(complaints.contains("TypeError"), "{complaints}");
    let requests = browser.requests();
    assert_eq!(
        requests,
        [file_url(&page), "http://127.0.0.1:9/x".to_owned()]
    );
}
