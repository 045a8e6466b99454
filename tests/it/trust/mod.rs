//! What somebody else put into a batch's folder, and what it cannot do: have another file written over
//! or read, send a letter to a server that nobody looked at, or take a password or token there.

mod destination;
#[cfg(unix)]
mod echo;
#[cfg(unix)]
mod files;
#[cfg(unix)]
mod races;
#[cfg(unix)]
mod second_user;
#[cfg(unix)]
mod secrets;
#[cfg(unix)]
mod tokens;

/// Makes a file somebody else's, which the system's own user alone may do. Says whether it is.
#[cfg(unix)]
fn given_away(path: &std::path::Path) -> bool {
    let given = std::os::unix::fs::chown(path, Some(65534), None);
    if given.is_err() {
        eprintln!("skipped: only root can give a file to another user");
    }
    given.is_ok()
}
