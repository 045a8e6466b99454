//! The page in a real browser. Where chromium is not installed the tests say so and pass, unless
//! `POSTROOM_REAL_SERVERS` is 1.

use std::fs;
use std::io::ErrorKind;
use std::net::TcpListener;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::TestBatch;
use crate::support::chromium::{Chromium, file_url};
use crate::support::servers::or_skip;

/// A gallery in a browser.
struct Gallery {
    browser: Chromium,
    folder: PathBuf,
}

impl Gallery {
    /// The gallery of a batch on a wide and light screen.
    fn of(batch: &TestBatch) -> Option<Self> {
        batch.run("preview", &[]).expect(0);
        let browser = or_skip(Chromium::start())?;
        let folder = batch.path("preview").canonicalize().unwrap();
        let mut gallery = Self { browser, folder };
        gallery.browser.look(1280, false);
        gallery.open();
        Some(gallery)
    }

    fn open(&mut self) {
        self.browser
            .open(&file_url(&self.folder.join("index.html")));
    }

    #[track_caller]
    fn eval(&mut self, script: &str) -> Value {
        self.browser.eval(script)
    }

    /// The text of what a selector names.
    #[track_caller]
    fn text(&mut self, selector: &str) -> String {
        let script = format!("document.querySelector({}).innerText", json!(selector));
        self.browser.text(&script).trim().to_owned()
    }

    /// How many letters are listed.
    fn shown(&mut self) -> i64 {
        let count = "document.querySelectorAll('#letters li').length";
        self.eval(count).as_i64().unwrap()
    }

    /// Role and name of each thing for a screen reader.
    fn accessible(&mut self) -> Vec<(String, String)> {
        let tree = self.browser.call("Accessibility.getFullAXTree", json!({}));
        let word = |value: &Value| value["value"].as_str().unwrap_or_default().to_owned();
        let nodes = tree["nodes"].as_array().unwrap().iter();
        nodes
            .filter(|node| node["ignored"] != true)
            .map(|node| (word(&node["role"]), word(&node["name"])))
            .collect()
    }

    /// Fails the test when the page complained or asked for anything but its own files.
    #[track_caller]
    fn assert_quiet(&mut self) {
        assert_eq!(self.browser.complaints(), Vec::<String>::new());
        let own = format!("{}/", file_url(&self.folder));
        for request in self.browser.requests() {
            assert!(request.starts_with(&own), "the page asked for {request}");
        }
    }
}

#[test]
fn the_first_letter_is_shown_as_its_recipient_will_see_it() {
    let batch = TestBatch::new(3);
    let Some(mut gallery) = Gallery::of(&batch) else {
        return;
    };
    assert_eq!(gallery.text("#name"), "School 1");
    assert_eq!(gallery.text("#place"), "1 of 3");
    for part in [
        "Study <reports@study.example>",
        "teacher1@school1.example",
        "Report for School 1",
        "postroom@study.example",
    ] {
        let headers = gallery.text("#headers");
        assert!(headers.contains(part), "{part}: {headers}");
    }
    let files = gallery.text("#attachments");
    assert!(
        files.contains("report.pdf") && files.contains("SHA-256"),
        "{files}"
    );
    let link = gallery.eval("document.querySelector('#attachments a').href");
    let report = batch.path("reports/S001.pdf").canonicalize().unwrap();
    assert_eq!(link, format!("file://{}", report.display()));
    let frame = gallery.eval("document.querySelector('iframe').src");
    assert!(
        frame.as_str().unwrap().ends_with("letters/00001-S001.html"),
        "{frame}"
    );
    gallery.assert_quiet();
}

#[test]
fn keys_go_through_the_letters_and_find_one() {
    let batch = TestBatch::new(30);
    let Some(mut gallery) = Gallery::of(&batch) else {
        return;
    };
    for _ in 0..3 {
        gallery.browser.press("j");
    }
    gallery.browser.press("k");
    assert_eq!(gallery.text("#name"), "School 3");
    gallery.browser.press("/");
    gallery.browser.write("school 27");
    assert_eq!(gallery.shown(), 1);
    assert_eq!(gallery.text("#count"), "1 of 30 letters");
    gallery.browser.press("Enter");
    assert_eq!(gallery.text("#name"), "School 27");
    let hash = gallery.eval("location.hash");
    assert!(hash.as_str().unwrap().contains("id=S027"), "{hash}");
    gallery.browser.press("Escape");
    // Nothing comes before the only letter, and nothing after it.
    gallery.browser.press("j");
    gallery.browser.press("k");
    assert_eq!(gallery.text("#name"), "School 27");
    gallery.assert_quiet();
}

