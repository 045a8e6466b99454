//! Mails that come back, made for these tests.

/// A delivery report about one address.
#[derive(Clone)]
pub struct Report {
    address: String,
    action: String,
    code: String,
    line: String,
    pub about: String,
    name: String,
    date: String,
}

impl Report {
    /// That an address does not exist.
    pub fn failed(address: &str) -> Self {
        Self {
            address: address.to_owned(),
            action: "failed".into(),
            code: "5.1.1".into(),
            line: format!("550 5.1.1 <{address}>: Recipient address rejected: User unknown"),
            about: String::new(),
            name: "b1@mx.study.example".into(),
            date: "Mon, 2 Nov 2026 09:00:00 +0000".into(),
        }
    }

    pub fn action(mut self, action: &str, code: &str) -> Self {
        self.action = action.to_owned();
        self.code = code.to_owned();
        self.line = format!("250 {code} ok");
        self
    }

    pub fn status(mut self, code: &str, line: &str) -> Self {
        self.code = code.to_owned();
        self.line = line.to_owned();
        self
    }

    /// The Message-ID of the message that came back.
    pub fn about(mut self, id: &str) -> Self {
        self.about = id.to_owned();
        self
    }

    /// Its own Message-ID.
    pub fn named(mut self, name: &str) -> Self {
        self.name = name.to_owned();
        self
    }

    /// Without a date, so that it may be about what went out just now.
    pub fn now(mut self) -> Self {
        self.date = "unknown".into();
        self
    }

    pub fn mail(&self) -> String {
        let Self {
            address,
            action,
            code,
            line,
            about,
            name,
            date,
        } = self;
        format!(
            "Return-Path: <>\nFrom: Mail Delivery System <MAILER-DAEMON@mx.study.example>\nTo: reports@study.example\n\
             Subject: Undelivered Mail Returned to Sender\nDate: {date}\nMessage-ID: <{name}>\nMIME-Version: 1.0\n\
             Content-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\n\n\
             --b\nContent-Type: text/plain; charset=us-ascii\n\nI'm sorry: your message could not be delivered.\n\n\
             --b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.study.example\n\n\
             Original-Recipient: rfc822;{address}\nFinal-Recipient: rfc822; {address}\nAction: {action}\nStatus: {code}\n\
             Diagnostic-Code: smtp; {line}\n\n--b\nContent-Type: text/rfc822-headers\n\n\
             From: Study <reports@study.example>\nTo: {address}\nSubject: Report\nMessage-ID: <{about}>\n\n--b--\n"
        )
    }
}

/// An answer of a person.
pub fn answer(id: &str) -> String {
    format!(
        "From: head@school1.example\nTo: reports@study.example\nSubject: Re: Report\nMessage-ID: <a1@school1.example>\n\
         In-Reply-To: <{id}>\nReferences: <{id}>\n\nThank you for the report.\n"
    )
}

/// An answer of a program.
pub fn automatic(id: &str) -> String {
    format!(
        "Return-Path: <>\nFrom: head@school1.example\nTo: reports@study.example\nSubject: Out of office\n\
         Message-ID: <o1@school1.example>\nAuto-Submitted: auto-replied\nIn-Reply-To: <{id}>\n\nI am away.\n"
    )
}
