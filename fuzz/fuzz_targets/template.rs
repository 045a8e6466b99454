#![no_main]

#[path = "../properties.rs"]
#[allow(dead_code, reason = "each target holds one kind of input to its properties")]
mod properties;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| properties::template(bytes));
