//! postroom
fn main() {}
