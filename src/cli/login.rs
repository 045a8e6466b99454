//! `postroom login`, `logout` and `whoami`.

use std::path::Path;
use std::sync::Arc;

use serde::Serialize;

use super::args::{LoginArgs, SignInArgs};
use super::console::Console;
use super::exit::{Exit, Stop};
use super::words;
use crate::auth::{
    self, AccessToken, AuthError, Flow, Identity, KeptIn, Person, Resource, Store, Tokens,
};
use crate::clock::Clock;
use crate::config::{NATIVE_CLIENT, Secrets};

pub(super) fn login(args: &LoginArgs, console: &Console, clock: &dyn Clock) -> Result<Exit, Stop> {
    let secrets = load(&args.sign_in)?;
    let settings = &secrets.sign_in;
    if settings.is_app()? {
        settings.app()?;
        console.result("the app signs in by itself: there is nothing to do; `postroom whoami` shows what it is allowed");
        return Ok(Exit::Success);
    }
    let registration = settings.registration()?;
    let identity = Identity::new(settings, registration.clone()).map_err(stop)?;
    if args.consent_url {
        let (user, admin) = identity.consent_urls();
        console.result(&format!(
            "for one user:\n{user}\n\nfor an administrator, for all users:\n{admin}"
        ));
        return Ok(Exit::Success);
    }
    let store = Store::new(settings, registration.clone()).map_err(stop)?;
    not_in_the_batch(&store, &args.sign_in)?;
    let flow = args.flow.unwrap_or_else(|| default_flow(&identity));
    // Without a terminal nobody was meant to be asked, unless the flow was named that needs none.
    if !Console::is_terminal() && (args.flow.is_none() || flow == Flow::Paste) {
        return Err(stop(AuthError::NoTerminal));
    }
    let grant = auth::sign_in(&identity, flow, &Terminal { console }, clock).map_err(stop)?;
    let refresh = grant.refresh.as_ref().ok_or_else(|| {
        Stop::new(
            Exit::SignIn,
            words::with_next(
                "the sign-in gave no refresh token, so it could not be kept",
                "ask IT whether the app may use offline_access",
            ),
        )
    })?;
    let kept_in = store.save(refresh).map_err(stop)?;
    if let KeptIn::FileInstead { file, why } = kept_in {
        console.note(&format!(
            "the keyring cannot keep the sign-in ({why}), so it is kept in {}",
            file.display()
        ));
    }
    console.result(&words::with_next(
        &format!("signed in as {}", registration.username),
        "`postroom whoami` shows what this sign-in allows",
    ));
    Ok(Exit::Success)
}

pub(super) fn logout(args: &SignInArgs, console: &Console) -> Result<Exit, Stop> {
    let secrets = load(args)?;
    if secrets.sign_in.is_app()? {
        console.result(
            "the app signs in by itself: nothing is kept on this machine but the secrets file",
        );
        return Ok(Exit::Success);
    }
    let registration = secrets.sign_in.registration()?;
    let account = registration.username.clone();
    let store = Store::new(&secrets.sign_in, registration).map_err(stop)?;
    let text = if store.clear().map_err(stop)? {
        format!("the sign-in of {account} is forgotten on this machine")
    } else {
        format!("nobody was signed in as {account}")
    };
    console.result(&text);
    Ok(Exit::Success)
}

/// What `whoami --json` prints.
#[derive(Serialize)]
struct WhoAmI {
    account: Option<String>,
    tenant: Option<String>,
    send_emails_as: Option<String>,
    resources: Vec<Access>,
}

#[derive(Serialize)]
struct Access {
    resource: &'static str,
    scopes: Vec<String>,
    expires_in_seconds: Option<u64>,
    abilities: Vec<&'static str>,
    error: Option<String>,
}

pub(super) fn whoami(
    args: &SignInArgs,
    console: &Console,
    clock: &Arc<dyn Clock>,
) -> Result<Exit, Stop> {
    let secrets = load(args)?;
    let settings = &secrets.sign_in;
    let is_app = settings.is_app()? && settings.token_command.is_none();
    let registration = match settings.token_command {
        Some(_) => settings.registration().ok(),
        None if is_app => None,
        None => Some(settings.registration()?),
    };
    let tokens = Tokens::new(settings, Arc::clone(clock)).map_err(stop)?;
    let mut resources = Vec::new();
    let mut first_error = None;
    for resource in Resource::ALL {
        let access = match tokens.access(resource, None) {
            Ok(token) => Access {
                resource: resource.name(),
                abilities: abilities(resource, &token),
                scopes: token.scopes,
                expires_in_seconds: token.expires_in.map(|good_for| good_for.as_secs()),
                error: None,
            },
            Err(error) => {
                let text = words::in_full(&error);
                first_error.get_or_insert(error);
                Access {
                    resource: resource.name(),
                    scopes: Vec::new(),
                    expires_in_seconds: None,
                    abilities: Vec::new(),
                    error: Some(text),
                }
            }
        };
        resources.push(access);
    }
    // One resource is enough to send; none is no sign-in.
    if let Some(error) =
        first_error.filter(|_| resources.iter().all(|access| access.error.is_some()))
    {
        return Err(stop(error));
    }
    let me = WhoAmI {
        account: registration
            .as_ref()
            .map(|registration| registration.username.to_string())
            .or_else(|| is_app.then(|| "the app itself, without a person".to_owned())),
        tenant: registration
            .map(|registration| registration.tenant_id)
            .or_else(|| settings.tenant_id.clone()),
        send_emails_as: secrets.send_emails_as.map(|mailbox| mailbox.to_string()),
        resources,
    };
    if console.output.json {
        console.json(&serde_json::to_string(&me).unwrap_or_default());
        console.json("\n");
        console.end_json();
    } else {
        console.result(&described(&me));
    }
    Ok(Exit::Success)
}

