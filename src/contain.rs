//! Other people's code, run on a file that nobody foresaw: where it panics, that file is damaged and
//! the program goes on.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Runs what may panic, and does not show that it did.
///
/// # Errors
///
/// What it panicked with. What `run` was changing then is to be thrown away.
pub(crate) fn panics<T>(run: impl FnOnce() -> T) -> Result<T, Box<dyn Any + Send>> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let shown = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !QUIET.get() {
                shown(panic);
            }
        }));
    });
    let was_quiet = QUIET.replace(true);
    let done = catch_unwind(AssertUnwindSafe(run));
    QUIET.set(was_quiet);
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_comes_back_and_later_ones_are_shown_again() {
        let panicked = panics(|| -> u32 { panic!("not shown") }).unwrap_err();
        assert_eq!(panicked.downcast_ref(), Some(&"not shown"));
        assert!(!QUIET.get());
        assert!(panics(|| panics(|| ()).is_ok() && QUIET.get()).unwrap());
    }
}
