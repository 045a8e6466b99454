//! A batch that has begun, and whose state file does not know of it: it was lost, or it lies on another
//! machine.

use std::path::Path;

use super::args::SendArgs;
use super::console::Console;
use super::exit::{Exit, Stop};
use super::online::{said, stop};
use super::prepare::{Loaded, Prepared};
use crate::message::message_id;
use crate::transport::{Doubt, LookUp, SendError, Transport};

/// Letters that are looked for before the first one goes out. Runs go by the order of the list, so a
/// run that got anywhere left one of them, unless all were rejected.
const LOOKED_FOR: usize = 3;

/// Looks whether letters of the plan are there already, although the state file knows of none.
///
/// # Errors
/// When one is, or when who we are is not accepted.
pub(super) fn look(
    args: &SendArgs,
    loaded: &Loaded,
    prepared: &Prepared,
    transport: &mut dyn Transport,
    state: &Path,
    console: &Console,
) -> Result<(), Stop> {
    let Prepared { letters, plan, .. } = prepared;
    let from = &letters.from().address;
    let is_wanted = |id: &str| args.only.is_empty() || args.only.iter().any(|only| only == id);
    let first = (0..letters.len())
        .filter(|&index| is_wanted(letters.id(index)))
        .take(LOOKED_FOR);
    for index in first {
        let Some(planned) = plan.letter(index) else {
            continue;
        };
        let id = letters.id(index);
        let message_id = message_id(&loaded.batch.name, id, &planned.digest, from);
        let doubt = Doubt {
            id,
            message_id: &message_id,
            note: None,
        };
        match transport.look_up(&doubt) {
            Ok(LookUp::Found(receipt)) => {
                return Err(Stop::new(
                    Exit::Faults,
                    format!(
                        "the letter of {id} went out already ({}: {}), and {} knows of no letter that did\n  nothing was sent\n  next: put the state file of the run that sent it in this place, or name it with --state FILE; to go on without it, though letters that went out may go out again, `postroom send --accept-lost-state`",
                        transport.describe(),
                        receipt.text,
                        state.display(),
                    ),
                ));
            }
            Ok(LookUp::Absent | LookUp::NotSeen | LookUp::Unknown) => {}
            // A password that is wrong is not tried twice.
            Err(error @ SendError::Unauthorised(_)) => return Err(stop(&error)),
            // The run ends by it, and tells why.
            Err(SendError::Unusable(_)) => return Ok(()),
            // A new batch is rarely an old one, so nobody is kept waiting for an answer.
            Err(error) => {
                console.note(&format!(
                    "it is not known whether letters of this batch went out before: {}",
                    said(&error)
                ));
                return Ok(());
            }
        }
    }
    Ok(())
}

/// The refusal of a word that is not needed, and would be dangerous where it is always given.
pub(super) fn nothing_lost(state: &Path) -> Stop {
    Stop::new(
        Exit::Usage,
        format!(
            "{} is not lost, so there is nothing to accept\n  nothing was sent\n  next: leave --accept-lost-state out",
            state.display()
        ),
    )
}