fn described(me: &WhoAmI) -> String {
    let or_none = |value: &Option<String>| value.clone().unwrap_or_else(|| "not given".to_owned());
    let mut text = format!(
        "account    {}\ntenant     {}\nsends as   {}",
        or_none(&me.account),
        or_none(&me.tenant),
        or_none(&me.send_emails_as)
    );
    for access in &me.resources {
        text.push_str(&format!("\n{}", access.resource));
        if let Some(error) = &access.error {
            text.push_str(&format!("\n  no access: {}", error.replace('\n', "\n  ")));
            continue;
        }
        let scopes = if access.scopes.is_empty() {
            "not known".to_owned()
        } else {
            access.scopes.join(" ")
        };
        text.push_str(&format!("\n  granted  {scopes}"));
        if let Some(seconds) = access.expires_in_seconds {
            let left = words::duration(std::time::Duration::from_secs(seconds));
            text.push_str(&format!("\n  good for {left}, renewed by itself"));
        }
        if !access.abilities.is_empty() {
            text.push_str(&format!("\n  allows   {}", access.abilities.join(", ")));
        }
    }
    text
}

/// What follows from the scopes of a token.
fn abilities(resource: Resource, token: &AccessToken) -> Vec<&'static str> {
    let scopes = &token.scopes;
    let known: &[(&[&str], &str)] = match resource {
        Resource::Graph if token.is_app => &[
            (&["Mail.Send"], "send from every mailbox"),
            (&["Mail.Read", "Mail.ReadWrite"], "look up letters in doubt"),
            (&["Mail.ReadWrite"], "drafts and large PDFs"),
        ],
        Resource::Outlook if token.is_app => &[(&["SMTP.SendAsApp"], "send over SMTP")],
        Resource::Graph => &[
            (&["Mail.Send.Shared"], "send from the shared mailbox"),
            (&["Mail.Send"], "send from your own mailbox"),
            (
                &["Mail.Read.Shared", "Mail.ReadWrite.Shared"],
                "look up letters in doubt",
            ),
            (&["Mail.ReadWrite.Shared"], "drafts and large PDFs"),
        ],
        Resource::Outlook => &[
            (&["EWS.AccessAsUser.All"], "Exchange Web Services"),
            (&["SMTP.Send"], "send over SMTP"),
        ],
    };
    // A scope is written with or without its resource in front.
    let has = |name: &str| {
        scopes.iter().any(|scope| {
            scope
                .rsplit('/')
                .next()
                .is_some_and(|last| last.eq_ignore_ascii_case(name))
        })
    };
    known
        .iter()
        .filter(|(any, _)| any.iter().any(|name| has(name)))
        .map(|(_, ability)| *ability)
        .collect()
}

fn load(args: &SignInArgs) -> Result<Secrets, Stop> {
    let environment = |key: &str| std::env::var(key).ok();
    Ok(Secrets::load(
        args.folder(),
        args.secrets.as_deref(),
        &environment,
    )?)
}

/// A batch folder is copied and shared; the sign-in must not go with it.
fn not_in_the_batch(store: &Store, args: &SignInArgs) -> Result<(), Stop> {
    let folder = args.folder();
    // The folder of the file need not be there yet, and that of a batch file may be unnamed.
    let place = store.file().and_then(|file| {
        file.ancestors()
            .skip(1)
            .find_map(|above| above.canonicalize().ok())
    });
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let is_batch = args.batch.is_file() || folder.join("batch.toml").exists();
    let inside = is_batch
        && matches!((place, folder.canonicalize()), (Some(place), Ok(folder)) if place.starts_with(&folder));
    if inside {
        return Err(Stop::new(
            Exit::Usage,
            words::with_next(
                "token_store is in the batch's folder",
                "name a file elsewhere: a batch folder is copied and shared",
            ),
        ));
    }
    Ok(())
}

/// The flow that fits the redirect address of the secrets file.
fn default_flow(identity: &Identity) -> Flow {
    match identity.redirect_uri().unwrap_or(NATIVE_CLIENT) {
        uri if uri.starts_with("http://localhost") => Flow::Browser,
        _ => Flow::Paste,
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it stands behind map_err")]
fn stop(error: AuthError) -> Stop {
    let exit = match &error {
        AuthError::Setting { .. } | AuthError::Incomplete(_) => Exit::Usage,
        AuthError::Refused { .. }
        | AuthError::Unreachable(_)
        | AuthError::Nonsense(_)
        | AuthError::SignedOut(_)
        | AuthError::WrongAccount { .. }
        | AuthError::Mismatch(_)
        | AuthError::TooLate(_)
        | AuthError::NoTerminal
        | AuthError::Store { .. }
        | AuthError::Command(_) => Exit::SignIn,
    };
    Stop::new(exit, words::in_full(&error))
}

/// The person at this terminal.
struct Terminal<'a> {
    console: &'a Console,
}

impl Person for Terminal<'_> {
    fn show(&self, text: &str) {
        self.console.note(text);
    }

    fn paste(&self) -> Result<String, AuthError> {
        let mut pasted = String::new();
        loop {
            let line = rpassword::read_password().map_err(|_| AuthError::NoTerminal)?;
            if line.trim().is_empty() {
                return Ok(pasted);
            }
            pasted.push_str(&line);
        }
    }

    fn open(&self, url: &str) {
        // Only for somebody who sits there. A machine without a browser has shown the address.
        if Console::is_terminal() {
            let _ = open::that_detached(url);
        }
    }
}
