//! Signing in through the front door: `postroom login`, `logout` and `whoami`, and sending with the
//! tokens that come of it, against a fake of Microsoft's sign-in service.

mod app;
mod browser;
mod command;
mod device;
mod keys;
mod paste;
mod refresh;
mod refusals;
mod shapes;
mod smtp;
mod store;
mod whoami;
