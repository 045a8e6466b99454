//! What reading one PDF may cost. The library that parses it has no bound over all that it keeps, so
//! that the bounds are kept here, by the thread that reads.

use std::any::Any;
use std::cell::RefCell;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use lopdf::Object;

/// Parsed things: numbers, names, brackets. Each costs about a hundred times its size in the file.
pub(super) const MOST_NODES: usize = 1_500_000;
/// What all object streams may unpack to.
const MOST_UNPACKED: usize = 64 << 20;
const MOST_OBJECTS: usize = 500_000;

/// What is left to the file in hand.
#[derive(Default)]
struct Left {
    nodes: usize,
    bytes: usize,
    unpacked: usize,
    objects: usize,
    /// Set when nobody waits for the text any more.
    abandoned: Option<Arc<AtomicBool>>,
}

thread_local! {
    static LEFT: RefCell<Left> = RefCell::default();
}

/// That a bound was passed, as it unwinds out of a library that cannot be asked to stop.
struct Passed;

/// Whether this is what unwound.
pub(super) fn is_passed(unwound: &(dyn Any + Send)) -> bool {
    unwound.is::<Passed>()
}

/// Begins with a file of so many bytes, which is given up on when the flag is set.
pub(super) fn begin(file: usize, abandoned: &Arc<AtomicBool>) {
    LEFT.set(Left {
        nodes: MOST_NODES,
        // Objects that do not lie on each other are no longer than their file.
        bytes: file,
        unpacked: MOST_UNPACKED,
        objects: MOST_OBJECTS,
        abandoned: Some(Arc::clone(abandoned)),
    });
}

fn charge(left: impl FnOnce(&mut Left) -> &mut usize, cost: usize) {
    let paid = LEFT.with_borrow_mut(|all| {
        let left = left(all);
        let rest = left.checked_sub(cost);
        *left = rest.unwrap_or(0);
        rest.is_some()
    });
    if !paid {
        resume_unwind(Box::new(Passed));
    }
    still_wanted();
}

/// Ends reading where nobody waits for it.
pub(super) fn still_wanted() {
    let abandoned = LEFT.with_borrow(|all| {
        let flag = all.abandoned.as_ref();
        flag.is_some_and(|flag| flag.load(Ordering::Relaxed))
    });
    if abandoned {
        resume_unwind(Box::new(Passed));
    }
}

/// Pays for parsed things.
pub(super) fn charge_nodes(nodes: usize) {
    charge(|left| &mut left.nodes, nodes);
}

/// Pays for what an object stream unpacked to.
pub(super) fn charge_unpacked(bytes: usize) {
    charge(|left| &mut left.unpacked, bytes);
}

/// How much an object stream may unpack to still.
pub(super) fn unpacked_left() -> usize {
    LEFT.with_borrow(|left| left.unpacked)
}

/// Pays for an object: several entries of a cross-reference may name the same.
pub(super) fn charge_object(object: &Object) {
    charge(|left| &mut left.objects, 1);
    charge(|left| &mut left.nodes, nodes_of(object));
    if let Ok(stream) = object.as_stream() {
        charge(|left| &mut left.bytes, stream.content.len());
    }
}

fn nodes_of(object: &Object) -> usize {
    match object {
        Object::Array(list) => 1 + list.iter().map(nodes_of).sum::<usize>(),
        Object::Dictionary(dictionary) => entries_of(dictionary),
        Object::Stream(stream) => entries_of(&stream.dict),
        Object::String(text, _) | Object::Name(text) => 1 + text.len() / 64,
        _ => 1,
    }
}

fn entries_of(dictionary: &lopdf::Dictionary) -> usize {
    let entries = dictionary.iter().map(|(_, value)| 1 + nodes_of(value));
    1 + entries.sum::<usize>()
}
