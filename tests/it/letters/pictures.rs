//! Pictures that go with the letter.

use std::fs;

use mail_parser::{MessageParser, MimeHeaders};

use super::{assert_finds, in_markdown, mail};
use crate::support::chromium::{Chromium, file_url};
use crate::support::png::png;
use crate::support::servers::or_skip;

#[test]
fn a_picture_goes_once_however_often_it_is_shown() {
    let batch = in_markdown(
        1,
        "![Study](logo.png) Dear {{ name }}\n\n![Study](logo.png)\n\n<img src=\"charts/{{ id }}.png\" alt=\"Chart\">\n",
    );
    batch.write("logo.png", png(40, 20, [200, 0, 0]));
    fs::create_dir(batch.path("charts")).unwrap();
    batch.write("charts/S001.png", png(8, 8, [0, 0, 200]));
    batch.run("check", &[]).expect(0);
    batch.send(&[]).expect(0);
    let bytes = mail(&batch, "S001");
    let mail = MessageParser::new().parse(&bytes).unwrap();
    let pictures: Vec<_> = mail
        .parts
        .iter()
        .filter(|part| part.content_id().is_some())
        .collect();
    assert_eq!(pictures.len(), 2);
    let html = mail.body_html(0).unwrap();
    for (picture, (shown, file)) in pictures
        .iter()
        .zip([(2, "logo.png"), (1, "charts/S001.png")])
    {
        let id = picture.content_id().unwrap();
        assert_eq!(html.matches(&format!("cid:{id}")).count(), shown, "{html}");
        assert_eq!(picture.contents(), fs::read(batch.path(file)).unwrap());
    }
}

#[test]
fn the_preview_shows_the_pictures_in_a_browser() {
    let batch = in_markdown(1, "![Study](logo.png)\n\nDear {{ name }}\n");
    batch.write("logo.png", png(40, 20, [200, 0, 0]));
    batch.run("preview", &[]).expect(0);
    let Some(mut browser) = or_skip(Chromium::start()) else {
        return;
    };
    browser.look(1280, false);
    let letter = batch.path("preview/letters/00001-S001.html");
    browser.open(&file_url(&letter.canonicalize().unwrap()));
    let width = browser.eval("document.images[0].naturalWidth");
    assert_eq!(width, 40);
    assert_eq!(browser.complaints(), Vec::<String>::new());
    let text = browser.text("document.body.innerText");
    assert!(text.contains("Dear School 1"), "{text}");
}

#[test]
fn another_picture_is_another_plan() {
    let batch = in_markdown(2, "![Study](logo.png)\n\nDear {{ name }}\n");
    batch.write("logo.png", png(40, 20, [200, 0, 0]));
    batch.send(&["--limit", "1"]).expect(0);
    batch.write("logo.png", png(40, 20, [0, 200, 0]));
    batch.send(&[]).expect(3).says("changed");
}

#[test]
fn only_pictures_of_the_folder_go_into_a_letter() {
    let batch = in_markdown(1, "![x](secret.png)\n");
    batch.write("secret.png", "password = 1");
    assert_finds(&batch, 3, "no picture that mail programs show");
    batch.write("letter.md", "![x](../secret.png)\n");
    assert_finds(&batch, 3, "outside the batch's folder");
    batch.write("letter.md", "![x](/etc/hostname)\n");
    assert_finds(&batch, 3, "place on this machine");
    batch.write("letter.md", "![x](https://tracker.example/x.png)\n");
    assert_finds(&batch, 0, "img from tracker.example");
}
