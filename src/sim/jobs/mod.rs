//! Batch inference jobs, in service time (facts §1.4, §2.5).
//!
//! `lifecycle` is the state machine, `book` keeps the jobs, `operations` speaks HTTP. The `worker` runs them on a thread of
//! its own: it looks through the `input`, answers each `record`, and writes the `results` into S3. `seed` makes the jobs
//! that the scenario begins with, `backlog` tells CloudWatch.

mod backlog;
mod book;
mod input;
mod lifecycle;
mod limits;
mod operations;
mod place;
mod record;
mod results;
mod seed;
mod worker;

pub(super) use book::Jobs;
pub(super) use operations::{create, get, list, stop};
pub(super) use seed::jobs as beginning;
pub(super) use worker::work;
