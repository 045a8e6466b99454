//! Signing in through the front door: `postroom login`, `logout` and `whoami`, and sending with the
//! tokens that come of it, against a fake of Microsoft's sign-in service.

mod browser;
mod command;
mod device;
mod keys;
mod paste;
mod refresh;
mod refusals;
mod smtp;
mod store;
mod whoami;