#[test]
fn the_plain_text_is_shown_instead_of_the_letter() {
    let batch = TestBatch::new(1);
    let Some(mut gallery) = Gallery::of(&batch) else {
        return;
    };
    gallery.eval("document.getElementById('tab-text').click()");
    let frame = gallery.eval("document.querySelector('iframe').src");
    assert!(frame.as_str().unwrap().ends_with("00001-S001.text.html"));
    let selected = gallery.eval("document.querySelector('[aria-selected=true]').textContent");
    assert_eq!(selected, "Plain text");
    let text = fs::read_to_string(batch.path("preview/letters/00001-S001.text.html")).unwrap();
    assert!(text.contains("Dear School 1,"));
    gallery.assert_quiet();
}

#[test]
fn letters_with_warnings_are_marked_and_can_be_shown_alone() {
    let batch = TestBatch::new(3);
    batch.replace("list.csv", "teacher2@school2.example", "teacher2@gmial.com");
    let Some(mut gallery) = Gallery::of(&batch) else {
        return;
    };
    gallery.eval("document.getElementById('show').value = 'warnings'; document.getElementById('show').dispatchEvent(new Event('change'))");
    assert_eq!(gallery.shown(), 1);
    // Not the text as it is drawn: a row that is out of sight is not.
    let listed = gallery.eval("document.getElementById('letters').textContent");
    assert!(listed.as_str().unwrap().contains("1 warning"), "{listed}");
    gallery.eval("document.querySelector('#letters button').click()");
    assert!(gallery.text("#warnings").contains("gmial.com"));
}

#[test]
fn markup_in_a_school_s_name_stays_text() {
    let batch = TestBatch::new(2);
    let name = "</script><img src=x onerror=alert(1)>";
    batch.replace("list.csv", "School 2", name);
    let Some(mut gallery) = Gallery::of(&batch) else {
        return;
    };
    gallery.browser.press("j");
    assert_eq!(gallery.text("#name"), name);
    assert_eq!(
        gallery.eval("document.querySelectorAll('#name *, #letters img').length"),
        json!(0)
    );
    gallery.assert_quiet();
}

#[test]
fn a_letter_runs_nothing_and_loads_nothing() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    server.set_nonblocking(true).unwrap();
    let site = format!("http://{}", server.local_addr().unwrap());
    let batch = TestBatch::new(1);
    batch.write(
        "letter.html",
        format!(
            "\u{a0}<!doctype html><html><head><meta http-equiv=refresh content=\"0;{site}/\">\
             <base href=\"{site}/\"><link rel=stylesheet href=\"{site}/style.css\"></head><body>\
             <p>Dear {{{{ name }}}}</p><img src=\"{site}/pixel.png\"><iframe src=\"{site}/\"></iframe>\
             <script>top.document.title = 'taken'</script></body></html>"
        ),
    );
    let Some(mut gallery) = Gallery::of(&batch) else {
        return;
    };
    gallery.eval(
        "new Promise((done) => { const frame = document.querySelector('iframe'); \
         frame.onload = done; frame.src = frame.src; })",
    );
    assert_eq!(gallery.eval("document.title"), "Preview: Test reports");
    let asked = server.accept().map(|_| ());
    assert_eq!(asked.unwrap_err().kind(), ErrorKind::WouldBlock);
}

#[test]
fn two_thousand_letters_open_at_once() {
    let batch = TestBatch::new(2_000);
    let Some(mut gallery) = Gallery::of(&batch) else {
        return;
    };
    assert_eq!(gallery.shown(), 2_000);
    gallery.browser.press("/");
    gallery.browser.write("school 1999");
    assert_eq!(gallery.shown(), 1);
    // One frame, whatever the number of letters.
    assert_eq!(
        gallery.eval("document.querySelectorAll('iframe').length"),
        json!(1)
    );
    gallery.assert_quiet();
}

