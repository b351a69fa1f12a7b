//! Provisioned throughput: bought, set up, changed, deleted, in service time (facts §1.4, §2.4).
//!
//! `lifecycle` is the state machine, `subject` what is bought, `shelf` keeps what was, `operations` speaks HTTP. How calls
//! of it are metered is in `account`.

mod lifecycle;
mod operations;
mod shelf;
mod subject;

pub(super) use operations::{create, delete, get, list, new_id, update};
pub(super) use shelf::{Serving, Shelf};
