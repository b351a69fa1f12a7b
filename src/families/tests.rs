//! The bodies of all families, in tables.

mod hostile;
mod replies;
mod requests;
mod streams;
mod texts;
