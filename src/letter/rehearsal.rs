//! A rehearsal's letter: every address replaced, and the real ones shown in the body.

use crate::address::{Address, HeaderText, Mailbox};
use crate::page::escape;

use super::Letter;

/// Sends a letter to `to` alone. The subject is stamped and the real addresses stand in a box at
/// the top of the body.
pub(super) fn redirect(letter: &mut Letter, to: &Address) {
    let lists = [("To", &letter.to), ("Cc", &letter.cc), ("Bcc", &letter.bcc)];
    let mut html = String::from(
        "<div style=\"border:2px solid #b00;padding:8px;margin:0 0 16px\"><b>Rehearsal.</b> \
         In the real run this letter goes to:<br>\r\n",
    );
    let mut text = String::from("REHEARSAL. In the real run this letter goes to:\r\n");
    for (header, mailboxes) in lists {
        for mailbox in mailboxes {
            text.push_str(&format!("{header}: {mailbox}\r\n"));
            html.push_str(&format!(
                "{header}: {}<br>\r\n",
                escape(&mailbox.to_string())
            ));
        }
    }
    html.push_str("</div>\r\n");
    text.push_str("\r\n");
    // Before the box stands in the HTML, or it would stand there twice.
    letter.own_text = Some(format!("{text}{}", letter.text()));
    if let Some(body) = &mut letter.html {
        body.insert_str(body_start(body), &html);
    }
    // The stamp has no line break in it, and neither has the subject.
    if let Ok(subject) = HeaderText::parse(&format!("[Rehearsal] {}", letter.subject)) {
        letter.subject = subject;
    }
    letter.to = vec![Mailbox::from(to.clone())];
    letter.cc.clear();
    letter.bcc.clear();
    letter.is_rehearsal = true;
}

/// Where the body's content begins: behind the `<body>` tag if there is one.
fn body_start(html: &str) -> usize {
    let lower = html.to_ascii_lowercase();
    lower
        .find("<body")
        .and_then(|tag| lower[tag..].find('>').map(|end| tag + end + 1))
        .unwrap_or(0)
}
