//! `postroom resend`: letters that went out are sent again, on purpose.

use std::sync::Arc;

use super::args::ResendArgs;
use super::console::Console;
use super::ending::show_end;
use super::exit::{Exit, Stop};
use super::front::TerminalFront;
use super::on_end;
use super::send::{consent, listen_for_interrupt, refused};
use super::signed_in::SignedIn;
use crate::clock::Clock;
use crate::dispatch::Interrupt;
use crate::mailing::{Loaded, ResendChoice, ResendRequest, person, resend};

pub(super) fn run(
    args: &ResendArgs,
    console: &Console,
    clock: &Arc<dyn Clock>,
) -> Result<Exit, Stop> {
    let loaded = Loaded::load(&args.common.load_request())?;
    let bearer = SignedIn::bearer(&loaded.secrets.sign_in, clock);
    let request = ResendRequest {
        choice: if args.bounced {
            ResendChoice::Bounced
        } else {
            ResendChoice::Only(args.only.clone())
        },
        because: args.because.clone(),
        by: person(),
        all_addresses: args.all_addresses,
        plan: args.plan.clone(),
        consent: consent(args.yes || args.plan.is_some()),
    };
    let interrupt = Interrupt::default();
    let mut front = TerminalFront::new(console, &**clock, &interrupt, false);
    listen_for_interrupt(&interrupt);
    let begun = clock.elapsed();
    let finished = resend(&loaded, &request, &bearer, &**clock, &interrupt, &mut front);
    drop(front);
    let finished = finished.map_err(|error| refused(error, &loaded, false, console))?;
    let exit = show_end(&loaded, &finished, false, console)?;
    let took = clock.elapsed().saturating_sub(begun);
    on_end::announce(&loaded, &finished, false, took, console);
    Ok(exit)
}