#[test]
fn on_a_telephone_the_list_and_a_letter_take_turns() {
    let batch = TestBatch::new(3);
    let Some(mut gallery) = Gallery::of(&batch) else {
        return;
    };
    gallery.browser.look(390, true);
    gallery.open();
    let visible = "[...document.querySelectorAll('.list, main')].filter((part) => part.offsetParent !== null).map((part) => part.localName).join()";
    assert_eq!(gallery.eval(visible), "nav");
    gallery.eval("document.querySelectorAll('#letters button')[1].click()");
    assert_eq!(gallery.eval(visible), "main");
    assert_eq!(gallery.text("#name"), "School 2");
    let wide = "document.documentElement.scrollWidth > window.innerWidth";
    assert_eq!(gallery.eval(wide), json!(false));
    gallery.eval("document.getElementById('back').click()");
    assert_eq!(gallery.eval(visible), "nav");
    let background = gallery.eval("getComputedStyle(document.documentElement).backgroundColor");
    assert_eq!(background, "rgb(21, 24, 28)");
    gallery.assert_quiet();
}

#[test]
fn nothing_runs_out_of_a_telephone_s_screen() {
    let batch = TestBatch::new(3);
    let long = "head.of.a.school.with.a.long.name@a-school-with-a-long-name.north.example";
    let list = fs::read_to_string(batch.path("list.csv")).unwrap();
    let list = list
        .replace(
            "teacher1@school1.example",
            &format!("\"{long}, second.{long}\""),
        )
        .replace("School 2", &"Abcdefghijklm".repeat(8));
    batch.write("list.csv", list);
    let Some(mut gallery) = Gallery::of(&batch) else {
        return;
    };
    gallery.browser.look(390, false);
    gallery.open();
    let outside = "[...document.querySelectorAll('body *')].filter((part) => part.getClientRects().length > 0 \
        && part.getBoundingClientRect().right > 390.5).map((part) => part.outerHTML.slice(0, 80))";
    for letter in 0..3 {
        assert_eq!(gallery.eval(outside), json!([]));
        gallery.eval(&format!(
            "document.querySelectorAll('#letters button')[{letter}].click()"
        ));
        assert_eq!(gallery.eval(outside), json!([]));
        gallery.eval("document.getElementById('back').click()");
    }
}

#[test]
fn the_letter_that_is_open_is_one_that_the_search_shows() {
    let batch = TestBatch::new(30);
    let Some(mut gallery) = Gallery::of(&batch) else {
        return;
    };
    gallery.browser.press("j");
    assert_eq!(gallery.text("#name"), "School 2");
    gallery.browser.press("/");
    gallery.browser.write("school 2");
    // It is among those that fit, and stays.
    assert_eq!(gallery.text("#name"), "School 2");
    gallery.browser.write("7");
    assert_eq!(gallery.text("#name"), "School 27");
    assert_eq!(gallery.text("#place"), "1 of 1");
    gallery.browser.write("9");
    assert_eq!(gallery.shown(), 0);
    assert_eq!(
        gallery.text("#none"),
        "No letter fits what is searched for."
    );
    let is_hidden = gallery.eval("document.getElementById('open').offsetParent === null");
    assert_eq!(is_hidden, json!(true));
    gallery.eval("document.getElementById('search').value = ''; document.getElementById('search').dispatchEvent(new Event('input'))");
    assert_eq!(gallery.text("#name"), "School 27");
    assert_eq!(gallery.text("#place"), "27 of 30");
    gallery.assert_quiet();
}

#[test]
fn everything_has_a_name_for_a_screen_reader() {
    let batch = TestBatch::new(2);
    let Some(mut gallery) = Gallery::of(&batch) else {
        return;
    };
    let things = gallery.accessible();
    for (role, name) in [
        ("navigation", "Letters"),
        (
            "searchbox",
            "Search letters by id, name, address or subject",
        ),
        ("combobox", "Which letters"),
        ("tab", "Letter"),
        ("Iframe", "The letter as its recipient sees it"),
    ] {
        let found = things
            .iter()
            .any(|(other, text)| other == role && text == name);
        assert!(found, "{role} {name}: {things:#?}");
    }
    let nameless: Vec<_> = things
        .iter()
        .filter(|(role, name)| {
            ["button", "link", "tab", "searchbox"].contains(&role.as_str()) && name.is_empty()
        })
        .collect();
    assert!(nameless.is_empty(), "{nameless:?}");
}
